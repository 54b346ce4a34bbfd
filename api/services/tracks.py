"""Shifts that a grid worker begins and ends, and the track of one, if the worker wants it.

A track is for the worker alone: row-level security shows it to nobody else, whatever their role, and after 30 days it
is gone. Every look at it is written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services.rounds import find_grid
from api.services.sessions import Session
from data import audit
from data.tables.rounds import TRACK_DAYS

MOST_POINTS = 500  # of one call
MOST_OF_A_SHIFT = 5000
SLACK = timedelta(minutes=2)  # of a phone's clock
_SHIFT = text("SELECT id, grid_code, started_at, ended_at, is_tracked FROM shift WHERE id = :id")
_SHIFTS = text("""
SELECT s.id, s.grid_code AS grid, s.started_at, s.ended_at, s.is_tracked,
       (SELECT count(*) FROM track_point p WHERE p.shift_id = s.id) AS points,
       (SELECT count(*) FROM round_mark m WHERE m.shift_id = s.id) AS marks,
       (SELECT count(*) FROM visit v WHERE v.shift_id = s.id) AS visits
FROM shift s WHERE s.started_at > :now - make_interval(days => :days) ORDER BY s.started_at DESC LIMIT 100
""")
_POINTS = text("SELECT at, lon, lat, accuracy_m FROM track_point WHERE shift_id = :id ORDER BY at")


@dataclass(frozen=True)
class Shift:
    """The beginning of a shift; `is_tracked` only where the worker wants it."""

    id: UUID
    grid: str
    started_at: datetime
    is_tracked: bool


@dataclass(frozen=True)
class Point:
    """Where the worker was; degrees in WGS84."""

    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None


def begin(connection: Connection, session: Session, sent: Shift, now: datetime) -> bool:
    """Begin a shift, once; tells whether this call did.

    Raises
    ------
    MissingError
        If there is no such grid, or none that the account may see.
    ForbiddenError
        If the account is not the grid's worker.
    ConflictError
        If another shift has this id.
    """
    grid = find_grid(connection, session, sent.grid)
    values = {
        **vars(sent), "account_id": session.account_id, "grid_code": grid.code, "path": grid.path,
        "started_at": min(sent.started_at, now),
    }  # fmt: skip
    inserted = connection.execute(
        text(
            "INSERT INTO shift (id, account_id, grid_code, path, started_at, is_tracked) "
            "VALUES (:id, :account_id, :grid_code, CAST(:path AS ltree), :started_at, :is_tracked) "
            "ON CONFLICT (id) DO NOTHING"
        ),
        values,
    )
    if inserted.rowcount:
        return True
    known = connection.execute(_SHIFT, values).one_or_none()
    if known is None or (known.grid_code, known.is_tracked) != (grid.code, sent.is_tracked):
        raise ConflictError(f"another shift has the id {sent.id} already")
    return False


def end(connection: Connection, session: Session, shift_id: UUID, at: datetime, now: datetime) -> None:
    """End a shift; one that has ended stays as it is.

    Raises
    ------
    MissingError
        If the account has no such shift.
    ForbiddenError
        If the account is no worker.
    """
    shift = _own(connection, session, shift_id)
    values = {"id": shift_id, "at": max(min(at, now), shift.started_at)}
    connection.execute(text("UPDATE shift SET ended_at = :at WHERE id = :id AND ended_at IS NULL"), values)


def add(connection: Connection, session: Session, shift_id: UUID, points: Sequence[Point], now: datetime) -> int:
    """Add points to the track of a shift, each once; tells how many the track has.

    Raises
    ------
    MissingError
        If the account has no such shift.
    ForbiddenError
        If the account is no worker.
    ConflictError
        If the shift keeps no track.
    InvalidRequestError
        If a point lies outside the shift's time, or the track is full.
    """
    shift = _own(connection, session, shift_id)
    if not shift.is_tracked:
        raise ConflictError("this shift keeps no track; its worker did not ask for one")
    first, last = shift.started_at - SLACK, (shift.ended_at or now) + SLACK
    for number, point in enumerate(points):
        if not first <= point.at <= last:
            why = f"point {number + 1} of {point.at.isoformat()} lies outside the shift"
            raise InvalidRequestError(why, ((f"points.{number}.at", why),))
    known = connection.execute(text("SELECT count(*) FROM track_point WHERE shift_id = :id"), {"id": shift_id})
    if known.scalar_one() + len(points) > MOST_OF_A_SHIFT:
        raise InvalidRequestError(f"the track of a shift has at most {MOST_OF_A_SHIFT} points")
    connection.execute(
        text(
            "INSERT INTO track_point (shift_id, at, lon, lat, accuracy_m) "
            "VALUES (:shift_id, :at, :lon, :lat, :accuracy_m) ON CONFLICT (shift_id, at) DO NOTHING"
        ),
        [{**vars(point), "at": min(point.at, now), "shift_id": shift_id} for point in points],
    )
    total = connection.execute(text("SELECT count(*) FROM track_point WHERE shift_id = :id"), {"id": shift_id})
    return int(total.scalar_one())


def find_all(connection: Connection, session: Session, now: datetime) -> list[dict[str, Any]]:
    """Read the account's own shifts of 30 days, the newest first, with how much was entered on each.

    Raises
    ------
    ForbiddenError
        If the account is no worker.
    """
    _require_worker(session)
    rows = connection.execute(_SHIFTS, {"now": now, "days": TRACK_DAYS})
    return [dict(row._mapping) for row in rows]


def read(connection: Connection, session: Session, shift_id: UUID) -> list[dict[str, Any]]:
    """Read the track of one's own shift; that it was looked at is written down.

    Raises
    ------
    MissingError
        If the account has no such shift.
    ForbiddenError
        If the account is no worker.
    """
    _own(connection, session, shift_id)
    rows = connection.execute(_POINTS, {"id": shift_id}).all()
    audit.record(connection, "track.read", account_id=session.account_id, subject=str(shift_id), points=len(rows))
    return [dict(row._mapping) for row in rows]


def erase(connection: Connection, session: Session, shift_id: UUID) -> int:
    """Erase the track of one's own shift; tells how many points it had.

    Raises
    ------
    MissingError
        If the account has no such shift.
    ForbiddenError
        If the account is no worker.
    """
    _own(connection, session, shift_id)
    gone = connection.execute(text("DELETE FROM track_point WHERE shift_id = :id"), {"id": shift_id}).rowcount
    audit.record(connection, "track.delete", account_id=session.account_id, subject=str(shift_id), points=gone)
    return gone


def forget_old(connection: Connection) -> int:
    """Erase all points of more than 30 days ago; tells how many."""
    return int(connection.execute(text("SELECT forget_tracks()")).scalar_one())


def _own(connection: Connection, session: Session, shift_id: UUID) -> Row[Any]:
    """Find a shift of the account's own: row-level security shows no other."""
    _require_worker(session)
    row = connection.execute(_SHIFT, {"id": shift_id}).one_or_none()
    if row is None:
        raise MissingError(f"you have no shift {shift_id}")
    return row


def _require_worker(session: Session) -> None:
    """Refuse who has no shifts."""
    if "worker" not in session.viewer.roles:
        raise ForbiddenError("shifts are for grid workers")
