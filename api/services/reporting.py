"""Take reports of incidents in, each once, whatever happens on the way."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError
from api.services import routing
from api.services.sessions import Session
from data import audit, chain
from data.catalogue.categories import spellings
from data.deadlines import store as deadlines
from geo.datum import Datum, to_wgs84

REPORTERS = frozenset({"worker", "community", "street", "dispatcher"})
COMPARED = ("category", "title", "description", "lon", "lat", "datum", "accuracy_m", "occurred_at")

_INSERT = text(
    "INSERT INTO incident (id, category, title, description, status, source, department, reported_by, body_hash, "
    "  datum, original_lon, original_lat, accuracy_m, is_placed, occurred_at, reported_at, received_at, due_at, path, "
    "  area_id, grid_code, geom) "
    "VALUES (:id, :category, :title, :description, 'reported', :source, :department, :reported_by, :body_hash, "
    "  :datum, :original_lon, :original_lat, :accuracy_m, :is_placed, :occurred_at, :reported_at, :received_at, "
    "  :due_at, CAST(:path AS ltree), :area_id, :grid_code, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) "
    "ON CONFLICT (id) DO NOTHING RETURNING code"
)
_KNOWN = text(
    "SELECT i.code, i.body_hash, i.reported_by, i.category, i.title, i.description, i.original_lon AS lon, "
    "  i.original_lat AS lat, i.datum, i.accuracy_m, coalesce(i.occurred_at, i.reported_at) AS occurred_at, "
    "  c.code AS category_sent, c.name AS category_name "
    "FROM incident i LEFT JOIN category c ON c.code = ANY (:codes) WHERE i.id = :id"
)


@dataclass(frozen=True)
class Report:
    """What a reporter sends.

    Attributes
    ----------
    id
        Made by the client, so that sending twice is one report.
    title
        None is the category's name.
    lon, lat
        Degrees, in `datum`.
    accuracy_m
        Radius of the device's position, metres.
    occurred_at
        When it was seen, by the sender's clock; None is now. A clock that is ahead counts as now; what it said is kept.
    """

    id: UUID
    category: str
    title: str | None
    description: str | None
    lon: float
    lat: float
    datum: Datum
    accuracy_m: float | None
    occurred_at: datetime | None


@dataclass(frozen=True)
class Reporter:
    """Who reports: an account, or nobody that is known, and where such reports come from."""

    account_id: int | None
    source: str


def report(connection: Connection, session: Session, sent: Report, now: datetime) -> tuple[str, bool]:
    """Take an account's report in, once; see `take_in`.

    Raises
    ------
    ForbiddenError
        If the account does not report incidents.
    """
    roles = session.viewer.roles & REPORTERS
    if not roles:
        raise ForbiddenError("your roles do not report incidents")
    source = "worker" if "worker" in roles else "patrol"
    return take_in(connection, Reporter(session.account_id, source), sent, now)


def take_in(
    connection: Connection,
    reporter: Reporter,
    sent: Report,
    now: datetime,
    *,
    within: routing.Known | None = None,
    is_placed: bool = True,
) -> tuple[str, bool]:
    """Take a report in, once.

    Parameters
    ----------
    connection
        In a transaction that row-level security lets report.
    now
        The time, in UTC.
    within
        The grid or area of which alone is known, and whose middle the report's point is; None to find it by the point.
    is_placed
        Whether the point is where it is, and not just the middle of where it may be; never with `within`. What has no
        place of its own is near nothing: no duplicate is looked for, and it is in no cluster.

    Returns
    -------
    code, is_new
        The receipt number, and whether this call made it; the same report again gets the same receipt.

    Raises
    ------
    InvalidRequestError
        If the category can't be reported.
    ConflictError
        If another report has this id already; it says in which fields the two differ.
    """
    body_hash = _hash(sent)
    known = _receipt(connection, reporter, sent, body_hash)
    if known is not None:
        return known, False
    category = _reportable(connection, sent.category)
    lon, lat = to_wgs84([[sent.lon, sent.lat]], sent.datum)[0].tolist()
    reported_at = min(sent.occurred_at or now, now)
    kind = routing.Kind(category.code, category.parent, category.name, category.department)
    found = routing.route(connection, kind, lon=lon, lat=lat, at=reported_at, known=within)
    if not found.path:
        why = "there is no district on this map yet that could take a report"
        raise InvalidRequestError(why, (("lon", why),))
    term = deadlines.find_term(
        connection, category=category.code, limit_hours=category.limit_hours, path=found.path, start=now
    )
    row = connection.execute(
        _INSERT,
        {
            **asdict(sent), "category": category.code, "title": sent.title or category.name,
            "source": reporter.source, "department": found.body, "reported_by": reporter.account_id,
            "body_hash": body_hash, "original_lon": sent.lon, "original_lat": sent.lat,
            "is_placed": is_placed and within is None, "reported_at": reported_at, "received_at": now,
            "lon": lon, "lat": lat, "path": found.path, "area_id": found.area_id, "grid_code": found.grid_code,
            "due_at": term.due if term else None,
        },
    ).one_or_none()  # fmt: skip
    if row is None:  # another connection took it in meanwhile, or it is not ours to see
        known = _receipt(connection, reporter, sent, body_hash)
        if known is None:
            raise _taken(sent.id)
        return known, False
    routing.keep(connection, sent.id, found, now)
    if term is not None:
        deadlines.begin(connection, sent.id, term)
    chain.append(connection, chain.Event(sent.id, 0, "reported", None, reporter.account_id, now))
    audit.record(connection, "incident.report", account_id=reporter.account_id, subject=row.code)
    return str(row.code), True


def _reportable(connection: Connection, code: str) -> Row[Any]:
    """Find a category that has no finer ones, by its code or its code of the other width."""
    row = connection.execute(
        text(
            "SELECT code, parent, name, department, limit_hours, "
            "  EXISTS (SELECT 1 FROM category f WHERE f.parent = c.code) AS is_group "
            "FROM category c WHERE code = ANY (:codes)"
        ),
        {"codes": list(spellings(code))},
    ).one_or_none()
    if row is None or row.is_group:
        why = f"there is no category {code!r}" if row is None else f"category {code!r} is a group; choose a finer one"
        raise InvalidRequestError(why, (("category", why),))
    return row


def _receipt(connection: Connection, reporter: Reporter, sent: Report, body_hash: str) -> str | None:
    """Give the receipt of a report that came before, if it was this one and this reporter's; None if none came."""
    row = connection.execute(_KNOWN, {"id": sent.id, "codes": list(spellings(sent.category))}).one_or_none()
    if row is None:
        return None
    if row.reported_by != reporter.account_id:
        raise _taken(sent.id)
    if row.body_hash != body_hash:
        differing = _differences(row, sent)
        if differing:
            raise _taken(sent.id, differing)
    return str(row.code)


def _differences(row: Row[Any], sent: Report) -> list[dict[str, Any]]:
    """Compare a report with the one that came before under its id, field by field."""
    given = {
        **asdict(sent),
        "title": sent.title or row.category_name,
        "occurred_at": sent.occurred_at or row.occurred_at,
    }
    stored = row._mapping
    return [
        {"field": name, "received": stored[name], "sent": given[name]}
        for name in COMPARED
        if stored[name] != given[name]
    ]


def _taken(report_id: UUID, differing: list[dict[str, Any]] | None = None) -> ConflictError:
    """Say that an id is another report's, and in what the two differ."""
    errors = tuple(
        (one["field"], f"{one['received']!s} was received, {one['sent']!s} is sent") for one in differing or ()
    )
    more: dict[str, object] = {"differences": differing} if differing else {}
    fields = ": they differ in " + ", ".join(field for field, _ in errors) if errors else ""
    return ConflictError(
        f"another report has the id {report_id} already{fields}; a changed report needs a new id", errors, more
    )


def _hash(sent: Report) -> str:
    """Hash a report, so that the same one is known again."""
    body = json.dumps(asdict(sent), sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
