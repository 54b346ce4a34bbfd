"""The trade-off between least change and best shape: several plans of a community, none worse than another in both."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from geo.rebalance.board import make_grids, polsby_popper
from geo.rebalance.exact import EFFORT
from geo.rebalance.pieces import make_graph
from geo.rebalance.prices import MEAN_SHAPE, shape_price
from geo.rebalance.problem import CommunityProblem, CommunitySolution
from geo.rebalance.solve import solve_community


def front_shapes(count: int) -> list[float]:
    """Points between least change (0) and best shape (1), evenly spaced."""
    return [0.0] if count == 1 else np.linspace(0, 1, count).tolist()


def solve_front(
    problem: CommunityProblem, seed: int, *, count: int, effort: int = EFFORT, until: float = math.inf
) -> tuple[CommunitySolution, ...]:
    """Solve a community for several prices of shape, and choose for each price among all plans found.

    With rising price households moved never fall and shape never worsens: summed over communities too, so that the
    plans of a district for one price each are a front.
    """
    shapes = front_shapes(count)
    solutions = [solve_community(replace(problem, shape=shape), seed, effort=effort, until=until) for shape in shapes]
    least_miss = min(solution.miss_households for solution in solutions)
    pool = [solution for solution in solutions if solution.miss_households <= least_miss + 1e-6]
    lost = [_lost_shape(problem, solution) for solution in pool]
    return tuple(_cheapest(pool, lost, shape) for shape in shapes)


def _cheapest(pool: Sequence[CommunitySolution], lost: Sequence[float], shape: float) -> CommunitySolution:
    """The plan that is best at one price of shape."""
    price = shape_price(shape) if shape < 1 else math.inf
    keys = [
        (solution.moved_households or 0.0) + price * lost[i] if shape < 1 else lost[i]
        for i, solution in enumerate(pool)
    ]
    return pool[int(np.argmin(keys))]


def _lost_shape(problem: CommunityProblem, solution: CommunitySolution) -> float:
    """How far the grids stay behind the usual Polsby-Popper ratio, summed."""
    atoms = np.arange(len(problem.households))
    borders_m = (problem.border_m, problem.wall_border_m)
    graph = make_graph(problem, atoms, problem.pairs, problem.wall_pairs, borders_m=borders_m, overlap=problem.overlap)
    grids = make_grids(graph, solution.grid, int(solution.grid.max()) + 1)
    pairs = zip(grids.area_m2.tolist(), grids.perimeter_m.tolist(), strict=True)
    return sum(MEAN_SHAPE - polsby_popper(area_m2, perimeter_m) for area_m2, perimeter_m in pairs)
