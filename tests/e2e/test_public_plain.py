"""The residents' page without script, without a GPU, on paper: the list comes first, and from this host alone."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, Response, expect

from tests.e2e.browsing import SLOW_MS, Watch, api, axe_faults, sign_in
from tests.e2e.residents import PHONE, XIALU_CODE, keys_of_rows, measure, open_list

pytestmark = pytest.mark.browser
LISTED = f"?within={XIALU_CODE}"
FIRST_LIST_BYTES = 200_000


@pytest.fixture
def served(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A phone's page as the server wrote it: its script never comes, but it can be measured."""
    context = new_context(**PHONE)
    page = context.new_page()
    page.route("**/assets/*.js", lambda route: route.abort())
    yield page
    context.close()


def _found(page: Page) -> int:
    match = re.search(r"找到 (\d+) 处", page.locator(".count").inner_text())
    assert match
    return int(match.group(1))


def test_without_script_the_list_searches_filters_and_leads_to_cards(plain: Page, demo_url: str) -> None:
    plain.goto(f"{demo_url}/public/{LISTED}")
    everything = _found(plain)
    assert plain.locator(".row").count() >= 20
    plain.locator("input[name=q]").fill("食堂")
    plain.locator(".search [type=submit], .search button").first.click()
    assert 0 < _found(plain) < everything
    expect(plain.locator(".row strong").first).to_contain_text("食堂")
    name = plain.locator(".row strong").first.inner_text()
    plain.locator(".row").first.click()
    expect(plain.locator(".card h2")).to_have_text(name)
    expect(plain.locator(".card")).to_contain_text("开放时间")
    expect(plain.locator(".card img")).to_have_attribute("src", re.compile(r"/api/public/qr/canteen/.+\.svg"))
    assert plain.request.get(demo_url + str(plain.locator(".card img").get_attribute("src"))).ok


def test_what_the_server_writes_is_for_everyone_too(served: Page, demo_url: str) -> None:
    served.goto(f"{demo_url}/public/{LISTED}")
    assert axe_faults(served) == []
    assert measure(served).target_px >= (43.5, "")
    assert measure(served).contrast >= (4.5, "")
    served.goto(f"{demo_url}/public/{LISTED}&elder=1")
    expect(served.locator("html")).to_have_class("elder")
    assert axe_faults(served) == []
    assert measure(served).target_px >= (59.5, "")
    assert measure(served).text_px >= (18, "")
    assert served.evaluate("() => document.documentElement.scrollWidth") == 390


def test_script_takes_over_the_list_that_the_server_wrote(served: Page, page: Page, demo_url: str) -> None:
    for query in (LISTED, f"{LISTED}&kind=station&open=1", f"{LISTED}&q=yizhan&step_free=1"):
        served.goto(f"{demo_url}/public/{query}")
        keys = keys_of_rows(served)
        states = served.locator(".row-state").all_inner_texts()
        open_list(page, demo_url, query)
        assert keys_of_rows(page)[: len(keys)] == keys
        assert page.locator(".row-state").all_inner_texts()[: len(states)] == states


def test_a_grid_s_own_page_stays_as_the_server_wrote_it(
    page: Page, demo_url: str, demo_passwords: dict[str, str]
) -> None:
    """Nobody has to sign in at a grid's QR code; a planner tells this test a code."""
    sign_in(page, f"{demo_url}/planner/", "planner", demo_passwords["planner"])
    expect(page.locator("#panel-grids tbody tr").first).to_be_visible(timeout=SLOW_MS)
    code = api(page, f"/api/layers/grid/items?within={XIALU_CODE}&limit=1")["features"][0]["properties"]["code"]
    page.context.clear_cookies()
    page.goto(f"{demo_url}/public/grid/{code}")
    page.wait_for_load_state("networkidle")
    expect(page.locator("h2")).to_contain_text(code)
    expect(page.locator(".card")).to_contain_text("所属社区")
    assert axe_faults(page) == []


