"""A notice as one HTML file: folium's maps with Leaflet inside the file, so that it opens without any network."""

import html
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import jinja2
import numpy as np
import shapely
from branca.element import Element, Figure, MacroElement
from folium.features import GeoJson, GeoJsonTooltip
from folium.template import Template
from markupsafe import Markup

from data.notice.content import Notice
from data.notice.drawing import MOVED, NEW_BORDER, OLD_BORDER, Drawing, draw
from data.notice.wording import BLANK, CHANGED_HEADINGS, GRID_HEADINGS, Terms, word

ASSETS = Path(__file__).parent / "assets"
MOST_LABELS = 160
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


class OfflineMap(folium.Map):
    """A folium map that links to nothing: Leaflet is already in the page."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 (folium reads the class's own lists)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012


class Labels(MacroElement):
    """Texts on a map, the first ones first where there is no room for all, and a scale in metres.

    Not folium's markers: these ask for a picture of a pin before they get their text.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        (function (map) {
            var made = {{ this.labels | tojson }}.map(function (label) {
                var icon = L.divIcon({className: "grid-label", html: label[1], iconSize: [0, 0]});
                return L.marker(label[0], {icon: icon, interactive: false, keyboard: false}).addTo(map).getElement();
            });
            function makeRoom() {
                var kept = [];
                made.forEach(function (element) {
                    var box = element.getBoundingClientRect();
                    var isFree = kept.every(function (other) {
                        return box.left >= other.right || box.right <= other.left ||
                            box.top >= other.bottom || box.bottom <= other.top;
                    });
                    element.style.visibility = isFree ? "visible" : "hidden";
                    if (isFree) { kept.push(box); }
                });
            }
            map.on("zoomend", makeRoom);
            map.whenReady(makeRoom);
            L.control.scale({imperial: false}).addTo(map);
        })({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, spots: list[list[float]], texts: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Labels"
        self.labels = list(zip(spots, texts, strict=True))


def write_html(notice: Notice, *, approval: str = "", terms: Terms = BLANK) -> str:
    """Write the notice.

    Parameters
    ----------
    approval
        The map's approval number (审图号); without one the maps say 示意图.
    terms
        How residents can answer.
    """
    words = word(notice, approval=approval, terms=terms)
    drawing = draw(notice)
    page = Figure()
    page.header.add_child(Element("<style>" + _asset("leaflet.css") + "</style>"), name="leaflet_css")
    page.header.add_child(Element("<script>" + _asset("leaflet.js") + "</script>"), name="leaflet_js")
    bounds = _bounds(drawing)
    maps = {"before": _map(bounds), "after": _map(bounds), "difference": _map(bounds)}
    _add_grids(maps["before"], drawing, drawing.before)
    _add_grids(maps["after"], drawing, drawing.after)
    _add_difference(maps["difference"], drawing)
    for each in maps.values():
        page.add_child(each)
        each.render()  # type: ignore[no-untyped-call]
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_asset("page.html"))
    return template.render(
        words=words,
        policy=POLICY,
        moved=MOVED,
        grid_headings=GRID_HEADINGS,
        changed_headings=CHANGED_HEADINGS,
        header=_joined(page.header, skip=("meta_http",)),
        maps={name: _markup(page.html._children[each.get_name()].render()) for name, each in maps.items()},
        script=_joined(page.script),
    )


@lru_cache
def _asset(name: str) -> str:
    """Read a file that is shipped with this package."""
    return (ASSETS / name).read_text("utf-8")


def _markup(text: str) -> Any:
    """Mark text that folium wrote as HTML."""
    return Markup(text)  # noqa: S704 (folium has escaped its data; html.escape has what is HTML)


def _joined(part: Element, skip: tuple[str, ...] = ()) -> Any:
    """Render what the maps put into one part of the page."""
    return _markup("\n".join(child.render() for name, child in part._children.items() if name not in skip))


def _bounds(drawing: Drawing) -> list[list[float]]:
    """South-west and north-east corner of the area, as Leaflet wants them: latitude first."""
    frame = drawing.communities if len(drawing.communities) else drawing.after
    west, south, east, north = frame.total_bounds.tolist()
    return [[south, west], [north, east]]


def _map(bounds: list[list[float]]) -> OfflineMap:
    """Make an empty map of the area."""
    (south, west), (north, east) = bounds
    made = OfflineMap(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, height="100%",
        attributionControl=False, zoomSnap=0.1, minZoom=8, scrollWheelZoom=False, prefer_canvas=False,
    )  # fmt: skip
    made.fit_bounds(bounds, padding=(8, 8))
    return made


def _add_base(target: OfflineMap, drawing: Drawing) -> None:
    """Draw what lies above the grids' fills: water and other barriers, roads."""
    _shapes(target, drawing.barriers, color="#7fa8c9", fillColor="#b9d7ea", weight=1.5, fillOpacity=0.8)
    _shapes(target, drawing.roads, color="#ffffff", weight=2.4, opacity=0.95)


def _borders(target: OfflineMap, drawing: Drawing) -> None:
    """Draw the borders of communities, above the grids'."""
    _shapes(target, drawing.communities, color="#3d4852", weight=2.2, fill=False)


def _add_grids(target: OfflineMap, drawing: Drawing, grids: gpd.GeoDataFrame) -> None:
    """Draw one state of the grids."""
    layer = GeoJson(
        _collection(grids, ("code", "households", "community_name", "fill")),
        style_function=lambda one: {
            "fillColor": one["properties"]["fill"],
            "color": OLD_BORDER,
            "weight": 1.2,
            "fillOpacity": 1,
        },
    )
    if len(grids):
        layer.add_child(
            GeoJsonTooltip(("code", "community_name", "households"), aliases=("网格", "社区", "户数"), sticky=True)
        )
    layer.add_to(target)
    _add_base(target, drawing)
    _shapes(target, grids, color=NEW_BORDER, weight=1.2, fill=False)
    _borders(target, drawing)
    _labels(target, grids)


def _add_difference(target: OfflineMap, drawing: Drawing) -> None:
    """Draw old borders dashed, new borders whole, and the buildings that change."""
    _shapes(target, drawing.after, color=NEW_BORDER, weight=1.6, fillColor="#f4f6f8", fillOpacity=1)
    _add_base(target, drawing)
    _shapes(target, drawing.before, color=MOVED, weight=1.4, dashArray="5 4", fill=False)
    changed = drawing.changed
    layer = GeoJson(
        _collection(changed, ("code", "address", "before", "after", "households")),
        style_function=lambda _: {"fillColor": MOVED, "color": "#7a2200", "weight": 1, "fillOpacity": 0.9},
        marker=folium.CircleMarker(radius=5),
    )
    if len(changed):
        names = ("code", "address", "before", "after", "households")
        layer.add_child(GeoJsonTooltip(names, aliases=("楼栋", "地址", "原网格", "新网格", "户数"), sticky=True))
    layer.add_to(target)
    _borders(target, drawing)
    _labels(target, drawing.after)


def _shapes(target: OfflineMap, frame: gpd.GeoDataFrame, **style: Any) -> None:
    """Draw shapes that nobody asks about."""
    if len(frame):
        GeoJson(_collection(frame, ()), style_function=lambda _: style, interactive=False).add_to(target)


def _labels(target: OfflineMap, grids: gpd.GeoDataFrame) -> None:
    """Write each grid's short name and households where its middle is."""
    grids = grids.iloc[np.argsort(-shapely.area(grids.geometry.to_numpy()), kind="stable")[:MOST_LABELS]]
    spots = shapely.get_coordinates(shapely.point_on_surface(grids.geometry.to_numpy()))
    texts = [
        f"<b>{html.escape(str(label))}</b><br>{households}户"
        for label, households in zip(grids["label"], grids["households"], strict=True)
    ]
    target.add_child(Labels(spots[:, ::-1].tolist(), texts))


def _collection(frame: gpd.GeoDataFrame, names: tuple[str, ...]) -> dict[str, Any]:
    """Make GeoJSON of a frame, with 6 decimals."""
    shapes = shapely.set_precision(frame.geometry.to_numpy(), 1e-6, mode="pointwise")
    columns = [frame[name].tolist() for name in names]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": json.loads(shapely.to_geojson(shape)),
                "properties": {
                    name: "—" if value is None else _plain(value) for name, value in zip(names, row, strict=True)
                },
            }
            for shape, *row in zip(shapes, *columns, strict=True)
            if not shapely.is_empty(shape)
        ],
    }


def _plain(value: object) -> object:
    """Give numbers as Python's own, and texts so that no tooltip takes them for HTML."""
    return html.escape(value) if isinstance(value, str) else int(value) if isinstance(value, np.integer) else value
