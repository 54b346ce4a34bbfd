"""Check a plan from the units and the plan alone: everything is recomputed, nothing a program says is believed.

Neighbours are units of one community that share at least 1 m of border, or whose outlines run beside each other within
half a metre over at least 3 m (points: a Delaunay edge, coincident points in a chain), unless the straight line between
their inside points touches a barrier. Where a gap parts them, units at most 40 m apart are neighbours too if no barrier
lies between; so are the pairs a plan names as its own bridges.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial import Delaunay

Array = npt.NDArray[np.generic]
MIN_BORDER_M = 1.0
HAIR_M, LEAST_BESIDE_M = 0.5, 3.0
GAP_M = 40.0
STREET_M = 15.0
"""Half the width of the streets that are closed before a grid's outline is looked at for holes."""


@dataclass(frozen=True)
class Facts:
    """What an input is, before any plan. Pairs are row positions (m, 2); -1 stands for no compound or no grid."""

    households: Array
    community: Array
    compound: Array
    incumbent: Array
    area_m2: Array
    perimeter_m: Array
    pairs: Array
    border_m: Array
    is_crossing: Array
    bridges: Array
    inside_xy_m: Array

    def save(self, path: Path) -> None:
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Facts":
        with np.load(path) as stored:
            return cls(**stored)

    @property
    def is_point(self) -> bool:
        return not self.area_m2.any()

    @property
    def links(self) -> Array:
        """Pairs that connect: no barrier between."""
        return np.vstack([self.pairs[~self.is_crossing], self.bridges])


@dataclass(frozen=True)
class Measures:
    """What a plan is. `None` where the input has no such thing (compounds, incumbent, polygons, points)."""

    grids: int
    grids_in_band: int
    communities: int
    communities_in_band: int
    communities_feasible: int
    disconnected: int
    leaving: int
    compactness: float | None
    households: float
    moved: float | None
    split_compounds: int | None
    crossings: int
    target_miss: float
    longest_step_m: float | None


def read_facts(units: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None) -> Facts:
    """Take an input apart; columns households, community, and perhaps compound and incumbent."""
    geometry = shapely.make_valid(units.geometry.to_numpy())
    community = pd.factorize(units["community"])[0]
    inside = shapely.point_on_surface(geometry)
    lines = shapely.STRtree([] if barriers is None else barriers.to_crs(units.crs).geometry.to_numpy())
    is_point = bool((shapely.get_type_id(geometry) == 0).all())
    pairs, border_m = _point_pairs(inside, community) if is_point else _polygon_pairs(geometry, community)
    is_crossing = _crosses(inside, lines, pairs)
    bridges = np.empty((0, 2), dtype=int) if is_point else _bridges(geometry, community, pairs[~is_crossing])
    return Facts(
        households=units["households"].to_numpy(dtype=float),
        community=community,
        compound=_codes(units, "compound"),
        incumbent=_codes(units, "incumbent"),
        area_m2=shapely.area(geometry),
        perimeter_m=shapely.length(geometry),
        pairs=pairs,
        border_m=border_m,
        is_crossing=is_crossing,
        bridges=bridges[~_crosses(inside, lines, bridges)],
        inside_xy_m=shapely.get_coordinates(inside),
    )


def measure(facts: Facts, grid: Array, bridges: Array, *, floor: float, ceiling: float) -> Measures:
    """Measure a plan: the grid of every unit, numbered from 0, and the pairs it joins across gaps."""
    households, community = facts.households, facts.community
    count = int(grid.max()) + 1
    size = np.bincount(grid, households)
    in_band = (size >= floor) & (size <= ceiling)
    total = np.bincount(community, households)
    at = np.zeros(count, dtype=int)
    at[grid] = community
    in_band_of = np.bincount(at, in_band, minlength=len(total))
    links = np.vstack([facts.links, bridges]).astype(int)
    links = links[grid[links[:, 0]] == grid[links[:, 1]]]
    named = facts.compound >= 0
    inner = grid[facts.pairs[:, 0]] == grid[facts.pairs[:, 1]]
    return Measures(
        grids=count,
        grids_in_band=int(in_band.sum()),
        communities=len(total),
        communities_in_band=int((in_band_of == np.bincount(at, minlength=len(total))).sum()),
        communities_feasible=int((np.floor(total / floor) >= np.ceil(total / ceiling)).sum()),
        disconnected=int((_pieces(grid, links) > 1).sum()),
        leaving=int((pd.Series(community).groupby(grid).nunique() > 1).sum()),
        compactness=None if facts.is_point else _compactness(facts, grid, inner),
        households=float(households.sum()),
        moved=_moved(facts, grid) if (facts.incumbent >= 0).any() else None,
        split_compounds=_split(facts, grid, ceiling) if named.any() else None,
        crossings=int((inner & facts.is_crossing).sum()),
        target_miss=float(np.abs(size - (floor + ceiling) / 2).mean()),
        longest_step_m=_longest_step_m(facts, links) if facts.is_point else None,
    )


