"""Streets and centres whistle for departments (吹哨报到)."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from api.context import ContextDep
from api.problems import problems
from api.query import FREE, refuse_others
from api.routes.incidents import IdempotencyKey, Line, Prose, Words
from api.routes.supervision import CURSOR, REFUSALS, Number, change
from api.services import whistlerate, whistles, whistling
from api.services.sessions import utc_now
from api.services.supervision import Page
from api.services.whistlemoves import Move
from api.session import SessionDep
from data.tables.supervision import MOST_DEPARTMENTS, WhistleStatus

router = APIRouter(prefix="/api/whistles", tags=["whistles"])
Rating = Annotated[int, Field(ge=1, le=5)]


class ReasonOut(BaseModel):
    """A reason that is permitted."""

    code: str
    name: str
    name_en: str
    note: str | None


class WhistleLimitOut(BaseModel):
    """A time limit from the approval on; `reason` "" is any."""

    step: Literal["response", "arrival", "resolution"]
    reason: str
    amount: int
    unit: Literal["emergency_hour", "working_hour", "working_day", "natural_day"]
    source: str


class DepartmentOut(BaseModel):
    """A department; without an account nobody can answer for it."""

    name: str
    has_account: bool


class WhistleForm(BaseModel):
    """What can be whistled for."""

    reasons: list[ReasonOut]
    limits: list[WhistleLimitOut]
    departments: list[DepartmentOut]
    may_whistle: bool


class NewWhistle(BaseModel, extra="forbid"):
    """What is whistled for: about an incident, or about a place in `datum`; `place` says where, in words."""

    reason: Annotated[str, Field(min_length=1, max_length=100)]
    words: Words
    departments: list[Line] = Field(min_length=1, max_length=MOST_DEPARTMENTS)
    incident_id: UUID | None = None
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None
    place: Line | None = None


class NewWhistleMove(BaseModel, extra="forbid"):
    """A move. `note` is needed to refuse, withdraw, resolve and reopen; `ratings` to rate every department called."""

    move: Move
    note: Prose | None = None
    department: Line | None = None
    ratings: dict[str, Rating] = Field(default_factory=dict, max_length=MOST_DEPARTMENTS)


class UnitOut(BaseModel):
    """The street or centre that whistles."""

    code: str
    name: str | None
    level: Literal["street", "district"]


class WhistledIncident(BaseModel):
    """What it is about."""

    id: UUID
    code: str
    title: str


class CallOut(BaseModel):
    """A department that is called, and when it answered and came."""

    name: str
    respond_due_at: AwareDatetime | None
    responded_by: str | None
    responded_at: AwareDatetime | None
    response_note: str | None
    is_response_late: bool | None
    arrive_due_at: AwareDatetime | None
    arrived_by: str | None
    arrived_at: AwareDatetime | None
    is_arrival_late: bool | None
    rating: int | None
    rated_by: str | None
    rated_at: AwareDatetime | None


class WhistleEventOut(BaseModel):
    """One thing that happened."""

    seq: int
    at: AwareDatetime
    move: str
    by: str | None
    department: str | None
    note: str | None


class WhistleOut(BaseModel):
    """A whistle; `moves` is what the caller may do now. `incident` is null also where the caller may not see it."""

    id: int
    code: str
    status: WhistleStatus
    reason: str
    reason_name: str | None
    reason_name_en: str | None
    words: str
    place: str | None
    lon: float
    lat: float
    grid_code: str | None
    unit: UnitOut
    incident: WhistledIncident | None
    has_incident: bool
    whistled_by: str | None
    whistled_at: AwareDatetime
    decided_by: str | None
    decided_at: AwareDatetime | None
    decision_note: str | None
    called_at: AwareDatetime | None
    resolve_due_at: AwareDatetime | None
    is_resolution_late: bool | None
    resolved_by: str | None
    resolved_at: AwareDatetime | None
    resolution: str | None
    limit_source: str
    is_sample_limits: bool
    departments: list[CallOut]
    moves: list[str]
    events: list[WhistleEventOut]


class WhistleList(BaseModel):
    """Whistles, the newest first; `waiting_count` is of those that wait for approval."""

    whistles: list[WhistleOut]
    next_cursor: str | None
    waiting_count: int


class UnitRate(BaseModel):
    """How often a street or centre whistled, and how departments answered; null where nothing is to be divided by."""

    code: str
    name: str
    level: Literal["street", "district"]
    whistles: int
    incidents: int
    households: int
    per_100_incidents: float | None
    per_10000_households: float | None
    calls: int
    responses: int
    responses_in_time: int
    arrivals: int
    arrivals_in_time: int
    rating_mean: float | None


class WhistleRates(BaseModel):
    """Whistle rates of a period, with what they mean."""

    since: date
    until: date
    units: list[UnitRate]
    definition: str
    definition_en: str
    note: str
    note_en: str


class WhistleQuery(BaseModel):
    """Which whistles a list is asked for."""

    status: str | None = Field(None, description="Any of these statuses.")
    within: str | None = Field(None, description="Code of an area or a grid.")
    incident_id: UUID | None = Field(None, description="About this incident.")
    limit: int = Field(50, ge=1, le=200, description="Most of the page.")
    cursor: str | None = Field(None, pattern=CURSOR, description="`next_cursor` of the page before.")


@router.get("/form", responses=problems("not_signed_in", "forbidden"))
async def read_form(request: Request, context: ContextDep, session: SessionDep) -> WhistleForm:
    """Read the permitted reasons, time limits and departments. Streets, dispatchers and departments may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: whistles.form(connection, session), request.receive
    )
    return WhistleForm.model_validate(found)


