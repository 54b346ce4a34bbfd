"""Report an incident, once, and move it through its life."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services.moves import NEEDS_NOTE, check_move
from api.services.sessions import Session
from data import audit, chain
from geo.datum import Datum, to_wgs84
from layers.query import ItemQuery, item_sql, sight
from layers.registry import get_layer
from layers.viewer import CASE_ROLES, Viewer

REPORTERS = frozenset({"worker", "community", "street", "dispatcher"})
FUTURE_S = 300  # how far a phone's clock may be ahead

_INSERT = text(
    "INSERT INTO incident (id, category, title, description, status, source, department, reported_by, body_hash, "
    "  datum, original_lon, original_lat, accuracy_m, reported_at, due_at, geom) "
    "VALUES (:id, :category, :title, :description, 'reported', :source, :department, :reported_by, :body_hash, "
    "  :datum, :original_lon, :original_lat, :accuracy_m, :reported_at, :due_at, "
    "  ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) "
    "ON CONFLICT (id) DO NOTHING RETURNING code, path::text AS path"
)
_UPDATE = text(
    "UPDATE incident SET status = :to, rating = coalesce(:rating, rating), "
    "  resolved_at = CASE WHEN :to = 'resolved' THEN :now WHEN :to = 'reopened' THEN NULL ELSE resolved_at END, "
    "  closed_at = CASE WHEN :to IN ('closed', 'rejected') THEN :now WHEN :to = 'reopened' THEN NULL "
    "    ELSE closed_at END "
    "WHERE id = :id"
)


@dataclass(frozen=True)
class Report:
    """What a reporter sends.

    Attributes
    ----------
    id
        Made by the client, so that sending twice is one report.
    lon, lat
        Degrees, in `datum`.
    accuracy_m
        Radius of the device's position, metres.
    reported_at
        When it was seen; None is now.
    """

    id: UUID
    category: str
    title: str
    description: str | None
    lon: float
    lat: float
    datum: Datum
    accuracy_m: float | None
    reported_at: datetime | None


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
    """

    to: str
    note: str | None = None
    rating: int | None = None


@dataclass(frozen=True)
class Category:
    """A kind of incident."""

    code: str
    parent: str | None
    name: str
    name_en: str | None
    department: str | None
    limit_hours: int | None


def categories(connection: Connection) -> list[Category]:
    """Read all categories, by code."""
    rows = connection.execute(
        text("SELECT code, parent, name, name_en, department, limit_hours FROM category ORDER BY code")
    )
    return [Category(*row) for row in rows]


