"""Life circles: units, facilities and streets judged by many rules at once, and shared capacities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.catchment import LUO_QI, Catchments, floating_catchments
from geo.errors import InvalidInputError
from geo.verdicts import Demand, Judgement, Reach, Rule, judge, reach
from geo.walking import SNAP_LIMIT_M, Network, Snap, pairs_within, snap_points

Method = Literal["2sfca", "e2sfca"]
METHODS: tuple[Method, ...] = ("2sfca", "e2sfca")


@dataclass(frozen=True)
class Circles:
    """Units, and what was found of each rule.

    Attributes
    ----------
    network
        The streets that were walked.
    units
        Where the units meet them.
    judgements
        One a rule that could be judged, in the order of the rules; `facility` counts rows of the kind's frame.
    reaches
        What each of these was judged from.
    without_data
        Rules that ask for facilities of which none is known: nothing is said of them.
    snap_limit_m
        Farthest that anything may lie from the streets.
    """

    network: Network
    units: Snap
    judgements: tuple[Judgement, ...]
    reaches: tuple[Reach, ...]
    without_data: tuple[Rule, ...]
    snap_limit_m: float


def judge_rules(
    network: Network,
    units: gpd.GeoDataFrame,
    facilities: Mapping[str, gpd.GeoDataFrame],
    *,
    rules: Sequence[Rule],
    demand: Mapping[Demand, FloatArray],
    snap_limit_m: float = SNAP_LIMIT_M,
) -> Circles:
    """Judge every unit by every rule whose kind of facility is given.

    Parameters
    ----------
    network
        The walking network.
    units
        Points or polygons, any CRS; a polygon stands at a point inside it.
    facilities
        For each kind its facilities, any CRS. A column `type`, where there is one, tells a kind's facilities apart for
        rules that name types; a column `is_open` which of them serve. Where none at all is known, open or not, that a
        rule asks for, nothing is said by it: nobody may have collected them.
    rules
        What to judge by.
    demand
        Counts a unit, shape (n_unit,), NaN = not counted; a demand that is missing is counted nowhere.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.

    Raises
    ------
    InvalidInputError
        As `Network.places`, `reach` and `judge` do.
    """
    snapped = snap_points(network.graph, network.places(units, "units"), limit_m=snap_limit_m)
    uncounted = np.full(len(units), np.nan)
    known: dict[tuple[str, tuple[str, ...]], tuple[Reach, IntArray]] = {}
    judgements, reaches, without_data = [], [], []
    for rule in rules:
        frame = facilities.get(rule.facility_kind)
        rows = None if frame is None else rows_of_types(frame, rule.facility_types)
        if frame is None or rows is None or not len(rows):
            without_data.append(rule)
            continue
        key = (rule.facility_kind, rule.facility_types)
        if key not in known:
            rows = open_rows(frame, rows)
            xy = network.places(frame.iloc[rows], f"facilities ({rule.facility_kind})")
            known[key] = reach(network.graph, snapped, xy, snap_limit_m=snap_limit_m), rows
        found, rows = known[key]
        judged = judge(rule, found, demand.get(rule.demand, uncounted))
        judgements.append(replace(judged, facility=_rows_in_frame(judged.facility, rows)))
        reaches.append(found)
    return Circles(network, snapped, tuple(judgements), tuple(reaches), tuple(without_data), snap_limit_m)


def rows_of_types(frame: gpd.GeoDataFrame, types: Sequence[str]) -> IntArray:
    """Give the rows of a kind's facilities that are of the types; all of them where no types are asked for or told."""
    if not types or "type" not in frame.columns:
        return np.arange(len(frame), dtype=np.int64)
    return np.flatnonzero(frame["type"].isin(types).to_numpy()).astype(np.int64)


def open_rows(frame: gpd.GeoDataFrame, rows: IntArray) -> IntArray:
    """Give those of some rows that serve: all of them where no column `is_open` says otherwise."""
    return rows[frame["is_open"].to_numpy(dtype=bool)[rows]] if "is_open" in frame.columns else rows


def share_capacity(
    circles: Circles,
    facilities: gpd.GeoDataFrame,
    *,
    supply: FloatArray,
    demand: FloatArray,
    radius_m: float,
    method: Method = "2sfca",
) -> Catchments:
    """Share the capacity of facilities among the demand that can walk to them; NaN for a unit that is off the streets.

    Parameters
    ----------
    circles
        Units on their streets, see `judge_rules`.
    facilities
        Any CRS.
    supply
        Shape (n_facility,), capacity; NaN = not told, which shares out nothing.
    demand
        Shape (n_unit,), heads; NaN = not counted, which asks for nothing.
    radius_m
        Longest walk, metres, > 0.
    method
        One zone (2SFCA), or three with falling weights (E2SFCA, see `geo.catchment.LUO_QI`).

    Raises
    ------
    InvalidInputError
        If the radius is not above 0, or a number is negative.
    """
    if not radius_m > 0:
        raise InvalidInputError(f"the radius is {radius_m} m; it must be above 0")
    graph, limit_m = circles.network.graph, circles.snap_limit_m
    pairs = pairs_within(
        graph, circles.units, circles.network.places(facilities, "facilities"), radius_m=radius_m, snap_limit_m=limit_m
    )
    # a walk equal to the radius is told to a micrometre: it counts as the radius
    pairs.distance_m.data = np.minimum(pairs.distance_m.data, radius_m)
    zones = ((1.0, 1.0),) if method == "2sfca" else LUO_QI
    found = floating_catchments(
        pairs.distance_m, np.nan_to_num(demand), np.nan_to_num(supply),
        zones=[(share * radius_m, weight) for share, weight in zones],
    )  # fmt: skip
    return replace(found, access=np.where(circles.units.is_snapped, found.access, np.nan))


def _rows_in_frame(facility: IntArray, rows: IntArray) -> IntArray:
    """Turn positions among some rows into the rows' own numbers; -1 stays."""
    return np.where(facility >= 0, np.append(rows, -1)[facility], -1)
