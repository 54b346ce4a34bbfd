"""`yiwangtu site`: where to build, file to file, without a database."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from data.errors import BadInputError
from data.frames import check_output, read_frame, write_layers
from data.streets import read_streets
from geo.arrays import BoolArray
from geo.siting import SitingAnswer, SitingModel, solve_siting
from geo.siting.options import SitingOption, weigh_options
from geo.siting.town import SitingTown, place_town, site_names, street_corners
from geo.walking import SNAP_LIMIT_M, Network, build_network, pairs_within, snap_points

DEMAND_COLUMNS = ("site_id", "distance_m", "is_covered")
SITE_COLUMNS = ("site_id", "is_existing", "rank", "gain")
MODEL_TEXT = {
    SitingModel.LSCP: ("最少站点 fewest sites", "站点数 sites"),
    SitingModel.MCLP: ("覆盖最多 most covered", "覆盖量 covered weight"),
    SitingModel.PMEDIAN: ("平均距离最短 shortest mean walk", "平均步行 mean walk, m"),
    SitingModel.PCENTER: ("最远距离最短 shortest longest walk", "最远步行 longest walk, m"),
}
OPTION_TEXT = {"open_longer": "延长开放 open longer", "deliver": "送餐上门 deliver"}
OPTIONS_SHOWN = 5


@dataclass(frozen=True)
class Sites:
    """Candidates, then existing sites, with their names; and the names of candidates that nobody can walk to."""

    candidates: gpd.GeoDataFrame
    existing: gpd.GeoDataFrame | None
    names: list[str]
    left_out: list[str]


@click.command("site")
@click.argument("demand", metavar="DEMAND[:layer]")
@click.option("--layer", metavar="NAME", help="Layer of DEMAND; else the one named after the colon, else the first.")
@click.option("--candidates", metavar="FILE[:layer]", help="Places where a site may be: idle premises, buildings.")
@click.option("--corners", is_flag=True, help="Propose street corners as candidates (beside those of --candidates).")
@click.option("--existing", metavar="FILE[:layer]", help="Sites that stand already; always in, not counted in -p.")
@click.option("--streets", required=True, metavar="FILE[:layer]", help="Street centre lines, or an .osm.pbf.")
@click.option("--model", required=True, type=click.Choice([str(model) for model in SitingModel]))
@click.option("-p", "p", type=int, metavar="N", help="Sites to choose; lscp finds their number itself.")
@click.option("--radius-m", type=float, required=True, metavar="M", help="Longest walk that still serves, metres.")
@click.option("--weight", required=True, metavar="COL", help="Column of DEMAND with the weight, such as residents_60.")
@click.option("--capacity", metavar="COL", help="Column of the sites: weight one can serve (empty: any).")
@click.option(
    "--id", "site_id", metavar="COL", help="Column that names a site [default: code, else the row number from 0]."
)
@click.option("--open", "open_column", metavar="COL", help="Column of EXISTING (0/1): open at the hours that count.")
@click.option("--deliver-m", type=float, metavar="M", help="Also weigh deliveries this far from existing sites.")
@click.option("--longest-m", type=float, metavar="M", help="Longest walk measured for pmedian and pcenter.")
@click.option("--snap-m", type=float, default=SNAP_LIMIT_M, show_default=True, metavar="M", help="Snap limit, metres.")
@click.option("--gap", type=click.FloatRange(0, 1), default=0, show_default=True, help="Gap that is good enough.")
@click.option("--time-limit", "time_limit_s", type=float, metavar="S", help="Seconds after which to take the best.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT.gpkg", help="File to write."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(demand: str, output: Path, *, as_json: bool, **options: Any) -> None:
    """选址：在哪里建最能补上缺口。Choose sites by walking distance and say how good the choice is proven to be.

    OUT.gpkg gets the layers `site` (chosen sites in the order in which each adds most, then existing ones) and `demand`
    (all rows of DEMAND with site_id, distance_m and is_covered).
    """
    specs = [demand, options["streets"], options["candidates"], options["existing"]]
    check_output(output, tuple(spec for spec in specs if spec))
    model = SitingModel(options["model"])
    _check_options(options, model)
    frame = read_frame(demand, options["layer"])
    _check_columns(frame, "DEMAND", DEMAND_COLUMNS)
    streets = read_streets(options["streets"])
    network = build_network(streets.lines, gates=streets.gates)
    sites, closed = _read_sites(options, network)
    with _progress(quiet=as_json) as progress:
        town = place_town(
            network, frame, sites.candidates, existing=sites.existing, weight=options["weight"], model=model,
            radius_m=options["radius_m"], capacity=options["capacity"], longest_m=options["longest_m"],
            snap_limit_m=options["snap_m"],
        )  # fmt: skip
        answer = solve_siting(
            town.problem, model=model, p=options["p"], gap=options["gap"], time_limit_s=options["time_limit_s"],
            progress=progress,
        )  # fmt: skip
    beside = _options_beside(options, network, frame, town, sites, closed)
    write_layers(output, {"site": _site_layer(sites, answer), "demand": _demand_layer(frame, town, sites, answer)})
    report = _report(answer, town, sites, beside) | {"radius_m": options["radius_m"], "output": str(output)}
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, allow_nan=False))
    else:
        _show(report)


def _check_options(options: dict[str, Any], model: SitingModel) -> None:
    """Refuse options that do not go together."""
    if not options["candidates"] and not options["corners"]:
        raise BadInputError("there are no candidates; give --candidates FILE, --corners or both")
    for name in ("open_column", "deliver_m"):
        if options[name] is not None and not options["existing"]:
            raise BadInputError(f"--{name.split('_')[0]} needs --existing")
    if options["longest_m"] is not None and model in (SitingModel.LSCP, SitingModel.MCLP):
        raise BadInputError(f"--longest-m goes with pmedian and pcenter, not with {model}")
    if options["deliver_m"] is not None and not options["deliver_m"] > 0:
        raise BadInputError(f"--deliver-m is {options['deliver_m']}; it must be above 0")


def _check_columns(frame: gpd.GeoDataFrame, name: str, results: tuple[str, ...]) -> None:
    """Refuse result columns that would be overwritten."""
    taken = [str(column) for column in frame.columns if str(column).lower() in results]
    if taken:
        raise BadInputError(f"{name} already has the result columns {', '.join(taken)}; drop or rename them")


def _read_sites(options: dict[str, Any], network: Network) -> tuple[Sites, gpd.GeoDataFrame | None]:
    """Read candidates, propose corners, read existing sites; those that are closed when it counts come apart."""
    given = [read_frame(options["candidates"])] if options["candidates"] else []
    if options["corners"]:
        corners = street_corners(network)
        given.append(corners.to_crs(given[0].crs) if given else corners)
    candidates = gpd.GeoDataFrame(pd.concat(given, ignore_index=True), crs=given[0].crs) if len(given) > 1 else given[0]
    if candidates.empty:
        raise BadInputError("the streets have no corner where three meet; give --candidates FILE")
    _check_columns(candidates, "the candidates", SITE_COLUMNS)
    candidates, names, left_out = _on_streets(candidates, site_names(candidates, options["site_id"]), options, network)
    if not options["existing"]:
        return Sites(candidates, None, names, left_out), None
    existing = read_frame(options["existing"])
    _check_columns(existing, "the existing sites", SITE_COLUMNS)
    existing["site_id"] = site_names(existing, options["site_id"])
    is_open = _marks(existing, options["open_column"])
    closed = existing[~is_open].reset_index(drop=True)
    existing = existing[is_open].reset_index(drop=True)
    return Sites(candidates, existing, [*names, *existing.pop("site_id")], left_out), closed


def _on_streets(
    candidates: gpd.GeoDataFrame, names: list[str], options: dict[str, Any], network: Network
) -> tuple[gpd.GeoDataFrame, list[str], list[str]]:
    """Leave out the candidates that are too far from any street; refuse them when none is near one."""
    snap = snap_points(network.graph, network.places(candidates, "candidates"), limit_m=options["snap_m"])
    if not snap.is_snapped.any():
        raise BadInputError(
            f"no candidate lies within {options['snap_m']:g} m of a street that may be walked; --snap-m sets the limit"
        )
    kept = [name for name, is_near in zip(names, snap.is_snapped, strict=True) if is_near]
    left_out = [name for name, is_near in zip(names, snap.is_snapped, strict=True) if not is_near]
    return candidates[snap.is_snapped], kept, left_out  # rows keep their numbers for messages


def _marks(frame: gpd.GeoDataFrame, column: str | None) -> BoolArray:
    """Read marks of yes and no; everything is open without a column."""
    if column is None:
        return np.ones(len(frame), dtype=bool)
    if column not in frame.columns:
        raise BadInputError(f"the existing sites have no column {column}; they have: {', '.join(map(str, frame))}")
    marks = pd.to_numeric(frame[column], errors="coerce")
    wrong = ~marks.isin([0, 1])
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise BadInputError(f"existing sites row {row + 1}, {column}: {frame[column].iloc[row]}; it must be 0 or 1")
    is_open: BoolArray = marks.to_numpy() == 1
    return is_open


def _options_beside(
    options: dict[str, Any],
    network: Network,
    frame: gpd.GeoDataFrame,
    town: SitingTown,
    sites: Sites,
    closed: gpd.GeoDataFrame | None,
) -> list[dict[str, Any]]:
    """Weigh what existing sites could do without building."""
    if sites.existing is None or closed is None or (closed.empty and options["deliver_m"] is None):
        return []
    opened = sites.existing
    names = [*sites.names[len(sites.candidates) :], *closed["site_id"]]
    xy = np.concatenate([network.places(one, "existing sites") for one in (opened, closed) if len(one)])
    reach_m = max(options["radius_m"], options["deliver_m"] or 0)
    pairs = pairs_within(
        network.graph, network.places(frame, "demand"), xy, radius_m=reach_m, snap_limit_m=options["snap_m"]
    )
    found: list[SitingOption] = weigh_options(
        pairs.distance_m, town.problem.weight, radius_m=options["radius_m"],
        is_open=np.arange(len(xy)) < len(opened), deliver_m=options["deliver_m"],
    )  # fmt: skip
    return [
        {"kind": str(option.kind), "site": names[option.site], "weight": _number(option.weight)} for option in found
    ]


def _site_layer(sites: Sites, answer: SitingAnswer) -> gpd.GeoDataFrame:
    """Chosen sites in order of what they add, then existing ones, with the columns they came with."""
    chosen = sites.candidates.iloc[answer.site].copy()
    chosen["site_id"] = [sites.names[site] for site in answer.site]
    chosen["is_existing"], chosen["rank"], chosen["gain"] = False, np.arange(len(chosen)) + 1, answer.gain
    if sites.existing is None or sites.existing.empty:
        return chosen.reset_index(drop=True)
    stand = sites.existing.to_crs(chosen.crs)
    stand["site_id"] = sites.names[len(sites.candidates) :]
    stand["is_existing"] = True
    return gpd.GeoDataFrame(pd.concat([chosen, stand], ignore_index=True), crs=chosen.crs) if len(chosen) else stand


def _demand_layer(frame: gpd.GeoDataFrame, town: SitingTown, sites: Sites, answer: SitingAnswer) -> gpd.GeoDataFrame:
    """Demand as it came, and who serves it; nothing is known of what lies off the streets."""
    is_covered = np.nan_to_num(answer.nearest_m, nan=np.inf) <= town.problem.radius_m + 1e-6
    names = [sites.names[site] if site >= 0 else None for site in answer.nearest]
    return frame.assign(
        site_id=pd.array(names, dtype="string"),
        distance_m=answer.nearest_m,
        is_covered=pd.array(
            [bool(yes) if known else None for yes, known in zip(is_covered, town.demand_is_known, strict=True)],
            dtype="boolean",
        ),
    )


def _report(answer: SitingAnswer, town: SitingTown, sites: Sites, beside: list[dict[str, Any]]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "model": str(answer.model),
        "sites": [sites.names[site] for site in answer.site],
        "objective": _number(answer.objective),
        "bound": _number(answer.bound),
        "gap": answer.gap,
        "covered_weight": _number(answer.covered_weight),
        "covered_ratio": answer.covered_ratio,
        "total_weight": _number(answer.total_weight),
        "uncoverable_weight": _number(answer.uncoverable_weight),
        "unknown_weight": _number(town.unknown_weight),
        "gains": [_number(gain) for gain in answer.gain.tolist()],
        "candidates": len(sites.candidates),
        "candidates_off_streets": sites.left_out,
        "existing": 0 if sites.existing is None else len(sites.existing),
        "options": beside,
        "seconds": round(answer.seconds, 3),
    }


def _number(value: float) -> int | float:
    """Show whole numbers as such."""
    return int(value) if math.isfinite(value) and value == int(value) else value


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    """Value and limit so far, on standard error."""
    columns = (SpinnerColumn(), TextColumn("选址 {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("测量步行距离 measuring walks", total=None)
        last = [0.0]

        def tell(value: float, bound: float) -> None:
            if time.monotonic() - last[0] > 0.1:
                last[0] = time.monotonic()
                apart = (bound - value) / value if value > 0 else 1.0
                bar.update(task, description=f"差距 gap {apart:.2%}")

        yield tell


def _show(report: dict[str, Any]) -> None:
    """Print the figures for a person, Chinese first."""
    console = Console()
    title, objective = MODEL_TEXT[SitingModel(report["model"])]
    table = Table(title=f"选址 {title}", show_edge=False, show_header=False)
    ratio = report["covered_ratio"]
    rows = [
        ("新建站点 sites", str(len(report["sites"]))),
        (objective, f"{report['objective']:,.10g}"),
        ("已证界限 proven bound", f"{report['bound']:,.10g}"),
        ("差距 gap", f"{report['gap']:.3%}" if report["gap"] else "0（已证最优 proven best）"),
        ("覆盖 covered", f"{report['covered_weight']:,.10g}" + (f"（{ratio:.1%}）" if ratio is not None else "")),
        ("任何候选都覆盖不到 uncoverable", f"{report['uncoverable_weight']:,.10g}"),
        ("其中离道路太远 off the streets", f"{report['unknown_weight']:,.10g}"),
        ("用时 seconds", f"{report['seconds']:.2f}"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)
    for rank, (site, gain) in enumerate(zip(report["sites"], report["gains"], strict=True), 1):
        console.print(f"{rank}. {site}: +{gain:,.10g}", markup=False, highlight=False, soft_wrap=True)
    if report["candidates_off_streets"]:
        names = ", ".join(report["candidates_off_streets"])
        text = f"离道路太远、未考虑的候选 candidates off the streets, left out: {names}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    for option in report["options"][:OPTIONS_SHOWN]:
        text = f"{OPTION_TEXT[option['kind']]} {option['site']}: +{option['weight']:,.10g}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"已写入 written: {report['output']}", markup=False, highlight=False, soft_wrap=True)
