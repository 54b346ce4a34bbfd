"""Grids from given starts: every start is annealed a little, the better ones ever longer."""

from typing import NamedTuple

import numpy as np

from geo.rebalance.anneal import Schedule, anneal, rank
from geo.rebalance.board import Graph, Grids, Prices, Scratch, make_grids, make_scratch
from geo.rebalance.compiled import RandomState, compiled, leaf
from geo.rebalance.problem import FloatArray, IntArray
from geo.rebalance.recut import Polish, recut_pairs


class Stage(NamedTuple):
    """How many plans are searched, and how long: steps an atom, pairs cut anew a number of grids."""

    kept: int
    steps: int
    rounds: int


class Heat(NamedTuple):
    """Temperatures and prices of a miss, first and last, and how often a chain or a tree is tried.

    For pairs cut anew the temperatures at which worse ones are kept, and what a chunk of polishing may gain.
    """

    warm: float
    cold: float
    miss_first: float
    miss_last: float
    chain_ratio: float
    tree_ratio: float
    hopeless: float
    keep_warm: float
    keep_cold: float
    grid: float


CHUNKS, POLISH_STEPS = 40, 12.0


@compiled
def settle(graph: Graph, plans: IntArray, prices: Prices, stage: Stage, heat: Heat, state: RandomState) -> IntArray:
    """Search the best of some plans, shape (n_plan, n_atom), for a while: the plans that came of it, best first."""
    ranks = np.empty(len(plans))
    scratch = make_scratch(graph)
    for i in range(len(plans)):
        ranks[i] = value(graph, make_grids(graph, plans[i], plans[i].max() + 1), prices, heat)
    order = different(ranks, stage.kept)
    plans, ranks = plans[order], ranks[order]
    for i in range(len(plans)):
        grids = make_grids(graph, plans[i], plans[i].max() + 1)
        search(graph, grids, prices, stage, heat, scratch, state)
        own = value(graph, grids, prices, heat)
        if own < ranks[i]:
            plans[i] = grids.of_atom
            ranks[i] = own
    return plans[np.argsort(ranks, kind="mergesort")]


@compiled
def different(ranks: FloatArray, count: int) -> IntArray:
    """Positions of the best so many plans, in order; of plans with the same rank the first alone."""
    order = np.argsort(ranks, kind="mergesort")
    kept = 1
    for i in order[1:]:
        if kept < count and ranks[i] > ranks[order[kept - 1]] + 1e-9:
            order[kept] = i
            kept += 1
    return order[:kept]


@leaf
def value(graph: Graph, grids: Grids, prices: Prices, heat: Heat) -> float:
    """Rank of a plan, in which each grid has its own price."""
    used = 0
    for grid in range(len(grids.members)):
        used += grids.members[grid] > 0
    return rank(graph, grids, prices) + heat.grid * used


@compiled
def search(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, stage: Stage, heat: Heat, scratch: Scratch, state: RandomState
) -> None:
    """Anneal a plan, then cut its pairs of grids anew."""
    schedule = Schedule(
        stage.steps * len(grids.of_atom),
        CHUNKS,
        heat.warm,
        heat.cold,
        heat.miss_first,
        heat.miss_last,
        heat.chain_ratio,
    )
    if stage.steps > 0:
        anneal(graph, grids, prices, schedule, scratch, state)
    polish = Polish(heat.tree_ratio, POLISH_STEPS, heat.warm, heat.cold, heat.hopeless, heat.keep_warm, heat.keep_cold)
    recut_pairs(graph, grids, prices, stage.rounds * len(grids.members), polish, scratch, state)
