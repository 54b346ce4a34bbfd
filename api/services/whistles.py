"""Whistles of streets and centres for departments (吹哨报到): raised, listed and read; moves are in `whistling`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services import incidents
from api.services.items import PLACE_SQL, require_place
from api.services.sessions import Session
from api.services.supervision import Page
from api.services.whistlemoves import DEPARTMENT, HEAD, MOVES, UNIT
from data import audit
from data.tables.supervision import MOST_DEPARTMENTS, WHISTLE_STATUSES
from geo.datum import Datum, to_wgs84
from layers.tables import CLOSED_STATUSES

UNIT_ROLES = {"street": "street", "district": "dispatcher"}  # level of the unit: who whistles for it
READERS = frozenset({"street", "dispatcher", "department"})
SAMPLE = "示例"
_DEPARTMENTS = text(
    "SELECT name, bool_or(has_account) AS has_account FROM ("
    "  SELECT m.department AS name, true AS has_account FROM membership m JOIN account a ON a.id = m.account_id "
    "    AND a.is_active WHERE m.role = 'department' "
    "  UNION ALL SELECT department, false FROM category WHERE department IS NOT NULL "
    "  UNION ALL SELECT body, false FROM routing_rule WHERE version = (SELECT max(version) FROM routing_book)"
    ") d GROUP BY name ORDER BY name"
)
_REASONS = text("SELECT code, name, name_en, note FROM whistle_reason ORDER BY place")
_LIMITS = text("SELECT step, reason, amount, unit, source FROM whistle_limit ORDER BY step, reason")
_INCIDENT = text(
    "SELECT path::text AS path, grid_code, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM incident WHERE id = :id"
)
_LOCATE = text(
    "SELECT path::text AS path, grid_codes[1] AS grid_code "
    "FROM locate(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :now)"
)
_UNIT = text(
    "SELECT code, path::text AS path, time_zone FROM area WHERE level = :level AND path @> CAST(:path AS ltree)"
)
_INSERT = text(
    "INSERT INTO whistle (id, code, reason, words, place, incident_id, unit_level, unit_code, path, place_path, "
    "  grid_code, geom, departments, whistled_by, whistled_at) "
    "SELECT n, 'CS' || to_char(CAST(:now AS timestamptz) AT TIME ZONE :zone, 'YYYYMMDD') || '-' "
    "    || lpad(n::text, greatest(4, length(n::text)), '0'), "
    "  :reason, :words, :place, :incident_id, :level, :unit_code, CAST(:path AS ltree), CAST(:place_path AS ltree), "
    "  :grid_code, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :departments, :by, :now "
    "FROM nextval('whistle_id_seq') n RETURNING id, code"
)
_CALL = text("INSERT INTO whistle_call (whistle_id, department) VALUES (:id, :department)")
_EVENT = text(
    "INSERT INTO whistle_event (whistle_id, seq, at, move, account_id, department, note) "
    "SELECT :id, coalesce(max(seq), 0) + 1, :now, :move, :by, :department, :note FROM whistle_event "
    "WHERE whistle_id = :id"
)
_SELECT = (
    "SELECT w.id, w.code, w.status, w.reason, r.name AS reason_name, r.name_en AS reason_name_en, w.words, w.place, "
    "  ST_X(w.geom) AS lon, ST_Y(w.geom) AS lat, w.grid_code, w.unit_code, u.name AS unit_name, w.unit_level, "
    "  u.time_zone, w.path::text AS path, w.place_path::text AS place_path, w.departments, w.limit_source, "
    "  w.incident_id, i.code AS incident_code, i.title AS incident_title, w.whistled_by AS whistler, "
    "  raised.display_name AS whistled_by, w.whistled_at, decided.display_name AS decided_by, w.decided_at, "
    "  w.decision_note, w.called_at, w.resolve_due_at, solved.display_name AS resolved_by, w.resolved_at, w.resolution "
    "FROM whistle w LEFT JOIN whistle_reason r ON r.code = w.reason LEFT JOIN area u ON u.code = w.unit_code "
    "LEFT JOIN incident i ON i.id = w.incident_id LEFT JOIN account raised ON raised.id = w.whistled_by "
    "LEFT JOIN account decided ON decided.id = w.decided_by LEFT JOIN account solved ON solved.id = w.resolved_by "
)
_CALLS = text(  # late is what came late, or is to come still; nothing is expected of a whistle that was withdrawn
    "SELECT c.whistle_id, c.department AS name, c.respond_due_at, answered.display_name AS responded_by, "
    "  c.responded_at, c.response_note, coalesce(c.responded_at, e.at) > c.respond_due_at AS is_response_late, "
    "  c.arrive_due_at, came.display_name AS arrived_by, c.arrived_at, "
    "  coalesce(c.arrived_at, e.at) > c.arrive_due_at AS is_arrival_late, c.rating, rated.display_name AS rated_by, "
    "  c.rated_at FROM whistle_call c JOIN whistle w ON w.id = c.whistle_id "
    "CROSS JOIN LATERAL (SELECT coalesce(w.resolved_at, CASE WHEN w.status = 'called' "
    "  THEN CAST(:now AS timestamptz) END) AS at) e "
    "LEFT JOIN account answered ON answered.id = c.responded_by LEFT JOIN account came ON came.id = c.arrived_by "
    "LEFT JOIN account rated ON rated.id = c.rated_by "
    "WHERE c.whistle_id = ANY (:ids) ORDER BY c.whistle_id, c.department"
)
_EVENTS = text(
    "SELECT e.whistle_id, e.seq, e.at, e.move, a.display_name AS by, e.department, e.note FROM whistle_event e "
    "LEFT JOIN account a ON a.id = e.account_id WHERE e.whistle_id = ANY (:ids) ORDER BY e.whistle_id, e.seq"
)
OF_INCIDENT = text(
    "SELECT w.id, w.code, w.status, r.name AS reason_name, r.name_en AS reason_name_en, w.whistled_at FROM whistle w "
    "LEFT JOIN whistle_reason r ON r.code = w.reason WHERE w.incident_id = :id ORDER BY w.id"
)


@dataclass(frozen=True)
class Call:
    """What a street or centre whistles for.

    Attributes
    ----------
    departments
        Who is called.
    incident_id
        About an incident; else about a place.
    lon, lat
        Of a place: degrees, in `datum`.
    place
        Where, in words.
    """

    reason: str
    words: str
    departments: tuple[str, ...]
    incident_id: UUID | None = None
    lon: float | None = None
    lat: float | None = None
    datum: Datum | None = None
    place: str | None = None


@dataclass(frozen=True)
class Happened:
    """One thing that happened to a whistle."""

    id: int
    move: str
    now: datetime
    department: str | None = None
    note: str | None = None


def form(connection: Connection, session: Session) -> dict[str, Any]:
    """Read what can be whistled for: reasons, time limits, departments."""
    require_reader(session)
    return {
        "reasons": [dict(row._mapping) for row in connection.execute(_REASONS)],
        "limits": [dict(row._mapping) for row in connection.execute(_LIMITS)],
        "departments": [dict(row._mapping) for row in connection.execute(_DEPARTMENTS)],
        "may_whistle": bool(session.viewer.roles & set(UNIT_ROLES.values())),
    }


def blow(connection: Connection, session: Session, call: Call, now: datetime) -> int:
    """Whistle; another account of the unit has to approve it before departments are called. Gives its number.

    Raises
    ------
    ForbiddenError
        If the account does not whistle for a street or centre that the place lies in.
    InvalidRequestError
        If the reason is not permitted, a department unknown, or the place no place.
    ConflictError
        If the incident has ended, or is whistled for already.
    """
    if not session.viewer.roles & set(UNIT_ROLES.values()):
        raise ForbiddenError("only streets and centres whistle for departments")
    _check_call(connection, call)
    found = _of_incident(connection, call.incident_id) if call.incident_id else _of_place(connection, call, now)
    level, unit = _unit(connection, session, found["path"])
    row = connection.execute(
        _INSERT,
        {
            **found, "reason": call.reason, "words": call.words, "place": call.place, "now": now,
            "incident_id": call.incident_id, "level": level, "unit_code": unit.code, "path": unit.path,
            "place_path": found["path"], "zone": unit.time_zone, "departments": list(call.departments),
            "by": session.account_id,
        },
    ).one()  # fmt: skip
    connection.execute(_CALL, [{"id": row.id, "department": one} for one in call.departments])
    note_event(connection, session, Happened(row.id, "whistle", now, note=call.words))
    audit.record(connection, "whistle.whistle", account_id=session.account_id, subject=row.code)
    return int(row.id)


def latest(
    connection: Connection, session: Session, *, filters: dict[str, Any], page: Page, now: datetime
) -> dict[str, Any]:
    """List the whistles that the account may see, newest first.

    Parameters
    ----------
    filters
        `status` (several with commas between them), `within`, `incident_id`; None is not given.

    Raises
    ------
    ForbiddenError, InvalidRequestError, MissingError
        If the account's roles show none, there is no such status, or no such area.
    """
    require_reader(session)
    where, values = _where(connection, filters)
    sql = f"{_SELECT} WHERE (:after = 0 OR w.id < :after) {where} ORDER BY w.id DESC LIMIT :limit"
    rows = connection.execute(text(sql), {**values, "after": page.after, "limit": page.limit + 1}).all()
    shown = rows[: page.limit]
    waiting = text("SELECT count(*) FROM whistle w WHERE w.status = 'waiting'")
    return {
        "whistles": _bodies(connection, session, shown, now),
        "next_cursor": str(shown[-1].id) if len(rows) > page.limit else None,
        "waiting_count": connection.execute(waiting).scalar_one(),
    }


def read(connection: Connection, session: Session, number: int, now: datetime) -> dict[str, Any]:
    """Read a whistle with its history and what the account may do now.

    Raises
    ------
    MissingError
        If there is none that the account may see.
    """
    return _bodies(connection, session, [find(connection, number)], now)[0]


def find(connection: Connection, number: int) -> Row[Any]:
    """Read a whistle's row, or say that there is none."""
    row = connection.execute(text(f"{_SELECT} WHERE w.id = :id"), {"id": number}).one_or_none()
    if row is None:
        raise MissingError(f"there is no whistle {number}, or none that you may see")
    return row


