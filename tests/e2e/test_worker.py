"""The grid worker's phone page in a real browser: reports arrive once, and nothing typed is lost on the way."""

import io
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Route, expect

from tests.e2e.browsing import SLOW_MS, api, axe_faults

pytestmark = pytest.mark.browser
ACCURACY_M = 18
MAKER = 0x010F


def _new_title(about: str) -> str:
    """A title that no other run of the tests has used on this demo."""
    return f"{about}（测试 {uuid4().hex[:8]}）"


def _photo(name: str = "camera.jpg") -> FilePayload:
    """A photo of 3000 x 1500 pixels that names its camera in its EXIF."""
    image = Image.new("RGB", (3000, 1500), (90, 120, 90))
    exif = image.getexif()
    exif[MAKER] = "Camera of a person"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def _inside_point(page: Page) -> list[float]:
    """A corner of a building of the worker's own grid."""
    grid = api(page, "/api/session")["account"]["memberships"][0]["code"]
    point = api(page, f"/api/layers/unit/items?within={grid}&limit=1")["features"][0]["geometry"]["coordinates"]
    while isinstance(point[0], list):
        point = point[0]
    return point


@pytest.fixture
def phone(browser: Browser, browser_context_args: dict[str, Any], demo_url: str) -> Iterator[BrowserContext]:
    """A phone of 360 x 780 points that lets the page know its place."""
    context = browser.new_context(
        **{**browser_context_args, "viewport": {"width": 360, "height": 780}},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
    )
    context.grant_permissions(["geolocation"], origin=demo_url)
    yield context
    context.close()


@pytest.fixture
def worker(phone: BrowserContext, demo_url: str, demo_passwords: dict[str, str]) -> Page:
    """The page of the signed-in worker, who stands in the own grid."""
    page = phone.new_page()
    page.goto(f"{demo_url}/worker/")
    page.get_by_label("账号").fill("worker")
    page.get_by_label("密码").fill(demo_passwords["worker"])
    assert axe_faults(page) == []
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="未办结事件")).to_be_visible(timeout=SLOW_MS)
    longitude, latitude = _inside_point(page)
    phone.set_geolocation({"longitude": longitude, "latitude": latitude, "accuracy": ACCURACY_M})
    return page


def _open_form(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("button", name="上报事件").click()
    expect(page.get_by_role("button", name="选择类别")).to_be_visible()


def _choose_category(page: Page) -> None:
    page.get_by_role("button", name="选择类别").click()
    page.get_by_label("搜索类别").fill("井盖")
    page.locator(".category-list button").first.click()


def _fill(page: Page, title: str) -> None:
    """Fill in everything but photos."""
    _choose_category(page)
    page.get_by_label("标题").fill(title)
    page.get_by_role("button", name="使用当前位置").click()
    expect(page.get_by_text(f"误差约 {ACCURACY_M} 米")).to_be_visible()


def _receipt(page: Page) -> str:
    code = page.locator(".receipt-code")
    expect(code).to_be_visible(timeout=SLOW_MS)
    return code.inner_text()


def _incidents_titled(page: Page, title: str) -> list[dict[str, Any]]:
    grid = api(page, "/api/session")["account"]["memberships"][0]["code"]
    found = api(page, f"/api/layers/incident/items?within={grid}&limit=1000")["features"]
    return [one for one in found if one["properties"]["title"] == title]


def test_card_says_what_the_api_says(worker: Page) -> None:
    grid = api(worker, "/api/session")["account"]["memberships"][0]["code"]
    households = api(worker, f"/api/layers/grid/items/{grid}")["properties"]["households"]
    expect(worker.locator(".grid-code")).to_contain_text(grid)
    expect(worker.locator(".grid-figures dd").first).to_have_text(str(households))
    ended = {"closed", "rated", "rejected", "merged"}
    rows = api(worker, f"/api/layers/incident/items?within={grid}&limit=1000")["features"]
    codes = {row["properties"]["code"] for row in rows if row["properties"]["status"] not in ended}
    items = worker.locator(".incident-list li")
    expect(items).to_have_count(len(codes))
    assert set(items.evaluate_all("rows => rows.map(row => row.dataset.code)")) == codes
    expect(worker.locator(".facility-list li").first).to_be_visible()
    assert axe_faults(worker) == []


def test_map_opens_on_demand_with_the_grid_and_its_incidents(worker: Page) -> None:
    assert worker.locator("canvas").count() == 0
    worker.get_by_role("button", name="打开地图").click()
    worker.wait_for_function("() => window.__map && window.__map.loaded()", timeout=SLOW_MS)
    drawn = worker.evaluate("() => window.__map.queryRenderedFeatures({ layers: ['own-grid'] }).length")
    assert drawn > 0
    expect(worker.locator(".maplibregl-ctrl-attrib")).to_contain_text(re.compile("示意图|审图号"))


def test_report_with_photo_and_place_arrives_and_is_listed(worker: Page) -> None:
    title = _new_title("井盖破损")
    _open_form(worker)
    _fill(worker, title)
    worker.locator("input[type=file]").set_input_files(_photo())
    expect(worker.get_by_alt_text("第 1 张照片，2048×1024")).to_be_visible()
    assert axe_faults(worker) == []
    worker.get_by_role("button", name="提交").click()
    code = _receipt(worker)
    assert axe_faults(worker) == []
    worker.get_by_role("button", name="看本网格事件").click()
    expect(worker.locator(f'[data-code="{code}"]')).to_contain_text(title)

    (incident,) = _incidents_titled(worker, title)
    key = incident["properties"].get("id", incident["id"])
    (photo,) = api(worker, f"/api/incidents/{key}/photos")["photos"]
    answer = worker.request.get(worker.url.split("/worker/")[0] + f"/api/incidents/{key}/photos/{photo['id']}")
    stored = Image.open(io.BytesIO(answer.body()))
    assert (stored.format, stored.size) == ("JPEG", (2048, 1024))
    assert dict(stored.getexif()) == {}


def test_what_is_missing_is_said_and_focused(worker: Page) -> None:
    _open_form(worker)
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_text("请选择类别。")).to_be_visible()
    expect(worker.get_by_text("请给出位置。")).to_be_visible()
    expect(worker.locator('[data-field="category"]')).to_be_focused()


