"""The job table: work that takes longer than a request, and outlives a restart.

A job is queued, claimed by one runner, and ends as succeeded, failed or cancelled. A runner that starts finds what a
killed one left behind (`running` without an owner) and queues it again; a job that ended so three times has failed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from layers.viewer import EVERYWHERE, Viewer

ATTEMPTS_LIMIT = 3
RUNNER_LOCK = 7_420_205  # advisory lock: who holds it runs the jobs
QUEUE_LOCK = 7_420_208  # advisory lock: who holds it counts what waits and adds to it
RUNNER = Viewer(roles=frozenset({"planner"}), map_scope=(EVERYWHERE,), case_scope=(EVERYWHERE,))
_COLUMNS = """id, kind, area_code, parameters, status, progress_ratio, message, result, attempts,
  created_at, started_at, finished_at"""


@dataclass(frozen=True)
class Job:
    """One row of the job table."""

    id: UUID
    kind: str
    within: str
    parameters: dict[str, Any]
    status: str
    progress_ratio: float
    message: str | None
    result: dict[str, Any] | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def submit(
    connection: Connection, *, kind: str, within: str, path: str, parameters: dict[str, Any], account_id: int | None
) -> Job:
    """Queue a job for an area."""
    statement = text(
        "INSERT INTO job (kind, area_code, path, parameters, account_id) "
        f"VALUES (:kind, :within, CAST(:path AS ltree), :parameters, :account_id) RETURNING {_COLUMNS}"
    ).bindparams(bindparam("parameters", type_=JSONB))
    row = connection.execute(
        statement,
        {"kind": kind, "within": within, "path": path, "parameters": parameters, "account_id": account_id},
    ).one()
    return _job(row)


def get(connection: Connection, job_id: UUID) -> Job | None:
    """Read a job, None when there is none in scope."""
    row = connection.execute(text(f"SELECT {_COLUMNS} FROM job WHERE id = :id"), {"id": job_id}).one_or_none()
    return None if row is None else _job(row)


def get_many(connection: Connection, job_ids: list[str]) -> list[Job]:
    """Read jobs by their ids."""
    rows = connection.execute(
        text(f"SELECT {_COLUMNS} FROM job WHERE id = ANY (CAST(:ids AS uuid[]))"),
        {"ids": job_ids},
    )
    return [_job(row) for row in rows]


def latest(connection: Connection, limit: int) -> list[Job]:
    """Read the newest jobs in scope."""
    rows = connection.execute(text(f"SELECT {_COLUMNS} FROM job ORDER BY created_at DESC, id LIMIT :n"), {"n": limit})
    return [_job(row) for row in rows]


def cancel(connection: Connection, job_id: UUID) -> Job | None:
    """Cancel a job that has not ended; its runner notices. None when it has ended or is out of scope."""
    row = connection.execute(
        text(
            "UPDATE job SET status = 'cancelled', finished_at = now(), message = NULL "
            f"WHERE id = :id AND status IN ('queued', 'running') RETURNING {_COLUMNS}"
        ),
        {"id": job_id},
    ).one_or_none()
    return None if row is None else _job(row)


def requeue_abandoned(connection: Connection) -> None:
    """Queue again what a runner that is gone had begun; call it while holding the runner's lock."""
    connection.execute(
        text(
            "UPDATE job SET status = CASE WHEN attempts >= :limit THEN 'failed' ELSE 'queued' END, progress_ratio = 0, "
            "finished_at = CASE WHEN attempts >= :limit THEN now() END, message = CASE WHEN attempts >= :limit "
            "THEN 'the server ended ' || attempts || ' times while this job ran' END WHERE status = 'running'"
        ),
        {"limit": ATTEMPTS_LIMIT},
    )


def waiting_count(connection: Connection) -> int:
    """Count the queued jobs in scope; nobody else counts until this transaction ends, so none is added meanwhile."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": QUEUE_LOCK})
    return int(connection.execute(text("SELECT count(*) FROM job WHERE status = 'queued'")).scalar_one())


def claim(connection: Connection) -> Job | None:
    """Take the oldest queued job."""
    row = connection.execute(
        text(
            "UPDATE job SET status = 'running', started_at = now(), attempts = attempts + 1, progress_ratio = 0, "
            "message = NULL WHERE id = (SELECT id FROM job WHERE status = 'queued' "
            f"ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}"
        )
    ).one_or_none()
    return None if row is None else _job(row)


def progress(connection: Connection, job_id: UUID, ratio: float, message: str) -> bool:
    """Note how far a running job is; False when it was cancelled meanwhile."""
    changed = connection.execute(
        text("UPDATE job SET progress_ratio = :ratio, message = :message WHERE id = :id AND status = 'running'"),
        {"id": job_id, "ratio": ratio, "message": message},
    )
    return changed.rowcount == 1


def put_back(connection: Connection, job_id: UUID) -> None:
    """Queue a running job again that an orderly stop interrupted; that counts as no attempt."""
    connection.execute(
        text(
            "UPDATE job SET status = 'queued', attempts = attempts - 1, progress_ratio = 0, message = NULL "
            "WHERE id = :id AND status = 'running'"
        ),
        {"id": job_id},
    )


def finish(connection: Connection, job_id: UUID, *, result: dict[str, Any] | None, message: str | None) -> bool:
    """End a running job: succeeded with a result, failed without. False when it was cancelled meanwhile."""
    statement = text(
        "UPDATE job SET status = :status, result = :result, message = :message, finished_at = now(), "
        "progress_ratio = CASE WHEN :status = 'succeeded' THEN 1 ELSE progress_ratio END "
        "WHERE id = :id AND status = 'running'"
    ).bindparams(bindparam("result", type_=JSONB(none_as_null=True)))
    changed = connection.execute(
        statement,
        {"id": job_id, "status": "failed" if result is None else "succeeded", "result": result, "message": message},
    )
    return changed.rowcount == 1


def _job(row: Row[Any]) -> Job:
    """Make a job of a row."""
    return Job(**{("within" if name == "area_code" else name): value for name, value in row._mapping.items()})
