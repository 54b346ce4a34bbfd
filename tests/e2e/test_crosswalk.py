"""多网合一 in a real browser: two layers, where they conflict, one merged plan and the table of codes."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import JOB_MS, SLOW_MS, api, axe_faults, call

pytestmark = pytest.mark.browser
MARKS = """() => window.__map.queryRenderedFeatures({ layers: ['planner-conflicts-icon'] })
  .map((one) => one.properties.code)"""


@pytest.fixture
def desk(desk: Page, demo_url: str) -> Page:
    """The desk on a community of at least two grids, where layers are laid side by side."""
    city = api(desk, "/api/areas")["areas"][0]["code"]
    street = api(desk, f"/api/areas?parent={city}")["areas"][-1]
    communities = api(desk, f"/api/areas?parent={street['code']}")["areas"]
    community = max(communities, key=lambda one: one["grids"] or 0)
    assert community["grids"] > 1
    desk.goto(f"{demo_url}/planner/#area={community['path']}&tab=crosswalk")
    desk.reload()
    expect(desk.get_by_label("对照名称")).to_be_visible(timeout=SLOW_MS)
    return desk


def _layers(page: Page) -> tuple[str, dict[str, tuple[str, int]], set[str]]:
    """A layer of today's grids, but for one unit of the first that it has in the second: CSV, units, that unit."""
    within = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('area')").split(".")[-1]
    rows = api(page, f"/api/layers/unit/items?within={within}&limit=1000")["features"]
    units = {
        one["properties"]["code"]: (one["properties"]["grid"], one["properties"]["households"])
        for one in rows
        if one["properties"]["grid"]
    }
    first, second = sorted({grid for grid, _ in units.values()})[:2]
    of_first = [code for code, (grid, _) in units.items() if grid == first]
    stray = max(of_first, key=lambda code: (units[code][1], code))
    table = [f"{code},{second if code == stray else grid}" for code, (grid, _) in sorted(units.items())]
    return "\n".join(["unit,grid", *table, ""]), units, {stray}


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.reload()
    expect(page.get_by_role("button", name="关闭对比")).to_be_visible(timeout=SLOW_MS)


def test_two_layers_become_one_plan(desk: Page, tmp_path: Path) -> None:
    content, units, strays = _layers(desk)
    desk.get_by_label("对照名称").fill("两网合一")
    desk.get_by_role("button", name="新建对照").press("Enter")
    desk.get_by_role("button", name="现行网格").press("Enter")
    desk.locator("#panel-crosswalk").get_by_role("button", name="添加图层").click()
    expect(desk.locator('[data-layer="现行网格"]')).to_be_visible(timeout=SLOW_MS)

    desk.locator("#panel-crosswalk summary", has_text="添加图层").press("Enter")
    wrong = {"name": "综治.csv", "mimeType": "text/csv", "buffer": b"unit,grid\nX1,A\n"}
    desk.locator('input[name="layer_file"]').set_input_files(wrong)
    desk.locator("#panel-crosswalk").get_by_role("button", name="添加图层").click()
    expect(desk.locator(".layer-form .fault")).to_contain_text("X1")
    file = {"name": "综治.csv", "mimeType": "text/csv", "buffer": content.encode()}
    desk.locator('input[name="layer_file"]').set_input_files(file)
    desk.get_by_label("权重", exact=True).fill("3")
    desk.locator("#panel-crosswalk").get_by_role("button", name="添加图层").click()
    expect(desk.locator('[data-layer="综治"]')).to_contain_text("权重 3", timeout=SLOW_MS)

    households = sum(units[code][1] for code in strays)
    expect(desk.locator('[data-total="total_units"] dd')).to_contain_text(f"1共 {len(units)}", timeout=SLOW_MS)
    expect(desk.locator('[data-total="total_households"] dd')).to_contain_text(f"{households}共")
    row = desk.locator(".overlap-table tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("button").press("Enter")
    listed = desk.locator(".unit-table tbody tr")
    expect(listed).to_have_count(len(strays))
    assert [listed.nth(at).get_attribute("data-unit") for at in range(listed.count())] == list(strays)
    listed.first.get_by_role("button").press("Enter")
    desk.wait_for_function(f"() => !window.__map.isMoving() && ({MARKS})().length > 0", timeout=SLOW_MS)
    assert set(desk.evaluate(MARKS)) == strays
    assert axe_faults(desk) == []

    desk.get_by_label("沿用编码").select_option("综治")
    desk.get_by_role("button", name="开始合并").click()
    expect(desk.get_by_role("button", name="关闭对比")).to_be_visible(timeout=JOB_MS)
    expect(desk.locator('.merge-outcome [data-layer="综治"]')).to_be_visible()
    assert axe_faults(desk) == []
    with desk.expect_download() as download:
        desk.get_by_role("link", name="下载编码对照表").first.click()
    download.value.save_as(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 2 * len(units)
    assert all(one["new_code"] for one in rows)

    # the layers change, then the crosswalk goes: the plan that stays says so, and offers no table that is not its own
    plan, made = desk.url, api(desk, "/api/crosswalks")["crosswalks"][0]
    assert made["is_stale"] is False
    assert call(desk, "DELETE", f"/api/crosswalks/{made['id']}/layers/综治")["is_stale"] is True
    _open(desk, plan)
    expect(desk.locator(".merge-outcome")).to_contain_text("合并之后图层有改动")
    expect(desk.locator(".merge-outcome").get_by_role("link")).to_have_count(1)
    call(desk, "DELETE", f"/api/crosswalks/{made['id']}")
    _open(desk, plan)
    expect(desk.locator(".merge-outcome")).to_contain_text("对照已删除")
    expect(desk.locator(".merge-outcome").get_by_role("link")).to_have_count(0)
