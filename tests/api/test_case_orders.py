"""A resident orders, the community dispatches the case, a volunteer does it; closing the case gives the points."""

import contextlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from api.settings import Settings
from data import accounts, chain
from data.catalogue.categories import read_categories
from data.catalogue.orders import order_categories, read_order_kinds
from data.imports.reference import load_categories
from data.residents.codes import make_key, report_id, tracking_code
from data.rules.table import RuleFileError
from data.scope import scoped
from layers.viewer import ANONYMOUS, Viewer

Client = Callable[[str], TestClient]
PHONE = "0714-000-0007"
WORDS = "请代买降压药，下午在家。"
WHERE = "2 号楼 301"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Beside the usual ones, built pages: a shell alone."""
    web = settings.data_dir / "web"
    (web / "public").mkdir(parents=True)
    (web / "public" / "index.html").write_text('<html lang="zh-CN"><title>t</title><div id="app"></div></html>')
    return settings.model_copy(update={"web_dir": web})


@pytest.fixture
def anyone(app: FastAPI) -> TestClient:
    """Somebody without an account."""
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def key(town: Engine, anyone: TestClient) -> uuid.UUID:
    """An order of a resident of D1S1C1G2, by its key: the worker of D1S1C1G1 lives in the same community."""
    with town.begin() as connection:
        load_categories(connection)
    made = make_key(datetime.now(UTC))
    order = {"category": "E07-02", "words": WORDS, "where": WHERE, "place": "D1S1C1G2", "phone": PHONE}
    assert anyone.post("/api/public/reports", json={"key": str(made), **order}).status_code == 200
    return made


@pytest.fixture
def volunteer(client: Client) -> TestClient:
    """The grid worker of D1S1C1G1, who takes orders."""
    worker = client("worker")
    assert worker.put("/api/volunteer").status_code == 200
    return worker


def step(client: TestClient, key: uuid.UUID, *steps: str, status: int = 200, **more: object) -> None:
    for to in steps:
        body = {"to": to, **({"note": "x"} if to in ("rejected", "reopened") else {}), **more}
        answer = client.post(f"/api/incidents/{report_id(key)}/events", json=body)
        assert answer.status_code == status, answer.text


def turn(client: TestClient, order: dict, to: str, status: int = 200) -> dict:
    answer = client.post(f"/api/orders/{order['id']}/moves", json={"to": to})
    assert answer.status_code == status, answer.text
    return answer.json()


def give_back(client: Client, key: uuid.UUID) -> None:
    """Give a case that was dispatched back, with leave."""
    case = f"/api/incidents/{report_id(key)}"
    asked = client("street").post(f"{case}/requests", json={"kind": "return", "reason": "不会"})
    assert asked.status_code == 201, asked.text
    number = asked.json()["requests"][0]["id"]
    granted = client("community").post(f"{case}/requests/{number}/decision", json={"is_granted": True})
    assert granted.status_code == 200, granted.text


def only(client: TestClient) -> dict:
    """The only order that an account sees."""
    [found] = client.get("/api/orders").json()["orders"]
    return found


def state(anyone: TestClient, key: uuid.UUID) -> str:
    return anyone.post("/api/public/track", json={"code": tracking_code(key)}).json()["step"]


def test_from_the_order_to_the_points(
    client: Client, anyone: TestClient, key: uuid.UUID, volunteer: TestClient, fetch: Callable, town: Engine
) -> None:
    community = client("community")
    step(community, key, "accepted")
    assert volunteer.get("/api/orders").json()["orders"] == []
    step(community, key, "assigned")
    assert state(anyone, key) == "dispatched"
    order = only(volunteer)
    assert (order["kind"], order["points"], order["status"], order["moves"]) == (
        "medicine",
        15,
        "offered",
        ["accepted"],
    )
    assert WORDS not in volunteer.get(f"/api/orders/{order['id']}").text  # who takes it is told more
    assert volunteer.get(f"/api/orders/{order['id']}/contact").status_code == 403
    assert volunteer.get(f"/api/incidents/{report_id(key)}").status_code == 404  # it lies in another grid

    taken = turn(volunteer, order, "accepted")
    assert (taken["words"], taken["has_phone"], taken["moves"]) == (
        f"{WORDS}\n地点：{WHERE}",
        True,
        ["done", "offered"],
    )
    called = volunteer.get(f"/api/orders/{order['id']}/contact")
    assert (called.json()["phone"], called.headers["cache-control"]) == (PHONE, "no-store")
    assert fetch("SELECT count(*) FROM audit_event WHERE action = 'contact.read'")[0][0] == 1
    assert state(anyone, key) == "taken"
    done = turn(volunteer, order, "done")
    assert (done["moves"], done["words"] is not None) == ([], True)
    assert state(anyone, key) == "served"

    assert only(community)["moves"] == []  # the case brings it about
    turn(community, order, "confirmed", 409)
    step(community, key, "verified", "closed")
    own = volunteer.get("/api/volunteer").json()
    assert (own["balance"], own["entries"][0]["words"]) == (15, f"{order['code']} 代买药品")
    assert only(volunteer)["status"] == "confirmed"
    assert volunteer.get(f"/api/orders/{order['id']}/contact").status_code == 403  # through with it
    told = anyone.post("/api/public/track", json={"code": tracking_code(key), "to": "rated", "rating": 5}).json()
    assert [one["key"] for one in told["steps"]] == [
        "received", "accepted", "dispatched", "taken", "served", "closed", "rated",
    ]  # fmt: skip
    with town.begin() as connection:
        assert chain.broken_chains(connection) == []


def test_given_back_and_not_done_after_all(client: Client, key: uuid.UUID, volunteer: TestClient) -> None:
    community = client("community")
    step(community, key, "accepted", "assigned")
    order = only(volunteer)
    turn(volunteer, order, "accepted")
    turn(volunteer, order, "offered")
    assert volunteer.get(f"/api/orders/{order['id']}").json()["words"] is None
    turn(volunteer, order, "accepted")
    turn(volunteer, order, "done")
    step(community, key, "reopened")
    assert only(volunteer)["status"] == "accepted"
    turn(volunteer, order, "done", 409)  # its case is to be taken up again
    step(community, key, "assigned", "in_progress")
    assert len(community.get("/api/orders").json()["orders"]) == 1
    turn(volunteer, order, "done")
    step(community, key, "verified", "closed")
    assert volunteer.get("/api/volunteer").json()["balance"] == 15


def test_a_case_that_ends_otherwise_gives_no_points(client: Client, key: uuid.UUID, volunteer: TestClient) -> None:
    """The community does it itself before anybody takes it."""
    community = client("community")
    step(community, key, "accepted", "assigned", "in_progress", "resolved")
    step(client("street"), key, "verified", "closed")
    assert only(community)["status"] == "cancelled"
    assert volunteer.get("/api/volunteer").json()["balance"] == 0


def test_a_case_given_to_a_department_or_without_service_is_no_order(
    client: Client, anyone: TestClient, key: uuid.UUID
) -> None:
    community = client("community")
    step(community, key, "accepted")
    step(community, key, "assigned", department="环卫")
    other = make_key(datetime.now(UTC))
    report = {"key": str(other), "category": "litter", "words": "垃圾", "place": "D1S1C1G1"}
    anyone.post("/api/public/reports", json=report)
    step(community, other, "accepted", "assigned")
    assert community.get("/api/orders").json()["orders"] == []


def test_given_to_a_department_after_all_it_is_no_order_any_more(
    client: Client, key: uuid.UUID, volunteer: TestClient
) -> None:
    """A volunteer has taken it and given it back; its case is given back too, and dispatched to a department."""
    community = client("community")
    step(community, key, "accepted", "assigned")
    order = only(volunteer)
    turn(volunteer, order, "accepted")
    turn(volunteer, order, "offered")
    give_back(client, key)
    assert only(volunteer)["status"] == "offered"
    step(community, key, "assigned", department="环卫")
    assert volunteer.get("/api/orders").json()["orders"] == []
    assert only(community)["status"] == "cancelled"
    assert community.get(f"/api/orders/{order['id']}").json()["events"][-1]["note"] == "改由部门处置"


def test_a_department_keeps_what_it_was_given(client: Client, key: uuid.UUID, volunteer: TestClient) -> None:
    """Given back and dispatched anew without a word of a department, it is the department's still, and no order."""
    community = client("community")
    step(community, key, "accepted")
    step(community, key, "assigned", department="环卫")
    give_back(client, key)
    step(community, key, "assigned")
    assert community.get(f"/api/incidents/{report_id(key)}").json()["incident"]["properties"]["department"] == "环卫"
    assert community.get("/api/orders").json()["orders"] == []
    assert volunteer.get("/api/orders").json()["orders"] == []


