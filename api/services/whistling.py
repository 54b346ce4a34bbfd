"""What becomes of a whistle: approved, answered, resolved and rated, each move by whose it is, kept for good."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError
from api.services import whistles
from api.services.sessions import Session
from api.services.whistlemoves import DEPARTMENT, NEEDS_NOTE, check_move
from data import audit, chain
from data.supervision.whistles import find_terms

TOLD = frozenset({"approve", "withdraw", "resolve", "reopen", "rate"})  # in the history of the incident too
_DID = {
    "approve": "called", "withdraw": "withdrawn", "resolve": "resolved", "reopen": "reopened", "rate": "rated",
}  # fmt: skip
_DECIDE = text(
    "UPDATE whistle SET status = :to, decided_by = :by, decided_at = :now, decision_note = :note, "
    "  called_at = CASE WHEN :to = 'called' THEN CAST(:now AS timestamptz) END, resolve_due_at = :resolution, "
    "  limit_source = :source WHERE id = :id"
)
_TERMS = text("UPDATE whistle_call SET respond_due_at = :response, arrive_due_at = :arrival WHERE whistle_id = :id")
_RESPOND = text(
    "UPDATE whistle_call SET responded_by = :by, responded_at = :now, response_note = :note "
    "WHERE whistle_id = :id AND department = :department AND responded_at IS NULL"
)
_ARRIVE = text(
    "UPDATE whistle_call SET arrived_by = :by, arrived_at = :now "
    "WHERE whistle_id = :id AND department = :department AND responded_at IS NOT NULL AND arrived_at IS NULL"
)
_RESOLVE = text(
    "UPDATE whistle SET status = 'resolved', resolved_by = :by, resolved_at = :now, resolution = :note WHERE id = :id"
)
_REOPEN = text(
    "UPDATE whistle SET status = 'called', resolved_by = NULL, resolved_at = NULL, resolution = NULL WHERE id = :id"
)
_RATE = text(
    "UPDATE whistle_call SET rating = :rating, rated_by = :by, rated_at = :now "
    "WHERE whistle_id = :id AND department = :department"
)
_STATUS = text("UPDATE whistle SET status = :to WHERE id = :id")
_INCIDENT = text("SELECT id, code, status FROM incident WHERE id = :id FOR UPDATE")


@dataclass(frozen=True)
class Step:
    """A move.

    Attributes
    ----------
    department
        Who arrives, where the unit says so.
    ratings
        Of `rate`: 1 to 5 for every department that was called.
    """

    move: str
    note: str | None = None
    department: str | None = None
    ratings: dict[str, int] = field(default_factory=dict)


def move(connection: Connection, session: Session, number: int, step: Step, now: datetime) -> dict[str, Any]:
    """Move a whistle on and read it.

    Raises
    ------
    MissingError
        If there is none that the account may see.
    ConflictError
        If the move can't follow, or was made already.
    ForbiddenError
        If it is not this account's move.
    InvalidRequestError
        If the note, the department or the ratings are missing or wrong.
    """
    whistles.find(connection, number)
    # one move after the other: a department may not lock the whistle's row, as it may not change it
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('whistle', :id))"), {"id": number})
    row = whistles.find(connection, number)
    to = check_move(row.status, step.move, whistles.parts_of(session, row))
    if step.move in NEEDS_NOTE and not step.note:
        raise InvalidRequestError(f"{step.move!r} needs a note", (("note", "is needed"),))
    done = _MAKE[step.move](connection, session, row, step, now)
    happened = whistles.Happened(number, step.move, now, done, step.note)
    whistles.note_event(connection, session, happened)
    detail = {"department": done} if done else {}
    audit.record(connection, f"whistle.{step.move}", account_id=session.account_id, subject=row.code, to=to, **detail)
    if (step.move in TOLD and row.called_at is not None) or step.move == "approve":
        _tell_incident(connection, session, row, step, now)
    return whistles.read(connection, session, number, now)


def _approve(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Call the departments: their time begins."""
    terms = find_terms(connection, row.reason, row.time_zone or "Asia/Shanghai", now)
    values = {"id": row.id, "by": session.account_id, "now": now, "note": step.note}
    connection.execute(_TERMS, {"id": row.id, "response": terms.response, "arrival": terms.arrival})
    connection.execute(_DECIDE, {**values, "to": "called", "resolution": terms.resolution, "source": terms.source})


