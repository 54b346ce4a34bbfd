"""Reports, their receipts, moves, history and photos."""

import io
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy import text

from api.services import repeats
from data import chain
from data.scope import scoped
from geo.datum import from_wgs84
from layers.viewer import ANONYMOUS

Make = Callable[[str], TestClient]
PLACE = {"lon": 115.0025, "lat": 30.205}  # in D1S1C1G1
HEIC = (Path(__file__).parent / "red.heic").read_bytes()
OPEN_CASE, CLOSED_CASE = "D1S1C1G1-1", "D1S1C1G2-1"  # of 环卫, of 城管


def body(**changes) -> dict:
    return {
        "category": "litter", "title": "路口有垃圾", "description": "一袋", **PLACE,
        "datum": "wgs84", "accuracy_m": 8, **changes,
    }  # fmt: skip


def report(client: TestClient, sent: dict | None = None, identity: str | None = None):
    return client.put(f"/api/incidents/{identity or uuid.uuid4()}", json=sent or body())


def identity(fetch, code: str) -> str:
    return str(fetch("SELECT id FROM incident WHERE code = :code", code=code)[0][0])


def send(client: TestClient, incident: str, to: str, **more):
    return client.post(f"/api/incidents/{incident}/events", json={"to": to, **more})


def test_a_report_is_placed_numbered_and_due(client: Make, fetch) -> None:
    """Litter is due 24 hours after it was received and belongs to 环卫; the grid is found from the place."""
    answer = report(client("worker"), body(occurred_at="2026-03-01T08:00:00+08:00"))
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/geo+json"
    feature = answer.json()
    assert feature["type"] == "Feature"
    assert feature["geometry"]["coordinates"] == [115.0025, 30.205]
    found = feature["properties"]
    assert {key: found[key] for key in (
        "category", "title", "description", "status", "is_open", "source", "department", "community", "grid",
        "reported_at", "accuracy_m",
    )} == {
        "category": "litter", "title": "路口有垃圾", "description": "一袋", "status": "reported", "is_open": True,
        "source": "worker", "department": "环卫", "community": "D1S1C1", "grid": "D1S1C1G1",
        "reported_at": "2026-03-01T00:00:00Z", "accuracy_m": 8,
    }  # fmt: skip
    assert fetch("SELECT due_at - received_at FROM incident WHERE code = :c", c=found["code"]) == [
        (timedelta(hours=24),)
    ]
    assert found["code"].startswith("20260301-")
    events = fetch(
        "SELECT e.seq, e.status FROM incident_event e JOIN incident i ON i.id = e.incident_id WHERE i.code = :c",
        c=found["code"],
    )
    assert events == [(1, "reported")]


