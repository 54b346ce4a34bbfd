"""The public map as HTML that needs no script: the list, a card, what a grid's QR code opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from data.publicmap.places import KINDS, Book, Row
from data.publicmap.rows import Listed, listed, minutes_of
from layers.registry import get_layer

ASSETS = Path(__file__).parent / "assets"
PAGE_ROWS = 40
_KM_FROM_M = 995
TIERS = {
    "basic": "基础型", "standard": "标准型", "leading": "引领型",
    "district_center": "区康养中心", "regional_station": "区域性养老服务站", "home_point": "居家养老服务点",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What the address of a list says, checked."""

    within: str
    q: str = ""
    kinds: Sequence[str] = ()
    open: bool = False
    step_free: bool = False
    from_: str = ""
    pace: str = "adult"
    elder: bool = False
    page: int = 1

    def query(self, **changed: Any) -> list[tuple[str, str]]:
        """Write it as parameters, with changes; what is as usual is left out."""
        flags = (("open", self.open), ("step_free", self.step_free), ("elder", self.elder))
        pairs = [("within", self.within), ("q", self.q), *(("kind", kind) for kind in self.kinds)]
        pairs += [(name, "1") for name, is_set in flags if is_set]
        pairs += [("from", self.from_), ("pace", self.pace if self.pace != "adult" else "")]
        page = changed.get("page", self.page)
        return [(name, value) for name, value in (*pairs, ("page", str(page) if page > 1 else "")) if value]


def render_list(
    book: Book, asked: Asked, rows: Sequence[Listed], *, areas: Mapping[str, str], metres_a_minute: float, marks: str
) -> str:
    """Write a page of the list, with the form that asks for another one.

    Parameters
    ----------
    rows
        All that fit, in order.
    areas
        The cities by code.
    metres_a_minute
        Of the pace that is asked for.
    marks
        What must stand beside the map: 示意图 or its approval number.
    """
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    page = min(asked.page, pages)
    holiday = book.calendar.holiday(book.today)
    return _template("list.html").render(
        asked=asked,
        subtitle="驿站、食堂、养老、积分兑换、停车、垃圾投放",
        is_sample=book.district.is_sample,
        areas=list(areas.items()),
        kinds=[(kind, get_layer(kind).title) for kind in KINDS],
        origins=[(one["code"], one["name"]) for one in book.communities],
        total=len(rows),
        open_count=sum(row.state.is_open is True for row in rows),
        holiday=holiday and holiday.name,
        rows=[_row(row, asked, metres_a_minute) for row in rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]],
        page=page,
        pages=pages,
        earlier=asked.query(page=page - 1) if page > 1 else None,
        later=asked.query(page=page + 1) if page < pages else None,
        marks=marks,
    )


def render_card(book: Book, place: Row, now: datetime, *, address: str, marks: str) -> str:
    """Write all that is known of a place.

    Parameters
    ----------
    address
        Of the card, as people pass it on.
    """
    state = listed(book, place, now).state
    return _template("card.html").render(
        name=place["name"],
        is_sample=book.district.is_sample,
        state=state.text,
        tone=state.tone,
        sort=sort_of(place),
        facts=facts_of(book, place),
        phone=place["phone"],
        meals=[f"{meal['name']} {book.hours[meal['hours']]['words']}" for meal in place.get("meals", ())],
        services_title=services_title(place),
        services=[
            {"name": name, "bring": "、".join(item.get("bring", ())), "note": item.get("note")}
            for name in place["services"]
            for item in (book.services.get(name, {}),)
        ],
        back=f"/public/?within={quote(book.district.code)}",
        qr=f"/api/public/qr/{card_path(place)}.svg",
        address=address,
        marks=marks,
    )


