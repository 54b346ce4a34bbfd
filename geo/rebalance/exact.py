"""Exact search for the fewest households moved: closes the gap between a plan and its bound, or narrows it."""

import math
import time
from dataclasses import replace

import numpy as np

from geo.rebalance.adjacency import connect
from geo.rebalance.bounds import (
    TOLERANCE,
    Counting,
    count_moved,
    find_stakes,
    is_whole,
    lower_bound,
    rounded,
    total_miss,
)
from geo.rebalance.dig import LEAST, dig
from geo.rebalance.labels import Labelling, Outcome
from geo.rebalance.patterns import search
from geo.rebalance.problem import CommunityProblem, CommunitySolution, IntArray
from geo.rebalance.scope import Scope, find_scope
from geo.rebalance.ways import QUICK_EFFORT, search_one

DOUBT_EFFORT, EFFORT = 20_000, 180_000
EFFORTS = QUICK_EFFORT, DOUBT_EFFORT, EFFORT
"""Simplex iterations spent on one community in a first round, in a second, and at most. Whether it has a plan in the
band at all is asked with no more than those of the second."""
MAX_LABELS = 10_000
"""Atoms times incumbent grids above which exact search is hopeless and not tried."""
CHEAP_STEPS = 12_000_000
"""Steps of annealing that are tried wherever there is a gap: few large atoms are dug through in no time."""


def close_gap(
    problem: CommunityProblem, solution: CommunitySolution, *, effort: int = EFFORT, until: float = math.inf
) -> CommunitySolution:
    """Look for a plan that moves fewer households, or a proof that there is none.

    Returns a solution whose plan is the given one or moves fewer households and misses the band by no more, and whose
    bound is at least that of `lower_bound`; the plan is proven best where both are equal. Deterministic unless
    `until` cuts it short.

    Parameters
    ----------
    effort
        Simplex iterations after which the search stops with the bound it has. Where there are more than those of a
        first round, annealing comes before it, and after it where it has found a plan.
    until
        Seconds since the epoch at which to stop with what there is.
    """
    if not problem.overlap.any():
        return solution
    best = _counted(problem, solution)
    if effort <= 0 or is_proven(best):
        return best
    for turn in range(2):
        if effort > QUICK_EFFORT:
            best = _dug(problem, best, share=effort / EFFORT, turn=turn, until=until)
        if turn or is_proven(best) or time.time() >= until:
            break
        before, best = best, _searched(problem, best, effort, until)
        if is_proven(best) or best.grid is before.grid:  # nothing new to dig from
            break
    return best


def _counted(problem: CommunityProblem, solution: CommunitySolution) -> CommunitySolution:
    """The solution with what it moves, and the bound that counting gives."""
    moved = count_moved(problem, solution.grid)
    bound = rounded(problem, lower_bound(problem, miss_households=solution.miss_households))
    bound = min(max(bound, solution.moved_bound_households or 0.0), moved)
    best = replace(solution, moved_households=moved, moved_bound_households=bound)
    return replace(best, moved_bound_households=moved) if is_proven(best) else best


def _searched(problem: CommunityProblem, old: CommunitySolution, effort: int, until: float) -> CommunitySolution:
    """What exact search finds and proves among plans that miss the band by no more."""
    scope = find_scope(problem, most_miss=old.miss_households)
    spare = max(old.miss_households - scope.miss, 0.0)
    stakes = find_stakes(scope.problem)
    counting = Counting(scope.problem, stakes, miss=spare)
    if counting.floor <= 0 or scope.problem.overlap.size > MAX_LABELS:
        return old
    cutoff = _next_below(problem, count_moved(problem, old.grid)) - scope.least
    labelling = Labelling(scope.problem, stakes, counting, cutoff=cutoff, miss=spare)
    return _conclude(problem, old, scope, search(labelling, counting, effort, until))


def is_proven(solution: CommunitySolution) -> bool:
    """Whether no plan that misses the band by no more moves fewer households."""
    moved, bound = solution.moved_households, solution.moved_bound_households
    return moved is not None and bound is not None and bound >= moved - TOLERANCE


def find_any(problem: CommunityProblem, *, effort: int = DOUBT_EFFORT, until: float = math.inf) -> Outcome:
    """Look for any connected plan that has every grid in the band, as far as the effort reaches.

    Atoms above the ceiling are grids of their own and out of the question.
    """
    scope = find_scope(problem, most_miss=0.0)
    if not scope.problem.overlap.any() or scope.problem.overlap.size > MAX_LABELS:
        return Outcome(None, 0.0, is_done=False)
    stakes = find_stakes(scope.problem)
    counting = Counting(scope.problem, stakes, miss=0.0)
    labelling = Labelling(scope.problem, stakes, counting, cutoff=np.inf, miss=0.0)
    found = search_one(labelling, effort, until)
    if found.plan is not None:
        found.plan = np.unique(scope.complete(found.plan), return_inverse=True)[1].astype(np.int64)
    return found


def _dug(
    problem: CommunityProblem, old: CommunitySolution, *, share: float, turn: int, until: float
) -> CommunitySolution:
    """What annealing finds in its share of the usual runs."""
    moved, bound = old.moved_households or 0.0, old.moved_bound_households or 0.0
    cheap = CHEAP_STEPS // min(LEAST.steps * len(problem.households), LEAST.most_steps)
    runs = min(max(math.ceil(LEAST.runs * share**2), cheap), LEAST.runs)
    digging = replace(LEAST, runs=runs, seed=LEAST.seed + 2 * round(share * EFFORT) + turn)
    found = dig(problem, old.grid, gain=moved - bound, digging=digging, until=until)
    return _improve(problem, old, found, most_miss=old.miss_households)


def _conclude(problem: CommunityProblem, old: CommunitySolution, scope: Scope, found: Outcome) -> CommunitySolution:
    """What a search has found and proven."""
    best = old
    if found.plan is not None:
        best = _improve(problem, old, scope.complete(found.plan), most_miss=old.miss_households)
        if best is old:  # what the solver calls a plan is none: claim nothing
            return old
    moved = count_moved(problem, best.grid)
    bound = max(old.moved_bound_households or 0.0, scope.least + found.bound)
    return replace(best, moved_bound_households=moved if found.is_done else min(bound, moved))


def _next_below(problem: CommunityProblem, moved: float) -> float:
    """The most that a better plan may move."""
    return moved - 1 if is_whole(problem) else moved - 10 * TOLERANCE


def _improve(
    problem: CommunityProblem, old: CommunitySolution, labels: IntArray, *, most_miss: float
) -> CommunitySolution:
    """Take a found plan if it holds from scratch: every grid connected, no larger miss, fewer households moved."""
    grid = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    moved, miss = count_moved(problem, grid), total_miss(problem, grid)
    is_connected = int(connect(grid, problem.pairs).max()) == int(grid.max())
    if not is_connected or miss > most_miss + TOLERANCE:
        return old
    if moved >= count_moved(problem, old.grid) - TOLERANCE:
        return old
    return replace(old, grid=grid, moved_households=moved, miss_households=miss)
