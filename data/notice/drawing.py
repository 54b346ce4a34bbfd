"""How a notice's maps look: colours, labels and simplified outlines that its HTML and its PDF share."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from data.notice.content import Notice
from data.planning import WGS84
from geo.projection import to_metric

PALETTE = ("#cfe3f5", "#fde3b8", "#d3ecd0", "#f2d4e4", "#e4dcf3", "#f7efb2", "#d5efee", "#efdccf")
"""Pale, told apart also without red and green by their lightness and by the borders between them."""
MOVED, OLD_BORDER, NEW_BORDER = "#d9480f", "#5f6b7a", "#1f3a5f"
TOLERANCE_M = 1.5


@dataclass(frozen=True)
class Drawing:
    """The maps' contents in EPSG:4326.

    Attributes
    ----------
    before, after
        Grids with code, label, households, fill and geometry.
    changed
        Units whose grid changes: code, address, before, after, households, geometry (polygons or points).
    """

    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame
    changed: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame


def draw(notice: Notice) -> Drawing:
    """Simplify the outlines and give a grid and its successor one colour that none of their neighbours has."""
    fill = _colours(notice.before, notice.after)
    return Drawing(
        _grids(notice.before, fill), _grids(notice.after, fill), notice.changed, _simple(notice.communities),
        notice.roads, notice.barriers,
    )  # fmt: skip


def short_label(code: str, name: str | None, community: str) -> str:
    """Name a grid on a map: its name where that is short, else the part of its code after the community's."""
    if name and len(name) <= 6:
        return name
    rest = code.removeprefix(community).lstrip("-_")
    return rest if rest and len(rest) <= 8 else code[-6:]


def _grids(grids: gpd.GeoDataFrame, fill: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Prepare one map's grids."""
    made = _simple(grids)
    made["label"] = [
        short_label(code, name, community)
        for code, name, community in zip(grids["code"], grids["name"], grids["community"], strict=True)
    ]
    made["fill"] = [fill[lineage] for lineage in grids["lineage"]]
    return made


def _simple(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Simplify outlines that share borders, together."""
    if frame.empty:
        return frame.copy()
    metric = to_metric(frame)
    shapes = shapely.coverage_simplify(metric.geometry.to_numpy(), TOLERANCE_M)
    return gpd.GeoDataFrame(frame.copy(), geometry=gpd.GeoSeries(shapes, index=frame.index, crs=metric.crs)).to_crs(
        WGS84
    )


def _colours(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> dict[str, str]:
    """Colour lineages greedily, those with most neighbours first."""
    names = sorted({*before["lineage"], *after["lineage"]})
    number = {name: at for at, name in enumerate(names)}
    around: list[set[int]] = [set() for _ in names]
    shapes = np.concatenate([before.geometry.to_numpy(), after.geometry.to_numpy()])
    own = np.array([number[name] for name in [*before["lineage"], *after["lineage"]]], dtype=np.int64)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for a, b in zip(own[left].tolist(), own[right].tolist(), strict=True):
        if a != b:  # also an old grid and a new one on its ground: else the new one would look like its successor
            around[a].add(b)
    colour: dict[int, int] = {}
    for at in sorted(range(len(names)), key=lambda n: (-len(around[n]), n)):
        taken = {colour[other] for other in around[at] if other in colour}
        colour[at] = next((n for n in range(len(PALETTE)) if n not in taken), at % len(PALETTE))
    return {name: PALETTE[colour[number[name]]] for name in names}
