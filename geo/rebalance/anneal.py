"""Simulated annealing of grids: atoms move over the border, alone or in a chain, and no grid ever falls apart.

The price of a miss of the band rises as it cools, so that the band is held hard at the end.

References
----------
Kirkpatrick, S., Gelatt, C. D., Vecchi, M. P. (1983). Optimization by simulated annealing. Science 220, 671-680.
Glover, F. (1996). Ejection chains, reference structures and alternating path methods for traveling salesman problems.
Discrete Applied Mathematics 65, 223-253.
"""

import math
from typing import NamedTuple

from geo.rebalance.board import (
    Graph,
    Grids,
    Prices,
    Scratch,
    change_of,
    may_leave,
    refresh,
    set_prices,
    shift,
    total_miss,
    total_price,
)
from geo.rebalance.compiled import RandomState, compiled, draw, draw_below, leaf
from geo.rebalance.problem import IntArray

OUTSIDE_RANK, MISS_RANK = 1e9, 1e6


class Schedule(NamedTuple):
    """How long and how warm an annealing is, how the price of a miss rises, and how often chains are tried."""

    steps: int
    chunks: int
    warm: float
    cold: float
    miss_first: float
    miss_last: float
    chain_ratio: float


@leaf
def priced(prices: Prices, miss: float) -> Prices:
    """The same prices with another one for a miss."""
    return Prices(miss, prices.outside, prices.moved, prices.shape, prices.balance, prices.ideal, prices.wall)


@leaf
def rank(graph: Graph, grids: Grids, prices: Prices) -> float:
    """What makes one plan better than another: households outside, then by how much they miss, then the price."""
    outside, miss = total_miss(graph, grids)
    return outside * OUTSIDE_RANK + miss * MISS_RANK + total_price(graph, grids, prices)


@compiled
def anneal(
    graph: Graph, grids: Grids, prices: Prices, schedule: Schedule, scratch: Scratch, state: RandomState
) -> float:
    """Move atoms at random, ever colder; end on the best plan seen at the end of a chunk, and give its rank."""
    best = grids.of_atom.copy()
    best_rank = rank(graph, grids, prices)
    for number in range(schedule.chunks):
        done = number / max(schedule.chunks - 1, 1)
        temperature = schedule.warm * (schedule.cold / schedule.warm) ** done
        miss = schedule.miss_first * (schedule.miss_last / schedule.miss_first) ** done
        steps = schedule.steps // schedule.chunks
        walk(
            graph, grids, priced(prices, miss), graph.movable, steps, temperature, schedule.chain_ratio, scratch, state
        )
        own_rank = rank(graph, grids, prices)
        if own_rank < best_rank - 1e-9:
            best[:] = grids.of_atom
            best_rank = own_rank
    grids.of_atom[:] = best
    refresh(graph, grids)
    return best_rank


@leaf
def walk(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, links: IntArray, steps: int, temperature: float, chain_ratio: float,
    scratch: Scratch, state: RandomState,
) -> None:  # fmt: skip
    """Propose moves over these links at one temperature."""
    count = len(links)
    if count == 0:
        return
    set_prices(graph, grids, prices)
    for _ in range(steps):
        k = links[draw_below(state, count)]
        atom = graph.source[k]
        old, new = grids.of_atom[atom], grids.of_atom[graph.near[k]]
        if new == old or grids.members[old] <= 1:
            continue
        change, old_perimeter, new_perimeter = change_of(graph, grids, prices, atom, new)
        limit = 0.0
        if change >= 0.0:
            limit = -temperature * math.log(1.0 - draw(state))
        if change <= limit:
            if may_leave(graph, grids, scratch, atom):
                shift(graph, grids, prices, atom, new, old_perimeter, new_perimeter)
        elif chain_ratio > 0.0 and draw(state) < chain_ratio:
            chain(graph, grids, prices, atom, new, limit, scratch, state)


@leaf
def chain(  # noqa: PLR0913, PLR0917 (one loop over the atoms that could go on)
    graph: Graph, grids: Grids, prices: Prices, atom: int, new: int, limit: float, scratch: Scratch, state: RandomState,
) -> None:  # fmt: skip
    """Move an atom, and another one out of the grid it went into: back where the first came from, or farther on."""
    old = grids.of_atom[atom]
    if not may_leave(graph, grids, scratch, atom):
        return
    first, old_perimeter, new_perimeter = change_of(graph, grids, prices, atom, new)
    before_old, before_new = grids.perimeter_m[old], grids.perimeter_m[new]
    shift(graph, grids, prices, atom, new, old_perimeter, new_perimeter)
    best, best_atom, best_grid = limit - first, -1, -1
    count = len(grids.of_atom)
    offset = draw_below(state, count)
    for i in range(count):
        other = i + offset if i + offset < count else i + offset - count
        if grids.of_atom[other] != new or other == atom or not graph.is_free[other]:
            continue
        last = new
        for k in range(graph.start[other], graph.start[other + 1]):
            goal = grids.of_atom[graph.near[k]]
            if goal in (new, last) or not graph.linked[k]:
                continue
            last = goal
            change = change_of(graph, grids, prices, other, goal)[0]
            if change < best and may_leave(graph, grids, scratch, other):
                best, best_atom, best_grid = change, other, goal
    if best_atom < 0:
        shift(graph, grids, prices, atom, old, before_new, before_old)
    else:
        _, old_perimeter, new_perimeter = change_of(graph, grids, prices, best_atom, best_grid)
        shift(graph, grids, prices, best_atom, best_grid, old_perimeter, new_perimeter)
