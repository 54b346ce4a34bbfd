"""Kinds of incidents in the shape of GB/T 30428.2: components (P) and events (E), major classes, minor ones below.

A code is `E01-02` in the edition of 2013 (minor classes of two digits) or `E01-002` in the newer shape: three digits,
001-079 the standard's, 080-999 local extensions, given out from 999 downwards, with names that end in （自定义）.
Both are one class, and either form is understood where a report names it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.rules.table import RuleFileError, check_cell, choice, number, read_table, whole

FILE = Path(__file__).parent.parent / "reference" / "category.csv"
COLUMNS = (
    "code", "parent", "name", "name_en", "department", "limit_hours", "note", "duplicate_m", "duplicate_hours",
    "needs_after_photo",
)  # fmt: skip
LOCAL_SUFFIX = "（自定义）"
LAST_STANDARD_MINOR = 79
NEAR_M, NEAR_HOURS = 50.0, 72.0
MOST_HOURS = 10_000
_CODE = re.compile(r"([EP])(\d{2})(?:-(\d{2,3}))?")
_MAJORS = {"E": 6, "P": 5}  # of the standard; further ones are a city's own


@dataclass(frozen=True)
class Category:
    """A kind of incident.

    Attributes
    ----------
    parent
        The major class; None of a major class.
    limit_hours
        Time allowed, round the clock, where no rule says otherwise.
    is_local
        Whether it is a city's own and no class of the standard.
    duplicate_m, duplicate_hours
        How near in place and time two reports of it may be one thing.
    needs_after_photo
        Whether a photo of what was done (处置后) is needed before it is verified.
    """

    code: str
    parent: str | None
    name: str
    name_en: str | None
    department: str | None
    limit_hours: int | None
    note: str | None
    is_local: bool
    duplicate_m: float
    duplicate_hours: float
    needs_after_photo: bool = False


def read_categories(path: Path = FILE) -> tuple[Category, ...]:
    """Read a catalogue, major classes first.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    lines = read_table(path, COLUMNS, frozenset({"code", "name"}))
    found = [_category(row, cells, faults) for row, cells in lines]
    codes = {min(spellings(cells["code"])): row for row, cells in reversed(lines)}
    for row, cells in lines:
        first = codes[min(spellings(cells["code"]))]
        if first != row:
            faults.append(f"row {row}, code: {cells['code']} is the class of row {first}")
        if cells["parent"] and cells["parent"] not in {other["code"] for _, other in lines}:
            faults.append(f"row {row}, parent: {cells['parent']} is no code of this file")
    if not lines:
        faults.append("there is no category below the column names")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(sorted(found, key=lambda one: (one.parent is not None, one.code)))


def other_width(code: str) -> str | None:
    """Give the same class's code with a minor of the other width; None where it has none, as E01 and E01-100."""
    found = _CODE.fullmatch(code)
    minor = found[3] if found else None
    if found is None or minor is None or (len(minor) == 3 and minor[0] != "0"):
        return None
    return f"{found[1]}{found[2]}-{minor[1:] if len(minor) == 3 else '0' + minor}"


def spellings(code: str) -> Sequence[str]:
    """Give the codes under which a class may be known, the given one first."""
    other = other_width(code)
    return (code, other) if other else (code,)


def _category(row: int, cells: dict[str, str], faults: list[str]) -> Category:
    """Check a row and make a category of it."""
    for name in COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in ("code", "name"))
    is_local = _check_code(row, cells, faults)
    choice(row, "needs_after_photo", cells["needs_after_photo"] or "no", ("yes", "no"), faults)
    limit = whole(row, "limit_hours", cells["limit_hours"], MOST_HOURS, faults)
    near_m = number(row, "duplicate_m", cells["duplicate_m"] or str(NEAR_M), (-1e-9, 5_000), faults)
    near_hours = number(row, "duplicate_hours", cells["duplicate_hours"] or str(NEAR_HOURS), (-1e-9, 8_760), faults)
    return Category(
        cells["code"], cells["parent"] or None, cells["name"], cells["name_en"] or None, cells["department"] or None,
        limit, cells["note"] or None, is_local, near_m, near_hours, cells["needs_after_photo"] == "yes",
    )  # fmt: skip


def _check_code(row: int, cells: dict[str, str], faults: list[str]) -> bool:
    """Check a code's shape, its major class and the name of a local extension; tell whether it is local."""
    code, parent = cells["code"], cells["parent"]
    found = _CODE.fullmatch(code)
    if code and (found is None or found[2] == "00" or (found[3] is not None and not int(found[3]))):
        faults.append(f"row {row}, code: {code} must be as E01 for a major class, E01-02 or E01-002 for a minor one")
        return False
    if found is None:
        return False
    kind, major, minor = found[1], found[2], found[3]
    wanted = kind + major if minor else ""
    if parent != wanted:
        faults.append(f"row {row}, parent: {parent or 'nothing'} must be {wanted or 'empty'} for the code {code}")
    is_local = int(minor) > LAST_STANDARD_MINOR if minor and len(minor) == 3 else int(major) > _MAJORS[kind]
    if minor and len(minor) == 3 and is_local and not cells["name"].endswith(LOCAL_SUFFIX):
        faults.append(
            f"row {row}, name: {cells['name']} must end in {LOCAL_SUFFIX}: {code} lies in the local extension 080-999"
        )
    return is_local
