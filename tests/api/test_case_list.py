"""The list of incidents: who sees what, filters, order, pages. The town's incidents: see town.sql."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

Make = Callable[[str], TestClient]
ALL = {f"D{d}S{s}C{c}G{g}-1" for d in (1, 2) for s in (1, 2) for c in (1, 2) for g in (1, 2)}
OPEN = {code for code in ALL if "G1" in code}  # litter of 环卫, due 6 hours ago; those of G2 are closed noise of 城管


def codes(client: TestClient, query: str = "", status: int = 200) -> list[str]:
    answer = client.get(f"/api/incidents{query}")
    assert answer.status_code == status, answer.text
    return [one["properties"]["code"] for one in answer.json()["features"]]


@pytest.mark.parametrize(
    ("login", "prefix"),
    [("worker", "D1S1C1G1"), ("community", "D1S1C1"), ("street", "D1S1"), ("dispatcher", "D1"), ("chief", "D")],
)
def test_everyone_sees_their_own_areas(still: Make, login: str, prefix: str) -> None:
    assert set(codes(still(login))) == {code for code in ALL if code.startswith(prefix)}


def test_a_department_sees_its_own(still: Make) -> None:
    assert set(codes(still("department"))) == {code for code in ALL - OPEN if code.startswith("D1")}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?status=reported", OPEN), ("?status=reported,closed", ALL), ("?status=accepted", set()),
        ("?category=litter", OPEN), ("?category=city", ALL), ("?category=noise,litter", ALL), ("?category=?", set()),
        ("?department=环卫", OPEN), ("?source=patrol", ALL), ("?source=sensor", set()), ("?is_open=true", OPEN),
        ("?is_open=false", ALL - OPEN), ("?is_overdue=true", OPEN), ("?is_overdue=false", ALL - OPEN),
        ("?is_mine=true", set()), ("?is_mine=false", ALL), ("?within=D1S2", {c for c in ALL if "D1S2" in c}),
        ("?within=D2S1C1G2", {"D2S1C1G2-1"}), ("?bbox=115,30.2,115.005,30.21", {"D1S1C1G1-1"}),
        ("?q=D1S1C2G1", {"D1S1C2G1-1"}), ("?is_open=true&within=D2&q=S2C2", {"D2S2C2G1-1"}),
        ("?reported_from=2999-01-01T00:00:00Z", set()), ("?reported_before=2999-01-01T00:00:00Z", ALL),
        ("?due_before=2999-01-01T00:00:00%2B08:00", ALL), ("?due_before=2000-01-01T00:00:00Z", set()),
    ],
)  # fmt: skip
def test_filters(still: Make, query: str, expected: set[str]) -> None:
    assert set(codes(still("chief"), query)) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?status=odd", "status"), ("?status=", "status"), ("?source=worker,", "source"), ("?is_open=2", "is_open"),
        ("?bbox=1,2,3", "bbox"), ("?limit=0", "limit"), ("?limit=1001", "limit"), ("?order=age", "order"),
        ("?cursor=x", "cursor"), ("?reported_from=2026-01-01", "reported_from"), ("?colour=red", "colour"),
        ("?q=", "q"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(still: Make, query: str, field: str) -> None:
    answer = still("chief").get(f"/api/incidents{query}")
    assert answer.status_code == 400
    assert field in {one["field"] for one in answer.json()["errors"]}


def test_an_area_that_is_not_there(still: Make) -> None:
    assert still("chief").get("/api/incidents?within=D9").status_code == 404


def test_pages_by_deadline_hold_everything_once(client: Make, town) -> None:
    """Five deadlines one hour apart, three at the same time, the rest none at all: none comes last."""
    with town.begin() as connection:
        connection.execute(text("UPDATE incident SET due_at = NULL"))
        rows = connection.execute(text("SELECT id, code FROM incident ORDER BY code")).all()
        for number, row in enumerate(rows[:8]):
            due = f"2026-03-01 {8 + min(number, 5):02}:00+08"
            connection.execute(text("UPDATE incident SET due_at = :due WHERE id = :id"), {"due": due, "id": row.id})
    chief = client("chief")
    seen, query = [], "?order=due&limit=3"
    while query:
        answer = chief.get(f"/api/incidents{query}").json()
        seen += [one["properties"]["code"] for one in answer["features"]]
        query = f"?order=due&limit=3&cursor={answer['next_cursor']}" if answer["next_cursor"] else ""
    assert seen[:5] == [row.code for row in rows[:5]]
    assert set(seen[5:8]) == {row.code for row in rows[5:8]}
    assert (len(seen), set(seen)) == (16, ALL)
    cursor = chief.get("/api/incidents?order=due&limit=3").json()["next_cursor"]
    assert chief.get(f"/api/incidents?cursor={cursor}").status_code == 400  # another order


def test_overdue_is_what_was_not_in_time_when_its_clock_stopped(client: Make, town) -> None:
    """Four open cases due six hours ago: one open, one resolved in time, one resolved too late, one paused."""
    with town.begin() as connection:
        for code, change in (
            ("D1S1C2G1-1", "status = 'resolved', resolved_at = due_at - interval '1 hour'"),
            ("D1S2C1G1-1", "status = 'verified', resolved_at = due_at + interval '1 hour'"),
            ("D1S2C2G1-1", "status = 'paused'"),
        ):
            connection.execute(text(f"UPDATE incident SET {change} WHERE code = :code"), {"code": code})
    chief = client("chief")
    assert set(codes(chief, "?is_overdue=true&within=D1")) == {"D1S1C1G1-1", "D1S2C1G1-1"}
    figures = chief.get("/api/figures?within=D1").json()
    assert (figures["incidents_open"], figures["incidents_overdue"]) == (4, 2)
    assert {one["code"]: one["overdue"] for one in figures["by_child"]} == {"D1S1": 1, "D1S2": 1}


def test_pages_newest_first_stay_complete_while_reports_come_in(client: Make) -> None:
    chief, worker = client("chief"), client("worker")
    first = chief.get("/api/incidents?limit=10").json()
    sent = {"category": "litter", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
    assert worker.put("/api/incidents/0199d2f0-0000-7000-8000-000000000001", json=sent).status_code == 201
    second = chief.get(f"/api/incidents?limit=10&cursor={first['next_cursor']}").json()
    listed = [one["properties"]["code"] for one in first["features"] + second["features"]]
    assert (len(listed), set(listed)) == (16, ALL)
    assert len(codes(worker, "?is_mine=true")) == 1
