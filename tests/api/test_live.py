"""`/live` over a real socket: who gets what, what a returning client gets, how streams end."""

import asyncio
import contextlib
import http.client
import json
import queue
import socket
import threading
from collections.abc import Callable

import httpx
import pytest
import uvicorn
from sqlalchemy import text

from api.routes import live as route
from api.services import live
from api.services.live import LiveEvent, LiveHub, Subscription, load_incidents, render
from api.services.sessions import Sessions
from data import accounts, outbox
from data.calendar.store import store_builtin_days
from data.scope import scoped
from data.supervision.whistles import store_builtin_whistles
from layers.registry import BY_NAME
from layers.viewer import ANONYMOUS
from tests.api.conftest import CHEAP
from tests.looping import run_alone

PASSWORD = "a drawn town 2024"
LOGINS = (
    "worker", "community", "street", "dispatcher", "department", "planner", "screen", "system_admin", "far_worker",
    "far_dispatcher", "chief", "chief_planner",
)  # fmt: skip


class Stream:
    """One client of `/live`."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.events: queue.Queue[dict[str, str]] = queue.Queue()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join(["GET /live HTTP/1.1", "Host: localhost", *lines, "", ""]).encode())
        self.response = http.client.HTTPResponse(self.socket)
        self.response.begin()
        self.status = self.response.status
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        event: dict[str, str] = {}
        with contextlib.suppress(OSError, http.client.HTTPException):
            for line in self.response:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name or "comment"] = value
                elif line.startswith(b":"):
                    event["comment"] = line.decode().strip()
                elif event:
                    self.events.put(event)
                    event = {}
        self.events.put({"event": "the end"})

    def next(self, *kinds: str) -> dict[str, str]:
        """Wait for the next event of one of the kinds (any without)."""
        while True:
            event = self.events.get(timeout=60)
            if not kinds or event.get("event") in kinds:
                return event
            assert event.get("event") != "the end", "the stream ended"

    def until_reported(self, title: str) -> list[dict[str, str]]:
        """Gather events until the incident with a title, that one included."""
        found = []
        while True:
            found.append(self.next())
            assert found[-1].get("event") != "the end", "the stream ended"
            if found[-1].get("event") == "incident" and json.loads(found[-1]["data"])["properties"]["title"] == title:
                return found

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.response.close()
        self.socket.close()


@pytest.fixture
def port(app, until):
    """The server over the town, listening."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    hub(app)._stop.set()
    server.should_exit = True
    thread.join()


def hub(app) -> LiveHub:
    return app.state.context.live


@pytest.fixture
def listen(port, app, until):
    """Open streams: `listen("worker", last=7)`."""
    opened = []

    def make(login: str = "anonymous", last: int | str | None = None) -> Stream:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        if login != "anonymous":
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                answer = client.post("/api/session", json={"login": login, "password": PASSWORD})
                assert answer.status_code == 201, answer.text
                headers["Cookie"] = f"yiwangtu_session={client.cookies['yiwangtu_session']}"
        stream = Stream(port, headers)
        opened.append(stream)
        return stream

    yield make
    for stream in opened:
        with contextlib.suppress(OSError):
            stream.close()
    until(lambda: hub(app).subscriber_count == 0)


@pytest.fixture
def report(town) -> Callable[..., None]:
    """Report an incident as the database's owner: `report("D1S1C1G1", "title")`."""

    def write(grid: str, title: str, **more: object) -> None:
        with town.begin() as connection:
            values = {
                "department": None,
                "reported_by": None,
                "category": "litter",
                **more,
                "grid": grid,
                "title": title,
            }
            connection.execute(
                text(
                    "INSERT INTO incident "
                    "(id, category, title, description, department, reported_by, reported_at, geom) "
                    "SELECT gen_random_uuid(), :category, :title, 'private', :department, :reported_by, now(), "
                    "ST_PointOnSurface(geom) FROM grid WHERE code = :grid AND is_effective"
                ),
                values,
            )

    return write


def titles(events: list[dict[str, str]]) -> list[str]:
    return [json.loads(one["data"])["properties"]["title"] for one in events if one.get("event") == "incident"]


