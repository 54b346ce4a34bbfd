"""The residents' page in a real browser: list and map agree, the position stays on the device, everyone can use it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from tests.e2e.browsing import SLOW_MS, Watch, axe_faults, wait_for_map

pytestmark = pytest.mark.browser
XIALU = "下陆区"
XIALU_CODE = "420204"


def _open(page: Page, demo_url: str, path: str = "") -> None:
    page.goto(f"{demo_url}/public/{path}")
    expect(page.locator(".row, .card").first).to_be_visible(timeout=SLOW_MS)
    expect(page.locator(".count")).to_contain_text("找到")


def _found(page: Page) -> int:
    match = re.search(r"\d+", page.locator(".count").inner_text())
    assert match
    return int(match.group())


def _drawn(page: Page, layer: str) -> list[str]:
    """Codes of a layer's features on the map."""
    codes: list[str] = page.evaluate(
        """layer => [...new Set(window.__map.queryRenderedFeatures()
          .filter(f => f.layer.metadata?.layer === layer && f.layer.type === 'circle')
          .map(f => f.properties.code))].sort()""",
        layer,
    )
    return codes


def _codes_of_rows(page: Page, kind: str) -> list[str]:
    while page.locator(".more").count():
        page.locator(".more").click()
    identities: list[str] = page.locator(".row").evaluate_all("rows => rows.map(row => row.id)")
    prefix = f"row-{kind}/"
    return sorted(one.removeprefix(prefix) for one in identities if one.startswith(prefix))


@pytest.fixture
def watch(page: Page, demo_url: str) -> Iterator[Watch]:
    """A guard of the page: any fault fails the test."""
    page.set_viewport_size({"width": 1024, "height": 700})
    page.emulate_media(reduced_motion="reduce")
    guard = Watch(page, demo_url)
    yield guard
    assert guard.faults == []


@pytest.fixture
def city(page: Page, demo_url: str, watch: Watch) -> Page:
    """The page of 下陆区 with its map drawn."""
    page.add_init_script(f"localStorage.setItem('yiwangtu.city', '{XIALU_CODE}')")
    _open(page, demo_url)
    wait_for_map(page)
    return page


def test_map_and_list_show_the_same_places(city: Page) -> None:
    listed = _codes_of_rows(city, "canteen")
    assert len(listed) > 5
    city.wait_for_function(
        "() => window.__map.queryRenderedFeatures().some(f => f.layer.metadata?.layer === 'canteen')"
    )
    assert set(_drawn(city, "canteen")) <= set(listed)
    every = city.evaluate(
        "code => fetch(`/api/layers/canteen/items?within=${code}&limit=500`).then(a => a.json())",
        city.locator(".city-switch select").input_value(),
    )
    assert listed == sorted(feature["properties"]["code"] for feature in every["features"])


def test_sample_and_sketch_are_marked_and_nobody_signed_in(city: Page) -> None:
    expect(city.locator(".page-top .badge")).to_have_text("示例数据")
    expect(city.locator(".maplibregl-ctrl-attrib")).to_contain_text(re.compile("示意图|审图号"))
    assert city.evaluate("() => fetch('/api/session').then(a => a.json()).then(s => s.account)") is None


def test_kind_chips_change_list_and_map(city: Page) -> None:
    city.locator("[data-kind=station]").click()
    expect(city.locator(".row[id^='row-station/']")).to_have_count(0)
    city.locator("[data-kind=elder_care]").click()
    expect(city.locator(".row[id^='row-elder_care/']").first).to_be_visible()
    city.wait_for_function(
        """() => { const layers = window.__map.queryRenderedFeatures().map(f => f.layer.metadata?.layer);
          return layers.includes('elder_care') && !layers.includes('station'); }"""
    )


def test_search_and_open_now_narrow_both(city: Page) -> None:
    everything = _found(city)
    city.get_by_role("button", name="正在开放", exact=True).click()
    narrowed = _found(city)
    assert narrowed < everything
    for state in city.locator(".row-state").all_inner_texts():
        assert state.startswith(("正在开放", "全天开放"))
    city.get_by_role("button", name="正在开放", exact=True).click()
    name = city.locator(".row strong").first.inner_text()
    city.get_by_label("搜索").fill(name)
    expect(city.locator(".row strong").first).to_have_text(name)
    assert 1 <= _found(city) < everything
    listed = set(_codes_of_rows(city, "station")) | set(_codes_of_rows(city, "canteen"))
    wait_for_map(city)
    assert set(_drawn(city, "station")) | set(_drawn(city, "canteen")) <= listed


def test_near_me_sorts_by_distance_and_sends_the_position_nowhere(
    city: Page, context: BrowserContext, watch: Watch, demo_url: str
) -> None:
    west, south, east, north = city.evaluate(
        "name => fetch('/api/areas').then(a => a.json()).then(a => a.areas.find(c => c.name === name).bbox)", XIALU
    )
    lon, lat = west + 0.437 * (east - west), south + 0.561 * (north - south)
    context.grant_permissions(["geolocation"], origin=demo_url)
    context.set_geolocation({"longitude": lon, "latitude": lat})
    before = len(watch.requests)
    city.get_by_role("button", name="离我最近").click()
    expect(city.locator(".row .distance").first).to_be_visible()
    shown = city.locator(".row .distance").all_inner_texts()
    metres = [float(text.split()[0]) * (1000 if "公里" in text else 1) for text in shown]
    assert metres == sorted(metres)
    city.locator(".row").first.click()
    expect(city.locator(".card")).to_contain_text("直线距离")
    sent = [one for one in watch.requests[before:] if "near=" in one or "bbox=" in one or f"{lon:.2f}" in one]
    assert sent == []


