"""The grid worker's queue in a real browser: whatever happens, each report arrives once and says how far it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from tests.e2e.browsing import SLOW_MS, axe_faults, call
from tests.e2e.demo_server import DemoServer
from tests.e2e.phones import (
    INCIDENT,
    PHOTO,
    add_photo,
    draft_of,
    expect_standing,
    hand_over,
    incidents_with,
    item_with,
    new_words,
    noise,
    open_queue,
    photo,
    photos_of,
    sign_in_here,
    stand,
    until,
    wait_for_worker,
    write,
)

pytestmark = pytest.mark.browser
DAY_MS = 86_400_000
LITTLE_BYTES = 1_000_000


class Sent:
    """Counts what a phone sends, from its pages and its service worker."""

    def __init__(self, phone: BrowserContext) -> None:
        self.words: list[str] = []
        self.photos: list[str] = []
        phone.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method != "PUT":
            return
        path = request.url.split("?")[0]
        if INCIDENT.search(path):
            self.words.append(path)
        elif PHOTO.search(path):
            self.photos.append(path)


def test_reports_written_without_a_network_go_once_it_is_back(worker: Page, worker_phone: BrowserContext) -> None:
    words, others = new_words("地下室断网"), [new_words("楼道"), new_words("天台")]
    wait_for_worker(worker)
    sent = Sent(worker_phone)
    worker_phone.set_offline(True)
    worker.reload()
    expect(worker.get_by_text("现在没有网络")).to_be_visible()
    expect(worker.locator(".grid-figures dd").first).not_to_have_text("—")  # the card as it was last read
    assert axe_faults(worker) == []
    write(worker, words, photos=2)
    card = hand_over(worker)
    expect_standing(card, "waiting")
    expect(card).to_contain_text("没有连上服务器，内容都在本机")
    for other in others:
        write(worker, other)
        expect_standing(hand_over(worker), "waiting")
    worker.reload()  # the queue survives, without a network
    open_queue(worker)
    expect(worker.locator(".queue-item")).to_have_count(3)
    assert axe_faults(worker) == []
    worker_phone.set_offline(False)
    card = item_with(worker, words)
    expect_standing(card, "received")
    expect(card).to_contain_text("2 / 2 张照片已收")
    for other in others:
        expect_standing(item_with(worker, other), "received")
    assert axe_faults(worker) == []
    (incident,) = incidents_with(worker, words)
    expect(card.locator(".queue-receipt strong")).to_have_text(incident["code"])
    assert len(photos_of(worker, incident)) == 2
    assert [len(incidents_with(worker, other)) for other in others] == [1, 1]
    assert (len(set(sent.words)), len(set(sent.photos))) == (3, 2)


def test_a_lost_answer_is_asked_for_again(worker: Page) -> None:
    words = new_words("回执丢失")
    stored: list[str] = []

    def swallow(route: Route) -> None:
        stored.append(route.fetch().json()["properties"]["code"])
        route.abort()

    worker.route(INCIDENT, swallow, times=1)
    write(worker, words)
    card = hand_over(worker)
    expect_standing(card, "received")  # by itself, a few seconds later
    expect(card.locator(".queue-receipt strong")).to_have_text(stored[0])
    assert len(incidents_with(worker, words)) == 1


def test_the_server_killed_while_it_takes_a_report_in(worker: Page, mortal_server: DemoServer) -> None:
    words, later = new_words("服务器断电"), new_words("断电时写的")

    def kill(route: Route) -> None:
        route.fetch()  # the server has it, and its answer is lost with the server
        mortal_server.kill()
        route.abort()

    worker.route(INCIDENT, kill, times=1)
    write(worker, words, photos=1)
    card = hand_over(worker)
    expect_standing(card, "waiting")
    expect(card).to_contain_text("没有连上服务器")
    write(worker, later)
    expect_standing(hand_over(worker), "waiting")
    mortal_server.start()
    open_queue(worker)
    expect_standing(item_with(worker, words), "received")
    expect_standing(item_with(worker, later), "received")
    (incident,) = incidents_with(worker, words)
    assert len(photos_of(worker, incident)) == 1
    assert len(incidents_with(worker, later)) == 1


def test_a_page_closed_between_two_photos_goes_on_where_it_was(
    worker: Page, worker_phone: BrowserContext, demo_url: str
) -> None:
    words = new_words("传到一半关页面")
    arrived: list[str] = []

    def first_only(route: Route) -> None:
        if arrived:
            return  # never answered: the page is closed meanwhile
        arrived.append(route.request.url)
        route.continue_()

    worker_phone.route(PHOTO, first_only)
    write(worker, words, photos=2)
    card = hand_over(worker)
    expect_standing(card, "photos_waiting")
    expect(card).to_contain_text("1 / 2 张照片已收")
    worker.close()
    worker_phone.unroute(PHOTO)
    sent = Sent(worker_phone)
    page = worker_phone.new_page()
    page.goto(f"{demo_url}/worker/#queue")
    expect_standing(item_with(page, words), "received")
    (incident,) = incidents_with(page, words)
    assert len(photos_of(page, incident)) == 2
    assert not [url for url in sent.photos if url == arrived[0]]  # what had arrived was not sent again


def test_two_tabs_and_double_taps_send_each_report_once(
    worker: Page, worker_phone: BrowserContext, demo_url: str
) -> None:
    words, second_words = new_words("两个窗口"), new_words("连点两下")
    sent = Sent(worker_phone)
    write(worker, words)
    expect(worker.get_by_text("草稿已保存在本机")).to_be_visible()
    other = worker_phone.new_page()
    other.goto(f"{demo_url}/worker/#report")
    expect(other.get_by_label("说明")).to_have_value(words, timeout=SLOW_MS)
    for page in (worker, other):
        page.evaluate("() => document.querySelector('#submit-slot button').click()")
    for page in (worker, other):
        expect_standing(page.locator(".queue-item"), "received")

    write(other, second_words)
    expect(other.get_by_text("草稿已保存在本机")).to_be_visible()
    other.evaluate(
        "() => { const button = document.querySelector('#submit-slot button'); button.click(); button.click(); }"
    )
    expect_standing(other.locator(".queue-item"), "received")
    open_queue(worker)  # the first tab heard of it
    expect_standing(item_with(worker, second_words), "received")
    assert [len(incidents_with(worker, one)) for one in (words, second_words)] == [1, 1]
    assert len(sent.words) == 2


def test_the_service_worker_sends_after_the_page_is_gone(
    worker: Page, worker_phone: BrowserContext, demo_url: str
) -> None:
    words = new_words("后台发送")
    wait_for_worker(worker)
    worker_phone.set_offline(True)
    write(worker, words, photos=1)
    expect_standing(hand_over(worker), "waiting")
    worker.close()
    elsewhere = worker_phone.new_page()  # a page of the same account that knows nothing of the queue
    worker_phone.set_offline(False)
    elsewhere.goto(f"{demo_url}/healthz")
    until(
        elsewhere,
        f"""() => fetch('/api/incidents?is_mine=true&limit=5').then(answer => answer.json())
        .then(page => page.features.some(one => one.properties.description === {json.dumps(words)}))""",
    )
    assert len(incidents_with(elsewhere, words)) == 1


def test_a_clock_that_is_a_day_slow_changes_nothing_but_is_told(
    worker: Page, worker_phone: BrowserContext, demo_url: str
) -> None:
    words = new_words("时钟慢一天")
    worker.close()
    page = worker_phone.new_page()
    page.add_init_script(
        f"""{{ const Real = Date; const behind = {DAY_MS};
        globalThis.Date = class extends Real {{
          constructor(...given) {{ if (given.length) super(...given); else super(Real.now() - behind); }}
          static now() {{ return Real.now() - behind; }} }}; }}"""
    )
    page.goto(f"{demo_url}/worker/")
    write(page, words)
    card = hand_over(page)
    expect_standing(card, "received")
    expect(page.get_by_text("手机时间比服务器慢约 24 小时")).to_be_visible()
    expect(card).to_contain_text("手机时间显示为")
    (incident,) = incidents_with(page, words)
    # The browser of the tests itself knows the true time, as the server does.
    late_ms = page.evaluate(f"at => Date.now() + {DAY_MS} - Date.parse(at)", incident["reported_at"])
    assert 0 <= late_ms < 600_000


def test_a_full_phone_keeps_the_words_and_says_that_the_photo_is_not_kept(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, signed_in_worker: tuple[Any, list[float]]
) -> None:
    words = new_words("存储已满")
    state, at = signed_in_worker
    # Without the service worker's files the phone's little room is for reports alone.
    phone = browser.new_context(**browser_context_args, storage_state=state, service_workers="block")
    phone.grant_permissions(["geolocation"], origin=demo_url)
    stand(phone, at)
    page = phone.new_page()
    page.goto(f"{demo_url}/healthz")
    devtools = phone.new_cdp_session(page)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": demo_url, "quotaSize": LITTLE_BYTES})
    page.goto(f"{demo_url}/worker/")
    write(page, words)
    expect(page.get_by_text("草稿已保存在本机")).to_be_visible()
    page.locator("input[name=camera]").set_input_files(photo(content=noise(1600, 1200)))
    expect(page.get_by_role("alert")).to_contain_text("手机存储空间已满", timeout=SLOW_MS)
    expect(page.locator(".photo-list img")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("说明")).to_have_value(words, timeout=SLOW_MS)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": demo_url})
    add_photo(page)
    card = hand_over(page)
    expect_standing(card, "received")
    expect(card).to_contain_text("1 / 1 张照片已收")
    phone.close()


def test_what_the_server_refuses_says_why_and_becomes_a_new_draft(worker: Page) -> None:
    words = new_words("编号已被占用")
    write(worker, words, photos=1)
    expect(worker.get_by_text("草稿已保存在本机")).to_be_visible()
    draft = draft_of(worker)
    other = {"category": draft["category"], "description": words + "!", "datum": "wgs84"}
    call(
        worker,
        "PUT",
        f"/api/incidents/{draft['id']}",
        {**other, "lon": draft["place"]["lon"], "lat": draft["place"]["lat"]},
    )
    card = hand_over(worker)
    expect_standing(card, "failed")
    expect(card).to_contain_text("服务器上已有同一编号、内容不同的上报")
    assert axe_faults(worker) == []
    open_queue(worker)
    expect(item_with(worker, words).get_by_role("button", name="删除")).to_have_count(0)
    item_with(worker, words).get_by_role("button", name="改为新草稿").click()
    expect(worker.get_by_label("说明")).to_have_value(words)
    card = hand_over(worker)
    expect_standing(card, "received")
    (incident,) = incidents_with(worker, words)
    assert incident["id"] != draft["id"]
    assert len(photos_of(worker, incident)) == 1


def test_drafts_alone_can_be_deleted_and_what_was_never_tried_can_be_taken_back(
    worker: Page, worker_phone: BrowserContext
) -> None:
    words = new_words("还没发就改")
    wait_for_worker(worker)
    worker_phone.set_offline(True)
    write(worker, words)
    expect_standing(hand_over(worker), "waiting")
    open_queue(worker)
    card = item_with(worker, words)
    expect(card.get_by_role("button", name="删除")).to_have_count(0)
    card.get_by_role("button", name="改回草稿").click()
    expect(worker.get_by_label("说明")).to_have_value(words)
    worker.get_by_role("button", name="返回").click()
    open_queue(worker)
    expect_standing(card, "draft")
    card.get_by_role("button", name="删除草稿").click()
    card.get_by_role("button", name="确定删除").click()
    expect(card).to_have_count(0)


def test_the_queue_can_be_carried_to_the_office_as_a_file(
    worker: Page, worker_phone: BrowserContext, browser: Browser, tmp_path: Path
) -> None:
    words = new_words("导出<b>文件</b>")
    wait_for_worker(worker)
    worker_phone.set_offline(True)
    write(worker, words, photos=1)
    hand_over(worker)
    open_queue(worker)
    worker.get_by_text("一直发不出去").click()
    with worker.expect_download() as download:
        worker.get_by_role("button", name="导出 1 件").click()
    expect(worker.get_by_text("交给社区网格管理员")).to_be_visible()
    assert axe_faults(worker) == []
    path = tmp_path / "queue.html"
    download.value.save_as(path)
    office = browser.new_page()
    office.goto(path.as_uri())
    expect(office.get_by_text(words)).to_be_visible()
    assert office.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)") == [2048]
    machine = json.loads(office.locator("#queue").text_content() or "")
    assert [(one["body"]["description"], len(one["photos"])) for one in machine["items"]] == [(words, 1)]
    office.close()


def test_signing_out_keeps_the_queue_for_its_owner_alone(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, demo_passwords: dict[str, str],
    signed_in_worker: tuple[Any, list[float]],
) -> None:  # fmt: skip
    words = new_words("退出再登录")
    phone = browser.new_context(**{**browser_context_args, "viewport": {"width": 390, "height": 844}})
    phone.grant_permissions(["geolocation"], origin=demo_url)
    stand(phone, signed_in_worker[1])
    page = phone.new_page()
    sent = Sent(phone)
    page.goto(f"{demo_url}/worker/")
    sign_in_here(page, "worker", demo_passwords["worker"])
    phone.route(INCIDENT, lambda route: route.abort())
    write(page, words)
    expect(hand_over(page)).to_contain_text("没有连上服务器")
    page.get_by_role("button", name="退出").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("还有 1 件没有发完")
    assert axe_faults(page) == []
    dialog.get_by_role("button", name="退出").click()
    expect(page.get_by_text("本机有 worker 的 1 件内容待发")).to_be_visible()
    phone.unroute(INCIDENT)
    tried = len(sent.words)

    sign_in_here(page, "community", demo_passwords["community"])
    expect(page.get_by_text("这个账号没有分配网格")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("本机有 worker 的 1 件内容待发")).to_be_visible()
    expect(page.get_by_text(words)).to_have_count(0)
    assert len(sent.words) == tried
    page.get_by_role("button", name="退出").click()
    sign_in_here(page, "worker", demo_passwords["worker"])
    open_queue(page)
    expect_standing(item_with(page, words), "received")
    assert len(incidents_with(page, words)) == 1
    phone.close()


def test_a_session_that_ended_asks_to_sign_in_and_then_sends(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, demo_passwords: dict[str, str],
    signed_in_worker: tuple[Any, list[float]],
) -> None:  # fmt: skip
    words = new_words("登录过期")
    phone = browser.new_context(**browser_context_args)
    phone.grant_permissions(["geolocation"], origin=demo_url)
    stand(phone, signed_in_worker[1])
    page = phone.new_page()
    page.goto(f"{demo_url}/worker/")
    sign_in_here(page, "worker", demo_passwords["worker"])
    write(page, words)
    phone.clear_cookies()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("本机有 worker 的 1 件内容待发")).to_be_visible()
    sign_in_here(page, "worker", demo_passwords["worker"])
    open_queue(page)
    expect_standing(item_with(page, words), "received")
    assert len(incidents_with(page, words)) == 1
    phone.close()