def enclosed(units: gpd.GeoDataFrame, grid: Array, is_of: Array) -> tuple[int, int]:
    """Count grids with a hole in which other units of their community live, and grids that lie wholly in such a hole.

    Streets are closed first, so that a ring of blocks around another grid is seen as a ring. `is_of` is the community.
    """
    geometry = shapely.make_valid(units.geometry.to_numpy())
    inside, people = shapely.point_on_surface(geometry), units["households"].to_numpy() > 0
    tree = shapely.STRtree(inside)
    with_hole, within_hole = 0, set()
    for number in range(int(grid.max()) + 1):
        own = np.flatnonzero(grid == number)
        outline = shapely.union_all(shapely.buffer(geometry[own], STREET_M, quad_segs=2))
        rings = [ring for part in shapely.get_parts(outline) for ring in part.interiors]
        held = {int(unit) for ring in rings for unit in tree.query(shapely.Polygon(ring), predicate="contains")}
        held = {unit for unit in held if grid[unit] != number and is_of[unit] == is_of[own[0]] and people[unit]}
        with_hole += bool(held)
        for other in {int(grid[unit]) for unit in held}:
            if held.issuperset(np.flatnonzero((grid == other) & people).tolist()):
                within_hole.add(other)
    return with_hole, len(within_hole)


def closed_compactness(units: gpd.GeoDataFrame, grid: Array) -> float:
    """Mean Polsby-Popper ratio of grids whose gaps of up to 30 m are closed: streets inside them are no outline."""
    geometry = shapely.buffer(shapely.make_valid(units.geometry.to_numpy()), STREET_M, quad_segs=2)
    wide = np.array([shapely.union_all(geometry[grid == number]) for number in range(int(grid.max()) + 1)])
    shape = shapely.buffer(wide, -STREET_M, quad_segs=2)
    return float(np.mean(4 * np.pi * shapely.area(shape) / np.maximum(shapely.length(shape), 1e-9) ** 2))


def _codes(units: gpd.GeoDataFrame, column: str) -> Array:
    """Positions of a column's values, -1 where there is none."""
    return pd.factorize(units[column])[0] if column in units else np.full(len(units), -1)


def _crosses(inside: Array, lines: shapely.STRtree, pairs: Array) -> Array:
    """Which straight lines between inside points touch a barrier."""
    cut = np.zeros(len(pairs), dtype=bool)
    if len(lines) and len(pairs):
        ends = np.stack([shapely.get_coordinates(inside[pairs[:, k]]) for k in (0, 1)], axis=1)
        cut[lines.query(shapely.linestrings(ends), predicate="intersects")[0]] = True
    return cut


def _polygon_pairs(geometry: Array, community: Array) -> tuple[Array, Array]:
    """Pairs with a shared border, or one drawn twice, and its length."""
    pairs, border_m = _shared(geometry, community)
    torn = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(geometry, gap_width=HAIR_M)))
    twice, twice_m = _drawn_twice(geometry, community, torn)
    pairs, number = np.unique(np.vstack([pairs, twice]), axis=0, return_inverse=True)
    longest_m = np.zeros(len(pairs))
    np.maximum.at(longest_m, number.ravel(), np.r_[border_m, twice_m])
    return pairs, longest_m


def _drawn_twice(geometry: Array, community: Array, torn: Array) -> tuple[Array, Array]:
    """Pairs of units whose outlines run beside each other farther than they coincide: both in a belt along the other.

    At each end of a border the belt holds up to its half width of the next side, on both outlines.
    """
    a, b = shapely.STRtree(geometry[torn]).query(geometry[torn], predicate="dwithin", distance=HAIR_M)
    a, b = torn[a], torn[b]
    keep = (a < b) & (community[a] == community[b])
    a, b = a[keep], b[keep]
    outline = shapely.boundary(geometry[torn])
    belt = shapely.buffer(outline, HAIR_M, cap_style="flat")
    first, second = np.searchsorted(torn, a), np.searchsorted(torn, b)
    beside_m = shapely.length(shapely.intersection(outline[first], belt[second]))
    beside_m = (beside_m + shapely.length(shapely.intersection(outline[second], belt[first]))) / 2 - 2 * HAIR_M
    shared_m = shapely.length(shapely.intersection(outline[first], outline[second]))
    is_twice = beside_m - shared_m >= LEAST_BESIDE_M
    return np.c_[a, b][is_twice], beside_m[is_twice]


