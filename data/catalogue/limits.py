"""Time limits of categories as a CSV file."""

from dataclasses import dataclass
from pathlib import Path

from data.rules.table import RuleFileError, check_cell, choice, read_table, whole
from data.tables.cases import LIMIT_UNITS

FILE = Path(__file__).parent.parent / "reference" / "sla_rule.csv"
COLUMNS = ("category", "area_code", "amount", "unit", "source", "note")
_REQUIRED = frozenset({"category", "amount", "unit"})
MOST = 1000


@dataclass(frozen=True)
class LimitRule:
    """The time limit of a category, everywhere (area_code "") or in an area."""

    category: str
    area_code: str
    amount: int
    unit: str
    source: str
    note: str | None


def read_limits(path: Path = FILE) -> tuple[LimitRule, ...]:
    """Read time limits.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    rules: dict[tuple[str, str], LimitRule] = {}
    for row, cells in read_table(path, COLUMNS, _REQUIRED):
        for name in COLUMNS:
            check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
        choice(row, "unit", cells["unit"], LIMIT_UNITS, faults)
        amount = whole(row, "amount", cells["amount"], MOST, faults)
        key = cells["category"], cells["area_code"]
        if key in rules:
            faults.append(f"row {row}, category: {key[0]} has a limit for {key[1] or 'everywhere'} already")
        rules[key] = LimitRule(*key, amount or 0, cells["unit"], cells["source"], cells["note"] or None)
    if faults:
        raise RuleFileError(path, faults)
    return tuple(rules.values())
