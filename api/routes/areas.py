"""The tree of areas, and the key figures of each."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.services.areas import list_areas
from api.services.figures import require_staff
from api.services.ratings import Colour, Criteria, rated

router = APIRouter(tags=["areas"])


class Area(BaseModel):
    """A district, street, community or grid; the counts are null where the caller may not see them."""

    code: str
    name: str
    name_en: str | None
    level: str
    path: str
    parent: str | None
    bbox: tuple[float, float, float, float]
    time_zone: str
    is_sample: bool
    households: int | None
    grids: int | None
    grids_outside_band: int | None


class AreaList(BaseModel):
    """Areas by code."""

    areas: list[Area]


class Day(BaseModel):
    """Incidents of one local day."""

    date: date
    reported: int
    closed: int


class CategoryCount(BaseModel):
    """Incidents of one category."""

    code: str
    name: str
    name_en: str | None
    count: int


class StatusCount(BaseModel):
    """Incidents in one status."""

    status: str
    count: int


class ChildCount(BaseModel):
    """Open incidents of one area or grid inside, and what it is rated by them."""

    code: str
    name: str
    open: int
    overdue: int
    colour: Colour


class ChildCoverage(BaseModel):
    """Households of one area inside that were examined, and those that have a station within reach."""

    code: str
    name: str
    name_en: str | None
    covered: int
    examined: int


class Criterion(BaseModel):
    """What makes a place a colour, in words."""

    colour: Colour
    words: str
    words_en: str


class Rating(BaseModel):
    """What the area itself is rated (三色), by which criteria, and until when that holds."""

    colour: Colour
    rated_at: AwareDatetime
    expires_at: AwareDatetime
    criteria: list[Criterion]


class Figures(BaseModel):
    """Key figures of an area, from the rows that the caller may see; ratios are 0-1, null where nothing was counted.

    `recent_from` and `today_from` are since when the figures of 30 days and of today count.
    """

    as_of: str
    within: str
    incidents_open: int
    incidents_today: int
    incidents_overdue: int
    incidents_supervised: int
    closed_ratio_30d: float | None
    closed_30d: int
    reported_30d: int
    recent_from: AwareDatetime
    today_from: AwareDatetime
    households: int | None
    grids: int
    grids_outside_band: int
    households_outside_band: int
    stations_open: int
    canteens_open: int
    covered_ratio: float | None
    trend: list[Day]
    by_category: list[CategoryCount]
    by_status: list[StatusCount]
    by_child: list[ChildCount]
    coverage: list[ChildCoverage]
    rating: Rating


@router.get("/api/areas", responses=problems("not_found"))
async def areas(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    parent: Annotated[str | None, Query(max_length=100, description="Code of an area; districts without one.")] = None,
) -> AreaList:
    """Districts, or the children of an area; a community's are grids. Anyone may call; counts are for staff."""
    rows = await context.reader.run(viewer, lambda connection: list_areas(connection, parent), request.receive)
    return AreaList(areas=[Area(**row) for row in rows])


@router.get("/api/figures", response_model=Figures, responses=problems("not_signed_in", "forbidden", "not_found"))
async def figures(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    within: Annotated[str, Query(min_length=1, max_length=100, description="Code of an area or a grid.")],
) -> Response:
    """Key figures of an area or a grid, for staff and the wall, inside their areas, asked again by their tag."""
    require_staff(viewer)

    def write(counted: dict[str, Any], now: datetime) -> bytes:
        as_of = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        shown = rated(counted, Criteria.of(context.settings), now)
        return Figures(as_of=as_of, within=within, **shown).model_dump_json().encode()

    found = await context.figures.get(viewer, within, write, request.receive)
    headers = {"etag": found.tag, "cache-control": "private, no-cache", "vary": "Cookie"}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type="application/json", headers=headers)
