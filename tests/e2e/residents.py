"""What the tests of the residents' page share: opening it, a place on a street, and measuring what is shown."""

from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, expect

from tests.e2e.browsing import SLOW_MS, api, axe_faults

XIALU = "下陆区"
XIALU_CODE = "420204"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}

_MEASURE = Path(__file__).with_suffix(".js").read_text("utf-8")


class Place(NamedTuple):
    """Somewhere on earth."""

    longitude: float
    latitude: float


def open_list(page: Page, demo_url: str, path: str = "") -> None:
    """Open the page and wait until its list or card is the script's own."""
    page.goto(f"{demo_url}/public/{path}")
    expect(page.locator(".row, .card").first).to_be_visible(timeout=SLOW_MS)
    expect(page.locator(".language-switch")).to_be_visible(timeout=SLOW_MS)


def on_a_street(page: Page, share: float = 0.5) -> Place:
    """A corner of the streets of 下陆区, that far through the list of corners."""
    walks = api(page, f"/api/public/walks?within={XIALU_CODE}")
    lon, lat = (list(accumulate(walks["nodes"][first::2])) for first in (0, 1))
    at = int(share * len(lon))
    return Place(lon[at] / 1e6, lat[at] / 1e6)


class Measured(NamedTuple):
    """The weakest of what is in sight, each with what it says; the map's small print is left out."""

    text_px: tuple[float, str]
    contrast: tuple[float, str]
    target_px: tuple[float, str]


def measure(page: Page) -> Measured:
    """Measure texts and targets as they are rendered."""
    found = page.evaluate(_MEASURE)
    return Measured(
        min((one["px"], one["text"]) for one in found["texts"]),
        min((one["contrast"], one["text"]) for one in found["texts"]),
        min((one["px"], one["name"]) for one in found["targets"]),
    )


def check_on_phone(page: Page) -> None:
    """What holds of every page on a phone: large targets, strong contrast, nothing sideways, no fault axe finds."""
    measured = measure(page)
    assert measured.target_px >= (43.5, "")
    assert measured.contrast >= (4.5, "")
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe_faults(page) == []


def keys_of_rows(page: Page) -> list[str]:
    """ "kind/CODE" of every row that is shown."""
    found: Any = page.locator(".row").evaluate_all("rows => rows.map(row => new URL(row.href).pathname)")
    return [path.removeprefix("/public/") for path in found]
