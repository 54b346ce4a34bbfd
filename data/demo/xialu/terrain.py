"""The ground of the sample: real outline, invented valley with a lake, a river, a railway and main roads.

All geometry here is metric, EPSG:4547 (CGCS2000, 3-degree Gauss-Krueger, central meridian 114 E). The tables below
are a sketch in kilometres east and north of `ORIGIN_M`; the seed moves their points a little.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.interpolate import CubicSpline
from shapely.geometry import LineString, Polygon

CRS_M = "EPSG:4547"
ORIGIN_M = np.array([587_000.0, 3_338_000.0])
SKETCH_JITTER_M = 22.0
VERTEX_STEP_M = 60.0
RIVER_HALF_WIDTH_M = 19.0
RAIL_HALF_WIDTH_M = 14.0

Sketch = list[tuple[float, float]]
Array = NDArray[np.number[Any]]

BUILT_UP: Sketch = [
    (0.55, 2.62), (1.3, 2.3), (2.3, 2.25), (3.0, 1.75), (4.2, 1.5), (5.2, 1.75), (5.9, 2.35), (7.0, 2.65), (8.4, 3.0),
    (10.0, 3.3), (11.4, 3.42), (12.1, 3.65), (12.4, 4.5), (12.6, 5.1), (12.4, 5.5), (11.9, 5.64), (11.3, 5.6),
    (10.4, 5.6), (9.6, 5.68), (8.8, 5.45), (7.6, 5.0), (6.6, 4.68), (5.6, 4.4), (4.6, 4.12), (3.9, 3.95), (3.1, 3.65),
    (2.2, 3.5), (1.4, 3.38), (0.85, 3.18), (0.5, 2.95),
]  # fmt: skip
LAKE: Sketch = [
    (9.35, 6.0), (9.9, 5.82), (10.5, 5.8), (11.2, 5.84), (11.6, 6.05), (11.35, 6.4), (10.9, 6.45), (10.7, 6.8),
    (10.3, 6.75), (10.1, 6.4), (9.6, 6.35),
]  # fmt: skip
RIVER: Sketch = [
    (2.7, 5.3), (3.05, 4.5), (3.55, 3.98), (4.3, 3.55), (4.9, 3.68), (5.4, 3.72), (6.0, 3.85), (6.6, 4.16), (7.2, 4.24),
    (7.75, 4.5), (8.3, 4.62), (8.85, 4.98), (9.2, 5.35), (9.45, 6.0),
]  # fmt: skip
RAIL: Sketch = [
    (-0.1, 2.5), (1.5, 2.5), (3.2, 2.55), (4.7, 2.68), (6.2, 3.02), (7.6, 3.42), (9.0, 3.87), (10.4, 4.1), (12.0, 4.12),
    (13.2, 4.3),
]  # fmt: skip
EXPRESSWAY: Sketch = [
    (1.2, 1.5), (2.4, 1.3), (3.4, 1.28), (4.4, 1.1), (5.6, 1.42), (6.8, 2.1), (8.2, 2.66),
    (9.8, 2.86), (11.4, 2.98), (12.8, 3.3),
]  # fmt: skip
MAIN_ROADS: dict[str, tuple[str, Sketch]] = {
    "迎宾大道": ("arterial", [
        (0.3, 2.78), (1.6, 2.95), (3.2, 3.0), (4.6, 3.05), (6.2, 3.45), (7.6, 3.9), (9.0, 4.33), (10.6, 4.55),
        (12.0, 4.6), (13.1, 4.75),
    ]),
    "沿湖大道": ("arterial", [
        (0.95, 3.12), (2.4, 3.3), (3.4, 3.5), (4.2, 3.95), (5.4, 4.15), (6.6, 4.5), (7.6, 4.85), (8.6, 5.2),
        (9.6, 5.42), (10.8, 5.35), (12.2, 5.3), (13.1, 5.33),
    ]),
    "青铜大道": ("arterial", [
        (2.9, 1.95), (4.8, 2.25), (6.2, 2.65), (7.6, 2.97), (9.0, 3.35), (10.4, 3.6), (12.0, 3.72), (12.5, 3.78),
    ]),
}  # fmt: skip
CROSS_ROADS: dict[str, tuple[str, Sketch]] = {
    "东方路": ("collector", [(1.6, 2.1), (1.62, 2.5), (1.65, 2.95), (1.7, 3.4)]),
    "长岭路": ("arterial", [(3.08, 1.7), (3.15, 2.1), (3.2, 3.0), (3.25, 3.6)]),
    "工业大道": ("arterial", [(4.55, 1.45), (4.6, 2.2), (4.55, 3.05), (4.42, 4.2)]),
    "胜利路": ("arterial", [(5.85, 1.5), (5.72, 2.6), (5.55, 3.3), (5.4, 4.3)]),
    "铜都路": ("arterial", [(6.95, 2.7), (6.85, 2.95), (6.7, 3.65), (6.45, 4.6)]),
    "新星路": ("arterial", [(8.22, 2.6), (8.05, 3.2), (7.9, 4.05), (7.6, 5.0)]),
    "团结路": ("collector", [(8.95, 3.2), (8.82, 3.45), (8.66, 4.3), (8.5, 5.3)]),
    "广场路": ("arterial", [(9.78, 3.35), (9.72, 3.7), (9.75, 4.5), (9.85, 5.6)]),
    "映山路": ("arterial", [(10.92, 2.9), (10.9, 3.75), (10.95, 4.55), (11.0, 5.5)]),
    "望湖路": ("collector", [(11.98, 3.3), (12.0, 3.8), (12.05, 4.6), (12.15, 5.4)]),
}  # fmt: skip
TO_EXPRESSWAY = ("胜利路", "新星路", "映山路")


@dataclass(frozen=True)
class Terrain:
    """The drawn ground: polygons and centre lines in `CRS_M`; roads as name -> (class, line)."""

    outline: Polygon
    built_up: Polygon
    lake: Polygon
    river: LineString
    rail: LineString
    expressway: LineString
    roads: dict[str, tuple[str, LineString]]

    @property
    def river_space(self) -> Polygon:
        """The river's water surface."""
        return self.river.buffer(RIVER_HALF_WIDTH_M)

    @property
    def rail_space(self) -> Polygon:
        """The fenced strip of the railway."""
        return self.rail.buffer(RAIL_HALF_WIDTH_M, cap_style="flat")


