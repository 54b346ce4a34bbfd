"""The history of an incident as a chain: every event's hash covers the one before, so none can be changed or taken out.

The hash is SHA-256 over the previous event's hash (empty for the first) and the event as canonical JSON. What the chain
alone can't show, events cut off at its end, the incident's own status gives away.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection, Row, text

_COLUMNS = "e.incident_id, e.seq, e.status, e.note, e.account_id, e.at, e.hash, i.code, i.status AS incident_status"
_ALL = text(
    f"SELECT {_COLUMNS} FROM incident_event e JOIN incident i ON i.id = e.incident_id ORDER BY e.incident_id, e.seq"
)
_ONE = text(
    f"SELECT {_COLUMNS} FROM incident_event e JOIN incident i ON i.id = e.incident_id "
    "WHERE e.incident_id = :id ORDER BY e.seq"
)


@dataclass(frozen=True)
class Event:
    """One thing that happened to an incident.

    Attributes
    ----------
    seq
        1 for the first.
    status
        What the incident became.
    account_id
        Who did it; None for an import.
    """

    incident_id: UUID
    seq: int
    status: str
    note: str | None
    account_id: int | None
    at: datetime


def event_hash(previous: str, event: Event) -> str:
    """Make an event's hash.

    Parameters
    ----------
    previous
        Hash of the event before, "" for the first.
    """
    canonical = {
        "incident_id": str(event.incident_id), "seq": event.seq, "status": event.status, "note": event.note,
        "account_id": event.account_id, "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }  # fmt: skip
    body = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((previous + body).encode()).hexdigest()


def append(
    connection: Connection, incident_id: UUID, status: str, *, note: str | None, account_id: int | None, at: datetime
) -> None:
    """Add an event to the end of an incident's chain; the caller holds the incident's row."""
    last = connection.execute(
        text("SELECT seq, hash FROM incident_event WHERE incident_id = :id ORDER BY seq DESC LIMIT 1"),
        {"id": incident_id},
    ).one_or_none()
    event = Event(incident_id, last.seq + 1 if last else 1, status, note, account_id, at)
    values = {**vars(event), "hash": event_hash(last.hash if last else "", event)}
    connection.execute(
        text(
            "INSERT INTO incident_event (incident_id, seq, status, note, account_id, at, hash) "
            "VALUES (:incident_id, :seq, :status, :note, :account_id, :at, :hash)"
        ),
        values,
    )


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
        event = Event(row.incident_id, row.seq, row.status, row.note, row.account_id, row.at)
        if row.seq != number:
            return f"incident {row.code}: event {number} is missing from its history"
        if row.hash != event_hash(previous, event):
            return f"incident {row.code}: event {number} was changed after it was written"
        previous = row.hash
    if rows and rows[-1].status != rows[-1].incident_status:
        last = rows[-1]
        return f"incident {last.code} is {last.incident_status!r}, but its history ends at {last.status!r}"
    return None
