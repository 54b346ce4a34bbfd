"""The calendar in a file and in the database: what comes with the product, and what a city brings of its own."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import Connection, text

from data.calendar.days import Calendar, CalendarDay
from data.rules.table import RuleFileError, check_cell, choice, read_table
from data.tables.cases import DAY_KINDS

BUILTIN_FILE = Path(__file__).parent / "china.csv"
COLUMNS = ("time_zone", "day", "kind", "name", "name_en", "as_weekday", "source")
_REQUIRED = frozenset({"time_zone", "day", "kind", "name", "source"})
MONDAY = 1
_INSERT = text(
    f"INSERT INTO calendar_day ({', '.join(COLUMNS)}, is_builtin) "
    f"VALUES ({', '.join(f':{name}' for name in COLUMNS)}, :is_builtin) ON CONFLICT (time_zone, day) DO NOTHING"
)
_BUILTIN = text(f"SELECT {', '.join(COLUMNS)} FROM calendar_day WHERE is_builtin")
_DAYS = text("SELECT day, kind, name, name_en, as_weekday FROM calendar_day WHERE time_zone = :zone ORDER BY day")


def read_days(path: Path) -> tuple[dict[str, Any], ...]:
    """Read the days of a CSV file with the columns of `data/calendar/china.csv`, as rows of `calendar_day`.

    A make-up workday without a weekday counts as a Monday.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    rows = [_day(row, cells, faults) for row, cells in read_table(path, COLUMNS, _REQUIRED)]
    keys = [(row["time_zone"], row["day"]) for row in rows]
    faults += [
        f"the day {day} of {zone} is there twice" for zone, day in sorted({k for k in keys if keys.count(k) > 1})
    ]
    if not rows:
        faults.append("there is no day below the column names")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(rows)


def load_days(connection: Connection, path: Path) -> int:
    """Bring a city's days into the database: they replace all days of their years and time zones.

    Raises
    ------
    RuleFileError
        If the file is faulty.
    """
    rows = read_days(path)
    years = {(row["time_zone"], row["day"].year) for row in rows}
    gone = text("DELETE FROM calendar_day WHERE time_zone = :zone AND extract(year FROM day) = :year")
    connection.execute(gone, [{"zone": zone, "year": year} for zone, year in sorted(years)])
    connection.execute(_INSERT, [{**row, "is_builtin": False} for row in rows])
    return len(rows)


def store_builtin_days(connection: Connection) -> None:
    """Bring the days that come with the product into the database; years that a city brought stay as they are."""
    own = text("SELECT DISTINCT time_zone, extract(year FROM day)::integer FROM calendar_day WHERE NOT is_builtin")
    taken = {(zone, year) for zone, year in connection.execute(own)}
    wanted = [row for row in read_days(BUILTIN_FILE) if (row["time_zone"], row["day"].year) not in taken]
    if _as_set(wanted) == _as_set([dict(row._mapping) for row in connection.execute(_BUILTIN)]):
        return  # nothing to write, and nobody to tell
    connection.execute(text("DELETE FROM calendar_day WHERE is_builtin"))
    if wanted:
        connection.execute(_INSERT, [{**row, "is_builtin": True} for row in wanted])


def read_calendar(connection: Connection, time_zone: str) -> Calendar:
    """Read what is known of the days of a time zone."""
    rows = connection.execute(_DAYS, {"zone": time_zone})
    return Calendar({row.day: CalendarDay(**row._mapping) for row in rows})


@lru_cache(maxsize=1)
def builtin_calendar() -> Calendar:
    """Give the calendar that comes with the product, as it is without a database."""
    names = ("day", "kind", "name", "name_en", "as_weekday")
    return Calendar({row["day"]: CalendarDay(**{name: row[name] for name in names}) for row in read_days(BUILTIN_FILE)})


def _as_set(rows: Sequence[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Make rows comparable."""
    return {tuple(row[name] for name in COLUMNS) for row in rows}


def _day(row: int, cells: dict[str, str], faults: list[str]) -> dict[str, Any]:
    """Check a row and give its values."""
    for name in COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
    values: dict[str, Any] = {name: value or None for name, value in cells.items()}
    choice(row, "kind", cells["kind"], DAY_KINDS, faults)
    if cells["time_zone"] and cells["time_zone"] not in available_timezones():
        faults.append(f"row {row}, time_zone: {cells['time_zone']} is no time zone such as Asia/Shanghai")
    try:
        values["day"] = date.fromisoformat(cells["day"]) if cells["day"] else date.min
    except ValueError:
        faults.append(f"row {row}, day: {cells['day']} must be a day such as 2026-10-01")
        values["day"] = date.min
    values["as_weekday"] = _weekday(row, cells, faults)
    return values


def _weekday(row: int, cells: dict[str, str], faults: list[str]) -> int | None:
    """Take the weekday that a make-up workday stands for."""
    given = cells["as_weekday"]
    if cells["kind"] != "workday":
        if given:
            faults.append(f"row {row}, as_weekday: {given} is of a {cells['kind']}; only a workday has one")
        return None
    if given and given not in tuple("1234567"):
        faults.append(f"row {row}, as_weekday: {given} must be 1 (Monday) to 7 (Sunday)")
        return None
    return int(given) if given else MONDAY
