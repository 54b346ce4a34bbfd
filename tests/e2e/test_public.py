"""The residents' page in a real browser: list and map agree, the position stays on the device, everyone can use it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from data.settings import PROJECT
from tests.e2e.browsing import SLOW_MS, Watch, axe_faults, wait_for_map
from tests.e2e.residents import PHONE, XIALU, XIALU_CODE, keys_of_rows, open_list

pytestmark = pytest.mark.browser
SERVICES = PROJECT / "data" / "reference" / "service_item.csv"


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
    return sorted(key.removeprefix(f"{kind}/") for key in keys_of_rows(page) if key.startswith(f"{kind}/"))


def _load_services(directory: Path, catalogue: Path) -> None:
    command = [sys.executable, "-m", "data.cli", "services", "load", str(catalogue)]
    subprocess.run(command, cwd=PROJECT, env={**os.environ, "YIWANGTU_DATA_DIR": str(directory)}, check=True)


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
    open_list(page, demo_url, f"?within={XIALU_CODE}")
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
    expect(city.get_by_role("button", name="全部", exact=True)).to_have_attribute("aria-pressed", "true")
    city.locator("[data-kind=elder_care]").click()
    expect(city.locator(".row[href*='/station/']")).to_have_count(0)
    expect(city.locator(".row[href*='/elder_care/']").first).to_be_visible()
    city.wait_for_function(
        """() => { const layers = window.__map.queryRenderedFeatures().map(f => f.layer.metadata?.layer);
          return layers.includes('elder_care') && !layers.includes('station'); }"""
    )
    city.locator("[data-kind=station]").click()
    expect(city.locator(".row[href*='/station/']").first).to_be_visible()
    city.get_by_role("button", name="全部", exact=True).click()
    expect(city.locator("[data-kind=elder_care]")).to_have_attribute("aria-pressed", "false")


def test_one_box_searches_all_kinds_in_chinese_pinyin_and_initials(city: Page) -> None:
    search = city.get_by_label("搜索")
    found = {}
    for text in ("马鞍山", "maanshan", "maanshan shitang", "MAS"):
        search.fill(text)
        found[text] = set(keys_of_rows(city))
    assert {key.split("/")[0] for key in found["马鞍山"]} >= {"station", "canteen"}
    assert found["马鞍山"] <= found["maanshan"] & found["MAS"]
    assert {key.split("/")[0] for key in found["maanshan shitang"]} == {"canteen"}
    search.fill("qwzx")
    expect(city.locator(".results")).to_contain_text("没有符合条件的地点")
    city.get_by_role("button", name="清除条件").click()
    expect(search).to_have_value("")


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
    wait_for_map(city)
    for kind in ("station", "canteen", "elder_care"):
        assert set(_drawn(city, kind)) <= set(_codes_of_rows(city, kind))


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
    open_list(page, demo_url)
    page.locator(".city-switch select").select_option(label=XIALU)
    expect(page.locator(".row[href*='/XL']").first).to_be_visible()
    page.locator(".row").first.click()
    name = page.locator(".card h2").inner_text()
    expect(page).to_have_title(re.compile(name))
    page.goto("about:blank")
    page.go_back()
    expect(page.locator(".card h2")).to_have_text(name, timeout=SLOW_MS)
    page.go_back()
    expect(page.locator(".row").first).to_be_visible(timeout=SLOW_MS)
    page.go_forward()
    expect(page.locator(".card h2")).to_have_text(name, timeout=SLOW_MS)


def test_an_older_link_still_opens_its_card(page: Page, demo_url: str, watch: Watch) -> None:
    open_list(page, demo_url, f"?within={XIALU_CODE}&kind=station")
    key = keys_of_rows(page)[0]
    page.goto("about:blank")
    page.goto(f"{demo_url}/public/?within={XIALU_CODE}#{key}")
    expect(page.locator(".card h2")).to_be_visible(timeout=SLOW_MS)
    expect(page).to_have_url(re.compile(f"/public/{key}"))


def test_an_open_card_hears_of_changes(page: Page, demo: tuple[str, Path], tmp_path: Path, watch: Watch) -> None:
    """The city changes what to bring for 手机充电; who reads the card sees it without asking."""
    url, directory = demo
    changed = tmp_path / "service_item.csv"
    charging = "手机充电,Phone charging,station,basic,"
    catalogue = SERVICES.read_text("utf-8")
    assert f"{charging}," in catalogue
    changed.write_text(catalogue.replace(f"{charging},", f"{charging}充电线,"), "utf-8")
    open_list(page, url, f"?within={XIALU_CODE}&q=手机充电")
    page.locator(".row").first.click()
    card = page.locator(".card")
    expect(card).to_contain_text("手机充电")
    expect(card).not_to_contain_text("充电线")
    try:
        _load_services(directory, changed)
        expect(card).to_contain_text("手机充电请带：充电线", timeout=SLOW_MS)
    finally:
        _load_services(directory, SERVICES)
    expect(card).not_to_contain_text("充电线", timeout=SLOW_MS)


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


def test_keyboard_reaches_list_and_map(page: Page, demo_url: str, watch: Watch) -> None:
    open_list(page, demo_url)
    wait_for_map(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_focused()
    page.locator(".maplibregl-canvas").focus()
    before = page.evaluate("() => window.__map.getCenter().lng")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => window.__map.getCenter().lng > before", arg=before)


def test_failed_request_is_told_and_can_be_tried_again(page: Page, demo_url: str) -> None:
    open_list(page, demo_url, f"?within={XIALU_CODE}")
    page.route("**/api/public/places*", lambda route: route.abort())
    page.locator(".city-switch select").select_option(label="Cambridge")
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器", timeout=SLOW_MS)
    page.unroute("**/api/public/places*")
    page.get_by_role("button", name="重试").click()
    expect(page.locator(".row").first).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_phone_loads_the_map_only_when_asked(new_context: Callable[..., BrowserContext], demo_url: str) -> None:
    page = new_context(**PHONE).new_page()
    watch = Watch(page, demo_url)
    open_list(page, demo_url)
    assert [one for one in watch.requests if "/tiles/" in one] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="地图", exact=True).click()
    wait_for_map(page)
    expect(page.locator(".maplibregl-ctrl-attrib")).to_be_visible()
    assert axe_faults(page) == []
    assert watch.faults == []


def test_axe_finds_nothing_in_list_card_and_elder_mode(city: Page) -> None:
    assert axe_faults(city) == []
    city.locator(".row").first.click()
    expect(city.locator(".card h2")).to_be_focused()
    assert axe_faults(city) == []
    city.get_by_role("button", name="长者版").click()
    assert axe_faults(city) == []
