"""The tree of areas, and the key figures of each."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.services.areas import list_areas
from api.services.figures import count_figures, require_staff

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
    """Open incidents of one area or grid inside."""

    code: str
    name: str
    open: int
    overdue: int


class Figures(BaseModel):
    """Key figures of an area, from the rows that the caller may see; ratios are 0-1, null where nothing was counted."""

    as_of: str
    within: str
    incidents_open: int
    incidents_today: int
    incidents_overdue: int
    closed_ratio_30d: float | None
    reported_30d: int
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


@router.get("/api/figures", responses=problems("not_signed_in", "forbidden", "not_found"))
async def figures(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    within: Annotated[str, Query(min_length=1, max_length=100, description="Code of an area or a grid.")],
) -> Figures:
    """Key figures of an area or a grid, for staff and the wall, inside their areas."""
    require_staff(viewer)
    as_of = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    counted = await context.reader.run(viewer, lambda connection: count_figures(connection, within), request.receive)
    return Figures(as_of=as_of, within=within, **counted)