def report(connection: Connection, session: Session, sent: Report, now: datetime) -> tuple[str, bool]:
    """Take a report in, once.

    Parameters
    ----------
    connection
        In a transaction as the session's viewer.
    now
        The time, in UTC.

    Returns
    -------
    code, is_new
        The receipt number, and whether this call made it; the same report again gets the same receipt.

    Raises
    ------
    ForbiddenError
        If the account does not report incidents.
    InvalidRequestError
        If the category can't be reported, the place is in no district, or the time lies ahead.
    ConflictError
        If another report has this id already.
    """
    roles = session.viewer.roles & REPORTERS
    if not roles:
        raise ForbiddenError("your roles do not report incidents")
    reported_at = sent.reported_at or now
    if reported_at > now + timedelta(seconds=FUTURE_S):
        raise InvalidRequestError(f"reported_at {reported_at.isoformat()} lies ahead", (("reported_at", "lies ahead"),))
    category = _reportable(connection, sent.category)
    lon, lat = to_wgs84([[sent.lon, sent.lat]], sent.datum)[0].tolist()
    body_hash = _hash(sent)
    row = connection.execute(
        _INSERT,
        {
            **asdict(sent), "source": "worker" if "worker" in roles else "patrol", "department": category.department,
            "reported_by": session.account_id, "body_hash": body_hash, "original_lon": sent.lon,
            "original_lat": sent.lat, "reported_at": reported_at, "lon": lon, "lat": lat,
            "due_at": reported_at + timedelta(hours=category.limit_hours) if category.limit_hours else None,
        },
    ).one_or_none()  # fmt: skip
    if row is None:
        return _receipt(connection, session, sent.id, body_hash), False
    if not row.path:
        place = f"lon {sent.lon}, lat {sent.lat} ({sent.datum})"
        raise InvalidRequestError(
            f"{place} lies in no district of this map; check place and datum", (("lon", "lies in no district"),)
        )
    chain.append(connection, sent.id, "reported", note=None, account_id=session.account_id, at=now)
    audit.record(connection, "incident.report", account_id=session.account_id, subject=row.code)
    return str(row.code), True


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
    incident = _lock(connection, session, incident_id)
    check_move(incident.status, step.to, roles_at(session, incident.path, incident.department))
    if step.to == "verified" and _resolver(connection, incident_id) == session.account_id:
        raise ForbiddenError("who resolved an incident can't verify it; somebody else must")
    connection.execute(_UPDATE, {"id": incident_id, "to": step.to, "rating": step.rating, "now": now})
    chain.append(connection, incident_id, step.to, note=step.note, account_id=session.account_id, at=now)
    audit.record(
        connection, "incident.move", account_id=session.account_id, subject=incident.code, to=step.to,
        **{"from": incident.status},
    )  # fmt: skip
    return str(incident.code)


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
    """Read what decides about an incident: code, status, path, department, reported_by.

    Raises
    ------
    MissingError
        If there is none that the transaction's viewer may see.
    """
    return _one(connection, incident_id, "")


def _one(connection: Connection, incident_id: UUID, suffix: str) -> Row[Any]:
    """Read an incident's row, or say that there is none."""
    row = connection.execute(
        text("SELECT code, status, path::text AS path, department, reported_by FROM incident WHERE id = :id" + suffix),
        {"id": incident_id},
    ).one_or_none()
    if row is None:
        raise MissingError(f"there is no incident {incident_id}, or none that you may see")
    return row


def _lock(connection: Connection, session: Session, incident_id: UUID) -> Row[Any]:
    """Take an incident's row; tell what one may see but not handle from what one may not see."""
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


def _resolver(connection: Connection, incident_id: UUID) -> int | None:
    """Find who resolved an incident last."""
    return connection.execute(
        text(
            "SELECT account_id FROM incident_event WHERE incident_id = :id AND status = 'resolved' "
            "ORDER BY seq DESC LIMIT 1"
        ),
        {"id": incident_id},
    ).scalar()


def _reportable(connection: Connection, code: str) -> Row[Any]:
    """Find the department and time limit of a category that has no finer ones."""
    row = connection.execute(
        text(
            "SELECT department, limit_hours, EXISTS (SELECT 1 FROM category f WHERE f.parent = c.code) AS is_group "
            "FROM category c WHERE code = :code"
        ),
        {"code": code},
    ).one_or_none()
    if row is None or row.is_group:
        why = f"there is no category {code!r}" if row is None else f"category {code!r} is a group; choose a finer one"
        raise InvalidRequestError(why, (("category", why),))
    return row


def _receipt(connection: Connection, session: Session, incident_id: UUID, body_hash: str) -> str:
    """Give the receipt of a report that came before, if it was this one and this account's."""
    row = connection.execute(
        text("SELECT code, body_hash, reported_by FROM incident WHERE id = :id"), {"id": incident_id}
    ).one_or_none()
    if row is None or (row.body_hash, row.reported_by) != (body_hash, session.account_id):
        raise ConflictError(f"another report has the id {incident_id} already; a changed report needs a new id")
    return str(row.code)


def _hash(sent: Report) -> str:
    """Hash a report, so that the same one is known again."""
    body = json.dumps(asdict(sent), sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
