"""Report incidents, list them, and move them on."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api.context import Context, ContextDep
from api.errors import ForbiddenError
from api.problems import problems
from api.query import FREE, refuse_others
from api.services import caselist, caseorders, dispatching, incidents, repeats, reporting
from api.services.items import PLACE_SQL, require_place
from api.services.moves import Reached
from api.services.sessions import Session, utc_now
from api.session import SessionDep
from layers.incident import PRESSING_HOURS
from layers.query import item_sql, sight
from layers.registry import get_layer
from layers.viewer import ANONYMOUS, CASE_ROLES, CASE_ROW_ROLES

router = APIRouter(prefix="/api", tags=["incidents"])
GEOJSON = "application/geo+json"
FEATURE: dict[str, Any] = {"content": {GEOJSON: {"schema": {"type": "object"}}}}


def _plain(value: str) -> str:
    """Trim, and refuse characters that no person types and that PostgreSQL can't store."""
    value = value.strip()
    if any(ord(one) < 32 and one not in "\n\t" for one in value):
        raise ValueError("must not contain control characters")
    return value


def _filled(value: str) -> str:
    """Refuse blank text."""
    if not value:
        raise ValueError("must not be blank")
    return value


Line = Annotated[str, Field(max_length=100), AfterValidator(_plain), AfterValidator(_filled)]
Prose = Annotated[str, Field(max_length=4000), AfterValidator(_plain)]
Words = Annotated[Prose, AfterValidator(_filled)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
        description="Made by the client, one for each request: sent again, it gets the same answer, for 7 days.",
    ),
]  # fmt: skip


class CategoryOut(BaseModel):
    """A kind of incident; `parent` groups them, `limit_hours` is the time allowed, `keys` is searched.

    Two reports of it within `duplicate_m` and `duplicate_hours` may be of one thing.
    """

    model_config = ConfigDict(from_attributes=True)

    code: str
    parent: str | None
    name: str
    name_en: str | None
    department: str | None
    limit_hours: int | None
    duplicate_m: float
    duplicate_hours: float
    keys: str


class CategoryList(BaseModel):
    """All kinds of incidents, by code."""

    categories: list[CategoryOut]


class NewIncident(BaseModel, extra="forbid"):
    """A report. `title` is the category's name unless given; `occurred_at` is by the sender's clock."""

    category: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
    title: Line | None = None
    description: Prose | None = None
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False)
    occurred_at: AwareDatetime | None = None


class NewEvent(BaseModel, extra="forbid"):
    """A move. `note` is needed for rejected, returned, paused and reopened, `rating` for rated.

    `department`, of the move to assigned only, gives it to another department than it has.
    """

    to: Reached
    note: Prose | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    department: Line | None = None


@router.get("/categories", responses=problems())
async def read_categories(request: Request, context: ContextDep) -> CategoryList:
    """List the kinds of incidents. Anyone may call."""
    found = await context.reader.run(ANONYMOUS, incidents.categories, request.receive)
    return CategoryList(categories=[CategoryOut.model_validate(one) for one in found])


class CaseFilter(BaseModel):
    """Which incidents are asked for; several values are written with commas between them."""

    status: str | None = Field(None, description="Any of these statuses.")
    category: str | None = Field(None, description="Any of these categories, or of those under them.")
    department: str | None = Field(None, description="Any of these departments.")
    source: str | None = Field(None, description="Any of these sources.")
    is_open: bool | None = Field(None, description="Whether it is still to be closed.")
    is_overdue: bool | None = Field(None, description="Whether its deadline passed before it was resolved.")
    is_pressing: bool | None = Field(
        None, description=f"Whether its clock runs and ends within {PRESSING_HOURS} hours, or has ended."
    )
    warning_level: str | None = Field(None, description="Any of these levels: blue, yellow, orange, red.")
    is_supervised: bool | None = Field(None, description="Whether a higher level supervises it (督办).")
    is_asked: bool | None = Field(None, description="Whether something that was asked for waits for a decision.")
    is_mine: bool | None = Field(None, description="Whether one reported it oneself.")
    reported_from: AwareDatetime | None = Field(None, description="Reported then or later.")
    reported_before: AwareDatetime | None = Field(None, description="Reported before then.")
    due_before: AwareDatetime | None = Field(None, description="Due before then.")
    part: str | None = Field(None, description="A part of the statistics: the list behind one of its figures.")
    id: str | None = Field(None, description="Any of these identities, at most 100.")
    bbox: str | None = Field(None, description="west,south,east,north in degrees.")
    within: str | None = Field(None, description="Code of an area or a grid.")
    q: str | None = Field(None, description="Text in receipt number or title.")


