"""Jobs: submit, watch, cancel; and the one thread that runs them."""

import logging
import threading
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from api.errors import ConflictError, InvalidRequestError, MissingError, ServiceError
from api.services import examining, siting
from api.services.planners import own_area, require_planner
from api.services.planning_jobs import PARAMETERS, JobCancelledError, Workshop, run_job
from api.services.rebalancing import settle
from data import jobs
from data.errors import DataError
from data.jobs import RUNNER, RUNNER_LOCK, Job
from data.parallel import StoppedError
from data.scope import scoped
from geo.errors import GeoError
from layers.viewer import Viewer

IDLE_S = 2.0
CLOSE_LIMIT_S = 5.0
WORKERS_CLOSE_LIMIT_S = 30.0  # dask takes some seconds to end its processes, and more on a busy machine
LISTED = 100
WAITING_LIMIT = 50  # jobs that may wait in one planner's area
log = logging.getLogger("yiwangtu.jobs")


def as_body(job: Job) -> dict[str, Any]:
    """Write a job as the API gives it."""
    body = {name: value for name, value in vars(job).items() if name != "attempts"}
    body["id"] = str(job.id)
    return {
        name: value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
        for name, value in body.items()
    }


def load_bodies(engine: Engine, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give the bodies of jobs by id, for the live stream."""
    with scoped(engine, RUNNER) as connection:
        return {str(job.id): as_body(job) for job in jobs.get_many(connection, sorted(ids))}


def submit(connection: Connection, viewer: Viewer, *, kind: str, within: str, parameters: dict[str, Any]) -> Job:
    """Queue a job on an area of the planner's scope.

    Raises
    ------
    ConflictError, ForbiddenError, InvalidRequestError, MissingError, NotSignedInError
        If too many jobs wait already, the viewer is no planner there, a parameter is wrong, or the area does not exist.
    """
    require_planner(viewer)
    checked = check_parameters(kind, parameters)
    area = own_area(connection, viewer, within)
    if kind == "rebalance":
        checked = settle(connection, area, checked)
    elif kind == "gaps":
        checked = examining.freeze(connection, checked)
    elif kind == "site":
        checked = siting.freeze(connection, checked)
    if jobs.waiting_count(connection) >= WAITING_LIMIT:
        raise ConflictError(f"{WAITING_LIMIT} jobs wait already; cancel some, or wait until they are done")
    return jobs.submit(
        connection, kind=kind, within=area.code, path=area.path, parameters=checked, account_id=viewer.account_id
    )


def check_parameters(kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Check a job's parameters and fill in the defaults."""
    if kind not in PARAMETERS:
        raise InvalidRequestError(f"kind must be one of {', '.join(PARAMETERS)}, not {kind!r}")
    try:
        return PARAMETERS[kind](**parameters).model_dump()
    except ValidationError as error:
        faults = tuple(
            (".".join(["parameters", *map(str, fault["loc"])]), fault["msg"])
            for fault in error.errors(include_url=False)
        )
        raise InvalidRequestError("; ".join(f"{field}: {message}" for field, message in faults), faults) from error


def latest(connection: Connection, viewer: Viewer) -> list[Job]:
    """Give the newest jobs in scope, newest first."""
    require_planner(viewer)
    return jobs.latest(connection, LISTED)


def get(connection: Connection, viewer: Viewer, job_id: UUID) -> Job:
    """Give a job in scope."""
    require_planner(viewer)
    job = jobs.get(connection, job_id)
    if job is None:
        raise MissingError(f"there is no job {job_id}")
    return job


def cancel(connection: Connection, viewer: Viewer, job_id: UUID) -> Job:
    """Cancel a job that has not ended."""
    current = get(connection, viewer, job_id)
    cancelled = jobs.cancel(connection, job_id)
    if cancelled is None:
        raise ConflictError(f"job {job_id} has ended already: {current.status}")
    return cancelled


class JobRunner:
    """Runs queued jobs one after the other; among several processes only one does.

    Parameters
    ----------
    engine
        Of the app's role.
    workers, scheduler
        Processes that the communities of one job are solved on, or the dask scheduler that has them.
    """

    def __init__(self, engine: Engine, workers: int, scheduler: str = "") -> None:
        self._engine, self._workshop = engine, Workshop(engine, workers, scheduler)
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start running jobs."""
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def notice(self) -> None:
        """Say that a job was queued."""
        self._wake.set()

    def close(self) -> None:
        """Stop; a job that is running goes on at the next start, from its beginning."""
        self._stop.set()
        self._wake.set()
        self._workshop.close(WORKERS_CLOSE_LIMIT_S)
        if self._thread is not None:
            self._thread.join(CLOSE_LIMIT_S)  # what is solved in this process ends with it

    def _run(self) -> None:
        """Hold the runner's lock and work until told to stop; without it, wait for the other runner to go."""
        while not self._stop.is_set():
            try:
                with self._engine.connect() as guard:
                    if guard.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": RUNNER_LOCK}).scalar():
                        guard.commit()
                        try:
                            self._work(guard)
                        finally:
                            guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": RUNNER_LOCK})
                            guard.commit()
            except SQLAlchemyError as error:
                log.warning("jobs wait for the database: %s", type(error).__name__)
            self._stop.wait(IDLE_S)

    def _work(self, guard: Connection) -> None:
        """Run jobs as they come."""
        with scoped(self._engine, RUNNER) as connection:
            jobs.requeue_abandoned(connection)
        while not self._stop.is_set():
            guard.execute(text("SELECT 1"))  # the lock lives as long as this connection does
            guard.commit()
            self._wake.clear()
            with scoped(self._engine, RUNNER) as connection:
                job = jobs.claim(connection)
            if job is None:
                self._wake.wait(IDLE_S)
            else:
                self._run_one(job)

    def _run_one(self, job: Job) -> None:
        """Run one job to its end and write down what came of it."""

        def report(ratio: float, message: str) -> None:
            with scoped(self._engine, RUNNER) as connection:
                if self._stop.is_set() or not jobs.progress(connection, job.id, ratio, message):
                    raise JobCancelledError

        try:
            store = run_job(job, self._workshop, report, self._name_of(job))
            with scoped(self._engine, RUNNER) as connection:
                if not jobs.finish(connection, job.id, result=store(connection), message=None):
                    raise JobCancelledError  # and nothing of it is stored
        except (JobCancelledError, StoppedError):
            self._put_back(job)
        except (DataError, GeoError, ServiceError) as error:
            self._fail(job, str(error))
        except (
            Exception
        ) as error:  # the edge of the job: whatever went wrong, it ends and says so, and the next one runs
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise  # the database went away: the job is queued again when it is back
            if self._stop.is_set():
                self._put_back(job)
                return
            log.exception("job %s failed", job.id)
            self._fail(job, f"the job failed unexpectedly; the server's log tells more under job {job.id}")

    def _put_back(self, job: Job) -> None:
        """Queue a job again that the server's stop interrupted."""
        if self._stop.is_set():
            with scoped(self._engine, RUNNER) as connection:
                jobs.put_back(connection, job.id)

    def _fail(self, job: Job, message: str) -> None:
        """Write down that a job failed."""
        with scoped(self._engine, RUNNER) as connection:
            jobs.finish(connection, job.id, result=None, message=message)

    def _name_of(self, job: Job) -> str | None:
        """Name the account that asked for a job."""
        with scoped(self._engine, RUNNER) as connection:
            query = "SELECT a.login FROM job j JOIN account a ON a.id = j.account_id WHERE j.id = :id"
            login: str | None = connection.execute(text(query), {"id": job.id}).scalar()
            return login
