"""生活圈 and 选址 on the planner's desk, over the demo."""

import csv
import io

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import JOB_MS, SLOW_MS, Watch, api, axe_faults, number_in, wait_for_map

pytestmark = pytest.mark.browser
DISTRICT = "420204"


def _drawn(desk: Page, layer: str) -> list[dict]:
    """Properties of what the map has drawn of a layer."""
    return desk.evaluate("id => window.__map.queryRenderedFeatures({ layers: [id] }).map(one => one.properties)", layer)


def test_what_each_rule_found(desk: Page, demo_url: str) -> None:
    """The demo is examined by the built-in rules: figures, tables and marks are those of the server."""
    watch = Watch(desk, demo_url)
    desk.get_by_role("tab", name="生活圈").click()
    findings = desk.locator(".rule-findings")
    expect(findings).to_be_visible(timeout=SLOW_MS)
    (one,) = api(desk, f"/api/examinations?within={DISTRICT}")["examinations"]
    assert one["rulebook"] == "builtin"
    station = api(desk, f"/api/examinations/{one['id']}/rules/service_station_300?within={DISTRICT}")
    assert findings.get_attribute("data-rule") == "service_station_300"
    for word in ("依据", "GB 50180", "约束", "可信度", "数据日期"):
        expect(findings).to_contain_text(word)
    for verdict in ("met", "not_met", "unknown"):
        assert number_in(findings.locator(f"dd[data-verdict={verdict}]").inner_text()) == station[f"demand_{verdict}"]
    codes = findings.locator("table[data-level] tbody tr").evaluate_all("rows => rows.map(row => row.dataset.code)")
    assert codes == [community["code"] for community in station["communities"]][: len(codes)]
    unserved = [community["demand_not_met"] for community in station["communities"]]
    assert unserved == sorted(unserved, reverse=True)
    desk.wait_for_function(
        "() => window.__map.getLayer('planner-gaps') && "
        "window.__map.queryRenderedFeatures({ layers: ['planner-gaps'] }).length > 100"
    )
    drawn = _drawn(desk, "planner-gaps")
    assert {each["examination"] for each in drawn} == {one["id"]}
    signs = findings.locator(".gap-totals .verdict-mark > *").evaluate_all("marks => marks.map(mark => mark.tagName)")
    assert signs == ["path", "rect", "text", "circle"]

    findings.get_by_role("button", name="网格").click()
    first = findings.locator("table[data-level=grid] tbody tr").first
    expect(first).to_have_attribute("data-code", station["grids"][0]["code"])
    findings.get_by_role("button", name="六边形").click()
    desk.wait_for_function("() => window.__map.queryRenderedFeatures({ layers: ['planner-cells-fill'] }).length > 20")
    assert desk.evaluate("() => window.__map.getLayer('planner-gaps')") is None
    findings.locator("summary", has_text="未知的楼栋").click()
    expect(findings).to_contain_text("楼栋离可步行的道路超过 50 米")
    assert axe_faults(desk) == []
    assert watch.faults == []


def test_an_examination_by_the_citys_own_rules(desk: Page, tmp_path) -> None:
    """The built-in rulebook is downloaded, one threshold is changed, and the file comes back as the city's own."""
    desk.get_by_role("tab", name="生活圈").click()
    expect(desk.locator(".rule-findings")).to_be_visible(timeout=SLOW_MS)
    books = desk.locator(".rulebooks")
    books.locator("summary").click()
    with desk.expect_download() as waiting:
        books.locator("li[data-book='builtin@1']").get_by_role("link", name="下载").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8-sig"), newline="")))
    for row in rows:
        if row["code"] == "service_station_300":
            row["threshold_m"] = "800"
    edited = tmp_path / "city.csv"
    with edited.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    books.get_by_label("规则集代码").fill("builtin")
    books.locator("input[type=file]").set_input_files(edited)
    books.get_by_role("button", name="上传").click()
    expect(books.get_by_role("alert")).to_contain_text("不能是 builtin")
    books.get_by_label("规则集代码").fill("e2e")
    books.get_by_role("button", name="上传").click()
    expect(books.get_by_text("已上传为 e2e@1。")).to_be_visible()

    desk.get_by_role("treeitem").nth(1).click()  # a street
    expect(desk.locator(".rule-findings")).to_be_visible(timeout=SLOW_MS)
    desk.locator("select[name=rulebook]").select_option("e2e@1")
    desk.get_by_role("button", name="重新体检").click()
    choice = desk.locator("select[name=rule]")
    expect(choice.locator("option").first).to_contain_text("步行 800 米", timeout=JOB_MS)
    job = api(desk, "/api/jobs")["jobs"][0]
    assert (job["kind"], job["result"]["rulebook"]) == ("gaps", "e2e@1")
    by_rule = {rule["rule"]: rule for rule in job["result"]["rules"]}
    met = by_rule["service_station_300"]["demand_met"]
    expect(desk.locator(".rule-findings dd[data-verdict=met]")).to_contain_text(f"{met:,}")
    report = desk.get_by_role("link", name="网页版").get_attribute("href")
    assert report.endswith("rulebook=e2e%401")