def render_grid(
    book: Book, grid: Row, nearest: Sequence[Listed], *, metres_a_minute: float, address: str, marks: str
) -> str:
    """Write what a grid's QR code opens: where one is, what is near, whom to call; nothing of any person.

    Parameters
    ----------
    grid
        Its `code` and its `community`'s code.
    nearest
        The nearest place of some kinds.
    """
    community = next((one["name"] for one in book.communities if one["code"] == grid["community"]), grid["community"])
    own = (one for one in book.places if one["kind"] == "station" and one["community"] == grid["community"])
    return _template("grid.html").render(
        code=grid["code"],
        is_sample=book.district.is_sample,
        community=community,
        nearest=[{"title": get_layer(row.place["kind"]).title, **_row(row, None, metres_a_minute)} for row in nearest],
        phone=next((one["phone"] for one in own if one["phone"] and one["status"] == "open"), None),
        back=f"/public/?within={quote(book.district.code)}&from={quote(grid['community'])}",
        qr=f"/api/public/qr/grid/{quote(grid['code'], safe='')}.svg",
        report=f"/public/report?place={quote(grid['code'], safe='')}",
        address=address,
        marks=marks,
    )


def render_missing(title: str, said: str) -> str:
    """Write that there is nothing here."""
    return _template("missing.html").render(title=title, said=said)


def card_path(place: Row) -> str:
    """Write the part of an address that names a place."""
    return f"{place['kind']}/{quote(place['code'], safe='')}"


def _row(row: Listed, asked: Asked | None, metres_a_minute: float) -> dict[str, str]:
    """Write one line of a list."""
    place = row.place
    kept = "?elder=1" if asked is not None and asked.elder else ""
    more = (
        TIERS.get(place["tier"] or "") or get_layer(place["kind"]).title,
        place["address"] or place["community_name"],
    )
    return {
        "href": f"/public/{card_path(place)}{kept}",
        "name": place["name"],
        "far": _far(row, metres_a_minute),
        "state": row.state.text,
        "tone": row.state.tone,
        "more": " · ".join(part for part in more if part),
    }


def _far(row: Listed, metres_a_minute: float) -> str:
    """Say how far a place is: on foot where a way is known, else straight; nothing without an origin."""
    if row.walk_m is not None:
        return f"步行约 {minutes_of(row.walk_m, metres_a_minute)} 分钟"
    if row.straight_m is None:
        return ""
    is_far = row.straight_m >= _KM_FROM_M
    return f"直线 {row.straight_m / 1000:.1f} 公里" if is_far else f"直线 {round(row.straight_m, -1):.0f} 米"


def sort_of(place: Row) -> str:
    """Name a place's kind and tier."""
    return " · ".join(part for part in (get_layer(place["kind"]).title, TIERS.get(place["tier"] or "")) if part)


def services_title(place: Row) -> str:
    """Say what a place's service items are: of a shop that takes points what it gives for them."""
    return "积分可兑换" if place["kind"] == "exchange_point" else "服务事项"


def facts_of(book: Book, place: Row) -> list[tuple[str, str]]:
    """List what is known of a place, title and value."""
    layer = get_layer(place["kind"])
    said = book.hours.get(place["hours"] or "")
    names = {one["code"]: one["name"] for one in book.communities}
    step_free = {True: "是", False: "否", None: "未知"}[place["is_accessible"]]
    values = {
        "address": "，".join(part for part in (place["address"], place["community_name"]) if part),
        "hours": said["words"] if said else "未知",
        "price": f"{place['price']:g} 元" if place.get("price") is not None else "",
        "price_note": place.get("price_note") or "",
        "meals_per_day": f"{place['meals_per_day']:,} 份" if place.get("meals_per_day") else "",
        "capacity": f"{place['capacity']:,}" if place["capacity"] else "",
        "delivers_to": "、".join(names.get(code, code) for code in place.get("delivers_to", ())),
        "is_accessible": step_free,
        "code": place["code"],
    }
    fields = {name: field for name in values if (field := layer.field(name)) is not None}
    return [(fields[name].title, value) for name, value in values.items() if value and name in fields]


@lru_cache
def _template(name: str) -> jinja2.Template:
    """Load a page's template."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return made.get_template(name)
