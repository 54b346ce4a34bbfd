"""`yiwangtu gaps`: who walks how far to the nearest facility, file to file, without a database."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from data.errors import BadInputError
from data.frames import check_output, read_frame, write_layers
from data.rules import files
from data.streets import read_streets
from geo.cells import RESOLUTION
from geo.gaps import GapReport, find_gaps
from geo.verdicts import DEMANDS, Reason
from geo.walking import SNAP_LIMIT_M, build_network

RESULT_COLUMNS = ("distance_m", "straight_m", "detour_ratio", "facility_id", "is_covered", "reason")
MOST_SHOWN = 10
GROUPS = (("community", "within"), ("grid", "grid"))
REASON_TEXT = {
    Reason.OK: "已测得步行距离 measured",
    Reason.UNIT_WITHOUT_PLACE: "单元没有位置 unit without a place",
    Reason.UNIT_NOT_SNAPPED: "单元离道路太远 unit too far from any street",
    Reason.NO_FACILITY_REACHABLE: "沿道路走不到任何设施 no facility reachable on these streets",
    Reason.FACILITY_NOT_SNAPPED: "附近的设施离道路太远 a near facility is too far from any street",
    Reason.FACILITY_CUT_OFF: "附近的设施在断开的另一片道路上 a near facility is on another piece of the streets",
    Reason.NO_FACILITY: "没有任何设施 there is no facility",
}


@click.command("gaps")
@click.argument("units", metavar="UNITS[:layer]")
@click.option("--layer", metavar="NAME", help="Layer of UNITS; else the one named after the colon, else the first.")
@click.option(
    "--facilities",
    required=True,
    multiple=True,
    metavar="[KIND=]FILE[:layer]",
    help="Facilities to walk to; KIND= with --rules.",
)
@click.option("--streets", required=True, metavar="FILE[:layer]", help="Street centre lines, or an .osm.pbf.")
@click.option("--households", required=True, metavar="COL", help="Column of UNITS with household counts.")
@click.option(
    "--residents-60", metavar="COL", help="Column of UNITS with residents of 60 and over, for rules that serve them."
)
@click.option(
    "--residents-80", metavar="COL", help="Column of UNITS with residents of 80 and over, for rules that serve them."
)
@click.option("--id", "unit_id", metavar="COL", help="Column of UNITS that names a unit; it must be unique.")
@click.option(
    "--facility-id", metavar="COL", help="Column that names a facility [default: code, else the row number from 0]."
)
@click.option("--radius-m", type=float, metavar="M", help="Longest walk that still serves, metres; or --rules.")
@click.option(
    "--rules", metavar="FILE|builtin", help="Judge by a rulebook (see `yiwangtu rules export`) instead of one radius."
)
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only the rules of this kind of facility; repeatable."
)
@click.option("--within", metavar="COL", help="Column of UNITS that names the community, for totals and ranks.")
@click.option("--grid", metavar="COL", help="Column of UNITS that names the grid, for totals and ranks.")
@click.option(
    "--cells", default=RESOLUTION, show_default=True, metavar="RES", help="H3 resolution of the layer cell, 5-12."
)
@click.option(
    "--capacity", multiple=True, metavar="KIND=COL", help="Share this column of a kind's file by 2SFCA and E2SFCA."
)
@click.option("--snap-m", type=float, default=SNAP_LIMIT_M, show_default=True, metavar="M", help="Snap limit, metres.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT.gpkg", help="File to write."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(units: str, *, output: Path, as_json: bool, **options: Any) -> None:
    """Measure every unit's walk to its nearest facility and show who is not served.

    With --radius-m, OUT.gpkg gets the layer `unit`: all rows of UNITS in order with all their columns and distance_m,
    straight_m, detour_ratio, facility_id, is_covered and reason. An unknown distance is empty, never zero.

    With --rules, the layer `unit` has a row for each rule and unit with the rule, its clause, the verdict (met,
    not_met, unknown), the metres and the demand unserved; `community` (with --within), `grid` (with --grid) and
    `cell` (H3 hexagons) have totals, those in most need first.
    """
    started_s = time.perf_counter()
    check_output(output, (units, options["streets"]))
    run = _by_radius if options["rules"] is None else _by_rules
    show, summary = run(units, output, options)
    summary |= {"output": str(output), "seconds": round(time.perf_counter() - started_s, 3)}
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
    else:
        show(summary)


Summary = dict[str, Any]
Outcome = tuple[Callable[[Summary], None], Summary]


def _by_radius(units: str, output: Path, options: dict[str, Any]) -> Outcome:
    """Judge by one radius and one file of facilities."""
    radius_m, specs = options["radius_m"], options["facilities"]
    if radius_m is None:
        raise BadInputError("there is neither --radius-m nor --rules; give one of them")
    for name in ("kinds", "within", "grid", "capacity", "residents_60", "residents_80"):
        if options[name]:
            raise BadInputError(f"--{name.removesuffix('s').replace('_', '-')} goes with --rules, which is not given")
    check_output(output, specs[-1:])
    unit_frame = read_frame(units, options["layer"])
    facility_frame, streets = read_frame(specs[-1]), read_streets(options["streets"])
    _check_columns(unit_frame, options["unit_id"])
    names = _facility_names(facility_frame, options["facility_id"])
    report = find_gaps(
        unit_frame, facility_frame, streets.lines, gates=streets.gates,
        households=options["households"], radius_m=radius_m, snap_limit_m=options["snap_m"],
    )  # fmt: skip
    write_layers(output, {"unit": _with_results(unit_frame, report, names)})
    return _show, {
        **_summarise(report),
        "facilities": len(facility_frame),
        "streets": len(streets.lines),
        "radius_m": radius_m,
        "snap_m": options["snap_m"],
    }


def _by_rules(units: str, output: Path, options: dict[str, Any]) -> Outcome:
    """Judge by a rulebook, every kind of facility with a file of its own."""
    if options["radius_m"] is not None:
        raise BadInputError("--radius-m and --rules are two ways to judge; give one of them")
    rules = files.choose_rules(options["rules"], options["kinds"])
    paths = files.name_facilities(options["facilities"], rules)
    check_output(output, paths.values())
    unit_frame = read_frame(units, options["layer"])
    files.check_columns(unit_frame)
    _check_id(unit_frame, options["unit_id"])
    demand = files.read_demand(unit_frame, {name: options[name] for name in DEMANDS})
    streets = read_streets(options["streets"])
    network = build_network(streets.lines, gates=streets.gates)
    circles, frames = files.judge_files(network, unit_frame, paths, rules, demand=demand, snap_m=options["snap_m"])
    names = {kind: _facility_names(frame, options["facility_id"]) for kind, frame in frames.items()}
    capacities = files.read_capacities(options["capacity"], circles, frames, demand)
    layers = files.make_layers(
        unit_frame, circles, names,
        columns={label: options[option] for label, option in GROUPS}, resolution=options["cells"],
        capacities=capacities,
    )  # fmt: skip
    write_layers(output, layers)
    return _show_rules, {
        **files.rulebook_summary(options["rules"], rules),
        **files.summarise(circles, capacities),
        "communities": files.rank_groups(layers["community"], "community") if "community" in layers else [],
        "grids": files.rank_groups(layers["grid"], "grid") if "grid" in layers else [],
        "cells": int(layers["cell"]["cell"].nunique()),
        "cell_resolution": options["cells"],
        "snap_m": options["snap_m"],
    }


def _check_columns(units: gpd.GeoDataFrame, unit_id: str | None) -> None:
    """Refuse result columns that would be overwritten, and an id that will not do."""
    taken = [name for name in units.columns if str(name).lower() in RESULT_COLUMNS]
    if taken:
        raise BadInputError(f"UNITS already has the result columns {', '.join(taken)}; drop or rename them")
    _check_id(units, unit_id)


def _check_id(units: gpd.GeoDataFrame, unit_id: str | None) -> None:
    """Refuse an id that is missing or names two units."""
    if unit_id is None:
        return
    if unit_id not in units.columns:
        raise BadInputError(f"UNITS has no column {unit_id}; it has: {', '.join(map(str, units.columns))}")
    repeated = np.flatnonzero(units[unit_id].duplicated().to_numpy())
    if len(repeated):
        row = int(repeated[0])
        raise BadInputError(f"row {row + 1}, {unit_id}: {units[unit_id].iloc[row]} names an earlier unit too")


def _facility_names(facilities: gpd.GeoDataFrame, column: str | None) -> pd.Series:
    """Take what a facility is called in the result: the column asked for, its code, or its row number from 0."""
    if column is not None and column not in facilities.columns:
        raise BadInputError(
            f"the facilities have no column {column}; they have: {', '.join(map(str, facilities.columns))}"
        )
    if column is None:
        column = "code" if "code" in facilities.columns else None
    named = facilities[column] if column else pd.Series(range(len(facilities)))
    return named.astype("string").reset_index(drop=True)


def _with_results(units: gpd.GeoDataFrame, report: GapReport, names: pd.Series) -> gpd.GeoDataFrame:
    """Put the results beside the input columns; what is unknown is empty."""
    results = gpd.GeoDataFrame(
        {
            "distance_m": report.distance_m,
            "straight_m": np.where(np.isfinite(report.straight_m), report.straight_m, np.nan),
            "detour_ratio": report.detour_ratio,
            "facility_id": names.reindex(np.where(report.facility >= 0, report.facility, len(names))).array,
            "is_covered": pd.array(report.is_covered.tolist(), dtype="boolean"),
            "reason": report.reason.astype(object),
        },
        index=units.index,
    )
    return gpd.GeoDataFrame(pd.concat([units, results], axis=1), geometry=units.geometry.name, crs=units.crs)


def _summarise(report: GapReport) -> dict[str, object]:
    """Give the figures of the whole report as plain JSON values."""
    known_m = report.distance_m[np.isfinite(report.distance_m)]
    verdicts = Counter(report.is_covered.tolist())
    return {
        "units": len(report.distance_m),
        "units_covered": verdicts[True],
        "units_uncovered": verdicts[False],
        "units_unknown": verdicts[None],
        "households": _number(report.households),
        "households_covered": _number(report.households_covered),
        "households_uncovered": _number(report.households_uncovered),
        "households_unknown": _number(report.households_unknown),
        "households_in_circle": _number(report.households_in_circle),
        "covered_ratio": report.covered_ratio,
        "median_distance_m": float(np.median(known_m)) if len(known_m) else None,
        "longest_distance_m": float(known_m.max()) if len(known_m) else None,
        "reasons": dict(sorted(Counter(report.reason.tolist()).items())),
        "streets_walked": report.streets_walked,
        "facilities_not_snapped": report.facilities_not_snapped,
    }


def _number(value: float) -> int | float:
    """Show whole numbers as such."""
    return int(value) if math.isfinite(value) and value == int(value) else value


def _show(summary: dict[str, object]) -> None:
    """Print the figures for a person, Chinese first."""
    console = Console()
    table = Table(title=f"步行 {summary['radius_m']:g} 米覆盖 walking coverage", show_edge=False)
    for heading in ("", "户数 households", "单元 units"):
        table.add_column(heading, justify="left" if not heading else "right")
    for text, key in (("已覆盖 covered", "covered"), ("未覆盖 not covered", "uncovered"), ("未知 unknown", "unknown")):
        table.add_row(text, f"{summary[f'households_{key}']:,}", f"{summary[f'units_{key}']:,}")
    table.add_row("合计 all", f"{summary['households']:,}", f"{summary['units']:,}")
    console.print(table)
    ratio = summary["covered_ratio"]
    if isinstance(ratio, float):
        circle = f"直线半径内 in a straight line: {summary['households_in_circle']:,} 户"
        console.print(f"覆盖率 covered ratio: {ratio:.1%}（{circle}）")
    reasons = summary["reasons"]
    for reason, count in reasons.items() if isinstance(reasons, dict) else ():
        console.print(f"{REASON_TEXT[Reason(reason)]}: {count:,}")
    if summary["facilities_not_snapped"]:
        console.print(f"离道路太远的设施 facilities off the streets: {summary['facilities_not_snapped']}")
    console.print(f"已写入 written: {summary['output']}（{summary['seconds']} s）", soft_wrap=True)


def _show_rules(summary: Summary) -> None:
    """Print the figures of every rule for a person, Chinese first."""
    console = Console()
    table = Table(title=f"生活圈检查 life circles（{summary['units']:,} 个单元 units）", show_edge=False)
    for heading in ("规则 rule", "米 m", "达标 met", "未达标 not met", "未知 unknown", "未达标"):
        table.add_column(heading, justify="left" if heading.startswith("规则") else "right")
    for one in summary["rules"]:
        ratio = one["unserved_ratio"]
        counted = [f"{one[f'demand_{name}']:,}" for name in ("met", "not_met", "unknown")]
        if one["units_uncounted"] == one["units"]:
            counted = [f"{one[f'units_{name}']:,} 单元" for name in ("met", "not_met", "unknown")]
        table.add_row(
            one["facility_name"], f"{one['threshold_m']:g}", *counted, "—" if ratio is None else f"{ratio:.1%}"
        )
    console.print(table)
    for one in summary["rules"]:
        console.print(
            f"{one['facility_name']}: {one['rule']}，{one['basis']}，可信度 {one['confidence']}", soft_wrap=True
        )
    for one in summary["communities"][:MOST_SHOWN]:
        score = one["mean_unserved_ratio"]
        console.print(f"{one['rank']:>3}. {one['community']} {'未知 unknown' if score is None else f'{score:.1%}'}")
    for one in summary["capacity"]:
        console.print(
            f"{one['facility_kind']}.{one['column']}: {one['supply']:,} / {one['demand']:,} {one['demand_kind']}"
        )
    if summary["without_data"]:
        console.print(f"没有数据的规则 rules without data: {', '.join(summary['without_data'])}", soft_wrap=True)
    console.print(f"已写入 written: {summary['output']}（{summary['seconds']} s）", soft_wrap=True)