def test_promises_with_their_day_and_place(desk: Page) -> None:
    desk.get_by_role("tab", name="生活圈").click()
    targets = desk.locator(".targets")
    targets.locator("> summary").click()
    told = {one["code"]: one for one in api(desk, f"/api/targets?within={DISTRICT}")["targets"]}
    station = targets.locator("[data-target=xl-station-100]")
    expect(station).to_have_attribute("data-state", told["xl-station-100"]["state"])
    expect(station).to_contain_text(f"{told['xl-station-100']['done']} / 100 个")
    expect(targets.locator("[data-target=xl-leifeng-3]")).to_contain_text("无数据")
    targets.get_by_label("在地图上显示").check()
    desk.wait_for_function("() => window.__map.queryRenderedFeatures({ layers: ['planner-steps-dot'] }).length > 10")
    assert axe_faults(desk) == []


def test_sites_are_chosen_and_proven(desk: Page, demo_url: str) -> None:
    """Two candidates picked on the map, street corners proposed, canteens by their rule: coverage before and after."""
    watch = Watch(desk, demo_url)
    desk.get_by_role("tab", name="选址").click()
    panel = desk.locator("#panel-site")
    panel.get_by_label("依据").select_option("canteen_500")
    expect(panel.get_by_label("步行距离（米）")).to_have_value("500")
    panel.get_by_label("建几处").fill("0")
    expect(panel.get_by_role("alert")).to_contain_text("1 到 1000")
    panel.get_by_label("建几处").fill("4")
    wait_for_map(desk)
    panel.get_by_role("button", name="在地图上点选").click()
    frame = desk.locator("canvas.maplibregl-canvas").first.bounding_box()
    assert frame is not None
    desk.wait_for_function("() => window.__map.getSource('planner-site-places')")
    desk.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    expect(panel.get_by_text("已有 1 处候选")).to_be_visible()
    panel.get_by_role("button", name="添加地图中心").click()
    expect(panel.get_by_text("已有 2 处候选")).to_be_visible()
    panel.locator("input[name=candidate_file]").set_input_files(
        {"name": "rooms.csv", "mimeType": "text/csv", "buffer": "name,lon\n空房,115\n".encode()}
    )
    expect(panel.get_by_role("alert")).to_contain_text("there is no column lat")
    assert axe_faults(desk) == []
    panel.get_by_role("button", name="开始选址").click()
    expect(panel.locator('[data-total="after"]')).to_be_visible(timeout=JOB_MS)

    job = api(desk, "/api/jobs")["jobs"][0]
    answer = api(desk, f"/api/sites/{job['id']}")
    assert (answer["rule"], answer["p"], len(answer["sites"])) == ("canteen_500", 4, 4)
    for name, value in (("before", answer["covered_before"]), ("objective", answer["objective"])):
        assert number_in(panel.locator(f'[data-total="{name}"]').inner_text().split("占")[0]) == value
    assert answer["covered_after"] == answer["covered_before"] + sum(site["gain"] for site in answer["sites"])
    assert answer["bound"] >= answer["objective"]
    expect(panel.locator(".site-table tbody tr")).to_have_count(4)
    label = panel.locator(".gain svg").get_attribute("aria-label")
    assert "4 处：" in label
    desk.wait_for_function("() => window.__map.queryRenderedFeatures({ layers: ['planner-sites-dot'] }).length > 3")
    assert {each["color"] for each in _drawn(desk, "planner-site-units-dot")} >= {"#1b7a43", "#b2182b"}
    assert axe_faults(desk) == []
    panel.get_by_role("button", name="返回设置").click()
    expect(panel.get_by_label("建几处")).to_have_value("4")
    assert [fault for fault in watch.faults if "400 (Bad Request)" not in fault] == []  # the file without latitudes
