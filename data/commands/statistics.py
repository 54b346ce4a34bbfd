"""`yiwangtu cases statistics` and `yiwangtu report recurring`: figures and problems that come back, as files."""

import csv
import io
import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import shapely

from data.commands.connected import connected
from data.crosswalk.table import write_file
from data.errors import BadInputError
from data.frames import check_output, write_layers
from data.settings import DataSettings
from data.statistics.counting import SETS, Statistics, count
from data.statistics.definitions import city_indicators, read_parts
from data.statistics.question import Asked, Question, settle
from data.statistics.recurring import Recurring, Search, find
from data.statistics.wording import KINDS, cluster_facts, recurring_body, statistics_body
from geo.cells import RESOLUTION
from geo.hotspots.clusters import Reach

CLUSTERS, CELLS = "cluster", "cell"
DAY = click.DateTime(["%Y-%m-%d"])
SHOWN = 10


def _asking(function: Any) -> Any:
    """Add the options that say which incidents."""
    for option in (
        click.option("--source", multiple=True, metavar="SOURCE", help="Only such sources; repeat for several."),
        click.option("--department", multiple=True, metavar="NAME", help="Only such departments; - is none."),
        click.option("--category", multiple=True, metavar="CODE", help="Only such categories, or those under them."),
        click.option("--to", "last_day", type=DAY, help="The last day; today unless given."),
        click.option("--from", "first_day", type=DAY, help="The first day; 29 days before the last unless given."),
        click.option("--area", "within", required=True, metavar="CODE", help="An area or a grid."),
    ):
        function = option(function)
    return function


@click.command("statistics")
@_asking
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.csv", help="All figures as a table.")
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Grades by FILE (columns as in data/reference/indicator.csv), else by that of YIWANGTU_INDICATORS.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def statistics(output: Path | None, thresholds: Path | None, *, as_json: bool, **given: Any) -> None:
    """考核指标: how cases of an area were handled, by area inside, department, category, source and post."""
    started_s, now = time.perf_counter(), datetime.now(UTC)
    if output is not None and output.suffix.lower() != ".csv":
        raise BadInputError(f"the output {output} must end in .csv")
    indicators = city_indicators(thresholds or DataSettings().indicators)
    with connected() as connection:
        question = settle(connection, _asked(given), now)
        found = count(connection, question, indicators)
    if output is not None:
        write_file(output, statistics_csv(found))
    if as_json:
        seconds = round(time.perf_counter() - started_s, 3)
        body = statistics_body(question, found, now) | {"output": str(output) if output else None, "seconds": seconds}
        click.echo(json.dumps(body, ensure_ascii=False, allow_nan=False))
        return
    click.echo(_heading(question))
    for part in read_parts():
        click.echo(f"  {part.name} {part.name_en}: {found.total.counts[part.code]:,}")
    for one in indicators:
        ratio = found.total.ratios[one.code]
        value, grade = "-" if ratio.value is None else f"{ratio.value:.1%}", f" [{ratio.grade}]" if ratio.grade else ""
        click.echo(f"  {one.name} {one.name_en}: {value}{grade}（{one.definition}）")
    if output is not None:
        click.echo(f"已写入 written: {output}")