class CaseQuery(CaseFilter):
    """Which incidents a list is asked for, and in what order."""

    order: Literal["due", "newest"] = Field("newest", description="By deadline, or newest first.")
    limit: int = Field(100, ge=1, le=1000, description="Most incidents of the page.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


@router.get(
    "/incidents",
    response_class=Response,
    responses={
        200: {**FEATURE, "description": "A FeatureCollection, with `next_cursor`."},
        **problems("not_signed_in", "forbidden", "not_found"),
    },
    openapi_extra={FREE: True},
)
async def list_incidents(
    asked: Annotated[CaseQuery, Query()], request: Request, context: ContextDep, session: SessionDep
) -> Response:
    """List incidents in one's areas. All who work on incidents, planners and walls may call."""
    refuse_others(request, CaseQuery.model_fields.keys())
    layer = get_layer("incident")
    found = await _find(asked.model_dump(), request, context, session)
    sql = item_sql(layer, sight(layer, session.viewer), found.query)
    values = {**found.values, "limit": asked.limit + 1}
    rows = await context.reader.fetch(session.viewer, sql, values, request.receive)
    content = caselist.make_page(rows, found.order, asked.limit)
    return Response(content, media_type=GEOJSON, headers={"cache-control": "private, no-cache"})


async def _find(given: dict[str, Any], request: Request, context: Context, session: Session) -> caselist.CaseRequest:
    """Check what a list or its counts are asked for, and find the place that limits them."""
    if not session.viewer.roles & CASE_ROW_ROLES:
        raise ForbiddenError("your roles show no incidents")
    found, within = caselist.parse_request(given), given["within"]
    if within is None:
        return found
    rows = await context.reader.fetch(session.viewer, PLACE_SQL, {"code": within}, request.receive)
    return found.located(*require_place(rows, within), within)


class CaseCounts(BaseModel):
    """How many incidents of a list are in each status, press, and wait for a decision; `as_of` is by the server."""

    as_of: AwareDatetime
    by_status: dict[str, int]
    pressing: int
    asked: int


@router.get(
    "/incidents/counts",
    responses=problems("not_signed_in", "forbidden", "not_found"),
    openapi_extra={FREE: True},
)
async def count_incidents(
    asked: Annotated[CaseFilter, Query()], request: Request, context: ContextDep, session: SessionDep
) -> CaseCounts:
    """Count the incidents of a list by status. All who may list them may call."""
    refuse_others(request, CaseFilter.model_fields.keys())
    found = await _find({**asked.model_dump(), "order": "newest", "cursor": None}, request, context, session)
    sql = caselist.tally_sql(sight(get_layer("incident"), session.viewer), found)
    rows = await context.reader.fetch(session.viewer, sql, found.values, request.receive)
    return CaseCounts(
        as_of=datetime.fromisoformat(rows[0][4]) if rows else utc_now(),
        by_status={row[0]: row[1] for row in rows},
        pressing=sum(row[2] for row in rows),
        asked=sum(row[3] for row in rows),
    )


class DepartmentList(BaseModel):
    """The departments that incidents may be given to, by name, and the English names of those that have one."""

    departments: list[str]
    names_en: dict[str, str]


@router.get("/departments", responses=problems("not_signed_in", "forbidden"))
async def read_departments(request: Request, context: ContextDep, session: SessionDep) -> DepartmentList:
    """List whom an incident may be given to. All who work on incidents may call."""
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not handle incidents")
    names = await context.reader.run(session.viewer, dispatching.departments, request.receive)
    return DepartmentList(
        departments=names,
        names_en={name: context.department_names[name] for name in names if name in context.department_names},
    )


@router.put(
    "/incidents/{incident_id}",
    status_code=201,
    response_class=Response,
    responses={
        200: {**FEATURE, "description": "The same report came before: the same receipt."},
        201: {**FEATURE, "description": "Taken in and on disk; `properties.code` is the receipt number."},
        **problems("not_signed_in", "forbidden", "csrf_failed", "conflict", "too_large"),
    },
)
async def report_incident(
    incident_id: UUID, body: NewIncident, request: Request, context: ContextDep, session: SessionDep
) -> Response:
    """Report an incident under an id of one's own (UUIDv7), as often as it takes. Workers to dispatchers may call.

    Another report under the same id is answered 409, with `differences`: field, received, sent.
    """
    now = utc_now()
    values = body.model_dump()
    if body.occurred_at is not None:
        values["occurred_at"] = body.occurred_at.astimezone(UTC)
    sent = reporting.Report(id=incident_id, **values)

    def work(connection: Any) -> tuple[str, bool]:
        code, is_new = reporting.report(connection, session, sent, now)
        return incidents.feature(connection, session.viewer, code), is_new

    content, is_new = await context.reader.run(session.viewer, work, request.receive)
    return Response(content, 201 if is_new else 200, media_type=GEOJSON)


@router.post(
    "/incidents/{incident_id}/events",
    response_class=Response,
    responses={
        200: {**FEATURE, "description": "The incident after the move; with a key sent before, what was answered then."},
        **problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large"),
    },
)
async def move_incident(
    incident_id: UUID,
    body: NewEvent,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Move an incident on. Those who work on it may call; which move is whose, see docs/access.md."""
    step = incidents.Move(body.to, body.note or None, body.rating, body.department)
    now = utc_now()
    kinds = context.order_kinds.values()

    def work(connection: Any) -> str:
        def moved() -> str:
            code = caseorders.move(connection, session, incident_id, step, kinds, now)
            return incidents.feature(connection, session.viewer, code)

        incidents.find(connection, incident_id)  # nobody is told again what they may not see any more
        return repeats.once(connection, session, idempotency_key, f"move {incident_id} {step}", moved)

    return Response(await context.reader.run(session.viewer, work, request.receive), media_type=GEOJSON)