def test_refused_position_is_told_and_a_community_serves_instead(city: Page, context: BrowserContext) -> None:
    context.clear_permissions()
    city.get_by_role("button", name="离我最近").click()
    expect(city.get_by_role("alert")).to_contain_text("可以改选一个社区")
    select = city.get_by_label("从哪里算距离")
    select.select_option(index=3)
    expect(city.locator(".row .distance").first).to_be_visible()


def test_card_opens_by_keyboard_and_gives_the_focus_back(city: Page) -> None:
    row = city.locator(".row").nth(1)
    name = row.locator("strong").inner_text()
    row.focus()
    city.keyboard.press("Enter")
    expect(city.locator(".card h2")).to_have_text(name)
    expect(city.locator(".card h2")).to_be_focused()
    expect(city.locator(".card")).to_contain_text("开放时间")
    city.keyboard.press("Escape")
    expect(row).to_be_focused()


def test_card_has_its_own_address(page: Page, demo_url: str, watch: Watch) -> None:
    _open(page, demo_url)
    page.locator(".city-switch select").select_option(label=XIALU)
    expect(page.locator(".row[id*='/XL']").first).to_be_visible()
    page.locator(".row").first.click()
    name = page.locator(".card h2").inner_text()
    page.goto("about:blank")
    page.goto(f"{demo_url}/public/")
    page.go_back()
    page.go_back()
    expect(page.locator(".card h2")).to_have_text(name, timeout=SLOW_MS)


def test_map_click_opens_the_card(city: Page) -> None:
    spot = city.evaluate(
        """() => { const box = window.__map.getCanvas().getBoundingClientRect();
          const found = window.__map.queryRenderedFeatures()
            .filter(f => f.layer.metadata?.layer === 'station' && f.layer.type === 'circle')
            .map(f => window.__map.project(f.geometry.coordinates))
            .find(p => p.x > 250 && p.y > 150 && p.x < box.width - 100 && p.y < box.height - 60);
          return {x: found.x + box.x, y: found.y + box.y}; }"""
    )
    city.mouse.click(spot["x"], spot["y"])
    expect(city.locator(".card h2")).to_be_visible()


def test_elder_mode_is_large_and_remembered(city: Page) -> None:
    text_size = """() => { const map = window.__map; const id = map.getStyle().layers
      .find(l => l.type === 'symbol' && l.metadata?.layer === 'station').id;
      const size = map.getLayoutProperty(id, 'text-size'); return typeof size === 'number' ? size : size[4]; }"""
    before = city.evaluate(text_size)
    city.get_by_role("button", name="长者版").click()
    assert city.evaluate("() => getComputedStyle(document.documentElement).fontSize") == "24px"
    assert city.evaluate(text_size) == pytest.approx(1.6 * before)
    small = city.evaluate(
        """() => [...document.querySelectorAll('.finder :is(button, select, input), :is(.tools, .map-controls) button')]
          .filter(e => e.offsetParent).map(e => [e.textContent, e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 60 || box.height < 59.5).map(([name]) => name)"""
    )
    assert small == []
    city.reload()
    expect(city.get_by_role("button", name="长者版")).to_have_attribute("aria-pressed", "true")


def test_keyboard_reaches_list_and_map(page: Page, demo_url: str, watch: Watch) -> None:
    _open(page, demo_url)
    wait_for_map(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_focused()
    page.locator(".maplibregl-canvas").focus()
    before = page.evaluate("() => window.__map.getCenter().lng")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => window.__map.getCenter().lng > before", arg=before)


def test_without_webgl_the_list_does_everything(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], demo_url: str
) -> None:
    arguments = [*browser_type_launch_args.get("args", []), "--disable-3d-apis"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    try:
        page = browser.new_page(locale="zh-CN")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        _open(page, demo_url)
        expect(page.locator(".map-note")).to_contain_text("列表内容不受影响")
        page.locator(".row").first.click()
        expect(page.locator(".card h2")).to_be_visible()
        assert errors == []
    finally:
        browser.close()


def test_failed_request_is_told_and_can_be_tried_again(page: Page, demo_url: str) -> None:
    page.route("**/api/layers/*/items*", lambda route: route.abort())
    page.goto(f"{demo_url}/public/")
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器", timeout=SLOW_MS)
    page.unroute("**/api/layers/*/items*")
    page.get_by_role("button", name="重试").click()
    expect(page.locator(".row").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_phone_loads_the_map_only_when_asked(new_context: Callable[..., BrowserContext], demo_url: str) -> None:
    page = new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True, is_mobile=True
    ).new_page()
    watch = Watch(page, demo_url)
    _open(page, demo_url)
    assert [one for one in watch.requests if "/tiles/" in one] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="地图", exact=True).click()
    wait_for_map(page)
    expect(page.locator(".maplibregl-ctrl-attrib")).to_be_visible()
    assert axe_faults(page) == []
    assert watch.faults == []


def test_english(city: Page) -> None:
    city.get_by_role("button", name="English").click()
    expect(city.locator("h1")).to_have_text("Around me")
    expect(city.locator(".count")).to_contain_text("open now")
    assert city.evaluate("() => document.documentElement.lang") == "en"
    expect(city.locator(".maplibregl-ctrl-attrib")).to_contain_text(re.compile("Sketch map|审图号"))


def test_axe_finds_nothing_in_list_card_and_elder_mode(city: Page) -> None:
    assert axe_faults(city) == []
    city.locator(".row").first.click()
    expect(city.locator(".card h2")).to_be_focused()
    assert axe_faults(city) == []
    city.get_by_role("button", name="长者版").click()
    assert axe_faults(city) == []
