"""Reports of residents: taken in without an account, followed and answered by who holds the tracking code."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError, ServiceError
from api.services import incidents, photos, reporting, routing
from api.services.incidents import Move
from api.services.moves import check_move
from api.services.sessions import Session
from data.deadlines.clock import Limit
from data.deadlines.store import read_clock
from data.deadlines.wording import Deadline, explain
from data.photos.store import PhotoStore
from data.residents.codes import code_hash, read_code, report_id, tracking_code
from data.residents.progress import Progress, joined_steps, step_of, steps_of
from geo.datum import Datum

MOST_PHOTOS = 3
MOST_WORDS, MOST_WHERE, MOST_NOTE = 1000, 100, 500
CALLERS = frozenset({"community", "street", "dispatcher", "department"})
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,19}")
_SCOPE = text("SELECT set_config('yiwangtu.report', :id, true)")
_NAMED = frozenset({"grid", "community"})  # what a report without a position may name
_CASE = text(
    "SELECT i.id, i.code, i.status, i.path::text AS path, i.department, i.closed_at, i.due_at, i.rating, "
    "  i.category AS category_code, c.name AS category, c.name_en AS category_en "
    "FROM incident i LEFT JOIN category c ON c.code = i.category "
    "WHERE i.id = :id"
)
_EVENTS = text("SELECT status, detail, at FROM incident_event WHERE incident_id = :id ORDER BY seq")
_DEADLINE = text(
    "SELECT amount, unit, source, started_at, time_zone, stopped_at FROM incident_deadline WHERE incident_id = :id"
)
_ZONE = text("SELECT time_zone FROM area WHERE path @> CAST(:path AS ltree) ORDER BY nlevel(path) LIMIT 1")


class UnusableError(InvalidRequestError):
    """A field of a resident's form can't be used; `reason` names the sentence that says why, `limit` what it tells."""

    def __init__(self, field: str, reason: str, said: str, limit: int | None = None) -> None:
        super().__init__(f"{field}: {said}", ((field, said),))
        self.field, self.reason, self.limit = field, reason, limit


class ClosedError(ConflictError):
    """A report can't be rated or reopened any more, or not yet."""


@dataclass(frozen=True)
class Sent:
    """What a resident sends.

    Attributes
    ----------
    key
        A UUIDv7 that its sender alone has; see `data.residents.codes`.
    place
        Code of a grid or a community; needed where there is no position.
    where
        The place in words.
    lon, lat
        The device's position, degrees in `datum`, where the sender chose to tell it.
    """

    key: UUID
    category: str
    words: str
    place: str = ""
    where: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: Datum = "wgs84"
    accuracy_m: float | None = None
    phone: str = ""


@dataclass(frozen=True)
class _Resident:
    """Who answers a report: nobody that is known."""

    account_id: None = None


def take_in(
    connection: Connection, store: PhotoStore, sent: Sent, pictures: Sequence[bytes], now: datetime
) -> tuple[str, bool]:
    """Take a resident's report in, once; its tracking code follows from its key.

    Parameters
    ----------
    connection
        In a transaction as nobody.
    store
        Keeps the photos.
    pictures
        Photos as `photos.rewrite` takes them; those of a report that came before are not looked at.

    Returns
    -------
    receipt, is_new
        The receipt number, and whether this call made it.

    Raises
    ------
    InvalidRequestError
        If a field can't be used.
    ConflictError
        If another report came with this key.
    """
    check(sent, len(pictures))
    incident_id = report_id(sent.key)
    connection.execute(_SCOPE, {"id": str(incident_id)})
    kind, lon, lat, accuracy_m = _locate(connection, sent)
    where = f"\n地点：{sent.where}" if sent.where else ""
    report = reporting.Report(
        incident_id, sent.category, None, sent.words + where, lon, lat, sent.datum if kind == "device" else "wgs84",
        accuracy_m, None,
    )  # fmt: skip
    code, is_new = reporting.take_in(
        connection, reporting.Reporter(None, "resident"), report, now, is_placed=kind == "device"
    )
    if not is_new:
        return code, False
    values = {"id": incident_id, "hash": code_hash(tracking_code(sent.key)), "place": kind, "phone": sent.phone}
    connection.execute(
        text("INSERT INTO resident_report (incident_id, code_hash, place) VALUES (:id, :hash, :place)"), values
    )
    if sent.phone:
        connection.execute(text("INSERT INTO resident_contact (incident_id, phone) VALUES (:id, :phone)"), values)
    for picture in pictures:
        photo_id = uuid5(incident_id, hashlib.sha256(picture).hexdigest())
        photos.keep(connection, store, photos.Owner(incident_id, code, None), photos.Sent(photo_id, picture))
    return code, True


