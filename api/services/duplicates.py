"""Reports of one thing: suggested by place, time and category, joined into one incident, and parted again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError
from api.services import caseorders, incidents
from api.services.incidents import Move, carry_out, lock, roles_at
from api.services.moves import APPROVERS
from api.services.reporting import REPORTERS
from api.services.sessions import Session
from data import audit, chain
from layers.tables import CLOSED_STATUSES
from layers.viewer import CASE_ROLES

MOST_SUGGESTED = 20
TAKES_NONE = frozenset({"rejected", "merged"})
# the category's radius and window; the box in degrees holds the circle, the distance decides
_SUGGEST = text("""
SELECT o.id, o.code, o.title, o.description, o.status, o.category, o.reported_at, n.away_m,
       round(extract(epoch FROM o.reported_at - i.reported_at) / 3600.0, 1)::float8 AS later_hours,
       (SELECT json_agg(p.id ORDER BY p.created_at, p.id) FROM incident_photo p WHERE p.incident_id = o.id) AS photos,
       (SELECT count(*) FROM incident j WHERE j.merged_into = o.id) AS joined_count
FROM incident i JOIN category c ON c.code = i.category
JOIN incident o ON o.category = i.category AND o.id <> i.id AND o.status <> 'merged' AND o.is_placed
  AND o.geom && ST_Expand(i.geom, c.duplicate_m / (111000 * cos(radians(ST_Y(i.geom)))), c.duplicate_m / 110000)
  AND o.reported_at BETWEEN i.reported_at - make_interval(secs => c.duplicate_hours * 3600)
                        AND i.reported_at + make_interval(secs => c.duplicate_hours * 3600),
