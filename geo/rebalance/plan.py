"""The frozen result of a rebalancing, and how it is put together from the communities' solutions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from geo.rebalance.adjacency import components
from geo.rebalance.board import polsby_popper
from geo.rebalance.bridges import shortest_tree
from geo.rebalance.codes import match, name_grids
from geo.rebalance.prepare import Prepared
from geo.rebalance.problem import Band, CommunityProblem, CommunitySolution, FloatArray, IntArray, Mode, Shortfall
from geo.rebalance.rings import Rings, count_rings
from geo.rebalance.sums import sum_by


@dataclass(frozen=True)
class Grid:
    """One grid; `compactness` is the Polsby-Popper ratio (0-1), None where the units are points."""

    grid_id: str
    community: str
    units: int
    households: float
    in_band: bool
    compactness: float | None


@dataclass(frozen=True)
class Bridge:
    """Two units of one grid, by row position, joined although they share no border."""

    unit_a: int
    unit_b: int
    gap_m: float
    crosses_barrier: bool


@dataclass(frozen=True)
class CommunityResult:
    """What became of one community; `moved_households` is None without an incumbent plan.

    `moved_bound_households` is a proven lower bound of it where least change alone was asked for, else None.
    """

    community: str
    units: int
    households: float
    grids: int
    grids_in_band: int
    moved_households: float | None
    moved_bound_households: float | None
    miss_households: float
    miss_bound_households: float
    shortfalls: tuple[Shortfall, ...]


@dataclass(frozen=True)
class RebalancePlan:
    """Every unit in one grid, every grid connected and inside one community.

    Attributes
    ----------
    grid_id
        Grid of each unit, in input order.
    grids
        Grids in order of community and first unit.
    communities
        Communities in order of first unit, with the reasons where grids are outside the band.
    bridges
        Bridges that lie inside a grid, and the shortest ways across streets without which its units would not connect.
    disconnected_grids
        Grids that are not connected, recounted from the units; 0 unless the engine is at fault.
    barrier_crossings
        Pairs of neighbouring units in one grid that a barrier parts.
    rings
        Holes in grids, and grids inside another one; None where the units are points.
    mean_distance_m
        How far the units are from the middle of their grid, in the mean: the measure of shape where they are points;
        None of polygons, whose grids have a Polsby-Popper ratio.
    cut_compounds, parted_compounds
        Compounds cut by unit because they alone exceed the ceiling; compounds that lie in several pieces or
        communities, of which every piece is whole.
    """

    grid_id: tuple[str, ...]
    grids: tuple[Grid, ...]
    communities: tuple[CommunityResult, ...]
    bridges: tuple[Bridge, ...]
    disconnected_grids: int
    barrier_crossings: int
    rings: Rings | None
    mean_distance_m: float | None
    cut_compounds: tuple[str, ...]
    parted_compounds: tuple[str, ...]
    band: Band
    mode: Mode
    shape: float
    seed: int

    @property
    def households(self) -> float:
        """Households of all units."""
        return sum(grid.households for grid in self.grids)

    @property
    def grids_in_band(self) -> int:
        """Grids in the band."""
        return sum(grid.in_band for grid in self.grids)

    @property
    def households_in_band_ratio(self) -> float:
        """Share (0-1) of the households that live in grids in the band; 1 where there are none."""
        total = self.households
        return sum(grid.households for grid in self.grids if grid.in_band) / total if total else 1.0

    @property
    def moved_households(self) -> float | None:
        """Households that change grid, by the best matching in each community; None without an incumbent plan."""
        moved = [result.moved_households for result in self.communities]
        return None if None in moved else sum(value for value in moved if value is not None)

    @property
    def moved_bound_households(self) -> float | None:
        """Proven lower bound of the households that must move; None where a community has none."""
        bounds = [result.moved_bound_households for result in self.communities]
        return None if None in bounds else sum(value for value in bounds if value is not None)

    @property
    def mean_compactness(self) -> float | None:
        """Mean Polsby-Popper ratio of the grids; None where the units are points."""
        values = [grid.compactness for grid in self.grids if grid.compactness is not None]
        return sum(values) / len(values) if values else None

    @property
    def lost_shape(self) -> float:
        """What shape leaves to be wished for, to compare plans of the same units: metres of points, else a ratio."""
        return 1 - (self.mean_compactness or 0.0) if self.mean_distance_m is None else self.mean_distance_m


def assemble(
    prepared: Prepared, solutions: Sequence[CommunitySolution], *, seed: int, shape: float | None = None
) -> RebalancePlan:
    """Name the grids, measure them from the units, and gather the reasons; `shape` where it is not that asked for."""
    units, problems = prepared.units, prepared.problems
    per_unit = [solution.grid[problem.atom] for problem, solution in zip(problems, solutions, strict=True)]
    inside = shapely.get_coordinates(units.inside_m)
    names = name_grids(problems, per_unit, inside=inside, retired=units.incumbents)
    number = np.empty(len(units.households), dtype=np.int64)
    first = 0
    for problem, grid, own in zip(problems, per_unit, names, strict=True):
        number[problem.unit] = grid + first
        first += len(own)
    codes = [code for community in names for code in community]
    grids = _measure(prepared, number, codes)
    return RebalancePlan(
        grid_id=tuple(codes[grid] for grid in number),
        grids=grids,
        communities=tuple(_results(problems, solutions)),
        bridges=_used_bridges(prepared, number),
        disconnected_grids=_disconnected(prepared, number),
        barrier_crossings=_crossings(prepared, number),
        rings=_rings(prepared, number),
        mean_distance_m=_mean_distance_m(number, inside) if units.is_point else None,
        cut_compounds=tuple(units.compounds[c] for c in prepared.atoms.cut_compounds),
        parted_compounds=tuple(units.compounds[c] for c in prepared.atoms.parted_compounds),
        band=prepared.band,
        mode=prepared.mode,
        shape=prepared.shape if shape is None else shape,
        seed=seed,
    )


def _measure(prepared: Prepared, number: IntArray, codes: list[str]) -> tuple[Grid, ...]:
    """Sum the units of each grid."""
    units, count = prepared.units, len(codes)
    size = sum_by(number, units.households, count)
    members = np.bincount(number, minlength=count)
    in_band = prepared.band.holds(size)
    _, first = np.unique(number, return_index=True)
    shape = _compactness(prepared, number, count)
    return tuple(
        Grid(
            grid_id=codes[grid],
            community=units.communities[units.community[first[grid]]],
            units=int(members[grid]),
            households=float(size[grid]),
            in_band=bool(in_band[grid]),
            compactness=None if shape is None else float(shape[grid]),
        )
        for grid in range(count)
    )


def _compactness(prepared: Prepared, number: IntArray, count: int) -> FloatArray | None:
    """Polsby-Popper ratio of each grid, borders between its own units left out."""
    units, near = prepared.units, prepared.neighbours
    if units.is_point:
        return None
    inner = number[near.pairs[:, 0]] == number[near.pairs[:, 1]]
    shared_m = sum_by(number[near.pairs[inner, 0]], near.border_m[inner], count)
    area_m2 = sum_by(number, near.area_m2, count)
    perimeter_m = sum_by(number, near.perimeter_m, count) - 2 * shared_m
    return np.array([polsby_popper(a, p) for a, p in zip(area_m2.tolist(), perimeter_m.tolist(), strict=True)])


def _mean_distance_m(number: IntArray, xy_m: FloatArray) -> float:
    """How far points are from the middle of their grid, in the mean."""
    members = np.bincount(number)[number]
    middle_m = np.stack([sum_by(number, xy_m[:, k])[number] / members for k in (0, 1)], axis=1)
    return float(np.hypot(*(xy_m - middle_m).T).mean())


def _disconnected(prepared: Prepared, number: IntArray) -> int:
    """Count grids whose units the neighbour pairs and bridges do not connect."""
    near = prepared.neighbours
    linked = np.vstack([near.pairs[~near.is_cut], prepared.bridges.pairs])
    part = components(len(number), linked[number[linked[:, 0]] == number[linked[:, 1]]])
    pieces = np.unique(np.c_[number, part], axis=0)[:, 0]
    return int((np.bincount(pieces) > 1).sum())


def _crossings(prepared: Prepared, number: IntArray) -> int:
    """Count neighbours in one grid that a barrier parts."""
    near = prepared.neighbours
    return int((near.is_cut & (number[near.pairs[:, 0]] == number[near.pairs[:, 1]])).sum())


def _rings(prepared: Prepared, number: IntArray) -> Rings | None:
    """Count holes and enclaves."""
    units = prepared.units
    if units.is_point:
        return None
    return count_rings(units.community, number, prepared.neighbours)


def _used_bridges(prepared: Prepared, number: IntArray) -> tuple[Bridge, ...]:
    """Bridges with both ends in one grid, and the shortest ways across streets that hold a grid together."""
    near, bridges = prepared.neighbours, prepared.bridges
    own = number[near.pairs[:, 0]] == number[near.pairs[:, 1]]
    own &= ~near.is_cut
    used = number[bridges.pairs[:, 0]] == number[bridges.pairs[:, 1]]
    touching, across = near.pairs[own & (near.touch_m > 0)], near.pairs[own & (near.touch_m == 0)]
    piece = components(len(number), np.vstack([touching, bridges.pairs[used]]))
    geom_m = prepared.units.geom_m[across]
    across, street_m = shortest_tree(piece, across, shapely.distance(geom_m[:, 0], geom_m[:, 1]))
    pairs = np.vstack([bridges.pairs[used], across])
    gap_m = np.r_[bridges.gap_m[used], street_m]
    is_cut = np.r_[bridges.is_cut[used], np.zeros(len(across), dtype=bool)]
    return tuple(
        Bridge(int(a), int(b), round(float(gap), 2), bool(cut))
        for (a, b), gap, cut in zip(pairs, gap_m, is_cut, strict=True)
    )


def _results(problems: Sequence[CommunityProblem], solutions: Sequence[CommunitySolution]) -> list[CommunityResult]:
    """Sum up each community."""
    results = []
    for problem, solution in zip(problems, solutions, strict=True):
        size = sum_by(solution.grid, problem.households)
        moved = None
        if problem.incumbents:
            moved = float(problem.overlap.sum() - match(problem, solution.grid)[2].sum())
        results.append(
            CommunityResult(
                community=problem.community,
                units=len(problem.unit),
                households=float(problem.households.sum()),
                grids=len(size),
                grids_in_band=int(problem.band.holds(size).sum()),
                moved_households=moved,
                moved_bound_households=solution.moved_bound_households,
                miss_households=solution.miss_households,
                miss_bound_households=solution.miss_bound_households,
                shortfalls=solution.shortfalls,
            )
        )
    return results