def test_the_same_report_again_gets_the_same_receipt(client: Make, fetch) -> None:
    worker, sent, identity = client("worker"), body(), str(uuid.uuid4())
    first, second = (report(worker, sent, identity) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert fetch("SELECT count(*) FROM incident_event") == [(1,)]


def at_once(calls: list[Callable[[], Response]]) -> list[Response]:
    """Make calls at the same time, each on a thread of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Response]) -> Response:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def test_sent_several_times_at_once_everything_happens_once(client: Make, fetch) -> None:
    """Two tabs, a double tap, a retry that meets its first try: a report, a photo, a move with a key."""
    tabs, sent, identity, photo = [client("worker") for _ in range(5)], body(), str(uuid.uuid4()), str(uuid.uuid4())
    reports = at_once([lambda tab=tab: report(tab, sent, identity) for tab in tabs])
    assert sorted(one.status_code for one in reports) == [200] * 4 + [201]
    assert len({one.json()["properties"]["code"] for one in reports}) == 1
    content = picture()
    photos = at_once([lambda tab=tab: put(tab, identity, content, photo) for tab in tabs])
    assert sorted(one.status_code for one in photos) == [200] * 4 + [201]
    send(client("dispatcher"), identity, "accepted")
    address, move = (
        f"/api/incidents/{identity}/events",
        {"json": {"to": "in_progress"}, "headers": {"Idempotency-Key": "k"}},
    )
    moves = at_once([lambda tab=tab: tab.post(address, **move) for tab in tabs])
    assert [one.status_code for one in moves] == [200] * 5
    assert len({one.content for one in moves}) == 1
    assert fetch("SELECT status FROM incident_event ORDER BY seq") == [("reported",), ("accepted",), ("in_progress",)]


def test_the_same_report_keeps_its_receipt_when_its_category_is_gone(client: Make, town) -> None:
    worker, sent, identity = client("worker"), body(category="other"), str(uuid.uuid4())
    first = report(worker, sent, identity)
    with town.begin() as connection:
        connection.execute(text("INSERT INTO category (code, parent, name) VALUES ('finer', 'other', '细类')"))
    assert report(worker, sent).status_code == 400  # a group now
    assert report(worker, sent, identity).json()["properties"]["code"] == first.json()["properties"]["code"]


def test_a_title_is_the_categorys_name_unless_given(client: Make) -> None:
    worker, identity = client("worker"), str(uuid.uuid4())
    untitled = body()
    del untitled["title"]
    assert report(worker, untitled, identity).json()["properties"]["title"] == "暴露垃圾"
    assert report(worker, body(title="暴露垃圾"), identity).status_code == 200  # it says the same


@pytest.mark.parametrize(
    ("change", "received", "sent"),
    [
        ({"title": "另一件"}, "路口有垃圾", "另一件"), ({"lon": 115.0026}, 115.0025, 115.0026),
        ({"description": None}, "一袋", None), ({"category": "noise"}, "litter", "noise"),
        ({"occurred_at": "2026-03-01T00:01:00Z"}, "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z"),
    ],
)  # fmt: skip
def test_the_same_id_with_another_body_is_refused_field_by_field(client: Make, change: dict, received, sent) -> None:
    worker, identity = client("worker"), str(uuid.uuid4())
    first = body(occurred_at="2026-03-01T08:00:00+08:00")
    report(worker, first, identity)
    answer = report(worker, {**first, **change}, identity)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    (difference,) = answer.json()["differences"]
    (field,) = change
    assert difference["field"] == field == answer.json()["errors"][0]["field"]
    parse = datetime.fromisoformat if field == "occurred_at" else (lambda value: value)
    assert (parse(difference["received"]), parse(difference["sent"])) == (parse(received), parse(sent))


def test_nobody_gets_anothers_receipt(client: Make) -> None:
    """Nor the difference: the refusal says no more than that the id is taken."""
    sent, identity = body(), str(uuid.uuid4())
    report(client("worker"), sent, identity)
    for login in ("far_worker", "community"):  # one who does not see the report, and one who does
        answer = report(client(login), {**sent, "title": "另一件"}, identity)
        assert answer.status_code == 409
        assert "differences" not in answer.json()


def test_a_clock_that_is_ahead_loses_no_report(client: Make, fetch) -> None:
    """What the phone's clock said is kept; what counts is when the server received it."""
    answer = report(client("worker"), body(occurred_at="2999-01-01T00:00:00Z"))
    assert answer.status_code == 201
    rows = fetch(
        "SELECT extract(year FROM occurred_at)::int, reported_at = received_at, received_at <= now() FROM incident "
        "WHERE code = :code", code=answer.json()["properties"]["code"],
    )  # fmt: skip
    assert rows == [(2999, True, True)]


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_the_place_is_converted_once_and_kept_as_sent(client: Make, fetch, datum) -> None:
    lon, lat = from_wgs84([[PLACE["lon"], PLACE["lat"]]], datum)[0].tolist()
    answer = report(client("worker"), body(lon=lon, lat=lat, datum=datum)).json()
    assert answer["geometry"]["coordinates"] == pytest.approx([PLACE["lon"], PLACE["lat"]], abs=2e-7)
    code = answer["properties"]["code"]
    assert fetch("SELECT datum, original_lon, original_lat FROM incident WHERE code = :code", code=code) == [
        (datum, lon, lat)
    ]


def test_a_worker_may_report_in_anothers_grid_and_see_it_again(client: Make) -> None:
    worker = client("worker")
    answer = report(worker, body(lon=115.0275, lat=30.215))
    assert answer.json()["properties"]["grid"] == "D2S2C1G2"
    assert answer.json()["properties"]["description"] == "一袋"
    assert send(worker, answer.json()["properties"]["id"], "accepted").json()["code"] == "forbidden"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lon": 181}, "lon"), ({"lat": "north"}, "lat"), ({"datum": "mars"}, "datum"),
        ({"category": "nothing"}, "category"), ({"category": "city"}, "category"), ({"title": "  "}, "title"),
        ({"title": "x" * 101}, "title"), ({"title": "a\0b"}, "title"), ({"title": "\ud800"}, "title"),
        ({"description": "\0"}, "description"), ({"id": "1"}, "id"), ({"accuracy_m": -1}, "accuracy_m"),
        ({"occurred_at": "2026-01-01T00:00:00"}, "occurred_at"),
        ({"colour": "red"}, "colour"), ({"category": "lit\0ter"}, "category"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(client: Make, fetch, change: dict, field: str) -> None:
    worker = client("worker")
    answer = worker.put(
        f"/api/incidents/{uuid.uuid4()}", content=json.dumps(body(**change)),
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert field in {one["field"] for one in answer.json()["errors"]}
    assert fetch("SELECT count(*) FROM incident") == [(16,)]


def test_not_a_number_is_refused(client: Make) -> None:
    for literal in ("NaN", "Infinity", "1e999"):
        content = '{"category": "litter", "title": "x", "lon": %s, "lat": 30, "datum": "wgs84"}'
        answer = client("worker").put(
            f"/api/incidents/{uuid.uuid4()}", content=content % literal, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400


def test_an_id_that_is_no_uuid_is_refused(client: Make) -> None:
    answer = client("worker").put("/api/incidents/1", json=body())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "incident_id")


def test_a_whole_life(client: Make, fetch, app_engine, town) -> None:
    """Reported, accepted, assigned, handled, resolved, verified by another, closed, rated: eight events, one chain."""
    case = identity(fetch, OPEN_CASE)
    worker, community, dispatcher = client("worker"), client("community"), client("dispatcher")
    steps = [
        (community, "accepted", {}), (dispatcher, "assigned", {"note": "请处理"}), (worker, "in_progress", {}),
        (worker, "resolved", {}), (community, "verified", {}), (dispatcher, "closed", {}),
        (dispatcher, "rated", {"rating": 5}),
    ]  # fmt: skip
    for who, to, more in steps:
        answer = send(who, case, to, **more)
        assert (answer.status_code, answer.json()["properties"]["status"]) == (200, to)
    found = answer.json()["properties"]
    assert (found["is_open"], found["rating"]) == (False, 5)
    assert found["resolved_at"] <= found["closed_at"]
    with town.begin() as connection:
        assert chain.chain_is_intact(connection, uuid.UUID(case))
        assert chain.broken_chains(connection) == []
    actions = fetch("SELECT detail->>'to' FROM audit_event WHERE action = 'incident.move' ORDER BY id")
    assert [to for (to,) in actions] == [to for _, to, _ in steps]


def test_nobody_verifies_their_own_work(client: Make, fetch) -> None:
    case = identity(fetch, OPEN_CASE)
    community = client("community")
    for to in ("accepted", "in_progress", "resolved"):
        assert send(community, case, to).status_code == 200
    answer = send(community, case, "verified")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert send(client("worker"), case, "verified").status_code == 200


def test_an_illegal_move_says_what_is_legal(client: Make, fetch) -> None:
    answer = send(client("dispatcher"), identity(fetch, OPEN_CASE), "closed")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["detail"].endswith("it can become: accepted, rejected")


def test_a_move_of_another_role_says_whose_it_is(client: Make, fetch) -> None:
    answer = send(client("worker"), identity(fetch, OPEN_CASE), "accepted")
    assert (answer.status_code, answer.json()["detail"]) == (
        403, "from 'reported' to 'accepted' is a move of: community, dispatcher, street",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("login", "code", "status"),
    [
        ("dispatcher", OPEN_CASE, 409), ("street", OPEN_CASE, 409), ("worker", OPEN_CASE, 409),
        ("worker", CLOSED_CASE, 404), ("far_dispatcher", OPEN_CASE, 404), ("department", OPEN_CASE, 404),
        ("department", CLOSED_CASE, 409), ("planner", OPEN_CASE, 403), ("screen", OPEN_CASE, 403),
        ("system_admin", OPEN_CASE, 404), ("audit_admin", OPEN_CASE, 404), ("anonymous", OPEN_CASE, 401),
    ],
)  # fmt: skip
def test_who_may_try_to_move_what(client: Make, fetch, login: str, code: str, status: int) -> None:
    """409 is the answer to those who may handle the case, because 'assigned' follows neither of its statuses."""
    assert send(client(login), identity(fetch, code), "assigned").status_code == status


@pytest.mark.parametrize(
    ("to", "more"),
    [("rejected", {}), ("rejected", {"note": "  "}), ("accepted", {"rating": 3}), ("nonsense", {}), ("merged", {}),
     ("reported", {}), ("rejected", {"note": 1})],
)  # fmt: skip
def test_a_move_that_lacks_something_is_400(client: Make, fetch, to: str, more: dict) -> None:
    assert send(client("dispatcher"), identity(fetch, OPEN_CASE), to, **more).status_code == 400


def test_a_move_sent_twice_with_one_key_happens_once(client: Make, fetch) -> None:
    """The second answer is the first, though the case has gone on meanwhile; another request needs another key."""
    case, dispatcher = identity(fetch, OPEN_CASE), client("dispatcher")
    keyed = {"Idempotency-Key": "0199-a"}

    def move(to: str, who: TestClient = dispatcher, **headers: str):
        return who.post(f"/api/incidents/{case}/events", json={"to": to}, headers=headers or keyed)

    first = move("accepted")
    assert (first.status_code, first.json()["properties"]["status"]) == (200, "accepted")
    assert send(dispatcher, case, "assigned").status_code == 200
    again = move("accepted")
    assert (again.status_code, again.content) == (200, first.content)
    other = move("in_progress")
    assert (other.status_code, "'0199-a'" in other.json()["detail"]) == (409, True)
    assert move("in_progress", client("street")).status_code == 200  # keys are each account's own
    assert fetch("SELECT status FROM incident_event ORDER BY seq") == [("accepted",), ("assigned",), ("in_progress",)]
    assert move("resolved", **{"Idempotency-Key": "with a blank"}).status_code == 400


def test_a_move_that_was_refused_may_be_tried_again_with_its_key(client: Make, fetch) -> None:
    case, worker = identity(fetch, OPEN_CASE), client("worker")
    keyed = {"Idempotency-Key": "k"}
    sent = {"json": {"to": "in_progress"}, "headers": keyed}
    assert worker.post(f"/api/incidents/{case}/events", **sent).status_code == 409
    send(client("dispatcher"), case, "accepted")
    assert worker.post(f"/api/incidents/{case}/events", **sent).status_code == 200


def test_answers_are_forgotten_after_a_week_and_not_before(client: Make, fetch, app_engine, town) -> None:
    case = identity(fetch, OPEN_CASE)
    dispatcher = client("dispatcher")
    for key, to in (("old", "accepted"), ("new", "assigned")):
        dispatcher.post(f"/api/incidents/{case}/events", json={"to": to}, headers={"Idempotency-Key": key})
    with town.begin() as connection:
        connection.execute(text("UPDATE repeat SET created_at = now() - interval '8 days' WHERE key = 'old'"))
    with scoped(app_engine, ANONYMOUS) as connection:
        assert repeats.forget_old(connection) == 1
        assert connection.execute(text("DELETE FROM repeat WHERE key = 'new'")).rowcount == 0
    assert fetch("SELECT key FROM repeat") == [("new",)]


def test_reopening_takes_the_times_back(client: Make, fetch) -> None:
    dispatcher = client("dispatcher")
    answer = send(dispatcher, identity(fetch, CLOSED_CASE), "reopened", note="又出现了")
    found = answer.json()["properties"]
    assert (found["status"], found["is_open"], found["resolved_at"], found["closed_at"]) == (
        "reopened",
        True,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ("UPDATE incident_event SET note = 'other' WHERE seq = 2", "event 2 was changed"),
        ("UPDATE incident_event SET at = at - interval '1 hour' WHERE seq = 1", "event 1 was changed"),
        ("DELETE FROM incident_event WHERE seq = 1", "event 1 is missing"),
        ("DELETE FROM incident_event WHERE seq = 3", "history ends at 'accepted'"),
        ("UPDATE incident SET status = 'closed' WHERE code = 'D1S1C1G1-1'", "history ends at 'assigned'"),
    ],
)
def test_a_changed_history_is_found(client: Make, fetch, town, harm: str, sentence: str) -> None:
    case = uuid.UUID(identity(fetch, OPEN_CASE))
    dispatcher = client("dispatcher")
    with town.begin() as connection:
        chain.append(connection, chain.Event(case, 0, "reported", None, None, datetime(2026, 1, 1, tzinfo=UTC)))
    for to in ("accepted", "assigned"):
        send(dispatcher, str(case), to)
    with town.begin() as connection:
        assert chain.chain_is_intact(connection, case)
        connection.execute(text(harm))
        assert not chain.chain_is_intact(connection, case)
        (fault,) = chain.broken_chains(connection)
        assert fault.startswith("incident D1S1C1G1-1")
        assert sentence in fault


def picture(size=(60, 40), form="JPEG", **options) -> bytes:
    out = io.BytesIO()
    Image.new(options.pop("mode", "RGB"), size, options.pop("color", "red")).save(out, form, **options)
    return out.getvalue()


@pytest.fixture
def case(client: Make) -> tuple[TestClient, str]:
    worker = client("worker")
    return worker, report(worker).json()["properties"]["id"]


def put(client: TestClient, incident: str, content: bytes, photo: str | None = None):
    return client.put(
        f"/api/incidents/{incident}/photos/{photo or uuid.uuid4()}",
        content=content,
        headers={"content-type": "image/jpeg"},
    )


def test_a_photo_loses_everything_but_its_pixels(case) -> None:
    """5000 x 1000 with place, comment and a quarter turn becomes an upright JPEG of 410 x 2048 and nothing else."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by a quarter
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 12.0, 18.0), 3: "E", 4: (115.0, 0.0, 9.0)})  # 30.205, 115.0025
    worker, incident = case
    sent = picture((5000, 1000), exif=exif, comment=b"secret comment", icc_profile=b"secret profile")
    assert b"Exif" in sent
    assert b"secret comment" in sent
    answer = put(worker, incident, sent)
    assert answer.status_code == 201
    stored = answer.json()
    assert max(stored["width"], stored["height"]) <= 2048
    assert stored["height"] > 4 * stored["width"]
    assert (stored["lon"], stored["lat"]) == pytest.approx((115.0025, 30.205))
    read = worker.get(f"/api/incidents/{incident}/photos/{stored['id']}")
    assert read.headers["content-type"] == "image/jpeg"
    assert "private" in read.headers["cache-control"]
    assert b"Exif" not in read.content
    assert b"secret" not in read.content
    image = Image.open(io.BytesIO(read.content))
    assert (image.size, dict(image.getexif()), image.format) == ((stored["width"], stored["height"]), {}, "JPEG")
    assert worker.get(f"/api/incidents/{incident}/photos").json() == {"photos": [stored]}


def test_a_heic_photo_of_a_phone_is_read(case) -> None:
    """red.heic: 60 x 40 pixels of red with the place of the town's first grid, made with pillow-heif."""
    worker, incident = case
    stored = put(worker, incident, HEIC).json()
    assert (stored["lon"], stored["lat"]) == pytest.approx((115.0025, 30.205))
    content = worker.get(f"/api/incidents/{incident}/photos/{stored['id']}").content
    red, green, blue = Image.open(io.BytesIO(content)).convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert (red > 200, green < 60, blue < 60) == (True, True, True)
    assert b"Exif" not in content


@pytest.mark.parametrize(
    ("tags", "place"),
    [
        ({1: "S", 2: (30.0, 12.0, 18.0), 3: "W", 4: (115.0, 0.0, 9.0)}, (-115.0025, -30.205)),
        ({2: (30.0, 12.0, 18.0)}, None), ({1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (115.0, 0.0, 9.0)}, None),
        ({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}, None), ({1: "N", 2: 7.0, 3: "E", 4: 8.0}, None),
    ],
    ids=["south-west", "half", "beyond-the-pole", "nowhere", "no-triple"],
)  # fmt: skip
def test_the_cameras_place_is_read_where_it_makes_sense(case, tags: dict, place) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(tags)
    stored = put(*case, picture(exif=exif)).json()
    assert (stored["lon"], stored["lat"]) == (pytest.approx(place) if place else (None, None))


def test_a_photo_sent_twice_is_one(case, fetch) -> None:
    worker, incident = case
    photo, content = str(uuid.uuid4()), picture()
    assert [put(worker, incident, content, photo).status_code for _ in range(2)] == [201, 200]
    assert put(worker, incident, picture(color="blue"), photo).status_code == 409
    other = report(worker).json()["properties"]["id"]
    assert put(worker, other, content, photo).status_code == 409
    assert fetch("SELECT count(*) FROM incident_photo") == [(1,)]


def test_transparency_becomes_white(case) -> None:
    worker, incident = case
    stored = put(worker, incident, picture(form="PNG", mode="RGBA", color=(0, 0, 0, 0))).json()
    content = worker.get(f"/api/incidents/{incident}/photos/{stored['id']}").content
    assert Image.open(io.BytesIO(content)).getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"not a photo", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture(form="GIF"), picture(form="TIFF"),
        picture((400, 300))[:300], picture(form="PNG")[:60], HEIC[:400],
        HEIC[:200] + b"\xff" * 200 + HEIC[400:], b"\xff\xd8\xff\xe0" + b"\0" * 50,
        picture((10_000, 5_001), "PNG", mode="1", color=0), picture((16_000, 16_000), "PNG", mode="1", color=0),
    ],
    ids=["empty", "text", "svg", "gif", "tiff", "cut-jpeg", "cut-png", "cut-heic",
         "damaged-heic", "hollow-jpeg", "too-many-pixels", "bomb"],
)  # fmt: skip
def test_what_is_no_photo_is_400(case, content: bytes) -> None:
    answer = put(*case, content)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_a_photo_over_the_limit_is_413(case) -> None:
    assert put(*case, b"\xff" * 10_000_001).status_code == 413


