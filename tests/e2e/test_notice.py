"""A notice in a browser without a network."""

import importlib.util
from pathlib import Path

import pytest

from data.notice.html import write_html

pytestmark = pytest.mark.browser
_SPEC = importlib.util.spec_from_file_location("drawn_notice", Path(__file__).parents[1] / "data/notice/conftest.py")
drawn = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(drawn)


def test_a_notice_opens_offline(new_context, tmp_path) -> None:
    """Three maps, every grid named, no request but the file's own, no script error, no script of a name run."""
    path = tmp_path / "notice.html"
    path.write_text(write_html(drawn.make_notice()), "utf-8")
    page = new_context(offline=True).new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(path.as_uri())
    page.wait_for_selector(".leaflet-interactive", state="attached")
    assert page.locator(".folium-map").count() == 3
    before = page.locator(".folium-map").nth(0)
    assert {one.text_content() for one in before.locator(".grid-label").all()} == {"A500户", "二网格300户"}
    before.locator(".leaflet-interactive").first.hover(force=True)
    page.wait_for_selector(".leaflet-tooltip")
    assert "东风社区" in page.locator(".leaflet-tooltip").first.text_content()
    assert page.locator(".scroll tbody tr").count() == 4
    assert asked == [path.as_uri()]
    assert wrong == []
