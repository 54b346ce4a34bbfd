"""From a frame of units to one frozen problem a community."""

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.rebalance.adjacency import Neighbours, find_neighbours
from geo.rebalance.atoms import Atoms, gather_atoms
from geo.rebalance.bridges import Bridges, build_bridges
from geo.rebalance.problem import Band, CommunityProblem, FloatArray, IntArray, Mode
from geo.rebalance.sums import sum_by
from geo.rebalance.units import Units

THOROUGH_UNITS = 150_000
"""With more of them the search for shape is held short, so that a city is redrawn in the time one waits for it."""


@dataclass(frozen=True)
class Prepared:
    """All that the communities' problems were made from, for assembling the plan afterwards."""

    units: Units
    neighbours: Neighbours
    bridges: Bridges
    atoms: Atoms
    band: Band
    mode: Mode
    shape: float
    problems: tuple[CommunityProblem, ...]


def prepare(  # noqa: PLR0913 (the options of the job, all keyword-only)
    units: Units,
    *,
    barriers: gpd.GeoSeries | None,
    band: Band,
    mode: Mode,
    shape: float | None = None,
    closed: Collection[str] = (),
    reach_m: float | None = None,
) -> Prepared:
    """Find neighbours, bridges and atoms, and make one problem a community, in order of first unit."""
    lines = _barrier_lines(units, barriers)
    neighbours = find_neighbours(units, lines, reach_m=reach_m)
    bridges = build_bridges(units, neighbours, lines)
    open_pairs = ~neighbours.is_cut
    linked = np.vstack([neighbours.pairs[open_pairs], bridges.pairs])
    border_m = np.r_[neighbours.border_m[open_pairs], np.zeros(len(bridges.pairs))]
    atoms = gather_atoms(units, linked, band)
    links = _Links(
        np.vstack([linked, neighbours.pairs[~open_pairs]]), np.r_[border_m, neighbours.border_m[~open_pairs]]
    )
    split = _Splitter(units, atoms, links, len(linked), frozenset(closed))
    shape = (1.0 if mode == "redraw" else 0.0) if shape is None else shape
    problems = tuple(
        split.problem(community, neighbours, band=band, mode=mode, shape=shape)
        for community in range(len(units.communities))
    )
    return Prepared(units, neighbours, bridges, atoms, band, mode, shape, problems)


def _barrier_lines(units: Units, barriers: gpd.GeoSeries | None) -> npt.NDArray[np.object_]:
    """Barriers in the metric CRS of the units, empty ones left out."""
    if barriers is None or len(barriers) == 0:
        return np.empty(0, dtype=object)
    metric = barriers if barriers.crs is None else barriers.to_crs(units.crs)
    lines: npt.NDArray[np.object_] = metric[~(metric.isna() | metric.is_empty)].to_numpy()
    return lines


@dataclass(frozen=True)
class _Links:
    """Pairs of units, those that connect first, then those that a barrier parts; metres of border of each."""

    pairs: IntArray
    border_m: FloatArray


class _Splitter:
    """Cuts the arrays of the whole district into those of one community."""

    def __init__(self, units: Units, atoms: Atoms, links: _Links, open_count: int, closed: frozenset[str]) -> None:
        self.units, self.atoms, self.links, self.open_count, self.closed = units, atoms, links, open_count, closed
        self.inside_xy_m = shapely.get_coordinates(units.inside_m)
        numbers = np.arange(len(units.communities) + 1)
        self.unit_order = np.argsort(units.community, kind="stable")
        self.unit_bounds = np.searchsorted(units.community[self.unit_order], numbers)
        pair_community = units.community[links.pairs[:, 0]]
        self.pair_order = np.argsort(pair_community, kind="stable")
        self.pair_bounds = np.searchsorted(pair_community[self.pair_order], numbers)

    def problem(self, community: int, ground: Neighbours, *, band: Band, mode: Mode, shape: float) -> CommunityProblem:
        """Make the problem of one community."""
        unit = self.unit_order[self.unit_bounds[community] : self.unit_bounds[community + 1]]
        rows = self.pair_order[self.pair_bounds[community] : self.pair_bounds[community + 1]]
        numbers, atom = np.unique(self.atoms.of_unit[unit], return_inverse=True)
        count = len(numbers)
        ends = np.searchsorted(numbers, self.atoms.of_unit[self.links.pairs[rows]])
        is_open, rows_m = rows < self.open_count, self.links.border_m[rows]
        pairs, border_m, inner_m = _merge_pairs(ends[is_open], rows_m[is_open], count)
        wall_pairs, wall_border_m, wall_inner_m = _merge_pairs(ends[~is_open], rows_m[~is_open], count)
        overlap, incumbent, incumbents = self._overlap(unit, atom, count)
        members = np.bincount(atom, minlength=count)
        closed = np.array([code in self.closed for code in incumbents], dtype=bool)
        fixed = np.bincount(atom, self.units.fixed[unit], minlength=count) > 0
        return CommunityProblem(
            community=self.units.communities[community],
            unit=unit,
            atom=atom,
            households=sum_by(atom, self.units.households[unit], count),
            area_m2=sum_by(atom, ground.area_m2[unit], count),
            perimeter_m=sum_by(atom, ground.perimeter_m[unit], count) - 2 * (inner_m + wall_inner_m),
            pairs=pairs,
            border_m=border_m,
            wall_pairs=wall_pairs,
            wall_border_m=wall_border_m,
            inside_xy_m=np.stack([sum_by(atom, self.inside_xy_m[unit, k], count) / members for k in (0, 1)], axis=1),
            overlap=overlap,
            incumbent=incumbent,
            incumbents=incumbents,
            band=band,
            mode=mode,
            workload=sum_by(atom, self.units.workload[unit], count),
            fixed=fixed | (np.r_[closed, False][incumbent] if len(closed) else False),
            closed=closed,
            shape=shape,
            is_thorough=len(self.units.households) <= THOROUGH_UNITS,
        )

    def _overlap(self, unit: IntArray, atom: IntArray, count: int) -> tuple[FloatArray, IntArray, tuple[str, ...]]:
        """Households of each atom in each incumbent grid of the community, and the main grid of each atom."""
        known = self.units.incumbent[unit] >= 0
        grids, column = np.unique(self.units.incumbent[unit[known]], return_inverse=True)
        overlap, members = np.zeros((count, len(grids))), np.zeros((count, len(grids)))
        np.add.at(overlap, (atom[known], column), self.units.households[unit[known]])
        np.add.at(members, (atom[known], column), 1)
        if not len(grids):
            return overlap, np.full(count, -1, dtype=np.int64), ()
        main = np.where(overlap.max(axis=1) > 0, overlap.argmax(axis=1), members.argmax(axis=1))
        main[members.max(axis=1) == 0] = -1
        return overlap, main, tuple(self.units.incumbents[grid] for grid in grids)


def _merge_pairs(ends: IntArray, border_m: FloatArray, count: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Merge pairs of units into pairs of atoms; also the border inside each atom."""
    is_inner = ends[:, 0] == ends[:, 1]
    inner_m = sum_by(ends[is_inner, 0], border_m[is_inner], count)
    outer, number = np.unique(np.sort(ends[~is_inner], axis=1), axis=0, return_inverse=True)
    return outer.reshape(-1, 2), sum_by(number.ravel(), border_m[~is_inner], len(outer)), inner_m
