"""What a desk does with hand-overs: lists them, opens what is sealed, and hands an incident on to 110 or 12345."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, MissingError
from api.services import incidents
from api.services.handovers import COLUMNS, INSERT
from api.services.sessions import Session
from data import audit, chain
from data.integrations.scopelist import newest_scope
from layers.tables import CLOSED_STATUSES

READERS = frozenset({"community", "street", "dispatcher", "department"})
MOST_LISTED = 200
_LIST = f"""
SELECT {COLUMNS}, c.name AS category_name,
  EXISTS (SELECT 1 FROM handover_detail d WHERE d.handover_id = h.id) AS is_sealed,
  q.delivered, q.waiting, q.dead
FROM handover h LEFT JOIN incident i ON i.id = h.incident_id LEFT JOIN category c ON c.code = h.category
CROSS JOIN LATERAL (
  SELECT count(d.delivered_at) AS delivered, count(d.dead_at) AS dead,
    count(*) FILTER (WHERE d.delivered_at IS NULL AND d.dead_at IS NULL) AS waiting
  FROM webhook_delivery d WHERE d.handover_id = h.id) q
WHERE (CAST(:incident_id AS uuid) IS NULL OR h.incident_id = :incident_id)
  AND (CAST(:status AS text) IS NULL OR h.status = :status) AND (CAST(:id AS uuid) IS NULL OR h.id = :id)
ORDER BY h.at DESC, h.id LIMIT :limit
"""
_TOLD = text(
    "SELECT ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, c.name AS category_name, i.category, "
    "  (SELECT a.code FROM area a WHERE a.id = i.area_id) AS area, "
    "  CASE WHEN is_dispute(i.category) OR EXISTS (SELECT 1 FROM handover h WHERE h.incident_id = i.id "
    "    AND h.kind = 'dispute') THEN 'dispute' ELSE 'matter' END AS kind "
    "FROM incident i JOIN category c ON c.code = i.category WHERE i.id = :id"
)


def hand_on(
    connection: Connection, session: Session, incident_id: UUID, *, system: str, words: str, now: datetime
) -> dict[str, Any]:
    """Hand an incident on to 110 or 12345: its webhooks are told, and its history says so; its state stays.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account is no dispatcher there.
    ConflictError
        If it is closed, was handed on there already, or the system has no webhook.
    """
    incident = incidents.lock(connection, session, incident_id)
    if "dispatcher" not in incidents.roles_at(session, incident.path, incident.department):
        raise ForbiddenError("only a dispatcher hands an incident on to another system")
    if incident.status in CLOSED_STATUSES:
        raise ConflictError(f"an incident that is {incident.status!r} is not handed on; reopen it first")
    told = connection.execute(_TOLD, {"id": incident_id}).one()
    version, _ = newest_scope(connection, system)
    handover_id = uuid4()
    values = {
        "id": handover_id, "direction": "out", "system": system, "external_id": None, "kind": told.kind, "code": None,
        "category": told.category, "incident_id": incident_id, "status": "sent", "reason": None,
        "scope_version": version, "at": now, "account_id": session.account_id, "path": incident.path,
        "content": "{}", "digests": "{}",
    }  # fmt: skip
    if not connection.execute(INSERT, values).rowcount:
        raise ConflictError(f"{incident.code} was handed on to {system} already")
    more = {name: getattr(told, name) for name in ("lon", "lat", "category_name", "area")} | {"words": words}
    queued = connection.execute(
        text("SELECT hand_on(:id, CAST(:more AS jsonb))"), {"id": handover_id, "more": json.dumps(more)}
    ).scalar_one()
    if not queued:
        raise ConflictError(
            f"{system} has no webhook yet; an operator adds one with: yiwangtu webhook add {system} URL"
        )
    detail = {"handover": {"system": system, "id": str(handover_id)}}
    chain.append(connection, chain.Event(incident_id, 0, incident.status, words, session.account_id, now, detail))
    audit.record(
        connection, "handover.sent", account_id=session.account_id, subject=incident.code, system=system,
        version=version,
    )  # fmt: skip
    return read(connection, session, handover_id)


def list_handovers(
    connection: Connection, session: Session, *, incident_id: UUID | None, status: str | None, limit: int
) -> list[dict[str, Any]]:
    """List the hand-overs of one's areas, newest first.

    Raises
    ------
    ForbiddenError
        If the account's roles show none.
    """
    _check_reader(session)
    values = {"incident_id": incident_id, "status": status, "id": None, "limit": limit}
    return [_listed(row) for row in connection.execute(text(_LIST), values)]


def read(connection: Connection, session: Session, handover_id: UUID) -> dict[str, Any]:
    """Read one hand-over.

    Raises
    ------
    MissingError
        If there is none that the account may see.
    """
    _check_reader(session)
    values = {"incident_id": None, "status": None, "id": handover_id, "limit": 1}
    row = connection.execute(text(_LIST), values).one_or_none()
    if row is None:
        raise MissingError(f"there is no hand-over {handover_id}, or none that you may see")
    return _listed(row)


def open_details(connection: Connection, session: Session, handover_id: UUID) -> dict[str, Any]:
    """Open the sealed details of a dispute; that it was done, and by whom, is written down with it.

    Raises
    ------
    ForbiddenError
        If the account's roles never open them.
    MissingError
        If there are none, or none that the account may see.
    """
    _check_reader(session)
    row = connection.execute(text("SELECT * FROM open_handover(:id)"), {"id": handover_id}).one_or_none()
    if row is None:
        raise MissingError(f"the hand-over {handover_id} has no sealed details, or none that you may open")
    found = dict(row._mapping)
    del found["handover_id"]
    return found


def _check_reader(session: Session) -> None:
    """Refuse roles that have nothing to do with hand-overs."""
    if not session.viewer.roles & READERS:
        raise ForbiddenError(f"hand-overs are for the roles {', '.join(sorted(READERS))}")


def _listed(row: Row[Any]) -> dict[str, Any]:
    """Give what the desk is told."""
    found = dict(row._mapping)
    found["deliveries"] = {name: found.pop(name) for name in ("delivered", "waiting", "dead")}
    return found
