"""Whose an incident is: found from place and category by versioned rules, stored with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from data.catalogue.categories import spellings

DESK = "区指挥中心"  # where no rules are loaded
_PLACE = text(
    "SELECT l.path::text AS path, l.area_id, l.grid_codes, l.outside_m "
    "FROM locate(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at) l"
)
_CODE = text("SELECT code FROM area WHERE path = CAST(:path AS ltree)")
_KNOWN = text("SELECT name, level, path::text AS path, area_id, grid_code, lon, lat, reach_m FROM known_place(:code)")
# the rules that fit, of the newest version: the finest category first, then the finest area
_RULES = text(
    "SELECT r.version, r.category, r.area_code, r.body FROM routing_rule r LEFT JOIN area a ON a.code = r.area_code "
    "WHERE r.version = (SELECT max(version) FROM routing_book) "
    "AND (r.category = ANY (:codes) OR r.category IN (:parent, '')) "
    "AND (r.area_code = '' OR a.path @> CAST(:path AS ltree)) "
    "ORDER BY r.category = ANY (:codes) DESC, r.category <> '' DESC, nlevel(a.path) DESC NULLS LAST"
)
_KEEP = text(
    "INSERT INTO incident_route (incident_id, seq, at, version, basis, body, path, grid_code, tied, outside_m, words, "
    "  words_en) VALUES (:incident_id, 1, :at, :version, :basis, :body, CAST(:path AS ltree), :grid_code, :tied, "
    "  :outside_m, :words, :words_en)"
)


@dataclass(frozen=True)
class Known:
    """All that is known of a place: that it lies somewhere in a grid or an area.

    Attributes
    ----------
    name, path, area_id, grid_code
        Of the grid or area; no grid of an area.
    level
        Of the area; `grid` of a grid.
    lon, lat
        Its middle.
    reach_m
        How far from there its edge is at most.
    """

    name: str
    level: str
    path: str
    area_id: int
    grid_code: str | None
    lon: float
    lat: float
    reach_m: float


@dataclass(frozen=True)
class Place:
    """Where an incident lies, as far as routing asks."""

    path: str
    area_id: int | None
    grid_codes: tuple[str, ...]
    outside_m: float | None
    within: str = ""


@dataclass(frozen=True)
class Kind:
    """What decides of a category: its codes, its name, and the department that it names itself."""

    code: str
    parent: str | None
    name: str
    department: str | None


@dataclass(frozen=True)
class Route:
    """Where an incident lies and who handles it.

    Attributes
    ----------
    path, area_id, grid_code
        Of the place; no grid where none holds the point.
    tied
        All grids that hold the point, where it lies on a shared border; the lowest code has it.
    outside_m
        How far it lies outside every district; None inside.
    version
        Of the rules; None where none are loaded.
    basis
        `rule`, `category` (the department that the category names), or `fallback`.
    words, words_en
        Why, in a sentence.
    """

    path: str
    area_id: int | None
    grid_code: str | None
    tied: tuple[str, ...]
    outside_m: float | None
    version: int | None
    basis: str
    body: str
    words: str
    words_en: str


def known_place(connection: Connection, code: str) -> Known | None:
    """Find the grid in force or the area that has a code; None if there is none."""
    row = connection.execute(_KNOWN, {"code": code}).one()
    return None if row.path is None else Known(**row._mapping)


def known_around(connection: Connection, *, lon: float, lat: float, at: datetime) -> Known | None:
    """Find the grid, else the area, that a point lies in at a time: for a place that must stay coarse."""
    place = _place(connection, lon, lat, at)
    code = place.grid_codes[0] if place.grid_codes else code_of(connection, place.path)
    return known_place(connection, code) if code else None


def code_of(connection: Connection, path: str) -> str | None:
    """Give the code of the area with a path; None if there is none."""
    code: str | None = connection.execute(_CODE, {"path": path}).scalar()
    return code


def route(
    connection: Connection, kind: Kind, *, lon: float, lat: float, at: datetime, known: Known | None = None
) -> Route:
    """Decide whose a point is at a time; every point is somebody's.

    Outside every grid it is the desk's that takes what nobody else does, and outside every area the nearest district's.
    With `known`, the point is only the middle of that grid or area, and says nothing finer.
    """
    if known is None:
        place = _place(connection, lon, lat, at)
    else:
        codes = (known.grid_code,) if known.grid_code else ()
        place = Place(known.path, known.area_id, codes, None, known.name)
    return decide(place, kind, find_rules(connection, kind, place.path))


def find_rules(connection: Connection, kind: Kind, path: str) -> Sequence[Row[Any]]:
    """Find the rules that fit a category in a place, the finest first."""
    values = {"codes": list(spellings(kind.code)), "parent": kind.parent or kind.code, "path": path}
    return connection.execute(_RULES, values).all()


def decide(place: Place, kind: Kind, rules: Sequence[Row[Any]]) -> Route:
    """Decide by the rules that fit."""
    basis, body = _body(kind, rules, has_grid=bool(place.grid_codes))
    version = rules[0].version if rules else None
    words, words_en = _words(place, kind, basis, body, version)
    codes = place.grid_codes
    return Route(
        path=place.path, area_id=place.area_id, grid_code=codes[0] if codes else None,
        tied=codes if len(codes) > 1 else (), outside_m=place.outside_m, version=version, basis=basis, body=body,
        words=words, words_en=words_en,
    )  # fmt: skip


def keep(connection: Connection, incident_id: UUID, found: Route, at: datetime) -> None:
    """Store a decision with its incident."""
    values = {**vars(found), "tied": list(found.tied)}
    connection.execute(_KEEP, {**values, "incident_id": incident_id, "at": at})


def _place(connection: Connection, lon: float, lat: float, at: datetime) -> Place:
    """Find where a point lies."""
    row = connection.execute(_PLACE, {"lon": lon, "lat": lat, "at": at}).one()
    return Place(row.path, row.area_id, tuple(row.grid_codes), row.outside_m)


def _body(kind: Kind, rules: Sequence[Row[Any]], *, has_grid: bool) -> tuple[str, str]:
    """Choose among the rules that fit, the finest first."""
    named = next((rule.body for rule in rules if rule.category), None)
    desk = next((rule.body for rule in rules if not rule.category), DESK)
    if not has_grid:
        return "fallback", desk
    if named is not None:
        return "rule", named
    return ("category", kind.department) if kind.department else ("fallback", desk)


def _words(place: Place, kind: Kind, basis: str, body: str, version: int | None) -> tuple[str, str]:
    """Say where it lies and why it is whose it is."""
    codes = place.grid_codes
    if place.outside_m is not None:
        where = f"位置在所有辖区之外，距最近的区{place.outside_m / 1000:.1f}公里，请核对位置"
        where_en = f"The place is outside every district, {place.outside_m / 1000:.1f} km from the nearest; check it"
    elif place.within:
        where, where_en = f"只知位置在{place.within}", f"All that is known of the place is {place.within}"
    elif not codes:
        where, where_en = "位置不在任何网格内", "The place is in no grid"
    elif len(codes) > 1:
        where = f"位置在网格{'、'.join(codes)}的公共边界上，按编码最小归{codes[0]}"
        where_en = f"The place is on the border of {', '.join(codes)}; the lowest code has it: {codes[0]}"
    else:
        where, where_en = f"位置在网格{codes[0]}", f"The place is in grid {codes[0]}"
    book, book_en = (f"第{version}版规则", f"rules of version {version}") if version else ("默认规则", "default rules")
    why, why_en = {
        "rule": (f"按{book}，“{kind.name}”由{body}处置", f"by {book_en} {kind.name} is handled by {body}"),
        "category": (f"按类别目录，“{kind.name}”由{body}处置", f"by the catalogue {kind.name} is handled by {body}"),
        "fallback": (f"按{book}转{body}兜底", f"by {book_en} it goes to {body}, who takes what nobody else does"),
    }[basis]
    return f"{where}；{why}。", f"{where_en}; {why_en}."
