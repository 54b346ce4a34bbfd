"""What can be ordered from volunteers, and the points for it, as a CSV file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data.rules.table import RuleFileError, check_cell, read_table, whole

FILE = Path(__file__).parent.parent / "reference" / "order_kind.csv"
COLUMNS = ("code", "name", "name_en", "points", "category", "note")
_REQUIRED = frozenset({"code", "name", "name_en", "points"})
MOST_POINTS = 10_000


@dataclass(frozen=True)
class OrderKind:
    """A kind of order, and the points that are given for it once.

    Attributes
    ----------
    category
        The category of reports that ask for it; None where residents can't ask for it by themselves.
    """

    code: str
    name: str
    name_en: str
    points: int
    category: str | None = None


def read_order_kinds(path: Path = FILE) -> dict[str, OrderKind]:
    """Read a tariff, by code.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    kinds: dict[str, OrderKind] = {}
    for row, cells in read_table(path, COLUMNS, _REQUIRED):
        for name in COLUMNS:
            check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
        points = whole(row, "points", cells["points"], MOST_POINTS, faults)
        if cells["code"] in kinds:
            faults.append(f"row {row}, code: {cells['code']} comes twice")
        if cells["category"] and any(cells["category"] == one.category for one in kinds.values()):
            faults.append(f"row {row}, category: {cells['category']} comes twice")
        kinds[cells["code"]] = OrderKind(
            cells["code"], cells["name"], cells["name_en"], points or 0, cells["category"] or None
        )
    if faults:
        raise RuleFileError(path, faults)
    return kinds


def order_categories(kinds: Iterable[OrderKind]) -> frozenset[str]:
    """Give the categories of reports that are orders."""
    return frozenset(one.category for one in kinds if one.category)
