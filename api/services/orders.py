"""群众点单、社区派单、党员接单: asked, offered, taken by one volunteer, done, confirmed by somebody else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services import caseorders, orderbook, points
from api.services.sessions import Session
from data.catalogue.orders import OrderKind

ASKERS = frozenset({"worker", "community", "street", "dispatcher"})
LISTED = 200
NEEDS_NOTE = frozenset({"cancelled"})
MOVES: dict[str, dict[str, frozenset[str]]] = {
    "asked": {"offered": frozenset({"leader"}), "cancelled": frozenset({"leader", "asker"})},
    "offered": {"accepted": frozenset({"volunteer"}), "cancelled": frozenset({"leader"})},
    "accepted": {"done": frozenset({"taker"}), "offered": frozenset({"taker", "leader"})},
    "done": {"confirmed": frozenset({"leader"}), "accepted": frozenset({"leader"})},
    "confirmed": {},
    "cancelled": {},
}
"""Which status may follow which, and as what one brings it about: who leads the place, asked for it, or took it."""
OF_CASE = frozenset({("done", "confirmed"), ("done", "accepted"), ("offered", "cancelled"), ("asked", "cancelled")})
"""Of an order that goes with a case: what only the case's own moves bring about."""

_SELECT = (
    "SELECT o.id, o.code, o.status, o.kind, o.kind_name, o.kind_name_en, o.title, o.details, o.community, "
    "  a.name AS community_name, o.points, o.path::text AS path, o.incident_id, o.is_case, o.asked_by, o.volunteer_id, "
    "  v.display_name AS volunteer, o.body_hash, o.asked_at, o.changed_at "
    "FROM service_order o LEFT JOIN area a ON a.code = o.community LEFT JOIN account v ON v.id = o.volunteer_id "
)
_ONE = text(_SELECT + "WHERE o.id = :id")
_LIST = text(
    _SELECT + "WHERE (CAST(:status AS text) IS NULL OR o.status = :status) "
    "AND (CAST(:within AS text) IS NULL OR o.path <@ (SELECT w.path FROM area w WHERE w.code = :within)) "
    "ORDER BY o.asked_at DESC, o.id LIMIT :most"
)
_INSERT = text(
    "INSERT INTO service_order (id, kind, kind_name, kind_name_en, title, details, community, path, points, "
    "  incident_id, asked_by, body_hash, asked_at, changed_at) VALUES (:id, :kind, :name, :name_en, :title, :details, "
    "  :community, CAST(:path AS ltree), :points, :incident_id, :me, :hash, :now, :now) ON CONFLICT (id) DO NOTHING"
)
_EVENTS = text(
    "SELECT e.seq, e.status, e.note, e.at, a.display_name AS by FROM order_event e "
    "LEFT JOIN account a ON a.id = e.account_id WHERE e.order_id = :id ORDER BY e.seq"
)


@dataclass(frozen=True)
class Wish:
    """What is ordered, for whom no name is kept.

    Attributes
    ----------
    id
        Made by the client, so that sending twice is one order.
    community
        Code of the community whose resident wishes it.
    incident_id
        The resident's report that it came from.
    """

    id: UUID
    kind: str
    title: str
    details: str | None
    community: str
    incident_id: UUID | None = None


def order(
    connection: Connection, session: Session, wish: Wish, kinds: Mapping[str, OrderKind], now: datetime
) -> dict[str, Any]:
    """Take an order in, once.

    Raises
    ------
    ForbiddenError
        If the account orders nothing, or nothing there.
    InvalidRequestError
        If there is no such kind or community.
    ConflictError
        If another order has this id.
    """
    require_asker(session)
    written = json.dumps(asdict(wish), sort_keys=True, default=str)
    body_hash = hashlib.sha256(written.encode()).hexdigest()
    kind = kinds.get(wish.kind)
    if kind is None:
        why = f"there is no kind {wish.kind!r}; kinds are {', '.join(kinds)}"
        raise InvalidRequestError(f"kind: {why}", (("kind", why),))
    path = connection.execute(
        text("SELECT path::text FROM area WHERE level = 'community' AND code = :code"), {"code": wish.community}
    ).scalar()
    if path is None:
        why = f"there is no community {wish.community!r}"
        raise InvalidRequestError(f"community: {why}", (("community", why),))
    if not _is_inside(session, path):
        raise ForbiddenError(f"community {wish.community} lies outside the areas that you work in")
    values = {
        **asdict(wish), "kind": kind.code, "name": kind.name, "name_en": kind.name_en, "points": kind.points,
        "path": path, "hash": body_hash, "me": session.account_id, "now": now,
    }  # fmt: skip
    if connection.execute(_INSERT, values).rowcount:
        orderbook.tell(connection, session, wish.id, "asked", None, now)
    found = connection.execute(_ONE, {"id": wish.id}).one_or_none()
    if found is None or found.body_hash != body_hash or found.asked_by != session.account_id:
        raise ConflictError(f"another order has the id {wish.id} already; a changed order needs a new id")
    return describe(connection, session, found)


def listed(connection: Connection, session: Session, *, status: str | None, within: str | None) -> list[dict[str, Any]]:
    """List orders, the newest first: leaders those of their areas, others what is offered there and their own."""
    require_asker(session)
    rows = connection.execute(_LIST, {"status": status, "within": within, "most": LISTED}).all()
    is_volunteer = points.is_volunteer(connection, session)
    return [_feature(session, row, is_volunteer) for row in rows]


