"""The wall over time: incidents as they come, the server away and back, every size, flat memory, nobody's words."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Error, Page, Response, expect

from tests.e2e.browsing import SLOW_MS, api, wait_for_map
from tests.e2e.demo_server import DemoServer
from tests.e2e.walls import SPOT_CODES, open_wall

pytestmark = pytest.mark.browser
BOXES = (Path(__file__).parent / "wall_boxes.js").read_text("utf-8")
SIZES = [(1920, 1080), (3840, 1080), (3840, 2160), (6656, 1792)]
NAME, PHONE, PRIVATE = "欧阳示例", "13900000001", "不可示人的内容"


class Staff:
    """Somebody who works on incidents through the API."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        answer = self.client.post("/api/session", json={"login": login, "password": password})
        self.client.headers["X-CSRF-Token"] = answer.raise_for_status().json()["csrf_token"]

    def report(self, at: list[float], **more: str) -> dict[str, Any]:
        """Report an incident; give its properties."""
        category = next(one["code"] for one in self.client.get("/api/categories").json()["categories"] if one["parent"])
        body = {"category": category, "lon": at[0], "lat": at[1], "datum": "wgs84", **more}
        return dict(
            self.client.put(f"/api/incidents/{uuid.uuid4()}", json=body).raise_for_status().json()["properties"]
        )

    def move(self, incident_id: str, to: str, note: str | None = None) -> None:
        """Move an incident on."""
        answer = self.client.post(f"/api/incidents/{incident_id}/events", json={"to": to, "note": note})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def street(demo_url: str, demo_passwords: dict[str, str]) -> Iterator[Staff]:
    """The account of a street."""
    made = Staff(demo_url, "street", demo_passwords["street"])
    yield made
    made.client.close()


@pytest.fixture
def place(street: Staff) -> list[float]:
    """Where the street had its newest incident."""
    return list(street.client.get("/api/incidents?limit=1").json()["features"][0]["geometry"]["coordinates"])


def test_an_incident_is_drawn_from_the_stream_alone(
    page: Page, demo_url: str, demo_passwords: dict[str, str], street: Staff, place: list[float]
) -> None:
    """The wall may not ask for lists any more: what comes, comes by the stream; what is closed goes the same way."""
    open_wall(page, demo_url, demo_passwords["wall"])
    wait_for_map(page)
    expect(page.locator(".feed li").first).to_be_visible()
    page.route("**/api/layers/incident/items*", lambda route: route.abort())
    incident = street.report(place)
    expect(page.locator(f".feed li.fresh[data-code='{incident['code']}']")).to_be_visible()
    page.wait_for_function(f"code => {SPOT_CODES}.includes(code)", arg=incident["code"])
    street.move(incident["id"], "rejected", "重复上报")
    expect(page.locator(f".feed li[data-code='{incident['code']}']")).to_contain_text("不予受理")
    page.wait_for_function(f"code => !{SPOT_CODES}.includes(code)", arg=incident["code"])


def test_the_server_goes_and_comes_back_without_a_reload(
    page: Page, mortal_server: DemoServer, demo_passwords: dict[str, str]
) -> None:
    open_wall(page, mortal_server.url, demo_passwords["wall"])
    expect(page.locator(".health .state")).to_have_text("实时")
    value = page.locator("[data-figure=outside] .value")
    expect(value).to_have_text(re.compile(r"\d"))
    before = value.inner_text()
    page.evaluate("() => { window.__loadedOnce = true }")
    mortal_server.kill()
    expect(page.locator(".health .state")).to_have_text(re.compile("实时中断|数据陈旧"), timeout=SLOW_MS)
    expect(page.locator(".health .age")).to_have_text(re.compile("更新于"))
    expect(value).to_have_text(before)
    expect(page.locator(".areas tbody tr").first).to_be_visible()
    mortal_server.ensure_running()
    expect(page.locator(".health .state")).to_have_text("实时", timeout=60_000)
    assert page.evaluate("() => window.__loadedOnce") is True
    staff = Staff(mortal_server.url, "street", demo_passwords["street"])
    at = staff.client.get("/api/incidents?limit=1").json()["features"][0]["geometry"]["coordinates"]
    incident = staff.report(at)
    expect(page.locator(f".feed li[data-code='{incident['code']}']")).to_be_visible(timeout=SLOW_MS)
    staff.move(incident["id"], "rejected", "重复上报")
    staff.client.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut_or_overlaps(
    new_context: Callable[..., BrowserContext], demo_url: str, demo_passwords: dict[str, str], width: int, height: int
) -> None:
    """Live, in a replay and in English, which is longer."""
    scale = (
        1 if width * height < 5_000_000 else 0.25
    )  # the same layout in fewer pixels, as nothing here draws them quickly
    size = {"width": width, "height": height}
    page = new_context(viewport=size, device_scale_factor=scale, reduced_motion="reduce").new_page()
    open_wall(page, demo_url, demo_passwords["wall"], "?dwell=60")
    expect(page.locator("[data-figure=coverage] .value")).to_have_text(re.compile(r"\d|—"))
    expect(page.locator(".map-legend")).to_be_visible(timeout=SLOW_MS)
    assert page.evaluate(BOXES) == []
    frame, canvas = (page.locator(one).bounding_box() for one in (".map-frame", ".map-frame .maplibregl-canvas"))
    assert frame is not None
    assert canvas is not None
    assert canvas["width"] == pytest.approx(frame["width"], abs=3)
    page.locator("[data-rotation=replay]").click()
    expect(page.locator("[data-replay=toggle]")).to_be_enabled(timeout=SLOW_MS)
    assert page.evaluate(BOXES) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="English").click()
    expect(page.locator("[data-figure=open] dt")).to_have_text("Open incidents")
    assert page.evaluate(BOXES) == []


