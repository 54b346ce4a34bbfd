"""Improving grids two by two: two neighbours are cut anew along straight lines, then polished, and kept if better.

A cut that is worse is kept too while it is warm: simulated annealing over pairs of grids, that ends on the best plan.
"""

import math
from typing import NamedTuple

from geo.rebalance.anneal import rank, walk
from geo.rebalance.board import Graph, Grids, Prices, Scratch, refresh, sum_two
from geo.rebalance.compiled import RandomState, compiled, draw, draw_below, leaf
from geo.rebalance.cuts import BY_PRICE, NOT_CUT, are_connected, gather, line_cut, merge, pair_price, tree_cut
from geo.rebalance.problem import IntArray

CHUNKS = 8
TRIES = 50
"""Links looked at for each pair of grids that is to be cut; many join atoms of one grid."""


class Polish(NamedTuple):
    """How pairs are cut anew: how often by a tree instead of a line, and how the border of a cut is annealed.

    `steps` are those a link over the border, from temperature `warm` to `cold`; a cut is given up when the rest of the
    annealing would have to gain more than `hopeless` a chunk. Worse cuts are kept from temperature `keep_warm` to
    `keep_cold`, over all pairs.
    """

    tree_ratio: float
    steps: float
    warm: float
    cold: float
    hopeless: float
    keep_warm: float
    keep_cold: float


@leaf
def links_between(graph: Graph, grids: Grids, atoms: IntArray, a: int, b: int, edges: IntArray) -> int:
    """Write down the positions of the links over the border between two grids, from both sides; how many there are."""
    count = 0
    for atom in atoms:
        for k in range(graph.start[atom], graph.start[atom + 1]):
            grid = grids.of_atom[graph.near[k]]
            if graph.linked[k] and graph.is_free[atom] and grid != grids.of_atom[atom] and grid in (a, b):
                edges[count] = k
                count += 1
    return count


@compiled
def recut_pairs(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, rounds: int, polish: Polish, scratch: Scratch, state: RandomState
) -> None:
    """Cut so many random pairs of neighbouring grids anew, keep worse cuts ever less, and end on the best plan seen."""
    if len(graph.movable) == 0 or rounds == 0:
        return
    best, best_rank = grids.of_atom.copy(), rank(graph, grids, prices)
    done = 0
    for _ in range(TRIES * rounds):
        if done == rounds:
            break
        k = graph.movable[draw_below(state, len(graph.movable))]
        a, b = grids.of_atom[graph.source[k]], grids.of_atom[graph.near[k]]
        if a == b:
            continue
        limit = -polish.keep_warm * (polish.keep_cold / polish.keep_warm) ** (done / rounds)
        limit *= math.log(1.0 - draw(state))
        done += 1
        if recut(graph, grids, prices, gather(grids, scratch, a, b), a, b, polish, limit, scratch, state):
            own_rank = rank(graph, grids, prices)
            if own_rank < best_rank - 1e-9:
                best[:] = grids.of_atom
                best_rank = own_rank
    grids.of_atom[:] = best
    refresh(graph, grids)


@compiled
def recut(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, atoms: IntArray, a: int, b: int, polish: Polish, limit: float,
    scratch: Scratch, state: RandomState,
) -> bool:  # fmt: skip
    """Cut two neighbouring grids anew and anneal their border; False and as before where that is worse by a limit."""
    kept, is_new = grids.of_atom[atoms], False
    kept_price = pair_price(graph, grids, prices, atoms, a, b)
    if cut_anew(graph, grids, prices, atoms, a, b, polish.tree_ratio, scratch, state) and holds_fixed(
        graph, grids, atoms, kept
    ):
        sum_two(graph, grids, atoms, a, b)
        plan = grids.of_atom[atoms]
        plan_price = pair_price(graph, grids, prices, atoms, a, b)
        for chunk in range(CHUNKS):
            temperature = polish.warm * (polish.cold / polish.warm) ** (chunk / (CHUNKS - 1))
            links = scratch.edges[: links_between(graph, grids, atoms, a, b, scratch.edges)]
            steps = int(polish.steps * len(links) / CHUNKS)
            walk(graph, grids, prices, links, steps, temperature, 0.0, scratch, state)
            price = pair_price(graph, grids, prices, atoms, a, b)
            if price < plan_price:
                plan, plan_price = grids.of_atom[atoms], price
            if plan_price > kept_price + limit + polish.hopeless * (CHUNKS - 1 - chunk):
                break
        is_new = plan_price <= kept_price + limit
        if is_new:
            kept = plan
    put(grids, atoms, kept)
    sum_two(graph, grids, atoms, a, b)
    return is_new


@leaf
def holds_fixed(graph: Graph, grids: Grids, atoms: IntArray, kept: IntArray) -> bool:
    """Tell whether the fixed ones of these atoms are in the grids they were in."""
    for i in range(len(atoms)):  # noqa: SIM110 (a compiled loop)
        if not graph.is_free[atoms[i]] and grids.of_atom[atoms[i]] != kept[i]:
            return False
    return True


@compiled
def cut_anew(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, atoms: IntArray, a: int, b: int, tree_ratio: float, scratch: Scratch,
    state: RandomState,
) -> bool:  # fmt: skip
    """Cut two grids anew, by the better of two opposite lines or by a tree; False where no cut was connected."""
    if draw(state) < tree_ratio:
        return tree_cut(graph, grids, prices, atoms, a, b, BY_PRICE, scratch, state) < NOT_CUT
    angle = draw(state) * 2 * math.pi
    merge(graph, grids, atoms, a, b)
    first = line_cut(graph, grids, prices, atoms, a, b, angle, BY_PRICE, scratch)
    plan = grids.of_atom[atoms]
    second = line_cut(graph, grids, prices, atoms, a, b, angle + math.pi / 2, BY_PRICE, scratch)
    if second <= first and are_connected(graph, grids, atoms, a, b, scratch):
        return True
    other = grids.of_atom[atoms]
    put(grids, atoms, plan)
    if are_connected(graph, grids, atoms, a, b, scratch):
        return True
    put(grids, atoms, other)
    return first < second and are_connected(graph, grids, atoms, a, b, scratch)


@leaf
def put(grids: Grids, atoms: IntArray, plan: IntArray) -> None:
    """Put each of these atoms into the grid that a plan gives it."""
    for i in range(len(atoms)):
        grids.of_atom[atoms[i]] = plan[i]
