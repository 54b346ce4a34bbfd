"""`yiwangtu merge`: merge several grid layers into one plan that changes least, file to file, no database."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from data.commands.rebalance import read_barriers, read_ids, say_mended
from data.crosswalk.columns import code_column
from data.crosswalk.table import crosswalk_csv, write_file
from data.errors import BadInputError
from data.frames import check_output, read_frame, write_layers
from data.parallel import open_executor
from data.settings import DataSettings
from geo.merge import Conflicts, GridLayer, MergePlan, find_conflicts, layer_of_polygons, merge
from geo.rebalance import explain, grid_frame
from geo.shapes import sound_units


@click.command()
@click.argument("units")
@click.option("--units-layer", help="Layer of the units (else the first one).")
@click.option("--id", "id_field", help="Column that names a unit; else row numbers from 0.")
@click.option("--households", required=True, help="Column of household counts.")
@click.option("--within", help="Column of the community; no grid leaves one.")
@click.option("--compound", help="Column of the compound (小区) to keep whole.")
@click.option(
    "--layer", "layers", multiple=True, metavar="NAME=COLUMN|FILE[:layer][@field]",
    help="A grid layer: a column of UNITS, or polygons; at least two.",
)  # fmt: skip
@click.option("--weight", "weights", multiple=True, metavar="NAME=NUMBER", help="What a layer counts (else 1).")
@click.option("--codes-from", metavar="NAME", help="Layer whose codes grids keep (else all codes are new).")
@click.option("--barriers", multiple=True, metavar="FILE[:layer]", help="Lines or areas no grid connects across.")
@click.option("--floor", type=float, default=400, show_default=True, help="Fewest households of a grid.")
@click.option("--ceiling", type=float, default=800, show_default=True, help="Most households of a grid.")
@click.option("--target", type=float, help="Wished households of a grid (else the middle).")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes (dask).")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="dask scheduler to use (else YIWANGTU_DASK_SCHEDULER).")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="GeoPackage to write.")
@click.option("--crosswalk", type=click.Path(dir_okay=False, path_type=Path), help="CSV of old and new codes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(units: str, output: str, *, as_json: bool, workers: int, **options: Any) -> None:
    """多网合一。Merge the grid layers of UNITS into one plan that changes least.

    OUTPUT gets the layers `unit` (all rows and columns of UNITS, grid_id, is_conflict), `grid`, and `conflict` (units
    whose layers disagree).
    """
    started = time.perf_counter()
    crosswalk = options.pop("crosswalk")
    check_output(output, (units, *options["barriers"]))
    _check_crosswalk(crosswalk, output)
    frame, mended = sound_units(read_frame(units, options.pop("units_layer")))
    id_field = options.pop("id_field")
    ids = read_ids(frame, id_field)
    codes = None if id_field is None else [str(one) for one in ids]
    layers = read_layers(frame, options.pop("layers"), options.pop("weights"))
    barriers = read_barriers(options.pop("barriers"), frame)
    scheduler = options.pop("scheduler") or DataSettings().dask_scheduler
    with open_executor(workers, scheduler) as executor:
        made = merge(frame, layers, barriers=barriers, executor=executor, **options)
    conflicts = _conflicts(frame, layers, options["households"], options["within"])
    columns = {f"layer_{layer.name}": layer.code for layer in layers}
    taken = {"grid_id": "grid_id_before", "is_conflict": "is_conflict_before"}
    kept = frame.rename(columns=taken).assign(grid_id=list(made.plan.grid_id), is_conflict=conflicts.is_conflict)
    told = kept.assign(**columns)[conflicts.is_conflict]
    written = {"unit": kept, "grid": grid_frame(frame, made.plan), **({"conflict": told} if len(told) else {})}
    write_layers(output, written)
    if crosswalk is not None:
        households = frame[options["households"]].tolist()
        write_file(crosswalk, crosswalk_csv(_crosswalk(ids, layers, made, households)))
    seconds = round(time.perf_counter() - started, 2)
    report = _report(made, conflicts, codes, seconds) | {"mended": [ids[row] for row in mended]}
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        _print_report(report, output)
        say_mended(mended, codes)


def _check_crosswalk(path: Path | None, output: str) -> None:
    """Refuse a table that could not be written, before the work."""
    if path is None:
        return
    if path.resolve() == Path(output).resolve():
        raise BadInputError(f"the crosswalk {path} is the output too; choose another name")
    if not path.parent.is_dir():
        raise BadInputError(f"the crosswalk {path} cannot be written: there is no folder {path.parent}")


def read_layers(frame: gpd.GeoDataFrame, specs: tuple[str, ...], weights: tuple[str, ...]) -> list[GridLayer]:
    """Read layers as they are named on the command line."""
    wanted = dict(_pair(spec, "--layer NAME=COLUMN or NAME=FILE") for spec in specs)
    if len(wanted) < len(specs):
        raise BadInputError("two layers have one name; each --layer needs its own")
    heavy: dict[str, float] = {}
    for name, text in (_pair(one, "--weight NAME=NUMBER") for one in weights):
        if name in heavy:
            raise BadInputError(f"--weight {name}: the layer {name} has a weight already")
        if name not in wanted:
            raise BadInputError(f"--weight {name}: there is no layer {name}")
        heavy[name] = _number(name, text)
    return [_layer(frame, name, spec, heavy.get(name, 1.0)) for name, spec in wanted.items()]


def _layer(frame: gpd.GeoDataFrame, name: str, spec: str, weight: float) -> GridLayer:
    """Take a layer from a column, or join a file of polygons."""
    if spec in frame.columns:
        codes = [None if pd.isna(one) else _text(one) for one in frame[spec]]
        return GridLayer(name, np.array(codes, dtype=object), weight)
    path, _, field = spec.partition("@") if not Path(spec).exists() else (spec, "", "")
    try:
        grids = read_frame(path)
    except BadInputError as error:
        raise BadInputError(f"layer {name}: {spec} is no column of the units, and {error}") from error
    return layer_of_polygons(name, grids, frame, code=code_column(grids, name, field), weight=weight)


def _pair(text: str, form: str) -> tuple[str, str]:
    """Take NAME=VALUE apart."""
    name, sign, value = text.partition("=")
    if not (name.strip() and sign and value.strip()):
        raise BadInputError(f"{text!r} is not of the form {form}")
    return name.strip(), value.strip()


def _number(name: str, text: str) -> float:
    """Read a weight."""
    try:
        return float(text)
    except ValueError:
        raise BadInputError(f"--weight {name}: {text} is no number") from None


def _text(value: object) -> str:
    """A code as text: whole floats, which files make of integer columns with gaps, lose their .0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _conflicts(frame: gpd.GeoDataFrame, layers: list[GridLayer], households: str, within: str | None) -> Conflicts:
    """Find where the layers conflict."""
    community = [""] * len(frame) if within is None else frame[within].tolist()
    return find_conflicts(layers, households=frame[households].to_numpy(dtype=np.float64), community=community)


