"""Hand-overs from and to 110 and 12345."""

from datetime import UTC
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api.context import ContextDep
from api.errors import NotSignedInError, OutOfScopeError
from api.problems import problems
from api.routes.incidents import IdempotencyKey, Line, Prose
from api.services import handovers, repeats, transfers
from api.services.sessions import utc_now
from api.services.tokens import Client
from api.session import SessionDep, address_of

router = APIRouter(prefix="/api", tags=["hand-overs"])
System = Literal["110", "12345"]
Kind = Literal["dispute", "matter"]
_bearer = HTTPBearer(auto_error=False, description="A token: yiwangtu token create NAME --scope handover …")


def _said(value: str) -> str:
    """Refuse a reason that says nothing."""
    if not value:
        raise ValueError("must not be blank")
    return value


def _printable(value: str) -> str:
    """Refuse numbers that can't be typed."""
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be printable, without blanks at its ends")
    return value


class Dispute(BaseModel, extra="forbid"):
    """What a dispute is about: 当事方, 起因, 性质, 诉求. Sealed."""

    parties: Prose | None = None
    cause: Prose | None = None
    nature: Prose | None = None
    demand: Prose | None = None


class NewHandover(BaseModel, extra="forbid"):
    """A matter that 110 or 12345 hands over, under its own number.

    `code` is the system's own of the list, `category` ours; one of them is needed. The place is a point with its datum,
    or the code of an area or a grid, or an address in the token's area.
    """

    system: System
    external_id: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
    kind: Kind
    code: Line | None = None
    category: Line | None = None
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None
    area_code: Line | None = None
    address: Annotated[Prose, Field(max_length=300)] | None = None
    occurred_at: AwareDatetime | None = None
    words: Prose | None = None
    dispute: Dispute | None = None


class Receipt(BaseModel):
    """What became of a hand-over; `receipt` is the number of the incident, `scope_version` that of the list."""

    id: UUID
    system: System
    external_id: str
    status: Literal["accepted", "refused"]
    reason: str | None
    scope_version: int | None
    at: AwareDatetime
    incident_id: UUID | None
    receipt: str | None


class Deliveries(BaseModel):
    """How many events of a hand-over its webhooks took, how many wait, and how many were given up."""

    delivered: int
    waiting: int
    dead: int


class HandoverOut(BaseModel):
    """A hand-over, without words; `is_sealed` where a dispute's details can be opened."""

    id: UUID
    direction: Literal["in", "out"]
    system: System
    external_id: str | None
    kind: Kind
    code: str | None
    category: str | None
    category_name: str | None
    status: Literal["accepted", "refused", "sent"]
    reason: str | None
    scope_version: int | None
    at: AwareDatetime
    incident_id: UUID | None
    receipt: str | None
    is_sealed: bool
    deliveries: Deliveries


class HandoverList(BaseModel):
    """Hand-overs, newest first."""

    handovers: list[HandoverOut]


class Details(BaseModel):
    """What a dispute is about, and where exactly (WGS 84)."""

    parties: str | None
    cause: str | None
    nature: str | None
    demand: str | None
    words: str | None
    address: str | None
    lon: float | None
    lat: float | None


class NewTransfer(BaseModel, extra="forbid"):
    """To which system an incident is handed on, and why; the words are sent, so nothing personal belongs there."""

    system: System
    words: Annotated[Prose, Field(max_length=500), AfterValidator(_said)]


async def get_client(request: Request, context: ContextDep, _: Annotated[Any, Depends(_bearer)]) -> Client:
    """Find the system that asks by its bearer token."""
    scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 1 <= len(token.strip()) <= 200:
        raise NotSignedInError("a token is needed: Authorization: Bearer …; an operator makes it with yiwangtu token")
    return await run_in_threadpool(context.tokens.find, token.strip(), "handover", address_of(request))


@router.post(
    "/handovers",
    status_code=201,
    responses={
        200: {"model": Receipt, "description": "The same hand-over came before: the same receipt."},
        **problems("not_signed_in", "forbidden", "conflict", "out_of_scope", "too_large"),
    },
)
async def hand_over(
    body: NewHandover,
    request: Request,
    response: Response,
    context: ContextDep,
    client: Annotated[Client, Depends(get_client)],
) -> Receipt:
    """Hand a matter over, as often as it takes. Systems with a token for hand-overs may call, not accounts.

    What the list leaves out, and what lies outside the token's area, is kept as refused and answered 409 `out_of_scope`
    with `handover`. Another matter under the same number is answered 409 `conflict` with `differences`.
    """
    values = body.model_dump(exclude={"dispute", "occurred_at"})
    details = body.dispute or Dispute()
    occurred_at = body.occurred_at.astimezone(UTC) if body.occurred_at else None
    filled = {
        name: value or None for name, value in {**values, **details.model_dump()}.items() if isinstance(value, str)
    }
    sent = handovers.Sent(**{**values, **details.model_dump(), **filled, "occurred_at": occurred_at})
    now = utc_now()

    def work(connection: Connection) -> tuple[dict[str, Any], bool]:
        return handovers.receive(connection, client, sent, now)

    answer, is_new = await context.reader.run(client.viewer, work, request.receive)
    receipt = Receipt.model_validate(answer)
    if receipt.status == "refused":
        raise OutOfScopeError(receipt.reason or "", more={"handover": receipt.model_dump(mode="json")})
    response.status_code = 201 if is_new else 200
    return receipt


@router.get("/handovers", responses=problems("not_signed_in", "forbidden"))
async def list_handovers(
    request: Request,
    context: ContextDep,
    session: SessionDep,
    incident: Annotated[UUID | None, Query(description="Of this incident only.")] = None,
    status: Annotated[Literal["accepted", "refused", "sent"] | None, Query(description="Only such.")] = None,
    limit: Annotated[int, Query(ge=1, le=transfers.MOST_LISTED, description="Most of them.")] = 100,
) -> HandoverList:
    """List the hand-overs of one's areas, newest first. Communities, streets, dispatchers and departments may call."""

    def work(connection: Connection) -> list[dict[str, Any]]:
        return transfers.list_handovers(connection, session, incident_id=incident, status=status, limit=limit)

    found = await context.reader.run(session.viewer, work, request.receive)
    return HandoverList(handovers=[HandoverOut.model_validate(one) for one in found])


@router.get("/handovers/{handover_id}/details", responses=problems("not_signed_in", "forbidden", "not_found"))
async def open_details(
    handover_id: UUID, request: Request, response: Response, context: ContextDep, session: SessionDep
) -> Details:
    """Open the sealed details of a dispute; every call is written down. Who lists hand-overs may call."""
    response.headers["cache-control"] = "no-store"

    def work(connection: Connection) -> dict[str, Any]:
        return transfers.open_details(connection, session, handover_id)

    return Details.model_validate(await context.reader.run(session.viewer, work, request.receive))


@router.post(
    "/incidents/{incident_id}/handover",
    status_code=201,
    responses=problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large"),
)
async def hand_on(
    incident_id: UUID,
    body: NewTransfer,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> HandoverOut:
    """Hand an incident on to 110 or 12345, whose webhooks are told. Dispatchers may call."""
    now = utc_now()

    def work(connection: Connection) -> str:
        def handed() -> str:
            made = transfers.hand_on(connection, session, incident_id, system=body.system, words=body.words, now=now)
            return HandoverOut.model_validate(made).model_dump_json()

        asked = f"hand on {incident_id} {body.system} {body.words}"
        return repeats.once(connection, session, idempotency_key, asked, handed)

    return HandoverOut.model_validate_json(await context.reader.run(session.viewer, work, request.receive))
