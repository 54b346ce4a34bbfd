"""Webhooks: queued with what they tell, signed, sent until they are taken, in order, and given up in the open."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.services.viewers import viewer_of
from api.services.webhooks import Courier
from data.accounts import Membership
from data.errors import BadInputError, NotFoundError
from data.integrations import scopelist, signature, webhooks
from data.integrations.webhooks import BACKOFF_S
from data.scope import scoped

Make = Callable[[str], TestClient]
SCOPE = (
    "system,code,name,kind,category,is_accepted\n12345,A1,暴露垃圾,matter,litter,yes\n110,J1,纠纷,dispute,other,yes\n"
)


@dataclass
class Receiver:
    """Another system: a real HTTP server that answers as it is told, and keeps what it was sent."""

    answers: list[int | str] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    hung: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?from=map"

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.got]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        answer = receiver.answers.pop(0) if receiver.answers else 204
        if answer == "hang":
            receiver.hung.wait(30)
            return
        if answer == "drip":
            while not receiver.hung.wait(0.05):
                self.wfile.write(b"H")
            return
        if answer == "redirect":
            self.send_response(302)
            self.send_header("location", receiver.url)
        else:
            self.send_response(answer)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the courier hung up
            super().handle()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Start receivers, on a free port or on a given one."""
    servers = []

    def make(*answers: int | str, port: int = 0) -> Receiver:
        receiver = Receiver(list(answers))
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        server.receiver, receiver.port = receiver, server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append((server, receiver))
        receiver.close = lambda: (receiver.hung.set(), server.shutdown(), server.server_close())
        return receiver

    yield make
    for server, receiver in servers:
        receiver.hung.set()
        server.shutdown()
        server.server_close()


class Clock:
    """A clock that tests set; it starts after whatever PostgreSQL, which has its own, writes down in a test."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def courier(town: Engine, app_engine: Engine, clock: Clock) -> Courier:
    return Courier(app_engine, clock)


@pytest.fixture
def hasty(town: Engine, app_engine: Engine, clock: Clock) -> Courier:
    """A courier that waits for an answer for a moment only."""
    return Courier(app_engine, clock, timeout_s=0.3)


@pytest.fixture
def add(town: Engine) -> Callable[..., str]:
    """Add webhooks: `add("12345", url)` gives the secret."""

    def make(system: str, url: str) -> str:
        with town.begin() as connection:
            return webhooks.add(connection, system, url)

    return make


@pytest.fixture
def taken(town: Engine, tmp_path) -> Callable[..., uuid.UUID]:
    """Make incidents that a system handed over, in the first grid."""
    path = tmp_path / "scope.csv"
    path.write_text(SCOPE, "utf-8")
    with town.begin() as connection:
        scopelist.store_scope(connection, path)

    def make(system: str = "12345", external_id: str = "Z-1") -> uuid.UUID:
        incident = uuid.uuid4()
        with town.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO incident (id, category, title, description, department, reported_at, geom) "
                    "VALUES (:id, 'litter', 'x', 'WORDS-SECRET', '环卫', now(), "
                    "ST_SetSRID(ST_MakePoint(115.001, 30.205), 4326))"
                ),
                {"id": incident},
            )
            connection.execute(
                text(
                    "INSERT INTO handover (id, direction, system, external_id, kind, incident_id, status, at, "
                    "  account_id, path, scope_version) "
                    "SELECT gen_random_uuid(), 'in', :system, :external_id, 'matter', id, 'accepted', now(), 0, path, "
                    "  1 FROM incident WHERE id = :id"
                ),
                {"id": incident, "system": system, "external_id": external_id},
            )
        return incident

    return make


def move(client: TestClient, incident: uuid.UUID, *steps: str) -> None:
    for step in steps:
        body = {"to": step, **({"note": "x"} if step in ("rejected", "reopened") else {})}
        answer = client.post(f"/api/incidents/{incident}/events", json=body)
        assert answer.status_code == 200, answer.text


def test_each_public_state_is_told_signed_and_without_a_person(
    receive, add, taken, courier, clock, client: Make, fetch
) -> None:
    """In progress and verified are the house's own; the signature is checked as Standard Webhooks says."""
    system = receive()
    secret, incident = add("12345", system.url), taken()
    street, community, worker = client("street"), client("community"), client("worker")
    move(street, incident, "accepted", "assigned")
    move(community, incident, "in_progress", "resolved")
    move(worker, incident, "verified")
    move(street, incident, "closed", "reopened")
    assert courier.turn() == 6 - 1
    assert system.events() == [
        "incident.accepted", "incident.assigned", "incident.resolved", "incident.closed", "incident.reopened",
    ]  # fmt: skip
    (receipt, handover) = fetch("SELECT i.code, h.id FROM handover h JOIN incident i ON i.id = h.incident_id")[0]
    headers, body = system.got[0]
    told = json.loads(body)
    assert told["event_id"] == headers["webhook-id"]
    wanted = {
        "system": "12345", "external_id": "Z-1", "handover_id": str(handover), "receipt": receipt, "status": "accepted",
        "scope_version": 1,
    }  # fmt: skip
    assert wanted.items() <= told.items()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-timestamp"] == str(int(clock.now.timestamp()))
    assert b"SECRET" not in b"".join(body for _, body in system.got)
    assert courier.turn() == 0


