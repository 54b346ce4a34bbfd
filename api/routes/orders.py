"""Orders that volunteers take, and their points."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from api.context import ContextDep
from api.problems import problems
from api.routes.incidents import Line, Prose
from api.routes.residents import ContactOut
from api.services import orders, points
from api.services.sessions import utc_now
from api.session import SessionDep

router = APIRouter(prefix="/api", tags=["orders"])
READ = problems("not_signed_in", "forbidden", "not_found")
CHANGE = problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large")
Status = Literal["asked", "offered", "accepted", "done", "confirmed", "cancelled"]


class KindOut(BaseModel):
    """What can be ordered, and the points that are given for it."""

    code: str
    name: str
    name_en: str
    points: int
    category: str | None


class KindList(BaseModel):
    """All kinds of orders."""

    kinds: list[KindOut]


class OrderOut(BaseModel):
    """An order; `moves` is what the caller may do next, `is_mine` where they asked for it or took it (`is_taker`)."""

    id: UUID
    code: str
    status: Status
    kind: str
    kind_name: str
    kind_name_en: str
    title: str
    details: str | None
    community: str
    community_name: str | None
    points: int
    incident_id: UUID | None
    is_case: bool
    volunteer: str | None
    asked_at: AwareDatetime
    changed_at: AwareDatetime
    is_mine: bool
    is_taker: bool
    moves: list[str]


class OrderEventOut(BaseModel):
    """One thing that happened to an order."""

    seq: int
    status: Status
    note: str | None
    at: AwareDatetime
    by: str | None


class OrderFile(OrderOut):
    """An order with its history; `words` of the resident, and `has_phone`, are for the volunteer who has taken it."""

    words: str | None
    has_phone: bool
    events: list[OrderEventOut]


class OrderList(BaseModel):
    """Orders, the newest first, 200 at most."""

    orders: list[OrderOut]


class NewOrder(BaseModel, extra="forbid"):
    """What is ordered. Neither name nor address belongs into it: the community knows whose wish it is."""

    kind: Annotated[str, Field(max_length=64)]
    title: Line
    details: Prose | None = None
    community: Annotated[str, Field(max_length=100)]
    incident_id: UUID | None = None


class NewMove(BaseModel, extra="forbid"):
    """A move; `note` is needed for cancelled."""

    to: Status
    note: Prose | None = None


class EntryOut(BaseModel):
    """Points that came (above zero) or went, from or to whom; `reverses` names the entry that this one undoes."""

    id: UUID
    at: AwareDatetime
    amount: int
    purpose: Literal["award", "exchange", "reversal"]
    words: str
    other: str | None
    reverses: UUID | None
    is_reversed: bool


class EntryList(BaseModel):
    """Entries, the newest first, 200 at most."""

    entries: list[EntryOut]


class VolunteerOut(EntryList):
    """Whether one is a volunteer, and one's points."""

    is_volunteer: bool
    balance: int


class PointsAccountOut(BaseModel):
    """An account for points; below zero is only the issuer's: what it has given out."""

    id: int
    kind: Literal["issuer", "volunteer", "exchange"]
    facility: str | None
    name: str
    balance: int


class PointsAccountList(BaseModel):
    """Accounts for points."""

    accounts: list[PointsAccountOut]


class NewExchange(BaseModel, extra="forbid"):
    """Points for a shop. `id` is made by the client: sent again, it is the same exchange."""

    id: UUID
    exchange: Annotated[str, Field(max_length=100)]
    amount: int = Field(ge=1, le=1_000_000)
    words: Line


class NewReversal(BaseModel, extra="forbid"):
    """The transfer that is undone, and why."""

    transfer: UUID
    words: Line


@router.get("/orders/kinds", responses=READ)
async def order_kinds(session: SessionDep, context: ContextDep, request: Request) -> KindList:
    """List what can be ordered, and the points for it. Workers to dispatchers may call."""
    orders.require_asker(session)
    return KindList(kinds=[KindOut(**vars(one)) for one in context.order_kinds.values()])


@router.get("/orders", responses=READ)
async def list_orders(
    request: Request,
    context: ContextDep,
    session: SessionDep,
    status: Annotated[Status | None, Query(description="Those with this status.")] = None,
    within: Annotated[str | None, Query(max_length=100, description="Those of this area.")] = None,
) -> OrderList:
    """List orders: communities, streets and dispatchers see their areas', workers what is offered and their own."""
    found = await context.reader.run(
        session.viewer,
        lambda connection: orders.listed(connection, session, status=status, within=within),
        request.receive,
    )
    return OrderList.model_validate({"orders": found})


