"""`yiwangtu rebalance`: cut the units of a file into grids, file to file, no database."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from data.errors import BadInputError
from data.frames import check_output, read_frame, write_layers
from data.parallel import open_executor
from data.settings import DataSettings
from geo.arrays import IntArray
from geo.rebalance import CommunityResult, RebalancePlan, explain, grid_frame, rebalance, rebalance_front
from geo.shapes import sound_units

REASONS_SHOWN = 10
MENDED_SHOWN = 10


@click.command()
@click.argument("units")
@click.option("--layer", help="Layer of the units (else the first one).")
@click.option(
    "--id", "id_field", help="Column that names a unit; bridges are given in its values, else in row numbers from 0."
)
@click.option("--households", required=True, help="Column of household counts.")
@click.option("--within", help="Column of the community; no grid leaves one.")
@click.option("--compound", help="Column of the compound (小区) to keep whole.")
@click.option("--current", help="Column of the grid each unit is in today.")
@click.option("--barriers", multiple=True, metavar="FILE[:layer]", help="Lines or areas no grid connects across.")
@click.option("--floor", type=float, default=400, show_default=True, help="Fewest households of a grid.")
@click.option("--ceiling", type=float, default=800, show_default=True, help="Most households of a grid.")
@click.option("--target", type=float, help="Wished households of a grid (else the middle).")
@click.option("--mode", type=click.Choice(["redraw", "adjust"]), default="redraw", show_default=True)
@click.option("--shape", type=click.FloatRange(0, 1), help="Of adjust: 0 least change (the default) to 1 best shape.")
@click.option(
    "--front", type=click.IntRange(min=1), help="Find so many plans from least change to best shape; each is a file."
)
@click.option("--weight", multiple=True, metavar="COLUMN=FACTOR", help="Workload to balance (else the households).")
@click.option("--fixed", help="Column of marks (0/1): such units stay in their current grid.")
@click.option("--lock", "closed", multiple=True, metavar="GRID", help="Current grid that stays exactly as it is.")
@click.option(
    "--reach-m", type=float, help="Longest edge between neighbouring points, in metres (else what is usual there)."
)
@click.option("--time-limit", "time_limit_s", type=float, help="Seconds after which the best plan so far is taken.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes (dask); 1: threads."
)
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="dask scheduler to use (else YIWANGTU_DASK_SCHEDULER).")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="GeoPackage to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(units: str, output: str, *, as_json: bool, workers: int, **options: Any) -> None:
    """按户数区间重划网格。Cut UNITS into connected grids with households in a band, each inside one community.

    OUTPUT gets the layers `unit` (all rows and columns of UNITS and grid_id) and `grid`; the plans of a front are
    OUTPUT with -1, -2 .. before the suffix, fewest households moved first. New grids are numbered from the northwest:
    west to east, row by row from north to south (自西向东、自北向南).
    """
    count = options.pop("front")
    check_output(output, (units, *options["barriers"]))
    frame, mended = sound_units(read_frame(units, options.pop("layer")))
    id_field = options.pop("id_field")
    ids = read_ids(frame, id_field)
    codes = None if id_field is None else [str(one) for one in ids]
    barriers = read_barriers(options.pop("barriers"), frame)
    options["weights"] = _weights(options.pop("weight"))
    started = time.perf_counter()
    scheduler = options.pop("scheduler") or DataSettings().dask_scheduler
    with open_executor(workers, scheduler) as executor, _progress_bar(quiet=as_json) as progress:
        options |= {"barriers": barriers, "executor": executor, "progress": progress}
        plans = _solve(frame, count, options)
    seconds = round(time.perf_counter() - started, 2)
    outputs = [output] if count is None else [_numbered(output, number + 1) for number in range(len(plans))]
    for plan, path in zip(plans, outputs, strict=True):
        write_layers(path, {"unit": _with_grids(frame, plan), "grid": grid_frame(frame, plan)})
    if as_json:
        reports = [_report(plan, ids, codes, seconds) | {"mended": [ids[row] for row in mended]} for plan in plans]
        front = [report | {"output": path} for report, path in zip(reports, outputs, strict=True)]
        click.echo(json.dumps(reports[0] if count is None else {"front": front}, ensure_ascii=False))
        return
    for plan, path in zip(plans, outputs, strict=True):
        _print_report(plan, path, codes, seconds)
    say_mended(mended, codes)


def _solve(frame: gpd.GeoDataFrame, count: int | None, options: dict[str, Any]) -> Sequence[RebalancePlan]:
    """One plan, or those of a front."""
    if count is None:
        return (rebalance(frame, **options),)
    if options.pop("shape") is not None:
        raise BadInputError("--front runs over all shapes; leave out --shape")
    options.pop("mode")
    return rebalance_front(frame, count=count, **options)


def _weights(texts: Sequence[str]) -> dict[str, float]:
    """Columns and their factors, each column once."""
    weights: dict[str, float] = {}
    for text in texts:
        column, factor = _weight(text)
        if column in weights:
            raise BadInputError(f"--weight {text}: the column {column} has a factor already")
        weights[column] = factor
    return weights


def _weight(text: str) -> tuple[str, float]:
    """A column and its factor."""
    column, _, factor = text.rpartition("=")
    try:
        return column, float(factor)
    except ValueError:
        raise BadInputError(f"--weight {text}: expected COLUMN=FACTOR, such as households=1") from None


def _numbered(output: str, number: int) -> str:
    """The path of one plan of a front."""
    path = Path(output)
    return str(path.with_name(f"{path.stem}-{number}{path.suffix}"))


def read_ids(frame: gpd.GeoDataFrame, field: str | None) -> list[Any]:
    """Names of the units: a column's values, each once, or row numbers from 0."""
    if field is None:
        return list(range(len(frame)))
    if field not in frame.columns:
        raise BadInputError(f"there is no column {field}; the columns are {', '.join(map(str, frame.columns))}")
    wrong = frame[field].isna() | frame[field].duplicated()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        value = frame[field].iloc[row]
        raise BadInputError(f"row {row + 1}, {field}: {value} is missing or given before; ids must differ")
    ids: list[Any] = frame[field].tolist()
    return ids


