"""`yiwangtu gaps --rules`: files judged by a rulebook, into one GeoPackage and one summary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.errors import BadInputError
from data.frames import read_frame
from data.rules.frames import (
    RULE_FIELDS,
    TALLY_FIELDS,
    UNIT_FIELDS,
    cell_frame,
    group_frame,
    rule_values,
    tally_values,
    unit_frame,
    with_types,
)
from data.rules.table import BUILTIN_FILE, digest, read_rules
from geo.arrays import FloatArray
from geo.circles import METHODS, Circles, judge_rules, open_rows, share_capacity
from geo.gaps import take_counts
from geo.tally import tally
from geo.verdicts import DEMANDS, Demand, Rule
from geo.walking import Network

BUILTIN = "builtin"
NOT_OPEN = ("planned", "closed")


@dataclass(frozen=True)
class Capacity:
    """What a kind of facility can hold, shared by the demand of one of its rules.

    Attributes
    ----------
    access, access_e
        Shape (n_unit,), capacity a head by 2SFCA and by E2SFCA.
    """

    kind: str
    column: str
    rule: Rule
    supply: FloatArray
    demand: FloatArray
    access: FloatArray
    access_e: FloatArray


def choose_rules(spec: str, kinds: Sequence[str]) -> tuple[Rule, ...]:
    """Read a rulebook ("builtin" or a file) and keep the rules of some kinds, or all.

    Raises
    ------
    BadInputError
        If the file is faulty or no rule is left.
    """
    rules = read_rules(BUILTIN_FILE if spec == BUILTIN else Path(spec))
    known = sorted({rule.facility_kind for rule in rules})
    for kind in kinds:
        if kind not in known:
            raise BadInputError(f"--kind {kind}: the rulebook {spec} has no rule for it; it has: {', '.join(known)}")
    return tuple(rule for rule in rules if not kinds or rule.facility_kind in kinds)


def name_facilities(specs: Sequence[str], rules: Sequence[Rule]) -> dict[str, str]:
    """Take `KIND=FILE[:layer]` apart; a plain file will do where the rules are of one kind.

    Raises
    ------
    BadInputError
        If a kind has no rule, or two files.
    """
    kinds = sorted({rule.facility_kind for rule in rules})
    named: dict[str, str] = {}
    for spec in specs:
        kind, sign, path = spec.partition("=")
        if not sign or kind not in kinds:
            if len(kinds) != 1 or (sign and not Path(spec.rpartition(":")[0] or spec).exists()):
                raise BadInputError(f"--facilities {spec}: write KIND=FILE, KIND one of: {', '.join(kinds)}")
            kind, path = kinds[0], spec
        if kind in named:
            raise BadInputError(f"--facilities {spec}: {kind} has a file already")
        named[kind] = path
    return named


def read_demand(units: gpd.GeoDataFrame, columns: Mapping[Demand, str | None]) -> dict[Demand, FloatArray]:
    """Take the counts of each demand that has a column; only households must be told of every unit."""
    return {
        demand: take_counts(units, column, may_lack=demand != "households")
        for demand in DEMANDS
        if (column := columns.get(demand)) is not None
    }


def check_columns(units: gpd.GeoDataFrame) -> None:
    """Refuse units whose columns would be overwritten."""
    taken = {*RULE_FIELDS, *UNIT_FIELDS}
    clash = [str(name) for name in units.columns if str(name).lower() in taken]
    if clash:
        raise BadInputError(f"UNITS already has the result columns {', '.join(clash)}; drop or rename them")


def judge_files(
    network: Network,
    units: gpd.GeoDataFrame,
    files: Mapping[str, str],
    rules: Sequence[Rule],
    *,
    demand: Mapping[Demand, FloatArray],
    snap_m: float,
) -> tuple[Circles, dict[str, gpd.GeoDataFrame]]:
    """Read the facilities and judge every unit by every rule that has any.

    Raises
    ------
    BadInputError
        If a file cannot be read, or no facility is of a type that a rule asks for.
    """
    frames = {kind: with_types(mark_open(read_frame(path))) for kind, path in files.items()}
    circles = judge_rules(network, units, frames, rules=rules, demand=demand, snap_limit_m=snap_m)
    if not circles.judgements:
        asked = sorted({one for rule in rules if rule.facility_kind in frames for one in rule.facility_types})
        raise BadInputError(f"no facility is of a type that the rules ask for: {', '.join(asked)}")
    return circles, frames


def mark_open(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Mark what is planned or closed as not open, where a file has a column `status`."""
    return frame.assign(is_open=~frame["status"].isin(NOT_OPEN)) if "status" in frame.columns else frame


def read_capacities(
    specs: Sequence[str],
    circles: Circles,
    frames: Mapping[str, gpd.GeoDataFrame],
    demand: Mapping[Demand, FloatArray],
) -> list[Capacity]:
    """Share the capacities named by `KIND=COL` within the threshold of the kind's first rule on foot.

    Raises
    ------
    BadInputError
        If a kind has no file or no rule on foot, or the column is missing.
    """
    made = []
    for spec in specs:
        kind, _, column = spec.partition("=")
        rule = next((one.rule for one in circles.judgements if one.rule.facility_kind == kind), None)
        if rule is None or not column:
            raise BadInputError(f"--capacity {spec}: write KIND=COL, KIND one of: {', '.join(frames)}")
        if rule.demand not in demand:
            raise BadInputError(f"--capacity {spec}: rule {rule.code} serves {rule.demand}, which has no column")
        everything = frames[kind]
        frame = everything.iloc[open_rows(everything, np.arange(len(everything), dtype=np.int64))]
        supply = take_counts(frame, column, may_lack=True)
        heads = demand[rule.demand]
        access = [
            share_capacity(
                circles, frame, supply=supply, demand=heads, radius_m=rule.threshold_m, method=method
            ).access
            for method in METHODS
        ]  # fmt: skip
        made.append(Capacity(kind, column, rule, supply, heads, access[0], access[1]))
    return made


