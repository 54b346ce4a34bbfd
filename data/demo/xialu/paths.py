"""Paths between houses: from the gates of every compound, village and old block to the entrances inside.

Walls keep people in: a path leaves its yard only at a gate, which is a junction with the street. Nothing here is left
to chance, so the paths follow from the plan alone.
"""

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree, Voronoi
from shapely.geometry import LineString, Polygon

from data.demo.xialu.blocks import HOUSING
from data.demo.xialu.scene import Scene
from data.demo.xialu.terrain import Array

CLEARANCE_M = 0.8  # of a path from walls and houses
WALL_STEP_M, HOUSE_STEP_M = 8.0, 5.0
LATTICE_M = 0.25  # ways that meet this near one another meet in one place
OPEN_M = 15.0  # a way between two places on one wall needs the wall to be this wide apart there
ENTRANCE_M = 2.5  # before the long north side, where the staircases are
SERVED_M = 42.0  # an entrance this near a path, as one walks, needs none of its own
STRAIGHTEN_M = (2.5, 1.0, 0.0)  # tried in this order until a path keeps clear of the houses
GATE_EVERY_M, GATE_FROM_CORNER_M = 10.0, 20.0
GATE_REACH_M = (50.0, 130.0)  # how far from the wall the street may be; the second where the first finds none
GATES_ABOVE_M2 = (0.0, 11_000.0, 34_000.0)  # first, second and third gate
GATES_APART_M = 80.0
GATE_LOSS_M = {"local": 0.0, "collector": 12.0, "arterial": 45.0}  # gates shun main roads


@dataclass(frozen=True)
class Yard:
    """What one wall, or one ring of streets, surrounds: a compound, a village, the single houses of a block."""

    area: Polygon
    footprints: list[Polygon]


@dataclass(frozen=True)
class Ways:
    """Where one can walk in a yard: nodes in metres and pairs of them, midway between whatever stands around."""

    xy: Array
    pairs: Array

    def matrix(self) -> csr_array:
        """Give the lengths of the pairs as a symmetric matrix."""
        length_m = np.hypot(*(self.xy[self.pairs[:, 0]] - self.xy[self.pairs[:, 1]]).T)
        ends = (np.r_[self.pairs[:, 0], self.pairs[:, 1]], np.r_[self.pairs[:, 1], self.pairs[:, 0]])
        return csr_array((np.tile(length_m, 2), ends), shape=(len(self.xy), len(self.xy)))


@dataclass(frozen=True)
class Gate:
    """A gate: the node of the ways behind it, and its place on a street (row and metres along)."""

    node: int
    street: int
    along_m: float
    xy: tuple[float, float]


def lay_paths(scene: Scene) -> gpd.GeoDataFrame:
    """Give all roads with the paths of every yard: streets are cut at the gates, paths are footways without a name.

    Returns
    -------
    roads
        The columns of `scene.network.roads`; streets first, in their order.
    """
    roads = scene.network.roads
    sites = GateSites(scene)
    gates: list[Gate] = []
    paths: list[LineString] = []
    for yard in _yards(scene):
        lines, opened = _lay(yard, sites)
        paths += lines
        gates += opened
    cuts: dict[int, list[Gate]] = {}
    for gate in gates:
        cuts.setdefault(gate.street, []).append(gate)
    rows, pieces = [], []
    for row, street in enumerate(roads.geometry):
        parts = _cut(street, cuts.get(row, []))
        rows += [row] * len(parts)
        pieces += parts
    streets = gpd.GeoDataFrame(roads.iloc[rows].drop(columns="geometry"), geometry=pieces, crs=roads.crs)
    footways = gpd.GeoDataFrame(
        {"name": None, "kind": "footway"}, index=range(len(paths)), geometry=paths, crs=roads.crs
    )
    return pd.concat([streets, footways], ignore_index=True)


def _yards(scene: Scene) -> list[Yard]:
    """List the compounds, then the housing of each block that belongs to none."""
    town = scene.town
    compound, face = np.array(town.compound), np.array(town.face)
    footprints = np.array(town.footprint)
    yards = [Yard(c.area, footprints[compound == row].tolist()) for row, c in enumerate(town.compounds)]
    is_free = (compound < 0) & np.isin(town.kind, HOUSING)
    for block in scene.blocks:
        members = np.flatnonzero(is_free & (face == block.face))
        if len(members):
            yards.append(Yard(block.area, footprints[members].tolist()))
    return yards