def _crosswalk(
    ids: list[Any], layers: list[GridLayer], made: MergePlan, households: list[Any]
) -> Iterator[tuple[object, ...]]:
    """Give a row for every unit and layer."""
    for at, (unit, new, size) in enumerate(zip(ids, made.plan.grid_id, households, strict=True)):
        for layer in layers:
            yield unit, layer.name, layer.code[at], new, size


def _report(made: MergePlan, conflicts: Conflicts, codes: list[str] | None, seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    plan = made.plan
    return {
        "units": len(plan.grid_id),
        "households": plan.households,
        "grids": len(plan.grids),
        "grids_in_band": plan.grids_in_band,
        "disconnected_grids": plan.disconnected_grids,
        "conflict_units": int(conflicts.is_conflict.sum()),
        "units_unknown_to_a_layer": int(conflicts.is_unknown.sum()),
        "moved_households": round(made.moved_households, 6),
        "moved_bound_households": round(made.moved_bound_households, 6),
        "layers": [vars(layer) for layer in made.layers],
        "overlaps": [vars(one) for one in conflicts.overlaps],
        "infeasible": [
            {"community": result.community}
            | vars(explain(shortfall, plan.band, code=codes[shortfall.unit] if codes else None))
            for result in plan.communities
            for shortfall in result.shortfalls
        ],
        "floor": plan.band.floor,
        "ceiling": plan.band.ceiling,
        "target": plan.band.target,
        "seed": plan.seed,
        "seconds": seconds,
    }


def _print_report(report: dict[str, Any], output: str) -> None:
    """Say in short tables what was done."""
    console = Console()
    table = Table(
        "图层 layer", "权重 weight", "网格 grids", "户数 households", "调整户数 moved", title="多网合一 Merge"
    )
    for layer in report["layers"]:
        cells = (f"{layer[name]:,.0f}" for name in ("grids", "households", "moved_households"))
        table.add_row(layer["name"], f"{layer['weight']:.2f}", *cells)
    console.print(table)
    band = f"{report['floor']:g}-{report['ceiling']:g}"
    for line in (
        f"冲突单元 conflict units: {report['conflict_units']:,} / {report['units']:,}",
        f"达标网格 grids in {band}: {report['grids_in_band']} / {report['grids']}",
        f"平均调整户数 weighted moved: {report['moved_households']:,.1f} (≥ {report['moved_bound_households']:,.1f})",
        *(f"{one['community']}：{one['text']}；{one['remedy']}。" for one in report["infeasible"]),
        f"已写入 {output}（{report['seconds']:.2f} s）",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
