"""A resident reports from a grid's QR code, on a phone, by keyboard, with script and without, and rates the end."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from data.residents.codes import report_id
from tests.e2e.browsing import Watch, api, axe_faults, call
from tests.e2e.residents import PHONE, check_on_phone, measure

pytestmark = pytest.mark.browser
WORDS = "3 号楼前的路灯不亮了，晚上看不清台阶。"
CODE = re.compile(r"^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$")


@pytest.fixture
def staff(other: Page, demo_url: str, demo_passwords: dict[str, str]) -> Page:
    """The page of a signed-in community, from which the case is moved on."""
    other.goto(f"{demo_url}/public/")
    _sign_in(other, "community", demo_passwords)
    return other


@pytest.fixture
def grid(staff: Page) -> str:
    """The code of a grid of that community, as it stands on a door."""
    found = api(staff, "/api/layers/grid/items?limit=1")
    return str(found["features"][0]["properties"]["code"])


def _sign_in(page: Page, login: str, passwords: dict[str, str]) -> None:
    """Change who is signed in, without a page for it."""
    page.context.clear_cookies()
    status = page.evaluate(
        """async (body) => (await fetch('/api/session', {
          method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
        })).status""",
        {"login": login, "password": passwords[login]},
    )
    assert status == 201


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until a field or button has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(
            "name => { const one = document.activeElement; "
            "return (one.labels?.[0]?.textContent ?? one.textContent).trim().startsWith(name) }", name
        ):  # fmt: skip
            return
    pytest.fail(f"Tab never came to {name!r}")


def _close(staff: Page, key: str, passwords: dict[str, str]) -> None:
    """The case to its end: the community handles it, the street verifies."""
    case = f"/api/incidents/{report_id(UUID(key))}/events"
    for login, steps in (("community", ("accepted", "in_progress", "resolved")), ("street", ("verified", "closed"))):
        _sign_in(staff, login, passwords)
        for to in steps:
            assert "code" in call(staff, "POST", case, {"to": to})["properties"]


def test_from_the_code_on_the_door_to_the_rating_by_keyboard(
    phone: Page, staff: Page, grid: str, demo_url: str, demo_passwords: dict[str, str]
) -> None:
    watch = Watch(phone, demo_url)
    phone.goto(f"{demo_url}/public/grid/{grid}")
    _tab_to(phone, "我要报事")
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", name="我要报事")).to_be_visible()
    expect(phone.locator("#report-place")).to_contain_text(grid)
    check_on_phone(phone)
    _tab_to(phone, "事项类别")
    phone.keyboard.press("ArrowDown")
    expect(phone.get_by_label("事项类别")).to_have_value("E01-01")
    _tab_to(phone, "情况说明")
    phone.keyboard.type(WORDS)
    key = phone.locator("input[name=key]").input_value()

    phone.reload()  # a page that was lost in the middle is there again, and is the same report
    expect(phone.get_by_text("已恢复本机上没有提交的草稿")).to_be_visible()
    expect(phone.get_by_label("情况说明")).to_have_value(WORDS)
    expect(phone.locator("input[name=key]")).to_have_value(key)
    _tab_to(phone, "提交")
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", name="已收到")).to_be_visible()
    code = phone.locator(".report-code").inner_text()
    assert CODE.match(code)
    check_on_phone(phone)

    _tab_to(phone, "查看进度")
    phone.keyboard.press("Enter")
    expect(phone.locator(".card-state")).to_contain_text("已收到")
    expect(phone.locator(".card")).to_contain_text("办理期限")
    _close(staff, key, demo_passwords)

    phone.goto(f"{demo_url}/public/track")
    _tab_to(phone, code)  # this device remembers it
    phone.keyboard.press("Enter")
    expect(phone.locator(".card-state")).to_contain_text("已办结")
    expect(phone.locator(".report-steps li")).to_have_count(5)
    check_on_phone(phone)
    assert code not in phone.url
    _tab_to(phone, "1 很不满意")
    phone.keyboard.press("End")
    for _ in range(4):
        phone.keyboard.press("ArrowRight")
    _tab_to(phone, "想说的话")
    phone.keyboard.type("很快就修好了")
    _tab_to(phone, "提交评价")
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("已记录，谢谢。")).to_be_visible()
    expect(phone.get_by_text("已评价：5 分。")).to_be_visible()
    check_on_phone(phone)
    assert phone.context.cookies() == []
    assert watch.faults == []


def test_without_script_a_fault_loses_nothing(plain: Page, grid: str, demo_url: str) -> None:
    plain.goto(f"{demo_url}/public/report?place={grid}")
    expect(plain.locator("#report-position")).to_be_hidden()
    plain.get_by_label("事项类别").select_option("P01-03")
    plain.get_by_label("情况说明").fill(WORDS)
    plain.locator("#report-phone").fill("12")
    plain.get_by_role("button", name="提交").click()
    expect(plain.get_by_role("alert")).to_contain_text("5 至 20 位数字")
    expect(plain.get_by_label("情况说明")).to_have_value(WORDS)
    expect(plain.get_by_label("事项类别")).to_have_value("P01-03")
    plain.locator("#report-phone").fill("")
    photo = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108020000009077")
    plain.locator("#report-photos").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": photo})
    plain.get_by_role("button", name="提交").click()
    expect(plain.get_by_role("alert")).to_contain_text("照片无法读取")
    plain.get_by_role("button", name="提交").click()
    code = plain.locator(".report-code").inner_text()
    plain.reload()  # the same form again is the same report
    expect(plain.locator(".report-code")).to_have_text(code)
    plain.goto(f"{demo_url}/public/track")
    plain.get_by_label("追踪码").fill(code.lower().replace("-", " "))
    plain.get_by_role("button", name="查看进度").click()
    expect(plain.locator(".card-state")).to_contain_text("已收到")
    plain.goto(f"{demo_url}/public/track")
    plain.get_by_label("追踪码").fill("AAAA-BBBB-CCCC")
    plain.get_by_role("button", name="查看进度").click()
    expect(plain.get_by_role("alert")).to_contain_text("没有这个追踪码")


def test_the_position_is_asked_for_only_by_its_button(
    new_context: Callable[..., BrowserContext], grid: str, demo_url: str
) -> None:
    context = new_context(**PHONE, geolocation={"longitude": 115.0, "latitude": 30.2, "accuracy": 18})
    context.grant_permissions(["geolocation"], origin=demo_url)
    page = context.new_page()
    page.add_init_script(
        "const ask = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation); window.asked = 0;"
        "navigator.geolocation.getCurrentPosition = (...values) => { window.asked += 1; ask(...values) }"
    )
    page.goto(f"{demo_url}/public/report?place={grid}")
    expect(page.get_by_text("未使用定位")).to_be_visible()
    assert page.evaluate("() => window.asked") == 0
    page.get_by_role("button", name="使用我的位置").click()
    expect(page.get_by_text("误差约 18 米")).to_be_visible()
    expect(page.locator("input[name=lon]")).to_have_value("115")
    page.get_by_role("button", name="不使用位置").click()
    expect(page.locator("input[name=lon]")).to_have_value("")
    assert page.evaluate("() => window.asked") == 1


def test_large_letters_english_and_paper(phone: Page, grid: str, demo_url: str) -> None:
    phone.goto(f"{demo_url}/public/report?place={grid}&elder=1")
    expect(phone.locator("html")).to_have_class("elder")
    measured: Any = measure(phone)
    assert measured.text_px >= (18, "")
    assert measured.target_px >= (59.5, "")
    assert measured.contrast >= (7, "")
    assert phone.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe_faults(phone) == []
    phone.get_by_role("link", name="English").click()
    expect(phone.get_by_role("heading", name="Report a matter")).to_be_visible()
    phone.get_by_label("Kind of matter").select_option("P01-03")
    phone.get_by_label("What is the matter").fill("The lamp is out.")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("heading", name="Received")).to_be_visible()
    phone.emulate_media(media="print")
    expect(phone.locator(".report-code")).to_be_visible()
    expect(phone.get_by_role("button", name="Print")).to_be_hidden()
