"""Work on one incident: its file, what is asked for and granted, duplicates joined and parted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from api.context import Context, ContextDep
from api.problems import problems
from api.routes.incidents import IdempotencyKey, Line, Prose
from api.routes.supervision import StepOut, SupervisionOut
from api.services import approvals, casefile, duplicates, incidents, repeats
from api.services.sessions import Session, utc_now
from api.session import SessionDep

router = APIRouter(prefix="/api/incidents/{incident_id}", tags=["incidents"])
REFUSALS = problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large")
Feature = dict[str, Any]


class RouteOut(BaseModel):
    """Whom it was given to, and why."""

    at: AwareDatetime
    version: int | None
    basis: Literal["rule", "category", "fallback", "chosen"]
    body: str
    grid_code: str | None
    tied: list[str]
    outside_m: float | None
    words: str
    words_en: str


class DeadlineOut(BaseModel):
    """The time limit; `stopped_at` is since when its clock stands still."""

    amount: int
    unit: Literal["emergency_hour", "working_hour", "working_day", "natural_day"]
    source: str
    time_zone: str
    started_at: AwareDatetime
    stopped_at: AwareDatetime | None
    due_at: AwareDatetime | None
    is_overdue: bool | None
    words: str
    words_en: str


class EventOut(BaseModel):
    """One thing that happened; `by` is who did it."""

    seq: int
    at: AwareDatetime
    status: str
    note: str | None
    detail: dict[str, Any] | None
    by: str | None


class RequestOut(BaseModel):
    """What was asked for, and what somebody else decided; `is_own` where the caller asked."""

    id: int
    kind: Literal["pause", "extension", "return"]
    reason: str
    amount: int | None
    asked_at: AwareDatetime
    asked_by: str | None
    decided_at: AwareDatetime | None
    decided_by: str | None
    is_granted: bool | None
    decision_note: str | None
    ended_at: AwareDatetime | None
    is_own: bool


class JoinedOut(BaseModel):
    """A report of the same thing."""

    id: UUID
    code: str
    title: str
    description: str | None
    source: str
    reported_at: AwareDatetime
    photos: list[UUID] | None


class KeptOut(BaseModel):
    """The incident that another was joined into."""

    id: UUID
    code: str
    title: str


class ResidentOut(BaseModel):
    """What a resident's report has besides: what its point is, and whether there is a number to call back."""

    place: Literal["device", "grid", "community"]
    has_phone: bool


class WhistleNote(BaseModel):
    """That departments were whistled for."""

    id: int
    code: str
    status: str
    reason_name: str | None
    reason_name_en: str | None
    whistled_at: AwareDatetime


class CaseFile(BaseModel):
    """All that is known of an incident; `moves` and `may_ask` are what the caller may do next.

    `may_lead` says whether the caller decides what is asked for, and joins and parts duplicates. `needs_after_photo`:
    the category wants a photo of what was done before it is verified, and none has come.
    """

    incident: Feature
    moves: list[str]
    may_ask: list[str]
    routes: list[RouteOut]
    deadline: DeadlineOut | None
    events: list[EventOut]
    requests: list[RequestOut]
    joined: list[JoinedOut]
    into: KeptOut | None
    resident: ResidentOut | None
    may_lead: bool
    needs_after_photo: bool
    steps: list[StepOut]
    supervisions: list[SupervisionOut]
    whistles: list[WhistleNote]


class Suggestion(BaseModel):
    """A report that may be of the same thing: how far away, and how many hours later (negative: earlier)."""

    id: UUID
    code: str
    title: str
    description: str | None
    status: str
    category: str
    reported_at: AwareDatetime
    away_m: float
    later_hours: float
    photos: list[UUID] | None
    joined_count: int


class SuggestionList(BaseModel):
    """Reports that may be of the same thing, the nearest first."""

    suggestions: list[Suggestion]


class NewRequest(BaseModel, extra="forbid"):
    """A pause, more time (`amount` in the unit of the limit), or giving the incident back."""

    kind: Literal["pause", "extension", "return"]
    reason: Line
    amount: int | None = Field(default=None, ge=1, le=approvals.MOST_AMOUNT)


class NewDecision(BaseModel, extra="forbid"):
    """Yes or no; a refusal needs a note."""

    is_granted: bool
    note: Prose | None = None


class NewJoin(BaseModel, extra="forbid"):
    """The incident that stays."""

    into: UUID
    note: Prose | None = None


class NewSecond(BaseModel, extra="forbid"):
    """What one has seen of the same thing."""

    note: Prose | None = None


