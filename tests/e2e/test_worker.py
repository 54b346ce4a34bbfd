"""The grid worker's phone page in a real browser: three taps report, tasks are moved on, everyone can use it."""

import hashlib
import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browsing import SLOW_MS, api, axe_faults, call, sign_in
from tests.e2e.phones import (
    ACCURACY_M,
    add_photo,
    choose_category,
    draft_of,
    expect_standing,
    grid_of,
    hand_over,
    incidents_with,
    item_with,
    new_words,
    open_form,
    open_queue,
    photos_of,
    until,
    wait_for_worker,
    write,
)
from tests.e2e.residents import measure

pytestmark = pytest.mark.browser
ENDED = {"closed", "rated", "rejected", "merged"}
MINE = {"accepted", "assigned", "in_progress", "paused", "resolved", "reopened"}
WIDTH = 360


def _incidents(page: Page) -> list[dict[str, Any]]:
    """The properties of all incidents of the worker's grid."""
    found = api(page, f"/api/layers/incident/items?within={grid_of(page)}&limit=1000")["features"]
    return [one["properties"] for one in found]


def _open_tasks(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("button", name="任务").click()
    expect(page.get_by_role("heading", name="任务")).to_be_visible()


def _check(page: Page) -> None:
    """What holds on every view: nothing sideways, large targets, strong contrast, no fault that axe finds."""
    assert page.evaluate("() => document.documentElement.scrollWidth") == WIDTH
    weakest = measure(page)
    assert weakest.target_px[0] >= 44, weakest.target_px
    assert weakest.contrast[0] >= 4.5, weakest.contrast
    assert axe_faults(page) == []


def test_card_says_what_the_api_says(worker: Page) -> None:
    grid = grid_of(worker)
    households = api(worker, f"/api/layers/grid/items/{grid}")["properties"]["households"]
    expect(worker.locator(".grid-code")).to_contain_text(grid)
    expect(worker.locator(".grid-figures dd").first).to_have_text(str(households))
    rows = _incidents(worker)
    codes = {row["code"] for row in rows if row["status"] not in ENDED}
    items = worker.locator(".incident-list li")
    expect(items).to_have_count(len(codes))
    assert set(items.evaluate_all("rows => rows.map(row => row.dataset.code)")) == codes
    expect(worker.locator(".facility-list li").first).to_be_visible()
    waiting = {row["code"] for row in rows if row["status"] in MINE}
    _open_tasks(worker)
    expect(items).to_have_count(len(waiting))
    assert set(items.evaluate_all("rows => rows.map(row => row.dataset.code)")) == waiting


def test_three_taps_report_where_the_phone_stands(worker: Page, worker_phone: BrowserContext) -> None:
    before = {row["code"] for row in _incidents(worker)}
    worker.get_by_role("navigation").get_by_role("button", name="上报").click()
    category = worker.locator(".often button").first
    category.click()
    expect(worker.get_by_text(f"误差约 {ACCURACY_M} 米")).to_be_visible()
    name = category.inner_text()
    card = hand_over(worker)
    expect_standing(card, "received")
    (made,) = [row for row in _incidents(worker) if row["code"] not in before]
    expect(card.locator(".queue-receipt strong")).to_have_text(made["code"])
    assert (made["category_name"], made["title"], made["accuracy_m"]) == (name, name, ACCURACY_M)
    assert made["grid"] == grid_of(worker)
    assert worker.evaluate("at => Math.abs(Date.now() - Date.parse(at)) < 600000", made["reported_at"])


def test_photos_leave_the_phone_small_and_without_what_the_camera_wrote(worker: Page) -> None:
    words = new_words("照片")
    write(worker, words, photos=1)
    expect(worker.get_by_alt_text("第 1 张照片，2048×1024")).to_be_visible()
    kept = bytes(draft_of(worker)["bytes"])
    image = Image.open(io.BytesIO(kept))
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (2048, 1024), {})
    expect_standing(hand_over(worker), "received")
    (incident,) = incidents_with(worker, words)
    (stored,) = photos_of(worker, incident)
    assert stored["sha256"] == hashlib.sha256(kept).hexdigest()


