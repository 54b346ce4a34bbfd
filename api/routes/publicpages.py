"""The public map as pages that need no script, and QR codes; the built page's script takes over where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from api.context import Context, ContextDep
from api.errors import MissingError
from api.problems import problems
from api.query import FREE
from api.routes.public import Kind
from api.services.shell import TITLE, fill_shell
from api.settings import Settings
from data.publicmap.pages import Asked, card_path, render_card, render_grid, render_list, render_missing
from data.publicmap.places import KINDS, Book, District, Row
from data.publicmap.qr import qr_svg
from data.publicmap.rows import Choice, Listed, choose, listed
from layers.basemap import public_base_map

router = APIRouter(tags=["public"])
LONGEST = 200
MOST_PAGES = 10_000
NEAREST = ("station", "canteen")
SVG = "image/svg+xml"
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"description": "The QR code", "content": {SVG: {}}}}


@dataclass(frozen=True)
class Page:
    """A rendered page, and what the script begins with.

    Attributes
    ----------
    within
        The district whose places come along; "" for none, and then the page stays as the server wrote it.
    card
        The place that is shown, `kind/code`.
    """

    body: str
    within: str = ""
    card: str | None = None
    title: str = TITLE
    is_elder: bool = False
    status: int = 200


@router.get("/public/", response_class=HTMLResponse, include_in_schema=False, openapi_extra={FREE: True})
async def public_list(request: Request, context: ContextDep) -> Response:
    """The list of places as a page, by `within`, `q`, `kind`, `open`, `step_free`, `from`, `pace`, `elder`, `page`.

    What an address says beside these, or says wrongly, is passed over: links come back from messengers with more on
    them. Anyone may call; `from` is a community or a public place, never a position.
    """
    cities = {one["code"]: one["name"] for one in await context.public_map.cities(request.receive)}
    if not cities:
        return await _respond(request, context, Page(render_missing("便民地图", "还没有数据。")))
    asked, district = await _read(request, context, next(iter(cities)))
    book = await context.public_map.book(district, request.receive)
    choice = Choice(district.own, asked.q, asked.kinds, asked.open, asked.step_free)
    start = next((one for one in book.communities if one["code"] == asked.from_), book.by_key.get(asked.from_))
    if start is not None:
        origin = (start["lon"], start["lat"])
        walks = await context.public_map.walks(district, request.receive)
        choice = replace(choice, walks_m=await run_in_threadpool(walks.metres_from, *origin), origin=origin)
    rows = choose(book, choice, context.public_map.now())
    body = render_list(
        book, asked, rows,
        areas=cities,
        metres_a_minute=context.settings.paces[asked.pace].metres_a_minute,
        marks=_marks(context.settings, book),
    )  # fmt: skip
    return await _respond(request, context, Page(body, asked.within, is_elder=asked.elder))


@router.get(
    "/public/grid/{code:path}", response_class=HTMLResponse, include_in_schema=False, openapi_extra={FREE: True}
)
async def public_grid(request: Request, context: ContextDep, code: str) -> Response:
    """What a grid's QR code opens: its community, the nearest station and canteen, a telephone number. For anyone."""
    try:
        grid = await context.public_map.grid(code, request.receive)
    except MissingError:
        return await _missing(request, context, "没有这个网格", "网格编码可能已经停用，请向社区核实。")
    district = await context.public_map.district(grid["community"], request.receive)
    book = await context.public_map.book(district, request.receive)
    walks = await context.public_map.walks(district, request.receive)
    walks_m = await run_in_threadpool(walks.metres_from, grid["lon"], grid["lat"])
    nearest = _nearest(book, walks_m, context.public_map.now())
    body = render_grid(
        book, dict(grid), nearest,
        metres_a_minute=context.settings.paces["adult"].metres_a_minute,
        address=_address(request, context.settings, f"grid/{_quoted(code)}"),
        marks=_marks(context.settings, book),
    )  # fmt: skip
    return await _respond(request, context, Page(body, title=f"网格 {code} · {TITLE}"))


@router.get(
    "/public/{kind}/{code:path}", response_class=HTMLResponse, include_in_schema=False, openapi_extra={FREE: True}
)
async def public_card(request: Request, context: ContextDep, kind: str, code: str) -> Response:
    """All that is known of a place, as a page. Anyone may call."""
    found = await _find(request, context, kind, code)
    if found is None:
        return await _missing(request, context, "没有这个地点", "它可能已经停用，或者网址不完整。")
    book, place = found
    path = card_path(place)
    body = render_card(
        book, place, context.public_map.now(), address=_address(request, context.settings, path),
        marks=_marks(context.settings, book),
    )  # fmt: skip
    is_elder = request.query_params.get("elder") == "1"
    title = f"{place['name']} · {TITLE}"
    return await _respond(
        request, context, Page(body, book.district.code, f"{place['kind']}/{place['code']}", title, is_elder)
    )


