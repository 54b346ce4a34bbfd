"""What is answered: sites, the value with its proven bound, and who is served."""

from dataclasses import dataclass

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting.problem import SitingModel, SitingProblem


@dataclass(frozen=True)
class SitingAnswer:
    """Chosen sites and what is known of them.

    Attributes
    ----------
    model
        What was asked for.
    site
        Chosen sites (existing ones left out), in the order in which each adds most.
    gain
        Shape (n_chosen,), what each adds to those before it: covered weight; of the p-median, metres off the mean.
    objective, bound
        Value of the choice and the proven limit of any choice: sites (LSCP), covered weight (MCLP), mean metres
        (p-median), longest metres (p-center).
    covered_weight, total_weight, uncoverable_weight
        Within the radius of an existing or chosen site; all; within the radius of no site at all.
    nearest
        Shape (n_demand,), the open site nearest to each demand; -1 = none in reach.
    nearest_m
        Shape (n_demand,), metres to it; NaN = none in reach.
    seconds
        Time the solution took, by the clock.
    """

    model: SitingModel
    site: IntArray
    gain: FloatArray
    objective: float
    bound: float
    covered_weight: float
    total_weight: float
    uncoverable_weight: float
    nearest: IntArray
    nearest_m: FloatArray
    seconds: float

    @property
    def gap(self) -> float:
        """Distance of value and bound in shares of the value: 0 = proven best."""
        apart = abs(self.objective - self.bound)
        return 0.0 if apart == 0 else apart / abs(self.objective) if self.objective else float("inf")

    @property
    def covered_ratio(self) -> float | None:
        """Covered weight among all; None without any weight."""
        return self.covered_weight / self.total_weight if self.total_weight else None


def nearest_open(problem: SitingProblem, is_open: np.ndarray) -> tuple[IntArray, FloatArray]:
    """Find the nearest open site of every demand (the first of equals) and its metres; -1 and NaN without one."""
    count = len(problem.weight)
    pair = np.flatnonzero(is_open[problem.distance_m.indices])
    row, metres = problem.row()[pair], problem.distance_m.data[pair]
    order = np.lexsort((metres, row))
    first = order[np.flatnonzero(np.r_[True, np.diff(row[order]) > 0])] if len(order) else order
    nearest, nearest_m = np.full(count, -1, dtype=np.int64), np.full(count, np.nan)
    nearest[row[first]] = problem.distance_m.indices[pair[first]]
    nearest_m[row[first]] = metres[first]
    return nearest, nearest_m