def test_what_is_missing_is_said_and_focused(worker: Page, worker_phone: BrowserContext) -> None:
    worker_phone.clear_permissions()
    worker.get_by_role("navigation").get_by_role("button", name="上报").click()
    expect(worker.get_by_text("定位权限被拒绝")).to_be_visible()
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_text("请选择类别。")).to_be_visible()
    expect(worker.locator('[data-field="place"]')).to_be_focused()
    assert axe_faults(worker) == []


def test_a_place_by_the_map_without_dragging_and_by_a_building_without_a_map(
    worker: Page, worker_phone: BrowserContext, signed_in_worker: tuple[Any, list[float]]
) -> None:
    words = new_words("楼栋位置")
    write(worker, words)
    worker.get_by_role("button", name="地图", exact=True).click()
    worker.wait_for_function("() => window.__map && window.__map.loaded()", timeout=SLOW_MS)
    before = worker.evaluate("() => window.__map.getCenter().lat")
    worker.get_by_role("button", name="向北移一点").click()
    assert worker.evaluate("() => window.__map.getCenter().lat") > before
    assert axe_faults(worker) == []
    worker.get_by_role("button", name="使用这个点").click()
    expect(worker.get_by_text("地图选点")).to_be_visible()

    worker.get_by_role("button", name="楼栋", exact=True).click()
    building = worker.locator(".category-list button").last
    name = building.inner_text()
    worker.get_by_label("搜索楼栋或小区名").fill(name)
    worker.locator(".category-list button").first.click()
    expect(worker.get_by_text(f"{name}（按楼栋）")).to_be_visible()
    expect_standing(hand_over(worker), "received")
    (incident,) = incidents_with(worker, words)
    assert incident["grid"] == grid_of(worker)
    assert incident["accuracy_m"] is None  # a person chose it, no device measured it


def test_categories_by_group_by_word_and_by_habit(worker: Page) -> None:
    open_form(worker)
    worker.get_by_role("button", name="全部类别").click()
    dialog = worker.get_by_role("dialog")
    expect(dialog).to_be_visible()
    worker.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    worker.get_by_role("button", name="全部类别").click()
    worker.locator(".category-list button").last.click()
    member = worker.locator(".category-list button").last
    name = member.locator("strong").inner_text()
    member.click()
    chosen = worker.locator('.often [aria-pressed="true"]')
    expect(chosen).to_have_text(name)
    expect_standing(hand_over(worker), "received")
    open_form(worker)  # what was reported once is the first to choose from
    expect(worker.locator(".often button").first).to_have_text(name)


def test_own_grid_and_its_map_open_without_a_network(worker: Page, worker_phone: BrowserContext) -> None:
    wait_for_worker(worker)
    # Every tile the grid needs is on the device, and no more than the bounds allow.
    until(
        worker,
        "() => caches.open('yiwangtu-worker-tiles').then(cache => cache.keys())"
        ".then(kept => kept.some(one => one.url.includes('/tiles/parking/16/')) && kept.length <= 400)",
    )
    code = worker.locator(".grid-code").inner_text()
    worker_phone.set_offline(True)
    worker.reload()
    expect(worker.get_by_text("现在没有网络")).to_be_visible()
    expect(worker.locator(".grid-code")).to_have_text(code)
    expect(worker.locator(".incident-list li").first).to_be_visible()
    expect(worker.locator(".facility-list li").first).to_be_visible()
    open_form(worker)
    worker.get_by_role("button", name="地图", exact=True).click()
    worker.wait_for_function(
        """() => window.__map && window.__map.loaded() && window.__map.areTilesLoaded() &&
        window.__map.queryRenderedFeatures().some(one => one.sourceLayer === 'unit')""",
        timeout=SLOW_MS,
    )
    expect(worker.locator(".maplibregl-ctrl-attrib")).to_contain_text(re.compile("示意图|审图号"))