def test_the_first_list_is_light_and_asks_nothing_more(
    new_context: Callable[..., BrowserContext], demo_url: str
) -> None:
    page = new_context(**PHONE).new_page()
    sizes: dict[str, float] = {}
    paths: dict[str, str] = {}

    def asked(event: dict[str, Any]) -> None:
        paths[event["requestId"]] = event["request"]["url"].removeprefix(demo_url)

    def loaded(event: dict[str, Any]) -> None:
        sizes[paths[event["requestId"]]] = event["encodedDataLength"]

    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.requestWillBeSent", asked)
    devtools.on("Network.loadingFinished", loaded)
    open_list(page, demo_url, LISTED)
    assert sum(size for path, size in sizes.items() if path.startswith(("/public/", "/assets/"))) <= FIRST_LIST_BYTES
    late = ("/api/public/places", "/assets/map-", "/tiles/")
    assert [path for path in paths.values() if path.startswith(late)] == []


def test_no_cookie_no_other_host_no_sign_in(page: Page, demo_url: str) -> None:
    watch = Watch(page, demo_url)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    open_list(page, demo_url, LISTED)
    page.locator(".row").first.click()
    expect(page.locator(".qr")).to_be_visible()
    assert page.evaluate("() => document.querySelector('.qr').decode().then(() => true)")
    assert [answer.url for answer in answers if answer.header_value("set-cookie")] == []
    assert page.context.cookies() == []
    assert watch.faults == []


def test_without_webgl_the_list_does_everything(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], demo_url: str
) -> None:
    arguments = [*browser_type_launch_args.get("args", []), "--disable-3d-apis"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    try:
        page = browser.new_page(locale="zh-CN")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        open_list(page, demo_url, LISTED)
        expect(page.locator(".map-note")).to_contain_text("列表内容不受影响")
        page.get_by_label("从哪里走").select_option(index=3)
        expect(page.locator(".row .distance").first).to_contain_text("步行约")
        page.locator(".row").first.click()
        expect(page.locator(".card .way")).to_contain_text("步行约")
        assert errors == []
    finally:
        browser.close()


def test_a_card_prints_with_its_code_and_without_buttons(page: Page, demo_url: str) -> None:
    open_list(page, demo_url, f"{LISTED}&kind=station")
    page.locator(".row").first.click()
    page.emulate_media(media="print")
    expect(page.locator(".card h2")).to_be_visible()
    expect(page.locator(".qr")).to_be_visible()
    for gone in (".tools", ".view-switch", ".map-side", ".card .back", ".speech", ".share-tools"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".paper.small")).to_contain_text("数据截至")
    expect(page.locator(".paper.small")).to_contain_text(page.url.split("?")[0])
    # Paper has no "open now" that is wrong an hour later; the days to come are written out.
    expect(page.locator(".card-state .badge").filter(has_text="开放", visible=True)).to_have_count(0)
    expect(page.locator(".days table")).to_be_visible()


def test_a_list_prints_with_hours_and_telephones(page: Page, demo_url: str) -> None:
    open_list(page, demo_url, f"{LISTED}&kind=canteen")
    page.emulate_media(media="print")
    expect(page.locator(".row").first).to_contain_text(re.compile(r"周一至.+\d\d:\d\d.+ · [\d-]+"), use_inner_text=True)
    expect(page.locator(".search")).to_be_hidden()


def test_a_link_to_a_card_can_be_copied(page: Page, demo_url: str) -> None:
    open_list(page, demo_url, f"{LISTED}&kind=station")
    page.locator(".row").first.click()
    link = page.get_by_label("本页链接").input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo_url)
    page.get_by_role("button", name="复制链接").click()
    expect(page.get_by_text("链接已复制。")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == link
    name = page.locator(".card h2").inner_text()
    page.goto(link)
    expect(page.locator(".card h2")).to_have_text(name)
    page.get_by_role("button", name="返回列表").click()
    expect(page.locator(".row").first).to_be_visible()
