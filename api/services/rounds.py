"""What grid workers enter on their rounds: items that were looked at, and buildings that were visited, by outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services.incidents import roles_at
from api.services.sessions import Session

READERS = frozenset({"worker", "community", "street", "dispatcher"})
COUNTED_DAYS = 31
MOST_UNITS = 3000
_GRID = text(
    "SELECT id, code, path::text AS path FROM grid WHERE code = :code AND (is_effective OR valid_to IS NOT NULL) "
    "ORDER BY is_effective DESC, valid_to DESC LIMIT 1"
)
_ITEMS = text("""
SELECT i.code, i.round, i.name, i.name_en, i.every, i.category, c.name AS category_name,
       m.at AS last_at, m.outcome AS last_outcome, m.shift_id AS last_shift
FROM round_item i LEFT JOIN category c ON c.code = i.category
LEFT JOIN area a ON a.code = i.area_code
LEFT JOIN LATERAL (
  SELECT at, outcome, shift_id FROM round_mark WHERE grid_code = :code AND item = i.code ORDER BY at DESC, id LIMIT 1
) m ON true
WHERE i.area_code = '' OR a.path @> CAST(:path AS ltree) ORDER BY i.code
""")
_UNITS = text("""
SELECT u.code, u.name, u.households, v.at AS last_at, v.outcome AS last_outcome
FROM plan_assignment x JOIN unit u ON u.id = x.unit_id
LEFT JOIN LATERAL (
  SELECT at, outcome FROM visit WHERE grid_code = :code AND unit_code = u.code ORDER BY at DESC, id LIMIT 1
) v ON true
WHERE x.grid_id = :id ORDER BY u.name NULLS LAST, u.code LIMIT :most
""")
_COUNTS = text(
    "SELECT outcome, count(*) AS count FROM visit "
    "WHERE grid_code = :code AND at > :now - make_interval(days => :days) GROUP BY outcome"
)


@dataclass(frozen=True)
class Entry:
    """What every entry has.

    Attributes
    ----------
    id
        Made by the client, so that sending twice is one entry.
    at
        When it was, as the client knows the server's clock; later than now counts as now.
    shift_id
        The shift that it belongs to, if any.
    """

    id: UUID
    grid: str
    at: datetime
    shift_id: UUID | None


@dataclass(frozen=True)
class Mark(Entry):
    """An item that was looked at; a finding may name the report that was made of it."""

    item: str
    outcome: str
    incident_id: UUID | None


@dataclass(frozen=True)
class Visit(Entry):
    """A building that was visited, and how it went; nobody who lives there is named."""

    unit: str
    outcome: str


def book(connection: Connection, session: Session, code: str, now: datetime) -> dict[str, Any]:
    """Read a grid's list of items and its buildings, each with its last entry, and the visits of 31 days by outcome.

    Raises
    ------
    MissingError
        If there is no such grid, or none that the account may see.
    ForbiddenError
        If the account does not work in it.
    """
    grid = _grid(connection, session, code, READERS)
    values = {"id": grid.id, "code": grid.code, "path": grid.path, "most": MOST_UNITS}
    counted = connection.execute(_COUNTS, {"code": grid.code, "now": now, "days": COUNTED_DAYS})
    return {
        "grid": grid.code,
        "items": [dict(row._mapping) for row in connection.execute(_ITEMS, values)],
        "units": [dict(row._mapping) for row in connection.execute(_UNITS, values)],
        "visits_by_outcome": {row.outcome: row.count for row in counted},
    }


def mark(connection: Connection, session: Session, sent: Mark, now: datetime) -> bool:
    """Enter an item that was looked at, once; tells whether this call did.

    Raises
    ------
    MissingError
        If there is no such grid, or none that the account may see.
    ForbiddenError
        If the account is not the grid's worker.
    InvalidRequestError
        If there is no such item.
    ConflictError
        If another entry has this id.
    """
    values = _placed(connection, session, sent, now)
    if connection.execute(text("SELECT 1 FROM round_item WHERE code = :item"), values).one_or_none() is None:
        # an item that the list has lost meanwhile was looked at all the same, if it was ever entered
        known = connection.execute(text("SELECT 1 FROM round_mark WHERE item = :item LIMIT 1"), values).one_or_none()
        if known is None:
            why = f"there is no item {sent.item!r} in the list of rounds"
            raise InvalidRequestError(why, (("item", why),))
    return _enter(connection, "round_mark", ("item", "outcome", "incident_id"), values)


def visit(connection: Connection, session: Session, sent: Visit, now: datetime) -> bool:
    """Enter a visit, once; tells whether this call did.

    Raises
    ------
    MissingError
        If there is no such grid, or none that the account may see.
    ForbiddenError
        If the account is not the grid's worker.
    InvalidRequestError
        If the grid has no such building.
    ConflictError
        If another entry has this id.
    """
    values = {**_placed(connection, session, sent, now), "unit_code": sent.unit}
    if connection.execute(text("SELECT 1 FROM unit WHERE code = :unit_code"), values).one_or_none() is None:
        why = f"there is no building {sent.unit!r} that you may see"
        raise InvalidRequestError(why, (("unit", why),))
    return _enter(connection, "visit", ("unit_code", "outcome"), values)


def find_grid(connection: Connection, session: Session, code: str) -> Row[Any]:
    """Find a grid (id, code, path) in which the account is a worker.

    Raises
    ------
    MissingError
        If there is no such grid, or none that the account may see.
    ForbiddenError
        If the account is not its worker.
    """
    return _grid(connection, session, code, frozenset({"worker"}))


def _grid(connection: Connection, session: Session, code: str, roles: frozenset[str]) -> Row[Any]:
    """Find a grid where the account has one of the roles."""
    if not session.viewer.roles & roles:
        raise ForbiddenError(f"rounds are for: {', '.join(sorted(roles))}")
    row = connection.execute(_GRID, {"code": code}).one_or_none()
    if row is None:
        raise MissingError(f"there is no grid {code!r}, or none that you may see")
    if not roles_at(session, row.path, None) & roles:
        raise ForbiddenError(f"grid {code} is not yours")
    return row


def _placed(connection: Connection, session: Session, sent: Mark | Visit, now: datetime) -> dict[str, Any]:
    """Give an entry its grid, its account and a time that is not ahead of ours."""
    grid = find_grid(connection, session, sent.grid)
    return {
        **vars(sent), "grid_code": grid.code, "path": grid.path, "account_id": session.account_id,
        "at": min(sent.at, now),
    }  # fmt: skip


def _enter(connection: Connection, table: str, fields: tuple[str, ...], values: dict[str, Any]) -> bool:
    """Insert an entry, or find that it is there already."""
    names = ("id", "account_id", "shift_id", "grid_code", *fields, "at")
    inserted = connection.execute(
        text(
            f"INSERT INTO {table} ({', '.join(names)}, path) "
            f"VALUES ({', '.join(f':{name}' for name in names)}, CAST(:path AS ltree)) ON CONFLICT (id) DO NOTHING"
        ),
        values,
    )
    if inserted.rowcount:
        return True
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM :{name}" for name in names if name != "at")
    if connection.execute(text(f"SELECT 1 FROM {table} WHERE {same}"), values).one_or_none() is None:
        raise ConflictError(f"another entry has the id {values['id']} already")
    return False