def _refuse(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Let no department be called."""
    values = {"id": row.id, "by": session.account_id, "now": now, "note": step.note}
    connection.execute(_DECIDE, {**values, "to": "refused", "resolution": None, "source": ""})


def _withdraw(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Take it back."""
    connection.execute(_STATUS, {"id": row.id, "to": "withdrawn"})


def _respond(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> str:
    """Let a department say that it comes."""
    department = _department(session, row, step)
    values = {"id": row.id, "department": department, "by": session.account_id, "now": now, "note": step.note}
    if not connection.execute(_RESPOND, values).rowcount:
        raise ConflictError(f"{department} has responded to whistle {row.code} already")
    return department


def _arrive(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> str:
    """Write down that a department is there."""
    department = _department(session, row, step)
    values = {"id": row.id, "department": department, "by": session.account_id, "now": now}
    if not connection.execute(_ARRIVE, values).rowcount:
        raise ConflictError(f"{department} is there already, or has not responded to whistle {row.code} yet")
    return department


def _resolve(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Say what came of it; somebody has to have answered."""
    answered = text("SELECT count(responded_at) FROM whistle_call WHERE whistle_id = :id")
    if not connection.execute(answered, {"id": row.id}).scalar_one():
        raise ConflictError(f"no department has responded to whistle {row.code} yet; it can be withdrawn")
    connection.execute(_RESOLVE, {"id": row.id, "by": session.account_id, "now": now, "note": step.note})


def _reopen(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Call again: it was not solved."""
    connection.execute(_REOPEN, {"id": row.id})


def _rate(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Rate every department that was called."""
    if set(step.ratings) != set(row.departments):
        why = f"every department that was called is rated 1 to 5: {'、'.join(sorted(row.departments))}"
        raise InvalidRequestError(why, (("ratings", why),))
    for department, rating in step.ratings.items():
        values = {"id": row.id, "department": department, "rating": rating, "by": session.account_id, "now": now}
        connection.execute(_RATE, values)
    connection.execute(_STATUS, {"id": row.id, "to": "rated"})


def _department(session: Session, row: Row[Any], step: Step) -> str:
    """Find which of the departments that are called a move is about: one's own, or the one that the unit names."""
    called, own = set(row.departments), set(row.departments) & set(session.viewer.departments)
    named = step.department or (min(own) if len(own) == 1 else None)
    if named is None or named not in called:
        why = f"name a department that is called: {'、'.join(sorted(called))}"
        raise InvalidRequestError(why, (("department", why),))
    if DEPARTMENT in whistles.parts_of(session, row) and named not in own:
        raise ForbiddenError(f"{named} speaks for itself")
    return str(named)


def _tell_incident(connection: Connection, session: Session, row: Row[Any], step: Step, now: datetime) -> None:
    """Write into the incident's history what its unit did, and let it be seen live."""
    incident = None
    if row.incident_id is not None:
        incident = connection.execute(_INCIDENT, {"id": row.incident_id}).one_or_none()
    if incident is None:
        return
    detail = {"whistle": row.code, "did": _DID[step.move]}
    event = chain.Event(incident.id, 0, incident.status, step.note, session.account_id, now, detail)
    chain.append(connection, event)
    connection.execute(text("UPDATE incident SET status = status WHERE id = :id"), {"id": incident.id})


Make = Callable[[Connection, Session, Row[Any], Step, datetime], str | None]
_MAKE: dict[str, Make] = {
    "approve": _approve, "refuse": _refuse, "withdraw": _withdraw, "respond": _respond, "arrive": _arrive,
    "resolve": _resolve, "reopen": _reopen, "rate": _rate,
}  # fmt: skip
