"""Orders are taken by one volunteer, and points go from account to account without one being lost or made."""

import threading
import uuid
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from api.services.orders import MOVES
from data import accounts
from data.catalogue.orders import read_order_kinds
from data.rules.table import RuleFileError
from data.tables.orders import ORDER_STATUSES

Client = Callable[[str], TestClient]
LOCK = {"kind": "lock", "title": "门锁打不开", "community": "D1S1C1"}


@pytest.fixture
def shop(town: Engine) -> str:
    """A shop where points are exchanged."""
    with town.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO facility (kind, code, name, area_id, geom, path) SELECT 'exchange_point', 'shop', '便民超市', "
            "id, ST_PointOnSurface(geom), path FROM area WHERE code = 'D1S1C1'"
        )
    return "shop"


def put(client: TestClient, order_id: str, status: int = 200, **more: object) -> dict:
    answer = client.put(f"/api/orders/{order_id}", json={**LOCK, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def move(client: TestClient, order_id: str, to: str, status: int = 200, **more: object) -> dict:
    answer = client.post(f"/api/orders/{order_id}/moves", json={"to": to, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def earn(client: Client, **more: object) -> str:
    """An order that the street asks, the worker does and the community confirms."""
    order_id = str(uuid.uuid4())
    put(client("street"), order_id, **more)
    move(client("community"), order_id, "offered")
    assert client("worker").put("/api/volunteer").status_code == 200
    for to in ("accepted", "done"):
        move(client("worker"), order_id, to)
    move(client("community"), order_id, "confirmed")
    return order_id


def balance(client: TestClient) -> int:
    return client.get("/api/volunteer").json()["balance"]


def exchange(client: TestClient, amount: int, status: int = 200, **more: object) -> dict:
    body = {"id": str(uuid.uuid4()), "exchange": "shop", "amount": amount, "words": "洗衣液", **more}
    answer = client.post("/api/points/exchanges", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def sums(fetch: Callable) -> tuple[int, int]:
    """The sum over all accounts, and how many accounts are not what their transfers make."""
    return tuple(fetch(
        "SELECT coalesce(sum(balance), 0)::int, (count(*) FILTER (WHERE balance <> "
        "coalesce((SELECT sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END) FROM points_transfer t "
        "WHERE a.id IN (t.debit_id, t.credit_id)), 0)))::int FROM points_account a"
    )[0])  # fmt: skip


def test_asked_offered_taken_done_and_confirmed(client: Client, fetch: Callable) -> None:
    order_id = str(uuid.uuid4())
    asked = put(client("street"), order_id, details="二楼")
    assert (asked["status"], asked["points"], asked["code"][:3]) == ("asked", 20, "DD-")
    assert (asked["community_name"], asked["moves"]) == ("社区D1S11", ["cancelled", "offered"])
    worker = client("worker")
    assert worker.get(f"/api/orders/{order_id}").status_code == 404  # not offered yet
    move(client("community"), order_id, "offered")
    assert worker.get("/api/orders").json()["orders"][0]["moves"] == []  # no volunteer yet
    move(worker, order_id, "accepted", 403)
    assert worker.put("/api/volunteer").json() == {"is_volunteer": True, "balance": 0, "entries": []}
    taken = move(worker, order_id, "accepted")
    assert (taken["volunteer"], taken["is_mine"], taken["moves"]) == ("测试 worker", True, ["done", "offered"])
    move(worker, order_id, "confirmed", 409)
    done = move(worker, order_id, "done")
    assert done["moves"] == []
    assert balance(worker) == 0
    found = move(client("community"), order_id, "confirmed")
    assert [one["status"] for one in found["events"]] == ["asked", "offered", "accepted", "done", "confirmed"]
    assert [one["by"] for one in found["events"]][2:] == ["测试 worker", "测试 worker", "测试 community"]
    own = worker.get("/api/volunteer").json()
    assert (own["balance"], own["entries"][0]["amount"], own["entries"][0]["purpose"]) == (20, 20, "award")
    assert own["entries"][0]["other"] == "积分发放"
    assert sums(fetch) == (0, 0)
    assert fetch("SELECT balance FROM points_account WHERE kind = 'issuer'")[0][0] == -20
    move(client("community"), order_id, "confirmed", 409)
    assert balance(worker) == 20


def test_sent_twice_it_is_one_order(client: Client) -> None:
    order_id = str(uuid.uuid4())
    assert put(client("community"), order_id) == put(client("community"), order_id)
    put(client("community"), order_id, 409, title="另一件")
    put(client("street"), order_id, 409)


def test_what_can_not_be_ordered(client: Client) -> None:
    put(client("community"), str(uuid.uuid4()), 400, kind="castle")
    put(client("community"), str(uuid.uuid4()), 400, community="D1S1")
    put(client("community"), str(uuid.uuid4()), 403, community="D1S1C2")
    put(client("community"), str(uuid.uuid4()), 400, title=" ")
    order_id = str(uuid.uuid4())
    put(client("community"), order_id)
    move(client("community"), order_id, "cancelled", 400)
    assert move(client("community"), order_id, "cancelled", note="不需要了")["events"][-1]["note"] == "不需要了"
    assert client("far_dispatcher").get(f"/api/orders/{order_id}").status_code == 404
    assert client("far_dispatcher").get("/api/orders").json()["orders"] == []


def test_nobody_confirms_or_takes_their_own(client: Client) -> None:
    """The community is a volunteer too: it may not take what it asked for, nor confirm what it did."""
    community = client("community")
    assert community.put("/api/volunteer").status_code == 200
    own, other = str(uuid.uuid4()), str(uuid.uuid4())
    put(community, own)
    move(community, own, "offered")
    move(community, own, "accepted", 403)
    put(client("street"), other)
    for to in ("offered", "accepted", "done"):
        move(community, other, to)
    move(community, other, "confirmed", 403)
    assert move(client("street"), other, "confirmed")["status"] == "confirmed"
    assert balance(community) == 20


def test_given_back_it_is_offered_again(client: Client) -> None:
    order_id = str(uuid.uuid4())
    put(client("community"), order_id)
    move(client("community"), order_id, "offered")
    client("worker").put("/api/volunteer")
    move(client("worker"), order_id, "accepted")
    back = move(client("worker"), order_id, "offered")
    assert (back["volunteer"], back["moves"]) == (None, ["accepted"])
    move(client("worker"), order_id, "accepted")
    move(client("worker"), order_id, "done")
    assert move(client("community"), order_id, "accepted")["volunteer"] == "测试 worker"  # it was not done after all


def test_of_many_who_take_it_at_once_one_gets_it(town: Engine, client: Client, fetch: Callable) -> None:
    with town.begin() as connection:
        for number in range(4):
            post = accounts.Post("worker", "D1S1C1G1")
            login = f"volunteer{number}"
            accounts.add(connection, login, name=login, post=post, password="a drawn town 2024")
    people = [client(f"volunteer{number}") for number in range(4)]
    order_id = str(uuid.uuid4())
    put(client("community"), order_id)
    move(client("community"), order_id, "offered")
    start = threading.Barrier(4)
    outcomes: list[int] = []

    def take(person: TestClient) -> None:
        assert person.put("/api/volunteer").status_code == 200
        start.wait()
        outcomes.append(person.post(f"/api/orders/{order_id}/moves", json={"to": "accepted"}).status_code)

    threads = [threading.Thread(target=take, args=(person,)) for person in people]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert outcomes.count(200) == 1
    assert set(outcomes) <= {200, 404, 409}  # who comes later sees it taken, or no more
    assert fetch("SELECT count(*) FROM order_event WHERE status = 'accepted'")[0][0] == 1


def test_points_are_exchanged_and_never_below_zero(client: Client, shop: str, fetch: Callable) -> None:
    worker = client("worker")
    exchange(worker, 1, 409)  # no account yet
    earn(client)
    exchange(worker, 1, 404, exchange="nowhere")
    assert "积分余额不足" in exchange(worker, 21, 409)["detail"]
    same = str(uuid.uuid4())
    assert exchange(worker, 15, id=same)["balance"] == 5
    assert exchange(worker, 15, id=same)["balance"] == 5
    exchange(worker, 14, 409, id=same)
    assert exchange(worker, 5)["balance"] == 0
    exchange(worker, 1, 409)
    assert sums(fetch) == (0, 0)
    found = {one["kind"]: one["balance"] for one in client("street").get("/api/points/accounts").json()["accounts"]}
    assert found == {"issuer": -20, "volunteer": 0, "exchange": 20}
    far = client("far_dispatcher").get("/api/points/accounts").json()["accounts"]
    assert "volunteer" not in {one["kind"] for one in far}


def test_twenty_points_can_not_be_spent_twice_at_once(client: Client, shop: str, fetch: Callable) -> None:
    earn(client)
    workers = [client("worker") for _ in range(4)]
    start = threading.Barrier(4)
    outcomes: list[int] = []

    def spend(worker: TestClient) -> None:
        body = {"id": str(uuid.uuid4()), "exchange": shop, "amount": 12, "words": "x"}
        start.wait()
        outcomes.append(worker.post("/api/points/exchanges", json=body).status_code)

    threads = [threading.Thread(target=spend, args=(one,)) for one in workers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == [200, 409, 409, 409]
    assert sums(fetch) == (0, 0)
    assert fetch("SELECT min(balance) FROM points_account WHERE kind <> 'issuer'")[0][0] == 8


def test_undone_only_by_a_counter_entry_and_once(client: Client, shop: str, fetch: Callable) -> None:
    earn(client)
    worker = client("worker")
    spent = exchange(worker, 15)["entries"][0]["id"]
    award = worker.get("/api/volunteer").json()["entries"][1]["id"]

    def undo(login: str, transfer: str) -> int:
        return client(login).post("/api/points/reversals", json={"transfer": transfer, "words": "错记"}).status_code

    assert undo("worker", spent) == 403
    assert undo("far_dispatcher", spent) == 404
    assert undo("community", award) == 409  # 15 of its 20 are spent
    assert undo("community", spent) == 200
    assert undo("community", spent) == 409
    assert undo("community", award) == 200
    entries = worker.get("/api/volunteer").json()["entries"]
    assert [one["amount"] for one in entries] == [-20, 15, -15, 20]
    assert [one["is_reversed"] for one in entries] == [False, False, True, True]
    assert undo("community", entries[0]["id"]) == 409
    assert (balance(worker), sums(fetch)) == (0, (0, 0))
    mine = client("community").put("/api/volunteer")
    assert mine.status_code == 200


def test_nobody_undoes_a_transfer_of_their_own(client: Client, shop: str) -> None:
    community = client("community")
    community.put("/api/volunteer")
    order_id = str(uuid.uuid4())
    put(client("street"), order_id)
    for to in ("offered", "accepted", "done"):
        move(community, order_id, to)
    move(client("street"), order_id, "confirmed")
    own = exchange(community, 20)["entries"][0]["id"]
    answer = community.post("/api/points/reversals", json={"transfer": own, "words": "x"})
    assert answer.status_code == 403


def test_the_database_itself_keeps_the_books(client: Client, town: Engine, shop: str) -> None:
    """Even the owner of the tables changes no transfer, overdraws no account, and undoes nothing but what was."""
    earn(client)
    for sql in ("UPDATE points_transfer SET amount = 1", "DELETE FROM points_transfer"):
        with pytest.raises(DatabaseError, match="never changed"), town.begin() as connection:
            connection.exec_driver_sql(sql)
    book = (
        "INSERT INTO points_transfer (id, debit_id, credit_id, amount, purpose, words, reverses, made_by) "
        "SELECT gen_random_uuid(), v.id, i.id, :amount, :purpose, 'x', t.id, 0 "
        "FROM points_account v, points_account i, points_transfer t WHERE v.kind = 'volunteer' AND i.kind = 'issuer'"
    )
    with pytest.raises(IntegrityError, match="exactly what one transfer gave"), town.begin() as connection:
        connection.execute(text(book), {"amount": 19, "purpose": "reversal"})
    overdraft = book.replace("t.id, 0", "NULL, 0")
    with pytest.raises(IntegrityError, match="ck_points_account_balance"), town.begin() as connection:
        connection.execute(text(overdraft), {"amount": 21, "purpose": "exchange"})


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 40)), max_size=25))
def test_whatever_is_booked_the_sum_is_zero_and_no_balance_below(town: Engine, wishes: list) -> None:
    """Against a plain count: account 0 issues, 1 to 3 are shops; what would overdraw is refused and changes nothing."""
    balances = [0, 0, 0, 0]
    with town.connect() as connection:
        connection.exec_driver_sql("DELETE FROM points_account")
        connection.exec_driver_sql("INSERT INTO points_account (kind, name, path) VALUES ('issuer', 'i', '')")
        connection.exec_driver_sql(
            "INSERT INTO points_account (kind, facility, name, path) "
            "SELECT 'exchange', n::text, 'x', '' FROM generate_series(1, 3) n"
        )
        numbers = connection.execute(text("SELECT id FROM points_account ORDER BY id")).scalars().all()
        for debit, credit, amount in wishes:
            is_legal = debit != credit and (debit == 0 or balances[debit] >= amount)
            assert _booked(connection, numbers[debit], numbers[credit], amount) == is_legal
            if is_legal:
                balances[debit] -= amount
                balances[credit] += amount
        stored = connection.execute(text("SELECT balance FROM points_account ORDER BY id")).scalars().all()
        connection.rollback()
    assert list(stored) == balances
    assert sum(stored) == 0


def _booked(connection: Connection, debit: int, credit: int, amount: int) -> bool:
    """Book a transfer; tell whether the database took it."""
    try:
        with connection.begin_nested():
            connection.execute(
                text(
                    "INSERT INTO points_transfer (id, debit_id, credit_id, amount, purpose, words, made_by) "
                    "VALUES (gen_random_uuid(), :debit, :credit, :amount, 'exchange', 'x', 0)"
                ),
                {"debit": debit, "credit": credit, "amount": amount},
            )
    except IntegrityError:
        return False
    return True


def test_every_status_has_its_moves_and_an_end() -> None:
    assert set(MOVES) == set(ORDER_STATUSES)
    assert [status for status, legal in MOVES.items() if not legal] == ["confirmed", "cancelled"]


def test_the_tariff_is_a_file(tmp_path) -> None:
    assert {one.points for one in read_order_kinds().values()} <= set(range(1, 10_001))
    file = tmp_path / "kinds.csv"
    file.write_text("code,name,name_en,points\na,甲,A,0\na,乙,B,5\n", "utf-8")
    with pytest.raises(RuleFileError) as raised:
        read_order_kinds(file)
    assert "row 2, points: 0 must be a whole number from 1 to 10000" in str(raised.value)
    assert "row 3, code: a comes twice" in str(raised.value)
