"""Move incidents through their life, and read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services.dispatching import redirect
from api.services.levels import level_of
from api.services.moves import NEEDS_APPROVAL, NEEDS_NOTE, check_move
from api.services.proofs import check_proofs
from api.services.sessions import Session
from data import audit, chain
from data.deadlines import store as deadlines
from data.search import keys_of
from layers.query import ItemQuery, item_sql, sight
from layers.registry import get_layer
from layers.viewer import CASE_ROLES, Viewer

_UPDATE = text(
    "UPDATE incident SET status = :to, rating = coalesce(:rating, rating), "
    "  resolved_at = CASE WHEN :to = 'resolved' THEN :now WHEN :to = 'reopened' THEN NULL ELSE resolved_at END, "
    "  resolved_level = CASE WHEN :to = 'resolved' THEN :level WHEN :to = 'reopened' THEN NULL "
    "    ELSE resolved_level END, "
    "  closed_at = CASE WHEN :to IN ('closed', 'rejected') THEN :now WHEN :to = 'reopened' THEN NULL "
    "    ELSE closed_at END "
    "WHERE id = :id"
)
_END_PAUSE = text(
    "UPDATE incident_request SET ended_at = :now "
    "WHERE incident_id = :id AND kind = 'pause' AND is_granted AND ended_at IS NULL"
)


@dataclass(frozen=True)
class Move:
    """A step in an incident's life.

    Attributes
    ----------
    to
        The new status.
    note
        Why; some moves need it.
    rating
        1 to 5, of the move to `rated` only.
    department
        Of the move to `assigned` only: who handles it from now on, where that is another than before.
    """

    to: str
    note: str | None = None
    rating: int | None = None
    department: str | None = None


class Actor(Protocol):
    """Who brings a move about: an account, or somebody without one."""

    @property
    def account_id(self) -> int | None:
        """The account's key."""


@dataclass(frozen=True)
class Category:
    """A kind of incident."""

    code: str
    parent: str | None
    name: str
    name_en: str | None
    department: str | None
    limit_hours: int | None
    duplicate_m: float
    duplicate_hours: float

    @property
    def keys(self) -> str:
        """What a search looks through: the name by characters, pinyin and initials, the English name, the code."""
        return keys_of((self.name,), (self.name_en, self.code))


def categories(connection: Connection) -> list[Category]:
    """Read all categories, by code."""
    rows = connection.execute(
        text(
            "SELECT code, parent, name, name_en, department, limit_hours, duplicate_m, duplicate_hours "
            "FROM category ORDER BY code"
        )
    )
    return [Category(*row) for row in rows]


def move(connection: Connection, session: Session, incident_id: UUID, step: Move, now: datetime) -> str:
    """Move an incident on.

    Parameters
    ----------
    connection
        In a transaction as the session's viewer.
    now
        The time, in UTC.

    Returns
    -------
    code
        The incident's receipt number.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ConflictError
        If the move can't follow.
    ForbiddenError
        If it is not this account's move: wrong role or area, or verifying one's own work.
    InvalidRequestError
        If the move needs a note or a rating that is not there.
    """
    _check_step(step)
    incident = lock(connection, session, incident_id)
    check_move(incident.status, step.to, roles_at(session, incident.path, incident.department))
    if step.to in NEEDS_APPROVAL:
        raise ConflictError(f"a move to {step.to!r} is asked for with a reason, and somebody else grants it")
    if step.to == "verified" and resolver(connection, incident_id) == session.account_id:
        raise ForbiddenError("who resolved an incident can't verify it; somebody else must")
    if step.to == "verified":
        check_proofs(connection, incident_id, incident.code)
    detail = redirect(connection, incident, step.department, now)
    carry_out(connection, session, incident, step, now, detail=detail)
    return str(incident.code)


