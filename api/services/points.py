"""Points of volunteers: every transfer takes from one account what it gives to another, and none is ever changed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from api.errors import ConflictError, ForbiddenError, MissingError
from api.services.sessions import Session
from data import audit

HOLDERS = frozenset({"worker", "community"})
LEADERS = frozenset({"community", "street", "dispatcher"})
LISTED = 200
_OWN = text("SELECT id, balance FROM points_account WHERE holder = :me")
_OPEN = text(
    "INSERT INTO points_account (kind, holder, facility, name, path) "
    "VALUES (:kind, :holder, :facility, :name, CAST(:path AS ltree)) ON CONFLICT DO NOTHING"
)
_BOOK = text(
    "INSERT INTO points_transfer (id, debit_id, credit_id, amount, purpose, words, order_id, reverses, made_by) "
    "VALUES (:id, :debit, :credit, :amount, :purpose, :words, :order_id, :reverses, :me)"
)
_ENTRIES = text(
    "SELECT t.id, t.at, CASE WHEN t.credit_id = :account THEN t.amount ELSE -t.amount END AS amount, t.purpose, "
    "  t.words, other.name AS other, t.reverses, "
    "  EXISTS (SELECT 1 FROM points_transfer r WHERE r.reverses = t.id) AS is_reversed "
    "FROM points_transfer t LEFT JOIN points_account other "
    "  ON other.id = CASE WHEN t.credit_id = :account THEN t.debit_id ELSE t.credit_id END "
    "WHERE :account IN (t.debit_id, t.credit_id) ORDER BY t.at DESC, t.id LIMIT :most"
)


@dataclass(frozen=True)
class Exchange:
    """Points that a volunteer gives a shop.

    Attributes
    ----------
    id
        Made by the client, so that sending twice is one exchange.
    facility
        Code of the shop.
    words
        What for.
    """

    id: UUID
    facility: str
    amount: int
    words: str


def volunteer(connection: Connection, session: Session) -> dict[str, Any]:
    """Read whether one is a volunteer, one's balance and what it came from, the newest first.

    Raises
    ------
    ForbiddenError
        If the account's roles are not those of volunteers.
    """
    _require(session, HOLDERS, "volunteers are accounts of")
    me = session.account_id
    account = connection.execute(_OWN, {"me": me}).one_or_none()
    is_volunteer = connection.execute(text("SELECT 1 FROM volunteer WHERE account_id = :me"), {"me": me}).scalar()
    entries = []
    if account is not None:
        rows = connection.execute(_ENTRIES, {"account": account.id, "most": LISTED})
        entries = [dict(row._mapping) for row in rows]
    balance = account.balance if account else 0
    return {"is_volunteer": is_volunteer is not None, "balance": balance, "entries": entries}


def join(connection: Connection, session: Session) -> None:
    """Become a volunteer in one's own area, with an account for points."""
    _require(session, HOLDERS, "volunteers are accounts of")
    path = session.viewer.map_scope[0]
    values = {"me": session.account_id, "path": path}
    connection.execute(
        text(
            "INSERT INTO volunteer (account_id, path) VALUES (:me, CAST(:path AS ltree)) "
            "ON CONFLICT (account_id) DO NOTHING"
        ),
        values,
    )
    _open(connection, kind="volunteer", holder=session.account_id, facility=None, name=session.display_name, path=path)
    audit.record(connection, "volunteer.join", account_id=session.account_id, subject=session.login)


def leave(connection: Connection, session: Session) -> None:
    """Be a volunteer no more; points stay, and orders that one has taken are still one's own."""
    _require(session, HOLDERS, "volunteers are accounts of")
    connection.execute(text("DELETE FROM volunteer WHERE account_id = :me"), {"me": session.account_id})
    audit.record(connection, "volunteer.leave", account_id=session.account_id, subject=session.login)


def is_volunteer(connection: Connection, session: Session) -> bool:
    """Tell whether the account is a volunteer's."""
    found = connection.execute(text("SELECT 1 FROM volunteer WHERE account_id = :me"), {"me": session.account_id})
    return found.scalar() is not None


def award(connection: Connection, session: Session, order: Row[Any]) -> None:
    """Give the volunteer of a confirmed order its points, from the issuer."""
    _open(connection, kind="issuer", holder=None, facility=None, name="积分发放", path="")
    issuer = connection.execute(text("SELECT id FROM points_account WHERE kind = 'issuer'")).scalar_one()
    credit = connection.execute(_OWN, {"me": order.volunteer_id}).one_or_none()
    if credit is None:
        raise ConflictError(f"the volunteer of order {order.code} has no account for points in your areas")
    _book(
        connection, session, id=uuid4(), debit=issuer, credit=credit.id, amount=order.points, purpose="award",
        words=f"{order.code} {order.kind_name}", order_id=order.id,
    )  # fmt: skip