def parts_of(session: Session, row: Row[Any]) -> frozenset[str]:
    """Tell what an account is to a whistle: of its unit, the unit's other person, of a department that is called."""
    parts = set()
    role = UNIT_ROLES[row.unit_level]
    if any(one.role == role and _covers(one.path, row.path) for one in session.memberships):
        parts |= {UNIT} if row.whistler == session.account_id else {UNIT, HEAD}
    if set(row.departments) & set(session.viewer.departments):
        parts.add(DEPARTMENT)
    return frozenset(parts)


def note_event(connection: Connection, session: Session, happened: Happened) -> None:
    """Write what happened to a whistle into its history, which only grows."""
    connection.execute(_EVENT, {**vars(happened), "by": session.account_id})


def require_reader(session: Session) -> None:
    """Refuse those whose roles show no whistles."""
    if not session.viewer.roles & READERS:
        raise ForbiddenError("whistles are shown to streets, centres and the departments that they call")


def _check_call(connection: Connection, call: Call) -> None:
    """Refuse what can't be whistled for."""
    reasons = {row.code for row in connection.execute(_REASONS)}
    if call.reason not in reasons:
        why = f"{call.reason!r} is no permitted reason; permitted are {', '.join(sorted(reasons)) or 'none yet'}"
        raise InvalidRequestError(why, (("reason", why),))
    if len(set(call.departments)) != len(call.departments) or not 1 <= len(call.departments) <= MOST_DEPARTMENTS:
        why = f"1 to {MOST_DEPARTMENTS} different departments are called at once"
        raise InvalidRequestError(why, (("departments", why),))
    known = {row.name for row in connection.execute(_DEPARTMENTS)}
    unknown = [one for one in call.departments if one not in known]
    if unknown:
        why = f"there is no department {unknown[0]!r}"
        raise InvalidRequestError(why, (("departments", why),))
    is_place = None not in (call.lon, call.lat, call.datum)
    if is_place == (call.incident_id is not None):
        why = "a whistle is about an incident_id, or about a place with lon, lat and datum; one of the two"
        raise InvalidRequestError(why, (("incident_id", why),))


