"""The public map as one HTML file for a notice board or an intranet page: it opens without any network."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import orjson
from branca.element import MacroElement
from folium import CircleMarker
from folium.features import GeoJson, GeoJsonTooltip
from folium.template import Template
from markupsafe import Markup
from sqlalchemy import Connection

from data.errors import BadInputError
from data.planning import read_barriers, read_objects
from data.printing.offline import add_shapes, collection, make_map, write_page
from data.publicmap.pages import facts_of, services_title, sort_of
from data.publicmap.places import KINDS, Book, Row
from data.publicmap.rows import state_of
from layers.basemap import BaseMap
from layers.registry import get_layer

ASSETS = Path(__file__).parent / "assets"
DAYS = 92
"""For how many days from today hours are laid out."""
_SHOWN = ("expressway", "arterial", "collector", "local")
_COMMUNITIES = """
SELECT name, ST_AsBinary(geom) AS geom FROM area
WHERE level = 'community' AND CAST(:path AS ltree) @> path ORDER BY code
"""
_ROADS = """
SELECT r.class, ST_AsBinary(r.geom) AS geom FROM road r, area a
WHERE a.path = CAST(:path AS ltree) AND ST_Intersects(r.geom, a.geom) AND r.class = ANY (:shown) ORDER BY r.code
"""
_AREA = "SELECT name, ST_AsBinary(geom) AS geom FROM area WHERE path = CAST(:path AS ltree)"


class Finder(MacroElement):
    """Search, open now, and a place's spot on the map."""

    _template = Template((ASSETS / "find.js").read_text("utf-8"))

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Finder"


def write_map(connection: Connection, book: Book, base: BaseMap, *, approval: str = "") -> str:
    """Write the public map of an area with what is in the database.

    Parameters
    ----------
    book
        Of the area's district, with hours laid out for `DAYS` days; `book.district.own` is the area.
    base
        What it is drawn upon; see `layers.basemap.public_base_map`.
    approval
        The map's approval number (审图号); without one it says 示意图.

    Raises
    ------
    BadInputError
        If no place is in the area.
    """
    path = book.district.own
    places = book.inside(path)
    [area_name] = read_objects(connection, _AREA, path=path)["name"]
    if not places:
        raise BadInputError(f"{area_name} has no station, canteen or other public place; import some first")
    shown = read_objects(connection, _AREA, path=path)
    target = make_map(shown)
    barriers = read_barriers(connection, path).to_frame("geometry").set_geometry("geometry")
    add_shapes(target, barriers, color="#7fa8c9", fillColor="#b9d7ea", weight=1.2, fillOpacity=0.7)
    roads = read_objects(connection, _ROADS, path=path, shown=list(_SHOWN))
    add_shapes(target, roads, color="#c9cfd6", weight=1.6)
    add_shapes(target, read_objects(connection, _COMMUNITIES, path=path), color="#7b8794", weight=1, fill=False)
    add_shapes(target, shown, color="#3d4852", weight=2, fill=False)
    _dots(places[::-1]).add_to(target)  # stations lie on top
    target.add_child(Finder())
    until = book.today + timedelta(days=DAYS - 1)
    return write_page(
        (ASSETS / "offline.html").read_text("utf-8"),
        {"area": target},
        title=f"{area_name}便民地图",
        made=_made(book, until),
        valid_until=until.isoformat(),
        marks="；".join([*base.marks(approval), *book.sources]),
        legend=[(colour_of(kind), get_layer(kind).title) for kind in KINDS if any(p["kind"] == kind for p in places)],
        rows=[_row(book, place) for place in places],
        data=_data(book, places),
    )


def colour_of(kind: str) -> str:
    """Give the colour of a kind on the light map."""
    return get_layer(kind).style[0].shades[-1].light


def _dots(places: list[Row]) -> GeoJson:
    """Draw the places."""
    frame = gpd.GeoDataFrame(
        {
            "name": [one["name"] for one in places],
            "sort": [sort_of(one) for one in places],
            "address": [one["address"] for one in places],
            "colour": [colour_of(one["kind"]) for one in places],
            "radius": [get_layer(one["kind"]).style[0].size for one in places],
        },
        geometry=gpd.points_from_xy([one["lon"] for one in places], [one["lat"] for one in places]),
        crs="EPSG:4326",
    )
    layer = GeoJson(
        collection(frame, ("name", "sort", "address", "colour", "radius")),
        style_function=lambda one: {
            "fill": True, "fillColor": one["properties"]["colour"], "fillOpacity": 0.95, "color": "#1b1f24",
            "weight": 0.8, "radius": one["properties"]["radius"],
        },
        marker=CircleMarker(),
    )  # fmt: skip
    layer.add_child(GeoJsonTooltip(("name", "sort", "address"), aliases=("名称", "类别", "地址"), sticky=True))
    return layer


def _row(book: Book, place: Row) -> dict[str, Any]:
    """Write one place of the list."""
    facts = [*facts_of(book, place), *([("电话", place["phone"])] if place["phone"] else [])]
    facts += [(meal["name"], book.hours[meal["hours"]]["words"]) for meal in place.get("meals", ())]
    if place["services"]:
        facts.append((services_title(place), "、".join(_service(book, name) for name in place["services"])))
    return {"name": place["name"], "sort": sort_of(place), "colour": colour_of(place["kind"]), "facts": facts}


def _service(book: Book, name: str) -> str:
    """Name a service item with what to bring."""
    bring = book.services.get(name, {}).get("bring")
    return f"{name}（请带{'、'.join(bring)}）" if bring else name


def _data(book: Book, places: list[Row]) -> Markup:
    """Write what the file's own script looks up."""
    names = ("status", "hours", "keys", "lon", "lat")
    listed = [
        {name: place[name] for name in names} | {"said": state_of(book, place, book.as_of).text} for place in places
    ]
    used = {place["hours"] for place in places}
    hours = {key: value for key, value in book.hours.items() if key in used}
    data = orjson.dumps({"covers": book.window.covers, "hours": hours, "places": listed}).decode()
    return Markup(data.replace("<", "\\u003c"))  # noqa: S704 (JSON in a script element, with no "<" in it)


def _made(book: Book, until: date) -> str:
    """Say when the file was made, how long its hours hold, and how far holidays are known."""
    said = f"数据截至 {book.today.isoformat()}，开放时间有效至 {until.isoformat()}"
    known = book.calendar.until
    if known is None:
        return f"{said}；节假日安排未知"
    return said if known >= until else f"{said}；节假日安排已知至 {known.isoformat()}，此后按平日计"
