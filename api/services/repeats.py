"""Requests that may be sent twice: the same key from the same account gets the same answer, and is done once."""

import hashlib
from collections.abc import Callable

from sqlalchemy import Connection, text

from api.errors import ConflictError
from api.services.sessions import Session

KEPT_DAYS = 7


def once(connection: Connection, session: Session, key: str | None, asked: str, work: Callable[[], str]) -> str:
    """Do a piece of work, or give the answer that it gave before.

    Parameters
    ----------
    connection
        In a transaction as the session's viewer; answer and work are kept together or not at all.
    key
        Chosen by the client, one for each request; None does the work without keeping its answer.
    asked
        What is asked for, as text: the key of one request is not taken for another.

    Raises
    ------
    ConflictError
        If the account sent another request with this key.
    """
    if key is None:
        return work()
    owner = {"account_id": session.account_id, "key": key}
    asked_hash = hashlib.sha256(asked.encode()).hexdigest()
    # a second request with the key waits until the first has its answer
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :account_id))"), owner)
    known = connection.execute(
        text("SELECT asked_hash, answer FROM repeat WHERE account_id = :account_id AND key = :key"), owner
    ).one_or_none()
    if known is None:
        answer = work()
        connection.execute(
            text(
                "INSERT INTO repeat (account_id, key, asked_hash, answer) "
                "VALUES (:account_id, :key, :asked_hash, :answer)"
            ),
            {**owner, "asked_hash": asked_hash, "answer": answer},
        )
        return answer
    if known.asked_hash != asked_hash:
        raise ConflictError(f"the key {key!r} was sent with another request; a new request needs a new key")
    return str(known.answer)


def forget_old(connection: Connection) -> int:
    """Forget the answers of more than 7 days ago; tells how many."""
    return connection.execute(
        text("DELETE FROM repeat WHERE created_at < now() - make_interval(days => :days)"), {"days": KEPT_DAYS}
    ).rowcount
