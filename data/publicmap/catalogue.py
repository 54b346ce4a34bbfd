"""Service items: what one can get done at a facility, and what to bring; from a file, kept in the database."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from data.rules.table import RuleFileError, check_cell, choice, read_table
from layers.registry import get_layer
from layers.tables import FACILITY_KINDS

SAMPLE_FILE = Path(__file__).parent.parent / "reference" / "service_item.csv"
COLUMNS = ("name", "name_en", "facility_kind", "tier", "bring", "note")
_REQUIRED = frozenset({"name", "facility_kind"})
_INSERT = text(
    "INSERT INTO service_item (name, name_en, facility_kind, tier, bring, note, place) "
    "VALUES (:name, :name_en, :facility_kind, :tier, :bring, :note, :place)"
)
_READ = text("SELECT name, name_en, tier, bring, note FROM service_item ORDER BY place")


def load_items(connection: Connection, path: Path) -> int:
    """Bring a catalogue into the database; it replaces the one that is there.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    rows = [_item(row, cells, faults) for row, cells in read_table(path, COLUMNS, _REQUIRED)]
    names = [row["name"] for row in rows]
    faults += [f"the item {name} is there twice" for name in sorted({one for one in names if names.count(one) > 1})]
    if not rows:
        faults.append("there is no item below the column names")
    if faults:
        raise RuleFileError(path, faults)
    connection.execute(text("DELETE FROM service_item"))
    connection.execute(_INSERT, [{**row, "place": place} for place, row in enumerate(rows, start=1)])
    return len(rows)


def read_items(connection: Connection, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read what is known of some items, by name, in the order of the catalogue."""
    wanted = set(names)
    return {
        row.name: {"name_en": row.name_en, "tier": row.tier, "bring": row.bring, "note": row.note}
        for row in connection.execute(_READ)
        if row.name in wanted
    }


def _item(row: int, cells: dict[str, str], faults: list[str]) -> dict[str, Any]:
    """Check a row and give its values."""
    for name in COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
    kind = choice(row, "facility_kind", cells["facility_kind"], FACILITY_KINDS, faults)
    if cells["tier"] and kind in FACILITY_KINDS:
        field = get_layer(kind).field("tier")
        if field is not None and field.choices:
            choice(row, "tier", cells["tier"], field.choices, faults)
        else:
            faults.append(f"row {row}, tier: {cells['tier']} is given, but a {kind} has no tiers")
    bring = [one.strip() for one in cells["bring"].replace("；", ";").split(";") if one.strip()]
    return {**{name: value or None for name, value in cells.items()}, "bring": bring}
