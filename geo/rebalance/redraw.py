"""Starts from nothing: straight cuts in random directions, for every number of grids that comes into question."""

import numpy as np

from geo.rebalance.board import Graph, Prices, make_grids, make_scratch
from geo.rebalance.compiled import RandomState, compiled
from geo.rebalance.cuts import draw_plan
from geo.rebalance.problem import Band, IntArray

COUNTS = 5


def likely_counts(band: Band, households: float) -> IntArray:
    """Numbers of grids that households can fill, those nearest the target first; at least one number."""
    fewest, most = band.grid_counts(households)
    ideal = households / band.target
    counts = range(max(1, min(fewest, most)), max(fewest, most, 1) + 1)
    return np.array(sorted(counts, key=lambda count: (abs(count - ideal), count))[:COUNTS], dtype=np.int64)


@compiled
def drawn_starts(graph: Graph, prices: Prices, counts: IntArray, each: int, state: RandomState) -> IntArray:
    """Draw so many plans for every number of grids; shape (n_start, n_atom)."""
    starts = np.zeros((len(counts) * each, len(graph.households)), np.int64)
    scratch = make_scratch(graph)
    for i in range(len(starts)):
        count = min(counts[i // each], len(graph.households))
        grids = make_grids(graph, starts[i], count)
        draw_plan(graph, grids, prices, count, scratch, state)
        starts[i] = grids.of_atom
    return starts
