"""Reference tables that come with the product: the catalogue of incident categories, and their time limits."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from data.catalogue import categories, limits, routing
from data.integrations.questions import load_questions
from data.rules.table import RuleFileError

_COLUMNS = (
    "parent",
    "name",
    "name_en",
    "department",
    "limit_hours",
    "note",
    "is_local",
    "duplicate_m",
    "duplicate_hours",
    "needs_after_photo",
)
_NEW = ", ".join(f"excluded.{name}" for name in _COLUMNS)
_OLD = ", ".join(f"c.{name}" for name in _COLUMNS)
_UPSERT = text(f"""
INSERT INTO category AS c (code, {", ".join(_COLUMNS)}) VALUES (:code, {", ".join(f":{name}" for name in _COLUMNS)})
ON CONFLICT (code) DO UPDATE SET ({", ".join(_COLUMNS)}) = ({_NEW}) WHERE ({_OLD}) IS DISTINCT FROM ({_NEW})
""")
_LIMIT = text("""
INSERT INTO sla_rule AS r (category, area_code, amount, unit, source, note)
SELECT c.code, :area_code, :amount, :unit, :source, :note FROM category c WHERE c.code = ANY (:codes)
ON CONFLICT (category, area_code) DO UPDATE
SET (amount, unit, source, note) = (excluded.amount, excluded.unit, excluded.source, excluded.note)
""")


def load_categories(connection: Connection, path: Path = categories.FILE) -> int:
    """Bring a catalogue of categories into the database, with limits and questions where there are none yet.

    Returns
    -------
    changed
        How many categories were new or different.

    Raises
    ------
    RuleFileError
        If the file is faulty.
    """
    changed = sum(connection.execute(_UPSERT, vars(one)).rowcount for one in categories.read_categories(path))
    if not connection.execute(text("SELECT count(*) FROM sla_rule")).scalar_one():
        load_limits(connection)
    if not connection.execute(text("SELECT count(*) FROM category_question")).scalar_one():
        load_questions(connection)
    return changed


def load_limits(connection: Connection, path: Path = limits.FILE) -> int:
    """Bring time limits into the database; those of known categories and areas are replaced. Tells how many."""
    rules = limits.read_limits(path)
    return sum(
        connection.execute(_LIMIT, {**vars(rule), "codes": list(categories.spellings(rule.category))}).rowcount
        for rule in rules
    )


def load_own_limits(connection: Connection, path: Path) -> int:
    """Bring a city's time limits into the database, all of categories and areas that it knows; tells how many.

    Raises
    ------
    RuleFileError
        If the file is faulty, or names a category or an area that is not there.
    """
    _check_known(connection, path, [(rule.category, rule.area_code) for rule in limits.read_limits(path)])
    return load_limits(connection, path)


def store_own_routing(connection: Connection, path: Path) -> int:
    """Make a city's routing rules the newest version; gives its number.

    Raises
    ------
    RuleFileError
        If the file is faulty, or names a category or an area that is not there.
    """
    _check_known(connection, path, [(rule.category, rule.area_code) for rule in routing.read_routing(path)])
    return routing.store_routing(connection, path)


def _check_known(connection: Connection, path: Path, named: Sequence[tuple[str, str]]) -> None:
    """Refuse categories and areas that the database does not have; "" is every one."""
    codes = set(connection.execute(text("SELECT code FROM category")).scalars())
    areas = set(connection.execute(text("SELECT code FROM area")).scalars())
    faults = [
        f"category: {category} is not in the catalogue"
        for category, _ in named if category and codes.isdisjoint(categories.spellings(category))
    ]  # fmt: skip
    faults += [f"area_code: there is no area {area}" for _, area in named if area and area not in areas]
    if faults:
        raise RuleFileError(path, faults)