@click.command("recurring")
@_asking
@click.option("--radius-m", default=100.0, show_default=True, help="Metres between two incidents of the same day.")
@click.option("--days", default=14.0, show_default=True, help="Days between two incidents of the same place.")
@click.option("--least", default=4, show_default=True, help="Fewest incidents within reach of one, itself included.")
@click.option("--cells", default=RESOLUTION, show_default=True, metavar="RES", help="H3 resolution, 5-10.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.gpkg", help="Clusters and cells.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recurring(output: Path | None, *, as_json: bool, **given: Any) -> None:
    """反复出现的问题: clusters of like incidents in place and time, and cells with more than their share (Gi*)."""
    started_s, now = time.perf_counter(), datetime.now(UTC)
    if output is not None:
        check_output(output)
    if not 5 <= given["cells"] <= 10:
        raise BadInputError(f"the H3 resolution is {given['cells']}; it must be 5 to 10")
    search = Search(Reach(given["radius_m"], given["days"], given["least"]), given["cells"])
    with connected() as connection:
        question = settle(connection, _asked(given), now)
        found = find(connection, question, search)
    if output is not None:
        write_layers(output, _layers(found))
    if as_json:
        seconds = round(time.perf_counter() - started_s, 3)
        body = recurring_body(question, found, now) | {"output": str(output) if output else None, "seconds": seconds}
        click.echo(json.dumps(body, ensure_ascii=False, allow_nan=False))
        return
    hot = sum(cell.kind == 1 for cell in found.cells)
    click.echo(
        f"{_heading(question)}: {found.incident_count:,} 件 incidents，{found.cluster_count} 处反复 clusters，"
        f"{hot} 个热点单元 hot cells"
    )
    for rank, one in enumerate(found.clusters[:SHOWN], 1):
        facts = cluster_facts(rank, one, found)
        click.echo(
            f"  {rank}. {facts['category_name']}，{facts['place_name']}：{facts['n']} 件，{facts['first_on']} 至 "
            f"{facts['last_on']}，半径 {facts['radius_m']:.0f} m，未办结 {facts['open']} 件"
        )
    if output is not None:
        click.echo(f"已写入 written: {output}")


def statistics_csv(found: Statistics) -> bytes:
    """Write figures as CSV, a row a group: UTF-8 with the mark that Excel looks for."""
    parts, indicators = [one.code for one in read_parts()], [one.code for one in found.total.indicators]
    header = ["set", "code", "name", "name_en", *parts, *indicators, "hours_n", "hours_median", "hours_p90"]
    rows: list[Sequence[object]] = []
    for kind in SETS:
        groups = (found.total,) if kind == "total" else getattr(found, kind)
        for one in groups:
            ratios = [one.ratios[code].value for code in indicators]
            rows.append([
                kind, one.code, one.name, one.name_en, *(one.counts[part] for part in parts),
                *(None if value is None else round(value, 6) for value in ratios),
                one.hours.n, one.hours.median, one.hours.p90,
            ])  # fmt: skip
    return _csv(header, rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Write a table; what is not known is nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _layers(found: Recurring) -> dict[str, gpd.GeoDataFrame]:
    """Make the layers of the file; one without rows is left out, but never both."""
    facts = [cluster_facts(rank, one, found) for rank, one in enumerate(found.clusters, 1)]
    names = (
        "rank", "category", "category_name", "category_name_en", "place", "place_name", "place_name_en", "n",
        "first_on", "last_on", "radius_m", "open", "trend",
    )  # fmt: skip
    clusters = gpd.GeoDataFrame(
        {name: [one[name] for one in facts] for name in names},
        geometry=[shapely.Point(one.lon, one.lat) for one in found.clusters], crs=4326,
    )  # fmt: skip
    cells = gpd.GeoDataFrame(
        {
            "cell": [one.id for one in found.cells], "n": [one.n for one in found.cells],
            "z": [one.z for one in found.cells], "p": [one.p for one in found.cells],
            "q": [one.q for one in found.cells], "kind": [KINDS[one.kind] for one in found.cells],
        },
        geometry=[one.geom for one in found.cells], crs=4326,
    )  # fmt: skip
    return {CLUSTERS: clusters, CELLS: cells}


def _asked(given: dict[str, Any]) -> Asked:
    """Make the question of the options."""
    days: list[date | None] = [
        None if given[name] is None else given[name].date() for name in ("first_day", "last_day")
    ]
    return Asked(given["within"], days[0], days[1], given["category"], given["department"], given["source"])


def _heading(question: Question) -> str:
    """Name place and days."""
    return f"{question.name}，{question.first_day} 至 {question.last_day}"
