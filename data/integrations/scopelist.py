"""What 110 and 12345 may hand over (分流转办清单): a CSV file, kept in versions that never change."""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from data.catalogue.categories import spellings
from data.rules.table import RuleFileError, check_cell, choice, read_table
from data.tables.integrations import HANDOVER_KINDS, SYSTEMS

FILE = Path(__file__).parent.parent / "reference" / "handover_scope.csv"
COLUMNS = ("system", "code", "name", "name_en", "kind", "category", "is_accepted", "reason", "note")
_REQUIRED = frozenset({"system", "code", "name", "kind", "is_accepted"})
_NEWEST = text(
    "SELECT version, system, code, name, name_en, kind, category, is_accepted, reason, note FROM handover_rule "
    "WHERE version = (SELECT max(version) FROM handover_list) AND system = :system ORDER BY code"
)


@dataclass(frozen=True)
class ScopeRule:
    """One line of the list.

    Attributes
    ----------
    code
        The other system's own code of such matters.
    kind
        `dispute`, whose details are sealed, or `matter`.
    category
        What it is in our catalogue; None of what is not taken.
    reason
        Why it is not taken.
    """

    system: str
    code: str
    name: str
    name_en: str | None
    kind: str
    category: str | None
    is_accepted: bool
    reason: str | None
    note: str | None


def read_scope(path: Path = FILE) -> tuple[ScopeRule, ...]:
    """Read a list.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    rules: dict[tuple[str, str], ScopeRule] = {}
    for row, cells in read_table(path, COLUMNS, _REQUIRED):
        for name in COLUMNS:
            check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
        for name, values in (("system", SYSTEMS), ("kind", HANDOVER_KINDS), ("is_accepted", ("yes", "no"))):
            choice(row, name, cells[name], values, faults)
        needed = "category" if cells["is_accepted"] == "yes" else "reason"
        if not cells[needed]:
            faults.append(f"row {row}, {needed}: is empty, and is_accepted {cells['is_accepted']} needs it")
        key = cells["system"], cells["code"]
        if key in rules:
            faults.append(f"row {row}, code: {key[1]} of {key[0]} is there already")
        rules[key] = ScopeRule(
            *key, cells["name"], cells["name_en"] or None, cells["kind"], cells["category"] or None,
            cells["is_accepted"] == "yes", cells["reason"] or None, cells["note"] or None,
        )  # fmt: skip
    if not rules:
        faults.append("there is no line below the column names")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(rules[key] for key in sorted(rules))


def store_scope(connection: Connection, path: Path = FILE) -> int:
    """Make a list the newest version, unless it is it already; gives its number."""
    rules = read_scope(path)
    digest = hashlib.sha256(repr([astuple(rule) for rule in rules]).encode()).hexdigest()
    connection.execute(text("LOCK TABLE handover_list IN SHARE ROW EXCLUSIVE MODE"))
    newest = connection.execute(
        text("SELECT version, digest FROM handover_list ORDER BY version DESC LIMIT 1")
    ).one_or_none()
    if newest is not None and newest.digest == digest:
        return int(newest.version)
    version = newest.version + 1 if newest is not None else 1
    connection.execute(
        text("INSERT INTO handover_list (version, digest, source) VALUES (:version, :digest, :source)"),
        {"version": version, "digest": digest, "source": path.name},
    )
    names = ", ".join(COLUMNS)
    values = ", ".join(f":{name}" for name in COLUMNS)
    connection.execute(
        text(f"INSERT INTO handover_rule (version, {names}) VALUES (:version, {values})"),
        [{"version": version, **vars(rule)} for rule in rules],
    )
    return version


def store_own_scope(connection: Connection, path: Path) -> int:
    """Make a city's list the newest version; gives its number.

    Raises
    ------
    RuleFileError
        If the file is faulty, or names a category that is not in the catalogue.
    """
    known = set(connection.execute(text("SELECT code FROM category")).scalars())
    faults = [
        f"category: {rule.category} of {rule.system} {rule.code} is not in the catalogue"
        for rule in read_scope(path) if rule.category and known.isdisjoint(spellings(rule.category))
    ]  # fmt: skip
    if faults:
        raise RuleFileError(path, faults)
    return store_scope(connection, path)


def store_builtin_scope(connection: Connection) -> None:
    """Bring the sample list that comes with the product into a database that has none."""
    if not connection.execute(text("SELECT count(*) FROM handover_list")).scalar_one():
        store_scope(connection)


def newest_scope(connection: Connection, system: str) -> tuple[int | None, tuple[ScopeRule, ...]]:
    """Read a system's lines of the newest list, and its version; None where no list is loaded."""
    version = connection.execute(text("SELECT max(version) FROM handover_list")).scalar()
    rows = connection.execute(_NEWEST, {"system": system})
    return version, tuple(ScopeRule(**{name: getattr(row, name) for name in COLUMNS}) for row in rows)
