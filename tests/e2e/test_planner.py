"""The planning desk in a real browser: its numbers are compared with the API's, its map with the map's own data."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import JOB_MS, SLOW_MS, api, axe_faults, call, number_in, sign_in

pytestmark = pytest.mark.browser
FLOOR, CEILING = 400, 800


def _misses(features: list[dict[str, Any]]) -> dict[str, int]:
    """Grids outside the band and by how many households."""
    households = {one["properties"]["code"]: one["properties"]["households"] for one in features}
    missing = {code: max(FLOOR - count, count - CEILING) for code, count in households.items()}
    return {code: miss for code, miss in missing.items() if miss > 0}


def _worst_community(page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """The street and community of the first city that has the most grids outside the band."""
    city = api(page, "/api/areas")["areas"][0]["code"]
    pairs = [
        (street, community)
        for street in api(page, f"/api/areas?parent={city}")["areas"]
        for community in api(page, f"/api/areas?parent={street['code']}")["areas"]
    ]
    return max(pairs, key=lambda pair: pair[1]["grids_outside_band"])


def _choose(page: Page, street: dict[str, Any], community: dict[str, Any]) -> None:
    """Open the street by the keyboard, then choose the community."""
    page.get_by_role("treeitem", name=street["name"]).focus()
    page.keyboard.press("ArrowRight")
    item = page.get_by_role("treeitem", name=community["name"])
    expect(item).to_be_visible()
    item.focus()
    page.keyboard.press("Enter")
    expect(item).to_have_attribute("aria-selected", "true")


def test_a_worker_is_told_that_this_is_not_their_desk(
    page: Page, demo_url: str, demo_passwords: dict[str, str]
) -> None:
    sign_in(page, f"{demo_url}/planner/", "worker", demo_passwords["worker"])
    expect(page.get_by_role("alert")).to_contain_text("没有规划员权限")


def test_table_lists_the_offenders_of_the_area_worst_first(desk: Page) -> None:
    city = api(desk, "/api/areas")["areas"][0]["code"]
    misses = _misses(api(desk, f"/api/layers/grid/items?within={city}&limit=1000")["features"])
    assert misses
    rows = desk.locator("#panel-grids tbody tr")
    expect(rows).to_have_count(len(misses))
    codes = rows.evaluate_all("rows => rows.map(row => row.dataset.code)")
    assert codes == sorted(misses, key=lambda code: (-misses[code], code))


def test_row_flies_to_the_grid_and_the_map_says_its_state_by_sign(desk: Page) -> None:
    row = desk.locator("#panel-grids tbody tr").first
    code = row.get_attribute("data-code")
    desk.wait_for_function("() => window.__map && window.__map.loaded()", timeout=SLOW_MS)
    before = desk.evaluate("() => window.__map.getZoom()")
    row.get_by_role("button").click()
    desk.wait_for_function(
        "zoom => window.__map.getZoom() > zoom + 1 && window.__map.loaded() && !window.__map.isMoving()",
        arg=before,
        timeout=SLOW_MS,
    )
    labels = desk.evaluate(
        "() => window.__map.queryRenderedFeatures({ layers: ['planner-grid-labels-text'] }).map(f => f.properties)"
    )
    label = next(one["label"] for one in labels if one["code"] == code)
    assert re.fullmatch(r"[▲▼]\d+", label)
    selected = desk.evaluate(
        "() => window.__map.queryRenderedFeatures({ layers: ['planner-grids-selected'] }).map(f => f.properties.code)"
    )
    assert set(selected) == {code}


def test_rebalance_one_community_compare_and_keep_as_a_draft(desk: Page) -> None:
    street, community = _worst_community(desk)
    today = api(desk, f"/api/layers/grid/items?within={community['code']}&limit=1000")["features"]
    _choose(desk, street, community)
    desk.get_by_role("tab", name="计算").click()
    assert axe_faults(desk) == []
    desk.get_by_role("button", name="开始计算").click()
    expect(desk.get_by_role("button", name="关闭对比")).to_be_visible(timeout=JOB_MS)

    job = api(desk, "/api/jobs")["jobs"][0]
    assert (job["kind"], job["within"], job["status"]) == ("rebalance", community["code"], "succeeded")
    plan_id = job["result"]["plan_id"]
    proposed = api(desk, f"/api/plans/{plan_id}/grids")["features"]
    changes = api(desk, f"/api/plans/{plan_id}/changes")["features"]
    after = f"{len(proposed) - len(_misses(proposed))} / {len(proposed)}"
    before = f"{len(today) - len(_misses(today))} / {len(today)}"
    expect(desk.locator('[data-total="in-band-before"]')).to_have_text(before)
    expect(desk.locator('[data-total="in-band-after"]')).to_have_text(after)
    moved = sum(one["properties"]["households"] for one in changes)
    assert number_in(desk.locator('[data-total="moved"]').inner_text().split(" ")[0]) == moved
    touched = {one["properties"][end] for one in changes for end in ("from_grid", "to_grid")} - {None}
    rows = desk.locator(".compare-table tbody tr[data-code]")
    assert set(rows.evaluate_all("rows => rows.map(row => row.dataset.code)")) == touched
    expect(desk.get_by_role("region", name="现行网格").first).to_be_visible()
    expect(desk.get_by_role("region", name="方案网格").first).to_be_visible()
    assert axe_faults(desk) == []

    desk.get_by_label("方案名称").fill("浏览器测试草案")
    desk.get_by_role("button", name="保存为草案").click()
    expect(desk.get_by_text("已保存为草案“浏览器测试草案”。")).to_be_visible()
    desk.get_by_role("button", name="关闭对比").click()
    kept = desk.locator(".plan", has_text="浏览器测试草案")
    expect(kept).to_contain_text("草案")
    assert api(desk, f"/api/plans/{plan_id}")["status"] == "draft"
    kept.get_by_role("button", name="删除").click()
    kept.get_by_role("group").get_by_role("button", name="删除").click()
    expect(kept).to_have_count(0)
    assert api(desk, f"/api/plans/{plan_id}")["code"] == "not_found"


def test_a_band_that_is_none_is_refused_in_words(desk: Page) -> None:
    desk.get_by_role("tab", name="计算").click()
    desk.get_by_label("下限（户）").fill("900")
    expect(desk.get_by_role("alert")).to_contain_text("900 / 600 / 800")
    expect(desk.get_by_role("button", name="开始计算")).to_be_disabled()


def test_the_desk_in_english(desk: Page) -> None:
    desk.get_by_role("button", name="English").click()
    expect(desk.get_by_role("heading", name="Planning desk")).to_be_visible()
    expect(desk.get_by_role("heading", name="Grids outside the band")).to_be_visible()
    assert axe_faults(desk) == []


def test_a_plan_of_the_whole_city_is_wholly_seen_side_by_side(desk: Page) -> None:
    """Each half of the page shows all of the plan, as the one wide map did before."""
    city = api(desk, "/api/areas")["areas"][0]
    call(desk, "POST", "/api/plans", {"base": None, "within": city["code"], "name": "全区草案"})
    desk.get_by_role("tab", name="方案").click()
    plan = desk.get_by_role("listitem").filter(has_text="全区草案")
    plan.get_by_role("button", name="查看").click()
    halves = desk.locator(".desk-map")
    for half in (halves.nth(0), halves.nth(1)):
        expect(half.get_by_role("group", name="地图操作")).to_be_visible(timeout=SLOW_MS)
    desk.wait_for_function("() => !window.__map.isMoving()")
    (left, low), (right, high) = desk.evaluate("() => window.__map.getBounds().toArray()")
    west, south, east, north = city["bbox"]
    assert left < west < east < right
    assert low < south < north < high
    desk.get_by_role("button", name="关闭对比").click()
    plan.get_by_role("button", name="删除").click()
    plan.get_by_role("group").get_by_role("button", name="删除").click()
    expect(plan).to_have_count(0)
