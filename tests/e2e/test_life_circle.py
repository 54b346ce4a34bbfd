"""A life-circle report in a browser without a network, and by keyboard."""

import importlib.util
from pathlib import Path

import pytest

from data.lifecircle.html import write_html
from tests.e2e.browsing import axe_faults

pytestmark = pytest.mark.browser
_SPEC = importlib.util.spec_from_file_location(
    "drawn_district", Path(__file__).parents[1] / "data/lifecircle/conftest.py"
)
drawn = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(drawn)


def test_a_report_opens_offline(new_context, owner_engine, tmp_path) -> None:
    """One map; a red building says its clause, metres, day and confidence; rules and cells are chosen by keyboard."""
    drawn.fill(owner_engine, tmp_path)
    path = tmp_path / "report.html"
    path.write_text(write_html(drawn.read(owner_engine)), "utf-8")
    page = new_context(offline=True).new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(path.as_uri())
    page.wait_for_selector("#map-choice[data-shown=dots0]")
    assert page.locator(".folium-map").count() == 1
    # 三号楼 stands at 114.022, 30.01 on a map of 114 to 114.04, 30 to 30.02
    page.locator(".frame").scroll_into_view_if_needed()
    frame = page.locator(".folium-map").bounding_box()
    spot = page.evaluate(
        "() => { const map = Object.values(window).find((one) => one instanceof L.Map);"
        " return map.latLngToContainerPoint([30.01, 114.022]); }"
    )
    page.mouse.move(frame["x"] + spot["x"] - 3, frame["y"] + spot["y"])
    page.mouse.move(frame["x"] + spot["x"], frame["y"] + spot["y"])
    page.wait_for_selector(".leaflet-tooltip")
    said = page.locator(".leaflet-tooltip").inner_text()
    for one in ("三号楼", "未达标", "实测步行 2,0", "依据 GB 50180", "数据日期", "可信度 中"):
        assert one in said
    page.locator("select[name=rule]").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#map-choice[data-shown=dots1]")
    page.locator("input[value=dots]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#map-choice[data-shown=cells1]")
    page.locator("input[name=promises]").press("Space")
    red = [one.text_content() for one in page.locator("td.red").all()]
    assert red
    assert all(not one.startswith("0 ") for one in red)
    assert page.locator(".card.is-red").count() == 2
    assert axe_faults(page) == []
    assert asked == [path.as_uri()]
    assert wrong == []
