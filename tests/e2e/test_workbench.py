"""The planner's workbench in a real browser: from the offenders to a plan in force, by two planners, and by hand."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import JOB_MS, SLOW_MS, api, axe_faults, call, sign_in

pytestmark = pytest.mark.browser
STREET = "东方山街道"
WATCH_FRAMES = """() => {
  window.__scripts = [];
  new PerformanceObserver((list) => {
    for (const frame of list.getEntries())
      window.__scripts.push(frame.scripts.reduce((sum, script) => sum + script.duration, 0));
  }).observe({ type: 'long-animation-frame' });
}"""
"""Script time of every frame above 50 ms; what the software GPU takes outside scripts does not count."""


AROUND_FIVE = """([lon, lat]) => {
  const map = window.__map;
  const box = map.getCanvas().getBoundingClientRect();
  const [x, y] = [box.width / 2, box.height / 2];
  const points = lon.map((_, unit) => map.project([lon[unit], lat[unit]]));
  const near = points.sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y)).slice(0, 5);
  const [xs, ys] = [near.map((p) => box.x + p.x), near.map((p) => box.y + p.y)];
  return [Math.min(...xs) - 15, Math.min(...ys) - 15, Math.max(...xs) + 15, Math.max(...ys) + 15];
}"""
"""The box on the screen around the five buildings nearest to the middle of the map."""


def _community(page: Page, number: int) -> dict[str, Any]:
    """A community of the first city with at least two grids; the tests take different ones."""
    city = api(page, "/api/areas")["areas"][0]["code"]
    communities = [
        community
        for street in api(page, f"/api/areas?parent={city}")["areas"]
        for community in api(page, f"/api/areas?parent={street['code']}")["areas"]
        if community["grids"] and community["grids"] >= 2
    ]
    found: dict[str, Any] = communities[number]
    return found


def _new_draft(page: Page, within: str, name: str) -> int:
    """A draft of today's grids."""
    return int(call(page, "POST", "/api/plans", {"base": None, "within": within, "name": name})["id"])


def _open_editor(page: Page, demo_url: str, plan_id: int) -> None:
    page.goto(f"{demo_url}/planner/#plan={plan_id}&edit=1")
    page.reload()
    expect(page.locator(".live-totals")).to_be_visible(timeout=SLOW_MS)
    page.wait_for_function(
        "() => window.__map && window.__map.getLayer('edit-units-fill') && window.__map.loaded()", timeout=SLOW_MS
    )


def _click_unit(page: Page, payload: dict[str, Any], unit: int, modifiers: list[str] | None = None) -> None:
    """Click the middle of a unit's lot on the map."""
    lot = payload["units"]["lot"][unit]
    ring = lot[0] if isinstance(lot[0][0][0], (int, float)) else lot[0][0]
    page.wait_for_function("() => !window.__map.isMoving() && window.__map.loaded()", timeout=SLOW_MS)
    at = page.evaluate(
        """([ring, unit]) => {
          const map = window.__map;
          const box = map.getCanvas().getBoundingClientRect();
          const xs = ring.map((p) => map.project(p)), n = xs.length;
          for (const share of [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8]) for (const other of [0.5, 0.4, 0.6, 0.3, 0.7]) {
            const [w, e] = [Math.min(...xs.map((p) => p.x)), Math.max(...xs.map((p) => p.x))];
            const [s, t] = [Math.min(...xs.map((p) => p.y)), Math.max(...xs.map((p) => p.y))];
            const point = [w + (e - w) * share, s + (t - s) * other];
            const [found] = map.queryRenderedFeatures(point, { layers: ['edit-units-fill'] });
            if (found && Number(found.id) === unit) return [box.x + point[0], box.y + point[1]];
          }
          return null;
        }""",
        [ring, unit],
    )
    assert at is not None, f"unit {unit} is not on the map"
    page.mouse.move(*at)
    for key in modifiers or []:
        page.keyboard.down(key)
    page.mouse.click(*at)
    for key in modifiers or []:
        page.keyboard.up(key)