def test_everyone_gets_what_is_theirs(listen, report) -> None:
    """Five incidents in a row; the last lies in everybody's area, so each stream is read up to it."""
    near, far = listen("worker"), listen("dispatcher")
    screen, department = listen("screen"), listen("department")
    report("D1S1C1G1", "one")
    report("D1S1C1G2", "two")
    report("D2S1C1G1", "three")
    report("D1S2C2G1", "four", department="城管")
    report("D1S1C1G1", "five", department="城管")
    assert titles(near.until_reported("five")) == ["one", "five"]
    assert titles(far.until_reported("five")) == ["one", "two", "four", "five"]
    assert titles(department.until_reported("five")) == ["four", "five"]
    for grid in ("D1S1C1G1", "D1S1C1G2", "D1S2C2G1", "D1S1C1G1"):
        event = screen.next("incident")  # a wall is told where, and nothing in anybody's words
        properties = json.loads(event["data"])["properties"]
        assert properties["grid"] == grid
        assert properties.keys().isdisjoint({"title", "description"})
        assert "private" not in event["data"]


def test_strangers_learn_that_something_changed_and_not_what(listen, report) -> None:
    """Incidents are no public layer, their density is; it is announced once for many."""
    stranger, chief = listen(), listen("chief")
    for n in range(5):
        report("D1S1C1G1", str(n))
    chief.until_reported("4")
    event = stranger.next("layer", "incident")
    assert json.loads(event["data"])["layer"] == "incident_density"
    assert stranger.events.empty()


def test_jobs_are_told_to_planners_of_the_area(listen, town) -> None:
    near, far, chief = listen("planner"), listen("dispatcher"), listen("chief_planner")
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO job (kind, area_code, path, status) "
                "SELECT 'gaps', code, path, 'cancelled' FROM area WHERE code IN ('D1S1', 'D2S1') ORDER BY code"
            )
        )
    assert [json.loads(chief.next("job")["data"])["within"] for _ in range(2)] == ["D1S1", "D2S1"]
    job = json.loads(near.next("job")["data"])
    assert (job["within"], job["kind"], job["status"]) == ("D1S1", "gaps", "cancelled")
    assert near.events.empty()
    while not far.events.empty():
        assert "event" not in far.next()  # nothing but the opening


