"""Verdicts as frames: a row for each unit, area or cell and rule, as files and reports show them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.arrays import FloatArray, GeometryArray, IntArray
from geo.cells import RESOLUTION, cells_of
from geo.circles import Circles
from geo.tally import Tally, rank, tally
from geo.verdicts import Judgement, Rule

RULE_FIELDS = ("rule", "facility_kind", "facility_name", "demand_kind", "metric", "threshold_m", "level", "binding",
               "basis", "confidence")  # fmt: skip
UNIT_FIELDS = ("verdict", "distance_m", "straight_m", "detour_ratio", "facility_id", "reason", "demand", "unserved")
TALLY_FIELDS = (
    "units", "units_met", "units_not_met", "units_unknown", "units_uncounted", "demand", "demand_met",
    "demand_not_met", "demand_unknown", "met_ratio", "unserved_ratio", "unserved_mean_m", "unserved_longest_m",
)  # fmt: skip
WGS84 = 4326


def basis(rule: Rule) -> str:
    """Name where a rule is written: standard, edition, clause."""
    standard = f"{rule.standard} {rule.edition}".strip()
    return f"{standard}，{rule.clause or '条号待核'}"


def rule_values(rule: Rule) -> dict[str, Any]:
    """Give what every row says of its rule, by `RULE_FIELDS`."""
    return {
        "rule": rule.code, "facility_kind": rule.facility_kind, "facility_name": rule.facility_name,
        "demand_kind": rule.demand, "metric": rule.metric, "threshold_m": rule.threshold_m,
        "level": rule.level, "binding": rule.binding, "basis": basis(rule), "confidence": rule.confidence,
    }  # fmt: skip


def unit_frame(units: gpd.GeoDataFrame, circles: Circles, names: Mapping[str, pd.Series]) -> gpd.GeoDataFrame:
    """Write a row for each rule and unit, rules in order: the unit's own columns, the rule, the verdict.

    Parameters
    ----------
    names
        For each kind of facility what its rows are called.
    """
    parts = [_judged(units, one, names[one.rule.facility_kind]) for one in circles.judgements]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry=units.geometry.name, crs=units.crs)


def group_frame(
    circles: Circles, group: IntArray, names: Sequence[str], geoms: GeometryArray, *, label: str, crs: Any
) -> gpd.GeoDataFrame:
    """Write a row for each group and rule, groups in order of need.

    Parameters
    ----------
    group, names, geoms
        The group of each unit (-1 in none); what each is called; its outline.
    label
        The column of the names.
    """
    tallies = [tally(one, group, len(names)) for one in circles.judgements]
    ranking = rank(tallies)
    place = np.empty(len(names), dtype=np.int64)
    place[ranking.order] = np.arange(1, len(names) + 1)
    parts = []
    for judged, one in zip(circles.judgements, tallies, strict=True):
        frame = pd.DataFrame({label: list(names), "rank": place, "mean_unserved_ratio": ranking.score})
        values = {name: [value] * len(names) for name, value in rule_values(judged.rule).items()}
        parts.append(frame.assign(**values, **tally_values(one), geometry=geoms))
    made = pd.concat(parts, ignore_index=True).sort_values("rank", kind="stable", ignore_index=True)
    made["level"] = made["level"].astype("Int64")
    return gpd.GeoDataFrame(made, geometry="geometry", crs=crs)


def cell_frame(circles: Circles, units: gpd.GeoDataFrame, *, resolution: int = RESOLUTION) -> gpd.GeoDataFrame:
    """Write a row for each H3 cell and rule, in degrees; a cell's name is its index."""
    cells = cells_of(lon_lat(units), resolution=resolution)
    made = group_frame(circles, cells.group, cells.ids, cells.geoms, label="cell", crs=WGS84)
    made.insert(1, "resolution", resolution)
    return made


def lon_lat(frame: gpd.GeoDataFrame) -> FloatArray:
    """Shape (n, 2), a place inside each geometry in degrees; NaN without one."""
    spots = shapely.point_on_surface(frame.geometry.to_crs(WGS84).to_numpy())
    return np.column_stack([shapely.get_x(spots), shapely.get_y(spots)])


def tally_values(one: Tally) -> dict[str, Any]:
    """Give a tally's columns by `TALLY_FIELDS`; metres without any facility are empty."""
    values = {name: getattr(one, name) for name in TALLY_FIELDS}
    return {
        name: np.where(np.isinf(array), np.nan, array) if array.dtype.kind == "f" else array
        for name, array in values.items()
    }


def with_types(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the column `type` where a file tells types: its own, else `kind` of its attributes, its kind or its tier."""
    if "type" in frame.columns:
        return frame
    told = pd.Series(pd.NA, index=frame.index, dtype="object")
    if "attributes" in frame.columns:
        told = frame["attributes"].map(_kind_of).astype("object")
    for name in ("kind", "tier"):
        if name in frame.columns:
            told = told.where(told.notna(), frame[name])
    return frame.assign(type=told) if told.notna().any() else frame


def _kind_of(attributes: object) -> str | None:
    """Take `kind` out of JSON attributes."""
    try:
        found = json.loads(attributes) if isinstance(attributes, str) else attributes
    except ValueError:
        return None
    kind = found.get("kind") if isinstance(found, dict) else None
    return kind if isinstance(kind, str) else None


def _judged(units: gpd.GeoDataFrame, one: Judgement, names: pd.Series) -> pd.DataFrame:
    """Write the rows of one rule; what is unknown is empty, never zero."""
    found = pd.DataFrame(
        {
            **{name: [value] * len(units) for name, value in rule_values(one.rule).items()},
            "verdict": one.verdict.astype(object),
            "distance_m": _finite(one.walk_m),
            "straight_m": _finite(one.straight_m),
            "detour_ratio": one.detour_ratio,
            "facility_id": names.reindex(np.where(one.facility >= 0, one.facility, len(names))).array,
            "reason": one.reason.astype(object),
            "demand": one.demand,
            "unserved": one.unserved,
        },
        index=units.index,
    )
    found["level"] = found["level"].astype("Int64")
    made: pd.DataFrame = pd.concat([pd.DataFrame(units), found], axis=1)
    return made


def _finite(metres: FloatArray) -> FloatArray:
    """Leave empty what is no number of metres."""
    return np.where(np.isfinite(metres), metres, np.nan)
