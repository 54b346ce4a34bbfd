"""Lower bounds on households moved, in milliseconds: what every plan in the band pays, connected or not.

Divisible bound: let units be split at will and forget connection. Then only sums matter. The grids above the ceiling
and the grids that vanish must give, the grids below the floor and the new grids must take, and whoever takes has moved:
moved = max(given, taken). Of all ways to let d grids vanish, the d smallest give least and spare most.
"""

from dataclasses import dataclass

import numpy as np

from geo.rebalance.codes import match
from geo.rebalance.problem import BoolArray, CommunityProblem, FloatArray, IntArray
from geo.rebalance.scope import find_scope
from geo.rebalance.sums import sum_by

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Stakes:
    """What labels cost: every atom may take the label of an incumbent grid, or one of a new grid.

    Attributes
    ----------
    allowed
        Shape (n_atom, n_incumbent). Labels that fixed atoms leave.
    had
        Shape (n_atom,). Households that have an incumbent grid, which move when their atom joins a new one.
    cost
        Shape (n_atom, n_incumbent). Households moved when an atom takes a label.
    least
        Shape (n_atom,). The smallest of them, or all it had when no label is allowed.
    """

    allowed: BoolArray
    had: FloatArray
    cost: FloatArray
    least: FloatArray


def find_stakes(problem: CommunityProblem) -> Stakes:
    """Work out what labels cost in what is in question of a community (`find_scope`)."""
    count, known = problem.overlap.shape
    allowed = np.ones((count, known), dtype=bool)
    held = problem.fixed & (problem.incumbent >= 0)
    allowed[held] = np.eye(known, dtype=bool)[problem.incumbent[held]]
    had = problem.overlap.sum(axis=1)
    cost = had[:, None] - problem.overlap
    least = np.where(allowed, cost, had[:, None]).min(axis=1, initial=np.inf)
    return Stakes(allowed=allowed, had=had, cost=cost, least=np.minimum(least, had))


class Counting:
    """The divisible bound of what is in question of a community, whatever grids vanish and however many are new.

    Parameters
    ----------
    miss
        Households by which a plan may miss the band.
    """

    def __init__(self, problem: CommunityProblem, stakes: Stakes, *, miss: float) -> None:
        self.floor, self.ceiling = max(problem.band.floor - miss, 0.0), problem.band.ceiling + miss
        self.total = float(problem.households.sum())
        self.size = problem.overlap.sum(axis=0)
        self.labels = np.arange(len(self.size))
        self.least = float(stakes.least.sum())
        self.fewest = int(np.ceil(self.total / self.ceiling - TOLERANCE))
        self.most = int(self.total / self.floor + TOLERANCE) if self.floor > 0 else len(problem.households)
        self.strange_price = stakes.had - stakes.least
        self.households = problem.households

    def bound(self, *, gone: int | None = None, strange: int = 0) -> float:
        """Fewest households moved when label `gone` keeps nothing and so many grids bear no label of theirs.

        Such a strange grid keeps nothing of any incumbent whose label it bears: all its households move.
        """
        others = self.labels != gone
        size = np.sort(self.size[others])
        without = self.total - self.size.sum()  # households without an incumbent grid move at no cost
        best = np.inf
        for vanished in range(len(size) + 1):
            kept = size[vanished:]
            count = max(self.fewest, len(kept) + strange)
            if count <= self.most:
                given = float(self.size.sum() - kept.sum() + np.maximum(kept - self.ceiling, 0).sum())
                taken = float(np.maximum(self.floor - kept, 0).sum() + (count - len(kept)) * self.floor)
                best = min(best, max(given, taken - without))
        amount = min(strange * self.floor, self.total)
        return max(best, self.least + _cheapest(self.households, self.strange_price, amount))

    def bound_taking(self, label: int, taken: FloatArray) -> FloatArray:
        """Fewest households moved when grid `label` takes at least so many from others, shape (n,)."""
        own = float(self.size[self.labels == label].sum())
        size = np.sort(self.size[self.labels != label])
        without = self.total - self.size.sum()
        best = np.full(taken.shape, np.inf)
        for vanished in range(len(size) + 1):
            kept = size[vanished:]
            count = max(self.fewest, len(kept) + 1)
            if count <= self.most:
                given = self.size.sum() - own - kept.sum() + np.maximum(kept - self.ceiling, 0).sum()
                needed = np.maximum(self.floor - kept, 0).sum() + (count - len(kept) - 1) * self.floor - without
                gives, takes = np.maximum(own + taken - without - self.ceiling, 0), np.maximum(taken, self.floor - own)
                best = np.minimum(best, np.maximum(given + gives, needed + takes))
        return np.asarray(np.maximum(best, self.least))


def _cheapest(households: FloatArray, price: FloatArray, amount: float) -> float:
    """Price of so many households where they are cheapest, atoms split at will."""
    some = np.flatnonzero(households > 0)
    order = some[np.argsort(price[some] / households[some], kind="stable")]
    before = np.r_[0.0, np.cumsum(households[order])[:-1]]
    taken = np.clip((amount - before) / households[order], 0, 1)
    return float((taken * price[order]).sum())


def lower_bound(problem: CommunityProblem, *, miss_households: float = 0.0) -> float:
    """Fewest households that any plan moves whose miss of the band is no larger; infinite when there is no such plan.

    In a plan an atom above the ceiling is a grid of its own.

    Whole compounds that lie in several incumbent grids move all but their largest part; beyond that the bound is that
    of units split at will.
    """
    scope = find_scope(problem, most_miss=miss_households)
    if miss_households < scope.miss - TOLERANCE:
        return float("inf")
    spare = max(miss_households - scope.miss, 0.0)
    return scope.least + Counting(scope.problem, find_stakes(scope.problem), miss=spare).bound()


def count_moved(problem: CommunityProblem, grid: IntArray) -> float:
    """Households that change grid under the best matching of a plan's grids with the incumbent ones."""
    return float(problem.overlap.sum() - match(problem, grid)[2].sum())


def total_miss(problem: CommunityProblem, grid: IntArray) -> float:
    """Households above the ceiling or short of the floor, summed over the grids."""
    return float(problem.band.miss(sum_by(grid, problem.households)).sum())


def is_whole(problem: CommunityProblem) -> bool:
    """Whether all counts are whole, so that households moved are."""
    return bool((problem.overlap == np.round(problem.overlap)).all() and problem.households.sum() % 1 == 0)


def rounded(problem: CommunityProblem, bound: float) -> float:
    """A bound rounded up where households moved are whole."""
    return float(np.ceil(bound - TOLERANCE)) if is_whole(problem) and np.isfinite(bound) else bound