def _shared(geometry: Array, community: Array) -> tuple[Array, Array]:
    """Pairs with a shared border, and its length."""
    a, b = shapely.STRtree(geometry).query(geometry, predicate="intersects")
    keep = (a < b) & (community[a] == community[b])
    a, b = a[keep], b[keep]
    outline = shapely.boundary(geometry)
    border_m = shapely.length(shapely.intersection(outline[a], outline[b]))
    return np.c_[a, b][border_m >= MIN_BORDER_M], border_m[border_m >= MIN_BORDER_M]


def _point_pairs(points: Array, community: Array) -> tuple[Array, Array]:
    """Delaunay edges of each community, coincident points in a chain; each counts as 1 m of border."""
    found = []
    for area in np.unique(community):
        index = np.flatnonzero(community == area)
        spots, first, spot = np.unique(
            shapely.get_coordinates(points[index]), axis=0, return_index=True, return_inverse=True
        )
        twins = np.c_[first[spot.ravel()], np.arange(len(index))]
        found.append(index[twins[twins[:, 0] != twins[:, 1]]])
        if len(spots) > 3:
            triangles = Delaunay(spots).simplices
            edges = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
        else:
            edges = np.array([(i, j) for i in range(len(spots)) for j in range(i)], dtype=int).reshape(-1, 2)
        found.append(index[first[edges]])
    pairs = np.unique(np.sort(np.vstack(found), axis=1), axis=0)
    return pairs, np.ones(len(pairs))


def _bridges(geometry: Array, community: Array, pairs: Array) -> Array:
    """The shortest link between any two pieces of a community that lie at most 40 m apart."""
    piece = connected_components(_graph(len(geometry), pairs), directed=False)[1]
    if len(np.unique(piece)) == len(np.unique(community)):
        return np.empty((0, 2), dtype=int)
    a, b = shapely.STRtree(geometry).query(geometry, predicate="dwithin", distance=GAP_M)
    keep = (piece[a] < piece[b]) & (community[a] == community[b])
    a, b = a[keep], b[keep]
    order = np.argsort(shapely.distance(geometry[a], geometry[b]), kind="stable")
    _, first = np.unique(np.c_[piece[a], piece[b]][order], axis=0, return_index=True)
    return np.c_[a, b][order[first]]


def _graph(count: int, pairs: Array, weight: Array | None = None) -> coo_matrix:
    return coo_matrix((np.ones(len(pairs)) if weight is None else weight, pairs.T), (count, count)).tocsr()


def _pieces(grid: Array, links: Array) -> Array:
    """Connected pieces of every grid, counted with links inside grids alone."""
    piece = connected_components(_graph(len(grid), links), directed=False)[1]
    return np.bincount(np.unique(np.c_[grid, piece], axis=0)[:, 0])


def _compactness(facts: Facts, grid: Array, inner: Array) -> float:
    """Mean Polsby-Popper ratio."""
    count = int(grid.max()) + 1
    shared_m = np.bincount(grid[facts.pairs[inner, 0]], facts.border_m[inner], minlength=count)
    perimeter_m = np.bincount(grid, facts.perimeter_m) - 2 * shared_m
    return float(np.mean(4 * np.pi * np.bincount(grid, facts.area_m2) / np.maximum(perimeter_m, 1e-9) ** 2))


def _moved(facts: Facts, grid: Array) -> float:
    """Households that change grid under the best one-to-one matching in each community."""
    moved = 0.0
    order = np.argsort(facts.community, kind="stable")
    for index in np.split(order, np.flatnonzero(np.diff(facts.community[order])) + 1):
        known = index[facts.incumbent[index] >= 0]
        if len(known):
            old = np.unique(facts.incumbent[known], return_inverse=True)[1]
            new = np.unique(grid[known], return_inverse=True)[1]
            shared = np.zeros((old.max() + 1, new.max() + 1))
            np.add.at(shared, (old, new), facts.households[known])
            moved += float(shared.sum() - shared[linear_sum_assignment(-shared)].sum())
    return moved


def _split(facts: Facts, grid: Array, ceiling: float) -> int:
    """Compounds in several grids although they fit one."""
    named = facts.compound >= 0
    compound = facts.compound[named]
    fits = np.bincount(compound, facts.households[named]) <= ceiling
    parts = np.bincount(np.unique(np.c_[compound, grid[named]], axis=0)[:, 0])
    return int(((parts > 1) & fits).sum())


def _longest_step_m(facts: Facts, links: Array) -> float:
    """The longest step from point to point that some grid cannot do without."""
    if not len(links):
        return 0.0
    step_m = np.hypot(*(facts.inside_xy_m[links[:, 0]] - facts.inside_xy_m[links[:, 1]]).T)
    ends, number = np.unique(np.sort(links, axis=1), axis=0, return_inverse=True)
    shortest = np.full(len(ends), np.inf)
    np.minimum.at(shortest, number.ravel(), np.maximum(step_m, 1e-9))
    return float(minimum_spanning_tree(_graph(len(facts.households), ends, shortest)).data.max())
