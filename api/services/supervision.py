"""What a higher level supervises (督办): listed, answered by who handles it, closed by who supervises."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services import incidents
from api.services.caselist import parse_ids
from api.services.items import PLACE_SQL, require_place
from api.services.sessions import Session
from data import audit, chain
from layers.tables import CLOSED_STATUSES
from layers.viewer import CASE_ROLES

STATES = {
    "open": "s.closed_at IS NULL AND s.replied_at IS NULL",
    "replied": "s.closed_at IS NULL AND s.replied_at IS NOT NULL",
    "closed": "s.closed_at IS NOT NULL",
}
HANDLERS = frozenset({"worker", "community", "street", "department"})
SUPERIORS = frozenset({"community", "street", "dispatcher"})
_SELECT = (
    "SELECT s.id, s.incident_id, s.path::text AS path, t.to_level, t.to_name, t.at AS opened_at, t.words, t.words_en, "
    "  s.reply, s.replied_at, s.replied_by AS replier, r.display_name AS replied_by, s.closing_note, s.closed_at, "
    "  c.display_name AS closed_by, i.code, i.title, i.status, i.warning_level, i.due_at, i.department, "
    "  i.path::text AS incident_path, k.name AS category_name "
    "FROM supervision s JOIN incident_step t ON t.id = s.step_id JOIN incident i ON i.id = s.incident_id "
    "LEFT JOIN category k ON k.code = i.category LEFT JOIN account r ON r.id = s.replied_by "
    "LEFT JOIN account c ON c.id = s.closed_by "
)
_OF_INCIDENT = text(f"{_SELECT} WHERE s.incident_id = :id ORDER BY s.id")
_ONE = text(f"{_SELECT} WHERE s.id = :id")
_REPLY = text("UPDATE supervision SET reply = :words, replied_by = :by, replied_at = :now WHERE id = :id")
_CLOSE = text("UPDATE supervision SET closing_note = :words, closed_by = :by, closed_at = :now WHERE id = :id")
_STEPS = text(
    "SELECT id, code, kind, level, at, written_at, due_at, to_level, to_name, words, words_en FROM incident_step "
    "WHERE incident_id = :id ORDER BY at, id"
)


@dataclass(frozen=True)
class Page:
    """A page of a list.

    Attributes
    ----------
    after
        Number of the last row of the page before; 0 for the first page.
    """

    limit: int
    after: int = 0


def of_incident(connection: Connection, session: Session, incident_id: UUID) -> dict[str, Any]:
    """Read the steps of an incident's deadline, and what is supervised of it."""
    values = {"id": incident_id}
    return {
        "steps": [dict(row._mapping) for row in connection.execute(_STEPS, values)],
        "supervisions": [_as_body(row, session) for row in connection.execute(_OF_INCIDENT, values)],
    }


def latest(
    connection: Connection, session: Session, *, states: str, within: str | None, incident: str | None, page: Page
) -> dict[str, Any]:
    """List what is supervised in the account's areas, in the order in which it began.

    Parameters
    ----------
    states
        Any of `open`, `replied`, `closed`, with commas between them.
    within
        Code of an area or a grid.
    incident
        Any of these incidents, with commas between them.

    Raises
    ------
    ForbiddenError
        If the account does not work on incidents.
    InvalidRequestError
        If there is no such state, or an incident is no identity.
    MissingError
        If there is no such area.
    """
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not show what is supervised")
    chosen = states.split(",")
    unknown = [one for one in chosen if one not in STATES]
    if unknown:
        why = f"{unknown[0]!r} is none of {', '.join(STATES)}"
        raise InvalidRequestError(f"'state': {why}", (("state", why),))
    values: dict[str, Any] = {"after": page.after, "limit": page.limit + 1}
    wanted = " OR ".join(f"({STATES[one]})" for one in chosen)
    where = f"({wanted}) AND s.id > :after"
    is_open = f"({STATES['open']} OR {STATES['replied']})"
    if within is not None:
        found = connection.exec_driver_sql(PLACE_SQL, {"code": within}).all()
        values["within"] = require_place([tuple(row) for row in found], within)[1]
        inside = " AND i.path <@ CAST(:within AS ltree)"
        where, is_open = where + inside, is_open + inside
    if incident is not None:
        values["incidents"] = parse_ids("incident", incident)
        where += " AND s.incident_id = ANY (CAST(:incidents AS uuid[]))"
    rows = connection.execute(text(f"{_SELECT} WHERE {where} ORDER BY s.id LIMIT :limit"), values).all()
    count = text(f"SELECT count(*) FROM supervision s JOIN incident i ON i.id = s.incident_id WHERE {is_open}")
    shown = rows[: page.limit]
    return {
        "supervisions": [_as_body(row, session) for row in shown],
        "next_cursor": str(shown[-1].id) if len(rows) > page.limit else None,
        "open_count": connection.execute(count, values).scalar_one(),
    }


