"""A live trickle of invented incidents, and the slow handling of those that are open: for a wall that should move."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from uuid import uuid4

import numpy as np
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from data import chain
from data.deadlines import store as deadlines
from data.demo.xialu.incidents import next_incident
from data.engine import Database

NEXT_STATUS = {
    "reported": "accepted", "accepted": "assigned", "assigned": "in_progress", "in_progress": "resolved",
    "resolved": "verified", "verified": "closed",
}  # fmt: skip
_REPORT = text(
    "INSERT INTO incident (id, code, category, title, description, status, source, department, reported_at, due_at, "
    "accuracy_m, geom) VALUES (:id, :code, :category, :title, :description, :status, :source, :department, "
    ":reported_at, :due_at, :accuracy_m, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
)
_CHOOSE = text(
    "SELECT id, status FROM incident WHERE status = ANY (:statuses) AND description IS NOT NULL "
    "ORDER BY random() LIMIT 1 FOR UPDATE"
)
_MOVE_ON = text(
    "UPDATE incident SET status = :to, resolved_at = CASE WHEN :to = 'resolved' THEN :now ELSE resolved_at END, "
    "closed_at = CASE WHEN :to = 'closed' THEN :now ELSE closed_at END WHERE id = :id"
)
TakeIn = Callable[[Connection, datetime], object]


class Trickle:
    """Reports one invented incident every so many seconds, and moves one open incident on, while the block runs.

    Parameters
    ----------
    database
        With the 下陆 sample in it.
    every_s
        Seconds between two reports; None does nothing.
    take_in
        Gives what was reported its route, time limit and history.
    """

    SHORTEST_S = 0.1

    def __init__(self, database: Database, every_s: float | None, take_in: TakeIn) -> None:
        self._database, self._every_s, self._take_in = database, every_s, take_in
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Trickle":
        """Start."""
        if self._every_s is not None:
            self._thread = threading.Thread(target=self._run, args=(self._every_s,), name="trickle", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self, every_s: float) -> None:
        """Report until told to stop; a database that goes away is waited for."""
        rng = np.random.default_rng()
        engine: Engine = self._database.owner_engine()
        while not self._stop.wait(every_s):
            try:
                with engine.begin() as connection:
                    happen(connection, rng, datetime.now(UTC), self._take_in)
            except SQLAlchemyError:
                self._stop.wait(1)
        engine.dispose()


def happen(connection: Connection, rng: np.random.Generator, now: datetime, take_in: TakeIn) -> None:
    """Report one invented incident and move one open incident to its next state."""
    connection.execute(_REPORT, {"id": uuid4(), **next_incident(rng, now)})
    take_in(connection, now)
    chosen = connection.execute(_CHOOSE, {"statuses": list(NEXT_STATUS)}).one_or_none()
    if chosen is None:
        return
    to = NEXT_STATUS[chosen.status]
    connection.execute(_MOVE_ON, {"id": chosen.id, "to": to, "now": now})
    deadlines.turn(connection, chosen.id, to, now)
    chain.append(connection, chain.Event(chosen.id, 0, to, None, None, now))
