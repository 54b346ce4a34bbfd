"""Least change dug out: annealing for households moved alone, and then for shape among plans that move no more.

It starts from the plan at hand and from others that dissolve and split other grids, since single moves never change
which grids there are. A grid may miss the band on the way at a low price; the best plan in the band is kept at every
step, not only at the end.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geo.rebalance.board import (
    Graph,
    Grids,
    Prices,
    Scratch,
    change_of,
    make_grids,
    make_scratch,
    may_leave,
    set_prices,
    shift,
    stay_of,
    total_miss,
    total_price,
)
from geo.rebalance.bounds import TOLERANCE
from geo.rebalance.compiled import RandomState, compiled, draw, draw_below, leaf
from geo.rebalance.incumbents import connected_incumbent, label_as
from geo.rebalance.pieces import Piece, make_pieces
from geo.rebalance.prices import LEAST_SHAPE_PRICE, MEAN_SHAPE, WALL_RATIO
from geo.rebalance.problem import CommunityProblem, IntArray


class Heat(NamedTuple):
    """Temperatures of a run, first and last, and what a household out of the band and a lost shape cost in it."""

    warm: float
    cold: float
    miss: float
    shape: float


class Ledger(NamedTuple):
    """Households moved and shape lost before a run; households that may move at no cost; miss that a plan may have."""

    moved: float
    lost: float
    limit: float
    spare: float


@dataclass(frozen=True)
class Digging:
    """How long is searched: runs, each with the next heat; steps an atom of each, and in all."""

    heats: tuple[Heat, ...]
    runs: int
    steps: int
    most_steps: int
    seed: int = 20260611


LEAST = Digging(
    tuple(
        Heat(warm, 0.25, miss, LEAST_SHAPE_PRICE) for miss in (1.2, 1.5, 2.0, 3.0) for warm in (10.0, 20.0, 40.0, 80.0)
    ),
    runs=24, steps=30_000, most_steps=5_000_000,
)  # fmt: skip
SHAPELY = Digging(
    (Heat(40.0, 0.25, 2.0, 60.0), Heat(15.0, 0.25, 2.0, 150.0), Heat(6.0, 0.25, 2.0, 60.0), Heat(3.0, 0.25, 2.0, 25.0)),
    runs=4, steps=4_000, most_steps=4_000_000,
)  # fmt: skip


def dig(
    problem: CommunityProblem, grid: IntArray, *, gain: float, digging: Digging = LEAST, until: float = math.inf
) -> IntArray:
    """Look for a connected plan that moves fewer households and misses the band by no more; else the plan itself.

    Parameters
    ----------
    gain
        Most households that can be gained; the search ends when they are.
    until
        Seconds since the epoch at which to stop with the best plan so far.
    """
    return _by_piece(problem, grid, digging, gain=gain, keeps=False, until=until)


def polish(
    problem: CommunityProblem, grid: IntArray, *, digging: Digging = SHAPELY, until: float = math.inf
) -> IntArray:
    """Look for a connected plan of better shape that moves no more households and misses the band by no more."""
    return _by_piece(problem, grid, digging, gain=math.inf, keeps=True, until=until)


def _by_piece(
    problem: CommunityProblem, grid: IntArray, digging: Digging, *, gain: float, keeps: bool, until: float
) -> IntArray:
    """Search every piece of a community by itself."""
    found, count = np.empty_like(grid), 0
    for piece in make_pieces(problem):
        own = np.unique(grid[piece.atoms], return_inverse=True)[1].astype(np.int64)
        if not piece.is_set and len(piece.graph.movable):
            plan = _search(piece.graph, _starts(piece, own), digging, gain=gain, keeps=keeps, until=until)
            own = np.unique(plan, return_inverse=True)[1].astype(np.int64)
        found[piece.atoms] = own + count
        count += int(own.max()) + 1
    return found


def _starts(piece: Piece, grid: IntArray) -> list[IntArray]:
    """The plan, and the incumbent where plans with its grids could move fewer."""
    plan = label_as(piece.graph.stay, grid)
    if not piece.graph.stay.any() or (piece.incumbent < 0).any():
        return [plan]
    incumbent = connected_incumbent(piece)
    return [plan, incumbent] if _promise(piece, incumbent) < worth_of(piece.graph, plan, 0.0)[0] else [plan]


def _promise(piece: Piece, plan: IntArray) -> float:
    """Fewest households that any plan with the same grids moves, were units to be split at will."""
    size, labels = piece.graph.stay.sum(axis=0), np.unique(plan)
    kept, band = size[labels[labels < len(size)]], piece.band
    given = size.sum() - kept.sum() + np.maximum(kept - band.ceiling, 0).sum()
    taken = np.maximum(band.floor - kept, 0).sum() + (len(labels) - len(kept)) * band.floor
    return float(max(given, taken - (piece.total - size.sum())))


def _search(
    graph: Graph, starts: list[IntArray], digging: Digging, *, gain: float, keeps: bool, until: float
) -> IntArray:
    """Anneal the best plan and the last start by turns."""
    state, plan = np.array([digging.seed], dtype=np.uint64), starts[0]
    moved, lost = worth_of(graph, plan, 0.0)
    limit, spare = moved if keeps else 0.0, miss_of_plan(graph, plan)
    best = (max(moved - limit, 0.0), lost)
    goal = best[0] - gain + TOLERANCE
    steps = min(digging.steps * len(plan), digging.most_steps)
    for run in range(digging.runs):
        if best[0] <= goal or time.time() >= until:
            break
        origin, heat = plan if run % 2 else starts[-1], digging.heats[run % len(digging.heats)]
        over, lost, there = anneal_moved(graph, origin, heat, steps, limit, spare, state)
        if _is_better((over, lost), best):
            best, plan = (over, lost), there
    return plan


def _is_better(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether fewer households move, or as many in a better shape."""
    return one[0] < other[0] - TOLERANCE or (one[0] <= other[0] + TOLERANCE and one[1] < other[1] - TOLERANCE)