def _border_unit(payload: dict[str, Any]) -> tuple[int, int]:
    """A unit that touches another grid of its community, and that grid; its own grid keeps other units."""
    units, pairs = payload["units"], payload["pairs"]
    for a, b, cut in zip(pairs["a"], pairs["b"], pairs["is_cut"], strict=True):
        one, two = units["grid"][a], units["grid"][b]
        same = units["community"][a] == units["community"][b]
        if same and not cut and one != two and units["households"][a] > 0 and units["grid"].count(one) > 3:
            return a, two
    raise AssertionError("no unit lies at a border")


def test_from_the_offenders_to_a_plan_in_force(desk: Page, other: Page, demo_passwords: dict[str, str]) -> None:
    """One planner runs, weighs, edits and submits; another approves; today's grids are then the plan's."""
    city = api(desk, "/api/areas")["areas"][0]
    street = next(one for one in api(desk, f"/api/areas?parent={city['code']}")["areas"] if one["name"] == STREET)
    assert street["grids_outside_band"] > 0
    desk.get_by_role("treeitem", name=STREET).click()
    desk.get_by_role("tab", name="计算").click()
    desk.get_by_label("比较方案数").select_option("3")
    desk.get_by_role("button", name="开始计算").click()
    expect(desk.get_by_role("button", name="关闭对比")).to_be_visible(timeout=JOB_MS)

    front = api(desk, "/api/jobs")["jobs"][0]["result"]["front"]
    assert len(front) > 1
    expect(desk.locator(".compare-panel .front-point")).to_have_count(len(front))
    chosen = max(front, key=lambda point: point["mean_compactness"])
    point = desk.locator(f'.compare-panel .front-point[data-plan="{chosen["plan_id"]}"]')
    point.click()
    expect(point).to_have_attribute("aria-pressed", "true")
    expect(desk).to_have_url(re.compile(rf"plan={chosen['plan_id']}\b"))
    reasons = api(desk, f"/api/plans/{chosen['plan_id']}/reasons")["grids"]
    assert reasons
    expect(desk.locator(f'[data-reason="{reasons[0]["code"]}"]')).to_contain_text(reasons[0]["sentence"])
    desk.get_by_role("button", name="差异", exact=True).click()
    expect(desk.get_by_text("净调入")).to_be_visible()
    assert axe_faults(desk) == []

    desk.get_by_label("方案名称").fill("秋季调整")
    desk.get_by_role("button", name="保存为草案").click()
    expect(desk.get_by_text("已保存为草案“秋季调整”。")).to_be_visible()
    desk.get_by_role("button", name="提交审批").click()
    expect(desk.get_by_text("等待另一位规划员审批。").first).to_be_visible()
    expect(desk.get_by_role("button", name="批准")).to_have_count(0)
    link = desk.url

    sign_in(other, link, "approver", demo_passwords["approver"])
    expect(other.get_by_role("button", name="批准")).to_be_visible(timeout=SLOW_MS)
    other.get_by_role("button", name="批准").click()
    expect(other.get_by_text("已批准并生效。")).to_be_visible(timeout=SLOW_MS)

    plan = api(desk, f"/api/plans/{chosen['plan_id']}")
    assert (plan["status"], plan["submitted_by"], plan["approved_by"]) == ("effective", "planner", "approver")
    proposed = api(desk, f"/api/plans/{chosen['plan_id']}/grids")["features"]
    today = api(desk, f"/api/layers/grid/items?within={street['code']}&limit=1000")["features"]
    assert {one["properties"]["code"] for one in today} == {one["properties"]["code"] for one in proposed}
    other.get_by_role("button", name="关闭对比").click()
    other.get_by_role("tab", name="历史").click()
    expect(other.locator("#panel-history .plan", has_text="秋季调整")).to_contain_text("现行")
    assert axe_faults(other) == []


