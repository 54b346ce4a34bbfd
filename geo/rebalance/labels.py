"""Which labels the atoms of a community can bear in a plan that moves fewer households than a given one.

A label is one connected grid in the band. The value of a good plan as cutoff takes most of them away: an atom so far
from a grid's own atoms that a path of moved atoms to it costs more can't join that grid.
"""

import heapq
import math
from dataclasses import dataclass

import numpy as np

from geo.rebalance.bounds import TOLERANCE, Counting, Stakes
from geo.rebalance.problem import CommunityProblem, FloatArray, IntArray

HEAVY_RATIO = 0.15
"""Atoms of this share of the floor are heavy: where they go decides most."""
USUAL_SIZE = 9_000
"""Where labels times labels of atoms are more than that, simplex iterations count for more, as they take longer: rows
grow with both, and so do the cuts that are looked for."""


@dataclass
class Outcome:
    """What a search has found.

    Attributes
    ----------
    plan
        The label of each atom in a plan that moves no more than the cutoff, or None.
    bound
        Fewest households that any plan moves, as far as is known.
    is_done
        Whether nothing is left to search: the plan is a best one, or there is none within the cutoff.
    spent
        Effort, in simplex iterations.
    """

    plan: IntArray | None
    bound: float
    is_done: bool
    spent: float = 0.0


class Labelling:
    """A community and the labels that its atoms may bear.

    Labels below the number of incumbent grids are theirs, and a grid that bears one keeps some household of it; all
    other grids bear the labels above. Without a cutoff, labels are but names, and all of the incumbents' come first.

    Attributes
    ----------
    allowed, cost
        Shape (n_atom, n_label). Whether an atom may bear a label, and households moved when it does.
    own
        Of labels of incumbent grids, the atoms of which a plan keeps one; empty without a cutoff.
    must
        Labels that every plan uses.
    near
        Neighbours of each atom.
    is_possible
        Whether every atom has a label.
    """

    def __init__(
        self, problem: CommunityProblem, stakes: Stakes, counting: Counting, *, cutoff: float, miss: float
    ) -> None:
        self.problem, self.cutoff, self.miss = problem, cutoff, miss
        self.near: list[list[int]] = [[] for _ in problem.households]
        for a, b in problem.pairs.tolist():
            self.near[a].append(b)
            self.near[b].append(a)
        self._find_labels(stakes, counting)

    def weigh(self, iterations: int) -> float:
        """Effort that so many simplex iterations on this community are."""
        return iterations * max(float(self.allowed.sum() * self.allowed.shape[1]) / USUAL_SIZE, 1.0)

    def _find_labels(self, stakes: Stakes, counting: Counting) -> None:
        """Which labels must be used, how many new grids there may be, and which atoms each label may have."""
        problem, known = self.problem, self.problem.overlap.shape[1]
        limit, is_cut = self.cutoff + TOLERANCE, math.isfinite(self.cutoff)
        news = 0 if is_cut else max(counting.most - len(counting.labels), 0)
        while is_cut and news < counting.most and counting.bound(strange=news + 1) <= limit:
            news += 1
        self.labels = [*range(known), *range(known, known + news)]
        self.cost = np.hstack([stakes.cost, np.repeat(stakes.had[:, None], news, axis=1)])
        held = problem.fixed & (problem.incumbent >= 0)
        self.allowed = np.hstack([stakes.allowed, np.repeat(~held[:, None], news, axis=1)])
        self.own = {
            int(g): np.flatnonzero((problem.overlap[:, g] > 0) | (held & (problem.incumbent == g)))
            for g in counting.labels
            if is_cut
        }
        self.must = {
            int(g)
            for g in counting.labels
            if counting.bound(gone=int(g)) > limit or bool((held & (problem.incumbent == g)).any())
        }
        excess = self.cost - stakes.least[:, None]
        base = float(stakes.least.sum())
        for g, own in self.own.items():
            reach = cheapest_paths(self.near, own, excess[:, g])
            is_near = base + reach <= limit
            is_near &= counting.bound_taking(g, cheapest_paths(self.near, own, self.cost[:, g])) <= limit
            self.allowed[:, g] &= is_near | (held & (problem.incumbent == g))
        self.is_possible = bool(self.allowed.any(axis=1).all())


def cheapest_paths(near: list[list[int]], origins: IntArray, weight: FloatArray) -> FloatArray:
    """Least sum of node weights on a path from any origin to each atom, both ends counted."""
    reach = np.full(len(near), np.inf)
    heap = [(float(weight[u]), int(u)) for u in origins]
    for cost, u in heap:
        reach[u] = cost
    heapq.heapify(heap)
    while heap:
        cost, u = heapq.heappop(heap)
        if cost > reach[u]:
            continue
        for v in near[u]:
            if cost + weight[v] < reach[v]:
                reach[v] = cost + weight[v]
                heapq.heappush(heap, (float(reach[v]), v))
    return reach