def check(sent: Sent, photo_count: int) -> None:
    """Refuse a form that can't be used; the error names the field.

    Raises
    ------
    UnusableError
        For the first field that can't.
    """
    if sent.key.version != 7:
        raise UnusableError("key", "key", "must be a UUID of version 7")
    if not sent.category:
        raise UnusableError("category", "category", "is needed")
    if not sent.words:
        raise UnusableError("words", "words", "is needed")
    for field, text_, most in (("words", sent.words, MOST_WORDS), ("where", sent.where, MOST_WHERE)):
        _check_text(field, text_, most)
    if sent.phone and not (_PHONE.fullmatch(sent.phone) and sum(one.isdigit() for one in sent.phone) >= 5):
        raise UnusableError("phone", "phone", "is no telephone number: 5 to 20 digits, spaces and dashes")
    if photo_count > MOST_PHOTOS:
        raise UnusableError("photos", "photos", f"at most {MOST_PHOTOS} photos are taken", MOST_PHOTOS)


def _check_text(field: str, value: str, most: int) -> None:
    """Refuse what is too long, or has signs that nobody types."""
    if len(value) > most:
        raise UnusableError(field, "long", f"has {len(value)} characters; at most {most} are taken", most)
    if any(ord(one) < 32 and one not in "\r\n\t" for one in value):
        raise UnusableError(field, "signs", "must not contain control characters")


def _locate(connection: Connection, sent: Sent) -> tuple[str, float, float, float | None]:
    """Find where a report lies: at the device, else in the middle of the grid or community that it names."""
    if sent.lon is not None and sent.lat is not None:
        return "device", sent.lon, sent.lat, sent.accuracy_m
    known = routing.known_place(connection, sent.place) if sent.place else None
    if known is None or known.level not in _NAMED:
        raise UnusableError("place", "place", f"there is no grid or community {sent.place!r}, and no position was sent")
    return known.level, known.lon, known.lat, round(known.reach_m, 1)


def find(connection: Connection, typed: str) -> tuple[UUID, UUID]:
    """Find what a tracking code leads to: the report, and the incident that it is handled as.

    Raises
    ------
    MissingError
        If there is none with this code.
    """
    code = read_code(typed)
    found = None
    if code is not None:
        row = connection.execute(text("SELECT incident_id, kept_id FROM find_report(:hash)"), {"hash": code_hash(code)})
        found = row.one_or_none()
    if found is None or found.incident_id is None:
        raise MissingError("there is no report with this tracking code; please check its 12 signs")
    return found.incident_id, found.kept_id


def follow(
    connection: Connection, typed: str, now: datetime, *, reopen_days: int, services: frozenset[str]
) -> Progress:
    """Tell the holder of a tracking code how far the report is.

    Parameters
    ----------
    services
        Categories of reports that are orders, whose steps have other names.

    Raises
    ------
    MissingError
        If there is none with this code.
    """
    own_id, kept_id = find(connection, typed)
    connection.execute(_SCOPE, {"id": str(own_id)})
    is_order = connection.execute(_CASE, {"id": own_id}).one().category_code in services
    steps = steps_of(connection.execute(_EVENTS, {"id": own_id}).all(), is_order=is_order)
    if kept_id != own_id:
        connection.execute(_SCOPE, {"id": str(kept_id)})
        kept = steps_of(connection.execute(_EVENTS, {"id": kept_id}).all(), is_order=is_order)
        steps = joined_steps(steps, kept)
    case = connection.execute(_CASE, {"id": kept_id}).one()
    zone = connection.execute(_ZONE, {"path": case.path}).scalar() or "Asia/Shanghai"
    deadline = connection.execute(_DEADLINE, {"id": kept_id}).one_or_none()
    due = _due(connection, case, deadline)
    return Progress(
        receipt=case.code, category=case.category or "", category_en=case.category_en or case.category or "",
        step=step_of(case.status, is_order=is_order), steps=steps, body=case.department, is_joined=kept_id != own_id,
        due_at=case.due_at if due else None, due_words=due and due[0],
        due_words_en=due and due[1], rating=case.rating, may_rate=case.status == "closed",
        may_reopen_until=_reopen_until(case, now, reopen_days), time_zone=zone,
    )  # fmt: skip