@leaf
def shape_prices(shape: float) -> Prices:
    """Prices of shape and walls alone."""
    return Prices(0.0, 0.0, 0.0, shape, 0.0, 1.0, shape * WALL_RATIO)


@compiled
def miss_of_plan(graph: Graph, plan: IntArray) -> float:
    """Households by which the grids of a plan miss the band."""
    return total_miss(graph, make_grids(graph, plan, plan.max() + 1))[1]


@compiled
def worth_of(graph: Graph, plan: IntArray, limit: float) -> tuple[float, float]:
    """Households moved beyond a limit, and what is lost in shape, a further grid counting as one of usual shape."""
    grids = make_grids(graph, plan, plan.max() + 1)
    moved = graph.stay.sum()
    for atom in range(len(plan)):
        moved -= stay_of(graph, atom, plan[atom])
    used = 0
    for grid in range(len(grids.members)):
        used += grids.members[grid] > 0
    lost = total_price(graph, grids, shape_prices(1.0)) - (1.0 - MEAN_SHAPE) * used
    return max(moved - limit, 0.0), lost


@compiled
def anneal_moved(  # noqa: PLR0913, PLR0917
    graph: Graph, origin: IntArray, heat: Heat, steps: int, limit: float, spare: float, state: RandomState
) -> tuple[float, float, IntArray]:
    """Move single atoms over the border, ever colder: the worth of the best plan within the spare miss, and the plan.

    Households moved cost 1 each beyond the limit.
    """
    best, grids = origin.copy(), make_grids(graph, origin, origin.max() + 1)
    moved, lost = worth_of(graph, origin, 0.0)
    ledger = Ledger(moved, lost, limit, spare)
    over, lost = cool(graph, grids, heat, steps, ledger, make_scratch(graph), state, best)
    return over, lost, best


@leaf
def cool(  # noqa: PLR0913, PLR0917 (one loop, compiled)
    graph: Graph, grids: Grids, heat: Heat, steps: int, ledger: Ledger, scratch: Scratch, state: RandomState,
    best: IntArray,
) -> tuple[float, float]:  # fmt: skip
    """Anneal grids and write down the best plan met; give its worth."""
    prices, moved, lost, limit = shape_prices(heat.shape), ledger.moved, ledger.lost, ledger.limit
    set_prices(graph, grids, prices)
    miss = total_miss(graph, grids)[1]
    best_over, best_lost = math.inf, math.inf
    most_shape, known = 3.0 * heat.shape, graph.stay.shape[1]  # two grids, and some walls
    movable, source, near, households, stay = graph.movable, graph.source, graph.near, graph.households, graph.stay
    of_atom, members, size, links = grids.of_atom, grids.members, grids.households, len(graph.movable)
    floor, ceiling, cooling = graph.floor, graph.ceiling, math.log(heat.cold / heat.warm) / steps
    for step in range(steps):
        k = movable[draw_below(state, links)]
        atom = source[k]
        old, new = of_atom[atom], of_atom[near[k]]
        if new == old or members[old] <= 1:
            continue
        less, more = size[old] - households[atom], size[new] + households[atom]
        misses = max(less - ceiling, floor - less, 0.0) + max(more - ceiling, floor - more, 0.0)
        misses -= max(size[old] - ceiling, floor - size[old], 0.0) + max(size[new] - ceiling, floor - size[new], 0.0)
        moves = (stay[atom, old] if old < known else 0.0) - (stay[atom, new] if new < known else 0.0)
        change = heat.miss * misses + max(moved + moves - limit, 0.0) - max(moved - limit, 0.0)
        if change > 0.0:
            change += heat.warm * math.exp(cooling * step) * math.log(1.0 - draw(state))
        if change > most_shape:
            continue
        shape, old_perimeter, new_perimeter = change_of(graph, grids, prices, atom, new)
        if change + shape > 0.0 or not may_leave(graph, grids, scratch, atom):
            continue
        shift(graph, grids, prices, atom, new, old_perimeter, new_perimeter)
        moved += moves
        miss += misses
        lost += shape / heat.shape
        if miss <= ledger.spare + TOLERANCE:
            over = max(moved - limit, 0.0)
            if over < best_over - TOLERANCE or (over <= best_over + TOLERANCE and lost < best_lost - TOLERANCE):
                best_over, best_lost = over, lost
                for i in range(len(best)):
                    best[i] = of_atom[i]
    return best_over, best_lost