def _of_incident(connection: Connection, incident_id: UUID) -> dict[str, Any]:
    """Find where an incident lies that is to be whistled for."""
    incident = incidents.find(connection, incident_id)
    if incident.status in CLOSED_STATUSES:
        raise ConflictError(f"incident {incident.code} is {incident.status!r}; there is nothing to whistle for")
    # two who whistle for it at the same time do so one after the other
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 1))"), {"id": str(incident_id)})
    running = text("SELECT code FROM whistle WHERE incident_id = :id AND status IN ('waiting', 'called')")
    code = connection.execute(running, {"id": incident_id}).scalar()
    if code is not None:
        raise ConflictError(f"incident {incident.code} is whistled for already: {code}")
    return dict(connection.execute(_INCIDENT, {"id": incident_id}).one()._mapping)


def _of_place(connection: Connection, call: Call, now: datetime) -> dict[str, Any]:
    """Find where a point lies."""
    lon, lat = to_wgs84([[call.lon or 0.0, call.lat or 0.0]], call.datum or "wgs84")[0].tolist()
    found = connection.execute(_LOCATE, {"lon": lon, "lat": lat, "now": now}).one()
    return {"lon": lon, "lat": lat, "path": found.path, "grid_code": found.grid_code}


def _unit(connection: Connection, session: Session, path: str) -> tuple[str, Row[Any]]:
    """Find the unit that the account whistles for: the street of the place, or the district's centre."""
    for level, role in UNIT_ROLES.items():
        if any(one.role == role and _covers(one.path, path) for one in session.memberships):
            row = connection.execute(_UNIT, {"level": level, "path": path}).one_or_none()
            if row is not None:
                return level, row
    raise ForbiddenError("the place lies in no street or district that you whistle for")


