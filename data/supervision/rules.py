"""When a deadline is told of, and whom: a CSV file, kept in the database.

A step is reached when so many percent of the limit are used, or so long after the due time, whichever comes first.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from data.deadlines.clock import Limit
from data.rules.table import RuleFileError, check_cell, choice, read_table, whole
from data.tables.cases import LIMIT_UNITS
from data.tables.supervision import STEP_KINDS, TO_LEVELS
from layers.tables import WARNING_LEVELS

FILE = Path(__file__).parent.parent / "reference" / "supervision_rule.csv"
COLUMNS = (
    "code", "kind", "level", "percent", "plus_amount", "plus_unit", "to_level", "name", "name_en", "source", "note",
)  # fmt: skip
_REQUIRED = frozenset({"code", "kind", "level", "percent", "to_level", "name", "name_en"})
MOST_PERCENT, MOST_AMOUNT, MOST_RULES = 250, 100, 20
PERCENT_OF = {"warning": (1, 99), "overdue": (100, 100), "supervision": (101, MOST_PERCENT)}
_INSERT = text(
    "INSERT INTO supervision_rule "
    "(code, place, kind, level, percent, plus_amount, plus_unit, to_level, name, name_en, source, note) "
    "VALUES (:code, :place, :kind, :level, :percent, :plus_amount, :plus_unit, :to_level, :name, :name_en, :source, "
    "  :note)"
)
_READ = text(
    "SELECT code, kind, level, percent, plus_amount, plus_unit, to_level, name, name_en, source, note "
    "FROM supervision_rule ORDER BY place"
)


@dataclass(frozen=True)
class StepRule:
    """A step before or after a due time.

    Attributes
    ----------
    kind
        `warning`, `overdue` or `supervision` (督办).
    level
        The colour that the incident has from then on.
    percent
        Of the limit: below 100 before the due time, 100 the due time itself.
    plus
        Or so long after the due time, if that comes first; of `supervision` only.
    to_level
        Who is told: the handler, or the community, street or district of the place.
    """

    code: str
    kind: str
    level: str
    percent: int
    plus: Limit | None
    to_level: str
    name: str
    name_en: str
    source: str
    note: str | None


def read_file(path: Path = FILE) -> tuple[StepRule, ...]:
    """Read a file of rules, the gravest last.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    lines = read_table(path, COLUMNS, _REQUIRED)
    rules = [_rule(row, cells, faults) for row, cells in lines]
    codes = [cells["code"] for _, cells in lines]
    faults += [f"the step {code} is there twice" for code in sorted({one for one in codes if codes.count(one) > 1})]
    found = [rule for rule in rules if rule is not None]
    for (row, _), before, after in zip(lines[1:], found, found[1:], strict=False):
        if len(found) == len(lines) and after.percent < before.percent:
            faults.append(f"row {row}, percent: {after.percent} is less than in the row above, {before.percent}")
    if not lines:
        faults.append("there is no step below the column names")
    if len(lines) > MOST_RULES:
        faults.append(f"there are {len(lines)} steps; at most {MOST_RULES} are read")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(found)


def load_rules(connection: Connection, path: Path = FILE) -> int:
    """Bring rules into the database in place of those that are there; every clock is looked at again. Tells how many.

    What was told already stays told.
    """
    rules = read_file(path)
    connection.execute(text("DELETE FROM supervision_rule"))
    for place, rule in enumerate(rules, start=1):
        plus = {"plus_amount": rule.plus.amount, "plus_unit": rule.plus.unit} if rule.plus else {}
        connection.execute(_INSERT, {"plus_amount": None, "plus_unit": None, **vars(rule), **plus, "place": place})
    connection.execute(text("UPDATE incident_deadline SET look_at = '-infinity' WHERE stopped_at IS NULL"))
    return len(rules)


def store_builtin_rules(connection: Connection) -> None:
    """Bring the product's own rules into a database that has none."""
    connection.execute(text("LOCK TABLE supervision_rule IN SHARE ROW EXCLUSIVE MODE"))
    if not connection.execute(text("SELECT count(*) FROM supervision_rule")).scalar_one():
        load_rules(connection)


def read_rules(connection: Connection) -> tuple[StepRule, ...]:
    """Read the rules in force, the gravest last."""
    return tuple(
        StepRule(
            row.code, row.kind, row.level, row.percent,
            Limit(row.plus_amount, row.plus_unit) if row.plus_unit else None,
            row.to_level, row.name, row.name_en, row.source, row.note,
        )
        for row in connection.execute(_READ)
    )  # fmt: skip


def _rule(row: int, cells: dict[str, str], faults: list[str]) -> StepRule | None:
    """Make a rule of a row, or say what is wrong with it."""
    found = len(faults)
    for name in COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
    kind = choice(row, "kind", cells["kind"], STEP_KINDS, faults)
    level = choice(row, "level", cells["level"], WARNING_LEVELS, faults)
    to_level = choice(row, "to_level", cells["to_level"], TO_LEVELS, faults)
    unit = choice(row, "plus_unit", cells["plus_unit"], LIMIT_UNITS, faults)
    percent = whole(row, "percent", cells["percent"], MOST_PERCENT, faults)
    amount = whole(row, "plus_amount", cells["plus_amount"], MOST_AMOUNT, faults)
    least, most = PERCENT_OF.get(kind, (1, MOST_PERCENT))
    if percent and not least <= percent <= most:
        faults.append(f"row {row}, percent: {percent} must be {least} to {most} for a {kind}")
    if (amount is None) != (not unit) or (unit and kind != "supervision"):
        faults.append(f"row {row}, plus_amount: amount and unit go together, and only with a supervision")
    if kind == "supervision" and to_level == "handler":
        faults.append(f"row {row}, to_level: handler can't supervise its own work; name community, street or district")
    if len(faults) > found:
        return None
    return StepRule(
        cells["code"], kind, level, percent or 0, Limit(amount, unit) if amount else None, to_level, cells["name"],
        cells["name_en"], cells["source"], cells["note"] or None,
    )  # fmt: skip