def test_units_move_by_click_and_key_and_the_plan_is_saved(desk: Page, demo_url: str) -> None:
    community = _community(desk, 0)
    plan_id = _new_draft(desk, community["code"], "点选测试")
    payload = api(desk, f"/api/plans/{plan_id}/workbench")
    unit, target = _border_unit(payload)
    _open_editor(desk, demo_url, plan_id)
    assert axe_faults(desk) == []
    _click_unit(desk, payload, unit)
    households = payload["units"]["households"][unit]
    expect(desk.locator(".selection-sum")).to_contain_text(f"1 栋，{households} 户")
    code = payload["grids"][target]["code"]
    names = desk.locator(".target-name").all_inner_texts()
    shown = payload["grids"][target]["name"]
    desk.keyboard.press(str(names.index(shown) + 1 if shown in names else 1))
    expect(desk.locator(".edit-note")).to_contain_text(f"已把 1 栋 {households} 户移到")
    before = sum(
        count for count, grid in zip(payload["units"]["households"], payload["units"]["grid"], strict=True)
        if grid == target
    )  # fmt: skip
    expect(desk.locator(f'.edit-grids [data-code="{code}"]')).to_contain_text(f"{before + households:,}")
    expect(desk.locator('[data-live="moved"]')).to_contain_text(str(households))

    desk.keyboard.press("Control+z")
    expect(desk.locator('[data-live="state"]')).to_contain_text("已全部保存")
    desk.keyboard.press("Control+y")
    expect(desk.locator('[data-live="state"]')).to_contain_text("1 栋未保存")
    desk.keyboard.press("Control+s")
    expect(desk.locator('[data-live="state"]')).to_contain_text("版本 2", timeout=SLOW_MS)
    after = api(desk, f"/api/plans/{plan_id}/workbench")
    moved = after["grids"][after["units"]["grid"][unit]]["code"]
    assert (moved, after["version"]) == (code, 2)

    own = payload["units"]["grid"][unit]
    desk.keyboard.press("m")
    expect(desk.locator(".edit-map")).to_have_attribute("data-tool", "target")
    _click_unit(desk, payload, payload["units"]["grid"].index(own))
    expect(desk.locator(f'.edit-grids [data-code="{code}"]')).to_contain_text(f"{before:,}")
    expect(desk.locator(".edit-map")).to_have_attribute("data-tool", "select")


def test_a_lasso_makes_a_new_grid_and_a_locked_grid_stays(desk: Page, demo_url: str) -> None:
    community = _community(desk, 1)
    plan_id = _new_draft(desk, community["code"], "套索测试")
    payload = api(desk, f"/api/plans/{plan_id}/workbench")
    _open_editor(desk, demo_url, plan_id)
    desk.get_by_role("button", name="套索").click()
    west, north, east, south = desk.evaluate(AROUND_FIVE, [payload["units"]["lon"], payload["units"]["lat"]])
    desk.mouse.move(west, north)
    desk.mouse.down()
    for at in ((east, north), (east, south), (west, south), (west, north + 12)):
        desk.mouse.move(*at, steps=4)
    desk.mouse.up()
    expect(desk.locator(".selection-sum")).to_be_visible(timeout=SLOW_MS)
    count = int(re.match(r"(\d+) 栋", desk.locator(".selection-sum").inner_text()).group(1))  # type: ignore[union-attr]
    assert count >= 5
    desk.get_by_role("button", name="所选设为新网格").click()
    expect(desk.locator(".edit-note")).to_contain_text(f"：{count} 栋")
    fresh = desk.locator(".edit-grids tr", has=desk.locator(".badge", has_text="新"))
    expect(fresh).to_have_count(1)
    code = fresh.get_attribute("data-code")
    assert code not in [grid["code"] for grid in payload["grids"]]
    desk.locator(".active-grid").get_by_role("button", name="锁定").click()
    desk.get_by_role("button", name="锁定楼栋").click()
    desk.get_by_role("button", name="保存", exact=True).click()
    expect(desk.locator('[data-live="state"]')).to_contain_text("版本 2", timeout=SLOW_MS)
    after = api(desk, f"/api/plans/{plan_id}/workbench")
    assert code in [grid["code"] for grid in after["grids"]]
    assert after["locks"]["grids"] == [code]
    assert len(after["locks"]["units"]) == count
    assert axe_faults(desk) == []


