"""`yiwangtu calendar`: holidays and make-up workdays, from a file and as they are known."""

import json
from pathlib import Path

import click
from sqlalchemy import text

from data.calendar.store import COLUMNS, load_days, store_builtin_days
from data.commands.connected import connected, load_file


@click.group("calendar")
def command() -> None:
    """Load a year's holidays and make-up workdays from a CSV file, and show those that are known."""


@command.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def load(file: Path) -> int:
    """Load FILE (columns as in data/calendar/china.csv); it replaces all days of its years and time zones."""
    return load_file(file, load_days, "天 days")


@command.command("show")
@click.option("--year", type=click.IntRange(1900, 9999), required=True, help="Year to show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(year: int, *, as_json: bool) -> None:
    """Show the days of a year that are not what their weekday says."""
    with connected() as connection:
        store_builtin_days(connection)
        sql = f"SELECT {', '.join(COLUMNS)} FROM calendar_day WHERE extract(year FROM day) = :year ORDER BY 1, 2"
        days = [{**row._mapping, "day": row.day.isoformat()} for row in connection.execute(text(sql), {"year": year})]
    if as_json:
        click.echo(json.dumps({"year": year, "days": days}, ensure_ascii=False))
        return
    for one in days:
        as_weekday = f"，按周{'一二三四五六日'[one['as_weekday'] - 1]}" if one["as_weekday"] else ""
        kind = "放假 holiday" if one["kind"] == "holiday" else "上班 workday"
        click.echo(f"{one['time_zone']}  {one['day']}  {one['name']}  {kind}{as_weekday}")
    if not days:
        click.echo(f"没有 {year} 年的放假安排 nothing is known of {year}")
