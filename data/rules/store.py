"""Rulebooks in the database: versions that never change, the newest by code, one that a report froze by its version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from data.errors import NotFoundError
from data.rules.table import BUILTIN_FILE, digest, read_rules
from geo.verdicts import Rule

BUILTIN = "builtin"
LOAD_LOCK = 7_420_211  # advisory lock: who holds it adds a version
_FIELDS = (
    "code", "facility_kind", "facility_name", "demand", "metric", "threshold_m", "standard", "binding", "confidence",
    "level", "edition", "clause", "facility_types", "note", "note_en",
)  # fmt: skip
_INSERT = text(
    f"INSERT INTO standard_rule (rulebook, version, place, {', '.join(_FIELDS)}) "
    f"VALUES (:rulebook, :version, :place, {', '.join(f':{name}' for name in _FIELDS)})"
)


@dataclass(frozen=True)
class Rulebook:
    """One version of a rulebook.

    Attributes
    ----------
    digest
        SHA-256 of what the rules say, 64 hexadecimal digits.
    """

    code: str
    version: int
    digest: str
    created_at: datetime
    rules: tuple[Rule, ...]


def store_rules(connection: Connection, code: str, rules: Sequence[Rule], *, source: str) -> Rulebook:
    """Keep rules as the next version of a rulebook; as they are in its newest version, that one is given back.

    Parameters
    ----------
    source
        Where the rules came from, such as a file's name.
    """
    # one at a time: two loads would both take the same next number
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOAD_LOCK})
    made = digest(rules)
    newest = connection.execute(
        text("SELECT version, digest FROM rulebook WHERE code = :code ORDER BY version DESC LIMIT 1"), {"code": code}
    ).one_or_none()
    if newest is not None and newest.digest == made:
        return read_rulebook(connection, code, newest.version)
    version = 1 if newest is None else newest.version + 1
    key = {"rulebook": code, "version": version}
    connection.execute(
        text("INSERT INTO rulebook (code, version, digest, source) VALUES (:rulebook, :version, :digest, :source)"),
        {**key, "digest": made, "source": source},
    )
    for place, rule in enumerate(rules, start=1):
        values = {name: getattr(rule, name) for name in _FIELDS} | {"facility_types": list(rule.facility_types)}
        connection.execute(_INSERT, {**key, "place": place, **values})
    return read_rulebook(connection, code, version)


def store_builtin(connection: Connection) -> Rulebook:
    """Bring the rules that come with the product into the database."""
    return store_rules(connection, BUILTIN, read_rules(BUILTIN_FILE), source=BUILTIN_FILE.name)


def read_rulebook(connection: Connection, code: str, version: int | None = None) -> Rulebook:
    """Read a rulebook, its newest version unless one is named.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    head = connection.execute(
        text(
            "SELECT code, version, digest, created_at FROM rulebook "
            "WHERE code = :code AND version = coalesce(:version, version) ORDER BY version DESC LIMIT 1"
        ),
        {"code": code, "version": version},
    ).one_or_none()
    if head is None:
        known = connection.execute(text("SELECT code, max(version) FROM rulebook GROUP BY 1 ORDER BY 1")).all()
        listed = ", ".join(f"{name}@{newest}" for name, newest in known) or "none yet"
        wanted = code if version is None else f"{code}@{version}"
        raise NotFoundError(f"there is no rulebook {wanted}; there are: {listed}")
    rows = connection.execute(
        text(f"SELECT {', '.join(_FIELDS)} FROM standard_rule WHERE rulebook = :code AND version = :v ORDER BY place"),
        {"code": code, "v": head.version},
    )
    rules = tuple(Rule(**{**row._mapping, "facility_types": tuple(row.facility_types)}) for row in rows)
    return Rulebook(head.code, head.version, head.digest, head.created_at, rules)


def find_newest(connection: Connection) -> Rulebook:
    """Give the rulebook that was loaded last, a city's own before the built-in one, which is brought if need be."""
    row = connection.execute(
        text("SELECT code, version FROM rulebook WHERE code <> :builtin ORDER BY created_at DESC, 1, 2 DESC LIMIT 1"),
        {"builtin": BUILTIN},
    ).one_or_none()
    return store_builtin(connection) if row is None else read_rulebook(connection, row.code, row.version)


def parse_name(name: str) -> tuple[str, int | None]:
    """Take `CODE` or `CODE@VERSION` apart."""
    code, sign, version = name.partition("@")
    return (code, int(version)) if sign and version.isdigit() else (name, None)
