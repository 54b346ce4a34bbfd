"""A resident orders a service on a phone, a volunteer takes it on another, and buys something with the points."""

from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from data.residents.codes import report_id
from tests.e2e.browsing import SLOW_MS, Watch, api, call, sign_in
from tests.e2e.phones import grid_of
from tests.e2e.residents import check_on_phone

pytestmark = pytest.mark.browser
WORDS = "请代买降压药，下午在家。"
WHERE = "2 号楼 301"
NUMBER = "0714-000-0009"


def test_from_the_order_to_what_its_points_buy(
    phone: Page, other: Page, worker: Page, demo_url: str, demo_passwords: dict[str, str]
) -> None:
    """15 points for fetching medicine, 10 of them for a towel."""
    watch = Watch(phone, demo_url)
    phone.goto(f"{demo_url}/public/grid/{grid_of(worker)}")
    phone.get_by_role("link", name="我要点单").click()
    expect(phone.get_by_role("heading", name="我要点单")).to_be_visible()
    assert "暴露垃圾" not in phone.get_by_label("需要的服务").inner_text()
    phone.get_by_label("需要的服务").select_option(label="代买药品")
    phone.get_by_label("具体需要什么").fill(WORDS)
    phone.get_by_label("上门地址").fill(WHERE)
    phone.get_by_label("联系电话").fill(NUMBER)
    check_on_phone(phone)
    key = phone.locator("input[name=key]").input_value()
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("heading", name="已收到")).to_be_visible()
    code = phone.locator(".report-code").inner_text()

    sign_in(other, f"{demo_url}/desk/", "community", demo_passwords["community"])
    expect(other.get_by_role("button", name="退出")).to_be_visible(timeout=SLOW_MS)
    case = f"/api/incidents/{report_id(UUID(key))}/events"
    for to in ("accepted", "assigned"):
        assert call(other, "POST", case, {"to": to})["properties"]["status"] == to

    worker.get_by_role("navigation").get_by_role("button", name="任务").click()
    worker.get_by_role("button", name="接单", exact=True).click()
    worker.get_by_role("button", name="成为志愿者").click()
    taking = worker.get_by_role("button", name="接单：代买药品")
    expect(taking).to_be_visible()
    expect(worker.get_by_text(WHERE)).to_have_count(0)
    taking.click()
    mine = worker.locator("[data-order][data-status=accepted]")
    expect(mine).to_contain_text(WHERE)
    mine.get_by_role("button", name="查看电话").click()
    expect(mine.get_by_role("link", name=NUMBER)).to_be_visible()
    check_on_phone(worker)
    mine.get_by_role("button", name="已完成").click()
    expect(worker.locator("[data-order][data-status=done]")).to_contain_text("等社区核查")
    expect(worker.get_by_text(NUMBER)).to_have_count(1)

    for to in ("verified", "closed"):
        assert call(other, "POST", case, {"to": to})["properties"]["status"] == to
    worker.get_by_role("button", name="刷新").click()
    expect(worker.locator("[data-balance]")).to_have_text("15")
    expect(worker.get_by_text(NUMBER)).to_have_count(0)
    worker.locator(".points-shops > summary").click()
    shop = worker.locator("[data-shop]").filter(has_text="毛巾").first
    shop.get_by_role("button", name="兑换").click()
    shop.get_by_label("兑换什么").select_option(label="洗衣液（30 积分）")
    expect(shop).to_contain_text("积分不够，现有 15")
    shop.get_by_label("兑换什么").select_option(label="毛巾（10 积分）")
    shop.get_by_role("button", name="确认兑换 10 积分").click()
    expect(worker.get_by_role("status").filter(has_text="已兑换：毛巾")).to_be_visible()
    expect(worker.locator("[data-balance]")).to_have_text("5")
    assert [one["amount"] for one in api(worker, "/api/volunteer")["entries"]] == [-10, 15]

    phone.goto(f"{demo_url}/public/track")
    phone.get_by_label("追踪码").fill(code)
    phone.get_by_role("button", name="查看进度").click()
    expect(phone.locator(".report-steps")).to_contain_text("已接单，服务中")
    expect(phone.locator(".card-state")).to_contain_text("已办结")
    assert watch.faults == []
