"""`yiwangtu import`: a file of one layer into the database."""

import json
import sys
from collections import defaultdict
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from data.engine import attached
from data.errors import BadInputError
from data.imports.importer import import_file
from data.imports.options import ImportOptions, ImportReport
from data.settings import DataSettings

SHOWN_FAULTS = 50


@click.command("import")
@click.argument("file")
@click.option("--layer", required=True, help="Layer to import into, such as unit or station.")
@click.option("--source-layer", help="Layer or sheet of the file; also FILE:NAME.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Column that fills a field.")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Value of a field in every row.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Read only such rows; repeat for several values.")
@click.option("--prefix", default="", help="Put before every code of the file.")
@click.option("--crs", help="EPSG:n, wgs84, cgcs2000, gcj02 or bd09; wins over the file.")
@click.option("--encoding", help="utf-8 or gbk; wins over the file.")
@click.option("--repair", is_flag=True, help="Make invalid geometries valid and say what changed.")
@click.option("--dry-run", is_flag=True, help="Check and count, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: str, layer: str, **given: Any) -> int:
    """Import FILE (GeoPackage, GeoJSON, Shapefile, GeoParquet, CSV, XLSX) into a layer.

    Every fault is listed with its row. With any error nothing is written; the same file again changes nothing.
    """
    wanted = defaultdict(list)
    for column, value in map(_pair, given["where"]):
        wanted[column].append(value)
    options = ImportOptions(
        source_layer=given["source_layer"], columns=dict(map(_pair, given["maps"])),
        constants=dict(map(_pair, given["sets"])), where={column: tuple(values) for column, values in wanted.items()},
        prefix=given["prefix"], crs=given["crs"], encoding=given["encoding"], is_dry_run=given["dry_run"],
        may_repair=given["repair"],
    )  # fmt: skip
    as_json = given["as_json"]
    with attached(DataSettings()) as database, _bar(visible=not as_json and sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=1.0, rows=0)
        report = import_file(
            database.owner_engine(), file, layer, options,
            on_progress=lambda rows, ratio: bar.update(task, completed=ratio, rows=rows),
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        show(report, Console())
    return 2 if report.error_count else 0


def show(report: ImportReport, console: Console) -> None:
    """Print a report: assumptions, the first faults as a table, counts of each kind, the outcome."""
    for note in report.assumptions:
        console.print(f"· {note}", highlight=False, markup=False)
    if report.faults:
        table = Table("row", "field", "value", "what is wrong", "severity")
        for fault in report.faults[:SHOWN_FAULTS]:
            cells = (str(fault.row), fault.field, fault.value, fault.problem, fault.severity)
            table.add_row(*cells, style="red" if fault.severity == "error" else "yellow")
        console.print(table, markup=False)
        total = sum(one.count for one in report.fault_counts)
        if total > SHOWN_FAULTS:
            console.print(f"the first {SHOWN_FAULTS} of {total} faults; --json lists more", highlight=False)
        for one in sorted(report.fault_counts, key=lambda one: -one.count):
            console.print(f"  {one.count:>9,} {one.severity} {one.field} {one.kind}", highlight=False, markup=False)
    console.print(report.summary, highlight=False, markup=False)


def _bar(*, visible: bool) -> Progress:
    """Make the progress bar: on the error stream, gone when done."""
    return Progress(
        TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True),
        transient=True, disable=not visible,
    )  # fmt: skip


def _pair(text: str) -> tuple[str, str]:
    """Take NAME=VALUE apart."""
    name, sign, value = text.partition("=")
    if not (name.strip() and sign):
        raise BadInputError(f"{text!r} is not of the form NAME=VALUE")
    return name.strip(), value.strip()