def make_layers(
    units: gpd.GeoDataFrame,
    circles: Circles,
    names: Mapping[str, pd.Series],
    *,
    columns: Mapping[str, str | None],
    resolution: int,
    capacities: Sequence[Capacity],
) -> dict[str, gpd.GeoDataFrame]:
    """Make the layers `unit`, `cell` and, for each of `columns` that has one, a layer of that name by its values.

    Raises
    ------
    BadInputError
        If a column is missing or empty.
    """
    layers = {"unit": unit_frame(units, circles, names)}
    for one in capacities:
        is_kind = (layers["unit"]["facility_kind"] == one.kind).to_numpy()
        for label, access in (("2sfca", one.access), ("e2sfca", one.access_e)):
            repeated = np.tile(access, len(circles.judgements))
            layers["unit"][f"{one.kind}_{one.column}_{label}"] = np.where(is_kind, repeated, np.nan)
    for label, column in columns.items():
        if column is not None:
            number, found = _groups(units, column)
            outlines = _outlines(units, number, len(found))
            layers[label] = group_frame(circles, number, found, outlines, label=label, crs=units.crs)
    layers["cell"] = cell_frame(circles, units, resolution=resolution)
    return layers


def summarise(circles: Circles, capacities: Sequence[Capacity]) -> dict[str, Any]:
    """Give the figures of all units as plain JSON values."""
    everyone = np.zeros(len(circles.units.xy), dtype=np.int64)
    rules = []
    for judged, found in zip(circles.judgements, circles.reaches, strict=True):
        totals = {name: plain(array[0]) for name, array in tally_values(tally(judged, everyone, 1)).items()}
        rules.append(
            {
                **rule_values(judged.rule),
                "facilities": found.facilities,
                "facilities_not_snapped": found.facilities_not_snapped,
                **totals,
                "reasons": dict(sorted(Counter(judged.reason.tolist()).items())),
            }
        )
    return {
        "units": len(everyone),
        "rules": rules,
        "without_data": [rule.code for rule in circles.without_data],
        "capacity": [_capacity(one) for one in capacities],
        "streets_walked": circles.network.report.streets_walked,
    }


def rank_groups(frame: gpd.GeoDataFrame, label: str) -> list[dict[str, Any]]:
    """Give the communities or grids of a layer in order of need with what each rule finds there."""
    ranked = []
    for name, rows in frame.groupby(label, sort=False):
        first = rows.iloc[0]
        ranked.append(
            {
                label: name,
                "rank": int(first["rank"]),
                "mean_unserved_ratio": plain(first["mean_unserved_ratio"]),
                "rules": [
                    {"rule": row["rule"], **{field: plain(row[field]) for field in TALLY_FIELDS}}
                    for row in rows.to_dict("records")
                ],
            }
        )
    return ranked


def rulebook_summary(spec: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """Name the rulebook and what it says: the digest is of the rules that were used."""
    return {"rulebook": spec, "digest": digest(rules), "rule_count": len(rules)}


def plain(value: Any) -> Any:
    """Show whole numbers as such, and nothing for what is no number."""
    if isinstance(value, (float, np.floating)):
        return None if not np.isfinite(value) else int(value) if value == int(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def _capacity(one: Capacity) -> dict[str, Any]:
    """Give a capacity's figures."""
    is_known = ~np.isnan(one.access)
    everyone, heads = np.nan_to_num(one.demand), np.where(is_known, np.nan_to_num(one.demand), 0.0)
    supply = float(np.nansum(one.supply))
    mean = supply / everyone.sum() if everyone.sum() else np.nan
    return {
        "facility_kind": one.kind, "column": one.column, "demand_kind": one.rule.demand,
        "radius_m": one.rule.threshold_m, "supply": plain(supply),
        "facilities_untold": int(np.isnan(one.supply).sum()), "demand": plain(everyone.sum()),
        "supply_a_head": plain(mean),
        "demand_unknown": plain(everyone[~is_known].sum()),
        "demand_without_access": plain(heads[one.access == 0].sum()),
        "demand_below_half_2sfca": plain(heads[one.access <= mean / 2].sum()),
        "demand_below_half_e2sfca": plain(heads[one.access_e <= mean / 2].sum()),
    }  # fmt: skip


def _groups(units: gpd.GeoDataFrame, column: str) -> tuple[Any, list[str]]:
    """Number the units by the values of a column; -1 where it is empty."""
    if column not in units.columns:
        raise BadInputError(f"UNITS has no column {column}; it has: {', '.join(map(str, units.columns))}")
    number, found = pd.factorize(units[column], sort=True)
    if not len(found):
        raise BadInputError(f"the column {column} of UNITS is empty in every row")
    return number.astype(np.int64), [str(one) for one in found]


def _outlines(units: gpd.GeoDataFrame, number: Any, count: int) -> Any:
    """Put the geometries of each group together."""
    geoms = shapely.make_valid(units.geometry.to_numpy())
    return np.array([shapely.union_all(geoms[number == one]) for one in range(count)], dtype=object)
