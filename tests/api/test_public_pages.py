"""The public map as pages that need no script, its shell, and QR codes."""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.main import create_app
from api.services.publicmap import PublicMap
from api.settings import Settings
from data.engine import Database

SHELL = '<!doctype html>\n<html lang="zh-CN">\n<head><title>t</title></head>\n<body><div id="app"></div></body></html>'
MONDAY_NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
NASTY = '<script>alert(1)</script></script><!--"'
CHANGES = {
    "station": "phone = '0714-000-1001'",
    "canteen": "price = 12, price_note = '60 岁以上 8 折', meals = '{\"lunch\": \"Mo-Su 11:00-13:00\"}', "
    "delivers_to = '{D1S1C2}', phone = '0714-000-2001', geom = ST_SetSRID(ST_MakePoint(115.004, 30.2051), 4326)",
    "elder_care": "hours = 'Mo-Su 18:00-20:00', is_accessible = true",
    "refuse_point": "status = 'planned', opens_on = '2027-03-01'",
}
MORE_STATIONS = (
    "INSERT INTO facility (kind, code, name, area_id, geom, path) SELECT kind, 'N' || n, '驿站' || n, area_id, geom, "
    "path FROM facility, generate_series(1, 85) n WHERE code = 'D2S1C1-station'"
)
ROW = r'<a class="row" href="(.*?)">.*?<strong>(.*?)</strong>.*?<span class="row-state.*?">(.*?)</span>'
DISTANCE = r'class="distance">(.*?)<'
ALL = ["station", "canteen", "elder_care", "exchange_point", "parking", "refuse_point"]
Get = Callable[..., str]


@pytest.fixture(scope="module")
def page(owner_engine: Engine, database: Database, tmp_path_factory, request) -> Iterator[Get]:
    """Ask for a page on Monday 23 November 2026 at noon; gives its text. D2 has 85 more stations."""
    conftest = request.config.pluginmanager.get_plugin(str(Path(__file__).parent / "conftest.py"))
    conftest.draw_town(owner_engine)
    with owner_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE facility SET name = %s WHERE code = 'D1S1C1-parking'", (NASTY,))
        for kind, values in CHANGES.items():
            connection.exec_driver_sql(f"UPDATE facility SET {values} WHERE kind = '{kind}'")
        connection.exec_driver_sql(MORE_STATIONS)
    web = tmp_path_factory.mktemp("web")
    (web / "public").mkdir()
    (web / "public" / "index.html").write_text(SHELL)
    settings = Settings(data_dir=web, web_dir=web, _env_file=None)
    app = create_app(settings, database)
    context = app.state.context
    public_map = PublicMap(context.reader, context.revisions, settings, lambda: MONDAY_NOON)
    app.state.context = replace(context, public_map=public_map)
    client = TestClient(app, base_url="http://localhost")

    def get(address: str, status: int = 200) -> str:
        answer = client.get(address)
        assert answer.status_code == status, answer.text
        assert "set-cookie" not in answer.headers
        return answer.text

    get.client = client
    yield get
    context.reader.close()
    context.engine.dispose()
    context.background.dispose()


def rows(text: str) -> list[tuple[str, str, str]]:
    """Read the list: address, name, state."""
    found = re.findall(ROW, text)
    return [(href, html.unescape(name), state) for href, name, state in found]


def test_the_list_by_kind_and_state(page: Get) -> None:
    """Station, canteen, shop and parking are open until 20:00, elder care from 18:00, the refuse point next March."""
    text = page("/public/?within=D1")
    assert rows(text) == [
        ("/public/station/D1S1C1-station", "社区D1S11驿站", "正在开放，至 20:00"),
        ("/public/canteen/D1S1C1-canteen", "社区D1S11食堂", "正在开放，至 20:00"),
        ("/public/elder_care/D1S1C1-elder_care", "社区D1S11养老点", "未开放，18:00 开放"),
        ("/public/exchange_point/D1S1C1-exchange_point", "社区D1S11兑换点", "正在开放，至 20:00"),
        ("/public/parking/D1S1C1-parking", NASTY, "正在开放，至 20:00"),
        ("/public/refuse_point/D1S1C1-refuse_point", "社区D1S11投放点", "筹建中，2027年3月1日启用"),
    ]  # fmt: skip
    assert "找到 6 处，正在开放 4 处" in text
    assert "示意图" in text
    assert "示例数据" in text


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("q=shitang", ["canteen"]),
        ("q=zcyx", []),
        ("q=zczx&kind=station&kind=parking", ["station", "parking"]),
        ("open=1&kind=elder_care&kind=canteen", ["canteen"]),
        ("step_free=1", ["elder_care"]),
        ("within=D1S2", []),
        ("kind=bank&from=singlemessage&utm=x&page=-7&pace=quick", ALL),
    ],
)
def test_what_narrows_the_list_and_what_is_passed_over(page: Get, query: str, codes: list[str]) -> None:
    within = "" if "within" in query else "within=D1&"
    assert [href.rpartition("-")[2] for href, _, _ in rows(page(f"/public/?{within}{query}"))] == codes