class NewParting(BaseModel, extra="forbid"):
    """Why the two are not the same thing."""

    note: Line


@router.get("", responses=problems("not_signed_in", "forbidden", "not_found"))
async def read_case(incident_id: UUID, request: Request, context: ContextDep, session: SessionDep) -> CaseFile:
    """Read an incident's file: place and time limit with reasons, history, requests, what was joined into it."""
    found = await context.reader.run(
        session.viewer, lambda connection: casefile.read(connection, session, incident_id), request.receive
    )
    return CaseFile.model_validate(found)


@router.get("/duplicates", responses=problems("not_signed_in", "forbidden", "not_found"))
async def suggest_duplicates(
    incident_id: UUID, request: Request, context: ContextDep, session: SessionDep
) -> SuggestionList:
    """List reports of the same category near in place and time; how near, the category says."""
    found = await context.reader.run(
        session.viewer, lambda connection: duplicates.suggest(connection, session, incident_id), request.receive
    )
    return SuggestionList.model_validate({"suggestions": found})


@dataclass(frozen=True)
class Call:
    """What every change needs: the request, its server, who asks, and the key under which it happens once."""

    request: Request
    context: Context
    session: Session
    key: str | None

    async def change(
        self, incident_id: UUID, body: BaseModel, work: Callable[[Connection, datetime], object]
    ) -> CaseFile:
        """Carry a change out, once for its key, and read the file."""
        now, session = utc_now(), self.session
        asked = f"{self.request.url.path} {body.model_dump_json()}"

        def changed(connection: Connection) -> str:
            work(connection, now)
            return orjson.dumps(casefile.read(connection, session, incident_id)).decode()

        def run(connection: Connection) -> str:
            incidents.find(connection, incident_id)  # nobody is told again what they may not see any more
            return repeats.once(connection, session, self.key, asked, lambda: changed(connection))

        return CaseFile.model_validate_json(await self.context.reader.run(session.viewer, run, self.request.receive))


async def get_call(
    request: Request, context: ContextDep, session: SessionDep, idempotency_key: IdempotencyKey = None
) -> Call:
    """Give a change what it needs."""
    return Call(request, context, session, idempotency_key)


CallDep = Annotated[Call, Depends(get_call)]


@router.post("/requests", status_code=201, responses=REFUSALS)
async def ask(incident_id: UUID, body: NewRequest, call: CallDep) -> CaseFile:
    """Ask for a pause, more time, or to give the incident back. Who handles it may call."""
    wish = approvals.Wish(body.kind, body.reason, body.amount)
    return await call.change(
        incident_id, body, lambda connection, now: approvals.ask(connection, call.session, incident_id, wish, now)
    )


@router.post("/requests/{request_id}/decision", responses=REFUSALS)
async def decide(
    incident_id: UUID, request_id: Annotated[int, Path(ge=1, lt=2**63)], body: NewDecision, call: CallDep
) -> CaseFile:
    """Grant or refuse what was asked for. Communities, streets and dispatchers may call, never who asked."""
    decision, asked_for = approvals.Decision(body.is_granted, body.note or None), (incident_id, request_id)
    return await call.change(
        incident_id, body, lambda connection, now: approvals.decide(connection, call.session, asked_for, decision, now)
    )


@router.post("/merge", responses=REFUSALS)
async def merge(incident_id: UUID, body: NewJoin, call: CallDep) -> CaseFile:
    """Join the incident into another that reports the same thing. Communities, streets and dispatchers may call."""

    def work(connection: Connection, now: datetime) -> None:
        duplicates.join(connection, call.session, incident_id, body.into, note=body.note or None, now=now)

    return await call.change(incident_id, body, work)


@router.post("/unmerge", responses=REFUSALS)
async def unmerge(incident_id: UUID, body: NewParting, call: CallDep) -> CaseFile:
    """Part the incident from the one that it was joined into. Communities, streets and dispatchers may call."""

    def work(connection: Connection, now: datetime) -> None:
        duplicates.part(connection, call.session, incident_id, note=body.note, now=now)

    return await call.change(incident_id, body, work)


@router.post("/seconds", responses=REFUSALS)
async def second(incident_id: UUID, body: NewSecond, call: CallDep) -> CaseFile:
    """Say that one has seen the same thing instead of reporting it again. Workers to dispatchers may call."""

    def work(connection: Connection, now: datetime) -> None:
        duplicates.second(connection, call.session, incident_id, note=body.note or None, now=now)

    return await call.change(incident_id, body, work)
