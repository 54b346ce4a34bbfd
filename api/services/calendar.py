"""What time brings: plans come into force, steps of deadlines fall due, what is kept for some days is forgotten."""

import logging
import threading
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.services import repeats, residents, tracks
from data import audit
from data.force import put_due_in_force
from data.jobs import RUNNER
from data.scope import scoped
from data.supervision.watch import AT_ONCE, WATCHER, Look, look

INTERVAL_S = 20.0
log = logging.getLogger("yiwangtu.calendar")


class Calendar:
    """Looks every 20 s whether a plan's day has come or a deadline's step; any number of servers may do so.

    Parameters
    ----------
    engine
        Of the app's role.
    contact_days
        Days after the end of a resident's report when its telephone number is erased.
    """

    def __init__(self, engine: Engine, *, contact_days: int = 30) -> None:
        self._engine = engine
        self._contact_days = contact_days
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start looking."""
        self._thread = threading.Thread(target=self._run, name="calendar", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def turn(self) -> list[int]:
        """Put the plans in force whose day has come, all in one transaction; gives their ids."""
        with scoped(self._engine, RUNNER) as connection:
            plan_ids = put_due_in_force(connection)
            for plan_id in plan_ids:
                audit.record(connection, "plan.effective", subject=str(plan_id))
            repeats.forget_old(connection)
            tracks.forget_old(connection)
            residents.erase_contacts(connection, self._contact_days)
        return plan_ids

    def supervise(self, now: datetime) -> Look:
        """Write the steps of deadlines that fell due up to an instant, a few incidents at a time."""
        total = Look(0, 0)
        while not self._stop.is_set():
            with scoped(self._engine, WATCHER) as connection:
                found = look(connection, now)
            total += found
            if found.incidents < AT_ONCE:
                break
        return total

    def _run(self) -> None:
        """Look until told to stop."""
        while not self._stop.is_set():
            try:
                for plan_id in self.turn():
                    log.warning("plan %d is in force now", plan_id)
                self.supervise(datetime.now(UTC))
            except SQLAlchemyError as error:
                log.warning("the calendar waits for the database: %s", type(error).__name__)
            self._stop.wait(INTERVAL_S)
