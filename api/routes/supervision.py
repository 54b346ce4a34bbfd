"""What a higher level supervises (督办)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from api.context import ContextDep
from api.problems import problems
from api.query import FREE, refuse_others
from api.routes.incidents import IdempotencyKey, Prose, Words
from api.services import repeats, supervision
from api.services.sessions import utc_now
from api.session import SessionDep

router = APIRouter(prefix="/api/supervision", tags=["incidents"])
REFUSALS = problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large")
Level = Literal["blue", "yellow", "orange", "red"]
Number = Annotated[int, Path(ge=1, lt=2**63)]
CURSOR = r"^[1-9]\d{0,17}$"


class StepOut(BaseModel):
    """A step before or after the due time: reached `at`, written down `written_at`; whom it was told, in words."""

    id: int
    code: str
    kind: Literal["warning", "overdue", "supervision"]
    level: Level
    at: AwareDatetime
    written_at: AwareDatetime
    due_at: AwareDatetime
    to_level: Literal["handler", "community", "street", "district"]
    to_name: str
    words: str
    words_en: str


class SupervisedIncident(BaseModel):
    """What is supervised."""

    id: UUID
    code: str
    title: str
    status: str
    warning_level: Level | None
    due_at: AwareDatetime | None
    department: str | None
    category_name: str | None


class SupervisionOut(BaseModel):
    """A matter that a level watches until it is answered and closed; what the caller may do with it."""

    id: int
    incident: SupervisedIncident
    level_name: Literal["handler", "community", "street", "district"]
    to_name: str
    opened_at: AwareDatetime
    words: str
    words_en: str
    state: Literal["open", "replied", "closed"]
    reply: str | None
    replied_by: str | None
    replied_at: AwareDatetime | None
    closing_note: str | None
    closed_by: str | None
    closed_at: AwareDatetime | None
    may_reply: bool
    may_close: bool


class SupervisionList(BaseModel):
    """What is supervised, in the order in which it began; `open_count` is of all that are not closed."""

    supervisions: list[SupervisionOut]
    next_cursor: str | None
    open_count: int


class NewReply(BaseModel, extra="forbid"):
    """What is being done about it."""

    words: Words


class NewClosing(BaseModel, extra="forbid"):
    """What the supervising level says to it."""

    note: Prose | None = None


class SupervisionQuery(BaseModel):
    """What of the supervised is asked for."""

    state: str = Field("open,replied", description="Any of open, replied, closed.")
    within: str | None = Field(None, description="Code of an area or a grid.")
    incident: str | None = Field(None, description="Of any of these incidents, at most 100, with commas between them.")
    limit: int = Field(50, ge=1, le=200, description="Most of the page.")
    cursor: str | None = Field(None, pattern=CURSOR, description="`next_cursor` of the page before.")


@router.get("", responses=problems("not_signed_in", "forbidden", "not_found"), openapi_extra={FREE: True})
async def list_supervisions(
    asked: Annotated[SupervisionQuery, Query()], request: Request, context: ContextDep, session: SessionDep
) -> SupervisionList:
    """List what is supervised in one's areas. All who work on incidents may call."""
    refuse_others(request, SupervisionQuery.model_fields.keys())
    page = supervision.Page(asked.limit, int(asked.cursor or 0))
    found = await context.reader.run(
        session.viewer,
        lambda connection: supervision.latest(
            connection, session, states=asked.state, within=asked.within, incident=asked.incident, page=page
        ),
        request.receive,
    )
    return SupervisionList.model_validate(found)


async def change(
    given: tuple[Request, ContextDep, SessionDep, str | None],
    body: BaseModel,
    work: Callable[[Connection, datetime], dict[str, Any]],
) -> bytes:
    """Carry a change out, once for its key; gives the answer as JSON."""
    request, context, session, key = given
    now, asked = utc_now(), f"{request.url.path} {body.model_dump_json()}"

    def run(connection: Connection) -> str:
        return repeats.once(connection, session, key, asked, lambda: orjson.dumps(work(connection, now)).decode())

    return (await context.reader.run(session.viewer, run, request.receive)).encode()


@router.post("/{number}/reply", responses=REFUSALS)
async def answer_supervision(
    number: Number,
    body: NewReply,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> SupervisionOut:
    """Answer what is supervised. Who handles the incident may call."""
    answer = await change(
        (request, context, session, idempotency_key), body,
        lambda connection, now: supervision.reply(connection, session, number, body.words, now),
    )  # fmt: skip
    return SupervisionOut.model_validate_json(answer)


@router.post("/{number}/close", responses=REFUSALS)
async def close_supervision(
    number: Number,
    body: NewClosing,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> SupervisionOut:
    """Close what was answered. Accounts of the supervising level or above may call, never who answered."""
    answer = await change(
        (request, context, session, idempotency_key), body,
        lambda connection, now: supervision.close(connection, session, number, body.note or None, now),
    )  # fmt: skip
    return SupervisionOut.model_validate_json(answer)
