"""What is looked at on a round, as a CSV file: each row an item, how often it is due, and the category of a finding."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from data.catalogue.categories import spellings
from data.rules.table import RuleFileError, check_cell, choice, read_table
from data.tables.rounds import PERIODS

FILE = Path(__file__).parent.parent / "reference" / "round_item.csv"
COLUMNS = ("code", "round", "name", "name_en", "every", "category", "area_code")
_REQUIRED = frozenset({"code", "round", "name", "every"})
MOST_ITEMS = 1000
_INSERT = text(
    "INSERT INTO round_item (code, round, name, name_en, every, category, area_code) "
    "VALUES (:code, :round, :name, :name_en, :every, "
    "  (SELECT c.code FROM category c WHERE c.code = ANY (:codes)), :area_code)"
)


@dataclass(frozen=True)
class RoundItem:
    """An item of a round.

    Attributes
    ----------
    every
        `shift`, `day`, `week` or `month`.
    category
        Of the report of what is found; None lets the worker choose.
    area_code
        Where it is looked at; "" is everywhere.
    """

    code: str
    round: str
    name: str
    name_en: str | None
    every: str
    category: str | None
    area_code: str


def read_rounds(path: Path = FILE) -> tuple[RoundItem, ...]:
    """Read a list of items.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    items: dict[str, RoundItem] = {}
    for row, cells in read_table(path, COLUMNS, _REQUIRED):
        for name in COLUMNS:
            check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
        choice(row, "every", cells["every"], PERIODS, faults)
        if cells["code"] in items:
            faults.append(f"row {row}, code: {cells['code']} is an item already")
        items[cells["code"]] = RoundItem(
            cells["code"], cells["round"], cells["name"], cells["name_en"] or None, cells["every"],
            cells["category"] or None, cells["area_code"],
        )  # fmt: skip
    if len(items) > MOST_ITEMS:
        faults.append(f"there are {len(items)} items; at most {MOST_ITEMS} are taken")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(items.values())


def load_rounds(connection: Connection, path: Path = FILE) -> int:
    """Make a file the list of items; what was marked before stays. Tells how many there are.

    Raises
    ------
    RuleFileError
        If the file is faulty, or names a category or an area that is not there.
    """
    items = read_rounds(path)
    codes = set(connection.execute(text("SELECT code FROM category")).scalars())
    areas = set(connection.execute(text("SELECT code FROM area")).scalars())
    faults = [
        f"category: {one.category} of {one.code} is not in the catalogue"
        for one in items if one.category and codes.isdisjoint(spellings(one.category))
    ]  # fmt: skip
    faults += [f"area_code: there is no area {one.area_code}" for one in items if {one.area_code} - areas - {""}]
    if faults:
        raise RuleFileError(path, faults)
    connection.execute(text("DELETE FROM round_item"))
    for one in items:
        connection.execute(_INSERT, {**vars(one), "codes": list(spellings(one.category or ""))})
    return len(items)
