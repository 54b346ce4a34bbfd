"""Browser tests run against the real thing: `yiwangtu demo` as a process of its own, and Debian's Chromium."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from data.settings import PROJECT
from tests.e2e.browsing import SLOW_MS, sign_in
from tests.e2e.demo_server import DemoServer
from tests.e2e.phones import corner_of_a_building, sign_in_here, stand
from tests.e2e.residents import PHONE

expect.set_options(timeout=SLOW_MS)  # what comes late on a busy machine has come


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
def demo_server() -> Iterator[DemoServer]:
    """The process that serves the demo; who kills it asks for `mortal_server` instead."""
    if not (Path(os.environ.get("YIWANGTU_WEB_DIR", PROJECT / "web" / "dist")) / "public" / "index.html").exists():
        pytest.fail("the pages are not built; `make install` builds them")
    directory = Path(tempfile.mkdtemp(prefix="yiwangtu-e2e-"))
    directory.chmod(0o711)
    server = DemoServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@pytest.fixture
def mortal_server(demo_server: DemoServer) -> Iterator[DemoServer]:
    """The same, running again when the test is over."""
    yield demo_server
    demo_server.ensure_running()


@pytest.fixture(scope="session")
def demo(demo_server: DemoServer) -> tuple[str, Path]:
    """A running demo: its address and its data directory."""
    return demo_server.url, demo_server.directory


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


@pytest.fixture
def phone(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A page on a resident's phone, not opened yet."""
    context = new_context(**PHONE, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def plain(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """The same where no script runs."""
    context = new_context(**PHONE, java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def signed_in_worker(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, demo_passwords: dict[str, str]
) -> tuple[Any, list[float]]:
    """What a browser keeps of the worker's session, and a place in the worker's grid."""
    context = browser.new_context(**browser_context_args)
    page = context.new_page()
    page.goto(f"{demo_url}/worker/")
    sign_in_here(page, "worker", demo_passwords["worker"])
    expect(page.get_by_role("heading", name="未办结事件")).to_be_visible(timeout=SLOW_MS)
    kept = context.storage_state(), corner_of_a_building(page)
    context.close()
    return kept


@pytest.fixture
def worker_phone(
    browser: Browser, browser_context_args: dict[str, Any], demo_url: str, signed_in_worker: tuple[Any, list[float]]
) -> Iterator[BrowserContext]:
    """A phone of 360 x 740 points in the worker's grid, signed in, that lets the page know its place."""
    state, at = signed_in_worker
    context = browser.new_context(
        **{**browser_context_args, "viewport": {"width": 360, "height": 740}},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        storage_state=state,
    )
    context.grant_permissions(["geolocation", "background-sync"], origin=demo_url)
    stand(context, at)
    yield context
    context.close()


@pytest.fixture
def worker(worker_phone: BrowserContext, demo_url: str) -> Page:
    """The page of the signed-in worker, who stands in the own grid."""
    page = worker_phone.new_page()
    page.goto(f"{demo_url}/worker/")
    expect(page.get_by_role("heading", name="未办结事件")).to_be_visible(timeout=SLOW_MS)
    return page
