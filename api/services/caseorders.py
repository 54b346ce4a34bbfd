"""An order that comes from a resident's report goes with its case: dispatched it is offered, closed it is confirmed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError
from api.services import incidents, orderbook, points
from api.services.incidents import Move, carry_out
from api.services.sessions import Session
from data.catalogue.orders import OrderKind

TURNS = frozenset({"assigned", "reopened", "closed", "rejected"})
"""The moves of a case that its order goes with."""
_WHY = {"closed": "办结时无人完成接单", "assigned": "改由部门处置", "merged": "与另一件重复，已合并"}
_SCOPE = text("SELECT set_config('yiwangtu.report', :id, true)")
_LIVE = text(
    "SELECT id, code, kind_name, points, status, volunteer_id FROM service_order "
    "WHERE incident_id = :id AND is_case AND status NOT IN ('confirmed', 'cancelled') FOR UPDATE"
)
_CASE = text(
    "SELECT i.category, a.code AS community, a.path::text AS path FROM incident i "
    "JOIN area a ON a.level = 'community' AND a.path @> i.path WHERE i.id = :id AND 'chosen' IS DISTINCT FROM "
    "  (SELECT r.basis FROM incident_route r WHERE r.incident_id = i.id ORDER BY r.seq DESC LIMIT 1)"
)
_HELD = text("SELECT id, code, status, path::text AS path, department FROM incident WHERE id = :id FOR UPDATE")
_INSERT = text(
    "INSERT INTO service_order (id, kind, kind_name, kind_name_en, title, community, path, points, incident_id, "
    "  is_case, asked_by, body_hash, asked_at, changed_at) VALUES (:id, :kind, :name, :name_en, :name, :community, "
    "  CAST(:path AS ltree), :points, :incident_id, true, :me, '', :now, :now)"
)
_TOLD = text(
    "SELECT i.description AS words, "
    "  EXISTS (SELECT 1 FROM resident_contact c WHERE c.incident_id = i.id) AS has_phone "
    "FROM incident i WHERE i.id = :id"
)


def move(
    connection: Connection, session: Session, incident_id: UUID, step: Move, kinds: Iterable[OrderKind], now: datetime
) -> str:
    """Move a case on, and bring its order to where the case is then; most cases have none.

    A case of an order's category that is dispatched is offered to volunteers; given to a department it is not, or no
    longer, and stays that department's when it is dispatched anew.

    Parameters
    ----------
    kinds
        What can be ordered.

    Returns
    -------
    code
        The case's receipt number.

    Raises
    ------
    ForbiddenError
        If the account closes a case whose order it did itself; and as `incidents.move` says, like all others.
    """
    order = hold(connection, incident_id) if step.to in TURNS else None
    code = incidents.move(connection, session, incident_id, step, now)
    if order is not None:
        _follow(connection, session, order, step, now)
    elif step.to == "assigned" and step.department is None:
        _offer(connection, session, incident_id, kinds, now)
    return code


def hold(connection: Connection, incident_id: UUID) -> Row[Any] | None:
    """Take the order that goes with a case, if there is one.

    Always before the case itself: who moves the order takes it first too, and so neither blocks the other.
    """
    return connection.execute(_LIVE, {"id": incident_id}).one_or_none()


def cancel(connection: Connection, session: Session, order: Row[Any], step: Move, now: datetime) -> None:
    """Cancel the order of a case that went another way."""
    orderbook.turn(connection, session, order, "cancelled", step.note or _WHY[step.to], now)


def follow_order(connection: Connection, session: Session, found: Row[Any], to: str, now: datetime) -> None:
    """Bring the case to where its order is now: handled by who took it, resolved by who did it.

    Raises
    ------
    ConflictError
        If the order is done and its case is not in progress.
    """
    if to not in ("accepted", "done"):
        return
    connection.execute(_SCOPE, {"id": str(found.incident_id)})
    case = connection.execute(_HELD, {"id": found.incident_id}).one()
    if to == "done" and case.status != "in_progress":
        raise ConflictError(f"the case {case.code} of this order is {case.status!r}; please ask your community")
    if to == "done":
        carry_out(connection, session, case, Move("resolved"), now)
    elif case.status in ("assigned", "reopened"):
        carry_out(connection, session, case, Move("in_progress"), now)


def told(connection: Connection, incident_id: UUID) -> dict[str, object]:
    """Give what the volunteer who took an order needs to know: the resident's words, and whether there is a number."""
    connection.execute(_SCOPE, {"id": str(incident_id)})
    return dict(connection.execute(_TOLD, {"id": incident_id}).one()._mapping)


def _follow(connection: Connection, session: Session, order: Row[Any], step: Move, now: datetime) -> None:
    """Bring an order to where its case is now."""
    is_done = order.status == "done"
    if step.to == "closed" and is_done:
        if order.volunteer_id == session.account_id:
            raise ForbiddenError("who did what was ordered can't close its case; somebody else must")
        orderbook.turn(connection, session, order, "confirmed", step.note, now)
        points.award(connection, session, order)
    elif step.to in ("closed", "rejected") or step.department is not None:
        cancel(connection, session, order, step, now)
    elif is_done and session.viewer.roles & points.LEADERS:
        orderbook.turn(connection, session, order, "accepted", step.note, now)


def _offer(
    connection: Connection, session: Session, incident_id: UUID, kinds: Iterable[OrderKind], now: datetime
) -> None:
    """Offer a case to the volunteers of its community, if it is something that can be ordered and lies in one."""
    case = connection.execute(_CASE, {"id": incident_id}).one_or_none()
    kind = next((one for one in kinds if case and one.category == case.category), None)
    if case is None or kind is None:
        return
    values = {
        "id": uuid4(), "kind": kind.code, "name": kind.name, "name_en": kind.name_en, "points": kind.points,
        "community": case.community, "path": case.path, "incident_id": incident_id,
        "me": session.account_id, "now": now,
    }  # fmt: skip
    connection.execute(_INSERT, values)
    orderbook.tell(connection, session, values["id"], "asked", None, now)
    found = connection.execute(_LIVE, {"id": incident_id}).one()
    orderbook.turn(connection, session, found, "offered", None, now)
