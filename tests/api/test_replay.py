"""A day told in steps. The town: see town.sql."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.services import replay

Make = Callable[[str], TestClient]
ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 10, 12, tzinfo=ZONE)  # a day on which the town itself had no incident
SECRET = "张三家 13800000000"
HOUR = 3600


def put(engine: Engine, code: str, grid: str, steps: list[tuple[float, str]], **more: object) -> str:
    """Put an incident into a grid whose history is steps at hours after the day's begin."""
    identity = str(uuid4())
    last = steps[-1][1]
    ended = [DAY + timedelta(hours=at) for at, status in steps if status in ("closed", "rejected")]
    values = {
        "id": identity, "code": code, "grid": grid, "status": last, "secret": SECRET,
        "reported_at": DAY + timedelta(hours=steps[0][0]), "closed_at": ended[-1] if ended else None,
        "received_at": DAY + timedelta(hours=steps[0][0]), "resolved_at": None,
        "due_at": DAY + timedelta(hours=10), **more,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO incident (id, code, category, title, description, status, reported_at, received_at, "
                "due_at, resolved_at, closed_at, geom) "
                "SELECT CAST(:id AS uuid), :code, 'litter', :secret, :secret, :status, "
                ":reported_at, :received_at, :due_at, :resolved_at, :closed_at, ST_PointOnSurface(geom) "
                "FROM grid WHERE code = :grid AND is_effective"
            ),
            values,
        )
        if values["received_at"] is None:
            return identity
        for seq, (at, status) in enumerate(steps, 1):
            connection.execute(
                text(
                    "INSERT INTO incident_event (incident_id, seq, status, note, at, hash) "
                    "VALUES (CAST(:id AS uuid), :seq, :status, :secret, :at, :seq)"
                ),
                {"id": identity, "seq": seq, "status": status, "at": DAY + timedelta(hours=at), "secret": SECRET},
            )
    return identity


def told(client: TestClient, within: str = "D1", date: str = "2026-10-12") -> dict[str, list]:
    """The incidents of the day: code -> steps."""
    answer = client.get(f"/api/replay?within={within}&date={date}")
    assert answer.status_code == 200, answer.text
    return {one["code"]: one["steps"] for one in answer.json()["incidents"]}


@pytest.mark.parametrize(
    ("login", "query", "status"),
    [
        ("screen", "within=D1&date=2999-01-01", 400), ("screen", "within=D1&date=yesterday", 400),
        ("screen", "within=D1", 400), ("screen", "within=nowhere&date=2026-10-12", 404),
        ("screen", "within=D2&date=2026-10-12", 403), ("street", "within=D1S2&date=2026-10-12", 403),
        ("audit_admin", "within=D1&date=2026-10-12", 403), ("anonymous", "within=D1&date=2026-10-12", 401),
    ],
)  # fmt: skip
def test_refusals(still: Make, login: str, query: str, status: int) -> None:
    assert still(login).get(f"/api/replay?{query}").status_code == status


def test_a_day_is_told_in_steps(client: Make, town: Engine) -> None:
    """Whole days of Shanghai: what was closed before is left out, what came after too; history before the day stays."""
    put(town, "before", "D1S1C1G1", [(-5, "reported"), (-1, "closed")])
    put(town, "through", "D1S1C1G1", [(-30, "reported"), (-29, "accepted"), (2, "in_progress"), (3, "closed")])
    put(town, "within", "D1S2C1G1", [(8.5, "reported"), (9, "rejected")])
    put(town, "into", "D1S1C1G1", [(23, "reported"), (25, "accepted")])
    put(town, "after", "D1S1C1G1", [(24, "reported")])
    put(town, "elsewhere", "D2S1C1G1", [(1, "reported")])
    expected = {
        "through": [
            [-30 * HOUR, "reported"],
            [-29 * HOUR, "accepted"],
            [2 * HOUR, "in_progress"],
            [3 * HOUR, "closed"],
        ],
        "within": [[int(8.5 * HOUR), "reported"], [9 * HOUR, "rejected"]],
        "into": [[23 * HOUR, "reported"]],
    }
    assert told(client("screen")) == told(client("dispatcher")) == expected
    assert told(client("screen"), "D1S2") == {"within": expected["within"]}
    assert set(told(client("screen"), "D1S1C1G1")) == {"through", "into"}
    assert set(told(client("chief"), "D2")) == {"elsewhere"}
    assert told(client("screen"), date="2026-10-11") == {
        "before": [[19 * HOUR, "reported"], [23 * HOUR, "closed"]],
        "through": [[-6 * HOUR, "reported"], [-5 * HOUR, "accepted"]],
    }


