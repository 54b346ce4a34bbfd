"""The public map as one file, made by its command from the running demo and opened without a network."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from data.settings import PROJECT
from tests.e2e.browsing import axe_faults
from tests.e2e.residents import PHONE, XIALU_CODE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def offline_map(demo, tmp_path_factory):
    """The file."""
    path = tmp_path_factory.mktemp("offline") / "map.html"
    environment = {**os.environ, "YIWANGTU_DATA_DIR": str(demo[1])}
    command = [sys.executable, "-m", "data.cli", "report", "public-map", "--within", XIALU_CODE, "-o", str(path)]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


def test_the_offline_map_finds_shows_and_asks_nobody(new_context, offline_map) -> None:
    page = new_context(offline=True, **PHONE).new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(offline_map.as_uri())
    shown = page.locator("#rows li:visible")
    whole = shown.count()
    assert page.locator("#count").text_content().startswith(f"找到 {whole} 处")
    page.get_by_label("查找").fill("xingfushitang")
    canteens = shown.count()
    assert 0 < canteens < whole
    assert all("幸福食堂" in text for text in shown.all_text_contents())
    page.get_by_label("正在开放").check()
    assert shown.count() <= canteens
    page.get_by_label("正在开放").uncheck()
    shown.first.get_by_role("button").click()
    expect(page.locator('.leaflet-overlay-pane path[stroke="#b3261e"]')).to_be_in_viewport()  # a ring around the place
    assert axe_faults(page) == []
    assert asked == [offline_map.as_uri()]
    assert wrong == []


def test_the_offline_map_is_a_list_without_script(new_context, offline_map) -> None:
    page = new_context(offline=True, java_script_enabled=False, **PHONE).new_page()
    page.goto(offline_map.as_uri())
    assert page.locator("#rows li").count() > 600
    assert page.get_by_label("查找").count() == 1
    assert not page.get_by_label("查找").is_visible()
