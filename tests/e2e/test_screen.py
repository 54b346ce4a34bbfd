"""The wall in a real browser: what it shows is checked against the API and the map's own data, never by pixels."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route, expect

from tests.e2e.browsing import SLOW_MS, Watch, api, axe_faults, number_in, wait_for_map
from tests.e2e.walls import SPOT_COUNT, city_code, open_wall

pytestmark = pytest.mark.browser
# incidents in view where the wall's canvas has no paint
UNPAINTED = """() => {
  const canvas = document.querySelector('canvas.spots'), map = window.__map, ratio = map.getPixelRatio();
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return window.__spots.filter(({at}) => {
    const [x, y] = [map.project(at).x, map.project(at).y].map(one => Math.floor(one * ratio));
    const isInView = x >= 0 && y >= 0 && x < canvas.width && y < canvas.height;
    return isInView && data[4 * (y * canvas.width + x) + 3] !== 255;
  });
}"""


@pytest.fixture
def wall(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> Iterator[Page]:
    """The wall of a kiosk with its map drawn; any fault it shows fails the test."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(reduced_motion="reduce")
    watch = Watch(page, demo_url)
    open_wall(page, demo_url, demo_passwords["wall"])
    wait_for_map(page)
    yield page
    assert watch.faults == []


def test_token_opens_the_wall_and_leaves_the_address(wall: Page) -> None:
    assert "#" not in wall.url
    expect(wall.locator(".health .state")).to_have_text("实时")
    expect(wall.locator(".maplibregl-ctrl-attrib")).to_contain_text(re.compile("示意图|审图号"))


def test_figures_and_table_say_what_the_api_says(wall: Page) -> None:
    code = city_code(wall)
    figures = api(wall, f"/api/figures?within={code}")
    shown = {
        key: number_in(wall.locator(f"[data-figure={key}] .value").inner_text())
        for key in ("open", "overdue", "outside")
    }
    assert shown["outside"] == figures["grids_outside_band"]
    assert shown["open"] == pytest.approx(figures["incidents_open"], abs=5)  # a trickle may run meanwhile
    areas = api(wall, f"/api/areas?parent={code}")["areas"]
    expect(wall.locator(".areas tbody tr")).to_have_count(len(areas))
    for row, area in zip(wall.locator(".areas tbody tr").all(), areas, strict=True):
        assert row.locator("button").inner_text() == area["name"]
        assert number_in(row.locator("[data-column=households]").inner_text()) == area["households"]


def test_map_draws_grids_and_the_open_incidents_of_the_list(wall: Page) -> None:
    grids = "() => window.__map.queryRenderedFeatures({layers: ['grid-fill']}).length"
    wall.wait_for_function(f"() => ({grids})() > 20", timeout=SLOW_MS)
    wall.wait_for_function(f"({SPOT_COUNT})() > 0")
    open_count = number_in(wall.locator("[data-figure=open] .value").inner_text())
    assert wall.evaluate(SPOT_COUNT) == pytest.approx(min(500, open_count), abs=5)
    assert wall.evaluate(UNPAINTED) == []


def test_drill_down_by_row_and_up_by_escape(wall: Page) -> None:
    trail = wall.locator(".trail li")
    names = []
    for _ in range(3):  # street, community, grid
        row = wall.locator(".areas tbody tr button").first
        names.append(row.inner_text())
        row.focus()
        wall.keyboard.press("Enter")
        expect(wall.locator(".trail h1")).to_have_text(names[-1])
    expect(trail).to_have_count(4)
    expect(wall.locator(".areas tr.selected button")).to_have_text(names[-1])
    wall.keyboard.press("Escape")
    expect(wall.locator(".trail h1")).to_have_text(names[1])
    expect(trail).to_have_count(3)


def test_click_on_the_map_leads_into_the_area_under_it(wall: Page) -> None:
    wait_for_map(wall)
    spot = wall.evaluate(
        """() => {
          const features = window.__map.queryRenderedFeatures({layers: ['grid-fill']});
          const rings = f => f.geometry.type === 'Polygon' ? [f.geometry.coordinates] : f.geometry.coordinates;
          const centre = f => { const ring = rings(f)[0][0]; const sum = [0, 0];
            ring.forEach(([x, y]) => { sum[0] += x / ring.length; sum[1] += y / ring.length; }); return sum; };
          const box = window.__map.getCanvas().getBoundingClientRect();
          for (const f of features) {
            const p = window.__map.project(centre(f));
            const hit = window.__map.queryRenderedFeatures([p.x, p.y], {layers: ['grid-fill']});
            if (hit.length && p.x > 200 && p.y > 100 && p.x < box.width - 100 && p.y < box.height - 60)
              return {x: p.x + box.x, y: p.y + box.y};
          }
        }"""
    )
    wall.mouse.click(spot["x"], spot["y"])
    expect(wall.locator(".trail li")).to_have_count(2)


