"""The residents' page for those who see little, use a keyboard or listen: 长者版 and 无障碍 as they are rendered."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import SLOW_MS, axe_faults, wait_for_map
from tests.e2e.residents import XIALU_CODE, measure, open_list

pytestmark = pytest.mark.browser
LISTED = f"?within={XIALU_CODE}"


def _open_card(page: Page, demo_url: str, query: str = "") -> None:
    open_list(page, demo_url, f"{LISTED}&kind=canteen{query}")
    page.locator(".row").first.click()
    expect(page.locator(".card h2")).to_be_focused()


def _check(page: Page, *, target_px: float, text_px: float, contrast: float) -> None:
    measured = measure(page)
    assert measured.target_px >= (target_px - 0.5, "")
    assert measured.text_px >= (text_px - 0.01, "")
    assert measured.contrast >= (contrast, "")
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    page.evaluate("() => scrollTo(0, 0)")  # what has been scrolled half under the head of the page is not small
    assert axe_faults(page) == []


def test_list_and_card_are_big_enough_for_everyone(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, LISTED)
    _check(phone, target_px=44, text_px=12, contrast=4.5)
    _open_card(phone, demo_url)
    phone.locator("summary").first.click()
    phone.get_by_role("button", name="朗读").click()
    _check(phone, target_px=44, text_px=12, contrast=4.5)


def test_elder_mode_is_large_strong_and_grows_to_30_px(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, LISTED)
    phone.get_by_role("button", name="长者版").click()
    _check(phone, target_px=60, text_px=18, contrast=7)
    for _ in range(2):
        phone.get_by_role("button", name="放大文字").click()
    expect(phone.get_by_role("button", name="放大文字")).to_be_disabled()
    _check(phone, target_px=60, text_px=30, contrast=7)
    phone.locator(".row").first.click()
    expect(phone.locator(".card h2")).to_be_focused()
    _check(phone, target_px=60, text_px=30, contrast=7)
    for _ in range(4):
        phone.get_by_role("button", name="缩小文字").click()
    _check(phone, target_px=60, text_px=18, contrast=7)


def test_elder_mode_is_kept_and_its_map_has_larger_labels(page: Page, demo_url: str) -> None:
    label_size = """() => { const map = window.__map; const id = map.getStyle().layers
      .find(l => l.type === 'symbol' && l.metadata?.layer === 'station').id;
      const size = map.getLayoutProperty(id, 'text-size'); return typeof size === 'number' ? size : size[4]; }"""
    open_list(page, demo_url, LISTED)
    wait_for_map(page)
    before = page.evaluate(label_size)
    page.get_by_role("button", name="长者版").click()
    assert page.evaluate(label_size) == pytest.approx(1.6 * before)
    page.get_by_role("button", name="放大文字").click()
    assert page.evaluate(label_size) == pytest.approx(1.8 * before)
    page.goto(f"{demo_url}/public/")
    expect(page.get_by_role("button", name="长者版")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("() => getComputedStyle(document.documentElement).fontSize") == "27px"
    wait_for_map(page)
    assert measure(page).target_px >= (59.5, "")


def test_the_page_reflows_when_it_is_magnified_four_times(page: Page, demo_url: str) -> None:
    page.set_viewport_size({"width": 320, "height": 256})
    for query in ("", "&elder=1"):
        open_list(page, demo_url, LISTED + query)
        assert page.evaluate("() => document.documentElement.scrollWidth") == 320
        page.locator(".row").first.click()
        expect(page.locator(".card h2")).to_be_in_viewport()
        assert page.evaluate("() => document.documentElement.scrollWidth") == 320
        page.get_by_role("button", name="打印").scroll_into_view_if_needed()
        expect(page.get_by_role("button", name="打印")).to_be_in_viewport()


def test_the_keyboard_reaches_everything_and_is_never_trapped(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, f"{LISTED}&kind=station")
    wanted = phone.evaluate(
        """() => [...document.querySelectorAll('a[href], button:enabled, input, select, summary')]
          .filter(one => one.checkVisibility()).map((one, at) => one.dataset.seen = String(at)).length"""
    )
    seen: list[str | None] = []
    for _ in range(wanted):
        phone.keyboard.press("Tab")
        seen.append(phone.evaluate("() => document.activeElement.dataset.seen ?? null"))
        shown = phone.evaluate(
            """() => { const box = document.activeElement.getBoundingClientRect();
              const bar = document.querySelector('.view-switch'); const top = bar.getBoundingClientRect().top;
              return bar.contains(document.activeElement) || (box.top >= -1 && box.top < top); }"""
        )
        assert shown, f"hidden when focused: {phone.evaluate('() => document.activeElement.textContent')}"
    assert seen == [str(at) for at in range(wanted)]
    phone.keyboard.press("Tab")
    assert phone.evaluate("() => document.activeElement.dataset.seen ?? null") in (None, "0")  # out, and round again


def test_a_visit_by_keyboard_alone(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, LISTED)
    phone.keyboard.press("Tab")
    expect(phone.locator(".skip-link")).to_be_focused()
    phone.keyboard.press("Enter")
    expect(phone.locator("#results")).to_be_focused()
    phone.get_by_label("搜索").focus()
    phone.keyboard.type("shitang")
    expect(phone.locator(".row strong").first).to_contain_text("食堂")
    row = phone.locator(".row").nth(1)
    name = row.locator("strong").inner_text()
    row.focus()
    phone.keyboard.press("Enter")
    expect(phone.locator(".card h2")).to_have_text(name)
    expect(phone.locator(".card h2")).to_be_focused()
    phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    expect(phone.locator(".spoken")).to_contain_text(name)
    phone.keyboard.press("Escape")
    expect(row).to_be_focused()
    expect(phone.get_by_label("搜索")).to_have_value("shitang")


def test_the_screen_reader_hears_the_list_and_the_card(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, f"{LISTED}&kind=canteen")
    expect(phone.locator("body")).to_match_aria_snapshot(
        """
        - link "跳到列表"
        - banner:
          - heading "便民地图" [level=1]
        - main:
          - search:
            - searchbox "搜索名称、地址或服务"
            - group "找什么":
              - button "全部"
              - button "初心驿站"
              - button "幸福食堂" [pressed]
            - group "条件":
              - button "正在开放"
              - button "无障碍"
            - button "离我最近"
            - combobox "从哪里走"
          - status: /找到 \\d+ 处，正在开放 \\d+ 处/
          - list:
            - listitem:
              - link /.+食堂.+幸福食堂/
        """
    )
    phone.locator(".row").first.click()
    expect(phone.locator("main")).to_match_aria_snapshot(
        """
        - main:
          - article /.+食堂/:
            - button "← 返回列表"
            - heading /.+食堂/ [level=2]
            - button "朗读"
            - term: 地址
            - definition: /.+/
            - term: 电话
            - definition:
              - link /\\d+/
            - term: 开放时间
            - definition
            - term: 供餐时间
            - definition
            - term: 每餐价格
            - definition: /\\d+ 元/
            - region "分享":
              - img /二维码/
              - textbox "本页链接"
              - button "复制链接"
              - button "打印"
        """
    )


def test_a_card_is_read_aloud_or_written_out(phone: Page, demo_url: str) -> None:
    _open_card(phone, demo_url)
    name = phone.locator(".card h2").inner_text()
    phone.get_by_role("button", name="朗读").click()
    # This browser has no voice: it says so and gives the text.
    expect(phone.locator(".spoken")).to_contain_text("此设备不能朗读，全文如下。")
    expect(phone.locator(".spoken")).to_contain_text(name)
    expect(phone.locator(".spoken")).to_contain_text("地址")


def test_nothing_runs_out_of_time(phone: Page, demo_url: str) -> None:
    phone.clock.install()
    _open_card(phone, demo_url, "&q=%E9%A3%9F%E5%A0%82")
    name = phone.locator(".card h2").inner_text()
    phone.clock.fast_forward("03:00:00")
    expect(phone.locator(".card h2")).to_have_text(name)
    phone.get_by_role("button", name="返回列表").click()
    expect(phone.get_by_label("搜索")).to_have_value("食堂")
    expect(phone.locator(".row").first).to_be_visible()


def test_open_now_is_the_place_s_time_whatever_the_phone_s_zone(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str
) -> None:
    told = []
    for zone in ("Asia/Shanghai", "America/Los_Angeles"):
        with browser.new_context(**{**browser_context_args, "timezone_id": zone}) as context:
            page = context.new_page()
            open_list(page, demo_url, f"{LISTED}&kind=canteen&kind=station")
            told.append(page.locator(".row-state").all_inner_texts())
    assert told[0] == told[1]
    assert any(re.search(r"\d\d:\d\d", text) for text in told[0])


def test_english(page: Page, demo_url: str) -> None:
    open_list(page, demo_url, LISTED)
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Around me")
    expect(page.locator(".count")).to_contain_text("open now")
    assert page.evaluate("() => document.documentElement.lang") == "en"
    wait_for_map(page)
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text(re.compile("Sketch map|审图号"), timeout=SLOW_MS)
    assert axe_faults(page) == []
