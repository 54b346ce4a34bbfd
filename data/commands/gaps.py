"""`yiwangtu gaps`: who walks how far to the nearest facility, file to file, without a database."""

import json
import math
import time
from collections import Counter
from pathlib import Path

import click
import geopandas as gpd
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from data.errors import BadInputError
from data.frames import check_output, read_frame, write_layers
from geo.gaps import GapReason, GapReport, find_gaps
from geo.walking import SNAP_LIMIT_M

RESULT_COLUMNS = ("distance_m", "straight_m", "detour_ratio", "facility_id", "is_covered", "reason")
REASON_TEXT = {
    GapReason.OK: "已测得步行距离 measured",
    GapReason.UNIT_WITHOUT_PLACE: "单元没有位置 unit without a place",
    GapReason.UNIT_NOT_SNAPPED: "单元离道路太远 unit too far from any street",
    GapReason.NO_FACILITY_REACHABLE: "沿道路走不到任何设施 no facility reachable on these streets",
    GapReason.FACILITY_NOT_SNAPPED: "附近的设施离道路太远 a near facility is too far from any street",
    GapReason.FACILITY_CUT_OFF: "附近的设施在断开的另一片道路上 a near facility is on another piece of the streets",
    GapReason.NO_FACILITY: "没有任何设施 there is no facility",
}


@click.command("gaps")
@click.argument("units", metavar="UNITS[:layer]")
@click.option("--layer", metavar="NAME", help="Layer of UNITS; else the one named after the colon, else the first.")
@click.option("--facilities", "facilities_spec", required=True, metavar="FILE[:layer]", help="Facilities to walk to.")
@click.option("--streets", "streets_spec", required=True, metavar="FILE[:layer]", help="Street centre lines.")
@click.option("--households", required=True, metavar="COL", help="Column of UNITS with household counts.")
@click.option("--id", "unit_id", metavar="COL", help="Column of UNITS that names a unit; it must be unique.")
@click.option("--facility-id", metavar="COL", help="Column that names a facility [default: code, else the row number].")
@click.option("--radius-m", type=float, required=True, metavar="M", help="Longest walk that still serves, metres.")
@click.option("--snap-m", type=float, default=SNAP_LIMIT_M, show_default=True, metavar="M", help="Snap limit, metres.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT.gpkg", help="File to write."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(  # noqa: PLR0913 (one parameter an option)
    units: str,
    *,
    layer: str | None,
    facilities_spec: str,
    streets_spec: str,
    households: str,
    unit_id: str | None,
    facility_id: str | None,
    radius_m: float,
    snap_m: float,
    output: Path,
    as_json: bool,
) -> None:
    """Measure every unit's walk to its nearest facility and show who is not served.

    OUT.gpkg gets the layer `unit`: all rows of UNITS in order with all their columns and distance_m, straight_m,
    detour_ratio, facility_id, is_covered and reason. An unknown distance is empty, never zero.
    """
    started_s = time.perf_counter()
    check_output(output, (units, facilities_spec, streets_spec))
    unit_frame = read_frame(units, layer)
    facility_frame, street_frame = read_frame(facilities_spec), read_frame(streets_spec)
    _check_columns(unit_frame, unit_id)
    names = _facility_names(facility_frame, facility_id)
    report = find_gaps(
        unit_frame, facility_frame, street_frame, households=households, radius_m=radius_m, snap_limit_m=snap_m
    )
    write_layers(output, {"unit": _with_results(unit_frame, report, names)})
    summary = {
        **_summarise(report),
        "facilities": len(facility_frame),
        "streets": len(street_frame),
        "radius_m": radius_m,
        "snap_m": snap_m,
        "output": str(output),
        "seconds": round(time.perf_counter() - started_s, 3),
    }
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
    else:
        _show(summary)


def _check_columns(units: gpd.GeoDataFrame, unit_id: str | None) -> None:
    """Refuse result columns that would be overwritten, and an id that is missing or names two units."""
    taken = [name for name in units.columns if str(name).lower() in RESULT_COLUMNS]
    if taken:
        raise BadInputError(f"UNITS already has the result columns {', '.join(taken)}; drop or rename them")
    if unit_id is None:
        return
    if unit_id not in units.columns:
        raise BadInputError(f"UNITS has no column {unit_id}; it has: {', '.join(map(str, units.columns))}")
    repeated = np.flatnonzero(units[unit_id].duplicated().to_numpy())
    if len(repeated):
        row = int(repeated[0])
        raise BadInputError(f"row {row}, {unit_id}: {units[unit_id].iloc[row]} names an earlier unit too")


def _facility_names(facilities: gpd.GeoDataFrame, column: str | None) -> pd.Series:
    """Take what a facility is called in the result: the column asked for, its code, or its row number."""
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
        console.print(f"{REASON_TEXT[GapReason(reason)]}: {count:,}")
    if summary["facilities_not_snapped"]:
        console.print(f"离道路太远的设施 facilities off the streets: {summary['facilities_not_snapped']}")
    console.print(f"已写入 written: {summary['output']}（{summary['seconds']} s）", soft_wrap=True)