def read_barriers(specs: tuple[str, ...], frame: gpd.GeoDataFrame) -> gpd.GeoSeries | None:
    """Read all barrier files into the CRS of the units."""
    if not specs:
        return None
    lines = [_barrier(spec).to_crs(frame.crs) for spec in specs]
    return gpd.GeoSeries(pd.concat(lines, ignore_index=True), crs=frame.crs)


def _barrier(spec: str) -> gpd.GeoSeries:
    """Read one barrier file: lines or areas."""
    lines = read_frame(spec).geometry
    for row, shape in enumerate(lines):
        if shape is not None and not np.isfinite(shapely.get_coordinates(shape)).all():
            raise BadInputError(f"{spec}, row {row + 1}, geometry: a coordinate is not finite")
        if shape is not None and shapely.get_dimensions(shape) == 0:
            raise BadInputError(f"{spec}, row {row + 1}, geometry: is a {shape.geom_type}, not a line or an area")
    return lines.make_valid()


def say_mended(rows: IntArray, codes: list[str] | None) -> None:
    """Say which polygons were mended before the work began: their codes, or rows as a person counts them."""
    if len(rows):
        names = [codes[row] if codes else f"第 {row + 1} 行" for row in rows[:MENDED_SHOWN]]
        shown = "、".join(names) + (" …" if len(rows) > MENDED_SHOWN else "")
        text = f"已修复无效图形 polygons mended (area kept to 0.1 %): {len(rows)}（{shown}）"
        Console().print(text, markup=False, highlight=False, soft_wrap=True)


def _with_grids(frame: gpd.GeoDataFrame, plan: RebalancePlan) -> gpd.GeoDataFrame:
    """The units as they came, and their grid; a column grid_id that came with them is kept as grid_id_before."""
    return frame.rename(columns={"grid_id": "grid_id_before"}).assign(grid_id=list(plan.grid_id))


def _report(plan: RebalancePlan, ids: list[Any], codes: list[str] | None, seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "units": len(plan.grid_id),
        "households": plan.households,
        "communities": len(plan.communities),
        "communities_in_band": sum(result.grids == result.grids_in_band for result in plan.communities),
        "grids": len(plan.grids),
        "grids_in_band": plan.grids_in_band,
        "households_in_band_ratio": plan.households_in_band_ratio,
        "disconnected_grids": plan.disconnected_grids,
        "barrier_crossings": plan.barrier_crossings,
        "holes": None if plan.rings is None else plan.rings.holes,
        "enclaves": None if plan.rings is None else plan.rings.enclaves,
        "moved_households": plan.moved_households,
        "moved_bound_households": plan.moved_bound_households,
        "shape_measure": "polsby_popper" if plan.mean_distance_m is None else "mean_distance_m",
        "mean_compactness": plan.mean_compactness,
        "mean_distance_m": plan.mean_distance_m,
        "bridges": [[ids[b.unit_a], ids[b.unit_b], b.gap_m] for b in plan.bridges],
        "bridges_over_barriers": [[ids[b.unit_a], ids[b.unit_b]] for b in plan.bridges if b.crosses_barrier],
        "infeasible": _infeasible(plan, ids, codes),
        "community": [_community(result) for result in plan.communities],
        "cut_compounds": list(plan.cut_compounds),
        "parted_compounds": list(plan.parted_compounds),
        "floor": plan.band.floor,
        "ceiling": plan.band.ceiling,
        "target": plan.band.target,
        "mode": plan.mode,
        "shape": plan.shape,
        "seed": plan.seed,
        "seconds": seconds,
    }


