"""Walking minutes on the residents' page: computed on the device, those of the server, and gone when the page is."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import SLOW_MS, Watch, api, wait_for_map
from tests.e2e.residents import XIALU_CODE, keys_of_rows, on_a_street, open_list

pytestmark = pytest.mark.browser
LISTED = f"?within={XIALU_CODE}"
ROUTE = "window.__map.getSource('yiwangtu-extra-route').serialize().data.features"
DELIVERS = "window.__map.queryRenderedFeatures({ layers: ['yiwangtu-extra-delivers'] })"


def _minutes(page: Page) -> list[int]:
    texts = page.locator(".row .distance").all_inner_texts()
    return [int(found.group(1)) for text in texts if (found := re.search(r"步行约 (\d+) 分钟", text))]


def _give_position(page: Page, demo_url: str, share: float = 0.5) -> tuple[float, float]:
    """Let the page locate its reader at a corner of the streets."""
    lon, lat = on_a_street(page, share)
    page.context.grant_permissions(["geolocation"], origin=demo_url)
    page.context.set_geolocation({"longitude": lon, "latitude": lat})
    return lon, lat


def test_near_me_works_with_the_network_cut_and_sends_the_position_nowhere(phone: Page, demo_url: str) -> None:
    watch = Watch(phone, demo_url)
    with phone.expect_response("**/api/public/walks*") as walks:
        open_list(phone, demo_url, LISTED)
    walks.value.finished()
    lon, lat = _give_position(phone, demo_url)
    phone.context.set_offline(True)
    before = len(watch.requests)
    phone.get_by_role("button", name="离我最近").click()
    expect(phone.locator(".row .distance").first).to_contain_text("步行约")
    minutes = _minutes(phone)
    assert len(minutes) > 20
    assert minutes == sorted(minutes)
    phone.locator(".row").nth(1).click()
    expect(phone.locator(".card .way")).to_contain_text("步行约")
    phone.get_by_text("怎么走").click()
    steps = phone.locator(".card .way li").all_inner_texts()
    assert re.fullmatch(r"向(东|南|西|北|东北|东南|西南|西北)走 [\d.]+ (米|公里)", steps[0])
    assert steps[-1] == f"到达{phone.locator('.card h2').inner_text()}"
    # Whatever the page asked for since: the code of the card alone, never a coordinate.
    harmless = ("/api/public/qr/", "/live", "/icon.svg")
    assert [one for one in watch.requests[before:] if not any(part in one for part in harmless)] == []
    assert [one for one in watch.requests if f"{lon:.3f}" in one or f"{lat:.3f}" in one] == []
    assert phone.evaluate("() => JSON.stringify([{ ...localStorage }, location.href])").find(f"{lon:.2f}") == -1


def test_the_device_and_the_server_measure_the_same_walks(phone: Page, demo_url: str) -> None:
    """The server walks from a community by `geo.walking` for readers without script, the page by its own search."""
    phone.goto(f"{demo_url}/healthz")
    communities = api(phone, f"/api/public/places?within={XIALU_CODE}")["communities"]
    snapped = 0
    for community in communities[::9]:
        path = f"{LISTED}&from={community['code']}&kind=station&kind=canteen"
        served = phone.request.get(f"{demo_url}/public/{path}").text()
        rows = re.findall(r'class="row"[^>]*href="/public/([^"?]+)|class="distance">([^<]*)<', served)
        keys, told = [key for key, _ in rows if key], [text for _, text in rows if text]
        open_list(phone, demo_url, path)
        expect(phone.locator(".row .distance").first).to_be_visible(timeout=SLOW_MS)
        shown = phone.locator(".row .distance").all_inner_texts()
        if not told:  # the community's middle is off the streets, for both
            assert all(text.startswith("直线") for text in shown)
            continue
        for place, text in enumerate(told):  # the list is put in order once its walks are known
            expect(phone.locator(".row .distance").nth(place)).to_have_text(text, timeout=SLOW_MS)
        # Two walks that differ by less than the centimetres that are sent may change places.
        assert set(keys[: len(told)]) == set(keys_of_rows(phone)[: len(told)])
        snapped += 1
    assert snapped > 1


def test_elders_walk_slower(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, LISTED)
    _give_position(phone, demo_url)
    phone.get_by_role("button", name="离我最近").click()
    expect(phone.locator(".row .distance").first).to_contain_text("步行约", timeout=SLOW_MS)
    adult = _minutes(phone)
    phone.get_by_role("button", name="老人步速").click()
    elder = _minutes(phone)
    assert all(slow >= fast for slow, fast in zip(elder, adult, strict=True))
    assert sum(elder) > 1.15 * sum(adult)  # 60 against 48 m a minute, rounded up


def test_the_way_is_drawn_and_told(page: Page, demo_url: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_list(page, demo_url, LISTED)
    lon, lat = _give_position(page, demo_url)
    wait_for_map(page)
    page.get_by_role("button", name="离我最近").click()
    page.get_by_role("button", name="幸福食堂").click()
    row = page.locator(".row").first
    expect(row.locator(".distance")).to_contain_text("步行约", timeout=SLOW_MS)
    row.click()
    page.wait_for_function(f"() => {ROUTE}.length > 0")
    drawn = page.evaluate(f"() => {ROUTE}[0].geometry.coordinates")
    assert drawn[0] == pytest.approx([lon, lat], abs=1e-9)
    assert not page.evaluate("() => window.__map.isMoving()")  # reduced motion: there at once
    bounds = page.evaluate("() => window.__map.getBounds().toArray().flat()")
    assert bounds[0] <= lon <= bounds[2]
    assert bounds[1] <= lat <= bounds[3]
    page.keyboard.press("Escape")
    page.wait_for_function(f"() => {ROUTE}.length === 0")


def test_where_a_canteen_delivers_is_drawn_and_named(page: Page, demo_url: str) -> None:
    open_list(page, demo_url, LISTED)
    places = api(page, f"/api/public/places?within={XIALU_CODE}&kind=canteen")
    names = {one["code"]: one["name"] for one in places["communities"]}
    canteen = next(one for one in places["places"] if one["delivers_to"])
    open_list(page, demo_url, f"canteen/{canteen['code']}")
    expect(page.locator(".card")).to_contain_text("、".join(names[code] for code in canteen["delivers_to"]))
    wait_for_map(page)
    page.wait_for_function(f"() => {DELIVERS}.length > 0")
    drawn = page.evaluate(f"() => {DELIVERS}.map(one => one.properties.code)")
    assert set(drawn) <= set(canteen["delivers_to"])


def test_a_start_off_the_streets_is_said(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, LISTED)
    phone.context.grant_permissions(["geolocation"], origin=demo_url)
    phone.context.set_geolocation({"longitude": 114.0, "latitude": 30.0})
    phone.get_by_role("button", name="离我最近").click()
    expect(phone.get_by_text("起点 50 米内没有道路")).to_be_visible(timeout=SLOW_MS)
    expect(phone.locator(".row .distance").first).to_contain_text("直线")


def test_refused_position_is_told_and_a_community_serves_instead(phone: Page, demo_url: str) -> None:
    open_list(phone, demo_url, LISTED)
    phone.context.clear_permissions()
    phone.get_by_role("button", name="离我最近").click()
    expect(phone.get_by_role("alert")).to_contain_text("可以改选一个社区")
    phone.get_by_label("从哪里走").select_option(index=3)
    expect(phone.locator(".row .distance").first).to_be_visible(timeout=SLOW_MS)
    expect(phone).to_have_url(re.compile(r"from=\d+"))
