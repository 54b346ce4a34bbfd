"""What a plan of a piece costs in households, how warm its search is, and how long it takes."""

from typing import NamedTuple

import numpy as np

from geo.rebalance.board import Prices
from geo.rebalance.pieces import Piece
from geo.rebalance.problem import CommunityProblem
from geo.rebalance.redraw import likely_counts
from geo.rebalance.settle import Heat, Stage


class Depth(NamedTuple):
    """How long a piece is searched: plans drawn for each number of grids, and the stages they go through."""

    starts: int
    stages: tuple[Stage, ...]


def _depth(starts: int, *stages: tuple[int, int, int]) -> Depth:
    """Write a depth as a row of a table, each stage by plans kept, steps and rounds."""
    return Depth(starts, tuple(Stage(*stage) for stage in stages))


DRAWN = _depth(8, (40, 20, 0), (16, 0, 8), (4, 0, 40))
DRAWN_LONG = _depth(24, (120, 20, 0), (60, 0, 3), (20, 0, 8), (6, 0, 30), (2, 0, 60))
KEPT = _depth(8, (40, 100, 1), (8, 400, 5), (3, 2000, 12))
MIXED = _depth(8, (48, 60, 2), (12, 100, 12), (4, 300, 40))
MIXED_LONG = _depth(16, (64, 60, 2), (24, 100, 8), (8, 200, 20), (3, 300, 60))
MANY_GRIDS = 5
"""With fewer, nearly every search of a redraw ends on the same plan, however long it is."""
OUTSIDE_HOUSEHOLDS = 40.0
"""Flat price of a grid outside the band, so that one grid misses by much rather than several by little."""
LEAST_SHAPE_PRICE, SHAPE_PRICE = 0.2, 400.0
"""Price in households of a Polsby-Popper ratio that is 1 less: among plans that move as few the more compact one; and
its scale."""
MEAN_SHAPE = 0.715
"""A grid more or less is worth it when it lifts the mean ratio of all grids, which is about this."""
WALL_RATIO = 0.02
EVEN_RATIO, BALANCE_RATIO = 0.005, 0.5
"""Prices of a pair of neighbours in one grid that a barrier parts, and of imbalance without and with workload weights,
in prices of shape."""


def follows(problem: CommunityProblem) -> bool:
    """Whether households moved count."""
    return problem.mode == "adjust" and problem.shape < 1


def depth_of(problem: CommunityProblem, piece: Piece) -> Depth:
    """How long to search."""
    if not follows(problem):
        has_many = likely_counts(piece.band, piece.total)[0] >= MANY_GRIDS
        return DRAWN_LONG if problem.is_thorough and has_many else DRAWN
    if problem.shape <= 0:
        return KEPT
    return MIXED_LONG if problem.is_thorough else MIXED


def shape_price(shape: float) -> float:
    """Households that a Polsby-Popper ratio 1 higher is worth; the slider in between runs over the useful prices."""
    return LEAST_SHAPE_PRICE + SHAPE_PRICE * shape**2 / (1 - shape)


def prices_of_problem(problem: CommunityProblem, piece: Piece) -> Prices:
    """A household moved costs 1 and shape what the problem asks; in a redraw shape alone counts."""
    moved = follows(problem)
    is_weighted = not np.array_equal(problem.workload, problem.households)
    count = int(likely_counts(piece.band, piece.total)[0])
    ideal = piece.graph.workload.sum() / count if is_weighted else piece.band.target
    shape = shape_price(problem.shape) if moved else SHAPE_PRICE
    return Prices(
        miss=10.0,
        outside=OUTSIDE_HOUSEHOLDS,
        moved=1.0 if moved else 0.0,
        shape=shape,
        balance=shape * (BALANCE_RATIO if is_weighted else EVEN_RATIO),
        ideal=max(float(ideal), 1e-9),  # kernels are compiled for floats; for a whole number they all would be anew
        wall=0.0 if piece.graph.linked.all() else shape * WALL_RATIO,
    )


def heat_of(prices: Prices) -> Heat:
    """Temperatures that fit the prices."""
    keep = 1e-6 if prices.moved else prices.shape  # where households moved count, worse pairs kept were no gain
    return Heat(
        warm=0.03 * prices.shape + 15.0 * prices.moved,
        cold=0.003 * prices.shape + 0.5 * prices.moved,
        miss_first=0.004 * prices.shape + 1.5 * prices.moved,
        miss_last=0.1 * prices.shape + 10.0 * prices.moved,
        chain_ratio=0.02 * prices.moved,
        tree_ratio=0.1,
        hopeless=0.012 * prices.shape + 3.0 * prices.moved,
        keep_warm=0.06 * keep,
        keep_cold=0.004 * keep,
        grid=-(1 - MEAN_SHAPE) * prices.shape,
    )