def test_nobody_is_on_the_wall(
    page: Page, demo_url: str, demo_passwords: dict[str, str], street: Staff, place: list[float]
) -> None:
    """Name, phone and words are in a report's title, description and notes: neither page nor traffic has them."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    stream = page.context.new_cdp_session(page)
    stream.send("Network.enable")
    events: list[str] = []
    stream.on("Network.eventSourceMessageReceived", lambda event: events.append(event["data"]))
    open_wall(page, demo_url, demo_passwords["wall"])
    expect(page.locator(".health .state")).to_have_text("实时")
    words = f"{NAME} {PHONE} {PRIVATE}"
    incident = street.report(place, title=words, description=words)
    street.move(incident["id"], "accepted", words)
    row = page.locator(f".feed li[data-code='{incident['code']}']")
    expect(row).to_contain_text("已受理")
    texts = [page.content()]
    for key in ("open", "today"):
        page.locator(f"[data-figure={key}] dt button").click()
        expect(page.get_by_role("dialog").locator("li").first).to_be_visible()
        texts.append(page.content())
        page.keyboard.press("Escape")
    row.locator("button").click()
    page.locator("[data-rotation=replay]").click()
    expect(page.locator("[data-replay=toggle]")).to_be_enabled(timeout=SLOW_MS)
    texts.append(page.content())
    street.move(incident["id"], "rejected", words)
    assert any(incident["code"] in event for event in events)  # the traffic that is looked through is the right one
    traffic = b"\n".join(map(_body, answers)).decode("utf-8", "replace")
    assert "incidents_open" in traffic
    told = "\n".join([*texts, *events, traffic])
    assert incident["code"] in told
    people = [api(page, "/api/session")["account"]["display_name"]]
    for secret in (NAME, PHONE, PRIVATE):
        assert secret not in told
    for person in ("示例网格员", "示例社区", "示例街道", "示例派遣员"):
        assert person in people or person not in told
    assert re.findall(r"(?<![\d.])1[3-9]\d{9}(?!\d)", "\n".join([*texts, *events])) == []


def _body(answer: Response) -> bytes:
    """The whole of an answer; a stream has no end, and what was not changed has no body."""
    if answer.url.endswith("/live") or not 200 <= answer.status < 300 or answer.status == 204:
        return b""
    try:
        return answer.body()
    except Error:  # the page let go of it
        return b""


def _weight(page: Page, session: Any) -> tuple[float, int, int]:
    """Heap in MB, nodes and listeners, after rubbish was collected."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"]), int(metrics["JSEventListeners"])


def test_memory_stays_flat_under_load(
    page: Page, demo_url: str, demo_passwords: dict[str, str], street: Staff, place: list[float]
) -> None:
    """Six incidents go round and round through their states while the wall rotates; `bench_soak` does it for longer."""
    page.emulate_media(reduced_motion="reduce")
    open_wall(page, demo_url, demo_passwords["wall"], "?dwell=1&depth=2")
    wait_for_map(page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    incidents = [street.report(place)["id"] for _ in range(6)]
    for identity in incidents:
        street.move(identity, "accepted")
        street.move(identity, "in_progress")

    def round_trip(times: int) -> None:
        for _ in range(times):
            for identity in incidents:
                for to, note in (("resolved", "好了"), ("reopened", "还没有"), ("in_progress", None)):
                    street.move(identity, to, note)

    round_trip(2)
    first = _weight(page, session)
    round_trip(2)
    second = _weight(page, session)
    round_trip(2)
    third = _weight(page, session)
    # what one place has more than another is bounded; what grows with every event is not
    assert third[0] - first[0] < 12, (first, second, third)
    assert third[1] - first[1] < 4_000, (first, second, third)
    assert third[2] - first[2] < 400, (first, second, third)
