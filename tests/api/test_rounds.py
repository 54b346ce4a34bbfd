"""Rounds and visits: entered once under the client's id, in one's own grid, and counted by outcome."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from data.catalogue.rounds import COLUMNS, load_rounds, read_rounds
from data.rules.table import RuleFileError

Make = Callable[[str], TestClient]
GRID, OTHER_GRID = "D1S1C1G1", "D1S1C1G2"
AT = "2026-01-05T08:00:00+08:00"
LIST = (
    "code,round,name,name_en,every,category,area_code\n"
    "a,消防,楼道,Stairs,shift,litter,\n"
    "b,消防,井盖,,week,,D1S1C1\n"
    "c,环境,别处,,day,,D2\n"
)


@pytest.fixture
def listed(town: Engine, tmp_path: Path) -> Engine:
    """The town with a list of three items: everywhere, in the worker's community, elsewhere."""
    path = tmp_path / "rounds.csv"
    path.write_text(LIST, "utf-8")
    with town.begin() as connection:
        assert load_rounds(connection, path) == 3
    return town


def put(client: TestClient, what: str, identity: str | None = None, **body: object):
    return client.put(f"/api/{what}/{identity or uuid.uuid4()}", json={"grid": GRID, "at": AT, **body})


def book(client: TestClient, grid: str = GRID) -> dict:
    answer = client.get(f"/api/rounds?within={grid}")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.usefixtures("listed")
def test_a_grids_book_has_its_items_and_its_buildings(client: Make) -> None:
    found = book(client("worker"))
    assert [(one["code"], one["every"], one["category_name"]) for one in found["items"]] == [
        ("a", "shift", "暴露垃圾"), ("b", "week", None),
    ]  # fmt: skip
    assert [one["code"] for one in found["units"]] == [f"{GRID}U1", f"{GRID}U2"]
    assert sum(one["households"] for one in found["units"]) == 600
    assert found["visits_by_outcome"] == {}
    assert all(one["last_at"] is None for one in found["items"] + found["units"])


@pytest.mark.usefixtures("listed")
def test_what_was_looked_at_is_entered_once_and_seen_by_who_leads(client: Make, fetch) -> None:
    worker, identity, incident, shift = client("worker"), *(str(uuid.uuid4()) for _ in range(3))
    sent = {"item": "a", "outcome": "finding", "incident_id": incident, "shift_id": shift}
    assert [put(worker, "rounds/marks", identity, **sent).status_code for _ in range(2)] == [201, 200]
    assert put(worker, "rounds/marks", identity, **{**sent, "outcome": "fine"}).status_code == 409
    assert fetch("SELECT count(*), min(incident_id::text) FROM round_mark") == [(1, incident)]
    put(worker, "rounds/marks", item="a", outcome="fine", at="2026-01-04T08:00:00+08:00")  # came late
    for reader in ("worker", "community", "street", "dispatcher"):
        (item, _) = book(client(reader))["items"]
        assert (item["last_at"], item["last_outcome"], item["last_shift"]) == ("2026-01-05T00:00:00Z", "finding", shift)


@pytest.mark.usefixtures("listed")
def test_visits_are_counted_by_outcome_and_the_last_one_of_a_building_is_shown(client: Make) -> None:
    worker, now = client("worker"), datetime.now(UTC)
    for days, unit, outcome in ((0, "U1", "met"), (1, "U1", "absent"), (2, "U2", "met"), (40, "U2", "vacant")):
        at = (now - timedelta(days=days)).isoformat()
        assert put(worker, "visits", unit=GRID + unit, outcome=outcome, at=at).status_code == 201
    found = book(worker)
    assert found["visits_by_outcome"] == {"met": 2, "absent": 1}  # of 31 days
    assert [one["last_outcome"] for one in found["units"]] == ["met", "met"]


@pytest.mark.usefixtures("listed")
def test_a_clock_that_is_ahead_counts_as_now(client: Make, fetch) -> None:
    put(client("worker"), "visits", unit=f"{GRID}U1", outcome="met", at="2999-01-01T00:00:00Z")
    assert fetch("SELECT at <= now() FROM visit") == [(True,)]


@pytest.mark.usefixtures("listed")
def test_who_enters_where(client: Make, fetch) -> None:
    """Only the grid's worker; whoever leads reads, and nobody else even that."""
    visit = {"unit": f"{GRID}U1", "outcome": "met"}
    expected = {"community": 403, "dispatcher": 403, "planner": 403, "far_worker": 404, "anonymous": 401}
    for login, status in expected.items():
        assert (login, put(client(login), "visits", **visit).status_code) == (login, status)
    worker = client("worker")
    assert put(worker, "visits", grid=OTHER_GRID, **visit).status_code == 403  # of the same community: seen, not theirs
    assert put(worker, "visits", grid="nowhere", **visit).status_code == 404
    assert put(worker, "visits", unit="D2S1C1G1U1", outcome="met").json()["errors"][0]["field"] == "unit"
    assert put(worker, "rounds/marks", item="z", outcome="fine").json()["errors"][0]["field"] == "item"
    assert put(worker, "visits", **{**visit, "outcome": "张三"}).status_code == 400
    assert put(worker, "visits", **visit, note="张三在家").status_code == 400  # no room for words about people
    assert fetch("SELECT (SELECT count(*) FROM visit) + (SELECT count(*) FROM round_mark)") == [(0,)]
    for login, status in {"planner": 403, "department": 403, "far_dispatcher": 404, "far_worker": 404}.items():
        assert (login, client(login).get(f"/api/rounds?within={GRID}").status_code) == (login, status)
    assert worker.get(f"/api/rounds?within={OTHER_GRID}").status_code == 403


def test_a_new_list_keeps_what_was_entered(client: Make, listed: Engine, tmp_path: Path) -> None:
    worker = client("worker")
    put(worker, "rounds/marks", item="a", outcome="fine")
    path = tmp_path / "next.csv"
    path.write_text("code,round,name,every\na,消防,楼道和天台,day\n", "utf-8")
    with listed.begin() as connection:
        load_rounds(connection, path)
    (item,) = book(worker)["items"]
    assert (item["name"], item["every"], item["last_outcome"]) == ("楼道和天台", "day", "fine")
    # the phone still has the old list: what was looked at under it and entered before is taken, a new item is not
    assert put(worker, "rounds/marks", item="a", outcome="fine").status_code == 201
    assert put(worker, "rounds/marks", item="b", outcome="fine").status_code == 400


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("a,消防,楼道,,hourly,,\n", "row 2, every: hourly"),
        ("a,消防,,,day,,\n", "row 2, name:"),
        ("a,消防,楼道,,day,,\na,消防,天台,,day,,\n", "row 3, code: a is an item already"),
        ("a,消防,楼道,,day,nothing,\n", "category: nothing of a is not in the catalogue"),
        ("a,消防,楼道,,day,,X9\n", "area_code: there is no area X9"),
    ],
)
def test_faulty_lists(town: Engine, tmp_path: Path, rows: str, sentence: str) -> None:
    path = tmp_path / "rounds.csv"
    path.write_text(",".join(COLUMNS) + "\n" + rows, "utf-8")
    with town.begin() as connection, pytest.raises(RuleFileError) as told:
        load_rounds(connection, path)
    assert any(sentence in fault for fault in told.value.faults)


def test_the_list_that_comes_along_can_be_read() -> None:
    items = read_rounds()
    assert {one.every for one in items} == {"shift", "day", "week", "month"}
