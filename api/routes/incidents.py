"""Report incidents, move them on, and their photos."""

from datetime import UTC
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api.context import ContextDep
from api.problems import problems
from api.services import incidents, photos
from api.services.moves import MOVES
from api.services.sessions import utc_now
from api.session import SessionDep
from layers.viewer import ANONYMOUS

router = APIRouter(prefix="/api", tags=["incidents"])
STATUSES = tuple(sorted({to for legal in MOVES.values() for to in legal}))
GEOJSON = "application/geo+json"
FEATURE: dict[str, Any] = {"content": {GEOJSON: {"schema": {"type": "object"}}}}
PHOTO_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}} for kind in ("jpeg", "png", "webp")
        },
    }
}


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


class CategoryOut(BaseModel):
    """A kind of incident; `parent` groups them, `limit_hours` is the time allowed."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    parent: str | None
    name: str
    name_en: str | None
    department: str | None
    limit_hours: int | None


class CategoryList(BaseModel):
    """All kinds of incidents, by code."""

    categories: list[CategoryOut]


class NewIncident(BaseModel, extra="forbid"):
    """A report. The client makes the id, so that sending it twice is one report."""

    id: UUID
    category: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
    title: Line
    description: Prose | None = None
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False)
    reported_at: AwareDatetime | None = None


class NewEvent(BaseModel, extra="forbid"):
    """A move. `note` is needed for rejected, returned, paused and reopened, `rating` for rated."""

    to: Literal[STATUSES]  # type: ignore[valid-type]
    note: Prose | None = None
    rating: int | None = Field(default=None, ge=1, le=5)


class PhotoOut(BaseModel):
    """A stored photo; `sha256` is of the bytes as they were sent."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    sha256: str
    width: int
    height: int


class PhotoList(BaseModel):
    """The photos of an incident, oldest first."""

    photos: list[PhotoOut]


@router.get("/categories", responses=problems())
async def read_categories(request: Request, context: ContextDep) -> CategoryList:
    """List the kinds of incidents. Anyone may call."""
    found = await context.reader.run(ANONYMOUS, incidents.categories, request.receive)
    return CategoryList(categories=[CategoryOut.model_validate(one) for one in found])


@router.post(
    "/incidents",
    status_code=201,
    response_class=Response,
    responses={
        200: {**FEATURE, "description": "The same report came before: the same receipt."},
        201: {**FEATURE, "description": "Taken in; `properties.code` is the receipt number."},
        **problems("not_signed_in", "forbidden", "csrf_failed", "conflict", "too_large"),
    },
)
async def report_incident(body: NewIncident, request: Request, context: ContextDep, session: SessionDep) -> Response:
    """Report an incident. Workers, communities, streets and dispatchers may call."""
    now = utc_now()
    values = body.model_dump()
    if body.reported_at is not None:
        values["reported_at"] = body.reported_at.astimezone(UTC)
    sent = incidents.Report(**values)

    def work(connection: Any) -> tuple[str, bool]:
        code, is_new = incidents.report(connection, session, sent, now)
        return incidents.feature(connection, session.viewer, code), is_new

    content, is_new = await context.reader.run(session.viewer, work, request.receive)
    return Response(content, 201 if is_new else 200, media_type=GEOJSON)


@router.post(
    "/incidents/{incident_id}/events",
    response_class=Response,
    responses={
        200: {**FEATURE, "description": "The incident after the move."},
        **problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large"),
    },
)
async def move_incident(
    incident_id: UUID, body: NewEvent, request: Request, context: ContextDep, session: SessionDep
) -> Response:
    """Move an incident on. Those who work on it may call; which move is whose, see docs/access.md."""
    step = incidents.Move(body.to, body.note or None, body.rating)
    now = utc_now()

    def work(connection: Any) -> str:
        code = incidents.move(connection, session, incident_id, step, now)
        return incidents.feature(connection, session.viewer, code)

    return Response(await context.reader.run(session.viewer, work, request.receive), media_type=GEOJSON)


@router.put(
    "/incidents/{incident_id}/photos/{photo_id}",
    status_code=201,
    responses={
        200: {"model": PhotoOut, "description": "The same photo came before."},
        **problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large"),
    },
    openapi_extra=PHOTO_BODY,
)
async def add_photo(
    incident_id: UUID, photo_id: UUID, request: Request, response: Response, context: ContextDep, session: SessionDep
) -> PhotoOut:
    """Add a photo (JPEG, PNG or WebP) to an incident. Who reported it and who works on it may call."""
    sent = await request.body()  # the edge stops it at the limit
    photo, is_new = await context.reader.run(
        session.viewer, lambda connection: photos.add(connection, session, incident_id, photo_id, sent), request.receive
    )
    response.status_code = 201 if is_new else 200
    return PhotoOut.model_validate(photo)


@router.get("/incidents/{incident_id}/photos", responses=problems("not_signed_in", "forbidden", "not_found"))
async def list_photos(incident_id: UUID, request: Request, context: ContextDep, session: SessionDep) -> PhotoList:
    """List an incident's photos. Who reported it and who works on it may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: photos.find_all(connection, session, incident_id), request.receive
    )
    return PhotoList(photos=[PhotoOut.model_validate(one) for one in found])


@router.get(
    "/incidents/{incident_id}/photos/{photo_id}",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **problems("not_signed_in", "forbidden", "not_found"),
    },
)
async def read_photo(
    incident_id: UUID, photo_id: UUID, request: Request, context: ContextDep, session: SessionDep
) -> Response:
    """Read a photo. Who reported the incident and who works on it may call."""
    content = await context.reader.run(
        session.viewer, lambda connection: photos.read(connection, session, incident_id, photo_id), request.receive
    )
    return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})