def test_a_case_keeps_nine_photos(case) -> None:
    assert [put(*case, picture((10, 10))).status_code for _ in range(10)] == [201] * 9 + [409]


def test_who_sees_photos(case, client: Make, fetch) -> None:
    worker, incident = case
    photo = put(worker, incident, picture()).json()["id"]
    address = f"/api/incidents/{incident}/photos"
    expected = {
        "anonymous": 401, "worker": 200, "community": 200, "street": 200, "dispatcher": 200, "department": 404,
        "planner": 403, "screen": 403, "system_admin": 404, "far_worker": 404, "far_dispatcher": 404, "chief": 200,
    }  # fmt: skip
    for login, status in expected.items():
        signed_in = client(login)
        assert (login, signed_in.get(address).status_code) == (login, status)
        assert (login, signed_in.get(f"{address}/{photo}").status_code) == (login, status)
        assert (login, put(signed_in, incident, picture()).status_code) == (login, 201 if status == 200 else status)
    assert worker.get(f"{address}/{uuid.uuid4()}").status_code == 404
    readers = fetch("SELECT count(*) FROM audit_event WHERE action = 'photo.read'")
    assert readers == [(sum(status == 200 for status in expected.values()),)]


def test_categories_are_everyones(client: Make) -> None:
    found = client("anonymous").get("/api/categories").json()["categories"]
    assert [one["code"] for one in found] == ["city", "litter", "noise", "other"]
    assert found[1] == {
        "code": "litter", "parent": "city", "name": "暴露垃圾", "name_en": "Litter",
        "department": "环卫", "limit_hours": 24, "duplicate_m": 50, "duplicate_hours": 72,
        "keys": "暴露垃圾|baolulaji|bllj|litter",
    }  # fmt: skip
