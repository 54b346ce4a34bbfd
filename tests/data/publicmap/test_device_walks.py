"""The device searches the streets as `geo.walking` does: both are held to `web/src/public/walks.golden.json`.

Run as a program, this file writes the golden file anew.
"""

import json
import math
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from data.publicmap.walks import Walks
from data.settings import PROJECT
from geo.walking import ADULT, ELDER, SNAP_LIMIT_M, build_network, snap_points

GOLDEN = PROJECT / "web" / "src" / "public" / "walks.golden.json"
CRS = "EPSG:32650"
CORNER_XY = np.array([300_000.0, 3_340_000.0])
BLOCK_M, BLOCKS = 90.0, 9


def _streets(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Draw a town of crooked blocks where one street in six is missing, and beside it one street that joins nothing."""
    corner = CORNER_XY + BLOCK_M * np.stack(np.meshgrid(np.arange(BLOCKS), np.arange(BLOCKS), indexing="ij"), axis=-1)
    corner += rng.uniform(-25, 25, corner.shape)
    lines = [way for row in (*corner, *corner.swapaxes(0, 1)) for way in pairwise(row) if rng.random() > 1 / 6]
    lines.append((CORNER_XY - (400, 0), CORNER_XY - (300, 0)))
    return gpd.GeoDataFrame(geometry=[shapely.LineString(way) for way in lines], crs=CRS)


def _town() -> tuple[Walks, list[tuple[float, float]]]:
    """Draw the town, 60 places and 15 starts in it; some lie off the streets, one of each by the lonely street."""
    rng = np.random.default_rng(20261122)
    network = build_network(_streets(rng))
    spread = BLOCK_M * BLOCKS
    xy = CORNER_XY + rng.uniform(-60, spread, (73, 2))
    xy = np.concatenate([xy, [CORNER_XY - (350, 10), CORNER_XY - (320, -20)]])
    points = gpd.GeoSeries.from_xy(*xy.T, crs=CRS).to_crs(4326)
    places, starts = np.arange(60), np.arange(60, 75)
    places[-1] = 73
    frame = gpd.GeoDataFrame(geometry=points.iloc[places].to_numpy(), crs=4326)
    snap = snap_points(network.graph, network.places(frame), limit_m=SNAP_LIMIT_M)
    walks = Walks(network, {f"station/{row}": row for row in range(len(places))}, snap)
    return walks, [(point.x, point.y) for point in points.iloc[starts]]


def _golden() -> dict[str, Any]:
    """Code the town for the device, and measure it by `geo.walking`."""
    walks, starts = _town()
    cases = [
        {"from": start, "metres": {key: round(metres, 3) for key, metres in walks.metres_from(*start).items()}}
        for start in starts
    ]
    return {"walks": walks.answer({"adult": ADULT, "elder": ELDER}, snap_limit_m=SNAP_LIMIT_M), "cases": cases}


def test_the_golden_file_is_what_python_measures() -> None:
    made, kept = _golden(), json.loads(GOLDEN.read_text("utf-8"))
    assert made["walks"] == kept["walks"]
    for one, other in zip(made["cases"], kept["cases"], strict=True):
        assert one["metres"].keys() == other["metres"].keys()
        assert all(math.isclose(metres, other["metres"][key], abs_tol=0.002) for key, metres in one["metres"].items())


def test_the_golden_town_has_all_that_can_happen() -> None:
    kept = json.loads(GOLDEN.read_text("utf-8"))
    counts = [len(case["metres"]) for case in kept["cases"]]
    assert min(counts) == 0, "no start is off the streets"
    assert 1 in counts, "no start is by the lonely street"
    assert 30 < max(counts) < len(kept["walks"]["places"]) < 60


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(_golden(), separators=(",", ":")) + "\n", "utf-8")