@router.get("/rate", responses=problems("not_signed_in", "forbidden", "not_found"))
async def read_rate(
    request: Request,
    context: ContextDep,
    session: SessionDep,
    within: Annotated[str | None, Query(description="Code of an area.")] = None,
    since: Annotated[date | None, Query(description="First day.")] = None,
    until: Annotated[date | None, Query(description="Last day.")] = None,
) -> WhistleRates:
    """Count whistles by street and centre; the last 30 days unless said. Streets and dispatchers may call."""
    found = await context.reader.run(
        session.viewer,
        lambda connection: whistlerate.rate(connection, session, within=within, days=(since, until), now=utc_now()),
        request.receive,
    )
    return WhistleRates.model_validate(found)


@router.get("", responses=problems("not_signed_in", "forbidden", "not_found"), openapi_extra={FREE: True})
async def list_whistles(
    asked: Annotated[WhistleQuery, Query()], request: Request, context: ContextDep, session: SessionDep
) -> WhistleList:
    """List whistles, the newest first. Streets and dispatchers may call, and departments for those that call them."""
    refuse_others(request, WhistleQuery.model_fields.keys())
    filters, page = asked.model_dump(), Page(asked.limit, int(asked.cursor or 0))
    found = await context.reader.run(
        session.viewer,
        lambda connection: whistles.latest(connection, session, filters=filters, page=page, now=utc_now()),
        request.receive,
    )
    return WhistleList.model_validate(found)


@router.get("/{number}", responses=problems("not_signed_in", "forbidden", "not_found"))
async def read_whistle(number: Number, request: Request, context: ContextDep, session: SessionDep) -> WhistleOut:
    """Read a whistle with its history. Streets and dispatchers may call, and departments that are called."""
    found = await context.reader.run(
        session.viewer, lambda connection: whistles.read(connection, session, number, utc_now()), request.receive
    )
    return WhistleOut.model_validate(found)


@router.post("", status_code=201, responses=REFUSALS)
async def whistle(
    body: NewWhistle,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> WhistleOut:
    """Whistle for departments; another account of the unit approves. Streets and dispatchers may call."""
    call = whistles.Call(**{**body.model_dump(), "departments": tuple(body.departments)})

    def work(connection: Connection, now: datetime) -> dict[str, Any]:
        number = whistles.blow(connection, session, call, now)
        return whistles.read(connection, session, number, now)

    return WhistleOut.model_validate_json(await change((request, context, session, idempotency_key), body, work))


@router.post("/{number}/moves", responses=REFUSALS)
async def move_whistle(
    number: Number,
    body: NewWhistleMove,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> WhistleOut:
    """Move a whistle on. Its unit and the departments that are called may call; whose which is, see docs/access.md."""
    step = whistling.Step(body.move, body.note or None, body.department, body.ratings)
    answer = await change(
        (request, context, session, idempotency_key), body,
        lambda connection, now: whistling.move(connection, session, number, step, now),
    )  # fmt: skip
    return WhistleOut.model_validate_json(answer)
