"""What the tests of the grid worker's phone share: writing a report as a thumb does, asking the server what it has."""

import io
import re
from typing import Any
from uuid import uuid4

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect

from tests.e2e.browsing import SLOW_MS, api

ACCURACY_M = 12
MAKER = 0x010F
INCIDENT = re.compile(r"/api/incidents/[0-9a-f-]+$")
PHOTO = re.compile(r"/api/incidents/[0-9a-f-]+/photos/[0-9a-f-]+$")
CATEGORY = "暴露垃圾"


def new_words(about: str) -> str:
    """Words that no other run of the tests has used on this demo."""
    return f"{about}（测试 {uuid4().hex[:8]}）"


def noise(width: int, height: int) -> Image.Image:
    """A picture that no encoder makes small."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def photo(name: str = "camera.jpg", *, content: Image.Image | None = None) -> FilePayload:
    """A photo, of 3000 x 1500 pixels unless given, that names its camera in its EXIF."""
    image = content or Image.new("RGB", (3000, 1500), (90, 120, 90))
    exif = image.getexif()
    exif[MAKER] = "Camera of a person"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def grid_of(page: Page) -> str:
    """Code of the worker's own grid."""
    return str(api(page, "/api/session")["account"]["memberships"][0]["code"])


def corner_of_a_building(page: Page) -> list[float]:
    """A corner of a building of the worker's own grid."""
    point = api(page, f"/api/layers/unit/items?within={grid_of(page)}&limit=1")["features"][0]["geometry"][
        "coordinates"
    ]
    while isinstance(point[0], list):
        point = point[0]
    return list(point)


def until(page: Page, test: str) -> None:
    """Wait until an asynchronous function of the page says true."""
    page.evaluate(
        f"""async limit_ms => {{
          const test = {test};
          const end = performance.now() + limit_ms;
          while (!(await test())) {{
            if (performance.now() > end) throw new Error('never came true: ' + test);
            await new Promise(resolve => setTimeout(resolve, 100));
          }}
        }}""",
        SLOW_MS,
    )


def stand(phone: BrowserContext, at: list[float], accuracy_m: float = ACCURACY_M) -> None:
    """Put the phone somewhere."""
    phone.set_geolocation({"longitude": at[0], "latitude": at[1], "accuracy": accuracy_m})


def sign_in_here(page: Page, login: str, password: str) -> None:
    """Fill in the sign-in form of the page that is open."""
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


def open_form(page: Page) -> None:
    """Begin a report; the phone finds its place by itself."""
    page.get_by_role("navigation").get_by_role("button", name="上报").click()
    expect(page.get_by_text(f"误差约 {ACCURACY_M} 米")).to_be_visible()


def choose_category(page: Page, name: str = CATEGORY) -> None:
    """Choose a category by a word."""
    page.get_by_role("button", name="全部类别").click()
    page.get_by_label("搜索类别").fill(name)
    page.locator(".category-list button").first.click()


def add_photo(page: Page, name: str = "camera.jpg", *, expected: int = 1) -> None:
    """Take a photo."""
    page.locator("input[name=camera]").set_input_files(photo(name))
    expect(page.locator(".photo-list img")).to_have_count(expected)


def write(page: Page, words: str, *, photos: int = 0) -> None:
    """Write a whole report, not yet handed over."""
    open_form(page)
    choose_category(page)
    for number in range(photos):
        add_photo(page, expected=number + 1)
    page.get_by_label("说明").fill(words)


def hand_over(page: Page) -> Locator:
    """Hand the report over; gives its card."""
    page.get_by_role("button", name="提交").click()
    card = page.locator(".queue-item")
    expect(card).to_be_visible()
    return card


def open_queue(page: Page) -> None:
    """Look at the queue."""
    page.get_by_role("navigation").get_by_role("button", name="发件箱").click()
    expect(page.get_by_role("heading", name="发件箱")).to_be_visible()


def item_with(page: Page, words: str) -> Locator:
    """The card of the report with these words."""
    return page.locator(".queue-item", has_text=words)


def expect_standing(card: Locator, standing: str) -> None:
    """Wait until an item has come that far."""
    expect(card).to_have_attribute("data-standing", standing, timeout=SLOW_MS)


def incidents_with(page: Page, words: str) -> list[dict[str, Any]]:
    """What the server has of a report; any page of the account may ask."""
    found = api(page, f"/api/layers/incident/items?within={grid_of(page)}&limit=1000")["features"]
    return [one["properties"] for one in found if one["properties"].get("description") == words]


def photos_of(page: Page, incident: dict[str, Any]) -> list[dict[str, Any]]:
    """The photos that the server has of an incident."""
    return list(api(page, f"/api/incidents/{incident['id']}/photos")["photos"])


def wait_for_worker(page: Page) -> None:
    """Wait until the page can be opened without a network, and what it shows is on the device."""
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    open_form(page)
    expect(page.locator(".often button").first).to_be_visible()
    page.get_by_role("button", name="返回").click()
    expect(page.get_by_role("heading", name="附近设施")).to_be_visible()


def draft_of(page: Page) -> dict[str, Any]:
    """The newest draft on the device, with the bytes of its first photo."""
    found: dict[str, Any] = page.evaluate(
        """() => new Promise((resolve, reject) => {
          const opening = indexedDB.open('yiwangtu-worker');
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const read = opening.result.transaction(['item', 'photo']);
            const items = read.objectStore('item').getAll();
            const photos = read.objectStore('photo').getAll();
            read.oncomplete = async () => {
              opening.result.close();
              const draft = items.result.filter(one => one.state === 'draft').at(-1);
              const photo = photos.result.find(one => one.item === draft.id);
              const bytes = photo ? [...new Uint8Array(await photo.blob.arrayBuffer())] : [];
              resolve({ ...draft, bytes });
            };
          };
        })"""
    )
    return found
