"""What an app asks beside place and words (attributes of a service in Open311): a CSV file, kept in the database."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from data.catalogue.categories import spellings
from data.rules.table import RuleFileError, check_cell, choice, read_table, whole
from data.tables.integrations import DATATYPES, LISTS

FILE = Path(__file__).parent.parent / "reference" / "category_question.csv"
COLUMNS = ("category", "code", "position", "datatype", "is_required", "words", "hint", "choices")
_REQUIRED = frozenset(COLUMNS) - {"hint", "choices"}
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_INSERT = text(
    "INSERT INTO category_question (category, code, position, datatype, is_required, words, hint, choices) "
    "SELECT c.code, :code, :position, :datatype, :is_required, :words, :hint, CAST(:choices AS jsonb) "
    "FROM category c WHERE c.code = ANY (:codes)"
)


@dataclass(frozen=True)
class Question:
    """One question about a category.

    Attributes
    ----------
    datatype
        As GeoReport v2 has it.
    choices
        Key and name of each answer, of the two kinds of lists only.
    """

    category: str
    code: str
    position: int
    datatype: str
    is_required: bool
    words: str
    hint: str | None
    choices: dict[str, str]


def read_questions(path: Path = FILE) -> tuple[Question, ...]:
    """Read questions.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    found: dict[tuple[str, str], Question] = {}
    taken: set[tuple[str, int]] = set()
    for row, cells in read_table(path, COLUMNS, _REQUIRED):
        one = _question(row, cells, faults)
        if (one.category, one.code) in found:
            faults.append(f"row {row}, code: {one.code} of {one.category} is there already")
        if (one.category, one.position) in taken:
            faults.append(f"row {row}, position: {one.position} of {one.category} is taken already")
        found[one.category, one.code] = one
        taken.add((one.category, one.position))
    if faults:
        raise RuleFileError(path, faults)
    return tuple(found.values())


def load_questions(connection: Connection, path: Path = FILE) -> int:
    """Put these questions in the place of those that are there; tells how many are about known categories."""
    read = read_questions(path)
    connection.execute(text("DELETE FROM category_question"))
    return sum(
        connection.execute(
            _INSERT, {**vars(one), "choices": json.dumps(one.choices), "codes": list(spellings(one.category))}
        ).rowcount
        for one in read
    )


def load_own_questions(connection: Connection, path: Path) -> int:
    """Put a city's questions in the place of those that are there; tells how many.

    Raises
    ------
    RuleFileError
        If the file is faulty, or names a category that is not in the catalogue.
    """
    known = set(connection.execute(text("SELECT code FROM category")).scalars())
    faults = [
        f"category: {one.category} of {one.code} is not in the catalogue"
        for one in read_questions(path) if known.isdisjoint(spellings(one.category))
    ]  # fmt: skip
    if faults:
        raise RuleFileError(path, faults)
    return load_questions(connection, path)


def _question(row: int, cells: dict[str, str], faults: list[str]) -> Question:
    """Check a row and make a question of it."""
    for name in COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
    if cells["code"] and not _CODE.fullmatch(cells["code"]):
        faults.append(f"row {row}, code: {cells['code']} must have 1 to 40 of A-Z, a-z, 0-9, '_' and '-'")
    choice(row, "datatype", cells["datatype"], DATATYPES, faults)
    choice(row, "is_required", cells["is_required"], ("yes", "no"), faults)
    position = whole(row, "position", cells["position"], 100, faults)
    choices = dict(pair.partition("=")[::2] for pair in cells["choices"].split(";") if pair)
    if any(not key.strip() or not name.strip() for key, name in choices.items()):
        faults.append(f"row {row}, choices: {cells['choices']} must be as key=name;key=name")
    if (cells["datatype"] in LISTS) != bool(choices):
        why = "is empty, and a list needs choices" if not choices else "does not go with this datatype"
        faults.append(f"row {row}, choices: {why}")
    return Question(
        cells["category"], cells["code"], position or 0, cells["datatype"], cells["is_required"] == "yes",
        cells["words"], cells["hint"] or None, choices,
    )  # fmt: skip
