"""The wall's day again, its scenes, its figures and their lists, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import SLOW_MS, Watch, api, axe_faults, call, number_in, sign_in, wait_for_map
from tests.e2e.walls import SPOT_COUNT, city_code, open_wall

pytestmark = pytest.mark.browser
DISTRICT = "420204"


@pytest.fixture
def wall(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> Iterator[Page]:
    """The wall of a kiosk with its map drawn; any fault it shows fails the test."""
    page.set_viewport_size({"width": 1440, "height": 810})
    page.emulate_media(reduced_motion="reduce")
    watch = Watch(page, demo_url)
    open_wall(page, demo_url, demo_passwords["wall"])
    wait_for_map(page)
    yield page
    assert watch.faults == []


@pytest.fixture
def dispatcher(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> Iterator[Page]:
    """The wall of a signed-in dispatcher; the scenes that it leaves are cleared."""
    page.set_viewport_size({"width": 1600, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, f"{demo_url}/screen/?dwell=600", "dispatcher", demo_passwords["dispatcher"])
    expect(page.locator(".areas tbody tr").first).to_be_visible(timeout=SLOW_MS)
    wait_for_map(page)
    yield page
    version = api(page, f"/api/scenes/{DISTRICT}")["version"]
    call(page, "PUT", f"/api/scenes/{DISTRICT}", {"version": version, "scenes": []})


def shown(page: Page, key: str) -> int:
    return number_in(page.locator(f"[data-figure={key}] .value").inner_text())


def test_every_figure_opens_what_it_counts_and_as_many_rows(wall: Page) -> None:
    """In a community, where the lists are short enough to be read to their ends."""
    for level in (2, 3):
        wall.locator(".areas tbody tr button").first.click()
        expect(wall.locator(".trail li")).to_have_count(level)
    sheet = wall.get_by_role("dialog")
    for key in ("open", "overdue", "today", "closed", "outside", "coverage"):
        expect(wall.locator(f"[data-figure={key}] .value")).to_have_text(re.compile(r"\d|—"))
        wall.locator(f"[data-figure={key}] dt button").press("Enter")
        expect(sheet.locator(".definition")).to_have_text(re.compile("。$"))
        more = sheet.get_by_role("button", name="更多")
        expect(sheet.locator("li").first.or_(sheet.get_by_text("明细 0 / 0 条"))).to_be_visible()
        while more.is_visible():
            rows = sheet.locator("li").count()
            more.click()
            expect(sheet.locator("li").nth(rows)).to_be_visible()
        text = sheet.locator("[data-sheet=count]").inner_text()
        loaded, total = (int(part) for part in re.findall(r"\d+", text.replace(",", "")))
        assert (key, loaded) == (key, sheet.locator("li").count())
        assert (key, loaded) == (key, pytest.approx(total, abs=3))  # the demo's trickle goes on meanwhile
        wall.keyboard.press("Escape")
        expect(sheet).to_have_count(0)
    expect(wall.locator(".trail li")).to_have_count(3)  # Escape closed the sheet, and did not go up as well


def test_colours_have_shape_word_criteria_and_an_end(wall: Page) -> None:
    figures = api(wall, f"/api/figures?within={city_code(wall)}")
    names = {"red": "红", "yellow": "黄", "blue": "蓝"}
    colours = [names[child["colour"]] for child in figures["by_child"]]
    marks = wall.locator(".areas tbody .rating-mark")
    assert [mark.inner_text().strip() for mark in marks.all()] == colours
    assert wall.locator(".areas tbody .rating-mark svg").count() == len(colours)
    wall.get_by_text("三色标准与有效期").click()
    expect(wall.locator(".criteria")).to_contain_text(figures["rating"]["criteria"][0]["words"])
    expect(wall.locator(".criteria")).to_contain_text("不评个人")


def test_a_rating_past_its_end_shows_no_colour(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> None:
    """The wall keeps the last figures when the server stays away, and not their colours."""
    page.clock.install()
    open_wall(page, demo_url, demo_passwords["wall"])
    expect(page.locator(".areas tbody .rating-mark svg").first).to_be_visible()
    page.route("**/api/figures*", lambda route: route.abort())
    page.clock.fast_forward("16:00")
    expect(page.locator(".areas tbody .rating-mark").first).to_have_text("已过期")
    expect(page.locator(".health .state")).to_have_text("数据陈旧")
    expect(page.locator(".health .age")).to_contain_text("16")
    expect(page.locator("[data-figure=open] .value")).to_have_text(re.compile(r"\d"))


def test_a_day_is_played_again_by_keyboard(wall: Page) -> None:
    live = shown(wall, "open")
    wall.locator("[data-rotation=replay]").press("Enter")
    expect(wall.locator(".health .state")).to_contain_text("回放")
    expect(wall.locator("[data-replay=toggle]")).to_be_enabled(timeout=SLOW_MS)
    expect(wall.locator(".moment")).to_have_text("00:00")
    assert shown(wall, "today") == 0
    slider = wall.get_by_role("slider", name="时刻")
    slider.press("End")
    expect(wall.locator(".moment")).to_have_text("00:00")  # of the next day
    reported = shown(wall, "today")
    assert reported > 20  # the sample has about 80 a day
    wall.wait_for_function(f"open => ({SPOT_COUNT})() === Math.min(500, open)", arg=shown(wall, "open"))
    slider.press("Home")
    expect(wall.locator("[data-figure=today] .value")).to_have_text("0")
    wall.locator(".trail h1").click()
    wall.keyboard.press("ArrowRight")
    expect(wall.locator(".moment")).to_have_text("00:05")
    wall.keyboard.press(" ")
    expect(wall.locator(".moment")).not_to_have_text("00:05")
    expect(wall.locator("[data-replay=toggle]")).to_have_attribute("aria-label", "暂停回放")
    wall.keyboard.press("Escape")
    expect(wall.locator(".health .state")).to_have_text("实时")
    assert shown(wall, "open") == pytest.approx(live, abs=5)


def test_a_replay_follows_the_area_and_says_what_the_server_tells(wall: Page) -> None:
    wall.locator("[data-rotation=replay]").click()
    expect(wall.locator("[data-replay=toggle]")).to_be_enabled(timeout=SLOW_MS)
    wall.get_by_role("slider", name="时刻").press("End")
    whole = shown(wall, "today")
    rows = wall.locator(".areas tbody tr")
    opened = [number_in(row.locator("td").nth(2).inner_text()) for row in rows.all()]
    assert sum(opened) == shown(wall, "open")
    rows.locator("button").first.click()
    expect(wall.locator(".trail li")).to_have_count(2)
    assert shown(wall, "today") <= whole
    assert shown(wall, "open") == opened[0]
    date = wall.get_by_label("日期").input_value()
    told = api(wall, f"/api/replay?within={DISTRICT}&date={date}")["incidents"]
    assert len([one for one in told if 0 <= one["steps"][0][0] < 86400]) == whole
    wall.get_by_role("button", name="返回实时").click()
    expect(wall.locator(".health .state")).to_have_text("实时")


def test_scenes_are_arranged_and_shown_in_turn(dispatcher: Page) -> None:
    """Two views become scenes; they are shown in turn with their figures, in the order that was kept."""
    dispatcher.locator("[data-rotation=edit]").click()
    editor = dispatcher.locator(".scene-editor")
    editor.locator("[data-editor=add]").click()
    first = editor.locator("[data-scene='0']")
    first.get_by_label("名称").fill("全区总览")
    first.get_by_label("在办事件").check()
    first.get_by_label("超时未结").check()
    dispatcher.evaluate("() => window.__map.jumpTo({ zoom: 15 })")
    wait_for_map(dispatcher)
    editor.locator("[data-editor=add]").click()
    second = editor.locator("[data-scene='1']")
    second.get_by_label("名称").fill("近景")
    second.get_by_label("秒").fill("2")
    editor.get_by_role("button", name="保存").click()
    assert second.get_by_label("秒").evaluate("e => e.validity.rangeUnderflow")  # five seconds at least
    second.get_by_label("秒").fill("600")
    editor.get_by_role("button", name="近景 前移").click()
    editor.get_by_role("button", name="保存").click()
    expect(editor.get_by_text("已保存")).to_be_visible()
    kept = api(dispatcher, f"/api/scenes/{DISTRICT}")["scenes"]
    assert [(one["name"], one["dwell_s"], one["figures"]) for one in kept] == [
        ("近景", 600, []), ("全区总览", 600, ["open", "overdue"]),
    ]  # fmt: skip
    assert axe_faults(dispatcher) == []
    editor.get_by_role("button", name="关闭").click()
    dispatcher.get_by_role("button", name="下一个").click()
    expect(dispatcher.locator(".scene-name")).to_have_text("近景")
    dispatcher.wait_for_function("() => window.__map.getZoom() > 14.5")
    expect(dispatcher.locator("[data-figure]")).to_have_count(6)
    dispatcher.get_by_role("button", name="下一个").click()
    expect(dispatcher.locator(".scene-name")).to_have_text("全区总览")
    expect(dispatcher.locator("[data-figure]")).to_have_count(2)
    dispatcher.locator(".areas tbody tr button").first.click()  # who looks elsewhere leaves the scene
    expect(dispatcher.locator(".scene-name")).to_have_count(0)
    expect(dispatcher.locator("[data-figure]")).to_have_count(6)


def test_scenes_that_somebody_else_changed_are_not_lost(dispatcher: Page) -> None:
    dispatcher.locator("[data-rotation=edit]").click()
    editor = dispatcher.locator(".scene-editor")
    editor.locator("[data-editor=add]").click()
    version = api(dispatcher, f"/api/scenes/{DISTRICT}")["version"]
    theirs = {"name": "对方的", "code": DISTRICT, "bounds": None, "layers": ["grid"], "figures": [], "dwell_s": 9}
    call(dispatcher, "PUT", f"/api/scenes/{DISTRICT}", {"version": version, "scenes": [theirs]})
    editor.get_by_role("button", name="保存").click()
    expect(editor.get_by_role("alert")).to_contain_text("别人刚刚改过")
    assert [one["name"] for one in api(dispatcher, f"/api/scenes/{DISTRICT}")["scenes"]] == ["对方的"]
    editor.get_by_role("button", name="载入对方的版本").click()
    expect(editor.locator("[data-scene='0']").get_by_label("名称")).to_have_value("对方的")


def test_a_kiosk_arranges_nothing(wall: Page) -> None:
    expect(wall.locator("[data-rotation=replay]")).to_be_visible()
    expect(wall.locator("[data-rotation=edit]")).to_have_count(0)


def test_axe_finds_nothing_in_a_replay_or_a_sheet(wall: Page) -> None:
    wall.locator("[data-figure=open] dt button").click()
    expect(wall.get_by_role("dialog").locator("li").first).to_be_visible()
    assert axe_faults(wall) == []
    wall.keyboard.press("Escape")
    wall.locator("[data-rotation=replay]").click()
    expect(wall.locator("[data-replay=toggle]")).to_be_enabled(timeout=SLOW_MS)
    assert axe_faults(wall) == []
