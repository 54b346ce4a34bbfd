"""The life of a plan in a real browser: withdrawn, sent back, approved for a later day, restored, run again."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import JOB_MS, SLOW_MS, call, sign_in

pytestmark = pytest.mark.browser


def _communities(page: Page) -> list[dict[str, Any]]:
    """The communities of the first city with at least two grids."""
    city = call(page, "GET", "/api/areas")["areas"][0]["code"]
    return [
        community
        for street in call(page, "GET", f"/api/areas?parent={city}")["areas"]
        for community in call(page, "GET", f"/api/areas?parent={street['code']}")["areas"]
        if community["grids"] and community["grids"] > 1
    ]


def _draft(page: Page, name: str) -> dict[str, Any]:
    """A draft of today's grids of a community where all of them are connected."""
    for community in reversed(_communities(page)):
        plan: dict[str, Any] = call(
            page, "POST", "/api/plans", {"base": None, "within": community["code"], "name": name}
        )
        if plan["metrics"]["disconnected_grids"] == 0 and plan["metrics"]["units_unassigned"] == 0:
            return plan
    raise AssertionError("no community has connected grids only")


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.reload()
    expect(page.get_by_role("button", name="关闭对比")).to_be_visible(timeout=SLOW_MS)


def test_a_plan_is_withdrawn_sent_back_approved_for_later_and_restored(
    desk: Page, other: Page, demo_url: str, demo_passwords: dict[str, str]
) -> None:
    plan = _draft(desk, "流程测试")
    link = f"{demo_url}/planner/#plan={plan['id']}"
    _open(desk, link)
    desk.get_by_role("button", name="提交审批").click()
    desk.get_by_role("button", name="撤回").click()
    expect(desk.get_by_text("已撤回为草案。")).to_be_visible()
    desk.get_by_role("button", name="提交审批").click()
    expect(desk.get_by_text("已提交，等待另一位规划员审批。")).to_be_visible()

    sign_in(other, link, "approver", demo_passwords["approver"])
    other.get_by_role("button", name="退回").click(timeout=SLOW_MS)
    other.get_by_role("button", name="退回", exact=True).click()
    expect(other.get_by_text("请写明退回原因。")).to_be_visible()
    other.get_by_label("退回原因").fill("边界不齐")
    other.get_by_role("button", name="退回", exact=True).click()
    expect(other.get_by_text("已退回。")).to_be_visible()

    _open(desk, link)
    expect(desk.get_by_text("被退回：边界不齐")).to_be_visible()
    desk.get_by_role("button", name="提交审批").click()
    expect(desk.get_by_text("已提交，等待另一位规划员审批。")).to_be_visible()
    later = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date() + dt.timedelta(days=3)
    _open(other, link)
    other.get_by_label("生效日期").fill(later.isoformat())
    other.get_by_role("button", name="批准").click()
    expect(other.locator(".lifecycle .done")).to_contain_text("已批准")
    waiting = call(other, "GET", f"/api/plans/{plan['id']}")
    assert (waiting["status"], waiting["effective_on"]) == ("approved", later.isoformat())

    other.get_by_role("button", name="退回").click()
    other.get_by_label("退回原因").fill("改为今天")
    other.get_by_role("button", name="退回", exact=True).click()
    expect(other.get_by_text("已退回。")).to_be_visible()
    _open(desk, link)
    desk.get_by_role("button", name="提交审批").click()
    expect(desk.get_by_text("已提交，等待另一位规划员审批。")).to_be_visible()
    _open(other, link)
    other.get_by_role("button", name="批准").click()
    expect(other.get_by_text("已批准并生效。")).to_be_visible(timeout=SLOW_MS)

    other.get_by_role("button", name="恢复为新草案").click()
    expect(other.get_by_text("已恢复为新草案")).to_be_visible(timeout=SLOW_MS)
    linked = "new URLSearchParams(location.hash.slice(1)).get('plan')"
    other.wait_for_function(f"known => {linked} !== known", arg=str(plan["id"]))
    restored = other.evaluate(linked)
    assert call(other, "GET", f"/api/plans/{restored}")["status"] == "draft"


def test_a_draft_is_run_again_around_its_locks(desk: Page, demo_url: str) -> None:
    plan = _draft(desk, "重算测试")
    before = call(desk, "GET", f"/api/plans/{plan['id']}/workbench")
    desk.goto(f"{demo_url}/planner/#plan={plan['id']}&edit=1")
    desk.reload()
    row = desk.locator(".edit-grids tbody tr").first
    row.get_by_role("button").first.click(timeout=SLOW_MS)
    locked = row.get_attribute("data-code")
    desk.locator(".active-grid").get_by_role("button", name="锁定").click()
    desk.locator(".edit-save").get_by_role("button").last.click()
    expect(desk.get_by_role("button", name="关闭对比")).to_be_visible(timeout=JOB_MS)
    job = call(desk, "GET", "/api/jobs")["jobs"][0]
    assert (job["status"], job["parameters"]["base_plan"]) == ("succeeded", plan["id"])

    made = job["result"]["plan_id"]
    assert desk.evaluate("new URLSearchParams(location.hash.slice(1)).get('plan')") == str(made)
    after = call(desk, "GET", f"/api/plans/{made}/workbench")
    assert _units(after, locked) == _units(before, locked)
    bound = call(desk, "GET", f"/api/plans/{made}")["metrics"]["moved_bound_households"]
    if bound is not None:
        expect(desk.locator('[data-total="bound"]')).to_contain_text(f"{bound:,}")


def test_a_notice_takes_its_days_and_where_opinions_go(desk: Page, demo_url: str, tmp_path: Path) -> None:
    plan = _draft(desk, "公示测试")
    _open(desk, f"{demo_url}/planner/#plan={plan['id']}")
    desk.get_by_text("公示期限和意见反馈").click()
    desk.get_by_label("公示开始日期").fill("2026-12-08")
    desk.get_by_label("公示结束日期").fill("2026-12-01")
    expect(desk.get_by_text("结束日期早于开始日期")).to_be_visible()
    expect(desk.get_by_role("link", name="网页")).to_have_count(0)
    desk.get_by_label("公示结束日期").fill("2026-12-14")
    desk.get_by_label("意见反馈方式").fill("社区服务站")
    with desk.expect_download() as download:
        desk.get_by_role("link", name="网页").click()
    download.value.save_as(tmp_path / "notice.html")
    said = (tmp_path / "notice.html").read_text("utf-8")
    assert "公示期限：2026年12月8日至2026年12月14日（共 7 天）" in said
    assert "意见反馈：社区服务站" in said


def _units(payload: dict[str, Any], code: str | None) -> set[str]:
    grid = [one["code"] for one in payload["grids"]].index(code)
    units = payload["units"]
    return {unit for unit, at in zip(units["code"], units["grid"], strict=True) if at == grid}