def answer(connection: Connection, typed: str, step: Move, now: datetime, *, reopen_days: int) -> None:
    """Let the holder of a tracking code rate the closed report, or say that it is not done.

    Raises
    ------
    MissingError
        If there is none with this code.
    ClosedError
        If it is not closed, was rated already, or the days for reopening are over.
    InvalidRequestError
        If the rating or the reason is missing, or too long.
    """
    if step.to == "reopened" and not step.note:
        raise UnusableError("note", "reason", "a reason is needed")
    if step.to == "rated" and step.rating not in range(1, 6):
        raise UnusableError("rating", "rating", "must be 1 to 5")
    _check_text("note", step.note or "", MOST_NOTE)
    kept_id = find(connection, typed)[1]
    connection.execute(_SCOPE, {"id": str(kept_id)})
    case = connection.execute(_CASE, {"id": kept_id}).one()
    if case.status == "closed":  # only then may its row be held
        held = text("SELECT status FROM incident WHERE id = :id AND status = 'closed' FOR UPDATE")
        if connection.execute(held, {"id": kept_id}).one_or_none() is None:
            case = connection.execute(_CASE, {"id": kept_id}).one()
    try:
        check_move(case.status, step.to, {"resident"})
    except ServiceError:
        why = "was rated already" if case.status == "rated" else "is not closed; it can be rated once it is"
        raise ClosedError(f"the report {why}") from None
    if step.to == "reopened" and _reopen_until(case, now, reopen_days) is None:
        raise ClosedError(f"the {reopen_days} days in which the report could be reopened are over")
    incidents.carry_out(connection, _Resident(), case, step, now, detail={"resident": True})


def contact(connection: Connection, session: Session, incident_id: UUID) -> str:
    """Read the telephone number that a resident left; that it was read is written down.

    Raises
    ------
    MissingError
        If there is no such incident, none that the account may see, or no number (any more).
    ForbiddenError
        If the account's roles do not call residents back.
    """
    found = incidents.find(connection, incident_id)
    if not incidents.roles_at(session, found.path, found.department) & CALLERS:
        raise ForbiddenError(f"residents are called back by: {', '.join(sorted(CALLERS))}")
    phone = connection.execute(text("SELECT open_contact(:id)"), {"id": incident_id}).scalar()
    if phone is None:
        raise MissingError(f"there is no telephone number with incident {found.code}: none was left, or it was erased")
    return str(phone)


def erase_contacts(connection: Connection, days: int) -> int:
    """Erase the telephone numbers of reports that were closed so many days ago; tells how many."""
    return int(connection.execute(text("SELECT erase_contacts(:days)"), {"days": days}).scalar_one())


def _reopen_until(case: Row[Any], now: datetime, days: int) -> datetime | None:
    """Until when a closed report may be reopened by its reporter; None when it may not."""
    if case.status != "closed" or case.closed_at is None:
        return None
    until: datetime = case.closed_at + timedelta(days=days)
    return until if now <= until else None


def _due(connection: Connection, case: Row[Any], deadline: Row[Any] | None) -> tuple[str, str] | None:
    """Say until when and why, without what the staff wrote; None where there is no limit or it is done."""
    if deadline is None or case.due_at is None or deadline.stopped_at is not None:
        return None
    limit = Limit(deadline.amount, deadline.unit)
    said = Deadline(limit, deadline.source, deadline.started_at, case.due_at)
    return explain(said, read_clock(connection, deadline.time_zone))
