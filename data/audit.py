"""The audit trail: who did what to what, when. The app may add to it and nothing else."""

import json
from typing import Any

from sqlalchemy import Connection, text

_INSERT = text(
    "INSERT INTO audit_event (account_id, action, subject, detail) "
    "VALUES (:account_id, :action, :subject, CAST(:detail AS jsonb))"
)


def record(
    connection: Connection, action: str, *, account_id: int | None = None, subject: str | None = None, **detail: Any
) -> None:
    """Add one line, in the caller's transaction.

    Parameters
    ----------
    action
        What was done, such as "session.start".
    account_id
        Who did it; None for the command line and for strangers.
    subject
        What it was done to: a login, an incident's number.
    detail
        JSON values that tell more; never a password, a token or a description.
    """
    values = {"account_id": account_id, "action": action, "subject": subject, "detail": json.dumps(detail)}
    connection.execute(_INSERT, values)
