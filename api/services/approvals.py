"""What a handler asks for with a reason and another person grants or refuses: a pause, more time, giving it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services.incidents import Move, carry_out, lock, roles_at
from api.services.moves import APPROVERS, check_move
from api.services.sessions import Session
from data import audit, chain
from data.deadlines import store as deadlines
from layers.viewer import CASE_ROLES

STATUS_OF = {"pause": "paused", "return": "returned"}
MOST_AMOUNT = 1000
_ASK = text(
    "INSERT INTO incident_request (incident_id, kind, reason, amount, asked_by, asked_at) "
    "VALUES (:incident_id, :kind, :reason, :amount, :asked_by, :now) RETURNING id"
)
_ASKED = text(
    "SELECT kind, reason, amount, asked_by, decided_at FROM incident_request WHERE id = :id AND incident_id = :of"
)
_DECIDE = text(
    "UPDATE incident_request SET decided_by = :by, decided_at = :now, is_granted = :is_granted, decision_note = :note "
    "WHERE id = :id"
)


@dataclass(frozen=True)
class Wish:
    """What a handler asks for.

    Attributes
    ----------
    kind
        `pause`, `extension` or `return`.
    amount
        Of an extension, in the unit of the incident's limit.
    """

    kind: str
    reason: str
    amount: int | None = None


@dataclass(frozen=True)
class Decision:
    """Yes or no; a refusal says why."""

    is_granted: bool
    note: str | None = None


def ask(connection: Connection, session: Session, incident_id: UUID, wish: Wish, now: datetime) -> int:
    """Ask for a pause, for more time, or to give an incident back.

    Returns
    -------
    request_id
        By which it is decided.

    Raises
    ------
    ForbiddenError
        If it is not the account's to handle.
    ConflictError
        If its status or its clock does not allow it, or something else waits for a decision.
    InvalidRequestError
        If there is an amount and must be none, or the reverse.
    """
    if (wish.kind == "extension") != (wish.amount is not None):
        why = "an extension needs an amount" if wish.kind == "extension" else "only an extension has an amount"
        raise InvalidRequestError(why, (("amount", why),))
    incident = lock(connection, session, incident_id)
    _check_kind(connection, session, incident, wish.kind)
    waiting = connection.execute(
        text("SELECT kind FROM incident_request WHERE incident_id = :id AND decided_at IS NULL"), {"id": incident_id}
    ).scalar()
    if waiting is not None:
        raise ConflictError(f"incident {incident.code} waits for a decision on a {waiting} already")
    values = {**vars(wish), "incident_id": incident_id, "asked_by": session.account_id, "now": now}
    request_id = int(connection.execute(_ASK, values).scalar_one())
    detail: dict[str, Any] = {"asked": wish.kind, "request": request_id}
    if wish.amount is not None:
        detail["amount"] = wish.amount
    event = chain.Event(incident.id, 0, incident.status, wish.reason, session.account_id, now, detail)
    _note(connection, incident, event)
    return request_id


def decide(
    connection: Connection, session: Session, asked_for: tuple[UUID, int], decision: Decision, now: datetime
) -> None:
    """Grant or refuse what was asked for; granting brings it about.

    Parameters
    ----------
    asked_for
        The incident, and the request.

    Raises
    ------
    MissingError
        If there is no such request.
    ForbiddenError
        If the account asked for it itself, or does not lead the place.
    ConflictError
        If it is decided already, or the incident has moved on meanwhile.
    InvalidRequestError
        If it is refused without saying why.
    """
    incident_id, request_id = asked_for
    incident = lock(connection, session, incident_id)
    asked = connection.execute(_ASKED, {"id": request_id, "of": incident_id}).one_or_none()
    if asked is None:
        raise MissingError(f"incident {incident.code} has no request {request_id}")
    _check_decision(session, incident, asked, decision)
    status = STATUS_OF.get(asked.kind) if decision.is_granted else None
    if status is not None:
        check_move(incident.status, status, CASE_ROLES)  # it may have moved on since it was asked for
    connection.execute(_DECIDE, {**vars(decision), "id": request_id, "by": session.account_id, "now": now})
    word = "granted" if decision.is_granted else "refused"
    detail: dict[str, Any] = {word: asked.kind, "request": request_id}
    if status is not None:
        carry_out(connection, session, incident, Move(status, decision.note or asked.reason), now, detail=detail)
        return
    if decision.is_granted:
        due = deadlines.extend(connection, incident_id, asked.amount)
        detail |= {"amount": asked.amount, "due_at": due.isoformat() if due else None}
    event = chain.Event(incident.id, 0, incident.status, decision.note, session.account_id, now, detail)
    _note(connection, incident, event)


def _check_kind(connection: Connection, session: Session, incident: Row[Any], kind: str) -> None:
    """Refuse what the incident's status does not allow, or not to this account."""
    roles = roles_at(session, incident.path, incident.department)
    if kind in STATUS_OF:
        check_move(incident.status, STATUS_OF[kind], roles)
        return
    check_move("in_progress", "resolved", roles)  # more time is for those who could resolve it
    running = connection.execute(
        text("SELECT stopped_at IS NULL FROM incident_deadline WHERE incident_id = :id"), {"id": incident.id}
    ).scalar()
    if not running:
        why = "has no time limit" if running is None else "stands still on its clock"
        raise ConflictError(f"incident {incident.code} {why}; there is nothing to extend")


def _check_decision(session: Session, incident: Row[Any], asked: Row[Any], decision: Decision) -> None:
    """Refuse a decision that is not this account's, comes twice, or says no without a reason."""
    if not APPROVERS & roles_at(session, incident.path, incident.department):
        raise ForbiddenError(f"a {asked.kind} is decided by: {', '.join(sorted(APPROVERS))}")
    if asked.asked_by == session.account_id:
        raise ForbiddenError(f"who asked for a {asked.kind} can't decide on it; somebody else must")
    if asked.decided_at is not None:
        raise ConflictError(f"the {asked.kind} of incident {incident.code} is decided already")
    if not decision.is_granted and not decision.note:
        raise InvalidRequestError("a refusal needs a note that says why", (("note", "is needed"),))


def _note(connection: Connection, incident: Row[Any], event: chain.Event) -> None:
    """Write into history and audit what does not change the status, and let it be seen live."""
    chain.append(connection, event)
    what = {key: value for key, value in (event.detail or {}).items() if key != "due_at"}
    audit.record(connection, "incident.request", account_id=event.account_id, subject=incident.code, **what)
    connection.execute(text("UPDATE incident SET status = status WHERE id = :id"), {"id": incident.id})