def _lay(yard: Yard, sites: "GateSites") -> tuple[list[LineString], list[Gate]]:
    """Lay the paths of a yard; parts that no way connects inside have gates of their own."""
    ways = _find_ways(yard)
    if not len(ways.pairs):
        return [], []
    entrances = np.array([_entrance(footprint) for footprint in yard.footprints])
    target = np.asarray(KDTree(ways.xy).query(entrances)[1])
    matrix = ways.matrix()
    part = connected_components(matrix, directed=False)[1]
    lines: list[LineString] = []
    gates: list[Gate] = []
    for inside in np.unique(part[target]):
        own = part[target] == inside
        opened = sites.open_gates(yard, ways, np.flatnonzero(part == inside), entrances[own])
        if not opened:
            continue
        used = _reach(matrix, [gate.node for gate in opened], target[own])
        links = [LineString([gate.xy, ways.xy[gate.node]]) for gate in opened]
        lines += _draw([*shapely.linestrings(ways.xy[np.array(used, dtype=int).reshape(-1, 2)]), *links], yard)
        gates += opened
    return lines, gates


def _entrance(footprint: Polygon) -> Array:
    """Give the place before the middle of a house's north side (the third of a rectangle's sides)."""
    corners = np.array(footprint.exterior.coords)
    middle = corners[2:4].mean(axis=0)
    outward = middle - corners[:2].mean(axis=0)
    place: Array = middle + outward / np.hypot(*outward) * ENTRANCE_M
    return place


def _find_ways(yard: Yard) -> Ways:
    """Find the lines midway between houses and walls: borders of the cells of points along them."""
    rings = [shapely.segmentize(yard.area.boundary, WALL_STEP_M)]
    rings += [shapely.segmentize(footprint.exterior, HOUSE_STEP_M) for footprint in yard.footprints]
    points, owner = shapely.get_coordinates(rings, return_index=True)
    points, first = np.unique(points, axis=0, return_index=True)
    owner = owner[first]
    centre = points.mean(axis=0)
    diagram = Voronoi(points - centre)
    pairs, sides = np.array(diagram.ridge_vertices), diagram.ridge_points
    apart_m = np.hypot(*(points[sides[:, 0]] - points[sides[:, 1]]).T)
    between = (pairs >= 0).all(axis=1) & ((owner[sides[:, 0]] != owner[sides[:, 1]]) | (apart_m > OPEN_M))
    pairs = pairs[between]
    xy = np.round((diagram.vertices + centre) / LATTICE_M) * LATTICE_M
    walls = shapely.union_all(shapely.buffer(yard.footprints, CLEARANCE_M, quad_segs=2))
    room = yard.area.buffer(-CLEARANCE_M, quad_segs=2).difference(walls)
    shapely.prepare(room)
    pairs = pairs[shapely.covers(room, shapely.linestrings(xy[pairs]))]
    xy, pairs = np.unique(xy[pairs.ravel()], axis=0, return_inverse=True)
    pairs = np.unique(np.sort(pairs.reshape(-1, 2)), axis=0)
    return Ways(xy, pairs[pairs[:, 0] != pairs[:, 1]])


def _reach(matrix: csr_array, gates: list[int], target: Array) -> list[tuple[int, int]]:
    """Join the gates, then one entrance after another, the nearest first, until none is far from a path."""
    used: dict[tuple[int, int], None] = {}
    nodes = [gates[0]]
    for goals, served_m in [*((np.array([gate]), 0.0) for gate in gates[1:]), (target, SERVED_M)]:
        while len(left := _walk(matrix, nodes, goals, served_m, used)):
            goals = left
    return list(used)


def _walk(
    matrix: csr_array, nodes: list[int], goals: Array, served_m: float, used: dict[tuple[int, int], None]
) -> Array:
    """Add the shortest way from the nodes in use to the nearest goal that is not served; give all these goals."""
    far_m, before, _ = dijkstra(matrix, directed=False, indices=nodes, min_only=True, return_predecessors=True)
    goals = goals[far_m[goals] > served_m]
    here = int(goals[np.argmin(far_m[goals])]) if len(goals) else nodes[0]
    while far_m[here] > 0.0:
        there = int(before[here])
        used[there, here] = None
        nodes.append(here)
        here = there
    return goals


def _draw(edges: list[LineString], yard: Yard) -> list[LineString]:
    """Merge edges to lines between junctions, as straight as the houses allow."""
    houses = shapely.multipolygons(yard.footprints)
    shapely.prepare(houses)
    lines = []
    for line in shapely.get_parts(shapely.line_merge(shapely.multilinestrings(edges))):
        for tolerance_m in STRAIGHTEN_M:
            straight = line.simplify(tolerance_m)
            if not shapely.dwithin(houses, straight, CLEARANCE_M / 2):
                break
        lines.append(straight)
    return lines