def _where(connection: Connection, filters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Write the conditions of a list."""
    where, values = "", dict[str, Any]()
    if filters["status"] is not None:
        values["status"] = filters["status"].split(",")
        unknown = [one for one in values["status"] if one not in WHISTLE_STATUSES]
        if unknown:
            why = f"{unknown[0]!r} is none of {', '.join(WHISTLE_STATUSES)}"
            raise InvalidRequestError(f"'status': {why}", (("status", why),))
        where += " AND w.status = ANY (:status)"
    if filters["incident_id"] is not None:
        values["incident_id"] = filters["incident_id"]
        where += " AND w.incident_id = :incident_id"
    if filters["within"] is not None:
        found = connection.exec_driver_sql(PLACE_SQL, {"code": filters["within"]}).all()
        values["within"] = require_place([tuple(row) for row in found], filters["within"])[1]
        where += " AND w.place_path <@ CAST(:within AS ltree)"
    return where, values


def _bodies(connection: Connection, session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[dict[str, Any]]:
    """Write whistles as the API gives them."""
    values = {"ids": [row.id for row in rows], "now": now}
    calls, events = defaultdict[int, list[Any]](list), defaultdict[int, list[Any]](list)
    for call in connection.execute(_CALLS, values):
        calls[call.whistle_id].append(dict(call._mapping))
    for event in connection.execute(_EVENTS, values):
        events[event.whistle_id].append(dict(event._mapping))
    return [{**_body(row, session, now), "departments": calls[row.id], "events": events[row.id]} for row in rows]


def _body(row: Row[Any], session: Session, now: datetime) -> dict[str, Any]:
    """Write a whistle."""
    parts = parts_of(session, row)
    body = dict(row._mapping)
    ended_at = row.resolved_at or (now if row.status == "called" else None)
    incident = {"id": row.incident_id, "code": row.incident_code, "title": row.incident_title}
    return {
        **body,
        "unit": {"code": row.unit_code, "name": row.unit_name, "level": row.unit_level},
        "incident": incident if row.incident_code is not None else None,
        "has_incident": row.incident_id is not None,
        "is_resolution_late": ended_at > row.resolve_due_at if ended_at and row.resolve_due_at else None,
        "is_sample_limits": SAMPLE in row.limit_source,
        "moves": [move for move, (_, whose) in MOVES[row.status].items() if whose & parts],
    }


def _covers(top: str, path: str) -> bool:
    """Tell whether a path lies in an area; the empty path covers everything."""
    return not top or path == top or path.startswith(top + ".")