@router.put("/orders/{order_id}", responses=CHANGE)
async def put_order(
    order_id: UUID, body: NewOrder, request: Request, context: ContextDep, session: SessionDep
) -> OrderFile:
    """Order something for a resident under an id of one's own, as often as it takes.

    Workers, communities, streets and dispatchers may call, for the communities of their areas.
    """
    now = utc_now()
    wish = orders.Wish(order_id, body.kind, body.title, body.details or None, body.community, body.incident_id)
    found = await context.reader.run(
        session.viewer,
        lambda connection: orders.order(connection, session, wish, context.order_kinds, now),
        request.receive,
    )
    return OrderFile.model_validate(found)


@router.get("/orders/{order_id}", responses=READ)
async def read_order(order_id: UUID, request: Request, context: ContextDep, session: SessionDep) -> OrderFile:
    """Read an order with its history. Who sees it in the list may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: orders.read(connection, session, order_id), request.receive
    )
    return OrderFile.model_validate(found)


@router.post("/orders/{order_id}/moves", responses=CHANGE)
async def move_order(
    order_id: UUID, body: NewMove, request: Request, context: ContextDep, session: SessionDep
) -> OrderFile:
    """Move an order on; of volunteers who take it at once, one gets it. Confirming gives the points."""
    now = utc_now()

    def work(connection: Connection) -> dict[str, Any]:
        return orders.move(connection, session, order_id, body.to, body.note or None, now)

    return OrderFile.model_validate(await context.reader.run(session.viewer, work, request.receive))


@router.get("/orders/{order_id}/contact", responses=READ)
async def read_order_contact(
    order_id: UUID, request: Request, response: Response, context: ContextDep, session: SessionDep
) -> ContactOut:
    """Read the number that a resident left with an order; every reading is written down.

    The volunteer who has taken it may call, until it is confirmed.
    """
    response.headers["cache-control"] = "no-store"
    phone = await context.reader.run(
        session.viewer, lambda connection: orders.contact(connection, session, order_id), request.receive
    )
    return ContactOut(phone=phone)


@router.get("/volunteer", responses=READ)
async def read_volunteer(request: Request, context: ContextDep, session: SessionDep) -> VolunteerOut:
    """Read whether one is a volunteer, and one's points. Workers and communities may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: points.volunteer(connection, session), request.receive
    )
    return VolunteerOut.model_validate(found)


@router.put("/volunteer", responses=CHANGE)
async def become_volunteer(request: Request, context: ContextDep, session: SessionDep) -> VolunteerOut:
    """Become a volunteer. Workers and communities may call."""

    def work(connection: Connection) -> dict[str, Any]:
        points.join(connection, session)
        return points.volunteer(connection, session)

    return VolunteerOut.model_validate(await context.reader.run(session.viewer, work, request.receive))


@router.delete("/volunteer", responses=CHANGE)
async def stop_volunteering(request: Request, context: ContextDep, session: SessionDep) -> VolunteerOut:
    """Be a volunteer no more; the points stay. Workers and communities may call."""

    def work(connection: Connection) -> dict[str, Any]:
        points.leave(connection, session)
        return points.volunteer(connection, session)

    return VolunteerOut.model_validate(await context.reader.run(session.viewer, work, request.receive))


@router.get("/points/accounts", responses=READ)
async def points_accounts(request: Request, context: ContextDep, session: SessionDep) -> PointsAccountList:
    """List the accounts for points in one's areas. Communities, streets and dispatchers may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: points.accounts(connection, session), request.receive
    )
    return PointsAccountList.model_validate({"accounts": found})


@router.get("/points/accounts/{account_id}", responses=READ)
async def points_entries(
    account_id: Annotated[int, Field(ge=1, lt=2**63)], request: Request, context: ContextDep, session: SessionDep
) -> EntryList:
    """List an account's entries. Communities, streets and dispatchers may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: points.entries(connection, session, account_id), request.receive
    )
    return EntryList.model_validate({"entries": found})


@router.post("/points/exchanges", responses=CHANGE)
async def exchange_points(
    body: NewExchange, request: Request, context: ContextDep, session: SessionDep
) -> VolunteerOut:
    """Give points of one's own to a shop (layer exchange_point), once for its id. Workers and communities may call."""
    wish = points.Exchange(body.id, body.exchange, body.amount, body.words)

    def work(connection: Connection) -> dict[str, Any]:
        points.exchange(connection, session, wish)
        return points.volunteer(connection, session)

    return VolunteerOut.model_validate(await context.reader.run(session.viewer, work, request.receive))


@router.post("/points/reversals", responses=CHANGE)
async def reverse_points(
    body: NewReversal, request: Request, context: ContextDep, session: SessionDep
) -> PointsAccountList:
    """Undo a transfer by a counter entry, once. Communities, streets and dispatchers may call."""

    def work(connection: Connection) -> list[dict[str, Any]]:
        points.reverse(connection, session, body.transfer, body.words)
        return points.accounts(connection, session)

    found = await context.reader.run(session.viewer, work, request.receive)
    return PointsAccountList.model_validate({"accounts": found})