class GateSites:
    """The places on streets where gates may open, and what a way from there to a yard may not cross."""

    def __init__(self, scene: Scene) -> None:
        roads = scene.network.roads
        at = [
            (row, along_m)
            for row, (kind, street) in enumerate(zip(roads.kind, roads.geometry, strict=True))
            if kind in GATE_LOSS_M
            for along_m in _places_along(street.length)
        ]
        self._street = np.array([row for row, _ in at])
        self._along_m = np.array([along_m for _, along_m in at])
        self._loss_m = roads.kind.map(GATE_LOSS_M).to_numpy()[self._street]
        self._place = shapely.line_interpolate_point(roads.geometry.to_numpy()[self._street], self._along_m)
        self._xy = shapely.get_coordinates(self._place)
        self._tree = shapely.STRtree(self._place)
        terrain = scene.terrain
        self._areas = np.array([compound.area for compound in scene.town.compounds])
        self._in_the_way = shapely.STRtree([*roads.geometry, terrain.river_space, terrain.rail_space, terrain.lake])
        self._houses = shapely.STRtree(scene.town.footprint)
        self._compounds = shapely.STRtree(self._areas)

    def open_gates(self, yard: Yard, ways: Ways, inside: Array, entrances: Array) -> list[Gate]:
        """Open one to three gates to the nodes `inside`: one near the middle, others far from it."""
        for reach_m in GATE_REACH_M:
            sites, node = self._sites(yard, ways, inside, reach_m)
            if len(sites):
                break
        else:
            return []
        loss_m = self._loss_m[sites] + np.hypot(*(self._xy[sites] - ways.xy[node]).T)
        chosen = [int(np.argmin(loss_m + np.hypot(*(ways.xy[node] - entrances.mean(axis=0)).T)))]
        for least_m2 in GATES_ABOVE_M2[1:]:
            apart_m = np.min([np.hypot(*(ways.xy[node] - ways.xy[node[i]]).T) for i in chosen], axis=0)
            gain_m = np.where(apart_m > GATES_APART_M, apart_m - loss_m, -np.inf)
            if yard.area.area > least_m2 and np.isfinite(gain_m.max()):
                chosen.append(int(np.argmax(gain_m)))
        return [
            Gate(int(node[i]), int(self._street[s]), float(self._along_m[s]), tuple(self._xy[s].tolist()))
            for i, s in ((i, sites[i]) for i in chosen)
        ]

    def _sites(self, yard: Yard, ways: Ways, inside: Array, reach_m: float) -> tuple[Array, Array]:
        """List the sites within reach that have a clear way to a node of the yard, and those nodes."""
        sites = np.sort(self._tree.query(yard.area, predicate="dwithin", distance=reach_m))
        if not len(sites):
            return sites, sites
        node = inside[KDTree(ways.xy[inside]).query(self._xy[sites])[1]]
        start, stop = self._xy[sites], ways.xy[node]
        step = (stop - start) / np.hypot(*(stop - start).T)[:, None]
        links = shapely.linestrings(np.stack([start + step * 0.5, stop - step * 0.1], axis=1))
        is_shut = np.zeros(len(sites), dtype=bool)
        is_shut[self._in_the_way.query(links, predicate="intersects")[0]] = True
        is_shut[self._houses.query(links, predicate="dwithin", distance=CLEARANCE_M)[0]] = True
        is_shut[shapely.STRtree(shapely.linestrings(ways.xy[ways.pairs])).query(links, predicate="intersects")[0]] = (
            True
        )
        link, other = self._compounds.query(links, predicate="intersects")
        is_shut[link[~shapely.equals(self._areas[other], yard.area)]] = True
        return sites[~is_shut], node[~is_shut]


def _places_along(length_m: float) -> Array:
    """Give metres along a street where gates may open, away from its corners; the middle of a short one."""
    count = int((length_m - 2 * GATE_FROM_CORNER_M) // GATE_EVERY_M)
    return length_m / 2 + (np.arange(max(0, count) + 1) - max(0, count) / 2) * GATE_EVERY_M


def _cut(street: LineString, gates: list[Gate]) -> list[LineString]:
    """Cut a street at its gates, whose places become vertices of both pieces."""
    xy = np.array(street.coords)
    places = {gate.along_m: gate.xy for gate in sorted(gates, key=lambda gate: gate.along_m)}
    at_m = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
    bounds = [0.0, *places, at_m[-1]]
    ends = [tuple(xy[0]), *places.values(), tuple(xy[-1])]
    return [
        LineString([ends[i], *xy[(at_m > low + 1e-6) & (at_m < high - 1e-6)], ends[i + 1]])
        for i, (low, high) in enumerate(pairwise(bounds))
    ]
