"""The tab 问题 on the planner's desk, over the demo: figures, their lists, label sets, problems that come back."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import SLOW_MS, Watch, api, axe_faults, number_in

pytestmark = pytest.mark.browser
DISTRICT = "420204"
YEAR = 365


def _open(desk: Page, days: int) -> dict:
    """Open the tab and ask for the last days; gives what the server says of them."""
    desk.get_by_role("tab", name="问题").click()
    panel = desk.locator("#panel-cases")
    expect(panel.locator(".indicator-table")).to_be_visible(timeout=SLOW_MS)
    panel.get_by_role("button", name=f"近 {days} 天").click()
    first, last = panel.locator("input[name=first_day]"), panel.locator("input[name=last_day]")
    expect(panel.locator(".indicator-table")).to_be_visible(timeout=SLOW_MS)
    query = f"within={DISTRICT}&first_day={first.input_value()}&last_day={last.input_value()}"
    return api(desk, f"/api/statistics?{query}")


def test_figures_open_their_lists(desk: Page, demo_url: str) -> None:
    watch = Watch(desk, demo_url)
    found = _open(desk, YEAR)
    panel = desk.locator("#panel-cases")
    for part in ("reported", "filed", "closed", "overdue"):
        assert number_in(panel.locator(f"dd[data-part={part}]").inner_text()) == found["total"]["counts"][part]
    row = panel.locator("tr[data-code=on_time_ratio]")
    assert number_in(row.locator("[data-part=on_time]").inner_text()) == found["total"]["counts"]["on_time"]
    grade = found["total"]["ratios"]["on_time_ratio"]["grade"]
    expect(row).to_contain_text({"good": "达标", "watch": "关注", "poor": "预警"}[grade])
    expect(panel.locator(".definition-list")).to_contain_text("漏报")

    # the list behind a count holds exactly so many, and is reached by keyboard
    unsolved = panel.locator("[data-level=grid] .count-button")
    count = found["total"]["counts"]["solved_grid"]
    unsolved.focus()
    desk.keyboard.press("Enter")
    listed = panel.locator(".incident-list")
    expect(listed.get_by_role("heading")).to_contain_text(f"{count:,}")
    expect(listed.get_by_role("heading")).to_be_focused()
    expect(listed.locator("li")).to_have_count(min(count, 50))
    if count > 50:
        listed.get_by_role("button", name="再看一些").click()
        expect(listed.locator("li")).to_have_count(min(count, 100))
    listed.get_by_role("button", name="收起").click()
    expect(listed).to_have_count(0)

    groups = panel.locator(".group-table")
    groups.get_by_role("button", name="部门").click()
    shown = groups.locator("tbody tr").evaluate_all("rows => rows.map(row => row.dataset.code)")
    values = {one["code"]: one["ratios"]["on_time_ratio"]["value"] for one in found["departments"]}
    graded = [values[code] for code in shown if values[code] is not None]
    assert graded == sorted(graded)
    assert len(graded) > 3
    groups.get_by_role("button", name="岗位").click()
    expect(groups.locator("tbody tr")).to_have_count(5)
    assert axe_faults(desk) == []
    assert watch.faults == []


def test_the_same_cases_in_three_vocabularies(desk: Page) -> None:
    """Seven, four and five steps; each time they add up to everything that was reported."""
    found = _open(desk, YEAR)
    panel = desk.locator("#panel-cases")
    steps = panel.locator(".step-bar li")
    for code, count, word in (("standard", 7, "案卷建立"), ("loop", 4, "反馈"), ("whistle", 5, "督")):
        panel.locator("select[name=label_set]").select_option(code)
        expect(steps).to_have_count(count)
        expect(panel.locator(".step-bar")).to_contain_text(word)
        numbers = steps.locator("strong").all_inner_texts()
        assert sum(number_in(one) for one in numbers) == found["total"]["counts"]["reported"]


def test_recurring_problems_on_the_map_and_in_the_list(desk: Page, demo_url: str) -> None:
    watch = Watch(desk, demo_url)
    _open(desk, 90)
    panel = desk.locator("#panel-cases")
    panel.get_by_role("button", name="反复出现的问题").click()
    table = panel.locator(".cluster-table")
    expect(table).to_be_visible(timeout=SLOW_MS)
    shown = number_in(panel.locator("[data-total=clusters]").inner_text())
    first, last = panel.locator("input[name=first_day]"), panel.locator("input[name=last_day]")
    found = api(desk, f"/api/recurring?within={DISTRICT}&first_day={first.input_value()}&last_day={last.input_value()}")
    assert shown == found["cluster_count"] > 3
    best = found["clusters"]["features"][0]["properties"]
    expect(table.locator("tbody tr").first).to_contain_text(best["category_name"])
    desk.wait_for_function(
        "() => window.__map.getLayer('planner-clusters-circle') && "
        "window.__map.queryRenderedFeatures({ layers: ['planner-clusters-circle'] }).length > 3"
    )
    kinds = {cell["properties"]["kind"] for cell in found["cells"]["features"]}
    assert "hot" in kinds
    assert axe_faults(desk) == []
    table.locator("tbody tr").first.get_by_role("button").click()
    listed = panel.locator(".incident-list")
    expect(listed.locator("li")).to_have_count(min(best["n"], 100), timeout=SLOW_MS)
    desk.wait_for_function("() => window.__map.getZoom() > 15 && !window.__map.isMoving()")
    middle = desk.evaluate("() => window.__map.getCenter().toArray()")
    lon, lat = found["clusters"]["features"][0]["geometry"]["coordinates"]
    assert abs(middle[0] - lon) < 1e-3
    assert abs(middle[1] - lat) < 1e-3
    # leaving the tab takes its marks away
    desk.get_by_role("tab", name="网格").first.click()
    desk.wait_for_function(
        "() => window.__map.queryRenderedFeatures({ layers: ['planner-clusters-circle'] }).length === 0"
    )
    assert watch.faults == []