LATERAL (SELECT round(ST_Distance(o.geom::geography, i.geom::geography)::numeric, 1)::float8 AS away_m) n
WHERE i.id = :id AND i.is_placed AND n.away_m <= c.duplicate_m
ORDER BY n.away_m, abs(extract(epoch FROM o.reported_at - i.reported_at)), o.id LIMIT :most
""")
_MERGE = text(
    "INSERT INTO incident_merge (incident_id, into_id, status_before, merged_by, merged_at) "
    "VALUES (:id, :into_id, :status, :by, :now)"
)
_PART = text(
    "UPDATE incident_merge SET parted_by = :by, parted_at = :now WHERE incident_id = :id AND parted_at IS NULL "
    "RETURNING into_id, status_before"
)


def suggest(connection: Connection, session: Session, incident_id: UUID) -> list[dict[str, Any]]:
    """Find reports of the same category near in place and time, the nearest first, 20 at most.

    Reports of which only a grid or an area is known, as of every dispute, share its middle: they are near nothing.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account does not work on incidents.
    """
    incidents.find(connection, incident_id)
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not show what an incident is about")
    rows = connection.execute(_SUGGEST, {"id": incident_id, "most": MOST_SUGGESTED})
    return [dict(row._mapping) for row in rows]


def join(
    connection: Connection, session: Session, incident_id: UUID, into_id: UUID, *, note: str | None, now: datetime
) -> None:
    """Join an incident into another that reports the same thing; both keep reporter, photos and history.

    Raises
    ------
    InvalidRequestError
        If both are one.
    ForbiddenError
        If the account does not lead both places.
    ConflictError
        If the first is ended already, holds others or is an order that is done, or the second can't take it.
    """
    if incident_id == into_id:
        raise InvalidRequestError("an incident can't be joined into itself", (("into", "is the incident itself"),))
    order = caseorders.hold(connection, incident_id)
    first, second = sorted(
        (incident_id, into_id)
    )  # always in one order: two who join crosswise do not block each other
    rows = {one: lock(connection, session, one) for one in (first, second)}
    gone, kept = rows[incident_id], rows[into_id]
    _check_lead(session, gone, kept)
    if gone.status in CLOSED_STATUSES:
        raise ConflictError(f"incident {gone.code} is {gone.status!r}; only an open one is joined into another")
    if kept.status in TAKES_NONE:
        raise ConflictError(f"incident {kept.code} is {kept.status!r} and takes no other in")
    holds = connection.execute(
        text("SELECT count(*) FROM incident WHERE merged_into = :id"), {"id": incident_id}
    ).scalar_one()
    if holds:
        raise ConflictError(f"incident {gone.code} holds {holds} others; join those, or part them first")
    if order is not None and order.status == "done":
        raise ConflictError(f"the order {order.code} of incident {gone.code} is done; closing that gives its points")
    values = {"id": incident_id, "into_id": into_id, "status": gone.status, "by": session.account_id, "now": now}
    step = Move("merged", note)
    connection.execute(_MERGE, values)
    carry_out(connection, session, gone, step, now, detail={"into": kept.code})
    if order is not None:
        caseorders.cancel(connection, session, order, step, now)
    connection.execute(text("UPDATE incident SET merged_into = :into_id WHERE id = :id"), values)
    _note(connection, session, kept, now, {"joined": gone.code})


def part(connection: Connection, session: Session, incident_id: UUID, *, note: str, now: datetime) -> None:
    """Part an incident from the one that it was joined into: it goes on where it was.

    Raises
    ------
    ForbiddenError
        If the account does not lead the place.
    ConflictError
        If it is not joined into another.
    """
    incident = lock(connection, session, incident_id)
    _check_lead(session, incident)
    if incident.status != "merged":
        raise ConflictError(f"incident {incident.code} is {incident.status!r} and not joined into another")
    row = connection.execute(_PART, {"id": incident_id, "by": session.account_id, "now": now}).one_or_none()
    if row is None:  # merged elsewhere, and imported so
        raise ConflictError(f"incident {incident.code} was joined before it came here; it can't be parted")
    connection.execute(text("UPDATE incident SET merged_into = NULL WHERE id = :id"), {"id": incident_id})
    kept = lock(connection, session, row.into_id)
    carry_out(connection, session, incident, Move(row.status_before, note), now, detail={"from": kept.code})
    _note(connection, session, kept, now, {"parted": incident.code})


def second(connection: Connection, session: Session, incident_id: UUID, *, note: str | None, now: datetime) -> None:
    """Say that one has seen the same thing (附议): no second report, a line in the history of the first.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account does not report incidents there.
    ConflictError
        If the incident has ended.
    """
    incident = lock(connection, session, incident_id)
    if not REPORTERS & roles_at(session, incident.path, incident.department):
        raise ForbiddenError(f"incidents are seconded by: {', '.join(sorted(REPORTERS))}")
    if incident.status in CLOSED_STATUSES:
        raise ConflictError(f"incident {incident.code} is {incident.status!r}; what is seen now is a new report")
    event = chain.Event(incident.id, 0, incident.status, note, session.account_id, now, {"seconded": True})
    chain.append(connection, event)
    audit.record(connection, "incident.second", account_id=session.account_id, subject=incident.code)
    connection.execute(text("UPDATE incident SET status = status WHERE id = :id"), {"id": incident.id})


def _check_lead(session: Session, *found: Row[Any]) -> None:
    """Refuse those who do not lead every place."""
    for one in found:
        if not APPROVERS & roles_at(session, one.path, one.department):
            raise ForbiddenError(f"incidents are joined and parted by: {', '.join(sorted(APPROVERS))}")


def _note(connection: Connection, session: Session, kept: Row[Any], now: datetime, detail: dict[str, Any]) -> None:
    """Write into the history of the incident that stays, and let it be seen live."""
    chain.append(connection, chain.Event(kept.id, 0, kept.status, None, session.account_id, now, detail))
    audit.record(connection, "incident.join", account_id=session.account_id, subject=kept.code, **detail)
    connection.execute(text("UPDATE incident SET status = status WHERE id = :id"), {"id": kept.id})