def reply(connection: Connection, session: Session, number: int, words: str, now: datetime) -> dict[str, Any]:
    """Answer a supervision; a later answer takes the place of the one before, history keeps both.

    Raises
    ------
    MissingError, ForbiddenError
        If there is none that the account may see, or it does not handle the incident.
    ConflictError
        If it is closed.
    """
    row = _take(connection, session, number)
    if not incidents.roles_at(session, row.incident_path, row.department) & HANDLERS:
        raise ForbiddenError("a supervision is answered by who handles the incident")
    _check_open(row)
    connection.execute(_REPLY, {"id": number, "words": words, "by": session.account_id, "now": now})
    return _done(connection, session, row, ("replied", words), now)


def close(connection: Connection, session: Session, number: int, note: str | None, now: datetime) -> dict[str, Any]:
    """Close a supervision that was answered, or whose incident has ended.

    Raises
    ------
    MissingError, ForbiddenError
        If there is none that the account may see, it does not cover the level that supervises, or it answered itself.
    ConflictError
        If it is closed already, or was not answered yet.
    """
    row = _take(connection, session, number)
    if not _covers(session, row.path):
        raise ForbiddenError(f"this is supervised by {row.to_name}; an account of that level closes it")
    _check_open(row)
    if row.replier == session.account_id:
        raise ForbiddenError("who answered a supervision can't close it; somebody else must")
    if row.replier is None and row.status not in CLOSED_STATUSES:
        raise ConflictError(f"the supervision of incident {row.code} was not answered yet")
    connection.execute(_CLOSE, {"id": number, "words": note, "by": session.account_id, "now": now})
    return _done(connection, session, row, ("closed", note), now)


def _take(connection: Connection, session: Session, number: int) -> Row[Any]:
    """Read a supervision while its incident is held."""
    row = connection.execute(_ONE, {"id": number}).one_or_none()
    if row is None:
        raise MissingError(f"there is no supervision {number}, or none that you may see")
    incidents.lock(connection, session, row.incident_id)
    return connection.execute(_ONE, {"id": number}).one()


def _check_open(row: Row[Any]) -> None:
    """Refuse what comes after the closing."""
    if row.closed_at is not None:
        raise ConflictError(f"the supervision of incident {row.code} is closed already")


def _done(
    connection: Connection, session: Session, row: Row[Any], did: tuple[str, str | None], now: datetime
) -> dict[str, Any]:
    """Write what was done into history and audit, let it be seen live, and read the supervision again."""
    what, words = did
    detail = {"supervision": row.id, "did": what}
    event = chain.Event(row.incident_id, 0, row.status, words, session.account_id, now, detail)
    chain.append(connection, event)
    audit.record(connection, f"supervision.{what}", account_id=session.account_id, subject=row.code, number=row.id)
    connection.execute(text("UPDATE incident SET status = status WHERE id = :id"), {"id": row.incident_id})
    return _as_body(connection.execute(_ONE, {"id": row.id}).one(), session)


def _covers(session: Session, path: str) -> bool:
    """Tell whether an account leads an area: it, or one that holds it."""
    return any(
        one.role in SUPERIORS and (not one.path or path == one.path or path.startswith(one.path + "."))
        for one in session.memberships
    )


def _as_body(row: Row[Any], session: Session) -> dict[str, Any]:
    """Write a supervision as the API gives it, with what the account may do."""
    state = "closed" if row.closed_at else "replied" if row.replied_at else "open"
    may_answer = bool(incidents.roles_at(session, row.incident_path, row.department) & HANDLERS)
    is_due = row.replier is not None or row.status in CLOSED_STATUSES
    incident = {
        "id": row.incident_id, "code": row.code, "title": row.title, "status": row.status,
        "warning_level": row.warning_level, "due_at": row.due_at, "department": row.department,
        "category_name": row.category_name,
    }  # fmt: skip
    return {
        "id": row.id, "incident": incident, "level_name": row.to_level, "to_name": row.to_name,
        "opened_at": row.opened_at, "words": row.words, "words_en": row.words_en, "state": state, "reply": row.reply,
        "replied_by": row.replied_by, "replied_at": row.replied_at, "closing_note": row.closing_note,
        "closed_by": row.closed_by, "closed_at": row.closed_at,
        "may_reply": state != "closed" and may_answer,
        "may_close": state != "closed" and is_due and _covers(session, row.path)
        and row.replier != session.account_id,
    }  # fmt: skip
