"""The grid worker's page opened on a slow phone: without a network, and with one that never answers.

`python -m tests.benchmarks.bench_phone [--starts 7]` prints a table. A demo of its own is served; a phone of 360 x 740
points whose processor is slowed four times signs in once, and is then opened anew, each time in a page of its own. Time
runs from the navigation to the frame that has the navigation bar and the grid's own figures on it.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.demo_server import DemoServer
from tests.e2e.phones import corner_of_a_building, sign_in_here, stand, wait_for_worker

SLOWER = 4
LIMIT_MS = 60_000
WATCH = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('#phone-nav') || !document.querySelector('.phone-main dd')) return;
  observer.disconnect();
  requestAnimationFrame(() => { window.__started = performance.now(); });
}).observe(document, { childList: true, subtree: true });
"""


def phone(browser: Browser, server: DemoServer) -> BrowserContext:
    """A phone whose worker has signed in, with the page and what it shows on the device."""
    words = dict(line.split() for line in (server.directory / "demo-passwords.txt").read_text("utf-8").splitlines())
    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 360, "height": 740}, device_scale_factor=2,
        is_mobile=True, has_touch=True, permissions=["geolocation"],
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"{server.url}/worker/")
    sign_in_here(page, "worker", words["worker"])
    page.locator(".phone-main dd").first.wait_for(timeout=LIMIT_MS)
    stand(context, corner_of_a_building(page))
    page.reload()
    wait_for_worker(page)
    page.close()
    return context


def start(context: BrowserContext, server: DemoServer) -> float:
    """Open the page once; milliseconds until it can be used."""
    page: Page = context.new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH)
    page.goto(f"{server.url}/worker/", wait_until="commit")
    page.wait_for_function("() => window.__started", timeout=LIMIT_MS)
    found = float(page.evaluate("window.__started"))
    page.close()
    return found


def tell(how: str, taken_ms: list[float]) -> None:
    """Print a row of the table."""
    print(f"| {how} | {len(taken_ms)} | {statistics.median(taken_ms):,.0f} | {max(taken_ms):,.0f} |", flush=True)


def main() -> int:
    """Serve, sign in, open, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=7)
    starts: int = parser.parse_args().starts
    directory = Path(tempfile.mkdtemp(prefix="yiwangtu-phone-"))
    directory.chmod(0o711)
    server = DemoServer(directory)
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-unsafe-swiftshader"]
            )
            context = phone(browser, server)
            print("| opened | times | p50 ms | most ms |\n| --- | --: | --: | --: |")
            context.set_offline(True)
            tell("without a network", [start(context, server) for _ in range(starts)])
            context.set_offline(False)
            context.route("**/api/**", lambda _: None)  # taken and never answered
            tell("with a network that never answers", [start(context, server) for _ in range(starts)])
            context.unroute_all(behavior="ignoreErrors")
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
