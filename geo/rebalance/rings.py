"""Grids inside grids: what a planner distrusts at first sight, counted from the units."""

from dataclasses import dataclass

import numpy as np

from geo.rebalance.adjacency import Neighbours, connect
from geo.rebalance.problem import BoolArray, IntArray
from geo.rebalance.sums import sum_by

OPEN_M = 1.0
"""A grid or a hole reaches the outside of its community with at least this much border."""


@dataclass(frozen=True)
class Rings:
    """Holes are parts of a community that one grid shuts off from its outside; enclaves are grids with one neighbour.

    An enclave lies inside its neighbour, without any border to the outside of the community.
    """

    holes: int
    enclaves: int


def count_rings(community: IntArray, grid: IntArray, near: Neighbours) -> Rings:
    """Count holes and enclaves among grids of polygons.

    Parameters
    ----------
    community, grid
        Shape (n_unit,). Community and grid of each unit.
    near
        All pairs that have a border, those that a barrier parts too, and the perimeter of each unit.
    """
    pairs = near.pairs
    outer_m = near.perimeter_m - sum_by(pairs.ravel(), np.repeat(near.border_m, 2), len(grid))
    first, second = grid[pairs[:, 0]], grid[pairs[:, 1]]
    between = np.unique(np.sort(np.c_[first, second][first != second], axis=1), axis=0).reshape(-1, 2)
    neighbours = np.bincount(between.ravel(), minlength=int(grid.max()) + 1)
    is_shut: BoolArray = sum_by(grid, np.maximum(outer_m, 0)) < OPEN_M
    home = np.empty(len(is_shut), dtype=np.int64)
    home[grid] = community
    holes = sum(
        _holes_of(number, np.flatnonzero(home == home[number]), between, is_shut)
        for number in np.flatnonzero(neighbours > 0).tolist()
        if is_shut[home == home[number]].any()
    )
    return Rings(holes=holes, enclaves=int((is_shut & (neighbours == 1)).sum()))


def _holes_of(number: int, grids: IntArray, between: IntArray, is_shut: BoolArray) -> int:
    """Parts of a community that lose the outside when one grid is taken away."""
    position = np.full(len(is_shut), -1)
    position[grids] = np.arange(len(grids))
    ends = position[between]
    ends = ends[(ends >= 0).all(axis=1) & (between != number).all(axis=1)]
    part = connect(np.zeros(len(grids), dtype=np.int64), ends)
    others = grids != number
    shut = np.ones(int(part.max()) + 1, dtype=bool)
    shut[part[others & ~is_shut[grids]]] = False
    return len(np.unique(part[others & shut[part]]))
