"""Improving grids two by two: two neighbours are cut anew along straight lines, then polished, and kept if better."""

import math
from typing import NamedTuple

from geo.rebalance.anneal import walk
from geo.rebalance.board import Graph, Grids, Prices, Scratch, sum_two
from geo.rebalance.compiled import RandomState, compiled, draw, draw_below
from geo.rebalance.cuts import BY_PRICE, NOT_CUT, gather, line_cut, pair_price, tree_cut
from geo.rebalance.problem import IntArray

CHUNKS = 8


class Polish(NamedTuple):
    """How often a tree cuts instead of a line, and how a cut is annealed: steps an atom, first and last temperature."""

    tree_ratio: float
    steps_per_atom: int
    warm: float
    cold: float


@compiled
def links_inside(graph: Graph, grids: Grids, atoms: IntArray, a: int, b: int, scratch: Scratch) -> IntArray:
    """Positions of the links between atoms of two grids."""
    count = 0
    for atom in atoms:
        for k in range(graph.start[atom], graph.start[atom + 1]):
            grid = grids.of_atom[graph.near[k]]
            if graph.linked[k] and graph.is_free[atom] and grid in (a, b):
                scratch.edges[count] = k
                count += 1
    return scratch.edges[:count]


@compiled
def recut_pairs(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, rounds: int, polish: Polish, scratch: Scratch, state: RandomState
) -> None:
    """Cut random pairs of neighbouring grids anew, and keep what is not worse."""
    if len(graph.movable) == 0:
        return
    for _ in range(rounds):
        k = graph.movable[draw_below(state, len(graph.movable))]
        a, b = grids.of_atom[graph.source[k]], grids.of_atom[graph.near[k]]
        if a != b:
            recut(graph, grids, prices, gather(grids, scratch, a, b), a, b, polish, scratch, state)


@compiled
def recut(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, atoms: IntArray, a: int, b: int, polish: Polish, scratch: Scratch,
    state: RandomState,
) -> None:  # fmt: skip
    """Cut two neighbouring grids anew and anneal the border between them; as before where that is better."""
    kept = grids.of_atom[atoms]
    kept_price = pair_price(graph, grids, prices, atoms, a, b)
    if cut_anew(graph, grids, prices, atoms, a, b, polish.tree_ratio, scratch, state) and holds_fixed(
        graph, grids, atoms, kept
    ):
        sum_two(graph, grids, atoms, a, b)
        plan = grids.of_atom[atoms]
        plan_price = pair_price(graph, grids, prices, atoms, a, b)
        links = links_inside(graph, grids, atoms, a, b, scratch)
        for chunk in range(CHUNKS):
            temperature = polish.warm * (polish.cold / polish.warm) ** (chunk / (CHUNKS - 1))
            steps = polish.steps_per_atom * len(atoms) // CHUNKS
            walk(graph, grids, prices, links, steps, temperature, 0.0, scratch, state)
            price = pair_price(graph, grids, prices, atoms, a, b)
            if price < plan_price:
                plan, plan_price = grids.of_atom[atoms], price
        if plan_price <= kept_price:
            kept = plan
    for i in range(len(atoms)):
        grids.of_atom[atoms[i]] = kept[i]
    sum_two(graph, grids, atoms, a, b)


@compiled
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
    first = line_cut(graph, grids, prices, atoms, a, b, angle, BY_PRICE, scratch)
    plan = grids.of_atom[atoms]
    second = line_cut(graph, grids, prices, atoms, a, b, angle + math.pi / 2, BY_PRICE, scratch)
    if first < second:
        for i in range(len(atoms)):
            grids.of_atom[atoms[i]] = plan[i]
    return min(first, second) < NOT_CUT
