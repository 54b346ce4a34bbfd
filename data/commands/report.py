"""`yiwangtu report`: what the database holds, as files to print and pass on."""

import json
import time
from pathlib import Path
from typing import Any

import click

from data.commands import public_map, statistics
from data.crosswalk.table import write_file
from data.engine import attached
from data.errors import BadInputError
from data.lifecircle.content import Report, read_report
from data.lifecircle.html import write_html
from data.lifecircle.pdf import write_pdf
from data.migrate import check_current
from data.rules.files import plain
from data.rules.store import BUILTIN, parse_name, read_rulebook, store_builtin
from data.settings import DataSettings
from geo.cells import RESOLUTION

SUFFIXES = (".html", ".pdf")


@click.group("report")
def command() -> None:
    """Write a report from the database."""


command.add_command(public_map.command)
command.add_command(statistics.recurring)


@command.command("life-circle")
@click.option("--area", "code", required=True, metavar="CODE", help="District, street or community to examine.")
@click.option(
    "--rules", "name", default=BUILTIN, show_default=True, metavar="CODE[@VERSION]", help="Rulebook to judge by."
)
@click.option("--cells", default=RESOLUTION, show_default=True, metavar="RES", help="H3 resolution of the map, 5-12.")
@click.option(
    "--approval", default="", metavar="NUMBER", help="The map's approval number (审图号); else it says 示意图."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="OUT.html or OUT.pdf."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def life_circle(code: str, *, name: str, output: Path, as_json: bool, **options: Any) -> None:
    """生活圈体检: who is served by which rule, in one HTML file that opens offline, or a PDF.

    The version of the rulebook that was used is written into the report and never changes in the database.
    """
    started_s = time.perf_counter()
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInputError(f"the output {output} must end in {' or '.join(SUFFIXES)}")
    report = _read(code, name)
    if suffix == ".html":
        content = write_html(report, approval=options["approval"], resolution=options["cells"]).encode()
    else:
        content = write_pdf(report, approval=options["approval"])
    write_file(output, content)
    summary = _summarise(report) | {
        "output": str(output), "bytes": len(content), "seconds": round(time.perf_counter() - started_s, 3),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
        return
    click.echo(
        f"{summary['area']}: {summary['rulebook']}，{len(summary['rules'])} 条规则 rules，{summary['units']:,} 栋 units"
    )
    click.echo(f"已写入 written: {output}（{len(content):,} bytes，{summary['seconds']} s）")


def _read(code: str, name: str) -> Report:
    """Read the report from the database, with the built-in rules in it."""
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        try:
            check_current(engine)
            with engine.begin() as connection:
                store_builtin(connection)
                return read_report(connection, code, read_rulebook(connection, *parse_name(name)))
        finally:
            engine.dispose()


def _summarise(report: Report) -> dict[str, Any]:
    """Give the report's figures as plain JSON values."""
    return {
        "area": report.facts["code"],
        "rulebook": f"{report.book.code}@{report.book.version}",
        "digest": report.book.digest,
        "units": len(report.units),
        "rules": [
            {
                "rule": judged.rule.code,
                **{
                    field: plain(getattr(total, field)[0])
                    for field in ("demand", "demand_met", "demand_not_met", "demand_unknown", "unserved_ratio")
                },
            }
            for judged, total in zip(report.circles.judgements, report.totals, strict=True)
        ],
        "without_data": [rule.code for rule in report.circles.without_data],
        "communities": [
            {"community": report.communities["code"].iloc[at], "mean_unserved_ratio": plain(report.ranking.score[at])}
            for at in report.ranking.order.tolist()
        ],
        "promises": [
            {"target": one.target["code"], "done": one.done, "planned": one.planned, "state": one.state}
            for one in report.promises
        ],
    }
