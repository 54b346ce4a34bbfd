"""A life-circle report as one HTML file that opens without any network."""

from pathlib import Path
from typing import Any

import geopandas as gpd
from branca.element import MacroElement
from folium.template import Template

from data.lifecircle.content import Report
from data.lifecircle.drawing import MET, NOT_MET, UNKNOWN, map_data
from data.lifecircle.wording import (
    CAPACITY_HEADINGS,
    COMMUNITY_HEADINGS,
    MILESTONE_HEADINGS,
    MOST_UNITS,
    PROMISE_HEADINGS,
    RULE_HEADINGS,
    UNIT_HEADINGS,
    WITHOUT_HEADINGS,
    word,
)
from data.printing.offline import add_shapes, make_map, write_page
from geo.cells import RESOLUTION

ASSETS = Path(__file__).parent / "assets"


class Verdicts(MacroElement):
    """The buildings' verdicts on a map, one rule at a time, as dots or as H3 cells."""

    def __init__(self, drawn: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Verdicts"
        self._template = Template((ASSETS / "map.js").read_text("utf-8"))
        self.drawn = drawn
        self.colours = [MET, NOT_MET, UNKNOWN]


def write_html(report: Report, *, approval: str = "", resolution: int = RESOLUTION) -> str:
    """Write the report.

    Parameters
    ----------
    approval
        The map's approval number (审图号); without one the map says 示意图.
    resolution
        H3 resolution of the cells, 5-12.
    """
    shown = area_frame(report)
    target = make_map(shown)
    add_shapes(target, report.barriers, color="#7fa8c9", fillColor="#b9d7ea", weight=1.2, fillOpacity=0.7)
    add_shapes(target, walked_roads(report), color="#ffffff", weight=1.6)
    add_shapes(target, report.communities, color="#3d4852", weight=1.6, fill=False)
    target.add_child(Verdicts(map_data(report, resolution=resolution)))
    return write_page(
        (ASSETS / "page.html").read_text("utf-8"),
        {"area": target},
        words=word(report, approval=approval),
        community_headings=COMMUNITY_HEADINGS,
        unit_headings=UNIT_HEADINGS,
        capacity_headings=CAPACITY_HEADINGS,
        promise_headings=PROMISE_HEADINGS,
        milestone_headings=MILESTONE_HEADINGS,
        rule_headings=RULE_HEADINGS,
        without_headings=WITHOUT_HEADINGS,
        most_units=MOST_UNITS,
        colours={"met": MET, "not_met": NOT_MET, "unknown": UNKNOWN},
    )


def area_frame(report: Report) -> gpd.GeoDataFrame:
    """Give what the map must show: the communities, or the buildings where there are none."""
    return report.communities if len(report.communities) else report.units


def walked_roads(report: Report) -> gpd.GeoDataFrame:
    """Give the larger roads in and around the area, to find one's way on the map."""
    west, south, east, north = area_frame(report).total_bounds
    margin = 0.05 * max(east - west, north - south)
    near = report.roads.cx[west - margin : east + margin, south - margin : north + margin]
    return near[near["class"].isin(("expressway", "arterial", "collector", "local"))]