def read(connection: Connection, session: Session, order_id: UUID) -> dict[str, Any]:
    """Read an order with its history.

    Raises
    ------
    MissingError
        If there is none that the account may see.
    """
    return describe(connection, session, _find(connection, session, order_id))


def move(
    connection: Connection, session: Session, order_id: UUID, to: str, note: str | None, now: datetime
) -> dict[str, Any]:
    """Move an order on. Of volunteers who take one at once, one gets it; confirming gives the points.

    Raises
    ------
    MissingError
        If there is none that the account may see.
    ConflictError
        If the move can't follow, or somebody was faster.
    ForbiddenError
        If it is not this account's move.
    InvalidRequestError
        If it needs a note that is not there.
    """
    if to in NEEDS_NOTE and not note:
        raise InvalidRequestError(f"the move to {to!r} needs a note that says why", (("note", "is needed"),))
    found = _find(connection, session, order_id)
    legal = legal_moves(found)
    if to in MOVES[found.status] and to not in legal:
        raise ConflictError("this order goes with the case that it came from: close or reopen that on the desk")
    if to not in legal:
        names = ", ".join(sorted(legal)) or "nothing"
        taken = "已被他人接单 somebody else has taken it; " if to == "accepted" and found.volunteer_id else ""
        raise ConflictError(f"{taken}an order that is {found.status!r} can't become {to!r}; it can become: {names}")
    if not legal[to] & _parts(session, found, points.is_volunteer(connection, session)):
        raise ForbiddenError(
            f"from {found.status!r} to {to!r} is a move of the order's: {', '.join(sorted(legal[to]))}"
        )
    orderbook.turn(connection, session, found, to, note, now)
    if found.is_case:
        caseorders.follow_order(connection, session, found, to, now)
    elif to == "confirmed":
        points.award(connection, session, found)
    return read(connection, session, order_id)


def contact(connection: Connection, session: Session, order_id: UUID) -> str:
    """Read the number that a resident left, as the volunteer who has taken the order; that it was read is written down.

    Raises
    ------
    ForbiddenError
        If the account has not taken the order, or no longer handles it.
    MissingError
        If there is no such order, or no number (any more).
    """
    found = _find(connection, session, order_id)
    if not _is_handled_by(session, found):
        raise ForbiddenError("the number is shown to the volunteer who has taken the order, until it is confirmed")
    phone = None
    if found.is_case:
        phone = connection.execute(text("SELECT open_contact(:id)"), {"id": found.incident_id}).scalar()
    if phone is None:
        raise MissingError(f"there is no telephone number with order {found.code}: none was left, or it was erased")
    return str(phone)


def legal_moves(found: Row[Any]) -> dict[str, frozenset[str]]:
    """Give which status may follow an order's, and as what one brings it about."""
    legal = MOVES[found.status]
    return {to: whose for to, whose in legal.items() if not (found.is_case and (found.status, to) in OF_CASE)}


def describe(connection: Connection, session: Session, found: Row[Any]) -> dict[str, Any]:
    """Give an order with its history, and what the account may do next."""
    events = [dict(row._mapping) for row in connection.execute(_EVENTS, {"id": found.id})]
    feature = _feature(session, found, points.is_volunteer(connection, session))
    told: dict[str, object] = {"words": None, "has_phone": False}
    if found.is_case and _is_handled_by(session, found):
        told = caseorders.told(connection, found.incident_id)
    return {**feature, **told, "events": events}


def _feature(session: Session, found: Row[Any], is_volunteer: bool) -> dict[str, Any]:
    """Give an order as its readers see it."""
    parts = _parts(session, found, is_volunteer)
    hidden = ("path", "asked_by", "volunteer_id", "body_hash")
    return {
        **{name: value for name, value in found._mapping.items() if name not in hidden},
        "is_taker": found.volunteer_id == session.account_id,
        "is_mine": session.account_id in (found.asked_by, found.volunteer_id),
        "moves": sorted(to for to, whose in legal_moves(found).items() if whose & parts),
    }


def _is_handled_by(session: Session, found: Row[Any]) -> bool:
    """Tell whether the account has taken an order and is not through with it."""
    return bool(found.volunteer_id == session.account_id) and found.status in ("accepted", "done")


def _parts(session: Session, found: Row[Any], is_volunteer: bool) -> frozenset[str]:
    """Tell what an account is to an order; who took it neither confirms it nor sends it back as its leader."""
    me = session.account_id
    leads = any(one.role in points.LEADERS and _covers(one.path, found.path) for one in session.memberships)
    is_taker = found.volunteer_id == me
    may_take = is_volunteer and found.asked_by != me
    parts = {
        "leader": leads and not is_taker, "asker": found.asked_by == me, "taker": is_taker, "volunteer": may_take,
    }  # fmt: skip
    return frozenset(name for name, is_so in parts.items() if is_so)


def _find(connection: Connection, session: Session, order_id: UUID) -> Row[Any]:
    """Read an order's row."""
    require_asker(session)
    found = connection.execute(_ONE, {"id": order_id}).one_or_none()
    if found is None:
        raise MissingError(f"there is no order {order_id}, or none that you may see")
    return found


def require_asker(session: Session) -> None:
    """Refuse those who have nothing to do with orders."""
    if not session.viewer.roles & ASKERS:
        raise ForbiddenError(f"orders are for: {', '.join(sorted(ASKERS))}")


def _is_inside(session: Session, path: str) -> bool:
    """Tell whether a place lies in an account's areas."""
    return any(_covers(one, path) for one in session.viewer.map_scope)


def _covers(area: str, path: str) -> bool:
    """Tell whether a path lies under another."""
    return not area or path == area or path.startswith(area + ".")
