"""What the desk stands on: counts by step, departments chosen by hand, imported incidents taken in; see town.sql."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.services.admitting import admit
from data import chain
from data.deadlines import store as deadlines

Make = Callable[[str], TestClient]


def report(client: TestClient) -> str:
    sent = {"category": "litter", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
    identity = str(uuid.uuid4())
    assert client.put(f"/api/incidents/{identity}", json=sent).status_code == 201
    return identity


def move(client: TestClient, case: str, status: int = 200, **sent: object) -> dict:
    answer = client.post(f"/api/incidents/{case}/events", json=sent)
    assert answer.status_code == status, answer.text
    return answer.json()


def counts(client: TestClient, query: str = "") -> tuple[dict[str, int], int, int]:
    found = client.get(f"/api/incidents/counts{query}").json()
    return found["by_status"], found["pressing"], found["asked"]


def test_counts_are_those_of_the_list_in_scope(client: Make) -> None:
    """Eight litter cases, reported and six hours late, in eight grids' G1; eight noise cases closed in their G2."""
    assert counts(client("chief")) == ({"reported": 8, "closed": 8}, 8, 0)
    assert counts(client("chief"), "?is_open=true&within=D1S1") == ({"reported": 2}, 2, 0)
    assert counts(client("department")) == ({"closed": 4}, 0, 0)
    assert counts(client("worker"), "?q=nothing") == ({}, 0, 0)
    assert client("chief").get("/api/incidents/counts?order=due").status_code == 400
    as_of = datetime.fromisoformat(client("chief").get("/api/incidents/counts").json()["as_of"])
    assert abs(as_of - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_presses_and_what_waits_for_a_decision(client: Make, town) -> None:
    """Of D1S1's two late ones, one is paused and one is due in five hours; a new report of 24 hours does not press."""
    with town.begin() as connection:
        connection.execute(text("UPDATE incident SET status = 'paused' WHERE code = 'D1S1C1G1-1'"))
        due = datetime.now(UTC) + timedelta(hours=5)
        connection.execute(text("UPDATE incident SET due_at = :due WHERE code = 'D1S1C2G1-1'"), {"due": due})
    street, worker = client("street"), client("worker")
    case = report(worker)
    assert counts(street, "?is_open=true") == ({"paused": 1, "reported": 2}, 0, 0)
    with town.begin() as connection:
        due = datetime.now(UTC) + timedelta(hours=3)
        connection.execute(text("UPDATE incident SET due_at = :due WHERE code = 'D1S1C2G1-1'"), {"due": due})
    assert counts(street, "?is_open=true")[1] == 1
    listed = street.get("/api/incidents?is_pressing=true").json()["features"]
    assert [one["properties"]["code"] for one in listed] == ["D1S1C2G1-1"]
    move(street, case, to="accepted")
    move(worker, case, to="in_progress")
    asked = worker.post(f"/api/incidents/{case}/requests", json={"kind": "pause", "reason": "等待业主"})
    assert asked.json()["requests"][0]["is_own"] is True
    assert counts(street)[2] == 1
    listed = street.get("/api/incidents?is_asked=true").json()["features"]
    assert [one["properties"]["id"] for one in listed] == [case]
    file = street.get(f"/api/incidents/{case}").json()
    assert (file["requests"][0]["is_own"], file["may_lead"]) == (False, True)
    assert worker.get(f"/api/incidents/{case}").json()["may_lead"] is False


def test_a_dispatcher_may_choose_another_department(client: Make, fetch) -> None:
    """The catalogue says 环卫; it is given to 城管, whose account sees it from then on; the first route stays."""
    dispatcher, department = client("dispatcher"), client("department")
    bodies = dispatcher.get("/api/departments").json()
    assert {"环卫", "城管"} <= set(bodies["departments"])
    assert bodies["names_en"] == {}  # those of the drawn town are not in the shipped file
    case = report(client("worker"))
    move(dispatcher, case, to="accepted")
    assert department.get(f"/api/incidents/{case}").status_code == 404
    assert move(dispatcher, case, 400, to="rejected", note="x", department="城管")["errors"][0]["field"] == "department"
    assert "there is no department" in move(dispatcher, case, 400, to="assigned", department="无此部门")["detail"]
    found = move(dispatcher, case, to="assigned", department="城管", note="占道")
    assert (found["properties"]["status"], found["properties"]["department"]) == ("assigned", "城管")
    file = department.get(f"/api/incidents/{case}").json()
    assert [(one["basis"], one["body"]) for one in file["routes"]] == [("category", "环卫"), ("chosen", "城管")]
    assert file["routes"][1]["words"] == "派遣时改由城管处置，原为环卫。"
    last = file["events"][-1]
    assert (last["detail"], last["note"], last["by"]) == (
        {"department": "城管", "before": "环卫"}, "占道", "测试 dispatcher",
    )  # fmt: skip
    move(department, case, to="in_progress")


def test_the_own_department_is_no_new_route(client: Make) -> None:
    dispatcher = client("dispatcher")
    case = report(client("worker"))
    move(dispatcher, case, to="accepted")
    move(dispatcher, case, to="assigned", department="环卫")
    file = dispatcher.get(f"/api/incidents/{case}").json()
    assert (len(file["routes"]), file["events"][-1]["detail"]) == (1, None)


def test_nobody_is_offered_to_verify_what_they_resolved(client: Make) -> None:
    street, community = client("street"), client("community")
    case = report(client("worker"))
    for to in ("accepted", "in_progress", "resolved"):
        move(street, case, to=to)
    assert street.get(f"/api/incidents/{case}").json()["moves"] == ["reopened"]
    assert community.get(f"/api/incidents/{case}").json()["moves"] == ["reopened", "verified"]


def test_what_was_joined_names_the_one_that_stays(client: Make) -> None:
    dispatcher = client("dispatcher")
    gone, kept = report(client("worker")), report(client("worker"))
    assert dispatcher.post(f"/api/incidents/{gone}/merge", json={"into": kept}).json()["into"]["id"] == kept
    assert dispatcher.get(f"/api/incidents/{kept}").json()["into"] is None


@pytest.fixture
def imported(town) -> Callable[[str], str]:
    """Give the incident of D1S1C1G1 a status as an import may bring it, and tell its id."""

    def change(assignments: str) -> str:
        with town.begin() as connection:
            return str(
                connection.execute(
                    text(f"UPDATE incident SET {assignments} WHERE code = 'D1S1C1G1-1' RETURNING id")
                ).scalar_one()
            )

    return change


def test_an_imported_incident_that_is_open_is_taken_in(client: Make, town, imported) -> None:
    """Reported at noon UTC with 24 hours of limit, being handled when it came: due at noon the next day."""
    case = imported("status = 'in_progress', reported_at = '2026-11-20T12:00:00Z'")
    now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    with town.begin() as connection:
        assert admit(connection, now) == 8
        assert admit(connection, now) == 0
    file = client("dispatcher").get(f"/api/incidents/{case}").json()
    assert file["deadline"]["due_at"] == file["incident"]["properties"]["due_at"] == "2026-11-21T12:00:00Z"
    assert (file["deadline"]["stopped_at"], file["deadline"]["is_overdue"]) == (None, True)
    assert [(one["basis"], one["body"], one["grid_code"]) for one in file["routes"]] == [
        ("category", "环卫", "D1S1C1G1")
    ]
    assert [(one["status"], one["at"], one["detail"], one["by"]) for one in file["events"]] == [
        ("reported", "2026-11-20T12:00:00Z", None, None),
        ("in_progress", "2026-11-22T08:00:00Z", {"imported": "in_progress"}, None),
    ]
    with town.begin() as connection:
        assert (chain.broken_chains(connection), list(deadlines.differing(connection))) == ([], [])


def test_what_was_resolved_or_paused_before_it_came_stands_still(client: Make, town, imported) -> None:
    """Resolved an hour after the report: in time; its clock stopped then. It goes on with 23 hours when reopened."""
    case = imported(
        "status = 'resolved', reported_at = '2026-11-20T12:00:00Z', resolved_at = '2026-11-20T13:00:00Z', "
        "department = '社区'"
    )
    with town.begin() as connection:
        admit(connection, datetime(2026, 11, 22, 8, tzinfo=UTC))
    community = client("community")
    file = community.get(f"/api/incidents/{case}").json()
    assert (file["deadline"]["stopped_at"], file["deadline"]["is_overdue"]) == ("2026-11-20T13:00:00Z", False)
    assert [(one["basis"], one["body"], one["words"]) for one in file["routes"]] == [
        ("chosen", "社区", "导入时已由社区处置。")
    ]
    move(community, case, to="reopened", note="没有清完")
    file = community.get(f"/api/incidents/{case}").json()
    reopened = datetime.fromisoformat(file["events"][-1]["at"])
    left = datetime.fromisoformat(file["deadline"]["due_at"]) - reopened
    assert left == timedelta(hours=23)
    with town.begin() as connection:
        assert (chain.broken_chains(connection), list(deadlines.differing(connection))) == ([], [])


def test_what_is_closed_or_has_a_history_is_left_alone(client: Make, town, fetch) -> None:
    case = report(client("worker"))
    with town.begin() as connection:
        admit(connection, datetime.now(UTC))
    assert fetch("SELECT count(*) FROM incident_route WHERE incident_id = :id", id=case)[0][0] == 1
    closed = "SELECT count(*) FROM incident_event e JOIN incident i ON i.id = e.incident_id WHERE i.status = 'closed'"
    assert fetch(closed)[0][0] == 0