def test_reopened_and_joined_ones_are_told(client: Make, town: Engine) -> None:
    put(town, "again", "D1S1C1G1", [(-9, "reported"), (-8, "closed"), (5, "reopened")], closed_at=None)
    gone = put(town, "gone", "D1S1C1G1", [(-50, "reported"), (6, "merged")])
    kept = put(town, "kept", "D1S1C1G1", [(1, "reported")])
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO incident_merge (incident_id, into_id, status_before, merged_by, merged_at) "
                "VALUES (CAST(:gone AS uuid), CAST(:kept AS uuid), 'reported', 1, :at)"
            ),
            {"gone": gone, "kept": kept, "at": DAY + timedelta(hours=6)},
        )
    found = told(client("screen"))
    assert [one[1] for one in found["again"]] == ["reported", "closed", "reopened"]
    assert [one[1] for one in found["gone"]] == ["reported", "merged"]
    assert "gone" not in told(client("screen"), date="2026-10-13")


def test_what_was_imported_without_a_history_changed_when_its_row_says(client: Make, town: Engine) -> None:
    at = {"received_at": None, "resolved_at": DAY + timedelta(hours=4), "closed_at": DAY + timedelta(hours=5)}
    put(town, "old", "D1S1C1G1", [(1, "rated")], **at)
    assert told(client("screen"))["old"] == [[HOUR, "reported"], [4 * HOUR, "resolved"], [5 * HOUR, "rated"]]


def test_a_replay_says_no_word_of_anybody(client: Make, town: Engine) -> None:
    put(town, "within", "D1S1C1G1", [(1, "reported"), (2, "closed")])
    answer = client("screen").get("/api/replay?within=D1&date=2026-10-12")
    assert SECRET not in answer.text
    assert set(answer.json()["incidents"][0]) == {
        "code", "category", "community", "grid", "lon", "lat", "due_s", "steps",
    }  # fmt: skip
    assert answer.json()["incidents"][0]["due_s"] == 10 * HOUR
    assert (answer.json()["begin"], answer.json()["time_zone"]) == ("2026-10-12T00:00:00+08:00", "Asia/Shanghai")


def test_the_steps_of_others_are_not_told_to_whom_may_not_see_the_incident(
    client: Make, town: Engine, app_engine: Engine
) -> None:
    """The functions read past row-level security, so they look at the scope themselves."""
    identity = put(town, "within", "D1S1C1G1", [(1, "reported")])
    put(town, "ended", "D1S1C1G1", [(1, "reported"), (2, "closed")])
    asked = (
        "SELECT count(*) FROM incident_steps(ARRAY[CAST(:id AS uuid)], now() + interval '1 year')",
        "SELECT count(*) FROM incidents_alive('D1', CAST(:day AS timestamptz), :until, 99)",
    )
    counts = []
    for scope in ("{D1.D1S1}", "{D2}", "{}"):
        with app_engine.begin() as connection:
            connection.execute(text("SELECT set_config('yiwangtu.case_scope', :scope, true)"), {"scope": scope})
            values = {"id": identity, "day": DAY, "until": DAY + timedelta(days=1)}
            counts.append([connection.execute(text(one), values).scalar() for one in asked])
    assert counts == [[1, 2], [0, 0], [0, 0]]


def test_the_edges_of_a_day_by_hand(client: Make, town: Engine) -> None:
    """The day has its first moment and not its last; a row that says it ended before its report breaks nothing."""
    second = 1 / HOUR
    put(town, "ended before", "D1S1C1G1", [(-3, "reported"), (-second, "closed")])
    put(town, "ended at its begin", "D1S1C1G1", [(-3, "reported"), (0, "closed")])
    put(town, "came at its end", "D1S1C1G1", [(24 - second, "reported")])
    put(town, "came after", "D1S1C1G1", [(24, "reported"), (25, "closed")])
    put(town, "absurd", "D1S1C1G1", [(5, "reported"), (3, "closed")], received_at=None)
    assert set(told(client("screen"))) == {"ended at its begin", "came at its end", "absurd"}


@pytest.mark.parametrize(("most", "status"), [(1, 400), (2, 200)])
def test_more_than_one_answer_tells_is_refused(
    client: Make, town: Engine, monkeypatch: pytest.MonkeyPatch, most: int, status: int
) -> None:
    monkeypatch.setattr(replay, "MOST_INCIDENTS", most)
    put(town, "open", "D1S1C1G1", [(1, "reported")])
    put(town, "ended", "D1S1C1G1", [(1, "reported"), (2, "closed")])
    answer = client("screen").get("/api/replay?within=D1&date=2026-10-12")
    assert answer.status_code == status
    assert ("smaller area" in answer.text) is (status == 400)
