"""The history of an incident as a chain: every event's hash covers the one before, so none can be changed or taken out.

The hash is SHA-256 over the previous event's hash (empty for the first) and the event as canonical JSON. What the chain
alone can't show, events cut off at its end, the incident's own status gives away.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

_COLUMNS = (
    "e.incident_id, e.seq, e.status, e.note, e.account_id, e.at, e.detail, e.hash, i.code, i.status AS incident_status"
)
_ALL = text(
    f"SELECT {_COLUMNS} FROM incident_event e JOIN incident i ON i.id = e.incident_id ORDER BY e.incident_id, e.seq"
)
_ONE = text(
    f"SELECT {_COLUMNS} FROM incident_event e JOIN incident i ON i.id = e.incident_id "
    "WHERE e.incident_id = :id ORDER BY e.seq"
)
_INSERT = text(
    "INSERT INTO incident_event (incident_id, seq, status, note, account_id, at, detail, hash) "
    "SELECT incident_id, seq, status, note, account_id, at, detail, hash FROM jsonb_to_recordset(CAST(:rows AS jsonb)) "
    "AS r (incident_id uuid, seq integer, status text, note text, account_id bigint, at timestamptz, detail jsonb, "
    "hash text)"
)
_AT_ONCE = 5000


@dataclass(frozen=True)
class Event:
    """One thing that happened to an incident.

    Attributes
    ----------
    seq
        1 for the first; `append` sets it.
    status
        What the incident became.
    account_id
        Who did it; None for an import.
    detail
        What the status alone does not say, as JSON has it: what was asked for, granted, joined.
    """

    incident_id: UUID
    seq: int
    status: str
    note: str | None
    account_id: int | None
    at: datetime
    detail: dict[str, Any] | None = None


def event_hash(previous: str, event: Event) -> str:
    """Make an event's hash.

    Parameters
    ----------
    previous
        Hash of the event before, "" for the first.
    """
    canonical: dict[str, Any] = {
        "incident_id": str(event.incident_id), "seq": event.seq, "status": event.status, "note": event.note,
        "account_id": event.account_id, "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }  # fmt: skip
    if event.detail is not None:
        canonical["detail"] = event.detail
    body = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((previous + body).encode()).hexdigest()


def append(connection: Connection, event: Event) -> None:
    """Add an event to the end of an incident's chain, which gives it its `seq`; the caller holds the incident's row."""
    last = connection.execute(
        text("SELECT seq, hash FROM incident_event WHERE incident_id = :id ORDER BY seq DESC LIMIT 1"),
        {"id": event.incident_id},
    ).one_or_none()
    _insert(connection, list(_linked((event,), last.seq if last else 0, last.hash if last else "")))


def begin(connection: Connection, events: Iterable[Event]) -> None:
    """Write the history of an incident that has none yet."""
    begin_all(connection, (events,))


def begin_all(connection: Connection, histories: Iterable[Iterable[Event]]) -> int:
    """Write the histories of many incidents that have none yet; tells how many events."""
    rows = [row for events in histories for row in _linked(events)]
    for first in range(0, len(rows), _AT_ONCE):
        _insert(connection, rows[first : first + _AT_ONCE])
    return len(rows)


def _linked(events: Iterable[Event], seq: int = 0, previous: str = "") -> Iterator[dict[str, Any]]:
    """Number and hash an incident's events after the one whose number and hash are given; gives their rows."""
    for number, event in enumerate(events, seq + 1):
        numbered = replace(event, seq=number)
        previous = event_hash(previous, numbered)
        yield {
            **vars(numbered), "incident_id": str(event.incident_id), "at": event.at.isoformat(), "hash": previous,
        }  # fmt: skip


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Write rows of events."""
    connection.execute(_INSERT, {"rows": json.dumps(rows, ensure_ascii=False)})


def chain_is_intact(connection: Connection, incident_id: UUID) -> bool:
    """Tell whether an incident's events follow from each other and end at its status; without events they do."""
    return _fault(list(connection.execute(_ONE, {"id": incident_id}))) is None


def broken_chains(connection: Connection) -> list[str]:
    """Check every chain and say in one sentence each what is wrong."""
    rows = connection.execution_options(yield_per=5000).execute(_ALL)
    faults = (_fault(list(chain)) for _, chain in groupby(rows, key=lambda row: row.incident_id))
    return [fault for fault in faults if fault is not None]


def _fault(rows: list[Row]) -> str | None:  # type: ignore[type-arg]
    """Find the first thing that is wrong with one chain."""
    previous = ""
    for number, row in enumerate(rows, 1):
        event = Event(row.incident_id, row.seq, row.status, row.note, row.account_id, row.at, row.detail)
        if row.seq != number:
            return f"incident {row.code}: event {number} is missing from its history"
        if row.hash != event_hash(previous, event):
            return f"incident {row.code}: event {number} was changed after it was written"
        previous = row.hash
    if rows and rows[-1].status != rows[-1].incident_status:
        last = rows[-1]
        return f"incident {last.code} is {last.incident_status!r}, but its history ends at {last.status!r}"
    return None
