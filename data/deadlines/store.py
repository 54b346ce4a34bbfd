"""Time limits in the database: the rule for an incident, its clock, and the sentence that explains when it is due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, text

from data import chain
from data.calendar.store import read_calendar
from data.deadlines.clock import Clock, Limit
from data.deadlines.wording import Change, Deadline, Extension, Pause, explain

# statuses in which nobody is kept waiting for a handler: from `resolved` on only the verifying is left
STOPPED = frozenset({"paused", "resolved", "verified", "closed", "rated", "rejected", "merged"})
READ_AT_ONCE = 5000
ROUND_THE_CLOCK = ((datetime.min.time(), datetime.max.time()),)
_RULE = text(
    "SELECT r.amount, r.unit, r.source FROM sla_rule r LEFT JOIN area a ON a.code = r.area_code "
    "WHERE r.category = :category AND (r.area_code = '' OR a.path @> CAST(:path AS ltree)) "
    "ORDER BY nlevel(a.path) DESC NULLS LAST LIMIT 1"
)
_HOURS = text("SELECT opens, closes FROM office_hour ORDER BY opens")
_ZONE = text("SELECT time_zone FROM area WHERE path @> CAST(:path AS ltree) ORDER BY nlevel(path) DESC LIMIT 1")
_BEGIN = text(
    "INSERT INTO incident_deadline "
    "  (incident_id, amount, unit, source, time_zone, started_at, stopped_at, words, words_en) "
    "VALUES (:incident_id, :amount, :unit, :source, :time_zone, :started_at, :stopped_at, :words, :words_en)"
)
_READ = text(
    "SELECT d.amount, d.unit, d.source, d.time_zone, d.started_at, d.stopped_at, i.due_at "
    "FROM incident_deadline d JOIN incident i ON i.id = d.incident_id WHERE d.incident_id = :id"
)
_CHANGES = text(
    "SELECT kind, reason, amount, decided_at, ended_at FROM incident_request "
    "WHERE incident_id = :id AND is_granted AND kind IN ('pause', 'extension') ORDER BY decided_at, id"
)
_ALL = text(
    "SELECT d.incident_id, d.amount, d.unit, d.time_zone, d.started_at, i.code, i.status AS incident_status, i.due_at, "
    "  e.status, e.at, e.detail FROM incident_deadline d JOIN incident i ON i.id = d.incident_id "
    "JOIN incident_event e ON e.incident_id = i.id ORDER BY i.code, e.seq"
)
_DUE = text("UPDATE incident SET due_at = :due, warning_level = NULL WHERE id = :id")
_KEEP = text(
    # what runs another way than before is looked at at once: see data.supervision
    "UPDATE incident_deadline SET stopped_at = :stopped_at, words = :words, words_en = :words_en, "
    "  look_at = '-infinity' WHERE incident_id = :id"
)


@dataclass(frozen=True)
class Rule:
    """The time limit of a category in a place, and whose hours it is counted in."""

    limit: Limit
    source: str
    time_zone: str


@dataclass(frozen=True)
class Term:
    """The limit of an incident that is about to come in.

    Attributes
    ----------
    due
        When it ends.
    words, words_en
        Why then.
    """

    limit: Limit
    source: str
    time_zone: str
    start: datetime
    due: datetime
    words: str
    words_en: str


def find_term(
    connection: Connection, *, category: str, limit_hours: int | None, path: str, start: datetime
) -> Term | None:
    """Find the time limit of a category in a place, and when it ends; the rule of the finest area counts.

    Parameters
    ----------
    limit_hours
        The category's own limit, round the clock, where there is no rule; None is no limit.

    Returns
    -------
    term
        None where there is no limit.
    """
    rule = find_rule(connection, category=category, limit_hours=limit_hours, path=path)
    return make_term(rule, read_clock(connection, rule.time_zone), start) if rule else None


def find_rule(connection: Connection, *, category: str, limit_hours: int | None, path: str) -> Rule | None:
    """Find the time limit of a category in a place; see `find_term`."""
    row = connection.execute(_RULE, {"category": category, "path": path}).one_or_none()
    if row is None and not limit_hours:
        return None
    zone = connection.execute(_ZONE, {"path": path}).scalar() or "Asia/Shanghai"
    if row is None:
        return Rule(Limit(int(limit_hours or 0), "emergency_hour"), "", zone)
    return Rule(Limit(row.amount, row.unit), row.source, zone)


def make_term(rule: Rule, clock: Clock, start: datetime, due: datetime | None = None) -> Term:
    """Say when a limit ends that starts at an instant, and why then; `due` is given where it has changed since."""
    due = due or clock.due(rule.limit, start)
    words, words_en = explain(Deadline(rule.limit, rule.source, start, due), clock)
    return Term(rule.limit, rule.source, rule.time_zone, start, due, words, words_en)


def begin(connection: Connection, incident_id: UUID, term: Term, *, stopped_at: datetime | None = None) -> None:
    """Start an incident's clock; the incident itself has the due time.

    Parameters
    ----------
    stopped_at
        Since when it stands still already, of what was under way before it came here.
    """
    values = {**vars(term.limit), "source": term.source, "time_zone": term.time_zone, "started_at": term.start}
    values |= {"incident_id": incident_id, "words": term.words, "words_en": term.words_en, "stopped_at": stopped_at}
    connection.execute(_BEGIN, values)


def turn(connection: Connection, incident_id: UUID, status: str, now: datetime) -> None:
    """Stop an incident's clock, or let it go on, as its new status wants; the caller holds the incident's row."""
    row = connection.execute(_READ, {"id": incident_id}).one_or_none()
    if row is None:
        return
    stopped_at, due = row.stopped_at, row.due_at
    if status in STOPPED and stopped_at is None:
        stopped_at = now
    elif status not in STOPPED and stopped_at is not None:
        due = read_clock(connection, row.time_zone).resumed(row.unit, due, stopped_at, now)
        stopped_at = None
    _keep(connection, incident_id, stopped_at, due)


def extend(connection: Connection, incident_id: UUID, amount: int) -> datetime | None:
    """Give an incident more time, in the unit of its limit; tells until when, None if it has no limit."""
    row = connection.execute(_READ, {"id": incident_id}).one_or_none()
    if row is None:
        return None
    due = read_clock(connection, row.time_zone).extended(row.due_at, Limit(amount, row.unit))
    _keep(connection, incident_id, row.stopped_at, due)
    return due


def recount(connection: Connection) -> list[str]:
    """Set every due time anew from limit, history and today's calendar and hours; gives the numbers of those changed.

    Each change is an event of its incident.
    """
    changed = []
    for one in list(differing(connection)):
        detail = {"recounted": {"from": one.stored.isoformat(), "to": one.due.isoformat()}}
        chain.append(connection, chain.Event(one.incident_id, 0, one.status, None, None, datetime.now(UTC), detail))
        _keep(connection, one.incident_id, one.stopped_at, one.due)
        changed.append(one.code)
    return changed


@dataclass(frozen=True)
class Differing:
    """A due time that is not what limit, history, calendar and hours say."""

    incident_id: UUID
    code: str
    status: str
    stored: datetime
    due: datetime
    stopped_at: datetime | None


def differing(connection: Connection) -> Iterator[Differing]:
    """Follow every incident's history from its limit on, and give those that are due at another time."""
    clocks: dict[str, Clock] = {}
    rows = connection.execute(_ALL, execution_options={"yield_per": READ_AT_ONCE})
    for _, history in groupby(rows, key=lambda row: row.incident_id):
        events = list(history)
        row = events[0]
        clock = clocks.get(row.time_zone) or clocks.setdefault(row.time_zone, read_clock(connection, row.time_zone))
        due, stopped_at = replay(Limit(row.amount, row.unit), row.started_at, events, clock)
        if due != row.due_at:
            yield Differing(row.incident_id, row.code, row.incident_status, row.due_at, due, stopped_at)


