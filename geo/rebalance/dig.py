"""Least change dug out: annealing for households moved alone, where the first search has left a gap to the bound.

No price on shape, and a low one on the miss, so that a grid may be out of the band on the way; the best plan in the
band is kept at every step, not only at the end.
"""

import math

import numpy as np

from geo.rebalance.adjacency import connect
from geo.rebalance.bounds import TOLERANCE, Stakes
from geo.rebalance.codes import match
from geo.rebalance.compiled import RandomState, compiled, draw, draw_below
from geo.rebalance.problem import BoolArray, CommunityProblem, FloatArray, IntArray

RUNS, STEPS, MOST_STEPS = 40, 10_000, 1_500_000
"""Runs; steps an atom of each, and in all."""
WARM, COLD = (10.0, 20.0, 40.0, 80.0), 0.25
MISS_PRICES = (1.2, 1.5, 2.0, 3.0)
SEED = 20260611


def dig(problem: CommunityProblem, stakes: Stakes, grid: IntArray, *, miss: float, bound: float) -> IntArray:
    """Look for a connected plan that moves fewer households and misses the band by no more; else the plan itself."""
    known = problem.overlap.shape[1]
    rows, columns, _ = match(problem, grid)
    label = np.full(int(grid.max()) + 1, -1, dtype=np.int64)
    label[rows] = columns
    label[label < 0] = known + np.arange(int((label < 0).sum()))
    best, labels = label[grid], int(label.max()) + 1
    news = max(labels - known, 0)
    cost = np.hstack([stakes.cost, np.repeat(stakes.had[:, None], news, axis=1)])
    allowed = np.hstack([stakes.allowed, np.repeat(~problem.fixed[:, None], news, axis=1)])
    ends = np.vstack([problem.pairs, problem.pairs[:, ::-1]])
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    start = np.searchsorted(ends[:, 0], np.arange(len(grid) + 1)).astype(np.int64)
    near, band = np.ascontiguousarray(ends[:, 1]), (float(problem.band.floor), float(problem.band.ceiling))
    starts = [best]
    if (problem.incumbent >= 0).all() and len(problem.pairs):
        parts = int(connect(problem.incumbent, problem.pairs).max()) + 1
        starts += [problem.incumbent] if parts == len(np.unique(problem.incumbent)) else []
    state = np.array([SEED], dtype=np.uint64)
    value = float(cost[np.arange(len(grid)), best].sum())
    for run in range(RUNS):
        if value <= bound + TOLERANCE:
            break
        origin = best if run % 2 else starts[-1]
        heat = (WARM[run % len(WARM)], MISS_PRICES[run // len(WARM) % len(MISS_PRICES)])
        own, plan = anneal_moved(problem.households, start, near, cost, allowed, origin, band, heat, miss, state)
        if own < value - TOLERANCE:
            value, best = own, plan
    return best


@compiled
def anneal_moved(  # noqa: PLR0913, PLR0917 (one loop, compiled)
    households: FloatArray,
    start: IntArray,
    near: IntArray,
    cost: FloatArray,
    allowed: BoolArray,
    origin: IntArray,
    band: tuple[float, float],
    heat: tuple[float, float],
    spare: float,
    state: RandomState,
) -> tuple[float, IntArray]:
    """Move single atoms over the border, ever colder: fewest households moved within the spare miss, and the plan."""
    count, labels = cost.shape
    label, best, best_cost = origin.copy(), origin.copy(), np.inf
    size, members = np.zeros(labels), np.zeros(labels, np.int64)
    now, miss = 0.0, 0.0
    for atom in range(count):
        size[label[atom]] += households[atom]
        members[label[atom]] += 1
        now += cost[atom, label[atom]]
    for grid in range(labels):
        if members[grid] > 0:
            miss += _miss(size[grid], band)
    mark, stack = np.zeros(count, np.int64), np.empty(count, np.int64)
    steps = min(STEPS * count, MOST_STEPS)
    for step in range(steps):
        atom = draw_below(state, count)
        degree = start[atom + 1] - start[atom]
        if degree == 0:
            continue
        old, new = label[atom], label[near[start[atom] + draw_below(state, degree)]]
        if old == new or members[old] == 1 or not allowed[atom, new]:
            continue
        amount = households[atom]
        misses = _miss(size[old] - amount, band) + _miss(size[new] + amount, band)
        misses -= _miss(size[old], band) + _miss(size[new], band)
        change = heat[1] * misses + cost[atom, new] - cost[atom, old]
        if change > 0 and draw(state) >= math.exp(-change / (heat[0] * (COLD / heat[0]) ** (step / steps))):
            continue
        if not _may_leave(atom, label, start, near, mark, stack, step + 1):
            continue
        now += cost[atom, new] - cost[atom, old]
        miss += misses
        label[atom] = new
        size[old] -= amount
        size[new] += amount
        members[old] -= 1
        members[new] += 1
        if miss <= spare + TOLERANCE and now < best_cost - TOLERANCE:
            best_cost = now
            best[:] = label
    return best_cost, best


@compiled
def _miss(size: float, band: tuple[float, float]) -> float:
    """Households out of the band, floor and ceiling."""
    return max(band[0] - size, size - band[1], 0.0)


@compiled
def _may_leave(  # noqa: PLR0913, PLR0917 (arrays for compiled code)
    atom: int, label: IntArray, start: IntArray, near: IntArray, mark: IntArray, stack: IntArray, stamp: int
) -> bool:
    """Whether the rest of an atom's grid stays connected without it."""
    wanted, first = 0, -1
    for e in range(start[atom], start[atom + 1]):
        if label[near[e]] == label[atom]:
            wanted += 1
            first = near[e]
    if wanted <= 1:
        return wanted == 1
    mark[atom], mark[first] = stamp, stamp
    stack[0], depth, met = first, 1, 1
    while depth > 0 and met < wanted:
        depth -= 1
        here = stack[depth]
        for e in range(start[here], start[here + 1]):
            other = near[e]
            if label[other] == label[atom] and mark[other] != stamp:
                mark[other] = stamp
                stack[depth] = other
                depth += 1
                for k in range(start[atom], start[atom + 1]):
                    met += near[k] == other
    return met == wanted