def _community(result: CommunityResult) -> dict[str, Any]:
    """One community: what moves, at least how much must, and the gap between the two."""
    value, bound = result.moved_households, result.moved_bound_households
    return {
        "community": result.community,
        "grids": result.grids,
        "grids_in_band": result.grids_in_band,
        "miss_households": result.miss_households,
        "miss_bound_households": result.miss_bound_households,
        "moved_households": value,
        "moved_bound_households": bound,
        "gap_households": None if value is None or bound is None else value - bound,
    }


def _infeasible(plan: RebalancePlan, ids: list[Any], codes: list[str] | None) -> list[dict[str, Any]]:
    """Every reason why grids of a community are outside the band."""
    found = []
    for result in plan.communities:
        for shortfall in result.shortfalls:
            reason = explain(shortfall, plan.band, code=codes[shortfall.unit] if codes else None)
            found.append(
                {
                    "community": result.community,
                    "cause": shortfall.cause,
                    "is_proven": shortfall.is_proven,
                    "unit": ids[shortfall.unit],
                    "units": shortfall.units,
                    "households": shortfall.households,
                    "reason": reason.text,
                    "remedy": reason.remedy,
                    "reason_en": reason.text_en,
                    "remedy_en": reason.remedy_en,
                }
            )
    return found


@contextmanager
def _progress_bar(*, quiet: bool) -> Iterator[Any]:
    """A progress bar on standard error, community by community."""
    columns = (TextColumn("重划网格 {task.fields[name]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("rebalance", total=None, name="")

        def advance(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, name=name)

        yield advance


def _print_report(plan: RebalancePlan, output: str, codes: list[str] | None, seconds: float) -> None:
    """Say in a short table what was done, then why grids are outside the band."""
    console = Console()
    table = Table(show_header=False, title=f"重划网格 Rebalance · {plan.mode}")
    in_band = f"{plan.grids_in_band} / {len(plan.grids)}"
    rows: list[tuple[str, str]] = [
        ("单元 units", f"{len(plan.grid_id):,}"),
        ("户数 households", f"{plan.households:,.0f}"),
        (f"达标网格 grids in {plan.band.floor:g}-{plan.band.ceiling:g}", in_band),
        ("达标户数 households in band", f"{plan.households_in_band_ratio:.1%}"),
        ("不连通网格 disconnected", str(plan.disconnected_grids)),
        ("桥接 bridges", str(len(plan.bridges))),
    ]
    if plan.moved_households is not None:
        share = plan.moved_households / plan.households if plan.households else 0
        rows.append(("调整户数 moved households", f"{plan.moved_households:,.0f} ({share:.1%})"))
    if plan.moved_bound_households is not None:
        rows.append(("至少须调整 proven bound", f"{plan.moved_bound_households:,.0f}"))
    if plan.rings is not None:
        rows.append(("飞地、孔洞 enclaves, holes", f"{plan.rings.enclaves}, {plan.rings.holes}"))
    if plan.mean_compactness is not None:
        rows.append(("紧凑度 compactness", f"{plan.mean_compactness:.3f}"))
    if plan.mean_distance_m is not None:
        rows.append(("到网格中心平均距离 mean distance to the middle", f"{plan.mean_distance_m:,.0f} m"))
    if plan.cut_compounds:
        rows.append(("超上限而拆分的小区 compounds cut", str(len(plan.cut_compounds))))
    rows.append(("用时 seconds", f"{seconds:.2f}"))
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)
    reasons = [(result, shortfall) for result in plan.communities for shortfall in result.shortfalls]
    for result, shortfall in reasons[:REASONS_SHOWN]:
        reason = explain(shortfall, plan.band, code=codes[shortfall.unit] if codes else None)
        console.print(
            f"{result.community}：{reason.text}；{reason.remedy}。", markup=False, highlight=False, soft_wrap=True
        )
    if len(reasons) > REASONS_SHOWN:
        console.print(f"另有 {len(reasons) - REASONS_SHOWN} 条，见 --json。", markup=False, soft_wrap=True)
    console.print(f"已写入 {output}", markup=False, highlight=False, soft_wrap=True)
