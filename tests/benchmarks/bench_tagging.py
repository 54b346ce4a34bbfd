"""Tagging points with polygons: ours, shapely's STRtree and geopandas' sjoin, side by side in one run.

`python -m tests.benchmarks.bench_tagging [POINTS] [POLYGONS] [ROUNDS]` prints a table; the medians of the rounds count.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.tagging import PolygonIndex

SEED = 20
NONE = np.iinfo(np.int64).max
Tags = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One way's figures: seconds to set up and to tag, points a second, and points that differ from shapely."""

    way: str
    setup_s: float
    tag_s: float
    points_a_second: float
    wrong_count: int


def grids(count: int, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Draw a gapless city of Voronoi cells in the unit square."""
    square = shapely.box(0, 0, 1, 1)
    cells = shapely.voronoi_polygons(shapely.multipoints(rng.random((count, 2))), extend_to=square)
    drawn: npt.NDArray[np.object_] = shapely.intersection(shapely.get_parts(cells), square)
    return drawn


def lowest(point: Tags, polygon: Tags, count: int) -> Tags:
    """Reduce pairs to the first polygon of each point, -1 for none: the rule of a shared border."""
    found = np.full(count, NONE, dtype=np.int64)
    np.minimum.at(found, point, polygon)
    return np.where(found == NONE, -1, found)


def with_ours(polygons: npt.NDArray[np.object_], xy: npt.NDArray[np.float64]) -> tuple[float, float, Tags]:
    """Build the raster index, tag."""
    start = time.perf_counter()
    index = PolygonIndex.build(polygons)
    ready = time.perf_counter()
    tags = index.tag(xy)
    return ready - start, time.perf_counter() - ready, tags


def with_strtree(polygons: npt.NDArray[np.object_], xy: npt.NDArray[np.float64]) -> tuple[float, float, Tags]:
    """Build shapely's tree of the polygons, query it with the points."""
    start = time.perf_counter()
    tree = shapely.STRtree(polygons)
    ready = time.perf_counter()
    point, polygon = tree.query(shapely.points(xy), predicate="intersects")
    tags = lowest(point, polygon, len(xy))
    return ready - start, time.perf_counter() - ready, tags


def with_sjoin(polygons: npt.NDArray[np.object_], xy: npt.NDArray[np.float64]) -> tuple[float, float, Tags]:
    """Join frames with geopandas; it has no set-up of its own."""
    start = time.perf_counter()
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T))
    pairs = gpd.sjoin(points, gpd.GeoDataFrame(geometry=polygons), predicate="intersects")
    tags = lowest(pairs.index.to_numpy(), pairs["index_right"].to_numpy(), len(xy))
    return 0.0, time.perf_counter() - start, tags


WAYS: dict[str, Callable[..., tuple[float, float, Tags]]] = {
    "raster index (geo.tagging)": with_ours,
    "shapely STRtree": with_strtree,
    "geopandas sjoin": with_sjoin,
}


def measure(point_count: int = 1_000_000, polygon_count: int = 2_000, rounds: int = 3) -> list[Row]:
    """Run every way in turn, `rounds` times, on the same points and polygons."""
    rng = np.random.default_rng(SEED)
    polygons, xy = grids(polygon_count, rng), rng.uniform(-0.01, 1.01, (point_count, 2))
    runs = [{way: run(polygons.copy(), xy) for way, run in WAYS.items()} for _ in range(rounds)]
    truth = runs[0]["shapely STRtree"][2]
    rows = []
    for way in WAYS:
        tag_s = statistics.median(run[way][1] for run in runs)
        setup_s = statistics.median(run[way][0] for run in runs)
        wrong = int((runs[0][way][2] != truth).sum())
        rows.append(Row(way, setup_s, tag_s, point_count / tag_s, wrong))
    return rows


def main(arguments: list[str]) -> None:
    """Print the table in Markdown."""
    print("| way | set-up s | tag s | points/s | wrong |\n| --- | --: | --: | --: | --: |")
    for row in measure(*map(int, arguments)):
        print(f"| {row.way} | {row.setup_s:.2f} | {row.tag_s:.3f} | {row.points_a_second:,.0f} | {row.wrong_count} |")


if __name__ == "__main__":
    main(sys.argv[1:])