@router.get(
    "/api/public/qr/grid/{code:path}.svg", response_class=Response, responses={**problems("not_found"), **_PICTURE}
)
async def grid_qr(request: Request, context: ContextDep, code: str) -> Response:
    """The QR code of a grid's page. Anyone may call."""
    grid = await context.public_map.grid(code, request.receive)
    address = _address(request, context.settings, f"grid/{_quoted(grid['code'])}")
    return _picture(address, f"网格 {grid['code']}")


@router.get(
    "/api/public/qr/{kind}/{code:path}.svg", response_class=Response, responses={**problems("not_found"), **_PICTURE}
)
async def place_qr(request: Request, context: ContextDep, kind: Kind, code: str) -> Response:
    """The QR code of a place's page. Anyone may call."""
    found = await _find(request, context, kind, code)
    if found is None:
        raise MissingError(f"there is no {kind} with the code {code!r}")
    return _picture(_address(request, context.settings, card_path(found[1])), found[1]["name"])


async def _read(request: Request, context: Context, first_city: str) -> tuple[Asked, District]:
    """Read what the list's address asks for; what cannot be used is passed over."""
    given = request.query_params
    try:
        district = await context.public_map.district(given.get("within", "")[:LONGEST], request.receive)
        within = given["within"]
    except MissingError:
        within = first_city
        district = await context.public_map.district(within, request.receive)
    page = given.get("page", "1")
    asked = Asked(
        within=within,
        q=given.get("q", "")[:LONGEST],
        kinds=tuple(kind for kind in KINDS if kind in given.getlist("kind")),
        open=given.get("open") == "1",
        step_free=given.get("step_free") == "1",
        from_=given.get("from", "")[:LONGEST],
        pace="elder" if given.get("pace") == "elder" else "adult",
        elder=given.get("elder") == "1",
        page=min(max(int(page), 1), MOST_PAGES) if page.isdecimal() and len(page) < 9 else 1,
    )
    return asked, district


async def _find(request: Request, context: Context, kind: str, code: str) -> tuple[Book, Row] | None:
    """Find a place and the book that it is in."""
    if kind not in KINDS:
        return None
    try:
        district = await context.public_map.place_district(kind, code, request.receive)
    except MissingError:
        return None
    book = await context.public_map.book(district, request.receive)
    place = book.by_key.get(f"{kind}/{code}")
    return None if place is None else (book, place)


async def _missing(request: Request, context: Context, title: str, said: str) -> Response:
    """Answer that there is nothing here, as a page."""
    return await _respond(request, context, Page(render_missing(title, said), title=f"{title} · {TITLE}", status=404))


async def _respond(request: Request, context: Context, page: Page) -> Response:
    """Answer a page with the data that its script begins with."""
    first = {}
    if page.within:
        cities = await context.public_map.cities(request.receive)
        district = await context.public_map.district(page.within, request.receive)
        answer = await context.public_map.places_answer(district.code, KINDS, request.receive)
        first = {
            "within": orjson.dumps(district.code), "areas": orjson.dumps([dict(one) for one in cities]),
            "places": answer.raw, "card": orjson.dumps(page.card),
        }  # fmt: skip
    html = await run_in_threadpool(
        fill_shell, context.settings, page.body, title=page.title, is_elder=page.is_elder, first=first
    )
    return HTMLResponse(html, page.status, {"cache-control": "no-cache"})


def _nearest(book: Book, walks_m: Mapping[str, float], now: datetime) -> list[Listed]:
    """Give the nearest open place of some kinds, as far as a way to one is known."""
    found = []
    for kind in NEAREST:
        rows = [
            listed(book, one, now, walks_m)
            for one in book.inside(book.district.path, [kind])
            if one["status"] == "open"
        ]
        near = [(row.walk_m, row.key, row) for row in rows if row.walk_m is not None]
        if near:
            found.append(min(near)[2])
    return found


def _address(request: Request, settings: Settings, path: str) -> str:
    """Write the address of a page as residents open it."""
    scheme = "https" if settings.is_behind_https else request.url.scheme
    origin = settings.public_url.rstrip("/") or f"{scheme}://{request.url.netloc}"
    return f"{origin}/public/{path}"


def _quoted(code: str) -> str:
    """Write a code as a part of an address."""
    return quote(code, safe="")


def _marks(settings: Settings, book: Book) -> str:
    """Write what must stand beside the map."""
    return "；".join([*public_base_map().marks(settings.map_approval), *book.sources])


def _picture(address: str, title: str) -> Response:
    """Answer a QR code."""
    return Response(qr_svg(address, title), media_type=SVG, headers={"cache-control": "no-cache"})