def exchange(connection: Connection, session: Session, wish: Exchange) -> None:
    """Give points of one's own to a shop, once.

    Raises
    ------
    MissingError
        If there is no such shop.
    ConflictError
        If there are not enough points, or another transfer has this id.
    """
    _require(session, HOLDERS, "points are exchanged by accounts of")
    shop = connection.execute(
        text(
            "SELECT code, name, path::text AS path FROM facility "
            "WHERE kind = 'exchange_point' AND code = :code AND status = 'open'"
        ),
        {"code": wish.facility},
    ).one_or_none()
    if shop is None:
        raise MissingError(f"there is no open exchange point {wish.facility!r}")
    own = connection.execute(_OWN, {"me": session.account_id}).one_or_none()
    if own is None:
        raise ConflictError("you have no account for points yet; become a volunteer first")
    _open(connection, kind="exchange", holder=None, facility=shop.code, name=shop.name, path=shop.path)
    credit = connection.execute(text("SELECT id FROM points_account WHERE facility = :code"), {"code": shop.code})
    values = {"debit": own.id, "credit": credit.scalar_one(), "amount": wish.amount, "words": wish.words}
    known = connection.execute(
        text("SELECT debit_id AS debit, credit_id AS credit, amount, words FROM points_transfer WHERE id = :id"),
        {"id": wish.id},
    ).one_or_none()
    if known is None:
        _book(connection, session, id=wish.id, purpose="exchange", **values)
    elif dict(known._mapping) != values:
        raise ConflictError(f"another transfer has the id {wish.id} already")


def reverse(connection: Connection, session: Session, transfer_id: UUID, words: str) -> None:
    """Undo a transfer by one that gives the same back, once.

    Raises
    ------
    ForbiddenError
        If the account leads nothing, or the points are its own.
    MissingError
        If there is no such transfer, or none that the account may see.
    ConflictError
        If it was undone already, is itself a reversal, or the points are spent.
    """
    _require(session, LEADERS, "transfers are undone by")
    found = connection.execute(
        text("SELECT id, debit_id, credit_id, amount, purpose FROM points_transfer WHERE id = :id"), {"id": transfer_id}
    ).one_or_none()
    if found is None:
        raise MissingError(f"there is no transfer {transfer_id}, or none that you may see")
    own = connection.execute(_OWN, {"me": session.account_id}).one_or_none()
    if own is not None and own.id in (found.debit_id, found.credit_id):
        raise ForbiddenError("somebody else must undo a transfer of your own points")
    if found.purpose == "reversal":
        raise ConflictError("a reversal is not undone; make the transfer anew")
    _book(
        connection, session, id=uuid4(), debit=found.credit_id, credit=found.debit_id, amount=found.amount,
        purpose="reversal", words=words, reverses=found.id,
    )  # fmt: skip


def accounts(connection: Connection, session: Session) -> list[dict[str, Any]]:
    """List the accounts for points in one's areas, with those of the shops and the issuer."""
    _require(session, LEADERS, "accounts for points are shown to")
    rows = connection.execute(
        text("SELECT id, kind, facility, name, balance FROM points_account ORDER BY kind, name, id LIMIT 1000")
    )
    return [dict(row._mapping) for row in rows]


def entries(connection: Connection, session: Session, account_id: int) -> list[dict[str, Any]]:
    """List what came to and went from an account of one's areas, the newest first."""
    _require(session, LEADERS, "accounts for points are shown to")
    rows = connection.execute(_ENTRIES, {"account": account_id, "most": LISTED})
    return [dict(row._mapping) for row in rows]


def _open(connection: Connection, **values: Any) -> None:
    """Open an account for points where there is none yet."""
    connection.execute(_OPEN, values)


def _book(connection: Connection, session: Session, **values: Any) -> None:
    """Book a transfer; the database refuses an overdraft, a second award and a second reversal."""
    whole = {"order_id": None, "reverses": None, "me": session.account_id, **values}
    try:
        with connection.begin_nested():
            connection.execute(_BOOK, whole)
    except IntegrityError as error:
        raise _refused(str(error.orig), values["amount"]) from error
    audit.record(
        connection, f"points.{values['purpose']}", account_id=session.account_id, subject=str(values["id"]),
        amount=values["amount"],
    )  # fmt: skip


def _refused(said: str, amount: int) -> ConflictError:
    """Say why the database refused a transfer."""
    if "ck_points_account_balance" in said:
        return ConflictError(f"积分余额不足 there are not {amount} points left in the account that gives them")
    if "uq_points_transfer_reverses" in said:
        return ConflictError("this transfer was undone already")
    if "uq_points_transfer_order_id" in said:
        return ConflictError("the points of this order were given already")
    return ConflictError("another transfer has this id already")


def _require(session: Session, roles: frozenset[str], said: str) -> None:
    """Refuse an account without any of some roles."""
    if not session.viewer.roles & roles:
        raise ForbiddenError(f"{said}: {', '.join(sorted(roles))}")