def read_outline() -> Polygon:
    """Read the real district outline and project it to metres."""
    text = (Path(__file__).parent / "outline.geojson").read_text(encoding="utf-8")
    ring = np.array(json.loads(text)["features"][0]["geometry"]["coordinates"][0])
    east_m, north_m = Transformer.from_crs("EPSG:4326", CRS_M, always_xy=True).transform(ring[:, 0], ring[:, 1])
    return Polygon(np.column_stack([east_m, north_m]))


def smooth(points_m: Array, *, closed: bool = False) -> Array:
    """Draw a smooth curve through the points, with a vertex about every `VERTEX_STEP_M`."""
    if closed:
        points_m = np.vstack([points_m, points_m[:1]])
    steps_m = np.hypot(*np.diff(points_m, axis=0).T)
    along_m = np.r_[0.0, np.cumsum(steps_m)]
    count = max(2, round(along_m[-1] / VERTEX_STEP_M))
    spline = CubicSpline(along_m, points_m, bc_type="periodic" if closed else "natural")
    curve: Array = spline(np.linspace(0.0, along_m[-1], count + 1))
    return curve


def draw_terrain(rng: np.random.Generator) -> Terrain:
    """Turn the sketch into curves, each point moved a little by `rng`."""

    def placed(sketch: Sketch) -> Array:
        points_m: Array = ORIGIN_M + np.array(sketch) * 1000.0
        return points_m + rng.normal(0.0, SKETCH_JITTER_M, points_m.shape)

    outline = read_outline()
    inside = outline.buffer(-90)
    built_up = Polygon(smooth(placed(BUILT_UP), closed=True)).intersection(inside)
    lake = Polygon(smooth(placed(LAKE), closed=True)).intersection(inside)
    rail = LineString(smooth(placed(RAIL))).intersection(outline)
    expressway = LineString(smooth(placed(EXPRESSWAY))).intersection(outline)
    roads = {name: (kind, LineString(smooth(placed(sketch)))) for name, (kind, sketch) in MAIN_ROADS.items()}
    for name, (kind, sketch) in CROSS_ROADS.items():
        points_m = placed(sketch)
        if name in TO_EXPRESSWAY:
            points_m[0] = shapely.line_interpolate_point(
                expressway, shapely.line_locate_point(expressway, shapely.Point(points_m[0]))
            ).coords[0]
        roads[name] = (kind, LineString(smooth(points_m)))
    roads = {
        name: (kind, line if name in TO_EXPRESSWAY else line.intersection(inside))
        for name, (kind, line) in roads.items()
    }
    river = LineString(smooth(placed(RIVER))).intersection(outline)
    return Terrain(outline, built_up.difference(lake.buffer(40)), lake, river, rail, expressway, roads)
