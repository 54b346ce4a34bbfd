"""Totals of verdicts: demand served, not served and unknown, by area, grid or cell, and areas in order of need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import InvalidInputError
from geo.verdicts import Judgement, Verdict


@dataclass(frozen=True)
class Tally:
    """Totals of one judgement over groups of units; all of shape (n_group,).

    Attributes
    ----------
    units, units_met, units_not_met, units_unknown
        The first is the sum of the other three.
    units_uncounted
        Units whose demand is not counted: they are in no sum of demand.
    demand, demand_met, demand_not_met, demand_unknown
        The first is the sum of the other three. Unknown is neither met nor not met.
    unserved_mean_m, unserved_longest_m
        Measured metres of the units that are not met: mean weighted by their demand, and the longest; NaN without
        any, inf where there is no facility at all.
    """

    units: IntArray
    units_met: IntArray
    units_not_met: IntArray
    units_unknown: IntArray
    units_uncounted: IntArray
    demand: FloatArray
    demand_met: FloatArray
    demand_not_met: FloatArray
    demand_unknown: FloatArray
    unserved_mean_m: FloatArray
    unserved_longest_m: FloatArray

    @property
    def unserved_ratio(self) -> FloatArray:
        """Share not served of the demand whose verdict is known, 0-1; NaN where none is."""
        return _ratio(self.demand_not_met, self.demand_met + self.demand_not_met)

    @property
    def met_ratio(self) -> FloatArray:
        """Share served of all demand, unknown included (so a lower bound), 0-1; NaN without demand."""
        return _ratio(self.demand_met, self.demand)


def tally(judgement: Judgement, group: IntArray, count: int) -> Tally:
    """Add the units of a judgement up by group.

    Parameters
    ----------
    judgement
        Of n units.
    group
        Shape (n,), the group of each unit, 0 to `count` - 1; -1 is in none.
    count
        How many groups there are.

    Raises
    ------
    InvalidInputError
        If the shapes differ or a group is out of range.
    """
    if group.shape != judgement.demand.shape:
        raise InvalidInputError(f"{len(judgement.demand)} units are judged, but {group.shape} groups given")
    if len(group) and not (group.min() >= -1 and group.max() < count):
        raise InvalidInputError(f"groups must be -1 to {count - 1}; they are {group.min()} to {group.max()}")
    inside = group >= 0
    is_counted = ~np.isnan(judgement.demand)
    demand = np.where(is_counted, judgement.demand, 0.0)
    is_met, is_not, is_unknown = (judgement.verdict == one for one in Verdict)

    def number(rows: BoolArray) -> IntArray:
        return np.bincount(group[rows & inside], minlength=count).astype(np.int64)

    def total(rows: BoolArray, weight: FloatArray = demand) -> FloatArray:
        return np.bincount(group[rows & inside], weight[rows & inside], minlength=count).astype(np.float64)

    longest_m = np.full(count, -np.inf)
    np.maximum.at(longest_m, group[is_not & inside], judgement.measured_m[is_not & inside])
    weight = np.where(is_not, demand, 0.0)
    weighted_m = np.where(weight > 0, np.where(is_not, judgement.measured_m, 0.0), 0.0) * np.where(
        weight > 0, weight, 1
    )
    everything = np.ones(len(group), dtype=bool)
    return Tally(
        units=number(everything), units_met=number(is_met), units_not_met=number(is_not),
        units_unknown=number(is_unknown), units_uncounted=number(~is_counted),
        demand=total(everything), demand_met=total(is_met), demand_not_met=total(is_not),
        demand_unknown=total(is_unknown),
        unserved_mean_m=_ratio(total(is_not, weighted_m), total(is_not)),
        unserved_longest_m=np.where(np.isneginf(longest_m), np.nan, longest_m),
    )  # fmt: skip


@dataclass(frozen=True)
class Ranking:
    """Groups in order of need, the most in need first.

    Attributes
    ----------
    order
        Shape (n_group,), group numbers.
    score
        Shape (n_group,), by group: the mean over the rules of the share not served; NaN where nothing is known.
    """

    order: IntArray
    score: FloatArray


def rank(tallies: Sequence[Tally]) -> Ranking:
    """Put groups in order by the mean over rules of the share of known demand that is not served.

    Every rule weighs the same; a rule with no known demand in a group is left out there. Ties go to more unserved
    demand, then to the lower group number. Groups of which nothing is known come last.

    Raises
    ------
    InvalidInputError
        If there is no tally.
    """
    if not tallies:
        raise InvalidInputError("there is no rule to rank by")
    ratio = np.array([one.unserved_ratio for one in tallies])
    is_known = ~np.isnan(ratio)
    score = _ratio(np.where(is_known, ratio, 0.0).sum(axis=0), is_known.sum(axis=0).astype(np.float64))
    unserved = np.sum([one.demand_not_met for one in tallies], axis=0)
    order = np.lexsort((-unserved, np.where(np.isnan(score), 1.0, -score)))
    return Ranking(order.astype(np.int64), score)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide, NaN by nothing."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
