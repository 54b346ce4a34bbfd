"""The life of a plan in a real browser: withdrawn, sent back, approved for a later day, restored, run again."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
SLOW_MS = 30_000
JOB_MS = 180_000


def _sign_in(page: Page, url: str, login: str, password: str) -> Page:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(url)
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    return page


def _call(page: Page, method: str, path: str, body: Any = None) -> Any:
    """Ask as the page would: with the session's token."""
    return page.evaluate(
        """async ([method, path, body]) => {
          const { csrf_token } = await (await fetch('/api/session')).json();
          const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf_token };
          const answer = await fetch(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
          return answer.json();
        }""",
        [method, path, body],
    )


@pytest.fixture
def desk(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> Page:
    """The desk of a planner."""
    _sign_in(page, f"{demo_url}/planner/", "planner", demo_passwords["planner"])
    expect(page.locator("#panel-grids tbody tr").first).to_be_visible(timeout=SLOW_MS)
    return page


@pytest.fixture
def other(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """A page of another browser, not signed in."""
    context = browser.new_context(**browser_context_args)
    yield context.new_page()
    context.close()


def _communities(page: Page) -> list[dict[str, Any]]:
    """The communities of the first city with at least two grids."""
    city = _call(page, "GET", "/api/areas")["areas"][0]["code"]
    return [
        community
        for street in _call(page, "GET", f"/api/areas?parent={city}")["areas"]
        for community in _call(page, "GET", f"/api/areas?parent={street['code']}")["areas"]
        if community["grids"] and community["grids"] > 1
    ]


def _draft(page: Page, name: str) -> dict[str, Any]:
    """A draft of today's grids of a community where all of them are connected."""
    for community in reversed(_communities(page)):
        plan: dict[str, Any] = _call(
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

    _sign_in(other, link, "approver", demo_passwords["approver"])
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
    waiting = _call(other, "GET", f"/api/plans/{plan['id']}")
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
    assert _call(other, "GET", f"/api/plans/{restored}")["status"] == "draft"


def test_a_draft_is_run_again_around_its_locks(desk: Page, demo_url: str) -> None:
    plan = _draft(desk, "重算测试")
    before = _call(desk, "GET", f"/api/plans/{plan['id']}/workbench")
    desk.goto(f"{demo_url}/planner/#plan={plan['id']}&edit=1")
    desk.reload()
    row = desk.locator(".edit-grids tbody tr").first
    row.get_by_role("button").first.click(timeout=SLOW_MS)
    locked = row.get_attribute("data-code")
    desk.locator(".active-grid").get_by_role("button", name="锁定").click()
    desk.locator(".edit-save").get_by_role("button").last.click()
    expect(desk.get_by_role("button", name="关闭对比")).to_be_visible(timeout=JOB_MS)
    job = _call(desk, "GET", "/api/jobs")["jobs"][0]
    assert (job["status"], job["parameters"]["base_plan"]) == ("succeeded", plan["id"])

    made = job["result"]["plan_id"]
    assert desk.evaluate("new URLSearchParams(location.hash.slice(1)).get('plan')") == str(made)
    after = _call(desk, "GET", f"/api/plans/{made}/workbench")
    assert _units(after, locked) == _units(before, locked)
    bound = _call(desk, "GET", f"/api/plans/{made}")["metrics"]["moved_bound_households"]
    if bound is not None:
        expect(desk.locator('[data-total="bound"]')).to_contain_text(f"{bound:,}")


def _units(payload: dict[str, Any], code: str | None) -> set[str]:
    grid = [one["code"] for one in payload["grids"]].index(code)
    units = payload["units"]
    return {unit for unit, at in zip(units["code"], units["grid"], strict=True) if at == grid}
