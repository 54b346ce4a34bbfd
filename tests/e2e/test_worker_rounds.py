"""Rounds, visits, shifts and a broken link in a real browser: one tap each, also without a network, and each once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from data.settings import PROJECT
from tests.e2e.browsing import SLOW_MS, api, axe_faults
from tests.e2e.phones import (
    expect_standing,
    grid_of,
    hand_over,
    incidents_with,
    item_with,
    new_words,
    noise,
    open_queue,
    photo,
    photos_of,
    stand,
    until,
    wait_for_worker,
    write,
)
from tests.e2e.residents import measure

pytestmark = pytest.mark.browser
WIDTH = 360


def _check(page: Page) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth") == WIDTH
    weakest = measure(page)
    assert weakest.target_px[0] >= 44, weakest.target_px
    assert weakest.contrast[0] >= 4.5, weakest.contrast
    assert axe_faults(page) == []


def _open(page: Page, part: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name="任务").click()
    page.get_by_role("button", name=part, exact=True).click()
    expect(page.locator(".round-list li").first).to_be_visible(timeout=SLOW_MS)


def _book(page: Page) -> dict[str, Any]:
    return dict(api(page, f"/api/rounds?within={grid_of(page)}"))


def _nothing_waits(page: Page) -> None:
    """Wait until all that was entered on this device has arrived."""
    until(
        page,
        """() => new Promise(resolve => {
          const opening = indexedDB.open('yiwangtu-worker');
          opening.onsuccess = () => {
            const read = opening.result.transaction('item').objectStore('item').getAll();
            read.onsuccess = () => {
              opening.result.close();
              resolve(read.result.every(one => one.state === 'received'));
            };
          };
        })""",
    )


class Parts:
    """Counts the parts of photos that a phone sends, and the questions of how much has come."""

    def __init__(self, phone: BrowserContext) -> None:
        self.offsets: list[int] = []
        self.questions = 0
        phone.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "PATCH":
            self.offsets.append(int(request.headers["upload-offset"]))
        elif request.method == "HEAD":
            self.questions += 1


def test_a_large_photo_goes_on_where_the_link_broke(worker: Page, worker_phone: BrowserContext) -> None:
    words = new_words("大照片断网")
    wait_for_worker(worker)
    worker_phone.set_offline(True)
    write(worker, words)
    large = photo(content=noise(1600, 1200))
    worker.locator("input[name=camera]").set_input_files(large)
    expect(worker.locator(".photo-list img")).to_have_count(1)
    card = hand_over(worker)
    parts = Parts(worker_phone)

    def cut(route: Route) -> None:
        if len(parts.offsets) == 3:  # the third part is on its way when the network goes
            worker_phone.set_offline(True)
            route.abort()
        else:
            route.continue_()

    worker_phone.route("**/photos/*", cut)
    worker_phone.set_offline(False)
    expect_standing(card, "photos_waiting")
    expect(card.locator(".photo-states li")).to_contain_text("%", timeout=SLOW_MS)
    until(worker, "() => Promise.resolve(!navigator.onLine)")
    before = list(parts.offsets)
    assert before == [0, 262_144, 524_288]
    worker_phone.unroute("**/photos/*")
    worker.reload()
    worker_phone.set_offline(False)
    open_queue(worker)
    expect_standing(item_with(worker, words), "received")
    assert parts.questions == 1
    after = parts.offsets[len(before) :]
    assert after[0] == 524_288  # nothing that had come is sent again
    assert after == list(range(after[0], after[-1] + 1, 262_144))
    (incident,) = incidents_with(worker, words)
    (stored,) = photos_of(worker, incident)
    assert (stored["width"], stored["height"], stored["stage"]) == (1600, 1200, "report")


def test_rounds_and_visits_without_a_network_are_never_asked_twice(worker: Page, worker_phone: BrowserContext) -> None:
    _open(worker, "巡查")
    _check(worker)
    wait_for_worker(worker)
    before = sum(_book(worker)["visits_by_outcome"].values())
    worker_phone.set_offline(True)
    _open(worker, "巡查")
    row = worker.locator(".round-list li", has=worker.get_by_role("button", name="：正常")).first
    code = row.get_attribute("data-item")
    row.get_by_role("button", name="：正常").click()
    marked = worker.locator(f'[data-item="{code}"]')
    expect(marked).to_contain_text("✓ 正常")
    worker.get_by_role("button", name="走访", exact=True).click()
    _check(worker)
    building = worker.locator(".round-list li").first
    unit = building.get_attribute("data-unit")
    building.get_by_role("button", name="：无人").click()
    expect(worker.locator(f'[data-unit="{unit}"]')).to_contain_text("无人")
    open_queue(worker)
    expect(worker.locator('.queue-item[data-standing="waiting"]')).to_have_count(2)
    worker.reload()
    _open(worker, "巡查")
    expect(marked).not_to_contain_text("发现问题")  # done, also after the page was closed
    worker_phone.set_offline(False)
    _nothing_waits(worker)
    book = _book(worker)
    assert sum(book["visits_by_outcome"].values()) == before + 1
    assert {one["code"]: one["last_outcome"] for one in book["items"]}[code] == "fine"
    assert {one["code"]: one["last_outcome"] for one in book["units"]}[unit] == "absent"
    open_queue(worker)
    expect(worker.locator(".queue-item")).to_have_count(0)  # what has arrived is in its list


def test_a_finding_is_a_report_that_is_half_written_and_a_second_one_is_seconded(worker: Page) -> None:
    _open(worker, "巡查")
    row = worker.locator('[data-item="R05"]')
    name = row.locator("strong").inner_text()
    row.get_by_role("button", name="：发现问题").click()
    expect(worker.locator('.often [aria-pressed="true"]')).to_have_text("乱堆物堆料")
    words = new_words("楼下")
    worker.get_by_label("说明").fill(words)
    expect_standing(hand_over(worker), "received")
    (incident,) = incidents_with(worker, words)
    _nothing_waits(worker)
    assert {one["code"]: one["last_outcome"] for one in _book(worker)["items"]}["R05"] == "finding"
    _open(worker, "巡查")
    expect(worker.locator('[data-item="R05"]')).to_contain_text("已上报问题")
    assert name in worker.locator('[data-item="R05"]').inner_text()

    again = new_words("还是那一堆")
    write(worker, again)
    worker.get_by_role("button", name="乱堆物堆料").first.click()
    like = worker.locator(".like", has_text=words)
    expect(like).to_be_visible()
    assert axe_faults(worker) == []
    like.get_by_role("button", name="附议").click()
    expect_standing(worker.locator(".queue-item"), "received")
    assert incidents_with(worker, again) == []
    last = api(worker, f"/api/incidents/{incident['id']}")["events"][-1]
    assert (last["note"], last["detail"]) == (again, {"seconded": True})


def test_a_track_is_kept_only_when_asked_and_shown_while_it_is(
    worker: Page, worker_phone: BrowserContext, signed_in_worker: tuple[Any, list[float]]
) -> None:
    _, (lon, lat) = signed_in_worker
    _open(worker, "走访")
    worker.get_by_role("button", name="开始本班").click()
    expect(worker.get_by_text("不记录轨迹。")).to_be_visible()
    expect(worker.locator(".is-tracking")).to_have_count(0)
    worker.get_by_role("button", name="下班").click()
    worker.get_by_label("本班记录轨迹").check()
    expect(worker.get_by_text("只有您自己能看")).to_be_visible()
    worker.get_by_role("button", name="开始本班").click()
    sign = worker.locator(".is-tracking")
    expect(sign).to_contain_text("正在记录轨迹")
    _check(worker)
    for step in range(1, 4):
        expect(sign).to_have_attribute("data-points", str(step))
        stand(worker_phone, [lon, lat + step * 0.0005])  # 56 m further each time
    worker.get_by_role("navigation").get_by_role("button", name="发件箱").click()
    expect(sign).to_be_visible()  # on every view
    worker.reload()
    expect(sign).to_be_visible()
    sign.get_by_role("button", name="下班").click()
    expect(sign).to_have_count(0)
    _nothing_waits(worker)
    _open(worker, "走访")
    worker.get_by_role("button", name="我的班次与轨迹").click()
    newest = api(worker, "/api/shifts")["shifts"][0]
    tracked = worker.locator(f'[data-shift="{newest["id"]}"]')
    assert newest["points"] >= 3
    tracked.get_by_role("button", name="查看轨迹").click()
    expect(worker.locator(".track-points li").nth(1)).to_be_visible()
    worker.wait_for_function("() => window.__map && window.__map.loaded()", timeout=SLOW_MS)
    _check(worker)
    tracked.get_by_role("button", name="删除轨迹").click()
    tracked.get_by_role("button", name="确定删除").click()
    expect(tracked.get_by_role("button")).to_have_count(0)  # once it is erased nothing is left to look at
    assert api(worker, "/api/shifts")["shifts"][0]["points"] == 0


@pytest.fixture
def office(demo: tuple[str, Path]) -> Callable[[Path], str]:
    """Enter a phone's file at the office."""

    def run(file: Path) -> str:
        environment = {**os.environ, "YIWANGTU_DATA_DIR": str(demo[1])}
        command = [sys.executable, "-m", "data.cli", "cases", "receive", str(file)]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run


def test_what_the_office_entered_from_a_file_is_received_when_the_phone_is_back(
    worker: Page, worker_phone: BrowserContext, tmp_path: Path, office: Callable[[Path], str]
) -> None:
    words = new_words("文件录入")
    wait_for_worker(worker)
    worker_phone.set_offline(True)
    write(worker, words, photos=1)
    hand_over(worker)
    open_queue(worker)
    worker.get_by_text("一直发不出去").click()
    with worker.expect_download() as download:
        worker.get_by_role("button", name="导出 1 件").click()
    path = tmp_path / "queue.html"
    download.value.save_as(path)
    said = office(path)
    assert "1 件已收" in said
    assert office(path) == said  # twice is once
    worker_phone.set_offline(False)
    card = item_with(worker, words)
    expect_standing(card, "received")
    code = card.locator(".queue-receipt strong").inner_text()
    assert code in said
    (incident,) = incidents_with(worker, words)
    assert (incident["code"], len(photos_of(worker, incident))) == (code, 1)