def test_signatures_are_those_of_the_standard() -> None:
    """Id, time, body and secret of the example in the Standard Webhooks specification's reference libraries."""
    made = signature.headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_rejected_is_told_too_and_other_systems_hear_nothing(receive, add, taken, courier, client: Make) -> None:
    mine, other = receive(), receive()
    add("12345", mine.url)
    add("110", other.url)
    move(client("street"), taken(), "rejected")
    courier.turn()
    assert (mine.events(), other.events()) == (["incident.rejected"], [])


def test_what_was_joined_hears_of_the_one_that_stays(receive, add, taken, courier, client: Make) -> None:
    system = receive()
    add("12345", system.url)
    first, second = taken(external_id="Z-1"), taken(external_id="Z-2")
    street = client("street")
    assert street.post(f"/api/incidents/{second}/merge", json={"into": str(first)}).status_code == 200
    move(street, first, "accepted")
    courier.turn()
    assert sorted(json.loads(body)["external_id"] for _, body in system.got) == ["Z-1", "Z-2"]


def test_a_system_that_fails_hangs_is_away_and_returns_gets_everything_in_order(
    receive, add, taken, courier, hasty, clock, client: Make, fetch
) -> None:
    """500, no answer, one byte at a time, nobody there, then back: each event under one id, none before its turn."""
    system = receive(500, "hang", "drip")
    port = system.port
    add("12345", system.url)
    street, incident = client("street"), taken()
    move(street, incident, "accepted", "assigned")
    for wait_s in BACKOFF_S[:3]:
        assert hasty.turn() == 0
        assert hasty.turn() == 0  # not before its time
        clock.forward(wait_s + 0.1)
    assert system.events() == ["incident.accepted"] * 3
    assert len({headers["webhook-id"] for headers, _ in system.got}) == 1
    assert fetch("SELECT last_error FROM webhook_delivery ORDER BY seq")[0].last_error.startswith("no answer")
    system.close()
    assert courier.turn() == 0
    returned = receive(port=port)
    clock.forward(BACKOFF_S[3])
    assert courier.turn() == 2
    assert returned.events() == ["incident.accepted", "incident.assigned"]
    assert returned.got[0][0]["webhook-id"] == system.got[0][0]["webhook-id"]
    assert fetch("SELECT attempts, delivered_at IS NOT NULL, last_error FROM webhook_delivery ORDER BY seq") == [
        (5, True, None), (1, True, None),
    ]  # fmt: skip
    assert fetch("SELECT away_until FROM webhook") == [(None,)]


def test_a_system_that_is_away_holds_nobody_else_up_and_hears_at_once_when_it_is_back(
    receive, add, taken, courier, clock, client: Make
) -> None:
    """While it is away one try in a while is made, of whatever waits; the others follow the first that is taken."""
    away, well = receive(503, 503), receive()
    add("12345", away.url)
    add("110", well.url)
    street = client("street")
    for number in range(3):
        move(street, taken(external_id=f"Z-{number}"), "accepted")
    move(street, taken("110", "J-1"), "accepted")
    assert courier.turn() == 1
    assert (len(away.got), well.events()) == (1, ["incident.accepted"])
    clock.forward(BACKOFF_S[0] + 0.1)
    assert courier.turn() == 0
    assert len(away.got) == 2
    clock.forward(BACKOFF_S[1] + 0.1)
    assert courier.turn() == 3
    assert len({headers["webhook-id"] for headers, _ in away.got}) == 3


def test_one_event_that_is_refused_does_not_hold_the_others_up(
    receive, add, taken, courier, clock, client: Make
) -> None:
    system = receive(400)
    add("12345", system.url)
    street = client("street")
    move(street, taken(external_id="Z-1"), "accepted")
    move(street, taken(external_id="Z-2"), "accepted")
    assert courier.turn() == 1
    assert [json.loads(body)["external_id"] for _, body in system.got] == ["Z-1", "Z-2"]
    clock.forward(BACKOFF_S[0])
    assert courier.turn() == 1


