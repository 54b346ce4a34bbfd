"""For what a street may whistle (吹哨), and how long departments may take: two CSV files, kept in the database."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from data.deadlines.clock import Limit
from data.deadlines.store import read_clock
from data.rules.table import RuleFileError, check_cell, choice, read_table, whole
from data.tables.cases import LIMIT_UNITS
from data.tables.supervision import WHISTLE_STEPS

REASON_FILE = Path(__file__).parent.parent / "reference" / "whistle_reason.csv"
LIMIT_FILE = Path(__file__).parent.parent / "reference" / "whistle_limit.csv"
REASON_COLUMNS = ("code", "name", "name_en", "source", "note")
LIMIT_COLUMNS = ("step", "reason", "amount", "unit", "source", "note")
MOST_AMOUNT = 1000
_REASON = text(
    "INSERT INTO whistle_reason (code, place, name, name_en, source, note) "
    "VALUES (:code, :place, :name, :name_en, :source, :note)"
)
_LIMIT = text(
    "INSERT INTO whistle_limit (step, reason, amount, unit, source, note) "
    "VALUES (:step, :reason, :amount, :unit, :source, :note)"
)
_READ_LIMIT = text(
    "SELECT DISTINCT ON (step) step, amount, unit, source FROM whistle_limit WHERE reason IN ('', :reason) "
    "ORDER BY step, reason DESC"
)


@dataclass(frozen=True)
class Terms:
    """Until when departments that are called have to respond, to arrive, and the matter has to be solved.

    Attributes
    ----------
    source
        Where the limits come from, such as "示例".
    """

    response: datetime | None
    arrival: datetime | None
    resolution: datetime | None
    source: str


def load_reasons(connection: Connection, path: Path = REASON_FILE) -> int:
    """Bring the permitted reasons into the database in place of those that are there; tells how many.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field and the value.
    """
    faults: list[str] = []
    rows = _read(path, REASON_COLUMNS, frozenset({"code", "name", "name_en"}), ("code",), faults)
    if not rows:
        faults.append("there is no reason below the column names")
    if faults:
        raise RuleFileError(path, faults)
    connection.execute(text("DELETE FROM whistle_reason"))
    connection.execute(_REASON, [{**cells, "place": place} for place, cells in enumerate(rows, start=1)])
    return len(rows)


def load_limits(connection: Connection, path: Path = LIMIT_FILE) -> int:
    """Bring time limits of whistles into the database in place of those that are there; tells how many.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    rows = _read(path, LIMIT_COLUMNS, frozenset({"step", "amount", "unit"}), ("step", "reason"), faults)
    known = set(connection.execute(text("SELECT code FROM whistle_reason")).scalars())
    for cells in rows:
        choice(cells["row"], "step", cells["step"], WHISTLE_STEPS, faults)
        choice(cells["row"], "unit", cells["unit"], LIMIT_UNITS, faults)
        cells["amount"] = whole(cells["row"], "amount", cells["amount"], MOST_AMOUNT, faults)
        if cells["reason"] and cells["reason"] not in known:
            faults.append(f"row {cells['row']}, reason: {cells['reason']} is no reason that is permitted")
    if faults:
        raise RuleFileError(path, faults)
    connection.execute(text("DELETE FROM whistle_limit"))
    if rows:
        connection.execute(_LIMIT, rows)
    return len(rows)


def store_builtin_whistles(connection: Connection) -> None:
    """Bring the product's own reasons and limits into a database that has none."""
    connection.execute(text("LOCK TABLE whistle_reason IN SHARE ROW EXCLUSIVE MODE"))
    if not connection.execute(text("SELECT count(*) FROM whistle_reason")).scalar_one():
        load_reasons(connection)
        load_limits(connection)


def find_terms(connection: Connection, reason: str, zone: str, start: datetime) -> Terms:
    """Tell until when everything has to be done for a whistle that is approved now; a limit of its reason comes first.

    Parameters
    ----------
    zone
        Time zone whose office hours and holidays count.
    """
    clock = read_clock(connection, zone)
    rows = {row.step: row for row in connection.execute(_READ_LIMIT, {"reason": reason})}
    due = {step: clock.due(Limit(row.amount, row.unit), start) for step, row in rows.items()}
    sources = list(dict.fromkeys(row.source for row in rows.values() if row.source))
    return Terms(due.get("response"), due.get("arrival"), due.get("resolution"), "、".join(sources))


def _read(
    path: Path, columns: tuple[str, ...], required: frozenset[str], key: tuple[str, ...], faults: list[str]
) -> list[dict[str, Any]]:
    """Read a table whose rows have a key; each row knows its number."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for row, cells in read_table(path, columns, required):
        for name in columns:
            check_cell(row, name, cells[name], faults, is_required=name in required)
        values = tuple(cells[name] for name in key)
        if values in rows:
            faults.append(f"row {row}, {key[0]}: {' '.join(filter(None, values))} is there already")
        rows[values] = {**cells, "note": cells.get("note") or None, "row": row}
    return list(rows.values())
