"""From layers to distances: demand, candidates and existing sites on the walking network."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.arrays import BoolArray, FloatArray
from geo.errors import InvalidInputError
from geo.gaps import take_counts
from geo.siting.problem import SitingModel, SitingProblem, siting_problem
from geo.walking import SNAP_LIMIT_M, Network, pairs_within

MOST_PAIRS = 30_000_000
"""Pairs of demand and site that are measured without a limit of length."""
CORNER_DEGREE = 3


@dataclass(frozen=True)
class SitingTown:
    """Demand and sites with the walks between them.

    Attributes
    ----------
    problem
        Sites in order: candidates, then existing ones.
    demand_is_known
        Shape (n_demand,), whether a demand has a place near a street.
    unknown_weight
        Weight of demand that has none; it counts as not covered.
    """

    problem: SitingProblem
    demand_is_known: BoolArray
    unknown_weight: float


def street_corners(network: Network) -> gpd.GeoDataFrame:
    """Propose candidates: the places where three or more streets meet, west to east, south to north."""
    graph = network.graph
    degree = np.bincount(np.concatenate([graph.edge_from, graph.edge_to]), minlength=len(graph.node_xy))
    xy = graph.node_xy[degree >= CORNER_DEGREE]
    xy = xy[np.lexsort(xy.T[::-1])]
    names = [f"corner-{number + 1}" for number in range(len(xy))]
    return gpd.GeoDataFrame({"code": names}, geometry=shapely.points(xy), crs=network.crs)


def place_town(  # noqa: PLR0913
    network: Network,
    demand: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    *,
    weight: str,
    radius_m: float,
    model: SitingModel,
    existing: gpd.GeoDataFrame | None = None,
    capacity: str | None = None,
    longest_m: float | None = None,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> SitingTown:
    """Measure the walks that a model needs.

    LSCP and MCLP need those within the radius; p-median and p-center all, or those up to `longest_m`.

    Parameters
    ----------
    weight
        Column of `demand`: finite numbers >= 0.
    existing
        Sites that stand already.
    capacity
        Column of `candidates` and `existing`: weight a site can serve, empty = any.

    Raises
    ------
    InvalidInputError
        If a column is missing or faulty, a candidate or existing site is farther from any street than the limit, no
        demand is near one, or there are too many pairs to measure without `longest_m`.
    """
    if not radius_m > 0:
        raise InvalidInputError(f"the radius is {radius_m} m; it must be above 0")
    if longest_m is not None and not longest_m >= radius_m:
        raise InvalidInputError(f"the longest walk is {longest_m} m; it must be at least the radius, {radius_m} m")
    weights = take_counts(demand, weight)
    frames = {"candidates": candidates}
    if existing is not None and not existing.empty:
        frames["existing sites"] = existing
    xy = np.concatenate([network.places(frame, name) for name, frame in frames.items()])
    reach_m = radius_m
    if model in (SitingModel.PMEDIAN, SitingModel.PCENTER):
        reach_m = np.inf if longest_m is None else longest_m
        if longest_m is None and len(demand) * len(xy) > MOST_PAIRS:
            raise InvalidInputError(
                f"{len(demand):,} demand points and {len(xy):,} sites are {len(demand) * len(xy):,} pairs; "
                f"above {MOST_PAIRS:,} give the longest walk to measure"
            )
    pairs = pairs_within(
        network.graph, network.places(demand, "demand"), xy, radius_m=reach_m, snap_limit_m=snap_limit_m
    )
    _check_near(pairs.site.is_snapped, len(candidates), snap_limit_m)
    known = pairs.demand.is_snapped
    if not known.any():
        raise InvalidInputError(f"no demand point lies within {snap_limit_m:g} m of a street that may be walked")
    is_existing = np.arange(len(xy)) >= len(candidates)
    room = None if capacity is None else np.concatenate([_capacities(one, capacity) for one in frames.values()])
    problem = siting_problem(pairs.distance_m, weights, radius_m=radius_m, is_existing=is_existing, capacity=room)
    return SitingTown(problem, known, float(weights[~known].sum()))


def _check_near(is_snapped: BoolArray, candidates: int, limit_m: float) -> None:
    """Refuse sites that nobody can walk to."""
    lost = np.flatnonzero(~is_snapped)
    if not len(lost):
        return
    name, row = ("candidates", lost[0]) if lost[0] < candidates else ("existing sites", lost[0] - candidates)
    more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
    raise InvalidInputError(f"{name} row {row + 1}: no street that may be walked lies within {limit_m:g} m of it{more}")


def _capacities(frame: gpd.GeoDataFrame, column: str) -> FloatArray:
    """Take capacities; empty = any."""
    if column not in frame.columns:
        raise InvalidInputError(f"there is no column {column}; the columns are {', '.join(map(str, frame.columns))}")
    given = frame[column]
    room: FloatArray = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    faulty = np.flatnonzero(given.notna().to_numpy() & ~(room > 0))
    if len(faulty):
        row = frame.index[faulty[0]]
        raise InvalidInputError(f"row {row + 1}, {column}: {given.iloc[faulty[0]]}; a capacity must be above 0")
    return np.where(np.isnan(room), np.inf, room)


def site_names(frame: gpd.GeoDataFrame, column: str | None) -> list[str]:
    """What sites are called: the column asked for, their code, or the row number."""
    if column is not None and column not in frame.columns:
        raise InvalidInputError(f"there is no column {column}; the columns are {', '.join(map(str, frame.columns))}")
    column = column or ("code" if "code" in frame.columns else None)
    named = frame[column] if column else pd.Series(range(len(frame)))
    return [str(number) if pd.isna(name) else str(name) for number, name in enumerate(named)]
