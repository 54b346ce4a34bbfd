"""The plan of a community that moves fewest households, by sweeping a frontier over its atoms.

Atoms get their labels one after the other. What the later ones must know of the earlier ones is little: the labels of
the frontier, atoms that still have neighbours to come, which of them hang together, which grids have ended, and how
many households a grid has where its size is in question. Of all beginnings that are equal in this the one that moves
fewest is kept, and none from which a plan within the cutoff can't come by the prices of a relaxation. Where heavy atoms
are set, the light ones between them are a thin web, and the frontier is a handful of atoms.

Sizes make most of the differences between beginnings, and most are never in question: at first none is counted. Those
that the best plan misses the band by are counted from then on, until the best plan is in the band.

References
----------
Sekine, K., Imai, H., Tani, S. (1995). Computing the Tutte polynomial of a graph of moderate size. ISAAC 1995, 224-233.
Righini, G., Salani, M. (2008). New dynamic programming algorithms for the resource constrained elementary shortest path
problem. Networks 51(3), 155-170.
"""

import time

import numpy as np
import numpy.typing as npt

from geo.rebalance.beginnings import Beginnings, Rules, Step, extend, room_for
from geo.rebalance.bounds import TOLERANCE
from geo.rebalance.labels import Labelling, Outcome
from geo.rebalance.problem import IntArray
from geo.rebalance.relaxation import Relaxation
from geo.rebalance.sums import sum_by

MOST_AT_ONCE = 1_000_000
"""Beginnings of one length; beyond that memory ends before patience does (100 bytes each)."""
MOST_LABELS, MOST_WIDTH = 62, 64


def sweep(
    labelling: Labelling, relaxation: Relaxation, order: IntArray, most: int, until: float
) -> tuple[Outcome, int]:
    """Look for the plan that moves fewest households, with so many beginnings at most; gives how many there were.

    Counts of households must be whole, and plans may not miss the band.
    """
    known = Outcome(None, relaxation.bound, is_done=False)
    if not len(order) or len(labelling.labels) > MOST_LABELS:
        return known, 0
    steps = _steps(labelling, relaxation, order)
    if max(len(step.place) for step in steps) > MOST_WIDTH:
        return known, 0
    band, count = labelling.problem.band, len(labelling.labels)
    must = np.isin(np.arange(count), list(labelling.must))
    rules = Rules(
        labelling.cutoff + TOLERANCE, labelling.problem.overlap.shape[1], int(np.ceil(band.floor)), int(band.ceiling),
        must, np.zeros(count, bool), np.zeros(count, bool),
    )  # fmt: skip
    seen = 0
    while True:
        plan, spent = _sweep_once(steps, rules, relaxation.base, most - seen, until)
        seen += spent
        if plan is None:
            return known, seen
        if not len(plan):
            return Outcome(None, np.inf, is_done=True), seen
        labels = np.empty_like(plan)
        labels[order] = plan
        households = sum_by(labels, labelling.problem.households, count)
        is_low = (np.bincount(labels, minlength=count) > 0) & (households < band.floor - TOLERANCE)
        is_high = households > band.ceiling + TOLERANCE
        moved = float(labelling.cost[np.arange(len(labels)), labels].sum())
        if not (is_low | is_high).any():
            return Outcome(labels, moved, is_done=True), seen
        known.bound = max(known.bound, moved)
        rules.has_floor[is_low] = True
        rules.has_ceiling[is_high] = True


def _steps(labelling: Labelling, relaxation: Relaxation, order: IntArray) -> list[Step]:
    """The atoms in order, each with the frontier that it meets."""
    near, allowed = labelling.near, labelling.allowed
    when = np.empty(len(order), dtype=np.int64)
    when[order] = np.arange(len(order))
    last = [max([int(when[v]) for v in near[u]] + [int(when[u])]) for u in range(len(order))]
    cost, price = np.where(allowed, labelling.cost, np.inf), relaxation.price
    households = np.round(labelling.problem.households).astype(np.int64)
    later = np.vstack([_after((allowed * households[:, None])[order]), np.zeros(allowed.shape[1], dtype=np.int64)])
    later_cost, later_price = (np.r_[_after(one.min(axis=1)[order]), 0.0] for one in (cost, price))
    steps, frontier = [], list[int]()
    for number, atom in enumerate(order.tolist()):
        met = [*frontier, atom]
        frontier = [u for u in met if last[u] > number]
        place = {u: k for k, u in enumerate(frontier)}
        labels, neighbours = np.flatnonzero(allowed[atom]), set(near[atom])
        steps.append(
            Step(
                int(households[atom]),
                np.array([k for k, u in enumerate(met[:-1]) if u in neighbours], dtype=np.int64),
                np.array([place.get(u, -1) for u in met], dtype=np.int64),
                labels,
                cost[atom, labels],
                price[atom, labels],
                later[number + 1],
                float(later_cost[number + 1]),
                float(later_price[number + 1]),
            )
        )
    return steps


def _after(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Sums from each row to the last."""
    return np.cumsum(values[::-1], axis=0)[::-1]


def _sweep_once(steps: list[Step], rules: Rules, base: float, most: int, until: float) -> tuple[IntArray | None, int]:
    """Labels in order of a plan that moves fewest households where only some sizes count; empty when there is none.

    None when there would be too many beginnings. And how many there were.
    """
    width, count, seen = max(len(step.place) for step in steps), len(rules.must), 0
    now = room_for(1, width, count)
    for array in now[:-2]:
        array[:] = 0
    now.price[0] = base
    history = []
    for step in steps:
        room = min(len(now.moved) * len(step.labels), MOST_AT_ONCE, most - seen)
        if room <= 0 or time.time() >= until:
            return None, seen
        then = room_for(room, width, count)
        table = np.full(1 << int(2 * room + 8).bit_length(), -1, dtype=np.int32)
        found = int(extend(now, step, rules, then, table))
        if found < 0:
            return None, seen + room
        seen += found
        now = Beginnings._make(array[:found].copy() for array in then)
        history.append((now.before, now.last))
        if not found:
            break
    needed = sum(1 << int(g) for g in np.flatnonzero(rules.must))
    ends = np.flatnonzero(now.ended & needed == needed)
    if not len(ends):
        return np.empty(0, dtype=np.int64), seen
    at, labels = int(ends[np.argmin(now.moved[ends])]), []
    for before, last in reversed(history):
        labels.append(int(last[at]))
        at = int(before[at])
    return np.array(labels[::-1], dtype=np.int64), seen