def test_joined_into_another_it_is_no_order_any_more(
    client: Client, anyone: TestClient, key: uuid.UUID, volunteer: TestClient
) -> None:
    """But not once it is done: then its points are due."""
    community, again = client("community"), make_key(datetime.now(UTC))
    report = {"key": str(again), "category": "E07-02", "words": WORDS, "where": WHERE, "place": "D1S1C1G2"}
    assert anyone.post("/api/public/reports", json=report).status_code == 200
    step(community, key, "accepted", "assigned")
    order = only(volunteer)
    for to in ("accepted", "done"):
        turn(volunteer, order, to)
    merge, into = f"/api/incidents/{report_id(key)}/merge", {"into": str(report_id(again))}
    refused = community.post(merge, json=into)
    assert refused.status_code == 409
    assert f"the order {order['code']}" in refused.json()["detail"]
    step(community, key, "reopened")
    assert community.post(merge, json=into).status_code == 200
    assert only(community)["status"] == "cancelled"


def test_order_and_case_are_taken_in_one_order(
    client: Client, key: uuid.UUID, volunteer: TestClient, town: Engine, fetch: Callable, until: Callable
) -> None:
    """Who closes a case whose order is being changed waits for the order, and does not hold the case meanwhile."""
    community = client("community")
    step(community, key, "accepted", "assigned")
    order = only(volunteer)
    for to in ("accepted", "done"):
        turn(volunteer, order, to)
    step(community, key, "verified")
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as closing, town.begin() as connection:
        connection.execute(text("SELECT 1 FROM service_order WHERE id = :id FOR UPDATE"), {"id": order["id"]})
        closed = closing.submit(step, community, key, "closed")
        until(lambda: closed.done() or fetch(waits))
        assert not closed.done()
        connection.execute(text("SELECT 1 FROM incident WHERE id = :id FOR UPDATE NOWAIT"), {"id": report_id(key)})
        connection.rollback()
        closed.result()
    assert volunteer.get("/api/volunteer").json()["balance"] == 15