def test_redirections_are_not_followed(receive, add, taken, courier, client: Make, fetch) -> None:
    system = receive("redirect")
    add("12345", system.url)
    move(client("street"), taken(), "accepted")
    assert courier.turn() == 0
    assert len(system.got) == 1
    assert fetch("SELECT last_error FROM webhook_delivery") == [("the answer was 302",)]


def test_what_nobody_takes_for_days_is_given_up_in_the_open_and_can_be_sent_again(
    receive, add, taken, courier, clock, client: Make, town: Engine, fetch
) -> None:
    system = receive(*[410] * (len(BACKOFF_S) + 1))
    add("12345", system.url)
    incident = taken()
    move(client("street"), incident, "accepted")
    for wait_s in (*BACKOFF_S, 10**6, 10**6):
        assert courier.turn() == 0
        clock.forward(wait_s)
    assert len(system.got) == len(BACKOFF_S) + 1
    (shown,) = client("dispatcher").get(f"/api/handovers?incident={incident}").json()["handovers"]
    assert shown["deliveries"] == {"delivered": 0, "waiting": 0, "dead": 1}
    with town.begin() as connection:
        (hook,), (letter,) = webhooks.list_webhooks(connection)
        assert (hook.dead, hook.waiting, letter.last_error) == (1, 0, "the answer was 410")
        with pytest.raises(NotFoundError):
            webhooks.retry(connection, uuid.uuid4())
        assert webhooks.retry(connection, letter.id) == 1
    assert courier.turn() == 1
    assert system.got[-1][0]["webhook-id"] == system.got[0][0]["webhook-id"]
    clock.forward(31 * 86400)
    courier.turn()
    assert fetch("SELECT count(*) FROM webhook_delivery") == [(0,)]


def test_two_couriers_send_nothing_twice(receive, add, taken, app_engine: Engine, clock, client: Make) -> None:
    system = receive()
    add("12345", system.url)
    street = client("street")
    for number in range(12):
        move(street, taken(external_id=f"Z-{number}"), "accepted")
    couriers = [threading.Thread(target=Courier(app_engine, clock).turn) for _ in range(3)]
    for one in couriers:
        one.start()
    for one in couriers:
        one.join()
    assert sorted(json.loads(body)["external_id"] for _, body in system.got) == sorted(f"Z-{n}" for n in range(12))


def test_what_a_killed_courier_left_is_sent_when_its_lease_ends(
    receive, add, taken, courier, clock, client: Make, app_engine: Engine
) -> None:

    system = receive()
    add("12345", system.url)
    move(client("street"), taken(), "accepted")
    with scoped(app_engine, webhooks.COURIER) as connection:
        assert webhooks.claim(connection, clock.now) is not None  # and then it is killed
    assert courier.turn() == 0
    clock.forward(webhooks.LEASE_S)
    assert courier.turn() == 1


def test_a_move_that_is_undone_tells_nothing(receive, add, taken, courier, town: Engine) -> None:
    system = receive()
    add("12345", system.url)
    incident = taken()
    with town.connect() as connection:
        connection.execute(text("UPDATE incident SET status = 'accepted' WHERE id = :id"), {"id": incident})
        assert connection.execute(text("SELECT count(*) FROM webhook_delivery")).scalar() == 1
        connection.rollback()
    assert courier.turn() == 0
    assert system.got == []


def test_secrets_are_for_the_courier_alone(add, town: Engine, app_engine: Engine) -> None:
    add("110", "http://127.0.0.1:9/x")
    reading = text("SELECT secret FROM webhook")
    with scoped(app_engine, viewer_of(1, [Membership("dispatcher", "")])) as connection:
        assert connection.execute(reading).all() == []
    with scoped(app_engine, webhooks.COURIER) as connection:
        assert len(connection.execute(reading).all()) == 1


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "x", "http://", "http://u:p@x/", "http://x/#f", "http://x/a b", "http://x:99999/", "http://ü/", ""],
)
def test_addresses_are_checked(town: Engine, url: str) -> None:
    with pytest.raises(BadInputError), town.begin() as connection:
        webhooks.add(connection, "110", url)


def test_secrets_and_doubles_are_checked(town: Engine) -> None:
    with town.begin() as connection:
        with pytest.raises(BadInputError, match="the secret has 5 bytes; it must have at least 24"):
            webhooks.add(connection, "110", "http://x/", "short")
        assert (
            webhooks.add(connection, "110", "http://x/", "long enough to be a secret") == "long enough to be a secret"
        )
        with pytest.raises(BadInputError, match="already"):
            webhooks.add(connection, "110", "http://x/")
        (hook,), _ = webhooks.list_webhooks(connection)
        assert webhooks.remove(connection, hook.id) == 0
        with pytest.raises(NotFoundError):
            webhooks.remove(connection, hook.id)


