"""Browser tests run against the real thing: `yiwangtu demo` as a process of its own, and Debian's Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from data.settings import PROJECT
from tests.e2e.browsing import SLOW_MS, sign_in

START_LIMIT_S = 300


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium with a software GPU; fail, not skip, where it is missing on CI."""
    executable = shutil.which("chromium")
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed; `make test` installs it")
        pytest.skip("chromium is not installed; `make test` installs it")
    arguments = [
        "--no-sandbox",
        "--enable-unsafe-swiftshader",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    return {**browser_type_launch_args, "executable_path": executable, "args": arguments}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A browser in China."""
    return {**browser_context_args, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


@pytest.fixture(scope="session")
def demo() -> Iterator[tuple[str, Path]]:
    """A running demo: its address and its data directory."""
    if not (PROJECT / "web" / "dist" / "public" / "index.html").exists():
        pytest.fail("the pages are not built; `make install` builds them")
    directory = Path(tempfile.mkdtemp(prefix="yiwangtu-e2e-"))
    directory.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "YIWANGTU_DATA_DIR": str(directory), "YIWANGTU_PORT": str(port)}
    log_path = directory / "demo.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "data.cli", "demo"], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, url, log_path)
        yield url, directory
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(directory)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log_path: Path) -> None:
    """Wait for the server's own word that it is ready; fail with its last words when it ends instead."""
    for _ in range(START_LIMIT_S * 2):
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            pass
        else:
            pytest.fail(f"the demo ended while starting: {log_path.read_text('utf-8')[-2000:]}")
        try:
            with urlopen(f"{url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            continue
    pytest.fail(f"the demo was not ready within {START_LIMIT_S} s: {log_path.read_text('utf-8')[-2000:]}")


@pytest.fixture(scope="session")
def demo_url(demo: tuple[str, Path]) -> str:
    """Address of the running demo."""
    return demo[0]


@pytest.fixture(scope="session")
def demo_passwords(demo: tuple[str, Path]) -> dict[str, str]:
    """Login -> generated password; "wall" -> the kiosk token."""
    lines = (demo[1] / "demo-passwords.txt").read_text("utf-8").splitlines()
    return dict(line.split() for line in lines)


@pytest.fixture
def desk(page: Page, demo_url: str, demo_passwords: dict[str, str]) -> Page:
    """The desk of a signed-in planner at 1440 x 900 with the first city's grids listed."""
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, f"{demo_url}/planner/", "planner", demo_passwords["planner"])
    expect(page.locator("#panel-grids tbody tr").first).to_be_visible(timeout=SLOW_MS)
    return page


@pytest.fixture
def other(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """A page of another browser, not signed in."""
    context = browser.new_context(**{**browser_context_args, "viewport": {"width": 1440, "height": 900}})
    yield context.new_page()
    context.close()