def test_who_did_it_does_not_close_it(client: Client, key: uuid.UUID) -> None:
    community, street = client("community"), client("street")
    community.put("/api/volunteer")
    step(community, key, "accepted")
    step(street, key, "assigned")
    order = only(community)
    for to in ("accepted", "done"):
        turn(community, order, to)
    step(street, key, "verified")
    step(community, key, "closed", status=403)
    step(street, key, "closed")
    assert community.get("/api/volunteer").json()["balance"] == 15


def test_row_security_lets_only_the_taker_move_the_case(
    client: Client, key: uuid.UUID, volunteer: TestClient, town: Engine, app_engine: Engine, fetch: Callable
) -> None:
    """A transaction that names the case without having taken its order sees it, and changes nothing."""
    step(client("community"), key, "accepted", "assigned")
    with town.begin() as connection:
        accounts.add(
            connection, "other", name="other", post=accounts.Post("worker", "D1S1C1G1"), password="a drawn town 2024"
        )
    me = fetch("SELECT id FROM account WHERE login = 'other'")[0][0]
    path = "D1.D1S1.D1S1C1"
    viewer = Viewer(me, frozenset({"worker"}), (path,), (f"{path}.D1S1C1G1",))
    changes = "UPDATE incident SET status = 'in_progress' WHERE id = :id"
    forged = (
        "INSERT INTO service_order (id, kind, kind_name, kind_name_en, title, community, path, points, incident_id, "
        "is_case, asked_by, body_hash, asked_at, changed_at) VALUES (gen_random_uuid(), 'x', 'x', 'x', 'x', 'D1S1C1', "
        f"'{path}', 5, :id, true, {me}, '', now(), now())"
    )
    with scoped(app_engine, viewer) as connection:
        connection.execute(text("SELECT set_config('yiwangtu.report', :id, true)"), {"id": str(report_id(key))})
        assert connection.execute(text(changes), {"id": report_id(key)}).rowcount == 0
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(text(forged), {"id": report_id(key)})


