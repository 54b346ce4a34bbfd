"""The rows of orders: from one status to the next if nobody was faster, and what is written into their history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError
from api.services.sessions import Session
from data import audit

# the status that it was read with still holds, or somebody was faster
_TURN = text(
    "UPDATE service_order SET status = :to, changed_at = :now, "
    "  volunteer_id = CASE WHEN :to = 'accepted' THEN coalesce(volunteer_id, :me) "
    "    WHEN :to IN ('offered', 'cancelled') THEN NULL ELSE volunteer_id END, "
    "  confirmed_by = CASE WHEN :to = 'confirmed' THEN CAST(:me AS bigint) END "
    "WHERE id = :id AND status = :status AND volunteer_id IS NOT DISTINCT FROM :taker"
)
_TELL = text(
    "INSERT INTO order_event (order_id, seq, status, note, account_id, at) "
    "SELECT :id, coalesce(max(seq), 0) + 1, :to, :note, :me, :now FROM order_event WHERE order_id = :id"
)


def turn(connection: Connection, session: Session, found: Row[Any], to: str, note: str | None, now: datetime) -> None:
    """Bring an order to its next status, and write that into its history.

    Parameters
    ----------
    found
        The order as it was read: `id`, `status`, `volunteer_id`.

    Raises
    ------
    ConflictError
        If somebody was faster.
    """
    values = {
        "id": found.id, "to": to, "now": now, "me": session.account_id, "status": found.status,
        "taker": found.volunteer_id,
    }  # fmt: skip
    if not connection.execute(_TURN, values).rowcount:
        raise ConflictError("已被他人接单或变更 somebody was faster; please read the order again")
    tell(connection, session, found.id, to, note, now)


def tell(connection: Connection, session: Session, order_id: UUID, to: str, note: str | None, now: datetime) -> None:
    """Write into an order's history; the caller has just changed its row."""
    values = {"id": order_id, "to": to, "note": note, "me": session.account_id, "now": now}
    connection.execute(_TELL, values)
    audit.record(connection, f"order.{to}", account_id=session.account_id, subject=str(order_id))