def test_whistles_are_told_without_words_to_their_unit_and_to_departments_once_they_are_called(
    listen, town, client, report
) -> None:
    """A street whistles about a place, its other account approves, the department answers: three things."""
    with town.begin() as connection:
        store_builtin_whistles(connection)
        store_builtin_days(connection)
        post = accounts.Post("street", "D1S1", "")
        accounts.add(connection, "head", name="测试", post=post, password=PASSWORD, cost=CHEAP)
    streams = {login: listen(login) for login in ("street", "department", "far_dispatcher", "screen")}
    words = {"reason": "enforcement", "words": "不可示人的内容", "departments": ["城管"]}
    at = {"lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
    answer = client("street").post("/api/whistles", json={**words, **at})
    number = answer.json()["id"]
    for login, move in (("head", "approve"), ("department", "respond")):
        assert client(login).post(f"/api/whistles/{number}/moves", json={"move": move}).status_code == 200
    told = [json.loads(streams["street"].next("whistle")["data"]) for _ in range(3)]
    assert [one["id"] for one in told] == [number] * 3
    assert {tuple(sorted(one)) for one in told} == {("code", "id", "status")}
    assert told[-1]["status"] == "called"
    assert json.loads(streams["department"].next("whistle")["data"])["status"] == "called"
    report("D1S1C1G1", "the end", department="城管")
    report("D2S1C1G1", "the end of D2")
    assert streams["screen"].next("whistle", "incident")["event"] == "incident"
    assert not [
        one for one in streams["far_dispatcher"].until_reported("the end of D2") if one.get("event") == "whistle"
    ]


def test_a_returning_client_gets_what_it_missed(listen, report) -> None:
    """The same incidents with the same numbers, in the same order, as a client that stayed."""
    stayed, left = listen("dispatcher"), listen("dispatcher")
    report("D1S1C1G1", "before")
    last = left.until_reported("before")[-1]["id"]
    left.close()
    for n in range(3):
        report("D1S1C1G2", f"missed {n}")
        report("D2S1C1G2", "elsewhere")
    told = [event for event in stayed.until_reported("missed 2") if event.get("event") == "incident"]
    back = listen("dispatcher", last=last)
    replayed = back.until_reported("missed 2")
    assert [event for event in replayed if event.get("event") == "incident"] == told[1:]
    layers = {json.loads(back.next("layer")["data"])["layer"] for _ in range(2)}
    assert layers == {"incident", "incident_density"}
    report("D1S1C1G1", "after")
    assert back.until_reported("after")[-1] == stayed.until_reported("after")[-1]


def test_the_opening_says_where_to_come_back(listen, report, town) -> None:
    """Also a client that never got an event misses nothing; and a client that has everything gets nothing again."""
    chief = listen("chief")
    report("D1S1C1G1", "first")
    chief.until_reported("first")
    worker = listen("far_worker")
    opening = worker.next()
    if "id" not in opening:
        opening = worker.next()
    assert int(opening["id"]) == outbox.newest(town)
    worker.close()
    report("D2S2C2G2", "missed")
    chief.until_reported("missed")
    back = listen("far_worker", last=opening["id"])
    assert titles(back.until_reported("missed")) == ["missed"]


@pytest.mark.parametrize("last", [10**17, 0])
def test_a_number_that_is_not_kept_is_answered_by_a_reset(listen, report, town, last) -> None:
    chief = listen("chief")
    report("D1S1C1G1", "one")
    chief.until_reported("one")
    with town.begin() as connection:
        connection.execute(text("DELETE FROM event WHERE seq < (SELECT max(seq) FROM event)"))
    back = listen("chief", last=last)
    reset = back.next("reset", "incident")
    assert (reset["event"], int(reset["id"])) == ("reset", outbox.newest(town))
    report("D1S1C1G1", "two")
    assert titles(back.until_reported("two")) == ["two"]


def test_too_much_to_replay_is_a_reset(listen, report, monkeypatch) -> None:
    monkeypatch.setattr(live, "REPLAY_LIMIT", 2)
    chief = listen("chief")
    report("D1S1C1G1", "zero")
    last = chief.until_reported("zero")[-1]["id"]
    for n in range(3):
        report("D1S1C1G1", str(n))
    chief.until_reported("2")
    assert listen("chief", last=last).next("reset", "incident")["event"] == "reset"


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 19])
def test_a_number_that_is_none_is_refused(listen, last) -> None:
    assert listen(last=last).status == 400


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(live, "KEEP_ALIVE_S", 0.05)


@pytest.mark.usefixtures("impatient")
def test_a_quiet_stream_shows_that_it_lives_again_and_again(port) -> None:
    stream = Stream(port, {})
    for _ in range(2):
        while "keep-alive" not in str(stream.events.get(timeout=60)):
            pass
    stream.close()


def test_a_signed_in_stream_ends_after_a_while_and_an_open_one_does_not(listen, monkeypatch) -> None:
    """So that a session that ended meanwhile is noticed when the client comes back."""
    monkeypatch.setattr(route, "STREAM_S", 0.05)
    stranger, worker = listen(), listen("worker")
    assert worker.next("the end")
    assert stranger.thread.is_alive()


def test_a_client_that_goes_is_forgotten(listen, app, until) -> None:
    first, second = listen(), listen("worker")
    until(lambda: hub(app).subscriber_count == 2)
    first.close()
    until(lambda: hub(app).subscriber_count == 1)
    second.close()
    until(lambda: hub(app).subscriber_count == 0)


def test_streams_are_bounded(listen, monkeypatch) -> None:
    monkeypatch.setattr(live, "SUBSCRIBERS_LIMIT", 2)
    assert [listen().status for _ in range(3)] == [200, 200, 503]


def test_a_reader_that_does_not_keep_up_is_let_go(app) -> None:
    """Its connection takes nothing any more; the stream ends and is forgotten instead of growing."""

    async def run() -> None:
        subscription = hub(app).subscribe(ANONYMOUS)
        never = asyncio.Event()
        started = asyncio.Event()

        async def send(message) -> None:
            if message["type"] == "http.response.body":
                started.set()
                await never.wait()

        async def receive():
            await never.wait()

        response = route.LiveResponse(hub(app), subscription, b"")
        serving = asyncio.create_task(response({"type": "http"}, receive, send))
        await started.wait()
        for n in range(live.QUEUE_LIMIT + 1):
            subscription.push(b"data: %d\n\n" % n)
        await asyncio.wait_for(serving, 30)
        assert hub(app).subscriber_count == 0
        assert len(subscription.frames) == live.QUEUE_LIMIT

    run_alone(run())