def test_who_holds_a_code_writes_nothing_that_takers_may(
    client: Client, key: uuid.UUID, volunteer: TestClient, app_engine: Engine
) -> None:
    """Nor the other way round: a policy's check counts for rows that another policy let be taken."""
    step(client("community"), key, "accepted", "in_progress", "resolved")
    step(client("street"), key, "verified", "closed")
    change = text("UPDATE incident SET status = :to WHERE id = :id")
    refused = pytest.raises(ProgrammingError, match="row-level security")
    for to, outcome in (("in_progress", refused), ("resolved", refused), ("rated", contextlib.nullcontext())):
        with scoped(app_engine, ANONYMOUS) as connection:
            connection.execute(text("SELECT set_config('yiwangtu.report', :id, true)"), {"id": str(report_id(key))})
            with outcome:
                assert connection.execute(change, {"to": to, "id": report_id(key)}).rowcount == 1


def test_the_form_of_an_order_in_both_languages(town: Engine, key: uuid.UUID, anyone: TestClient) -> None:
    """Of an order it offers the services and no photos; of a report everything else. A fault keeps which it is."""
    order = anyone.get("/public/report?place=D1S1C1G1&kind=order").text
    assert "代买药品" in order
    assert "暴露垃圾" not in order
    assert 'name="photos"' not in order
    report = anyone.get("/public/report?place=D1S1C1G1").text
    assert "代买药品" not in report
    assert "暴露垃圾" in report
    english = anyone.get("/public/report?place=D1S1C1G1&kind=order&lang=en&elder=1").text
    assert "Fetching medicine" in english
    assert "代买药品" not in english
    assert 'href="/public/report?place=D1S1C1G1&amp;kind=order&amp;lang=zh&amp;elder=1"' in english
    typed = {"kind": "order", "key": str(make_key(datetime.now(UTC))), "category": "E07-02", "place": "D1S1C1G1"}
    again = anyone.post("/public/report", data=typed, files={"none": ""})
    assert again.status_code == 400
    assert "具体需要什么" in again.text
    assert '<input type="hidden" name="kind" value="order">' in again.text
    track = anyone.post("/public/track", data={"code": tracking_code(key), "lang": "en"}).text
    assert "Community committee" in track
    assert "社区居委会" not in track


def test_what_can_be_ordered_is_in_the_catalogue(tmp_path) -> None:
    names = {one.code: one.name for one in read_categories()}
    kinds = read_order_kinds()
    assert {one.category: one.name for one in kinds.values()} == {
        code: names[code] for code in order_categories(kinds.values())
    }
    file = tmp_path / "kinds.csv"
    file.write_text("code,name,name_en,points,category\na,甲,A,1,E07-01\nb,乙,B,5,E07-01\n", "utf-8")
    with pytest.raises(RuleFileError, match="row 3, category: E07-01 comes twice"):
        read_order_kinds(file)