def carry_out(
    connection: Connection,
    actor: Actor,
    incident: Row[Any],
    step: Move,
    now: datetime,
    *,
    detail: dict[str, Any] | None = None,
) -> None:
    """Bring about a move that was checked: status, clock, history and audit; the caller holds the incident's row."""
    level = level_of(actor, incident.path, incident.department) if isinstance(actor, Session) else None
    values = {"id": incident.id, "to": step.to, "rating": step.rating, "level": level, "now": now}
    connection.execute(_UPDATE, values)
    if incident.status == "paused":
        connection.execute(_END_PAUSE, {"id": incident.id, "now": now})
    deadlines.turn(connection, incident.id, step.to, now)
    chain.append(connection, chain.Event(incident.id, 0, step.to, step.note, actor.account_id, now, detail))
    audit.record(
        connection, "incident.move", account_id=actor.account_id, subject=incident.code, to=step.to,
        **{"from": incident.status},
    )  # fmt: skip


def roles_at(session: Session, path: str, department: str | None) -> frozenset[str]:
    """Find the roles that an account holds at an incident's place; a department's only for its own incidents."""
    return frozenset(
        one.role for one in session.memberships
        if (not one.path or path == one.path or path.startswith(one.path + "."))
        and (one.role != "department" or one.department == department)
    )  # fmt: skip


def feature(connection: Connection, viewer: Viewer, code: str) -> str:
    """Read an incident as GeoJSON, with the fields that the viewer may see.

    Raises
    ------
    MissingError
        If there is none that the viewer may see.
    """
    layer = get_layer("incident")
    sql = item_sql(layer, sight(layer, viewer), ItemQuery(is_single=True))
    found = connection.exec_driver_sql(sql, {"code": code, "limit": 1}).scalar()
    if found is None:
        raise MissingError(f"there is no incident {code!r}, or none that you may see")
    return str(found)


def find(connection: Connection, incident_id: UUID) -> Row[Any]:
    """Read what decides about an incident: id, code, status, path, department, reported_by.

    Raises
    ------
    MissingError
        If there is none that the transaction's viewer may see.
    """
    return _one(connection, incident_id, "")


def _one(connection: Connection, incident_id: UUID, suffix: str) -> Row[Any]:
    """Read an incident's row, or say that there is none."""
    row = connection.execute(
        text(
            "SELECT id, code, status, path::text AS path, department, reported_by FROM incident WHERE id = :id" + suffix
        ),
        {"id": incident_id},
    ).one_or_none()
    if row is None:
        raise MissingError(f"there is no incident {incident_id}, or none that you may see")
    return row


def lock(connection: Connection, session: Session, incident_id: UUID) -> Row[Any]:
    """Take an incident's row; tell what one may see but not handle from what one may not see.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account does not work on it.
    """
    find(connection, incident_id)
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not handle incidents")
    try:
        return _one(connection, incident_id, " FOR UPDATE")
    except MissingError:
        raise ForbiddenError("this incident lies outside the areas that you work in") from None


def _check_step(step: Move) -> None:
    """Refuse a move without the note or the rating that it needs."""
    if step.to in NEEDS_NOTE and not step.note:
        raise InvalidRequestError(f"the move to {step.to!r} needs a note that says why", (("note", "is needed"),))
    if (step.to == "rated") != (step.rating is not None):
        why = "the move to 'rated' needs a rating from 1 to 5" if step.to == "rated" else "only 'rated' takes a rating"
        raise InvalidRequestError(why, (("rating", why),))
    if step.department is not None and step.to != "assigned":
        why = "only the move to 'assigned' names a department"
        raise InvalidRequestError(why, (("department", why),))


def resolver(connection: Connection, incident_id: UUID) -> int | None:
    """Find who resolved an incident last."""
    return connection.execute(
        text(
            # with a detail it tells of something else: an extension, a duplicate that was joined
            "SELECT account_id FROM incident_event WHERE incident_id = :id AND status = 'resolved' AND detail IS NULL "
            "ORDER BY seq DESC LIMIT 1"
        ),
        {"id": incident_id},
    ).scalar()
