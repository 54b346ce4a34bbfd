"""A notice as one HTML file: folium's maps with Leaflet inside the file, so that it opens without any network."""

import html
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import shapely
from folium.features import GeoJson, GeoJsonTooltip

from data.notice.content import Notice
from data.notice.drawing import MOVED, NEW_BORDER, OLD_BORDER, Drawing, draw
from data.notice.wording import BLANK, CHANGED_HEADINGS, GRID_HEADINGS, Terms, word
from data.printing.offline import Labels, OfflineMap, add_shapes, collection, make_map, write_page

ASSETS = Path(__file__).parent / "assets"
MOST_LABELS = 160


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
    shown = drawing.communities if len(drawing.communities) else drawing.after
    maps = {"before": make_map(shown), "after": make_map(shown), "difference": make_map(shown)}
    _add_grids(maps["before"], drawing, drawing.before)
    _add_grids(maps["after"], drawing, drawing.after)
    _add_difference(maps["difference"], drawing)
    return write_page(
        (ASSETS / "page.html").read_text("utf-8"),
        maps,
        words=words,
        moved=MOVED,
        grid_headings=GRID_HEADINGS,
        changed_headings=CHANGED_HEADINGS,
    )


def _add_base(target: OfflineMap, drawing: Drawing) -> None:
    """Draw what lies above the grids' fills: water and other barriers, roads."""
    add_shapes(target, drawing.barriers, color="#7fa8c9", fillColor="#b9d7ea", weight=1.5, fillOpacity=0.8)
    add_shapes(target, drawing.roads, color="#ffffff", weight=2.4, opacity=0.95)


def _borders(target: OfflineMap, drawing: Drawing) -> None:
    """Draw the borders of communities, above the grids'."""
    add_shapes(target, drawing.communities, color="#3d4852", weight=2.2, fill=False)


def _add_grids(target: OfflineMap, drawing: Drawing, grids: gpd.GeoDataFrame) -> None:
    """Draw one state of the grids."""
    layer = GeoJson(
        collection(grids, ("code", "households", "community_name", "fill")),
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
    add_shapes(target, grids, color=NEW_BORDER, weight=1.2, fill=False)
    _borders(target, drawing)
    _labels(target, grids)


def _add_difference(target: OfflineMap, drawing: Drawing) -> None:
    """Draw old borders dashed, new borders whole, and the buildings that change."""
    add_shapes(target, drawing.after, color=NEW_BORDER, weight=1.6, fillColor="#f4f6f8", fillOpacity=1)
    _add_base(target, drawing)
    add_shapes(target, drawing.before, color=MOVED, weight=1.4, dashArray="5 4", fill=False)
    changed = drawing.changed
    layer = GeoJson(
        collection(changed, ("code", "address", "before", "after", "households")),
        style_function=lambda _: {"fillColor": MOVED, "color": "#7a2200", "weight": 1, "fillOpacity": 0.9},
        marker=folium.CircleMarker(radius=5),
    )
    if len(changed):
        names = ("code", "address", "before", "after", "households")
        layer.add_child(GeoJsonTooltip(names, aliases=("楼栋", "地址", "原网格", "新网格", "户数"), sticky=True))
    layer.add_to(target)
    _borders(target, drawing)
    _labels(target, drawing.after)


def _labels(target: OfflineMap, grids: gpd.GeoDataFrame) -> None:
    """Write each grid's short name and households where its middle is."""
    grids = grids.iloc[np.argsort(-shapely.area(grids.geometry.to_numpy()), kind="stable")[:MOST_LABELS]]
    spots = shapely.get_coordinates(shapely.point_on_surface(grids.geometry.to_numpy()))
    texts = [
        f"<b>{html.escape(str(label))}</b><br>{households}户"
        for label, households in zip(grids["label"], grids["households"], strict=True)
    ]
    target.add_child(Labels(spots[:, ::-1].tolist(), texts))
