"""The ways to a proof, cheap ones first: a relaxation, a frontier swept over the atoms, branch and cut."""

import math

import numpy as np

from geo.rebalance.bounds import TOLERANCE, is_whole, rounded
from geo.rebalance.frontier import sweep
from geo.rebalance.labels import Labelling, Outcome
from geo.rebalance.order import find_order
from geo.rebalance.program import branch_and_cut
from geo.rebalance.relaxation import relax, unpriced

QUICK_EFFORT = 2_000
"""Simplex iterations of a first look."""
BEGINNINGS_PER_ITERATION = 200
"""How many beginnings of a sweep take as long as one iteration."""
SWEPT_SHARE = 0.25
"""Of the effort, at most so much is spent on a sweep."""


def search_one(labelling: Labelling, effort: float, until: float) -> Outcome:
    """Search until the best plan within the cutoff is known, or the effort is spent, or the time has come."""
    if not labelling.is_possible:
        return Outcome(None, np.inf, is_done=True)
    swept = _sweep(labelling, effort, until)
    if swept.is_done or swept.spent >= effort:
        return swept
    found = branch_and_cut(labelling, effort - swept.spent, until)
    found.spent += swept.spent
    found.bound = max(found.bound, swept.bound)
    return found


def _sweep(labelling: Labelling, effort: float, until: float) -> Outcome:
    """What a relaxation and a sweep tell, where one is worth trying."""
    problem, most = labelling.problem, int(SWEPT_SHARE * effort * BEGINNINGS_PER_ITERATION)
    nothing = Outcome(None, -np.inf, is_done=False)
    if not is_whole(problem) or labelling.miss > 0:
        return nothing
    order = find_order(labelling)
    if not order.is_worth(most):
        return nothing
    relaxation = relax(labelling, effort, until) if math.isfinite(labelling.cutoff) else unpriced(labelling)
    bound = rounded(problem, relaxation.bound)
    if bound > labelling.cutoff + TOLERANCE:
        return Outcome(None, np.inf, is_done=True, spent=relaxation.spent)
    found, beginnings = sweep(labelling, relaxation, order.atoms, most, until)
    found.spent = relaxation.spent + beginnings / BEGINNINGS_PER_ITERATION
    if not found.is_done:
        found.bound = rounded(problem, found.bound)
    return found
