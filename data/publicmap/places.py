"""The places of a district as the public may know them, with their hours laid over the days around now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from data.calendar.days import Calendar
from data.calendar.store import read_calendar
from data.errors import BadInputError, NotFoundError
from data.hours import words
from data.hours.reading import HoursError, parse
from data.hours.spans import Spans, Window, lay_out, unknown_throughout
from data.publicmap.catalogue import read_items
from data.search import keys_of, spelled_out
from layers.layer import Layer
from layers.registry import get_layer

KINDS = ("station", "canteen", "elder_care", "exchange_point", "parking", "refuse_point")
"""In the order of lists."""
MOST_PLACES = 50_000
DAYS_BEFORE, DAYS_AFTER = 1, 14
MEALS = {"breakfast": ("早餐", "Breakfast"), "lunch": ("午餐", "Lunch"), "dinner": ("晚餐", "Dinner")}
_FIELDS = (
    "code", "name", "name_en", "tier", "community", "address", "phone", "hours", "services", "capacity", "price",
    "price_note", "meals_per_day", "meals", "delivers_to", "is_accessible", "status", "opens_on",
)  # fmt: skip
_LISTS = frozenset({"services", "delivers_to"})
_DISTRICT = text(
    "SELECT d.code, d.name, d.name_en, d.path::text AS path, d.time_zone, d.is_sample, d.source, a.path::text AS own "
    "FROM area a JOIN area d ON d.level = 'district' AND d.path @> a.path WHERE a.code = :code"
)
_COMMUNITIES = text(
    "SELECT c.code, c.name, c.name_en, c.path::text AS path, s.name AS street, s.name_en AS street_en, "
    "round(ST_X(p.at)::numeric, 6)::float8 AS lon, round(ST_Y(p.at)::numeric, 6)::float8 AS lat "
    "FROM area c CROSS JOIN LATERAL (SELECT middle_street(c.geom) AS at) p LEFT JOIN area s ON s.id = c.parent_id "
    "WHERE c.level = 'community' AND CAST(:path AS ltree) @> c.path ORDER BY s.code, c.code"
)
Row = dict[str, Any]


@dataclass(frozen=True)
class District:
    """The district that an area lies in, and the area's own path."""

    code: str
    name: str
    name_en: str | None
    path: str
    time_zone: str
    is_sample: bool
    source: str | None
    own: str


@dataclass(frozen=True)
class Book:
    """What the public map says of a district, as of a moment.

    Attributes
    ----------
    hours
        Every text of opening hours that a place has: in words, and when it is open in `window`.
    services
        What is known of the service items that the places name.
    places, paths
        Public fields of each place, and the path of its area; by kind, then by the pinyin of its name, then by code.
    communities
        The district's communities, each with its `path` and a point of a street near its middle.
    """

    district: District
    as_of: datetime
    window: Window
    calendar: Calendar
    hours: Mapping[str, Row]
    services: Mapping[str, Row]
    places: Sequence[Row]
    paths: Sequence[str]
    communities: Sequence[Row]

    @cached_property
    def by_key(self) -> Mapping[str, Row]:
        """The places by `kind/code`."""
        return {f"{one['kind']}/{one['code']}": one for one in self.places}

    def inside(self, path: str, kinds: Iterable[str] = KINDS) -> list[Row]:
        """Give the places of some kinds in an area."""
        wanted = set(kinds)
        return [
            place
            for place, own in zip(self.places, self.paths, strict=True)
            if place["kind"] in wanted and is_in(own, path)
        ]

    def answer(self, code: str, path: str, kinds: Iterable[str] = KINDS) -> Row:
        """Give all that a page needs of an area, as JSON values."""
        places = self.inside(path, kinds)
        texts = {text for place in places for text in texts_of(place)}
        named = {name for place in places for name in place["services"]}
        until, holiday = self.calendar.until, self.calendar.holiday(self.today)
        return {
            "within": code,
            "as_of": self.as_of.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "time_zone": self.district.time_zone,
            "calendar_until": until and until.isoformat(),
            "covers": self.window.covers,
            "holiday": holiday and {"name": holiday.name, "name_en": holiday.name_en},
            "hours": {key: value for key, value in self.hours.items() if key in texts},
            "services": {key: value for key, value in self.services.items() if key in named},
            "communities": [
                {key: value for key, value in one.items() if key != "path"}
                for one in self.communities
                if is_in(one["path"], path)
            ],
            "places": places,
        }

    @property
    def sources(self) -> list[str]:
        """Whether some of the data is invented, and whose it is."""
        marks = ["示例数据 sample data"] if self.district.is_sample else []
        return [*marks, *([f"数据：{self.district.source}"] if self.district.source else [])]

    @property
    def today(self) -> date:
        """The day of `as_of` where the district is."""
        return self.as_of.astimezone(self.window.zone).date()


