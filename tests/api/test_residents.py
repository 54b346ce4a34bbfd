"""Residents report without an account and follow it by a code; nothing personal goes where it must not."""

import html
import io
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Engine

from api.main import create_app
from api.services import residents
from api.services.reportgate import ReportGate
from api.services.residents import erase_contacts
from api.settings import Settings
from data import chain
from data.deadlines import store as deadlines
from data.engine import Database
from data.residents.codes import make_key, report_id, tracking_code
from data.scope import scoped
from layers.viewer import ANONYMOUS

SHELL = '<!doctype html>\n<html lang="zh-CN">\n<head><title>t</title></head>\n<body><div id="app"></div></body></html>'
NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
PHONE = "0714-000-0001"
Client = Callable[[str], TestClient]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Beside the usual ones, built pages: a shell alone."""
    web = settings.data_dir / "web"
    (web / "public").mkdir(parents=True)
    (web / "public" / "index.html").write_text(SHELL)
    return settings.model_copy(update={"web_dir": web})


@pytest.fixture
def anyone(app: FastAPI) -> TestClient:
    """Somebody without an account."""
    return TestClient(app, base_url="http://localhost")


def limited(settings: Settings, database: Database, **limits: int) -> FastAPI:
    """A server with lower limits, whose clock for them stands still."""
    changed = settings.model_copy(update=limits)
    app = create_app(changed, database)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    app.state.context = replace(app.state.context, report_gate=ReportGate(changed, lambda: noon))
    return app


def new_key() -> uuid.UUID:
    return make_key(datetime.now(UTC))


def told(key: uuid.UUID, **more: object) -> dict[str, object]:
    """A report in the grid D1S1C1G1."""
    return {"key": str(key), "category": "litter", "words": "楼下垃圾没有清", "place": "D1S1C1G1", **more}


def send(client: TestClient, key: uuid.UUID, **more: object) -> dict:
    answer = client.post("/api/public/reports", json=told(key, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


def track(client: TestClient, key: uuid.UUID, status: int = 200, **more: object) -> dict:
    answer = client.post("/api/public/track", json={"code": tracking_code(key), **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def move(client: TestClient, key: uuid.UUID, *steps: str) -> None:
    for to in steps:
        note = {"note": "x"} if to in ("rejected", "reopened") else {}
        answer = client.post(f"/api/incidents/{report_id(key)}/events", json={"to": to, **note})
        assert answer.status_code == 200, answer.text


def close(client: Client, key: uuid.UUID) -> None:
    """Handled by the worker, verified and closed by the community."""
    move(client("community"), key, "accepted")
    move(client("worker"), key, "in_progress", "resolved")
    move(client("community"), key, "verified", "closed")


def photo(colour: str = "red") -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (40, 30), colour)
    exif = Image.Exif()
    exif[0x010E] = "张三的手机"
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def test_a_report_is_an_incident_like_any_other(anyone: TestClient, client: Client, fetch: Callable) -> None:
    key = new_key()
    found = send(anyone, key, where="3 号楼门口")
    assert (found["is_new"], found["tracking_code"]) == (True, tracking_code(key))
    row = fetch(
        "SELECT i.*, ST_Within(i.geom, g.geom) AS is_inside FROM incident i JOIN grid g ON g.code = i.grid_code "
        "WHERE i.code = :code", code=found["receipt"],
    )[0]  # fmt: skip
    assert (row.source, row.reported_by, row.grid_code, row.department) == ("resident", None, "D1S1C1G1", "环卫")
    assert (row.status, row.is_inside, row.title, row.is_placed) == ("reported", True, "暴露垃圾", False)
    assert row.description == "楼下垃圾没有清\n地点：3 号楼门口"
    assert row.due_at == row.received_at + timedelta(hours=24)
    # the grid is 0.005 x 0.01 degrees: 481 by 1,109 m, so its corner is about 604 m from the middle
    assert row.accuracy_m == pytest.approx(604, abs=3)
    case = client("community").get(f"/api/incidents/{row.id}").json()
    assert case["resident"] == {"place": "grid", "has_phone": False}
    assert [one["basis"] for one in case["routes"]] == ["category"]
    assert [(one["status"], one["by"]) for one in case["events"]] == [("reported", None)]
    listed = client("community").get("/api/incidents?source=resident").json()["features"]
    assert [one["properties"]["code"] for one in listed] == [found["receipt"]]
    assert client("far_dispatcher").get("/api/incidents?source=resident").json()["features"] == []


def test_a_position_that_was_told_counts_and_the_place_does_not(anyone: TestClient, fetch: Callable) -> None:
    found = send(anyone, new_key(), lon=115.0075, lat=30.205, accuracy_m=12)
    row = fetch("SELECT grid_code, accuracy_m, is_placed FROM incident WHERE code = :code", code=found["receipt"])[0]
    assert tuple(row) == ("D1S1C1G2", 12, True)
    assert fetch("SELECT place FROM resident_report")[0][0] == "device"


def test_sent_twice_it_is_one_report_with_one_code(anyone: TestClient, fetch: Callable) -> None:
    key = new_key()
    first, second = send(anyone, key, phone=PHONE), send(anyone, key, phone=PHONE)
    assert second == {**first, "is_new": False}
    assert fetch("SELECT count(*) FROM incident WHERE source = 'resident'")[0][0] == 1
    changed = anyone.post("/api/public/reports", json=told(key, words="另一件事"))
    assert changed.status_code == 409
    assert [one["field"] for one in changed.json()["errors"]] == ["description"]


def test_the_code_is_nowhere_and_the_number_is_sealed(
    anyone: TestClient, client: Client, app_engine: Engine, fetch: Callable
) -> None:
    """A dump of all text columns holds no code; the app's own role can't read the number but by the door that tells."""
    key = new_key()
    send(anyone, key, phone=PHONE)
    assert (
        fetch("SELECT count(*) FROM resident_report WHERE code_hash LIKE :code", code=f"%{tracking_code(key)}%")[0][0]
        == 0
    )
    case = f"/api/incidents/{report_id(key)}"
    everything = client("community").get(case).text + client("community").get("/api/incidents").text
    assert PHONE not in everything
    assert tracking_code(key) not in everything
    assert client("community").get(case).json()["resident"] == {"place": "grid", "has_phone": True}
    for column in ("phone", "*"):
        with pytest.raises(Exception, match="permission denied"), scoped(app_engine, ANONYMOUS) as connection:
            connection.exec_driver_sql(f"SELECT {column} FROM resident_contact")
    with pytest.raises(Exception, match="permission denied"), scoped(app_engine, ANONYMOUS) as connection:
        connection.exec_driver_sql("SELECT code_hash FROM resident_report")

    def reads() -> list:
        return fetch(
            "SELECT a.login, e.subject FROM audit_event e JOIN account a ON a.id = e.account_id "
            "WHERE action = 'contact.read' ORDER BY e.id"
        )

    assert client("worker").get(f"{case}/contact").status_code == 403
    assert client("far_dispatcher").get(f"{case}/contact").status_code == 404
    assert client("department").get(f"{case}/contact").status_code == 404  # 城管, and litter is 环卫's
    assert reads() == []
    assert client("community").get(f"{case}/contact").json() == {"phone": PHONE}
    assert client("street").get(f"{case}/contact").headers["cache-control"] == "no-store"
    assert [one.login for one in reads()] == ["community", "street"]
    other = new_key()
    send(anyone, other)
    assert client("community").get(f"/api/incidents/{report_id(other)}/contact").status_code == 404


def test_numbers_are_erased_days_after_the_end(
    anyone: TestClient, client: Client, app_engine: Engine, fetch: Callable
) -> None:
    """Of an open report, of one closed 29 days ago, of one closed 31 days ago, and of one joined into that."""
    keys = [new_key() for _ in range(4)]
    for number, key in enumerate(keys):
        send(anyone, key, phone=PHONE, words=f"{number}")
    joined = client("community").post(
        f"/api/incidents/{report_id(keys[3])}/merge", json={"into": str(report_id(keys[2]))}
    )
    assert joined.status_code == 200
    for key, days in ((keys[1], 29), (keys[2], 31)):
        close(client, key)
        fetch(
            "UPDATE incident SET closed_at = now() - make_interval(days => :days) WHERE id = :id RETURNING 1",
            days=days, id=report_id(key),
        )  # fmt: skip
    with scoped(app_engine, ANONYMOUS) as connection:
        assert erase_contacts(connection, 30) == 2
        assert erase_contacts(connection, 30) == 0
    assert {one[0] for one in fetch("SELECT incident_id FROM resident_contact")} == {report_id(one) for one in keys[:2]}
    assert fetch("SELECT count(*) FROM audit_event WHERE action = 'contact.erase'")[0][0] == 2


def test_progress_without_names_and_notes(anyone: TestClient, client: Client) -> None:
    key = new_key()
    receipt = send(anyone, key, phone=PHONE)["receipt"]
    first = track(anyone, key)
    assert (first["step"], first["receipt"], first["body"]) == ("received", receipt, "环卫")
    assert "时限24个紧急工作时" in first["due_words"]
    move(client("community"), key, "accepted")
    asked = client("worker").post(
        f"/api/incidents/{report_id(key)}/events", json={"to": "in_progress", "note": "张三去了"}
    )
    assert asked.status_code == 200
    case = f"/api/incidents/{report_id(key)}/requests"
    wish = client("worker").post(case, json={"kind": "extension", "reason": "李四家没人", "amount": 3})
    number = wish.json()["requests"][0]["id"]
    assert client("community").post(f"{case}/{number}/decision", json={"is_granted": True}).status_code == 200
    answer = anyone.post("/api/public/track", json={"code": tracking_code(key)})
    found = answer.json()
    assert [one["key"] for one in found["steps"]] == ["received", "accepted", "handling"]
    assert datetime.fromisoformat(found["due_at"]) - datetime.fromisoformat(first["due_at"]) == timedelta(hours=3)
    for secret in ("张三", "李四", "测试", PHONE, "worker", "community"):
        assert secret not in answer.text
    move(client("worker"), key, "resolved")
    assert track(anyone, key)["due_at"] is None
    assert "set-cookie" not in answer.headers


def test_a_rejected_report_says_so_and_not_why(anyone: TestClient, client: Client) -> None:
    key = new_key()
    send(anyone, key)
    move(client("community"), key, "rejected")
    found = track(anyone, key)
    assert (found["step"], found["may_rate"], found["may_reopen_until"]) == ("rejected", False, None)


def test_rated_once_after_closing(anyone: TestClient, client: Client, fetch: Callable, town: Engine) -> None:
    key = new_key()
    send(anyone, key)
    assert track(anyone, key, 409, to="rated", rating=5)["code"] == "conflict"
    close(client, key)
    assert track(anyone, key)["may_rate"] is True
    assert track(anyone, key, 400, to="rated")["errors"][0]["field"] == "rating"
    found = track(anyone, key, to="rated", rating=4, note="很快")
    assert (found["step"], found["rating"], found["may_rate"]) == ("rated", 4, False)
    assert track(anyone, key, 409, to="rated", rating=1)["detail"] == "the report was rated already"
    assert track(anyone, key, 409, to="reopened", note="还没好")["code"] == "conflict"
    event = fetch("SELECT status, note, account_id, detail FROM incident_event ORDER BY id DESC LIMIT 1")[0]
    assert tuple(event) == ("rated", "很快", None, {"resident": True})
    with town.begin() as connection:
        assert chain.chain_is_intact(connection, report_id(key))


def test_reopened_by_its_reporter_for_some_days(
    anyone: TestClient, client: Client, fetch: Callable, town: Engine
) -> None:
    key = new_key()
    send(anyone, key)
    close(client, key)
    until = datetime.fromisoformat(track(anyone, key)["may_reopen_until"])
    closed_at = fetch("SELECT closed_at FROM incident WHERE id = :id", id=report_id(key))[0][0]
    assert until == closed_at + timedelta(days=7)
    assert track(anyone, key, 400, to="reopened", note="  ")["errors"][0]["field"] == "note"
    found = track(anyone, key, to="reopened", note="还在那里")
    assert (found["step"], found["steps"][-1]["key"], found["may_rate"]) == ("reopened", "reopened", False)
    with town.begin() as connection:
        assert chain.chain_is_intact(connection, report_id(key))
        assert [one for one in deadlines.differing(connection) if one.incident_id == report_id(key)] == []
    move(client("worker"), key, "in_progress", "resolved")
    move(client("community"), key, "verified", "closed")
    fetch("UPDATE incident SET closed_at = now() - interval '8 days' WHERE id = :id RETURNING 1", id=report_id(key))
    late = track(anyone, key)
    assert (late["may_rate"], late["may_reopen_until"]) == (True, None)
    assert "7 days" in track(anyone, key, 409, to="reopened", note="还在")["detail"]


def test_everyone_who_reported_the_same_thing_is_told(anyone: TestClient, client: Client) -> None:
    """Two are joined; each code shows the case that goes on. Parted, the second is by itself again."""
    kept, gone = new_key(), new_key()
    receipt = send(anyone, kept)["receipt"]
    own = send(anyone, gone, words="又是垃圾")["receipt"]
    case = f"/api/incidents/{report_id(gone)}"
    assert client("community").post(f"{case}/merge", json={"into": str(report_id(kept))}).status_code == 200
    move(client("community"), kept, "accepted")
    found = track(anyone, gone)
    assert (found["receipt"], found["is_joined"], found["step"]) == (receipt, True, "accepted")
    assert [one["key"] for one in found["steps"]] == ["received", "joined", "accepted"]
    assert [one["key"] for one in track(anyone, kept)["steps"]] == ["received", "accepted"]
    assert client("community").post(f"{case}/unmerge", json={"note": "不是一处"}).status_code == 200
    found = track(anyone, gone)
    assert (found["receipt"], found["is_joined"], found["step"]) == (own, False, "received")
    assert [one["key"] for one in found["steps"]] == ["received", "joined", "parted"]
    assert client("community").post(f"{case}/merge", json={"into": str(report_id(kept))}).status_code == 200
    move(client("worker"), kept, "in_progress", "resolved")
    move(client("community"), kept, "verified", "closed")
    assert track(anyone, gone, to="rated", rating=5)["step"] == "rated"
    assert track(anyone, kept)["rating"] == 5


def test_a_wrong_code_is_one_sentence_and_guessing_ends(town: Engine, database: Database, settings: Settings) -> None:
    """Three wrong codes in an hour; a mistyped one is no guess, a right one costs nothing."""
    app = limited(settings, database, tracking_tries=3)
    anyone = TestClient(app, base_url="http://localhost")
    try:
        key = new_key()
        send(anyone, key)
        for _ in range(5):
            assert track(anyone, key)["step"] == "received"
            assert anyone.post("/api/public/track", json={"code": "3" * 12}).status_code == 404
        wrong = [track(anyone, new_key(), 404) for _ in range(3)]
        assert wrong[0]["detail"] == "there is no report with this tracking code; please check its 12 signs"
        refused = anyone.post("/api/public/track", json={"code": tracking_code(new_key())})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == 900
        page = anyone.post("/public/track", data={"code": tracking_code(key)})
        assert page.status_code == 429
        assert "15 分钟后再试" in page.text
    finally:
        app.state.context.reader.close()
        app.state.context.engine.dispose()
        app.state.context.background.dispose()


def test_so_many_reports_and_no_more(town: Engine, database: Database, settings: Settings, fetch: Callable) -> None:
    """Two an hour for a place, three from a network; what came before costs nothing, what is refused leaves no row."""
    app = limited(settings, database, report_limit_per_address=3, report_limit_per_place=2)
    anyone = TestClient(app, base_url="http://localhost")
    try:
        keys = [new_key() for _ in range(2)]
        for key in (keys[0], keys[0], keys[0], keys[1]):
            send(anyone, key)
        refused = anyone.post("/api/public/reports", json=told(new_key()))
        assert refused.status_code == 429
        assert (refused.headers["retry-after"], "this place" in refused.json()["detail"]) == ("900", True)
        send(anyone, new_key(), place="D1S1C1G2")
        refused = anyone.post("/public/report", data=told(new_key(), place="D1S1C2G1"), files={"x": b""})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "900"
        assert "请 15 分钟后再试" in refused.text
        assert "楼下垃圾没有清" in refused.text  # nothing that was typed is lost
        assert fetch("SELECT count(*) FROM incident WHERE source = 'resident'")[0][0] == 3
    finally:
        app.state.context.reader.close()
        app.state.context.engine.dispose()
        app.state.context.background.dispose()


def test_the_form_without_script_from_the_code_on_the_door_to_the_progress(
    anyone: TestClient, client: Client, fetch: Callable
) -> None:
    door = anyone.get("/public/grid/D1S1C1G1").text
    way = html.unescape(re.search(r'href="(/public/report\?[^"]+)"', door)[1])
    form = anyone.get(way)
    assert form.headers["cache-control"] == "no-store"
    assert "网格" in form.text
    assert re.search(r'name="place" value="D1S1C1G1"', form.text)
    key = re.search(r'name="key" value="([^"]+)"', form.text)[1]
    photos = [
        ("photos", (name, photo(colour), "image/jpeg")) for name, colour in (("../../a.jpg", "red"), ("b", "blue"))
    ]
    values = {
        "key": key,
        "category": "noise",
        "words": NASTY,
        "place": "D1S1C1G1",
        "phone": PHONE,
        "lon": "",
        "lat": "",
    }
    pages = [anyone.post("/public/report", data=values, files=photos) for _ in range(2)]
    code = tracking_code(uuid.UUID(key))
    for page in pages:
        assert page.status_code == 200
        assert code in text_of(page.text)
        assert "set-cookie" not in page.headers
    assert "已经收到过" in pages[1].text
    assert fetch("SELECT count(*) FROM incident_photo p JOIN incident i ON i.id = p.incident_id")[0][0] == 2
    community = client("community")
    case = community.get(f"/api/incidents/{report_id(uuid.UUID(key))}").json()
    assert case["incident"]["properties"]["description"] == NASTY
    names = [one["id"] for one in community.get(f"/api/incidents/{report_id(uuid.UUID(key))}/photos").json()["photos"]]
    stored = community.get(f"/api/incidents/{report_id(uuid.UUID(key))}/photos/{names[0]}").content
    assert not Image.open(io.BytesIO(stored)).getexif()
    move(community, uuid.UUID(key), "accepted")
    progress = anyone.post("/public/track", data={"code": code.lower()})
    assert "已受理" in progress.text
    assert "办理期限" in progress.text
    assert NASTY not in progress.text


REFUSED = (
    ({"words": " "}, "请写明情况"),
    ({"category": ""}, "请选择事项类别"),
    ({"category": "city"}, "请选择事项类别"),
    ({"category": "'; DROP TABLE incident;--"}, "请选择事项类别"),
    ({"words": "长" * 1001}, "最多 1000 字"),
    ({"where": "x" * 101}, "最多 100 字"),
    ({"words": "a\x07b"}, "无法识别的字符"),
    ({"phone": "打我电话"}, "5 至 20 位数字"),
    ({"place": "../../etc/passwd"}, "没有这个网格或社区"),
    ({"place": "D1"}, "没有这个网格或社区"),
    ({"lon": "115", "lat": "abc"}, "位置不完整"),
    ({"lon": "999", "lat": "1"}, "位置不完整"),
    ({"key": "1"}, "表单已失效"),
    ({"key": str(uuid.uuid4())}, "表单已失效"),
)


def test_what_can_not_be_used_is_said_and_nothing_is_lost(anyone: TestClient, fetch: Callable) -> None:
    typed = NASTY[:90]
    kept = typed.translate(
        {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&#34;", ord("'"): "&#39;"}
    )
    for change, said in REFUSED:
        values = told(new_key(), phone=PHONE, where=typed) | change
        page = anyone.post("/public/report", data=values, files={"x": b""})
        assert (said, page.status_code) == (said, 400)
        assert said in text_of(page.text)
        assert typed not in page.text
        assert ("where" in change) or kept in page.text
    assert fetch("SELECT count(*) FROM incident WHERE source = 'resident'")[0][0] == 0


def test_photos_that_are_none_too_many_or_too_large(
    anyone: TestClient, app: FastAPI, fetch: Callable, settings: Settings
) -> None:
    def ask(*photos: bytes) -> tuple[int, str]:
        files = [("photos", ("a.jpg", one, "image/jpeg")) for one in photos]
        answer = anyone.post("/public/report", data=told(new_key()), files=files)
        return answer.status_code, text_of(answer.text)

    status, page = ask(b"<svg onload=alert(1)>")
    assert (status, "照片无法读取" in page, "照片需要重新选择" in page) == (400, True, True)
    status, page = ask(*[photo()] * 4)
    assert (status, "最多 3 张" in page) == (400, True)
    status, page = ask(photo() + b"\0" * (settings.photo_limit_mb * 1_000_000))
    assert (status, "每张照片最多 10 MB" in page) == (400, True)
    status, page = ask(*[b"\0" * 9_999_999] * 3, b"\0" * 5_000_000)
    assert (status, "照片太大" in page) == (413, True)
    assert fetch("SELECT count(*) FROM incident WHERE source = 'resident'")[0][0] == 0


def test_another_site_s_form_is_refused(anyone: TestClient, fetch: Callable) -> None:
    for path in ("/public/report", "/public/track"):
        answer = anyone.post(path, data=told(new_key(), code="x"), headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
    assert fetch("SELECT count(*) FROM incident WHERE source = 'resident'")[0][0] == 0


def test_rating_and_reopening_on_the_page(anyone: TestClient, client: Client) -> None:
    key = new_key()
    send(anyone, key)
    code = {"code": tracking_code(key), "lang": "en"}
    assert anyone.post("/public/track", data={**code, "to": "rated", "rating": "5"}).status_code == 409
    close(client, key)
    page = anyone.post("/public/track", data=code).text
    assert "Rate the result" in page
    assert "Possible until" in page
    assert "Please choose 1 to 5" in anyone.post("/public/track", data={**code, "to": "rated"}).text
    assert "Please say why" in anyone.post("/public/track", data={**code, "to": "reopened", "note": ""}).text
    again = anyone.post("/public/track", data={**code, "to": "reopened", "note": NASTY})
    assert "Reopened" in again.text
    assert NASTY not in again.text
    move(client("worker"), key, "in_progress", "resolved")
    move(client("community"), key, "verified", "closed")
    rated = anyone.post("/public/track", data={**code, "to": "rated", "rating": "2", "note": "x"})
    assert rated.status_code == 200
    assert "Rated: 2 of 5" in text_of(rated.text)


def test_pages_in_english_and_in_large_letters(anyone: TestClient) -> None:
    page = anyone.get("/public/report?place=D1S1C1G1&lang=en&elder=1").text
    assert "What is the matter" in page
    assert '<html lang="zh-CN" class="elder"' in page
    assert 'name="elder" value="1"' in page
    assert "Report a matter" in anyone.get("/public/track?lang=en").text
    assert "我要报事" in anyone.get("/public/report?lang=xx&anything=1").text


def test_without_a_code_a_community_is_chosen(anyone: TestClient, fetch: Callable) -> None:
    page = anyone.get("/public/report?within=D2").text
    assert re.findall(r'<option value="(D\dS\dC\d)">', page) == ["D2S1C1", "D2S1C2", "D2S2C1", "D2S2C2"]
    found = send(anyone, new_key(), place="D2S1C1")
    row = fetch("SELECT grid_code, path::text FROM incident WHERE code = :code", code=found["receipt"])[0]
    assert row.path.startswith("D2.D2S1.D2S1C1")
    assert fetch("SELECT place FROM resident_report")[0][0] == "community"
    assert anyone.get("/public/report?place=nowhere").status_code == 404


def test_who_names_no_report_sees_and_changes_nothing(anyone: TestClient, app_engine: Engine, client: Client) -> None:
    """Without a report's name row-level security shows a stranger nothing; with it only that one, and only its end."""
    key, other = new_key(), new_key()
    send(anyone, key)
    send(anyone, other, words="别人的")
    tables = ("incident", "incident_event", "incident_photo", "incident_deadline", "incident_route")
    with scoped(app_engine, ANONYMOUS) as connection:
        for table in tables:
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
        connection.exec_driver_sql("SELECT set_config('yiwangtu.report', %s, true)", (str(report_id(key)),))
        assert connection.exec_driver_sql("SELECT count(*) FROM incident").scalar() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM incident_event").scalar() == 1
        assert connection.exec_driver_sql("UPDATE incident SET status = 'rated'").rowcount == 0
        assert connection.exec_driver_sql("UPDATE incident SET department = 'x'").rowcount == 0
    close(client, key)

    def change(sql: str) -> None:
        with scoped(app_engine, ANONYMOUS) as connection:
            connection.exec_driver_sql("SELECT set_config('yiwangtu.report', %s, true)", (str(report_id(key)),))
            connection.exec_driver_sql(f"UPDATE incident SET {sql}")

    for sql in ("status = 'accepted'", "department = 'x', status = 'closed'"):
        with pytest.raises(Exception, match="row-level security"):
            change(sql)


def test_two_answers_at_once_are_one(anyone: TestClient, client: Client, app_engine: Engine) -> None:
    """The second waits for the first one's row, and finds it rated."""
    key = new_key()
    send(anyone, key)
    close(client, key)
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def rate(number: int) -> None:
        start.wait()
        try:
            with scoped(app_engine, ANONYMOUS) as connection:
                step = residents.Move("rated", None, number)
                residents.answer(connection, tracking_code(key), step, datetime.now(UTC), reopen_days=7)
            outcomes.append("rated")
        except residents.ClosedError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=rate, args=(number,)) for number in range(1, 5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["rated", *["the report was rated already"] * 3]