def test_rotation_moves_on_and_any_input_holds_it(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> None:
    open_wall(page, demo_url, demo_passwords["wall"], "?dwell=2")
    expect(page.locator(".trail li")).to_have_count(2, timeout=SLOW_MS)
    page.mouse.wheel(0, 1)
    expect(page.locator(".rotation .hint")).to_contain_text("已因操作暂停")
    page.locator("[data-rotation=toggle]").click()
    expect(page.locator("[data-rotation=toggle]")).to_have_attribute("aria-label", "开始轮播")


def test_last_good_data_stays_when_the_server_fails(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> None:
    open_wall(page, demo_url, demo_passwords["wall"])
    value = page.locator("[data-figure=outside] .value")
    expect(value).to_have_text(re.compile(r"\d"))
    before = value.inner_text()
    problem = {"type": "about:blank", "title": "unavailable", "status": 503, "code": "unavailable",
               "detail": "The database is not available.", "request_id": "x"}  # fmt: skip

    def fail(route: Route) -> None:
        route.fulfill(status=503, body=json.dumps(problem), content_type="application/problem+json")

    page.route("**/api/figures*", fail)
    page.locator(".areas tbody tr button").first.click()
    expect(value).to_have_text("—")
    expect(page.locator(".health .state")).to_have_text("数据陈旧")
    page.keyboard.press("Escape")
    expect(value).to_have_text(before)
    expect(page.locator(".fault")).to_contain_text("The database is not available.")
    page.unroute("**/api/figures*")
    page.locator(".areas tbody tr button").first.click()
    expect(page.locator(".health .state")).to_have_text("实时")


def test_wrong_token_and_wrong_password_are_told_and_a_dispatcher_gets_in(
    page: Page, demo_url: str, demo_passwords: dict[str, str]
) -> None:
    page.goto(f"{demo_url}/screen/#token=not-a-token")
    expect(page.locator(".sign-in-hint")).to_contain_text("令牌无效")
    page.get_by_label("账号").fill("dispatcher")
    page.get_by_label("密码").fill("wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_have_text("账号或密码不正确。")
    page.get_by_label("密码").fill(demo_passwords["dispatcher"])
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".areas tbody tr").first).to_be_visible(timeout=SLOW_MS)


def test_without_webgl_the_lists_still_lead_everywhere(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], demo_url: str, demo_passwords: dict[str, str]
) -> None:
    arguments = [*browser_type_launch_args.get("args", []), "--disable-3d-apis"]
    browser: Browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    try:
        page = browser.new_page(locale="zh-CN")
        open_wall(page, demo_url, demo_passwords["wall"])
        expect(page.locator(".map-note")).to_contain_text("无法显示地图")
        name = page.locator(".areas tbody tr button").first.inner_text()
        page.locator(".areas tbody tr button").first.click()
        expect(page.locator(".trail h1")).to_have_text(name)
        expect(page.locator("[data-figure=open] .value")).not_to_have_text("—")
    finally:
        browser.close()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 1080)])
def test_wall_fits_its_screen(
    new_context: Callable[..., Any], demo_url: str, demo_passwords: dict[str, str], width: int, height: int
) -> None:
    page = new_context(viewport={"width": width, "height": height}).new_page()
    open_wall(page, demo_url, demo_passwords["wall"])
    expect(page.locator("[data-figure=open] .value")).to_have_text(re.compile(r"\d"))
    assert page.evaluate("() => [document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [
        height, width,
    ]  # fmt: skip
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.figures dt, .figures .value, .figures .note, .trail h1, .clock b')]
          .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""
    )
    assert cut == []


def test_english(wall: Page) -> None:
    wall.get_by_role("button", name="English").click()
    expect(wall.locator("[data-figure=open] dt")).to_have_text("Open incidents")
    assert wall.evaluate("() => document.documentElement.lang") == "en"


def test_axe_finds_nothing(wall: Page) -> None:
    assert axe_faults(wall) == []
