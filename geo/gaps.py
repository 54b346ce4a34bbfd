"""Service gaps: which households walk farther than a radius to their nearest facility."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import InvalidInputError
from geo.verdicts import Judgement, Reach, Rule, Verdict, judge, reach
from geo.walking import SNAP_LIMIT_M, build_network

_SHOWN_FAULTS = 5


@dataclass(frozen=True)
class GapReport:
    """Who is covered, unit by unit, and in all.

    Attributes
    ----------
    distance_m
        Shape (n_unit,), walking metres to the nearest facility, both snaps in; NaN = unknown.
    straight_m
        Shape (n_unit,), straight metres to the facility nearest in a straight line; NaN without a place, inf
        without any facility.
    detour_ratio
        Shape (n_unit,), `distance_m` / `straight_m`, >= 1; NaN where unknown or where `straight_m` is 0.
    facility
        Shape (n_unit,), row of the facility walked to; -1 = none known.
    is_covered
        Shape (n_unit,), True, False, or None = unknown: as `distance_m` is, unless there is no facility at all.
    reason
        Shape (n_unit,), values of `geo.verdicts.Reason`.
    households, households_covered, households_uncovered, households_unknown
        Totals; the first is the sum of the other three.
    households_in_circle
        Households whose `straight_m` is within the radius: what a map of circles would call covered.
    streets_walked, facilities_not_snapped
        Street lines in the network; facilities farther than the snap limit from it.
    """

    distance_m: FloatArray
    straight_m: FloatArray
    detour_ratio: FloatArray
    facility: IntArray
    is_covered: npt.NDArray[np.object_]
    reason: npt.NDArray[np.str_]
    households: float
    households_covered: float
    households_uncovered: float
    households_unknown: float
    households_in_circle: float
    streets_walked: int
    facilities_not_snapped: int

    @property
    def covered_ratio(self) -> float | None:
        """Covered households among all, unknown ones included (so a lower bound); None without households."""
        return self.households_covered / self.households if self.households else None


def find_gaps(  # noqa: PLR0913 (options by name)
    units: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    *,
    households: str,
    radius_m: float,
    snap_limit_m: float = SNAP_LIMIT_M,
    gates: gpd.GeoDataFrame | None = None,
) -> GapReport:
    """Measure every unit's walk to its nearest facility and say who is covered.

    A unit or facility with an extent stands at a point inside it. A unit is covered when its walk is at most
    `radius_m`. Coverage is unknown where the distance is: when the unit has no place or lies beyond the
    snap limit; when no facility can be reached on these streets; and when the walk is too long but a facility
    that is not on the network, or on another piece of it, lies within the radius in a straight line, so that it may
    serve the unit after all.

    Parameters
    ----------
    units
        Points or polygons with households, any CRS.
    facilities
        Points or polygons, any CRS. With no rows at all every unit is uncovered for certain ("no_facility").
    streets
        Lines, any CRS; `geo.walking.build_network` says which count.
    households
        Column of `units` with finite numbers >= 0.
    radius_m
        Longest walk that still serves, metres, > 0; a walk equal to it does.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.
    gates
        Points of gates, any CRS; closed ones cut the streets (see `geo.walking.build_network`).

    Raises
    ------
    InvalidInputError
        If the column is missing or has a faulty value, a limit is not above 0, a frame has no CRS or one that cannot
        be right, or no street can be walked.
    """
    count = take_counts(units, households)
    if not radius_m > 0:
        raise InvalidInputError(f"the radius is {radius_m} m; it must be above 0")
    for name, frame in (("units", units), ("facilities", facilities), ("streets", streets)):
        if frame.crs is None:
            raise InvalidInputError(f"the {name} have no coordinate reference system")
    network = build_network(streets, gates=gates)
    unit_xy, facility_xy = network.places(units, "units"), network.places(facilities, "facilities")
    found = reach(network.graph, unit_xy, facility_xy, snap_limit_m=snap_limit_m)
    rule = Rule("radius", "facility", "", "households", "walk", radius_m, "")
    return _report(judge(rule, found, count), found, streets_walked=network.report.streets_walked)


def take_counts(units: gpd.GeoDataFrame, column: str, *, may_lack: bool = False) -> FloatArray:
    """Check and take a column of counts.

    Parameters
    ----------
    may_lack
        Whether a count may be missing; it is NaN then.

    Raises
    ------
    InvalidInputError
        If the column is missing or a count is no number of at least 0.
    """
    if column not in units.columns:
        raise InvalidInputError(f"the units have no column {column}; they have: {', '.join(map(str, units.columns))}")
    given = units[column]
    count: FloatArray = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    is_lacking = given.isna().to_numpy() & may_lack
    faulty = np.flatnonzero((~np.isfinite(count) & ~is_lacking) | (count < 0))
    if len(faulty):
        shown = "; ".join(f"row {i + 1}, {column}: {given.iloc[i]}" for i in faulty[:_SHOWN_FAULTS])
        more = f" (and {len(faulty) - _SHOWN_FAULTS} more rows)" if len(faulty) > _SHOWN_FAULTS else ""
        raise InvalidInputError(f"counts must be numbers of at least 0: {shown}{more}")
    return count


def _report(judged: Judgement, found: Reach, *, streets_walked: int) -> GapReport:
    """Put a judgement into the words of coverage."""
    count, radius_m = judged.demand, judged.rule.threshold_m
    is_known, is_served = judged.verdict != Verdict.UNKNOWN, judged.verdict == Verdict.MET

    def total(rows: BoolArray) -> float:
        return float(count[rows].sum())

    return GapReport(
        distance_m=np.where(np.isinf(judged.walk_m), np.nan, judged.walk_m),
        straight_m=judged.straight_m,
        detour_ratio=judged.detour_ratio,
        facility=judged.facility,
        is_covered=np.where(is_known, is_served, np.array(None, dtype=object)),
        reason=judged.reason,
        households=total(np.ones(len(count), dtype=bool)),
        households_covered=total(is_served),
        households_uncovered=total(is_known & ~is_served),
        households_unknown=total(~is_known),
        households_in_circle=total(judged.straight_m <= radius_m),
        streets_walked=streets_walked,
        facilities_not_snapped=found.facilities_not_snapped,
    )