def replay(
    limit: Limit, start: datetime, events: Sequence[Row[Any] | chain.Event], clock: Clock
) -> tuple[datetime, datetime | None]:
    """Follow a history: when the limit ends, and since when the clock stands still.

    Parameters
    ----------
    events
        In order, with `status`, `at` and `detail`.
    """
    due, stopped_at = clock.due(limit, start), None
    for event in events:
        detail = event.detail or {}
        if detail.get("granted") == "extension":
            due = clock.extended(due, Limit(detail["amount"], limit.unit))
        if event.status in STOPPED and stopped_at is None:
            stopped_at = event.at
        elif event.status not in STOPPED and stopped_at is not None:
            due, stopped_at = clock.resumed(limit.unit, due, stopped_at, event.at), None
    return due, stopped_at


def read_clock(connection: Connection, zone: str) -> Clock:
    """Read the office hours, holidays and make-up days of a time zone; without office hours days are worked through."""
    hours = [(row.opens, row.closes) for row in connection.execute(_HOURS)] or ROUND_THE_CLOCK
    return Clock(ZoneInfo(zone), hours, read_calendar(connection, zone))


def _keep(connection: Connection, incident_id: UUID, stopped_at: datetime | None, due: datetime) -> None:
    """Write the due time and the clock, and explain them anew."""
    row = connection.execute(_READ, {"id": incident_id}).one()
    if row.due_at != due or row.stopped_at != stopped_at:  # whatever was told of the time before
        connection.execute(_DUE, {"id": incident_id, "due": due})
    limit = Limit(row.amount, row.unit)
    changes = _changes(connection, incident_id, limit.unit)
    deadline = Deadline(limit, row.source, row.started_at, due, changes)
    words, words_en = explain(deadline, read_clock(connection, row.time_zone))
    connection.execute(_KEEP, {"id": incident_id, "stopped_at": stopped_at, "words": words, "words_en": words_en})


def _changes(connection: Connection, incident_id: UUID, unit: str) -> Sequence[Change]:
    """Read the pauses and extensions that were granted."""
    return [
        Extension(Limit(row.amount, unit), row.reason) if row.kind == "extension"
        else Pause(row.decided_at, row.ended_at, row.reason)
        for row in connection.execute(_CHANGES, {"id": incident_id})
    ]  # fmt: skip