def find_district(connection: Connection, code: str) -> District:
    """Find the district of an area.

    Raises
    ------
    NotFoundError
        If there is no such area.
    """
    row = connection.execute(_DISTRICT, {"code": code}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no district, street or community with the code {code!r}")
    return District(**row._mapping)


def read_book(connection: Connection, district: District, now: datetime, *, days_after: int = DAYS_AFTER) -> Book:
    """Read what the public map says of a district.

    Parameters
    ----------
    now
        The moment of the answer, UTC.
    days_after
        For how many days after today hours are laid out.

    Raises
    ------
    BadInputError
        If there are more places than can be shown.
    """
    zone = ZoneInfo(district.time_zone)
    window = Window.around(now, zone, before=DAYS_BEFORE, after=days_after)
    calendar = read_calendar(connection, district.time_zone)
    read = [row for kind in KINDS for row in _read_kind(connection, get_layer(kind), district.path)]
    if len(read) > MOST_PLACES:
        raise BadInputError(f"{district.name} has {len(read)} places; the public map shows at most {MOST_PLACES}")
    places = [place for place, _ in read]
    texts = sorted({text for place in places for text in texts_of(place)})
    return Book(
        district=district,
        as_of=now,
        window=window,
        calendar=calendar,
        hours={text: _hours(text, calendar, window) for text in texts},
        services=read_items(connection, {name for place in places for name in place["services"]}),
        places=places,
        paths=[path for _, path in read],
        communities=[dict(row._mapping) for row in connection.execute(_COMMUNITIES, {"path": district.path})],
    )


def is_in(own: str, path: str) -> bool:
    """Tell whether a path lies in another."""
    return f"{own}.".startswith(f"{path}.")


def texts_of(place: Row) -> Iterable[str]:
    """Give the texts of opening hours that a place has, its own and its meals'."""
    if place["hours"]:
        yield place["hours"]
    yield from (meal["hours"] for meal in place.get("meals", ()))


def _read_kind(connection: Connection, layer: Layer, path: str) -> list[tuple[Row, str]]:
    """Read the places of one kind: the fields that its declaration lets everybody see, and the path of each."""
    names = [name for name in _FIELDS if name in layer.public_fields]
    fields = {name: field.expression for name in names if (field := layer.field(name))}
    listed = ", ".join(f'{sql} AS "{name}"' for name, sql in fields.items())
    sql = (
        f"SELECT {listed}, ST_X(p.at) AS lon, ST_Y(p.at) AS lat, a.name AS community_name, "
        "a.name_en AS community_name_en, t.path::text AS path FROM facility t JOIN area a ON a.id = t.area_id "
        "CROSS JOIN LATERAL (SELECT ST_PointOnSurface(t.geom) AS at) p "
        f"WHERE {layer.where} AND CAST(:path AS ltree) @> t.path ORDER BY t.code"
    )
    rows = connection.execute(text(sql), {"path": path})
    read = [(_place(layer, dict(row._mapping)), row.path) for row in rows]
    return sorted(read, key=lambda one: spelled_out(one[0]["name"]))


def _place(layer: Layer, row: Row) -> Row:
    """Make a place of a row; a field that the public may not see is as good as missing."""
    place: Row = {"kind": layer.name}
    for name in _FIELDS:
        if layer.field(name) is not None:
            place[name] = row.get(name, [] if name in _LISTS else None)
    place |= {name: row[name] for name in ("lon", "lat", "community_name")}
    place["lon"], place["lat"] = round(row["lon"], 6), round(row["lat"], 6)
    if place.get("opens_on"):
        place["opens_on"] = place["opens_on"].isoformat()
    if "meals" in place:
        place["meals"] = _meals(place["meals"] or {})
    place["keys"] = keys_of(
        (place["name"], place["community_name"], *place["services"], layer.title),
        (place["name_en"], row["community_name_en"], layer.title_en, place["address"], place["code"]),
    )
    return place


def _meals(meals: Mapping[str, Any]) -> list[Row]:
    """List the meals of a canteen in the order of the day, others after them."""
    order = [*(name for name in MEALS if name in meals), *sorted(name for name in meals if name not in MEALS)]
    return [
        {"key": key, "name": MEALS.get(key, (key, key))[0], "name_en": MEALS.get(key, (key, key))[1], "hours": hours}
        for key in order
        if isinstance(hours := meals[key], str) and hours
    ]


def _hours(text: str, calendar: Calendar, window: Window) -> Row:
    """Say a text of opening hours in words and lay it over the days of the window."""
    try:
        hours = parse(text)
    except HoursError:
        return _told(text, text, unknown_throughout(window), is_read=False)
    return _told(words.chinese(hours), words.english(hours), lay_out(hours, calendar, window), is_read=True)


def _told(said: str, said_en: str, spans: Spans, *, is_read: bool) -> Row:
    """Make the JSON values of one text of opening hours."""
    return {"words": said, "words_en": said_en, "is_read": is_read, "spans": spans.open, "unknown": spans.unknown}
