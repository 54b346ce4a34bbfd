"""Pages that open without any network: folium's maps with Leaflet inside the file."""

import html
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import jinja2
import numpy as np
import shapely
from branca.element import Element, Figure, MacroElement
from folium.features import GeoJson
from folium.template import Template
from markupsafe import Markup

ASSETS = Path(__file__).parent / "assets"
_VIEWPORT = re.compile(r"<meta name=\"viewport\".*?/?>", re.DOTALL)  # folium's own forbids to zoom in
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


def write_page(template: str, maps: Mapping[str, OfflineMap], **values: Any) -> str:
    """Put maps and values into a page.

    Parameters
    ----------
    template
        A jinja template, escaped by itself; it gets `policy`, `header`, `script` and `maps`, which it must place.
    maps
        The maps by the names that the template calls them.
    """
    page = Figure()
    page.header.add_child(Element("<style>" + _asset("leaflet.css") + "</style>"), name="leaflet_css")
    page.header.add_child(Element("<script>" + _asset("leaflet.js") + "</script>"), name="leaflet_js")
    for each in maps.values():
        page.add_child(each)
        each.render()  # type: ignore[no-untyped-call]
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(template)
    return made.render(
        policy=POLICY,
        header=_markup(_VIEWPORT.sub("", _joined(page.header, skip=("meta_http",)))),
        maps={name: _markup(page.html._children[each.get_name()].render()) for name, each in maps.items()},
        script=_joined(page.script),
        **values,
    )


def make_map(frame: gpd.GeoDataFrame) -> OfflineMap:
    """Make an empty map that shows all of a frame in degrees."""
    west, south, east, north = frame.total_bounds.tolist()
    made = OfflineMap(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, height="100%",
        attributionControl=False, zoomSnap=0.1, minZoom=8, scrollWheelZoom=False, prefer_canvas=False,
    )  # fmt: skip
    made.fit_bounds([[south, west], [north, east]], padding=(8, 8))
    return made


def add_shapes(target: OfflineMap, frame: gpd.GeoDataFrame, **style: Any) -> None:
    """Draw shapes that nobody asks about."""
    if len(frame):
        GeoJson(collection(frame, ()), style_function=lambda _: style, interactive=False).add_to(target)


def collection(frame: gpd.GeoDataFrame, names: tuple[str, ...]) -> dict[str, Any]:
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