def test_a_conflict_on_saving_is_shown_and_resolved(desk: Page, demo_url: str) -> None:
    community = _community(desk, 2)
    plan_id = _new_draft(desk, community["code"], "冲突测试")
    payload = api(desk, f"/api/plans/{plan_id}/workbench")
    unit, _ = _border_unit(payload)
    _open_editor(desk, demo_url, plan_id)
    _click_unit(desk, payload, unit)
    mine = desk.locator(".target-name").first.inner_text()
    desk.locator(".target").first.click()
    expect(desk.locator('[data-live="state"]')).to_contain_text("1 栋未保存")

    codes = [grid["code"] for grid in payload["grids"]]
    grids = [{"code": grid["code"], "community": grid["community"]} for grid in payload["grids"]]
    fresh = f"{community['code']}9"[: len(community["code"])] + "098"
    grids.append({"code": fresh, "community": community["code"]})
    name = payload["units"]["code"][unit]
    saved = call(
        desk, "PUT", f"/api/plans/{plan_id}/assignment",
        {"version": 1, "moves": [{"unit": name, "grid": fresh}], "grids": grids, "locks": {"grids": [], "units": []}},
    )  # fmt: skip
    assert saved["version"] == 2

    desk.get_by_role("button", name="保存", exact=True).click()
    dialog = desk.get_by_role("dialog", name="保存冲突")
    expect(dialog).to_be_visible(timeout=SLOW_MS)
    expect(dialog).to_contain_text("planner")
    expect(dialog.locator(f'[data-unit="{name}"]')).to_contain_text(fresh)
    assert axe_faults(desk) == []
    dialog.get_by_role("button", name="全部用我的").click()
    dialog.get_by_role("button", name="按选择合并并保存").click()
    expect(desk.locator('[data-live="state"]')).to_contain_text("版本 3", timeout=SLOW_MS)
    after = api(desk, f"/api/plans/{plan_id}/workbench")
    now = after["grids"][after["units"]["grid"][unit]]
    assert (now["name"], now["code"] in codes) == (mine, True)


def test_every_step_is_quick_in_the_largest_district(desk: Page, demo_url: str) -> None:
    """The whole city on the table: no step holds the page's scripts for 200 ms; the last is undone again."""
    cities = api(desk, "/api/areas")["areas"]
    city = max(cities, key=lambda one: one["households"])
    plan_id = _new_draft(desk, city["code"], "全区测试")
    payload = api(desk, f"/api/plans/{plan_id}/workbench")
    _open_editor(desk, demo_url, plan_id)
    desk.evaluate(WATCH_FRAMES)
    table = desk.locator(".edit-grids tbody tr")
    table.first.get_by_role("button").first.click()
    steps = 0
    for row in range(3):
        table.nth(row).get_by_role("button").first.click()
        desk.locator(".active-grid").get_by_role("button", name="选中全部楼栋").click()
        target = desk.locator(".target").first
        if target.count() == 0:
            continue
        target.click()
        expect(desk.locator(".edit-note")).to_contain_text("移到")
        steps += 1
    for _ in range(steps):
        desk.keyboard.press("Control+z")
    expect(desk.locator('[data-live="state"]')).to_contain_text("已全部保存")
    times = desk.evaluate("() => performance.getEntriesByName('planner-edit').map((entry) => entry.duration)")
    scripts = desk.evaluate("() => window.__scripts")
    assert len(times) == 2 * steps > 0
    count = len(payload["units"]["code"])
    print(f"{count} units: {max(times):.0f} ms the slowest edit, {max(scripts, default=0):.0f} ms the longest script")
