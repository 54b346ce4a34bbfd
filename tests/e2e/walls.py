"""What the tests of the wall share."""

from playwright.sync_api import Page, expect

from tests.e2e.browsing import SLOW_MS, api

SPOT_COUNT = "() => (window.__spots ?? []).length"
SPOT_CODES = "(window.__spots ?? []).map(one => one.code)"


def open_wall(page: Page, demo_url: str, token: str, query: str = "?dwell=600") -> None:
    """Open the wall as a kiosk does, and wait for its areas."""
    page.goto(f"{demo_url}/screen/{query}#token={token}")
    expect(page.locator(".areas tbody tr").first).to_be_visible(timeout=SLOW_MS)


def city_code(page: Page) -> str:
    """The code of the city in view."""
    name = page.locator(".trail h1").inner_text()
    return str(next(area["code"] for area in api(page, "/api/areas")["areas"] if area["name"] == name))