def test_frames_are_taken_in_order_and_in_pieces() -> None:
    subscription = Subscription(ANONYMOUS, 0)
    frames = [b"%d," % n for n in range(2 * live.PIECE + 1)]
    for frame in frames:
        subscription.push(frame)
    pieces = []
    while subscription.wake.is_set():
        pieces.append(subscription.take())
    assert len(pieces) == 3
    assert b"".join(pieces) == b"".join(frames)


@pytest.mark.parametrize("login", LOGINS)
def test_rendering_agrees_with_row_level_security(town, app_engine, settings, report, login) -> None:
    """Every incident, also one outside every area one reported from afar, asked of both; and their fields."""
    with town.begin() as connection:
        worker = connection.execute(text("SELECT id FROM account WHERE login = 'worker'")).scalar()
    report("D2S2C1G2", "reported from afar", reported_by=worker)
    report("D1S1C1G1", "of a department", department="城管")
    report("D2S1C1G1", "of a department elsewhere", department="城管")
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO incident (id, category, title, reported_at, geom) VALUES "
                "(gen_random_uuid(), 'litter', 'outside', now(), ST_SetSRID(ST_MakePoint(10, 50), 4326))"
            )
        )
        ids = [str(row[0]) for row in connection.execute(text("SELECT id FROM incident"))]
    viewer = Sessions(app_engine, settings).sign_in(login, PASSWORD, "test")[1].viewer
    with scoped(app_engine, viewer) as connection:
        visible = {str(row[0]) for row in connection.execute(text("SELECT id FROM incident"))}
        jobs_before = {str(row[0]) for row in connection.execute(text("SELECT id FROM job"))}
    assert jobs_before == set()
    rendered = {}
    for identity, body in load_incidents(app_engine, ids).items():
        event = LiveEvent(1, "incident", "", body["feature"], body["path"], body["reported_by"])
        frame = render(event, viewer)
        if frame:
            rendered[identity] = json.loads(frame.partition(b"data: ")[2])
    assert len(ids) == 20
    assert set(rendered) == visible
    fields = {one.name for one in viewer.fields(BY_NAME["incident"])}
    for body in rendered.values():
        assert set(body["properties"]) == fields
        assert set(body) == {"type", "id", "geometry", "properties"}


@pytest.mark.parametrize("login", LOGINS)
def test_rendering_of_jobs_agrees_with_row_level_security(town, app_engine, settings, login) -> None:
    with town.begin() as connection:
        connection.execute(
            text("INSERT INTO job (kind, area_code, path, status) SELECT 'gaps', code, path, 'cancelled' FROM area")
        )
        paths = {row[0]: row[1] for row in connection.execute(text("SELECT area_code, path::text FROM job"))}
    viewer = Sessions(app_engine, settings).sign_in(login, PASSWORD, "test")[1].viewer
    with scoped(app_engine, viewer) as connection:
        visible = {row[0] for row in connection.execute(text("SELECT area_code FROM job"))}
    assert {code for code, path in paths.items() if render(LiveEvent(1, "job", "", {}, path), viewer)} == visible


def test_an_incident_that_moves_is_told_to_those_where_it_is_now(listen, report, town) -> None:
    """A report in the west is placed in the east before it is read: the west learns nothing of it."""
    west, east = listen("dispatcher"), listen("far_dispatcher")
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO incident (id, category, title, reported_at, geom) "
                "SELECT gen_random_uuid(), 'litter', 'moved', now(), ST_PointOnSurface(geom) "
                "FROM grid WHERE code = 'D1S1C1G1'"
            )
        )
        connection.execute(
            text(
                "UPDATE incident i SET geom = ST_PointOnSurface(g.geom), path = g.path, area_id = g.area_id, "
                "grid_code = g.code FROM grid g WHERE i.title = 'moved' AND g.code = 'D2S1C1G1'"
            )
        )
    report("D1S1C1G1", "west")
    report("D2S1C1G1", "east")
    assert titles(west.until_reported("west")) == ["west"]
    assert titles(east.until_reported("east")) == ["moved", "moved", "east"]