def test_a_network_that_never_answers_is_not_waited_for(worker: Page, worker_phone: BrowserContext) -> None:
    wait_for_worker(worker)
    worker_phone.route("**/api/**", lambda _: None)  # taken and never answered
    worker.reload()
    expect(worker.get_by_role("heading", name="未办结事件")).to_be_visible()
    open_form(worker)
    choose_category(worker)
    words = new_words("楼道里有格没网")
    worker.get_by_label("说明").fill(words)
    expect_standing(hand_over(worker), "waiting")
    worker_phone.unroute_all(behavior="ignoreErrors")
    worker.reload()
    open_queue(worker)
    expect_standing(item_with(worker, words), "received")
    assert len(incidents_with(worker, words)) == 1


@pytest.fixture
def assigned(other: Page, worker: Page, demo_url: str, demo_passwords: dict[str, str]) -> dict[str, Any]:
    """A report of the worker's that the community office has accepted and assigned."""
    words = new_words("交给网格员")
    write(worker, words)
    expect_standing(hand_over(worker), "received")
    (incident,) = incidents_with(worker, words)
    sign_in(other, f"{demo_url}/planner/", "dispatcher", demo_passwords["dispatcher"])
    until(other, "() => fetch('/api/session').then(one => one.json()).then(one => one.account !== null)")
    for to in ("accepted", "assigned"):
        moved = call(other, "POST", f"/api/incidents/{incident['id']}/events", {"to": to})
        assert moved["properties"]["status"] == to
    return incident


def test_a_task_is_handled_with_photos_also_without_a_network(
    worker: Page, worker_phone: BrowserContext, assigned: dict[str, Any]
) -> None:
    done = new_words("清理完毕")
    _open_tasks(worker)
    worker.get_by_role("button", name="刷新").click()
    task = worker.locator(f'[data-code="{assigned["code"]}"]')
    expect(task).to_contain_text("已派发")
    expect(task).to_contain_text("直线")
    task.get_by_role("button").click()
    _check(worker)
    worker.get_by_role("dialog").get_by_role("button", name="开始处置").click()
    _check(worker)
    worker.get_by_role("button", name="提交").click()
    expect(task).to_contain_text("处置中", timeout=SLOW_MS)

    worker.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    worker_phone.set_offline(True)
    task.get_by_role("button").click()
    worker.get_by_role("dialog").get_by_role("button", name="处置完成").click()
    worker.get_by_label("怎样处置的").fill(done)
    add_photo(worker)
    worker.get_by_role("button", name="提交").click()
    expect(task).to_contain_text("“处置完成”待发")
    open_queue(worker)
    expect_standing(item_with(worker, done), "waiting")
    worker_phone.set_offline(False)
    expect_standing(item_with(worker, done), "received")
    (now,) = [row for row in _incidents(worker) if row["code"] == assigned["code"]]
    assert now["status"] == "resolved"
    assert len(photos_of(worker, assigned)) == 1

    # Nobody verifies their own work: it is not offered, and where nobody could be asked, the server's no is passed on.
    _open_tasks(worker)
    expect(task).to_contain_text("已处置", timeout=SLOW_MS)
    worker_phone.set_offline(True)
    task.get_by_role("button").click()
    worker.get_by_role("dialog").get_by_role("button", name="核实通过").click()
    worker_phone.set_offline(False)
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_role("dialog")).to_have_count(0)
    task.get_by_role("button").click()
    sheet = worker.get_by_role("dialog")
    expect(sheet).to_contain_text("时限")
    expect(sheet.get_by_role("button", name="核实通过")).to_have_count(0)
    sheet.get_by_role("button", name="关闭").click()
    open_queue(worker)
    refused = worker.locator('.queue-item[data-standing="failed"]')
    expect(refused).to_contain_text("这个账号无权做这一步", timeout=SLOW_MS)