def test_failed_request_keeps_the_draft_over_a_reload(worker: Page) -> None:
    title = _new_title("断网也不丢")
    _open_form(worker)
    _fill(worker, title)
    worker.get_by_label("说明").fill("两块盖板缺角")
    worker.locator("input[type=file]").set_input_files(_photo())
    expect(worker.locator(".photo-list img")).to_be_visible()
    worker.route("**/api/incidents", lambda route: route.abort())
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_role("alert")).to_contain_text("没有连上服务器，内容已保存在本机")
    worker.unroute("**/api/incidents")

    worker.reload()
    expect(worker.get_by_label("标题")).to_have_value(title, timeout=SLOW_MS)
    expect(worker.get_by_label("说明")).to_have_value("两块盖板缺角")
    expect(worker.get_by_text(f"误差约 {ACCURACY_M} 米")).to_be_visible()
    expect(worker.locator(".photo-list img")).to_be_visible()
    worker.get_by_role("button", name="提交").click()
    _receipt(worker)
    assert len(_incidents_titled(worker, title)) == 1
    worker.get_by_role("button", name="再报一件").click()
    expect(worker.get_by_label("标题")).to_have_value("")


def test_lost_reply_and_retry_make_one_incident(worker: Page) -> None:
    title = _new_title("回执丢失")
    _open_form(worker)
    _fill(worker, title)
    stored: list[str] = []

    def swallow(route: Route) -> None:
        stored.append(route.fetch().json()["properties"]["code"])
        route.abort()

    worker.route("**/api/incidents", swallow)
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_role("alert")).to_contain_text("没有连上服务器")
    worker.unroute("**/api/incidents")
    worker.get_by_role("button", name="重试").click()
    assert [_receipt(worker)] == stored
    assert len(_incidents_titled(worker, title)) == 1


def test_shell_and_form_open_offline_and_send_when_the_network_is_back(worker: Page, phone: BrowserContext) -> None:
    title = _new_title("地下室断网")
    worker.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    # The categories are remembered from their first reading by the service worker.
    worker.reload()
    _open_form(worker)
    expect(worker.get_by_role("button", name="选择类别")).to_be_visible()
    worker.wait_for_function(
        "() => caches.open('yiwangtu-worker-data').then(cache => cache.match('/api/categories')).then(Boolean)"
    )
    phone.set_offline(True)
    worker.reload()
    expect(worker.get_by_role("status").first).to_contain_text("现在没有网络")
    assert axe_faults(worker) == []
    _fill(worker, title)
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_role("alert")).to_contain_text("没有连上服务器")
    phone.set_offline(False)
    expect(worker.get_by_text("现在没有网络")).to_have_count(0)
    worker.get_by_role("button", name="重试").click()
    _receipt(worker)
    assert len(_incidents_titled(worker, title)) == 1


def test_two_steps_choose_a_category_and_escape_leaves_it(worker: Page) -> None:
    _open_form(worker)
    worker.get_by_role("button", name="选择类别").click()
    dialog = worker.get_by_role("dialog")
    expect(dialog).to_be_visible()
    worker.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    worker.get_by_role("button", name="选择类别").click()
    worker.locator(".category-list button").first.click()
    member = worker.locator(".category-list button").first
    name = member.locator("strong").inner_text()
    member.click()
    expect(worker.locator(".picker-value strong")).to_have_text(name)
    expect(worker.get_by_label("标题")).to_have_value(name)


def test_page_is_installable(worker: Page, demo_url: str) -> None:
    manifest = worker.request.get(demo_url + "/worker/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/worker/", "/worker/", "standalone")
    for icon in manifest["icons"]:
        image = Image.open(io.BytesIO(worker.request.get(demo_url + icon["src"]).body()))
        assert icon["sizes"] == f"{image.width}x{image.height}"
    scope = worker.evaluate("() => navigator.serviceWorker.ready.then(one => one.scope)")
    assert scope == f"{demo_url}/worker/"


def test_targets_are_large_and_nothing_overflows(worker: Page) -> None:
    _open_form(worker)
    small = worker.evaluate(
        """() => [...document.querySelectorAll("button, input:not(.visually-hidden), textarea, label.button")]
        .filter(one => one.offsetParent).map(one => one.getBoundingClientRect())
        .filter(box => box.width < 44 || box.height < 44).length"""
    )
    assert small == 0
    assert worker.evaluate("() => document.documentElement.scrollWidth") == 360


def test_the_page_in_english(worker: Page) -> None:
    worker.get_by_role("button", name="English").click()
    expect(worker.get_by_role("heading", name="Open incidents")).to_be_visible()
    assert axe_faults(worker) == []
