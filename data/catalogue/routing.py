"""Whose an incident is: rules by category and area as a CSV file, kept in versions that never change."""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from data.rules.table import RuleFileError, check_cell, read_table

FILE = Path(__file__).parent.parent / "reference" / "routing_rule.csv"
COLUMNS = ("category", "area_code", "body", "note")


@dataclass(frozen=True)
class RoutingRule:
    """A body that handles a category (or a major class, or "" for all) in an area ("" is everywhere).

    The rule for all categories is the desk that takes what nobody else does.
    """

    category: str
    area_code: str
    body: str
    note: str | None


def read_routing(path: Path = FILE) -> tuple[RoutingRule, ...]:
    """Read routing rules.

    Raises
    ------
    RuleFileError
        If the file is faulty, or no row names the desk for everything everywhere.
    """
    faults: list[str] = []
    rules: dict[tuple[str, str], RoutingRule] = {}
    for row, cells in read_table(path, COLUMNS, frozenset({"body"})):
        for name in COLUMNS:
            check_cell(row, name, cells[name], faults, is_required=name == "body")
        key = cells["category"], cells["area_code"]
        if key in rules:
            faults.append(f"row {row}, category: {key[0] or 'all'} in {key[1] or 'all areas'} has a body already")
        rules[key] = RoutingRule(*key, cells["body"], cells["note"] or None)
    if ("", "") not in rules:
        faults.append("no row has neither category nor area_code: it names the desk for what nobody else takes")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(rules[key] for key in sorted(rules))


def store_routing(connection: Connection, path: Path = FILE) -> int:
    """Make rules the newest version, unless they are it already; gives its number."""
    rules = read_routing(path)
    digest = hashlib.sha256(repr([astuple(rule) for rule in rules]).encode()).hexdigest()
    connection.execute(text("LOCK TABLE routing_book IN SHARE ROW EXCLUSIVE MODE"))
    newest = connection.execute(
        text("SELECT version, digest FROM routing_book ORDER BY version DESC LIMIT 1")
    ).one_or_none()
    if newest is not None and newest.digest == digest:
        return int(newest.version)
    version = newest.version + 1 if newest is not None else 1
    connection.execute(
        text("INSERT INTO routing_book (version, digest, source) VALUES (:version, :digest, :source)"),
        {"version": version, "digest": digest, "source": path.name},
    )
    connection.execute(
        text(
            "INSERT INTO routing_rule (version, category, area_code, body, note) "
            "VALUES (:version, :category, :area_code, :body, :note)"
        ),
        [{"version": version, **vars(rule)} for rule in rules],
    )
    return version


def store_builtin_routing(connection: Connection) -> None:
    """Bring the rules that come with the product into a database that has none."""
    if not connection.execute(text("SELECT count(*) FROM routing_book")).scalar_one():
        store_routing(connection)
