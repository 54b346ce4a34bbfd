"""All that is known of one incident: its place and time limit with their reasons, history, requests, duplicates."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from api.errors import ForbiddenError
from api.services import incidents, supervision, whistles
from api.services.moves import APPROVERS, MOVES, NEEDS_APPROVAL
from api.services.proofs import lacks_after_photo
from api.services.sessions import Session
from layers.viewer import CASE_ROLES

_ROUTES = text(
    "SELECT at, version, basis, body, grid_code, tied, outside_m, words, words_en FROM incident_route "
    "WHERE incident_id = :id ORDER BY seq"
)
_DEADLINE = text(
    "SELECT d.amount, d.unit, d.source, d.time_zone, d.started_at, d.stopped_at, i.due_at, "
    "  coalesce(d.stopped_at, now()) > i.due_at AS is_overdue, d.words, d.words_en "
    "FROM incident_deadline d JOIN incident i ON i.id = d.incident_id WHERE d.incident_id = :id"
)
_EVENTS = text(
    "SELECT e.seq, e.at, e.status, e.note, e.detail, a.display_name AS by FROM incident_event e "
    "LEFT JOIN account a ON a.id = e.account_id WHERE e.incident_id = :id ORDER BY e.seq"
)
_REQUESTS = text(
    "SELECT r.id, r.kind, r.reason, r.amount, r.asked_at, asked.display_name AS asked_by, r.decided_at, "
    "  decided.display_name AS decided_by, r.is_granted, r.decision_note, r.ended_at, "
    "  r.asked_by IS NOT DISTINCT FROM (SELECT scope_account()) AS is_own FROM incident_request r "
    "LEFT JOIN account asked ON asked.id = r.asked_by LEFT JOIN account decided ON decided.id = r.decided_by "
    "WHERE r.incident_id = :id ORDER BY r.id"
)
_JOINED = text(
    "SELECT i.id, i.code, i.title, i.description, i.source, i.reported_at, "
    "  (SELECT json_agg(p.id ORDER BY p.created_at, p.id) FROM incident_photo p WHERE p.incident_id = i.id) AS photos "
    "FROM incident i WHERE i.merged_into = :id ORDER BY i.reported_at, i.id"
)
_INTO = text("SELECT k.id, k.code, k.title FROM incident i JOIN incident k ON k.id = i.merged_into WHERE i.id = :id")

_RESIDENT = text(
    "SELECT r.place, EXISTS (SELECT 1 FROM resident_contact c WHERE c.incident_id = r.incident_id) AS has_phone "
    "FROM resident_report r WHERE r.incident_id = :id"
)


def read(connection: Connection, session: Session, incident_id: UUID) -> dict[str, Any]:
    """Read an incident's file, with the moves that the account may make.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account does not work on incidents.
    """
    found = incidents.find(connection, incident_id)
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not show what an incident is about")
    roles = incidents.roles_at(session, found.path, found.department)
    legal = MOVES[found.status]
    moves = {to for to, whose in legal.items() if whose & roles and to not in NEEDS_APPROVAL}
    if "verified" in moves and incidents.resolver(connection, incident_id) == session.account_id:
        moves.remove("verified")

    def rows(statement: Any) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in connection.execute(statement, {"id": incident_id})]

    return {
        "incident": orjson.loads(incidents.feature(connection, session.viewer, found.code)),
        "moves": sorted(moves),
        "may_ask": sorted(to for to, whose in legal.items() if whose & roles and to in NEEDS_APPROVAL),
        "routes": rows(_ROUTES),
        "deadline": next(iter(rows(_DEADLINE)), None),
        "events": rows(_EVENTS),
        "requests": rows(_REQUESTS),
        "joined": rows(_JOINED),
        "into": next(iter(rows(_INTO)), None),
        "resident": next(iter(rows(_RESIDENT)), None),
        "may_lead": bool(APPROVERS & roles),
        "needs_after_photo": lacks_after_photo(connection, incident_id),
        **supervision.of_incident(connection, session, incident_id),
        "whistles": rows(whistles.OF_INCIDENT),
    }
