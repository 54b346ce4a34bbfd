"""Exact search pattern by pattern: every way to hand out the heavy atoms of a community is a small search of its own.

Where the heavy atoms go decides most of what moves, and fractions of them deceive a relaxation. With them fixed,
counting says what the light ones must move at least, and cheapest paths between heavy atoms of one grid say which
patterns can't be connected and which labels light atoms can have. Few patterns are left by a good plan as cutoff.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from geo.rebalance.bounds import TOLERANCE, Counting, is_whole
from geo.rebalance.labels import HEAVY_RATIO, Labelling, Outcome, cheapest_paths
from geo.rebalance.problem import FloatArray, IntArray
from geo.rebalance.ways import QUICK_EFFORT, search_one

MOST_HEAVY, MOST_PATTERNS, MOST_STEPS = 24, 250, 20_000
BUILD_EFFORT = 300
"""What it costs to set up the program of a pattern, in simplex iterations."""


def search(whole: Labelling, counting: Counting, effort: int, until: float) -> Outcome:
    """Search a community pattern by pattern where there are not too many, else in one."""
    split = _Split(whole, counting) if math.isfinite(whole.cutoff) and whole.miss <= 0 else None
    patterns = None if split is None else split.patterns()
    if split is None or patterns is None:
        return search_one(whole, effort, until)
    return _search_patterns(split, patterns, effort, until)


@dataclass
class _Pattern:
    """The label of each heavy atom, and fewest households that move with it."""

    labels: tuple[int, ...]
    bound: float


def _search_patterns(split: "_Split", patterns: list[_Pattern], effort: int, until: float) -> Outcome:
    """A little search for each pattern, least bound first, and then what effort is left for those not settled."""
    plan, cutoff, left = None, split.whole.cutoff, float(effort)
    for share in (min(QUICK_EFFORT, effort / 4), effort):
        kept: list[_Pattern] = []
        for number, pattern in enumerate(patterns):
            one = split.narrowed(pattern, cutoff)
            if not one.is_possible:
                continue
            own = share if share < effort else left / (len(patterns) - number)
            if left < BUILD_EFFORT:
                kept.append(pattern)
                continue
            found = search_one(one, min(own, left), until)
            left -= found.spent + BUILD_EFFORT
            if found.plan is not None:
                plan, cutoff = found.plan, _next_below(one, found.plan)
            if not found.is_done:
                pattern.bound = max(pattern.bound, found.bound)
                kept.append(pattern)
        patterns = [pattern for pattern in kept if pattern.bound <= cutoff + TOLERANCE]
    return Outcome(plan, min((pattern.bound for pattern in patterns), default=math.inf), not patterns)


def _next_below(one: Labelling, plan: IntArray) -> float:
    """The most that a plan better than this one may move."""
    moved = float(one.cost[np.arange(len(plan)), plan].sum())
    return moved - 1 if is_whole(one.problem) else moved - 10 * TOLERANCE


class _Split:
    """A community whose heavy atoms are handed out."""

    def __init__(self, whole: Labelling, counting: Counting) -> None:
        self.whole, self.counting = whole, counting
        households = whole.problem.households
        is_heavy = households >= HEAVY_RATIO * whole.problem.band.floor
        self.is_heavy = is_heavy
        self.heavy = np.flatnonzero(is_heavy)[np.argsort(-households[is_heavy], kind="stable")]
        overlap = whole.problem.overlap[~is_heavy]
        self.own = np.r_[overlap.sum(axis=0), np.zeros(len(whole.labels) - overlap.shape[1])]
        self.without = float(households[~is_heavy].sum() - overlap.sum())
        light = np.where(whole.allowed, whole.cost, np.inf).min(axis=1, initial=np.inf)[~is_heavy]
        self.light_least = float(light.sum())

    def patterns(self) -> list[_Pattern] | None:
        """All that the cutoff leaves, least bound first; None where there are too many, or nothing to hand out."""
        if not 0 < len(self.heavy) <= MOST_HEAVY:
            return None
        found: list[_Pattern] = []
        for labels, cost in self._ways():
            if labels is None or len(found) > MOST_PATTERNS:
                return None
            bound = cost + self._count(labels)
            if bound <= self.whole.cutoff + TOLERANCE:
                found.append(_Pattern(labels, bound))
        return sorted(found, key=lambda pattern: (pattern.bound, pattern.labels))

    def _ways(self) -> Iterator[tuple[tuple[int, ...] | None, float]]:
        """Labels of the heavy atoms that fit their grids, and what these atoms move; None for too many."""
        whole, households = self.whole, self.whole.problem.households[self.heavy]
        known, ceiling = whole.problem.overlap.shape[1], self.counting.ceiling
        cost = np.where(whole.allowed, whole.cost, np.inf)[self.heavy]
        after = np.r_[np.cumsum(cost.min(axis=1, initial=np.inf)[::-1])[::-1][1:], 0.0] + self.light_least
        stack: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        for _ in range(MOST_STEPS):
            if not stack:
                return
            labels, spent = stack.pop()
            if len(labels) == len(self.heavy):
                yield labels, spent
                continue
            atom, size = len(labels), np.zeros(len(whole.labels))
            np.add.at(size, list(labels), households[:atom])
            first_new = max([known - 1, *labels]) + 1  # new grids are named in the order of their heaviest atom
            for label in range(min(first_new + 1, len(size)) - 1, -1, -1):
                moved = spent + float(cost[atom, label])
                fits = size[label] + households[atom] <= ceiling + TOLERANCE
                if fits and moved + after[atom] <= whole.cutoff + TOLERANCE:
                    stack.append(((*labels, label), moved))
        yield None, 0.0

    def _sizes(self, labels: tuple[int, ...]) -> FloatArray:
        """Households of heavy atoms that each label has."""
        size = np.zeros(len(self.own))
        np.add.at(size, list(labels), self.whole.problem.households[self.heavy])
        return size

    def _count(self, labels: tuple[int, ...]) -> float:
        """Fewest households of light atoms that move, were they split at will."""
        return float(self._count_taking(labels, -1, np.zeros(1))[0])

    def _count_taking(self, labels: tuple[int, ...], taker: int, taken: FloatArray) -> FloatArray:
        """The same when the grid `taker` (-1 for none) takes at least so many from others, shape (n,)."""
        size, own, counting = self._sizes(labels), self.own, self.counting
        idle = [g for g in range(len(own)) if size[g] == 0 and g not in self.whole.must and g != taker]
        idle.sort(key=lambda g: (own[g], g))
        best = np.full(taken.shape, np.inf)
        for vanished in range(len(idle) + 1):
            others = np.setdiff1d(np.arange(len(own)), [*idle[:vanished], taker])
            if counting.fewest <= len(others) + (taker >= 0) <= counting.most:
                full = size[others] + own[others]
                gives = own[idle[:vanished]].sum() + np.maximum(full - counting.ceiling, 0).sum() + np.zeros(len(taken))
                takes = np.maximum(counting.floor - full, 0).sum() - self.without + np.zeros(len(taken))
                if taker >= 0:
                    over = size[taker] + own[taker] - self.without - counting.ceiling
                    gives += np.maximum(over + taken, 0)
                    takes += np.maximum(taken, counting.floor - size[taker] - own[taker])
                best = np.minimum(best, np.maximum(gives, takes))
        return np.asarray(np.maximum(best, self.light_least))

    def narrowed(self, pattern: _Pattern, cutoff: float) -> Labelling:
        """The labels of one pattern: light atoms keep the labels to which they can be connected."""
        one, labels = copy.copy(self.whole), np.array(pattern.labels)
        one.cutoff = cutoff
        one.allowed = self.whole.allowed & (pattern.bound <= cutoff + TOLERANCE)
        one.allowed[self.heavy] = False
        one.allowed[self.heavy, labels] = True
        one.must = self.whole.must | {int(g) for g in labels if g < self.whole.problem.overlap.shape[1]}
        paid = float(self.whole.cost[self.heavy, labels].sum())
        for label in range(one.allowed.shape[1]):
            origins = self.heavy[labels == label][:1] if (labels == label).any() else one.own.get(label)
            if origins is None:
                continue
            price = np.where(one.allowed[:, label], one.cost[:, label], np.inf)
            price[self.heavy[labels == label]] = 0.0
            paths = cheapest_paths(one.near, origins[one.allowed[origins, label]], price)
            bound = np.full(len(paths), np.inf)
            is_near = np.isfinite(paths)
            bound[is_near] = paid + self._count_taking(pattern.labels, label, paths[is_near])
            one.allowed[:, label] &= bound <= cutoff + TOLERANCE
        one.is_possible = bool(one.allowed.any(axis=1).all())
        return one
