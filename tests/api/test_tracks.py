"""Shifts and tracks: off unless asked for, the worker's alone, and gone after 30 days."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.services import tracks
from data import accounts
from data.scope import scoped
from layers.viewer import ANONYMOUS

Make = Callable[[str], TestClient]
GRID = "D1S1C1G1"
NOW = datetime.now(UTC).replace(microsecond=0)
STARTED = NOW - timedelta(hours=3)


def begin(client: TestClient, identity: str | None = None, **body: object) -> tuple[str, int]:
    identity = identity or str(uuid.uuid4())
    sent = {"grid": GRID, "started_at": STARTED.isoformat(), **body}
    return identity, client.put(f"/api/shifts/{identity}", json=sent).status_code


def points(*minutes: float) -> dict:
    return {"points": [
        {"at": (STARTED + timedelta(minutes=one)).isoformat(), "lon": 115.002, "lat": 30.201 + one / 1e4}
        for one in minutes
    ]}  # fmt: skip


def add(client: TestClient, shift: str, *minutes: float):
    return client.put(f"/api/shifts/{shift}/points", json=points(*minutes))


@pytest.fixture
def worker(client: Make) -> TestClient:
    return client("worker")


def test_a_shift_begins_and_ends_once(worker: TestClient) -> None:
    shift, first = begin(worker)
    assert (first, begin(worker, shift)[1]) == (201, 200)
    assert begin(worker, shift, is_tracked=True)[1] == 409
    for hours in (1, 2):
        ended = {"ended_at": (STARTED + timedelta(hours=hours)).isoformat()}
        assert worker.put(f"/api/shifts/{shift}/end", json=ended).status_code == 200
    (found,) = worker.get("/api/shifts").json()["shifts"]
    assert found == {
        "id": shift, "grid": GRID, "started_at": STARTED.isoformat().replace("+00:00", "Z"),
        "ended_at": (STARTED + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "is_tracked": False, "points": 0, "marks": 0, "visits": 0,
    }  # fmt: skip


def test_a_shift_keeps_no_track_unless_asked(worker: TestClient, fetch) -> None:
    shift, _ = begin(worker)
    assert add(worker, shift, 1).status_code == 409
    assert fetch("SELECT count(*) FROM track_point") == [(0,)]


def test_points_come_once_whatever_is_sent_twice(worker: TestClient, fetch) -> None:
    shift, _ = begin(worker, is_tracked=True)
    assert [add(worker, shift, *some).status_code for some in ((2, 1), (1, 2, 3))] == [200, 200]
    found = worker.get(f"/api/shifts/{shift}/track").json()["points"]
    assert [one["lat"] for one in found] == pytest.approx([30.2011, 30.2012, 30.2013])
    assert worker.get("/api/shifts").json()["shifts"][0]["points"] == 3
    looks = fetch("SELECT subject, detail FROM audit_event WHERE action = 'track.read'")
    assert looks == [(shift, {"points": 3})]


def test_points_outside_the_shift_are_refused(worker: TestClient, fetch) -> None:
    shift, _ = begin(worker, is_tracked=True)
    worker.put(f"/api/shifts/{shift}/end", json={"ended_at": (STARTED + timedelta(hours=1)).isoformat()})
    assert add(worker, shift, 59, 61).status_code == 200  # two minutes of a clock are forgiven
    for minutes in (-3, 63):
        answer = add(worker, shift, 30, minutes)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "points.1.at")
    assert fetch("SELECT count(*) FROM track_point") == [(2,)]


def test_a_track_is_its_workers_alone(client: Make, worker: TestClient, town: Engine) -> None:
    """Nobody reads it, erases it or adds to it: not who leads the grid, not another worker of the same grid."""
    with town.begin() as connection:
        post = accounts.Post("worker", GRID, "")
        accounts.add(connection, "colleague", name="测试", post=post, password="a drawn town 2024")
    shift, _ = begin(worker, is_tracked=True)
    add(worker, shift, 1)
    expected = {"colleague": 404, "community": 403, "dispatcher": 403, "audit_admin": 403, "far_worker": 404}
    for login, status in expected.items():
        other = client(login)
        answers = (
            other.get(f"/api/shifts/{shift}/track"), other.delete(f"/api/shifts/{shift}/track"), add(other, shift, 2),
        )  # fmt: skip
        assert [one.status_code for one in answers] == [status] * 3
    assert client("colleague").get("/api/shifts").json() == {"shifts": []}
    assert len(worker.get(f"/api/shifts/{shift}/track").json()["points"]) == 1


def test_a_worker_erases_the_own_track(worker: TestClient, fetch) -> None:
    shift, _ = begin(worker, is_tracked=True)
    add(worker, shift, 1, 2)
    assert worker.delete(f"/api/shifts/{shift}/track").status_code == 204
    assert worker.get(f"/api/shifts/{shift}/track").json() == {"points": []}
    assert fetch("SELECT detail FROM audit_event WHERE action = 'track.delete'") == [({"points": 2},)]


def test_tracks_are_forgotten_after_30_days(app: FastAPI, worker: TestClient, town: Engine, fetch) -> None:
    shift, _ = begin(worker, is_tracked=True)
    add(worker, shift, 1, 2, 3)
    with town.begin() as connection:
        for day, minute in (("30 days 1 minute", 1), ("29 days 23 hours", 2)):
            at = STARTED + timedelta(minutes=minute)
            connection.exec_driver_sql(
                "UPDATE track_point SET at = now() - CAST(%s AS interval) WHERE at = %s", (day, at)
            )
    with scoped(app.state.context.engine, ANONYMOUS) as connection:
        assert tracks.forget_old(connection) == 1
    app.state.context.calendar.turn()  # the server's own task does it too, and finds nothing more
    assert fetch("SELECT count(*) FROM track_point") == [(2,)]


def test_a_track_has_an_end(worker: TestClient, monkeypatch) -> None:
    monkeypatch.setattr(tracks, "MOST_OF_A_SHIFT", 3)
    shift, _ = begin(worker, is_tracked=True)
    assert add(worker, shift, 1, 2).status_code == 200
    assert add(worker, shift, 3, 4).status_code == 400
