"""Road edges between junctions, their bridges, and the barriers with a gap at every crossing."""

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry import LineString, Point

from data.demo.xialu.terrain import CRS_M, Array, Terrain

HALF_WIDTH_M = {"expressway": 22.0, "arterial": 19.0, "collector": 11.0, "local": 6.5, "footway": 2.0, "path": 1.5}
GAP_HALF_WIDTH_M = {"arterial": 10.0, "collector": 7.0, "local": 5.0, "footway": 4.0}
SHORTEST_EDGE_M = 12.0
FOOTBRIDGE_REACH_M = 80.0
FOOTBRIDGE_SPACING_M = 350.0
PATH_EVERY = 7  # every so many dead ends at the city's rim, a path goes on into the hills

EXPRESSWAY = "环城高速"

Source = tuple[str, str, LineString]


def lay_roads(
    rng: np.random.Generator, terrain: Terrain, sources: list[Source], noded: shapely.MultiLineString
) -> gpd.GeoDataFrame:
    """Give the noded lines back their street's name and class; cut streets stop at the railway and the river."""
    lines = [line for _, _, line in sources]
    stop = shapely.union(terrain.river_space, terrain.rail_space).buffer(3.0)
    main = {*terrain.roads, EXPRESSWAY}
    kept: list[LineString] = []
    for edge, owner in _with_owner([edge for edge in shapely.get_parts(noded) if edge.length > 0.2], lines):
        is_main = sources[owner][0] in main
        parts = shapely.get_parts(edge if is_main else edge.difference(stop))
        kept += [part for part in parts if is_main or part.length > SHORTEST_EDGE_M]
    merged = list(shapely.get_parts(shapely.line_merge(shapely.MultiLineString(kept))))
    rows = [(*sources[owner][:2], edge) for edge, owner in _with_owner(merged, lines)]
    rows += _footbridges(terrain, rows)
    rows = _largest_part(rows)
    rows += _hill_paths(rng, terrain, rows)
    return gpd.GeoDataFrame(
        {"name": [name for name, _, _ in rows], "kind": [kind for _, kind, _ in rows]},
        geometry=[line for _, _, line in rows],
        crs=CRS_M,
    )


def _with_owner(edges: list[LineString], lines: list[LineString]) -> list[tuple[LineString, int]]:
    """Find the street (the first, where two agree) that each edge is a piece of; borders are no street's."""
    middles = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    at, source = shapely.STRtree(lines).query(middles, predicate="dwithin", distance=0.3)
    owner = dict(sorted(zip(at.tolist(), source.tolist(), strict=True), reverse=True))
    return [(edges[i], owner[i]) for i in sorted(owner)]


def _node_key(point: tuple[float, float]) -> tuple[int, int]:
    """Name a road's end by its place on a 1 cm lattice."""
    return round(point[0] * 100), round(point[1] * 100)


def _dead_ends(rows: list[Source]) -> list[tuple[float, float]]:
    """List the ends that only one edge has, in order."""
    ends = [end for _, _, line in rows for end in (line.coords[0], line.coords[-1])]
    counts: dict[tuple[int, int], int] = {}
    for end in ends:
        counts[_node_key(end)] = counts.get(_node_key(end), 0) + 1
    return [end for end in ends if counts[_node_key(end)] == 1]


def _footbridges(terrain: Terrain, rows: list[Source]) -> list[Source]:
    """Join streets that end opposite each other on the two banks of the river."""
    ends = np.array([end for end in _dead_ends(rows) if terrain.river.distance(Point(end)) < 30])
    bridges: list[Source] = []
    for end in ends:
        order = np.argsort(np.hypot(*(ends - end).T), kind="stable")
        for j in (int(j) for j in order[1:6]):
            span = LineString([end, ends[j]])
            is_alone = all(span.distance(other) > FOOTBRIDGE_SPACING_M for _, _, other in bridges)
            if is_alone and span.length < FOOTBRIDGE_REACH_M and span.crosses(terrain.river):
                bridges.append(("步行桥", "footway", span))
                break
    return bridges


def _largest_part(rows: list[Source]) -> list[Source]:
    """Keep the largest connected network (streets cut off between railway and river go); the expressway stays."""
    numbers: dict[tuple[int, int], int] = {}
    pairs = [
        [numbers.setdefault(_node_key(end), len(numbers)) for end in (line.coords[0], line.coords[-1])]
        for _, _, line in rows
    ]
    start, stop = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (start, stop)), shape=(len(numbers), len(numbers)))
    _, label = connected_components(graph, directed=False)
    kept = np.bincount(label[start]).argmax()
    return [row for row, part in zip(rows, label[start], strict=True) if part == kept]


def _hill_paths(rng: np.random.Generator, terrain: Terrain, rows: list[Source]) -> list[Source]:
    """Let some streets that end at the rim go on as footpaths into the hills."""
    rim = terrain.built_up.exterior
    room = terrain.outline.buffer(-60).difference(terrain.built_up.buffer(-2)).difference(terrain.lake.buffer(30))
    room = room.difference(terrain.expressway.buffer(30))
    starts = [end for end in _dead_ends(rows) if rim.distance(Point(end)) < 1.0]
    paths: list[Source] = []
    for here in starts[::PATH_EVERY]:
        line = LineString(_wander(rng, terrain, np.array(here))).simplify(0)
        crossed = any(line.intersects(other) for _, _, other in paths)
        if room.contains(line) and line.is_simple and not crossed:
            paths.append(("登山步道", "path", line))
    return paths


def _wander(rng: np.random.Generator, terrain: Terrain, here: Array) -> Array:
    """Walk away from the city in 60 m steps with random turns."""
    towards = np.array(shapely.shortest_line(Point(here), terrain.built_up.buffer(-250)).coords[-1])
    step = (here - towards) / np.hypot(*(here - towards)) * 60.0
    points = [here]
    for _ in range(int(rng.integers(5, 14))):
        turn = rng.normal(0.0, 0.32)
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        step = spin @ step
        points.append(points[-1] + step)
    return np.array(points)


def barrier_lines(terrain: Terrain, roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give railway, river, lake and expressway as barriers, open where a road crosses.

    The railway and the expressway are lines, the river and the lake polygons. The gap is as wide as the
    bridge or the level crossing; the expressway is crossed nowhere but at its three interchanges.
    """
    rail, river = terrain.rail, terrain.river_space
    crossing = roads[roads.kind != "path"]
    for space, line in ((rail, terrain.rail), (river, terrain.river)):
        hits = crossing[crossing.intersects(line)]
        gaps = shapely.buffer(hits.geometry.to_numpy(), hits.kind.map(GAP_HALF_WIDTH_M).to_numpy())
        nearby = shapely.union_all(gaps).intersection(line.buffer(60))
        space = space.difference(nearby)
        if line is terrain.rail:
            rail = space
        else:
            river = space
    parts = [("rail", "铁路(示例)", part) for part in shapely.get_parts(rail)]
    parts += [("river", "下陆港(示例)", part) for part in shapely.get_parts(river.intersection(terrain.outline))]
    parts += [("lake", "镜湖(示例)", terrain.lake)]
    parts += [("expressway", "环城高速(示例)", part) for part in shapely.get_parts(terrain.expressway)]
    parts = [part for part in parts if part[2].length > 30]
    return gpd.GeoDataFrame(
        {
            "code": [f"XLB{i:03d}" for i in range(1, len(parts) + 1)],
            "name": [name for _, name, _ in parts],
            "kind": [kind for kind, _, _ in parts],
        },
        geometry=[geom for _, _, geom in parts],
        crs=CRS_M,
    )