def test_walks_from_a_named_place(page: Get) -> None:
    """The road runs along 30.205; the canteen stands 11 m north of it at 115.004, C1's middle (115.005, 30.205) on it.

    96 m along the road and 11 m beside it are 107 m: 2 minutes at 60 m a minute, 3 at 48. The others are off the
    streets, 111 m north of it and 193, 240, 289, 337 and 433 m west of the middle.
    """
    straight = [f"直线 {metres} 米" for metres in (220, 270, 310, 350, 450)]
    for pace, minutes in (("", 2), ("&pace=elder", 3)):
        text = page(f"/public/?within=D1&from=D1S1C1{pace}")
        assert rows(text)[0][1] == "社区D1S11食堂"
        assert re.findall(DISTANCE, text) == [f"步行约 {minutes} 分钟", *straight]
    from_itself = page("/public/?within=D1&from=canteen/D1S1C1-canteen")
    assert re.findall(DISTANCE, from_itself)[0] == "步行约 1 分钟"
    assert "distance" not in page("/public/?within=D1&from=115.0,30.2")


def test_what_points_buy_is_no_service(page: Get) -> None:
    assert "<dt>积分可兑换</dt>" in page("/public/exchange_point/D1S1C1-exchange_point")
    assert "<dt>服务事项</dt>" in page("/public/station/D1S1C1-station")


def test_pages_of_forty(page: Get) -> None:
    text = page("/public/?within=D2&kind=station&elder=1&page=2")
    assert len(rows(text)) == 40
    links = dict(re.findall(r'rel="(prev|next)" href="(.*?)"', text))
    asked = {name: dict(parse_qsl(urlsplit(html.unescape(link)).query)) for name, link in links.items()}
    kept = {"within": "D2", "kind": "station", "elder": "1"}
    assert asked == {"prev": kept, "next": {**kept, "page": "3"}}
    assert len(rows(page(html.unescape(links["next"])))) == 86 - 80
    assert all(href.endswith("?elder=1") for href, _, _ in rows(text))
    assert '<html lang="zh-CN" class="elder">' in text


def test_the_script_finds_its_first_data_and_nothing_breaks_out(page: Get) -> None:
    text = page("/public/?within=D1S1C1")
    [data] = re.findall(r'<script type="application/json" id="first">(.*?)</script>', text, re.DOTALL)
    first = json.loads(data)
    assert list(first) == ["within", "areas", "places", "card"]
    assert (first["within"], first["card"]) == ("D1", None)
    assert first["areas"] == page.client.get("/api/areas").json()["areas"]
    assert first["places"] == page.client.get("/api/public/places?within=D1").json()
    assert NASTY in {one["name"] for one in first["places"]["places"]}
    assert "<script>alert" not in text


def test_a_card(page: Get) -> None:
    text = page("/public/canteen/D1S1C1-canteen")
    facts = {title: html.unescape(value) for title, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text)}
    assert "<title>社区D1S11食堂 · 便民地图 · 一网图</title>" in text
    assert facts["开放时间"] == "每天 08:00–20:00"
    assert facts["供餐时间"] == '<ul class="meals"><li>午餐 每天 11:00–13:00</li></ul>'
    assert (facts["每餐价格"], facts["优惠"], facts["座位"]) == ("12 元", "60 岁以上 8 折", "40")
    assert (facts["送餐社区"], facts["无障碍"]) == ("社区D1S12", "未知")
    assert 'href="tel:0714-000-2001"' in text
    assert '<img src="/api/public/qr/canteen/D1S1C1-canteen.svg"' in text
    assert "http://localhost/public/canteen/D1S1C1-canteen" in text
    assert json.loads(re.findall(r'id="first">(.*?)</script>', text, re.DOTALL)[0])["card"] == "canteen/D1S1C1-canteen"


def test_the_page_of_a_grid(page: Get) -> None:
    """G1's middle is 115.0025: 144 m along the road, 11 m beside it, 3 minutes; no station is on a street."""
    text = page("/public/grid/D1S1C1G1")
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text))
    assert facts == {
        "所属社区": "社区D1S11",
        "最近的幸福食堂": '<a href="/public/canteen/D1S1C1-canteen">社区D1S11食堂</a>，'
        "步行约 3 分钟，正在开放，至 20:00",
        "社区驿站电话": '<a class="phone" href="tel:0714-000-1001">0714-000-1001</a>',
    }
    assert "600" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)  # its households


@pytest.mark.parametrize(
    "path", ["station/none", "station/D1S1C1-canteen", "bank/1", "grid/none", "grid/D1S1C1G9", "station/%3Cb%3E"]
)
def test_what_is_not_there_is_a_page_that_says_so(page: Get, path: str) -> None:
    text = page(f"/public/{path}", 404)
    assert "返回便民地图" in text
    assert "<b>" not in text


def test_qr_codes_open_the_page_that_they_name(page: Get) -> None:
    for name in ("station/D1S1C1-station", "grid/D1S1C1G1"):
        answer = page.client.get(f"/api/public/qr/{name}.svg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert answer.text.startswith("<?xml")
    assert page.client.get("/api/public/qr/station/none.svg").json()["code"] == "not_found"
    assert page.client.get("/api/public/qr/grid/none.svg").json()["code"] == "not_found"