def test_some_moves_need_a_reason_and_more_time_is_asked_for(worker: Page, assigned: dict[str, Any]) -> None:
    _open_tasks(worker)
    worker.get_by_role("button", name="刷新").click()
    worker.locator(f'[data-code="{assigned["code"]}"]').get_by_role("button").click()
    worker.get_by_role("dialog").get_by_role("button", name="申请退回").click()
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_text("请写明原因。")).to_be_visible()
    expect(worker.get_by_label("退回的原因")).to_be_focused()
    worker.get_by_role("button", name="取消").click()

    worker.get_by_role("dialog").get_by_role("button", name="申请延期").click()
    worker.get_by_label("延期的原因").fill("等配件")
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_label("延长多少")).to_be_focused()
    worker.get_by_label("延长多少").fill("2")
    _check(worker)
    worker.get_by_role("button", name="提交").click()
    expect(worker.get_by_role("dialog")).to_have_count(0)
    open_queue(worker)
    expect_standing(item_with(worker, "等配件"), "received")
    (asked,) = api(worker, f"/api/incidents/{assigned['id']}")["requests"]
    assert (asked["kind"], asked["reason"], asked["decided_at"]) == ("extension", "等配件", None)
    _open_tasks(worker)
    worker.locator(f'[data-code="{assigned["code"]}"]').get_by_role("button").click()
    sheet = worker.get_by_role("dialog")
    expect(sheet).to_contain_text("已申请延期，等待批准：等配件")
    expect(sheet.get_by_role("button", name="申请延期")).to_have_count(0)
    assert axe_faults(worker) == []


def test_page_is_installable(worker: Page, demo_url: str) -> None:
    manifest = worker.request.get(demo_url + "/worker/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/worker/", "/worker/", "standalone")
    for icon in manifest["icons"]:
        image = Image.open(io.BytesIO(worker.request.get(demo_url + icon["src"]).body()))
        assert icon["sizes"] == f"{image.width}x{image.height}"
    scope = worker.evaluate("() => navigator.serviceWorker.ready.then(one => one.scope)")
    assert scope == f"{demo_url}/worker/"


def test_every_view_fits_a_small_phone_in_the_sun(worker: Page) -> None:
    _check(worker)
    _open_tasks(worker)
    expect(worker.locator(".incident-list li").first).to_be_visible()
    _check(worker)
    open_form(worker)
    add_photo(worker)
    _check(worker)
    worker.get_by_role("button", name="全部类别").click()
    _check(worker)
    worker.get_by_role("button", name="关闭").click()
    worker.get_by_role("button", name="返回").click()
    open_queue(worker)
    expect(worker.locator(".queue-item")).to_have_count(1)
    _check(worker)


def test_a_report_by_keyboard_alone(worker: Page) -> None:
    words = new_words("只用键盘")

    def tab_to(name: str) -> None:
        for _ in range(40):
            worker.keyboard.press("Tab")
            if name in worker.evaluate(
                "() => (document.activeElement.labels?.[0] ?? document.activeElement).innerText"
            ):
                return
        pytest.fail(f"{name} is not reached by the Tab key")

    tab_to("跳到操作")
    worker.keyboard.press("Enter")
    tab_to("上报")
    worker.keyboard.press("Enter")
    expect(worker.get_by_role("heading", name="上报事件")).to_be_focused()
    expect(worker.get_by_text(f"误差约 {ACCURACY_M} 米")).to_be_visible()
    tab_to(worker.locator(".often button").first.inner_text())
    worker.keyboard.press("Space")
    tab_to("说明")
    worker.keyboard.type(words)
    tab_to("提交")
    worker.keyboard.press("Enter")
    expect_standing(worker.locator(".queue-item"), "received")
    assert len(incidents_with(worker, words)) == 1


def test_the_page_in_english(worker: Page) -> None:
    worker.get_by_role("button", name="English").click()
    expect(worker.get_by_role("heading", name="Open incidents")).to_be_visible()
    worker.get_by_role("navigation").get_by_role("button", name="Outbox").click()
    _check(worker)
