"""The order in which a sweep goes over the atoms of a community: one whose frontiers are narrow.

Atoms of the frontier have neighbours that are yet to come; how many beginnings a sweep may have to keep grows with the
ways in which they can be labelled.
"""

import math
from dataclasses import dataclass

import numpy as np

from geo.rebalance.compiled import compiled
from geo.rebalance.labels import HEAVY_RATIO, Labelling
from geo.rebalance.problem import BoolArray, FloatArray, IntArray

MOST_WAYS = 1_000_000
"""Ways to label a frontier beyond which no sweep is tried."""
TIE = 1e-9


@dataclass(frozen=True)
class Order:
    """An order of the atoms of a community.

    Attributes
    ----------
    atoms
        Shape (n_atom,). Set heavy ones first.
    ways
        In how many ways the widest frontier of the others can be labelled.
    has_set
        Whether heavy atoms are set: they take most of what could be labelled out of the light ones' hands.
    """

    atoms: IntArray
    ways: float
    has_set: bool

    def is_worth(self, most: int) -> bool:
        """Whether a sweep may well get by with so many beginnings."""
        return self.ways <= MOST_WAYS and (self.has_set or self.ways * len(self.atoms) <= most)


def find_order(labelling: Labelling) -> Order:
    """An order of the atoms whose frontiers can be labelled in few ways.

    Grown from every atom in turn, always by the neighbour that adds fewest ways; the best of these.
    """
    households, near = labelling.problem.households, labelling.near
    choices = labelling.allowed.sum(axis=1)
    is_set = (households >= HEAVY_RATIO * labelling.problem.band.floor) & (choices == 1)
    start = np.r_[0, np.cumsum([len(row) for row in near])].astype(np.int64)
    others = np.array([v for row in near for v in row], dtype=np.int64)
    atoms, ways = _narrowest(start, others, np.log(choices), is_set)
    return Order(np.r_[np.flatnonzero(is_set), atoms], ways, bool(is_set.any()))


@compiled
def _narrowest(start: IntArray, near: IntArray, weight: FloatArray, is_set: BoolArray) -> tuple[IntArray, float]:
    """The best order of the atoms that are not set, and in how many ways its widest frontier can be labelled.

    `weight` is the logarithm of how many labels an atom may bear.
    """
    count = len(is_set)
    best, best_cost, best_ways = np.empty(0, np.int64), np.inf, 1.0 if is_set.all() else np.inf
    waits, left, order = np.empty(count, np.bool_), np.empty(count, np.int64), np.empty(count, np.int64)
    for first in range(count):
        if is_set[first]:
            continue
        cost, ways, total = _grow(start, near, weight, is_set, waits, left, order, first, best_cost)
        if cost < best_cost:
            best_cost, best_ways, best = cost, ways, order[:total].copy()
    return best, best_ways


@compiled
def _grow(  # noqa: PLR0913, PLR0917 (arrays for compiled code)
    start: IntArray, near: IntArray, weight: FloatArray, is_set: BoolArray, waits: BoolArray, left: IntArray,
    order: IntArray, first: int, dearest: float,
) -> tuple[float, float, int]:  # fmt: skip
    """Write down the order from one atom on: its cost, at least `dearest` where it is left off, its ways and length.

    The cost is the sum of the ways in which each frontier can be labelled.
    """
    total = 0
    for u in range(len(waits)):
        waits[u] = not is_set[u]
        total += not is_set[u]
        left[u] = 0
        for k in range(start[u], start[u + 1]):
            left[u] += not (is_set[u] or is_set[near[k]])
    cost = most = width = 0.0
    atom = first
    for done in range(total):
        order[done] = atom
        waits[atom] = False
        width += weight[atom]
        most = max(most, math.exp(width))
        cost += math.exp(width)
        if left[atom] == 0:
            width -= weight[atom]
        for k in range(start[atom], start[atom + 1]):
            left[near[k]] -= 1
            if not waits[near[k]] and not is_set[near[k]] and left[near[k]] == 0:
                width -= weight[near[k]]
        if cost >= dearest or done + 1 == total:
            break
        atom = _next_atom(start, near, weight, waits, left)
    return cost, most, total


@compiled
def _next_atom(start: IntArray, near: IntArray, weight: FloatArray, waits: BoolArray, left: IntArray) -> int:
    """The waiting atom beside the frontier that widens it least, of equals the one with most neighbours there.

    Any waiting atom where the frontier is empty.
    """
    best, best_wider, best_met = -1, 0.0, 0
    for u in range(len(waits)):
        if not waits[u]:
            continue
        wider, met = weight[u] if left[u] > 0 else 0.0, 0
        for k in range(start[u], start[u + 1]):
            if not waits[near[k]] and left[near[k]] > 0:
                met += 1
                if left[near[k]] == 1:
                    wider -= weight[near[k]]
        is_nearer = (met > 0) > (best_met > 0)
        is_equal = (met > 0) == (best_met > 0) and abs(wider - best_wider) < TIE
        is_narrower = (met > 0) == (best_met > 0) and wider < best_wider
        if best < 0 or is_nearer or (is_equal and met > best_met) or (is_narrower and not is_equal):
            best, best_wider, best_met = u, wider, met
    return best
