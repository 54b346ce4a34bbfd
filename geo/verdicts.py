"""Verdicts: whether each unit has a facility as near as a rule of a standard asks, or whether that is unknown."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import InvalidInputError
from geo.walking import SNAP_LIMIT_M, Snap, WalkingGraph, WalkReason, nearest_facility, snap_points, straight_distance

Metric = Literal["walk", "line"]
Demand = Literal["households", "residents_60", "residents_80"]
Binding = Literal["must", "should", "may"]
Confidence = Literal["H", "M", "L"]
METRICS: tuple[Metric, ...] = ("walk", "line")
DEMANDS: tuple[Demand, ...] = ("households", "residents_60", "residents_80")
BINDINGS: tuple[Binding, ...] = ("must", "should", "may")
CONFIDENCES: tuple[Confidence, ...] = ("H", "M", "L")
LEVELS = (5, 10, 15)


class Verdict(StrEnum):
    """What a rule says of a unit."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a verdict is what it is."""

    OK = "ok"
    UNIT_WITHOUT_PLACE = "unit_without_place"
    UNIT_NOT_SNAPPED = "unit_not_snapped"
    NO_FACILITY_REACHABLE = "no_facility_reachable"
    FACILITY_NOT_SNAPPED = "facility_not_snapped"
    FACILITY_CUT_OFF = "facility_cut_off"
    NO_FACILITY = "no_facility"


@dataclass(frozen=True)
class Rule:
    """One rule of a standard: how near a facility of a kind must be.

    Attributes
    ----------
    code
        Its name in the rulebook.
    facility_kind, facility_types
        What serves; with types, only facilities of these.
    facility_name
        What the standard calls it.
    demand
        Whom it serves: a count that units have.
    metric
        Whether metres are walked or straight.
    threshold_m
        Longest distance that still serves, > 0; a distance equal to it does.
    level
        The 5, 10 or 15 minute life circle it belongs to, if it is said.
    binding, standard, edition, clause, confidence
        How strict it is, where it is written, and how sure that is: H, M, L.
    """

    code: str
    facility_kind: str
    facility_name: str
    demand: Demand
    metric: Metric
    threshold_m: float
    standard: str
    binding: Binding = "should"
    confidence: Confidence = "M"
    level: int | None = None
    edition: str = ""
    clause: str = ""
    facility_types: tuple[str, ...] = ()
    note: str = ""
    note_en: str = ""


@dataclass(frozen=True)
class Reach:
    """How far every unit is from the facilities of one kind.

    Attributes
    ----------
    walk_m
        Shape (n_unit,), walking metres to the nearest facility, both snaps in; NaN = unknown, inf = there is none.
    facility
        Shape (n_unit,), the facility walked to; -1 = none known.
    straight_m, straight_facility
        Shape (n_unit,), straight metres to the facility nearest in a straight line, and which it is; NaN and -1 without
        a place, inf and -1 without any facility.
    unsnapped_m, cut_off_m
        Shape (n_unit,), straight metres to the nearest facility that is not on the network, and that is on another
        piece of it than the unit; inf = none. The walk to these is unknown.
    reason
        Shape (n_unit,), values of `Reason`.
    facilities, facilities_not_snapped
        How many there are, and how many of them are not on the network.
    """

    walk_m: FloatArray
    facility: IntArray
    straight_m: FloatArray
    straight_facility: IntArray
    unsnapped_m: FloatArray
    cut_off_m: FloatArray
    reason: npt.NDArray[np.str_]
    facilities: int
    facilities_not_snapped: int


@dataclass(frozen=True)
class Judgement:
    """What a rule says of every unit.

    Attributes
    ----------
    rule
        The rule.
    walk_m, straight_m
        As in `Reach`, but a walk that is too long while another facility may be near enough is unknown.
    facility
        Shape (n_unit,), the facility that the measured metres lead to; -1 = none known.
    verdict, reason
        Shape (n_unit,), values of `Verdict` and `Reason`. Unknown exactly where `measured_m` is NaN.
    demand
        Shape (n_unit,), whom the rule serves; NaN = not counted.
    """

    rule: Rule
    walk_m: FloatArray
    straight_m: FloatArray
    facility: IntArray
    verdict: npt.NDArray[np.str_]
    reason: npt.NDArray[np.str_]
    demand: FloatArray

    @property
    def measured_m(self) -> FloatArray:
        """Shape (n_unit,), the metres that the rule is about."""
        return self.walk_m if self.rule.metric == "walk" else self.straight_m

    @property
    def detour_ratio(self) -> FloatArray:
        """Shape (n_unit,), walked by straight metres, >= 1; NaN where one is unknown, 0 or infinite."""
        has_both = np.isfinite(self.walk_m) & np.isfinite(self.straight_m) & (self.straight_m > 0)
        return np.where(has_both, self.walk_m / np.where(has_both, self.straight_m, 1.0), np.nan)

    @property
    def unserved(self) -> FloatArray:
        """Shape (n_unit,), demand that is not served; NaN where that is unknown or not counted."""
        served = np.where(self.verdict == Verdict.MET, 0.0, self.demand)
        return np.where((self.verdict == Verdict.UNKNOWN) | np.isnan(self.demand), np.nan, served)


