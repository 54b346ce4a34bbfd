"""The calendar: approved plans come into force on their day."""

import logging
import threading

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from data import audit
from data.force import put_due_in_force
from data.jobs import RUNNER
from data.scope import scoped

INTERVAL_S = 20.0
log = logging.getLogger("yiwangtu.calendar")


class Calendar:
    """Looks every 20 s whether a plan's day has come; any number of servers may do so.

    Parameters
    ----------
    engine
        Of the app's role.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
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
        return plan_ids

    def _run(self) -> None:
        """Look until told to stop."""
        while not self._stop.is_set():
            try:
                for plan_id in self.turn():
                    log.warning("plan %d is in force now", plan_id)
            except SQLAlchemyError as error:
                log.warning("the calendar waits for the database: %s", type(error).__name__)
            self._stop.wait(INTERVAL_S)
