"""The desk in a real browser, worked by its keys: what it shows is what the server has."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from data.residents.codes import make_key, report_id
from tests.e2e.browsing import SLOW_MS, Watch, api, axe_faults, call, sign_in, wait_for_map
from tests.e2e.phones import new_words, photo

pytestmark = pytest.mark.browser
RUBBISH, BUILDING = "E01-02", "E01-01"  # the catalogue's: 区环卫中心 within a working day, 区城管执法局 within 15
WITH_PHOTO = "E04-07"  # it wants a photo of what was done
Open = Callable[..., Page]
Report = Callable[..., tuple[str, str]]


@pytest.fixture
def open_desk(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, demo_passwords: dict[str, str]
) -> Iterator[Open]:
    """Open desks, each in a browser of its own; any fault they show fails the test."""
    contexts, watches = [], []

    def make(login: str, *, size: tuple[int, int] = (1440, 900), before: str = "", hash_: str = "") -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(**{**browser_context_args, "viewport": viewport, "reduced_motion": "reduce"})
        contexts.append(context)
        page = context.new_page()
        if before:
            page.add_init_script(before)
        watches.append(Watch(page, demo_url))
        sign_in(page, f"{demo_url}/desk/{hash_}", login, demo_passwords[login])
        expect(page.locator(".queue-order")).to_be_visible(timeout=SLOW_MS)
        expect(page.locator(".queue")).to_have_attribute("aria-busy", "false", timeout=SLOW_MS)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [fault for watch in watches for fault in watch.faults if "409" not in fault] == []


@pytest.fixture
def report(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, signed_in_worker: tuple[Any, list[float]]
) -> Iterator[Report]:
    """Report incidents as the grid worker: gives id and receipt number."""
    state, at = signed_in_worker
    context = browser.new_context(**{**browser_context_args, "storage_state": state})
    page = context.new_page()
    page.goto(f"{demo_url}/icon.svg")

    def send(title: str, category: str = RUBBISH, east: float = 0) -> tuple[str, str]:
        identity = str(uuid4())
        sent = {"category": category, "title": title, "lon": at[0] + east, "lat": at[1], "datum": "wgs84"}
        answer = call(page, "PUT", f"/api/incidents/{identity}", sent)
        return identity, answer["properties"]["code"]

    yield send
    context.close()


def find(page: Page, text: str, count: int = 1) -> None:
    """Search as a hand on the keyboard does, and go down into the list."""
    page.keyboard.press("/")
    page.keyboard.type(text)
    expect(page.locator(".queue-row")).to_have_count(count, timeout=SLOW_MS)
    page.keyboard.press("Enter")
    expect(page.locator(".queue-open:focus")).to_have_count(1, timeout=SLOW_MS)


def status_of(page: Page, code: str, words: str) -> None:
    """Wait until a row says how its case stands."""
    expect(page.locator(f'[data-code="{code}"] .queue-meta .badge').first).to_have_text(words, timeout=SLOW_MS)


def test_a_case_goes_through_every_desk_by_keyboard(open_desk: Open, report: Report) -> None:
    """Reported, accepted, given to another department, handled with a photo, verified and closed; nobody clicks."""
    _, code = report(new_words("整条路"))
    dispatcher = open_desk("dispatcher")
    find(dispatcher, code)
    dispatcher.keyboard.press("a")
    status_of(dispatcher, code, "已受理")
    expect(dispatcher.locator(f'[data-code="{code}"]')).to_contain_text("已离开本栏", timeout=SLOW_MS)
    dispatcher.keyboard.press("Enter")
    expect(dispatcher.locator(".case-head")).to_contain_text(code, timeout=SLOW_MS)
    dispatcher.keyboard.press("d")
    form = dispatcher.get_by_role("form", name="派遣")
    expect(form.get_by_label("派给")).to_be_focused()
    form.get_by_label("派给").select_option("区城管执法局")
    dispatcher.keyboard.press("Control+Enter")
    status_of(dispatcher, code, "已派遣")
    expect(dispatcher.locator(".case-body")).to_contain_text(
        "派遣时改由区城管执法局处置，原为区环卫中心。", timeout=SLOW_MS
    )

    department = open_desk("department")
    find(department, code)
    department.keyboard.press("s")
    status_of(department, code, "处置中")
    department.keyboard.press("f")
    form = department.get_by_role("form", name="处置完成")
    expect(form.get_by_label("说明")).to_be_focused(timeout=SLOW_MS)
    department.keyboard.type("已清运")
    form.locator("input[type=file]").set_input_files(photo())
    department.keyboard.press("Control+Enter")
    status_of(department, code, "已处置")
    expect(department.locator(".photos img")).to_have_count(1, timeout=SLOW_MS)

    dispatcher.keyboard.press("Escape")
    dispatcher.keyboard.press("5")
    expect(dispatcher.get_by_role("tab", name="待核查")).to_have_attribute("aria-selected", "true")
    row = dispatcher.locator(f'[data-code="{code}"] .queue-open')
    expect(row).to_be_visible(timeout=SLOW_MS)
    dispatcher.keyboard.press("j")
    expect(row).to_be_focused(timeout=SLOW_MS)
    for key, name, words in (("v", "核查通过", "已核查"), ("c", "结案", "已结案")):
        dispatcher.keyboard.press(key)
        form = dispatcher.get_by_role("form", name=name)
        expect(form.get_by_label("说明")).to_be_focused(timeout=SLOW_MS)
        dispatcher.keyboard.press("Control+Enter")
        status_of(dispatcher, code, words)
        expect(form).to_have_count(0, timeout=SLOW_MS)
    history = dispatcher.locator(".history li")
    expect(history).to_have_count(7, timeout=SLOW_MS)
    who = dispatcher.locator(".history .who").all_inner_texts()
    assert who == ["示例派遣员"] * 2 + ["示例处置部门"] * 2 + ["示例派遣员"] * 2 + ["示例网格员"]
    expect(history.nth(2)).to_contain_text("已清运")


def test_what_is_new_is_counted_and_nothing_jumps(open_desk: Open, report: Report) -> None:
    words = new_words("新到")
    report(f"{words}一")
    desk = open_desk("dispatcher")
    find(desk, words)
    focused = desk.locator(".queue-open:focus")
    expect(focused).to_contain_text("社区", timeout=SLOW_MS)  # its code until the names have come
    before = focused.inner_text()
    report(f"{words}二", BUILDING)
    news = desk.get_by_role("button", name="1 条新事件，按 R 载入")
    expect(news).to_be_visible(timeout=SLOW_MS)
    expect(desk.locator(".queue-row")).to_have_count(1)
    assert focused.inner_text() == before
    desk.keyboard.press("r")
    expect(desk.locator(".queue-row")).to_have_count(2, timeout=SLOW_MS)
    expect(news).to_have_count(0)
    assert focused.inner_text() == before
    titles = desk.locator(".queue-title strong").all_inner_texts()
    assert titles == [f"{words}一", f"{words}二"]  # by deadline: a working day before fifteen
    desk.reload()  # the address keeps what was asked for
    expect(desk.locator(".queue-row")).to_have_count(2, timeout=SLOW_MS)


def test_many_are_accepted_at_once_and_each_says_how_it_went(
    open_desk: Open, report: Report, demo_url: str, other: Page, demo_passwords: dict[str, str]
) -> None:
    words = new_words("批量")
    cases = [report(f"{words}{number}") for number in range(3)]
    desk = open_desk("dispatcher")
    find(desk, words, 3)
    for key in "xjxjx":
        desk.keyboard.press(key)
    expect(desk.locator(".queue-head")).to_contain_text("已选 3 件")
    sign_in(other, f"{demo_url}/desk/", "street", demo_passwords["street"])
    expect(other.locator(".queue-order")).to_be_visible(timeout=SLOW_MS)
    call(other, "POST", f"/api/incidents/{cases[1][0]}/events", {"to": "rejected", "note": "不属实"})
    desk.keyboard.press("Shift+A")
    dialog = desk.get_by_role("dialog", name="批量受理")
    expect(dialog).to_contain_text("受理 2 件，未受理 1 件", timeout=SLOW_MS)
    refused = dialog.get_by_role("row", name=cases[1][1])
    expect(refused).to_contain_text("现在是“不予受理”，可以办理：退回重办")
    expect(dialog.get_by_role("button", name="关闭")).to_be_focused()
    desk.keyboard.press("Enter")
    for (_, code), words in zip(cases, ("已受理", "不予受理", "已受理"), strict=True):
        status_of(desk, code, words)


def test_a_step_that_came_too_late_says_what_can_be_done(open_desk: Open, report: Report, demo_url: str) -> None:
    """Without the live stream the desk does not know that a colleague was faster."""
    identity, code = report(new_words("迟了"))
    deaf = "window.EventSource = class extends EventTarget { close() {} };"
    desk, colleague = open_desk("dispatcher", before=deaf), open_desk("street")
    find(desk, code)
    call(colleague, "POST", f"/api/incidents/{identity}/events", {"to": "accepted"})
    call(colleague, "POST", f"/api/incidents/{identity}/events", {"to": "in_progress"})
    desk.keyboard.press("a")
    alert = desk.get_by_role("alert")
    expect(alert).to_have_text(f"没有办成：{code} 现在是“处置中”，可以办理：没有。", timeout=SLOW_MS)
    expect(desk.locator(f'[data-code="{code}"]')).to_contain_text("已离开本栏", timeout=SLOW_MS)
    assert api(desk, f"/api/incidents/{identity}")["incident"]["properties"]["status"] == "in_progress"


def test_duplicates_are_held_side_by_side_joined_and_parted(open_desk: Open, report: Report) -> None:
    words = new_words("重复")
    # away from where the other tests report: only the nearest 20 are suggested
    (_, first), (_, second) = report(f"{words}甲", east=0.002), report(f"{words}乙", east=0.0021)
    desk = open_desk("dispatcher")
    find(desk, first)
    desk.keyboard.press("Enter")
    nearby = desk.locator(".duplicates li").filter(has_text=f"{words}乙")
    expect(nearby).to_contain_text("相距 10 米", timeout=SLOW_MS)
    nearby.get_by_role("button", name="对照").press("Enter")
    dialog = desk.get_by_role("dialog", name="对照疑似重复")
    expect(dialog.get_by_role("region", name="本件")).to_contain_text(f"{words}甲")
    expect(dialog.get_by_role("region", name="对方")).to_contain_text(second)
    assert axe_faults(desk) == []
    dialog.get_by_role("button", name="保留本件，对方并入").press("Enter")
    joined = desk.locator(".duplicates li").filter(has_text=second)
    expect(joined.get_by_role("button", name="拆分")).to_be_visible(timeout=SLOW_MS)
    joined.get_by_role("button", name="拆分").press("Enter")
    form = desk.get_by_role("form", name="拆分")
    form.get_by_role("button", name="拆分").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("请写明理由。")
    form.get_by_label("为什么不是同一件事").fill("隔着一条街")
    form.get_by_role("button", name="拆分").press("Enter")
    expect(nearby).to_contain_text("待受理", timeout=SLOW_MS)
    expect(desk.locator(".history")).to_contain_text(f"{second} 已拆分")


def test_more_time_is_asked_by_one_and_granted_by_another(open_desk: Open, report: Report, demo_url: str) -> None:
    identity, code = report(new_words("延期"), BUILDING)
    dispatcher, department = open_desk("dispatcher"), open_desk("department")
    for to in ("accepted", "assigned"):
        call(dispatcher, "POST", f"/api/incidents/{identity}/events", {"to": to})
    find(department, code)
    department.keyboard.press("s")
    department.keyboard.press("t")
    form = department.get_by_role("form", name="申请延期")
    expect(form.get_by_label("延长多少")).to_be_focused(timeout=SLOW_MS)
    department.keyboard.type("3")
    department.keyboard.press("Control+Enter")
    expect(form.get_by_role("alert")).to_have_text("请写明理由。")
    form.get_by_label("理由").fill("需夜间施工")
    department.keyboard.press("Control+Enter")
    expect(department.locator(".requests")).to_contain_text("这是您提出的申请，须由他人审批。", timeout=SLOW_MS)
    before = api(department, f"/api/incidents/{identity}")["deadline"]["due_at"]
    dispatcher.keyboard.press("6")
    find(dispatcher, code)
    dispatcher.keyboard.press("Enter")
    dispatcher.get_by_role("button", name="同意", exact=True).press("Enter")
    expect(dispatcher.locator(".case-body")).to_contain_text("延期3个工作日（需夜间施工）", timeout=SLOW_MS)
    expect(dispatcher.locator(".requests")).to_contain_text("示例派遣员 于")
    assert api(department, f"/api/incidents/{identity}")["deadline"]["due_at"] > before


def step(page: Page, name: str, **filled: str) -> None:
    """Take a step of the whistle that is shown."""
    dialog = page.get_by_role("dialog", name="吹哨报到")
    dialog.get_by_role("button", name=name, exact=True).press("Enter")
    form = dialog.get_by_role("form", name=name)
    for label, value in filled.items():
        form.get_by_label(label).fill(value)
    form.get_by_role("button", name="提交").press("Enter")
    expect(form).to_have_count(0, timeout=SLOW_MS)


def test_departments_are_whistled_for_and_come(open_desk: Open, report: Report) -> None:
    """A dispatcher whistles about a case, another approves, the department answers and comes, and is rated.

    What one does the others' open desks show by themselves.
    """
    _, code = report(new_words("吹哨"))
    dispatcher, head, department = open_desk("dispatcher"), open_desk("dispatcher_head"), open_desk("department")
    waiting = head.get_by_role("button", name="吹哨报到").locator(".tab-count")
    count = int(waiting.inner_text()) if waiting.count() else 0
    find(dispatcher, code)
    dispatcher.keyboard.press("Enter")
    dispatcher.get_by_role("button", name="吹哨", exact=True).press("Enter")
    form = dispatcher.get_by_role("form", name="吹哨")
    form.get_by_role("button", name="吹哨").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("请写明事项，并至少选一个部门。")
    form.get_by_label("事由").select_option("联合执法")
    words = new_words("联合清理")
    form.get_by_label("需要部门做什么").fill(words)
    form.get_by_label("区城管执法局", exact=True).check()
    form.get_by_role("button", name="吹哨").press("Enter")
    of_case = dispatcher.locator(".whistles-of-case")
    expect(of_case).to_contain_text("待批准", timeout=SLOW_MS)
    expect(waiting).to_have_text(str(count + 1), timeout=SLOW_MS)
    for page, name, filled in (
        (head, "批准", {}), (department, "响应", {"说明": "两人一小时内到"}), (department, "到场", {}),
        (dispatcher, "解决", {"理由": "已清理"}),
    ):  # fmt: skip
        if page is dispatcher:
            expect(of_case).to_contain_text("已吹哨", timeout=SLOW_MS)
        page.get_by_role("button", name="吹哨报到").press("Enter")
        page.locator(".whistle-list button").first.press("Enter")  # the newest
        expect(page.locator(".whistle-card")).to_contain_text(words, timeout=SLOW_MS)
        step(page, name, **filled)
        if page is dispatcher:
            assert axe_faults(page) == []
        else:
            page.keyboard.press("Escape")
            # gone, not only closed: a press in between opens what is about to go
            expect(page.locator("dialog.whistles")).to_have_count(0)
    card = dispatcher.locator(".whistle-card")
    expect(card).to_contain_text("两人一小时内到")
    card.get_by_role("button", name="评价").press("Enter")
    card.get_by_label("区城管执法局").select_option("4 分")
    card.get_by_role("button", name="提交").press("Enter")
    expect(card).to_contain_text("已评价", timeout=SLOW_MS)
    expect(card.locator("tbody")).to_contain_text("4 分")


def test_a_place_is_whistled_for_without_a_case(open_desk: Open) -> None:
    """The place is shown on the map under the pin, or as a community; the list tells who answered and came when."""
    desk = open_desk("dispatcher")
    desk.get_by_role("button", name="吹哨报到").press("Enter")
    desk.get_by_role("button", name="为一处地点吹哨").press("Enter")
    form = desk.get_by_role("form", name="吹哨")
    expect(form.locator("[name=community]")).to_be_focused()
    form.get_by_role("button", name="吹哨").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("请在地图上指出地点，或选择社区。")
    form.locator("[name=community]").select_option("卫王社区")
    chosen = form.get_by_role("status").filter(has_text="地点：")
    expect(chosen).to_be_visible()
    before = chosen.inner_text()
    expect(form.locator(".whistle-pin")).to_be_visible(timeout=SLOW_MS)
    form.locator(".whistle-map canvas").press("ArrowRight")
    expect(chosen).not_to_have_text(before, timeout=SLOW_MS)
    words = new_words("河边")
    form.get_by_label("地点说明").fill("示例桥东侧")
    form.get_by_label("需要部门做什么").fill(words)
    form.get_by_label("区城管执法局", exact=True).check()
    assert axe_faults(desk) == []
    form.get_by_role("button", name="吹哨").press("Enter")
    row = desk.locator(".whistle-list button").filter(has_text=words)
    expect(row).to_be_focused(timeout=SLOW_MS)
    expect(row).to_contain_text("示例桥东侧")
    expect(row).to_contain_text("区城管执法局：响应 — · 到场 — · —")
    expect(desk.locator(".whistle-card")).to_contain_text("未关联事件 · 示例桥东侧 · 420204")


def test_a_supervised_case_is_answered_by_one_and_closed_by_another(open_desk: Open) -> None:
    department, dispatcher = open_desk("department", hash_="#tab=supervised"), open_desk("dispatcher")
    found = api(department, "/api/supervision?state=open&limit=200")["supervisions"]
    one = next(one for one in found if one["may_reply"] and one["level_name"] == "district")
    case = one["incident"]["id"]
    line = department.locator(f'[data-id="{case}"] .queue-supervision').filter(has_text=f"{one['to_name']}督办")
    expect(line).to_contain_text("待您答复", timeout=SLOW_MS)
    supervised = {one["incident"]["id"] for one in api(department, "/api/supervision?limit=200")["supervisions"]}
    count = department.get_by_role("tab", name="督办").locator(".tab-count")
    expect(count).to_have_text(str(len(supervised)), timeout=SLOW_MS)
    for page in (department, dispatcher):
        page.evaluate("hash => void (location.hash = hash)", f"#tab=all&case={case}")
    form = department.get_by_role("form", name="督办").last
    form.get_by_label("答复").fill("今日完成")
    form.get_by_role("button", name="答复").press("Enter")
    replied = dispatcher.locator(".supervision").filter(has_text="今日完成")
    expect(replied).to_contain_text("示例处置部门 于", timeout=SLOW_MS)
    replied.get_by_role("button", name="销号").press("Enter")
    expect(replied).to_contain_text("示例派遣员 于", timeout=SLOW_MS)
    expect(department.locator(".supervision").filter(has_text="今日完成")).to_contain_text("已销号", timeout=SLOW_MS)


@pytest.fixture
def operate(demo: tuple[str, Path]) -> Callable[..., str]:
    """Type a command as the demo's operator; gives what it says."""

    def run(*words: str) -> str:
        environment = {**os.environ, "YIWANGTU_DATA_DIR": str(demo[1])}
        command = [sys.executable, "-m", "data.cli", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture
def hand_over(demo_url: str, operate: Callable[..., str]) -> Callable[..., str]:
    """Hand a matter over as the police's system does, with a token of its own; gives the incident."""
    name = f"e2e-{uuid4().hex[:8]}"
    made = operate(
        "token",
        "create",
        name,
        "--scope",
        "handover",
        "--system",
        "110",
        "--area",
        "*",
        "--days",
        "1",
        "--label",
        "示例110",
    )
    headers = {"Authorization": f"Bearer {made.split()[-1]}", "Content-Type": "application/json"}

    def send(**sent: object) -> str:
        body = {"system": "110", "external_id": uuid4().hex, **sent}
        with urlopen(Request(f"{demo_url}/api/handovers", json.dumps(body).encode(), headers)) as answer:
            return str(json.load(answer)["incident_id"])

    return send


@pytest.fixture
def hotline(operate: Callable[..., str]) -> Iterator[list[dict[str, Any]]]:
    """A 12345 that listens; gives what it has been told so far."""
    told: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/told"
        operate("webhook", "add", "12345", url)
        yield told
        number = next(line for line in operate("webhook", "list").splitlines() if url in line).split("\t")[0]
        operate("webhook", "remove", number.removeprefix("#"))
        server.shutdown()


def test_a_case_is_handed_on_to_the_hotline_and_arrives(
    open_desk: Open, report: Report, hotline: list[dict[str, Any]], until: Callable[..., object]
) -> None:
    identity, code = report(new_words("转交"))
    desk = open_desk("dispatcher", hash_=f"#tab=all&case={identity}")
    desk.get_by_role("button", name="转交给 12345 / 110").press("Enter")
    form = desk.get_by_role("form", name="转交")
    form.get_by_role("button", name="转交").press("Enter")
    expect(desk.locator(".handovers").get_by_role("alert")).to_have_text("请写明理由。", timeout=SLOW_MS)
    form.get_by_label("转交理由").fill("属于热线受理范围（示例）")
    assert axe_faults(desk) == []
    form.get_by_role("button", name="转交").press("Enter")
    expect(desk.locator(".handovers")).to_contain_text("转交 12345", timeout=SLOW_MS)
    until(lambda: any(code in json.dumps(one) for one in hotline))
    (arrived,) = (one for one in hotline if code in json.dumps(one))
    assert "属于热线受理范围" in json.dumps(arrived, ensure_ascii=False)


def test_what_is_sealed_is_opened_by_who_may(
    open_desk: Open,
    browser: Browser,
    demo_url: str,
    signed_in_worker: tuple[Any, list[float]],
    hand_over: Callable[..., str],
) -> None:
    """A dispute of 110 and a resident's number, each behind a press; a worker beside them is refused."""
    state, at = signed_in_worker
    where = {"lon": at[0], "lat": at[1], "datum": "wgs84"}
    dispute = {"parties": "示例甲户与示例乙户", "cause": "楼上漏水"}
    disputed = hand_over(kind="dispute", code="JF-01", dispute=dispute, **where)
    key = make_key(datetime.now(UTC))
    desk = open_desk("dispatcher", hash_=f"#tab=all&case={disputed}")
    handovers = desk.locator(".handovers")
    expect(handovers).to_contain_text("110 转入", timeout=SLOW_MS)
    expect(desk.locator(".case-body")).not_to_contain_text("漏水")
    handovers.get_by_role("button", name="查看封存详情（留痕）").press("Enter")
    expect(handovers).to_contain_text("示例甲户与示例乙户", timeout=SLOW_MS)
    expect(handovers).to_contain_text("楼上漏水")
    report = {"key": str(key), "category": RUBBISH, "words": "垃圾成堆", "phone": "13800000000", **where}
    assert call(desk, "POST", "/api/public/reports", report)["is_new"]
    left = str(report_id(key))
    desk.evaluate("hash => void (location.hash = hash)", f"#tab=all&case={left}")
    show = desk.get_by_role("button", name="查看联系电话（留痕）")
    expect(show).to_be_visible(timeout=SLOW_MS)
    expect(desk.locator(".case-body")).not_to_contain_text("13800000000")
    show.press("Enter")
    expect(desk.get_by_role("link", name="13800000000")).to_be_visible(timeout=SLOW_MS)
    assert axe_faults(desk) == []
    handed = api(desk, f"/api/handovers?incident={disputed}")["handovers"][0]["id"]
    worker = browser.new_context(storage_state=state)
    paths = (f"incidents/{disputed}", f"handovers/{handed}/details", f"incidents/{left}/contact")
    statuses = [worker.request.get(f"{demo_url}/api/{path}").status for path in paths]
    worker.close()
    assert statuses == [200, 403, 403]


def test_a_kind_that_wants_a_photo_is_not_verified_without_one(open_desk: Open, report: Report) -> None:
    """The desk says so when the work is done and when it is verified; who saw the same is in the history."""
    identity, code = report(new_words("堵塞"), WITH_PHOTO)
    community = open_desk("community", hash_=f"#tab=all&case={identity}")
    call(community, "POST", f"/api/incidents/{identity}/seconds", {"note": "我也看到"})
    for to in ("accepted", "in_progress"):
        call(community, "POST", f"/api/incidents/{identity}/events", {"to": to})
    seconded = community.locator(".history li").filter(has_text="附议：看到同一问题")
    expect(seconded).to_contain_text("我也看到", timeout=SLOW_MS)
    community.get_by_role("button", name="处置完成").press("Enter")
    form = community.get_by_role("form", name="处置完成")
    expect(form).to_contain_text("本类事项须有处置后照片")
    form.get_by_role("button", name="提交").press("Enter")
    expect(community.locator(".case-head .badge").first).to_have_text("已处置", timeout=SLOW_MS)

    desk = open_desk("dispatcher", hash_=f"#tab=all&case={identity}")
    desk.get_by_role("button", name="核查通过").press("Enter")
    form = desk.get_by_role("form", name="核查通过")
    form.get_by_role("button", name="提交").press("Enter")
    refusal = f"没有办成：本类事项须有处置后照片，{code} 还没有。请补传照片后再核查，或退回重办。"
    expect(form.get_by_role("alert")).to_have_text(refusal, timeout=SLOW_MS)
    form.locator("input[type=file]").set_input_files(photo())
    form.get_by_role("button", name="提交").press("Enter")
    expect(desk.locator(".case-head .badge").first).to_have_text("已核查", timeout=SLOW_MS)


def test_counts_and_map_say_what_the_server_says(open_desk: Open, until: Callable[..., object]) -> None:
    desk = open_desk("dispatcher", hash_="#tab=handling")
    counts = api(desk, "/api/incidents/counts?is_open=true")
    shown = int(desk.get_by_role("tab", name="处置中").locator(".tab-count").inner_text())
    assert shown == sum(counts["by_status"].get(status, 0) for status in ("assigned", "in_progress"))
    listed = api(desk, "/api/incidents?status=assigned,in_progress&order=due&limit=100")["features"]
    codes = desk.locator(".queue-row").evaluate_all("rows => rows.map(row => row.dataset.code)")
    assert codes == [one["properties"]["code"] for one in listed]
    wait_for_map(desk)
    layers = ["yiwangtu-extra-cases"]
    rendered = "layers => window.__map.queryRenderedFeatures({ layers }).map(f => f.properties.id)"
    until(lambda: len(set(desk.evaluate(rendered, layers))) > len(listed) / 2)
    assert set(desk.evaluate(rendered, layers)) <= {one["properties"]["id"] for one in listed}
    at = desk.evaluate(
        """layers => {
          const map = window.__map, canvas = map.getCanvas().getBoundingClientRect();
          const all = map.queryRenderedFeatures({ layers })
            .map(f => ({ id: f.properties.id, ...map.project(f.geometry.coordinates) }));
          const far = (a, b) => a.id === b.id || Math.hypot(a.x - b.x, a.y - b.y) > 30;
          const alone = all.find(a => a.y < canvas.height - 120 && all.every(b => far(a, b)));
          return { id: alone.id, x: canvas.x + alone.x, y: canvas.y + alone.y };
        }""",
        layers,
    )
    view = "() => [window.__map.getZoom(), ...window.__map.getCenter().toArray()].map(n => n.toFixed(6))"
    whole = desk.evaluate(view)
    for motion in ("reduce", "no-preference"):  # at once, and eased while the pane changes its size
        desk.emulate_media(reduced_motion=motion)
        desk.mouse.click(at["x"], at["y"])
        expect(desk.locator(".queue-row.is-opened")).to_have_attribute("data-id", at["id"])
        assert f"case={at['id']}" in desk.url
        until(lambda: float(desk.evaluate(view)[0]) >= 15 and not desk.evaluate("() => window.__map.isMoving()"))
        desk.keyboard.press("Escape")
        until(lambda: desk.evaluate(view) == whole and not desk.evaluate("() => window.__map.isMoving()"))


def test_without_a_map_the_list_is_whole(open_desk: Open, report: Report) -> None:
    _, code = report(new_words("无图"))
    blind = """
      const real = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest);
      };"""
    desk = open_desk("dispatcher", before=blind)
    expect(desk.locator(".desk-map")).to_contain_text("此浏览器无法显示地图", timeout=SLOW_MS)
    find(desk, code)
    desk.keyboard.press("Enter")
    expect(desk.locator(".case-head")).to_contain_text(code, timeout=SLOW_MS)


def test_on_a_narrow_screen_list_case_and_map_take_turns(open_desk: Open, report: Report) -> None:
    _, code = report(new_words("窄屏"))
    desk = open_desk("dispatcher", size=(390, 844))
    find(desk, code)
    assert axe_faults(desk) == []
    desk.keyboard.press("Enter")
    expect(desk.locator(".case-title h2")).to_be_focused()
    assert axe_faults(desk) == []
    assert desk.evaluate("() => document.documentElement.scrollWidth") == 390
    desk.get_by_role("button", name="关闭").press("Enter")
    expect(desk.locator(f'[data-code="{code}"] .queue-open')).to_be_focused()
    desk.keyboard.press("m")
    expect(desk.locator(".desk-map canvas")).to_be_visible(timeout=SLOW_MS)


def test_everybody_can_read_it_and_turn_single_keys_off(open_desk: Open, report: Report) -> None:
    identity, code = report(new_words("无障碍"))
    desk = open_desk("dispatcher")
    assert axe_faults(desk) == []
    find(desk, code)
    desk.keyboard.press("Enter")
    expect(desk.locator(".case-body")).to_be_visible(timeout=SLOW_MS)
    assert axe_faults(desk) == []
    desk.keyboard.press("?")
    dialog = desk.get_by_role("dialog", name="键盘操作")
    assert axe_faults(desk) == []
    dialog.get_by_label("使用单键快捷键").uncheck()
    desk.keyboard.press("Escape")
    desk.locator(f'[data-code="{code}"] .queue-open').focus()
    desk.keyboard.press("a")
    desk.get_by_role("button", name="English").click()
    expect(desk.get_by_role("tab", name="To accept")).to_be_visible()
    department = desk.get_by_role("combobox", name="Department")
    expect(department.locator("option[value=区城管执法局]")).to_have_text("District urban management bureau")
    expect(desk.locator(f'[data-code="{code}"]')).to_contain_text("District sanitation centre")
    assert axe_faults(desk) == []
    assert api(desk, f"/api/incidents/{identity}")["incident"]["properties"]["status"] == "reported"


def test_others_are_told_where_they_belong(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> None:
    sign_in(page, f"{demo_url}/desk/", "worker", demo_passwords["worker"])
    expect(page.get_by_role("alert")).to_contain_text("网格员请用手机页 /worker/", timeout=SLOW_MS)
