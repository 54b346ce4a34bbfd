"""The grid of the day: what was reported before a plan came into force keeps its grid, what comes after gets the new.

In D1S1C1 today G1 (west, 600 households) and G2 (east, 200) are in force. The plan "D1 draft" has one grid there, G9,
on the whole community. Once G9 is in force G1 and G2 are history; the other communities of D1 keep their grids.
"""

import threading
import uuid
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text

from api.services.calendar import Calendar
from data import outbox
from data.force import put_due_in_force, put_in_force

IN_G1 = (115.0025, 30.205)
ZONE_DAY = "(now() AT TIME ZONE 'Asia/Shanghai')::date"


@pytest.fixture
def small_plan(town: Engine) -> int:
    """A plan of the community D1S1C1 alone, with G9; not in force."""
    with town.begin() as connection:
        plan_id = connection.execute(
            text(
                "UPDATE plan p SET area_id = a.id, path = a.path FROM area a "
                "WHERE a.code = 'D1S1C1' AND p.name = 'D1 draft' RETURNING p.id"
            )
        ).scalar_one()
    return int(plan_id)


def report(client, lon: float, lat: float, **more: object) -> dict:
    body = {
        "category": "litter",
        "title": "x",
        "lon": lon,
        "lat": lat,
        "datum": "wgs84",
        **more,
    }
    answer = client.put(f"/api/incidents/{uuid.uuid4()}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["properties"]


def in_force(fetch, path: str = "D1.D1S1") -> list[str]:
    rows = fetch("SELECT code FROM grid WHERE is_effective AND path <@ CAST(:path AS ltree) ORDER BY code", path=path)
    return [row[0] for row in rows]


def test_a_plan_of_a_part_replaces_only_the_grids_there(town, fetch, small_plan) -> None:
    with town.begin() as connection:
        put_in_force(connection, small_plan)
    assert in_force(fetch) == ["D1S1C1G9", "D1S1C2G1", "D1S1C2G2"]
    today = fetch(f"SELECT {ZONE_DAY}")[0][0]
    rows = fetch("SELECT code, valid_from, valid_to FROM grid WHERE path <@ 'D1.D1S1.D1S1C1' ORDER BY code")
    assert [tuple(row) for row in rows] == [
        ("D1S1C1G1", None, today), ("D1S1C1G2", None, today), ("D1S1C1G9", today, None),
    ]  # fmt: skip
    plans = fetch("SELECT name, status, retired_on FROM plan WHERE path @> 'D1.D1S1.D1S1C1' ORDER BY id")
    assert [tuple(plan) for plan in plans] == [("D1 in force", "effective", None), ("D1 draft", "effective", None)]


def test_the_plan_of_the_whole_retires_what_lies_inside(town, fetch, small_plan) -> None:
    with town.begin() as connection:
        put_in_force(connection, small_plan, date(2026, 3, 1))
        whole = connection.execute(text("SELECT id FROM plan WHERE name = 'D1 in force'")).scalar_one()
        put_in_force(connection, whole, date(2026, 4, 1))
    assert in_force(fetch, "D1.D1S1.D1S1C1") == ["D1S1C1G1", "D1S1C1G2"]
    assert fetch("SELECT status, retired_on FROM plan WHERE id = :id", id=small_plan)[0] == (
        "retired",
        date(2026, 4, 1),
    )


def test_incidents_keep_the_grid_of_their_day(town, client, fetch, small_plan) -> None:
    """Reported before: G1. Reported after: G9. Reported after, but of the day before: G1, for that was in force."""
    dispatcher = client("dispatcher")
    before = report(dispatcher, *IN_G1)
    with town.begin() as connection:
        put_in_force(connection, small_plan)
    after = report(dispatcher, *IN_G1)
    late = report(
        dispatcher, *IN_G1, occurred_at=fetch("SELECT now() - interval '1 day'")[0][0].isoformat()
    )  # fmt: skip
    kept = fetch("SELECT grid_code FROM incident WHERE code = :code", code=before["code"])[0][0]
    assert (kept, before["grid"], after["grid"], late["grid"]) == ("D1S1C1G1", "D1S1C1G1", "D1S1C1G9", "D1S1C1G1")


def test_figures_and_lists_keep_the_grid_of_the_day(town, client, small_plan) -> None:
    """G1 of D1S1C1 has one open incident, G2 a closed one; after the change G1's stays with G1, beside G9."""
    dispatcher = client("dispatcher")
    report(dispatcher, *IN_G1)
    with town.begin() as connection:
        put_in_force(connection, small_plan)
    report(dispatcher, *IN_G1)
    community = dispatcher.get("/api/figures?within=D1S1C1").json()
    assert [(row["code"], row["open"]) for row in community["by_child"]] == [("D1S1C1G1", 2), ("D1S1C1G9", 1)]
    assert community["incidents_open"] == 3
    assert community["grids"] == 1
    old, new = (dispatcher.get(f"/api/figures?within=D1S1C1{grid}").json() for grid in ("G1", "G9"))
    assert (old["incidents_open"], new["incidents_open"]) == (2, 1)
    for grid, count in (("G1", 2), ("G9", 1)):
        listed = dispatcher.get(f"/api/layers/incident/items?within=D1S1C1{grid}").json()["features"]
        assert [one["properties"]["grid"] for one in listed] == [f"D1S1C1{grid}"] * count
    shown = dispatcher.get("/api/layers/grid/items?within=D1S1C1").json()["features"]
    assert [one["properties"]["code"] for one in shown] == ["D1S1C1G9"]


def test_grids_as_of_a_day(town, client, small_plan) -> None:
    change = date(2026, 3, 1)
    with town.begin() as connection:
        put_in_force(connection, small_plan, change)
    planner = client("planner")

    def codes(day: date) -> list[str]:
        answer = planner.get(f"/api/grids?within=D1S1C1&as_of={day}")
        assert answer.status_code == 200, answer.text
        return [feature["properties"]["code"] for feature in answer.json()["features"]]

    assert codes(change - timedelta(days=1)) == ["D1S1C1G1", "D1S1C1G2"]
    assert codes(change) == ["D1S1C1G9"]
    assert codes(date(2099, 1, 1)) == ["D1S1C1G9"]
    assert codes(date(1990, 1, 1)) == ["D1S1C1G1", "D1S1C1G2"]  # for as long as anything is known
    assert planner.get("/api/grids?within=D2S1C1&as_of=2026-01-01").status_code == 403
    assert planner.get("/api/grids?within=D1&as_of=yesterday").status_code == 400


def test_a_worker_of_a_grid_that_ended_still_sees_its_cases(town, client, small_plan) -> None:
    with town.begin() as connection:
        put_in_force(connection, small_plan)
    worker = client("worker")
    assert worker.get("/api/session").json()["account"]["memberships"][0]["code"] == "D1S1C1G1"
    cases = worker.get("/api/layers/incident/items").json()["features"]
    assert [one["properties"]["grid"] for one in cases] == ["D1S1C1G1"]


@pytest.fixture
def approve(town: Engine) -> Callable[..., int]:
    """Approve a plan of a community for today in a time zone."""

    def make(community: str, zone: str, day_of: str) -> int:
        with town.begin() as connection:
            connection.execute(
                text("UPDATE area SET time_zone = :zone WHERE code = :code"), {"zone": zone, "code": community}
            )
            return int(
                connection.execute(
                    text(
                        "INSERT INTO plan "
                        "(scheme_id, area_id, path, name, status, effective_on, submitted_by, approved_by) SELECT "
                        "s.id, a.id, a.path, 'waiting', 'approved', (now() AT TIME ZONE :day_of)::date, 'a', 'b' "
                        "FROM grid_scheme s, area a WHERE s.code = 'community-grid' AND a.code = :code RETURNING id"
                    ),
                    {"code": community, "day_of": day_of},
                ).scalar_one()
            )

    return make


def test_the_day_begins_where_the_area_is(town, approve) -> None:
    """When a day begins on Kiritimati (UTC+14) it is still the day before on Pago Pago (UTC-11), at any hour."""
    here = approve("D1S1C1", "Pacific/Kiritimati", "Pacific/Kiritimati")
    there = approve("D1S1C2", "Pacific/Pago_Pago", "Pacific/Kiritimati")
    with town.begin() as connection:
        assert put_due_in_force(connection) == [here]
        status = connection.execute(text("SELECT status FROM plan WHERE id = :id"), {"id": there}).scalar_one()
    assert status == "approved"


def test_of_two_servers_one_puts_a_plan_in_force_and_once(town, app_engine, approve, fetch, until) -> None:
    """One transaction holds the turn; the other server waits for it and then finds nothing left to do."""
    plan_id = approve("D1S1C1", "Asia/Shanghai", "Asia/Shanghai")
    found: list[list[int]] = []
    other = threading.Thread(target=lambda: found.append(Calendar(app_engine).turn()))
    with town.begin() as connection:
        found.append(put_due_in_force(connection))
        other.start()
        until(lambda: fetch("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
    other.join()
    assert sorted(found) == [[], [plan_id]]
    assert fetch("SELECT count(*) FROM plan WHERE status = 'effective' AND path = 'D1.D1S1.D1S1C1'")[0][0] == 1


def test_the_running_server_puts_a_plan_in_force(running, approve, fetch, until, monkeypatch) -> None:
    monkeypatch.setattr("api.services.calendar.INTERVAL_S", 0.05)
    plan_id = approve("D1S1C1", "Asia/Shanghai", "Asia/Shanghai")
    running.app.state.context.calendar.close()
    calendar = Calendar(running.app.state.context.background)
    calendar.start()
    until(lambda: fetch("SELECT status FROM plan WHERE id = :id", id=plan_id)[0][0] == "effective")
    calendar.close()
    assert fetch("SELECT count(*) FROM audit_event WHERE action = 'plan.effective'")[0][0] == 1


def test_plans_of_one_area_come_into_force_in_the_order_of_their_days(town, approve, fetch) -> None:
    """After a long stop of the server two plans are due: the later one ends up in force, the earlier one is history."""
    early = approve("D1S1C1", "Asia/Shanghai", "Asia/Shanghai")
    late = approve("D1S1C1", "Asia/Shanghai", "Asia/Shanghai")
    with town.begin() as connection:
        connection.execute(
            text(
                "UPDATE plan SET effective_on = effective_on - CASE id WHEN :early THEN 9 ELSE 2 END "
                "WHERE status = 'approved'"
            ),
            {"early": early},
        )
        connection.execute(
            text(
                "INSERT INTO grid (plan_id, code, area_id, geom, path) SELECT p.id, 'N' || p.id, a.id, a.geom, "
                "a.path || ('N' || p.id) FROM plan p JOIN area a ON a.id = p.area_id WHERE p.status = 'approved'"
            )
        )
        assert put_due_in_force(connection) == [early, late]
    rows = fetch("SELECT status, retired_on - effective_on FROM plan WHERE id IN (:a, :b) ORDER BY id", a=early, b=late)
    assert [tuple(row) for row in rows] == [("retired", 7), ("effective", None)]
    assert in_force(fetch, "D1.D1S1.D1S1C1") == [f"N{late}"]


def test_layers_are_told_of_a_change_of_force(town, fetch, small_plan) -> None:
    before = dict(map(tuple, fetch("SELECT layer, revision FROM layer_revision")))
    with town.begin() as connection:
        put_in_force(connection, small_plan)
    while outbox.publish(town):
        pass
    after = dict(map(tuple, fetch("SELECT layer, revision FROM layer_revision")))
    assert {name for name in after if after[name] > before.get(name, 0)} == {"grid", "unit"}