def reach(
    graph: WalkingGraph,
    unit_xy: npt.ArrayLike | Snap,
    facility_xy: npt.ArrayLike | Snap,
    *,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> Reach:
    """Measure how far every unit is from the facilities of one kind.

    Parameters
    ----------
    graph
        The walking network.
    unit_xy, facility_xy
        Shapes (n_unit, 2) and (n_facility, 2), metres in the network's CRS; NaN = no place. Or what `snap_points` gave
        for them.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.

    Raises
    ------
    InvalidInputError
        If a shape is wrong or the limit is not above 0.
    """
    units = snap_points(graph, unit_xy, limit_m=snap_limit_m)
    facilities = snap_points(graph, facility_xy, limit_m=snap_limit_m)
    walk = nearest_facility(graph, units, facilities)
    count = len(facilities.xy)
    straight_m, straight_facility = _nearest_straight(units.xy, facilities.xy)
    unsnapped_m = straight_distance(units.xy, facilities.xy[~facilities.is_snapped])
    return Reach(
        walk_m=walk.distance_m if count else np.full(len(units.xy), np.inf),
        facility=walk.facility,
        straight_m=straight_m,
        straight_facility=straight_facility,
        unsnapped_m=np.where(np.isnan(unsnapped_m), np.inf, unsnapped_m),
        cut_off_m=_cut_off_m(units, facilities),
        reason=walk.reason if count else np.full(len(units.xy), Reason.NO_FACILITY),
        facilities=count,
        facilities_not_snapped=int((~facilities.is_snapped).sum()),
    )


def judge(rule: Rule, found: Reach, demand: FloatArray) -> Judgement:
    """Say of every unit whether a rule is met.

    A walk that is unknown leaves the verdict unknown; so does one that is too long while a facility whose walk is
    unknown lies within the threshold in a straight line, because that one may serve the unit after all. Where there
    is no facility at all the rule is not met, for certain. In a straight line only a unit without a place is unknown.

    Parameters
    ----------
    rule
        The rule.
    found
        Of facilities of the rule's kind and types.
    demand
        Shape (n_unit,), the counts of the rule's demand, >= 0; NaN = not counted.

    Raises
    ------
    InvalidInputError
        If the threshold is not above 0 or a count is negative.
    """
    if not rule.threshold_m > 0:
        raise InvalidInputError(f"rule {rule.code}: the threshold is {rule.threshold_m} m; it must be above 0")
    if (demand < 0).any():
        row = int(np.flatnonzero(demand < 0)[0])
        raise InvalidInputError(f"row {row + 1}, {rule.demand}: {demand[row]:g} must be at least 0")
    walked = _doubt(found, rule.threshold_m) if rule.metric == "walk" else found
    measured_m = walked.walk_m if rule.metric == "walk" else walked.straight_m
    verdict = np.select(
        [np.isnan(measured_m), measured_m <= rule.threshold_m], [Verdict.UNKNOWN, Verdict.MET], Verdict.NOT_MET
    )
    reason = walked.reason
    if rule.metric == "line" and found.facilities:
        reason = np.where(np.isnan(measured_m), Reason.UNIT_WITHOUT_PLACE, Reason.OK)
    return Judgement(
        rule=rule,
        walk_m=walked.walk_m,
        straight_m=walked.straight_m,
        facility=walked.facility if rule.metric == "walk" else walked.straight_facility,
        verdict=verdict,
        reason=reason,
        demand=demand,
    )


def _doubt(found: Reach, threshold_m: float) -> Reach:
    """Take back the walks that are too long while a facility that cannot be measured may be near enough."""
    is_open = (found.walk_m > threshold_m) | (found.reason == WalkReason.NO_FACILITY_REACHABLE)
    by_unsnapped = is_open & (found.unsnapped_m <= threshold_m)
    by_cut_off = is_open & ~by_unsnapped & (found.cut_off_m <= threshold_m) & (found.reason == Reason.OK)
    doubtful: BoolArray = by_unsnapped | by_cut_off
    return replace(
        found,
        walk_m=np.where(doubtful, np.nan, found.walk_m),
        facility=np.where(doubtful, -1, found.facility),
        reason=np.select(
            [by_unsnapped, by_cut_off], [Reason.FACILITY_NOT_SNAPPED, Reason.FACILITY_CUT_OFF], found.reason
        ),
    )


def _nearest_straight(xy: FloatArray, targets: FloatArray) -> tuple[FloatArray, IntArray]:
    """Straight metres from each point to its nearest target, and which it is."""
    distance_m, nearest = np.full(len(xy), np.nan), np.full(len(xy), -1, dtype=np.int64)
    is_placed = np.isfinite(xy).all(axis=1)
    somewhere = np.flatnonzero(np.isfinite(targets).all(axis=1))
    if not len(somewhere):
        distance_m[is_placed] = np.inf
        return distance_m, nearest
    distance_m[is_placed], found = KDTree(targets[somewhere]).query(xy[is_placed], workers=-1)
    nearest[is_placed] = somewhere[found]
    return distance_m, nearest


def _cut_off_m(units: Snap, facilities: Snap) -> FloatArray:
    """Straight metres from each snapped unit to the nearest facility on another piece of the network."""
    distance_m = np.full(len(units.xy), np.inf)
    order = np.argsort(units.piece, kind="stable")
    pieces, starts = np.unique(units.piece[order], return_index=True)
    for piece, rows in zip(
        pieces.tolist(), np.split(order, starts[1:]), strict=False
    ):  # no unit is split into one part
        elsewhere = facilities.xy[facilities.is_snapped & (facilities.piece != piece)]
        if piece >= 0 and len(elsewhere):
            distance_m[rows] = straight_distance(units.xy[rows], elsewhere)
    return distance_m