def test_a_dispatcher_hands_an_incident_on(receive, add, taken, courier, client: Make, fetch) -> None:
    """The record, the history and what is told are one; again it is refused, with the key it is the same."""
    system = receive()
    incident, desk = taken(), client("dispatcher")
    path, body = f"/api/incidents/{incident}/handover", {"system": "110", "words": "请到场维持秩序"}
    assert desk.post(path, json=body).json()["code"] == "conflict"  # nobody would hear it
    add("110", system.url)
    first = desk.post(path, json=body, headers={"idempotency-key": "k"})
    assert first.status_code == 201, first.text
    assert (first.json()["direction"], first.json()["status"], first.json()["scope_version"]) == ("out", "sent", 1)
    assert first.json()["deliveries"] == {"delivered": 0, "waiting": 1, "dead": 0}
    assert desk.post(path, json=body, headers={"idempotency-key": "k"}).json() == first.json()
    assert desk.post(path, json=body).json()["code"] == "conflict"
    assert courier.turn() == 1
    told = json.loads(system.got[0][1])
    assert (told["event"], told["handover_id"], told["words"]) == (
        "handover.sent",
        first.json()["id"],
        "请到场维持秩序",
    )
    assert (told["lon"], told["lat"], told["category_name"], told["area"]) == (115.001, 30.205, "暴露垃圾", "D1S1C1")
    assert b"SECRET" not in system.got[0][1]
    events = desk.get(f"/api/incidents/{incident}").json()["events"]
    assert [(one["status"], one["detail"]) for one in events] == [
        ("reported", {"handover": {"system": "110", "id": first.json()["id"]}})
    ]
    assert fetch("SELECT detail ->> 'system' FROM audit_event WHERE action = 'handover.sent'") == [("110",)]
    move(client("street"), incident, "accepted")
    courier.turn()
    assert system.events() == ["handover.sent", "incident.accepted"]


@pytest.mark.parametrize(
    ("login", "status"),
    [("worker", 403), ("community", 403), ("street", 403), ("planner", 403), ("far_dispatcher", 404), ("chief", 201)],
)
def test_only_a_dispatcher_of_the_place_hands_on(add, taken, client: Make, login: str, status: int) -> None:
    add("110", "http://127.0.0.1:9/x")
    answer = client(login).post(f"/api/incidents/{taken()}/handover", json={"system": "110", "words": "x"})
    assert answer.status_code == status, answer.text


def test_what_has_ended_is_not_handed_on(add, taken, client: Make) -> None:
    add("110", "http://127.0.0.1:9/x")
    incident = taken()
    move(client("street"), incident, "rejected")
    answer = client("dispatcher").post(f"/api/incidents/{incident}/handover", json={"system": "110", "words": "x"})
    assert (answer.status_code, "reopen it first" in answer.json()["detail"]) == (409, True)


def test_numbers_tell_what_was_not_taken(add, taken, client: Make, town: Engine) -> None:
    """Two events wait for one webhook, none for another system's; the older is two hours old."""
    add("12345", "https://hotline.example/hook")
    add("110", "https://police.example/hook")
    move(client("street"), taken(), "accepted", "assigned")
    with town.begin() as connection:
        oldest = "UPDATE webhook_delivery SET created_at = now() - interval '2 hours' WHERE event = 'incident.accepted'"
        connection.exec_driver_sql(oldest)

    def numbers() -> dict[str, tuple[float, ...]]:
        found: dict[str, list[float]] = {}
        for line in client("anonymous").get("/metrics").text.splitlines():
            if line.startswith("yiwangtu_webhook_"):
                labels, value = line.rsplit(" ", 1)
                found.setdefault(labels.split('system="')[1].split('"')[0], []).append(float(value))
        return {system: tuple(values) for system, values in found.items()}

    waiting, oldest_s, given_up = numbers()["12345"]
    assert (waiting, given_up) == (2, 0)
    assert 7200 <= oldest_s < 7200 + 600
    assert numbers()["110"] == (0, 0, 0)
    with town.begin() as connection:
        connection.exec_driver_sql("UPDATE webhook_delivery SET dead_at = now()")
    assert numbers()["12345"] == (0, 0, 2)
    with town.begin() as connection:
        connection.exec_driver_sql("DELETE FROM webhook WHERE system = '12345'")
    assert set(numbers()) == {"110"}
