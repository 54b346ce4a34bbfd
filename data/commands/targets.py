"""`yiwangtu targets`: what plan documents promise, from a file and as it stands today."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from sqlalchemy import text

from data.engine import attached
from data.lifecircle.promises import load_targets, read_promises
from data.lifecircle.wording import STATES
from data.migrate import check_current
from data.planning import find_area
from data.rules.table import RuleFileError
from data.settings import DataSettings


@click.group("targets")
def command() -> None:
    """Load promises from a CSV file, and show how far those of an area are."""


@command.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def load(file: Path) -> int:
    """Load FILE (columns as in data/reference/target.csv); a target with a known code is replaced."""
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        try:
            check_current(engine)
            with engine.begin() as connection:
                count = load_targets(connection, file)
        except RuleFileError as error:
            for fault in error.faults:
                click.echo(f"yiwangtu: {file}: {fault}", err=True)
            return 2
        finally:
            engine.dispose()
    click.echo(f"{count} 项承诺 targets")
    return 0


@command.command("show")
@click.option("--area", "code", required=True, metavar="CODE", help="Area that promised.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(code: str, *, as_json: bool) -> None:
    """Count from the facilities how far each promise of an area is today."""
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        try:
            check_current(engine)
            with engine.begin() as connection:
                zone = connection.execute(
                    text("SELECT time_zone FROM area WHERE code = :code"), {"code": code}
                ).scalar()
                find_area(connection, code)
                today = datetime.now(ZoneInfo(zone or "Asia/Shanghai")).date()
                promises = read_promises(connection, code, today=today)
        finally:
            engine.dispose()
    told = [
        {
            "target": one.target["code"], "title": one.target["title"], "amount": one.target["amount"],
            "due_on": one.target["due_on"] and str(one.target["due_on"]), "done": one.done, "planned": one.planned,
            "state": one.state, "reached_on": one.reached_on and str(one.reached_on),
        }
        for one in promises
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"area": code, "day": str(today), "targets": told}, ensure_ascii=False))
        return
    for one in told:
        done = "—" if one["done"] is None else f"{one['done']:,}"
        click.echo(f"{one['title']}: {done} / {one['amount']:,}，{STATES[str(one['state'])]}")
