"""多网合一: grid layers of an area, their conflicts, and the table of old and new codes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.routes.exchange import UPLOAD, download
from api.routes.planning import CODE, GEOJSON, PLANNER
from api.services import crosswalks
from api.services.planners import require_planner

router = APIRouter(prefix="/api/crosswalks", tags=["planning"])
CrosswalkId = Annotated[int, Path(ge=1, le=2**62)]
LayerName = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]


class NewCrosswalk(BaseModel):
    """A crosswalk to be made."""

    model_config = ConfigDict(extra="forbid")

    within: str = Field(min_length=1, max_length=64, description="Code of the district, street or community.")
    name: str = Field(min_length=1, max_length=100)


class LayerBody(BaseModel):
    """One grid layer: how much it counts, how many grids it has, how many units are in one."""

    name: str
    weight: float
    source: str
    grids: int
    units: int


class CrosswalkBody(BaseModel):
    """Grid layers over an area, and the plan that merges them (null before a merge job)."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    within: str
    plan_id: int | None
    is_stale: bool = Field(description="Whether layers were added, replaced or taken away since that plan was made.")
    created_by: str | None
    created_at: datetime
    layers: list[LayerBody]


class CrosswalkList(BaseModel):
    """Crosswalks, newest first."""

    crosswalks: list[CrosswalkBody]


class UnitCodes(BaseModel):
    """A unit's grid in the merged plan and in each layer."""

    unit: str
    households: int
    new_code: str | None
    old_codes: dict[str, str | None]


class GridCodes(BaseModel):
    """What an old grid and a new one have in common."""

    layer: str
    old_code: str
    new_code: str | None
    units: int
    households: int


class CrosswalkTable(BaseModel):
    """Old and new codes, unit by unit and grid by grid."""

    id: int
    plan_id: int | None
    layers: list[str]
    units: list[UnitCodes]
    grids: list[GridCodes]


@router.post("", status_code=201, responses=problems(*PLANNER, "not_found", "csrf_failed", "too_large"))
async def add_crosswalk(
    request: Request, context: ContextDep, viewer: ViewerDep, new: NewCrosswalk
) -> CrosswalkBody:  # fmt: skip
    """Make a crosswalk without layers. Planners, inside their area."""
    made = await context.reader.run(
        viewer, lambda c: crosswalks.create(c, viewer, within=new.within, name=new.name), request.receive
    )
    return CrosswalkBody.model_validate(made)


@router.get("", responses=problems(*PLANNER))
async def list_crosswalks(
    request: Request, context: ContextDep, viewer: ViewerDep, within: Annotated[str | None, CODE] = None
) -> CrosswalkList:
    """List crosswalks, of one area where `within` names it. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda c: crosswalks.find_all(c, viewer, within), request.receive)
    return CrosswalkList(crosswalks=[CrosswalkBody.model_validate(one) for one in found])


@router.get("/{crosswalk_id}", responses=problems(*PLANNER, "not_found"))
async def get_crosswalk(
    request: Request, context: ContextDep, viewer: ViewerDep, crosswalk_id: CrosswalkId
) -> CrosswalkBody:  # fmt: skip
    """Give a crosswalk. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda c: crosswalks.get(c, viewer, crosswalk_id), request.receive)
    return CrosswalkBody.model_validate(found)


@router.delete("/{crosswalk_id}", status_code=204, responses=problems(*PLANNER, "not_found", "csrf_failed"))
async def delete_crosswalk(
    request: Request, context: ContextDep, viewer: ViewerDep, crosswalk_id: CrosswalkId
) -> None:  # fmt: skip
    """Delete a crosswalk with its layers; its plan stays. Planners, inside their area."""
    await context.reader.run(viewer, lambda c: crosswalks.delete(c, viewer, crosswalk_id), request.receive)


@router.put(
    "/{crosswalk_id}/layers/{name}",
    openapi_extra=UPLOAD,
    responses=problems(*PLANNER, "not_found", "csrf_failed", "too_large"),
)
async def put_layer(  # noqa: PLR0913, PLR0917 (what the address holds)
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    crosswalk_id: CrosswalkId,
    name: LayerName,
    source: Annotated[Literal["file", "today"], Query(description="The body, or the grids in force.")] = "file",
    weight: Annotated[float, Query(gt=0, le=1000, description="What a household that moves counts.")] = 1,
    field: Annotated[str, Query(max_length=64, description="Column of the codes in a file of polygons.")] = "",
) -> CrosswalkBody:
    """Store a layer: polygons (.gpkg, .geojson, .zip of one Shapefile), a .csv of units and grids, or today's grids."""
    require_planner(viewer)  # before the body is read
    content = await request.body() if source == "file" else None  # the edge stops it at the limit
    found = await context.reader.run(
        viewer,
        lambda c: crosswalks.put_layer(c, viewer, crosswalk_id, name, content, weight=weight, field=field),
        request.receive,
    )
    return CrosswalkBody.model_validate(found)


@router.delete("/{crosswalk_id}/layers/{name}", responses=problems(*PLANNER, "not_found", "csrf_failed"))
async def delete_layer(
    request: Request, context: ContextDep, viewer: ViewerDep, crosswalk_id: CrosswalkId, name: LayerName
) -> CrosswalkBody:
    """Delete a layer. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda c: crosswalks.delete_layer(c, viewer, crosswalk_id, name), request.receive
    )
    return CrosswalkBody.model_validate(found)


@router.get(
    "/{crosswalk_id}/conflicts", response_class=Response, responses={**problems(*PLANNER, "not_found"), **GEOJSON}
)
async def get_conflicts(
    request: Request, context: ContextDep, viewer: ViewerDep, crosswalk_id: CrosswalkId
) -> Response:  # fmt: skip
    """Give the units whose layers disagree as GeoJSON, with `overlaps` and `totals`. Planners, inside their area."""
    body = await context.reader.run(viewer, lambda c: crosswalks.conflicts(c, viewer, crosswalk_id), request.receive)
    return Response(body, media_type="application/geo+json")


@router.get("/{crosswalk_id}/table", responses=problems(*PLANNER, "not_found"))
async def get_table(
    request: Request, context: ContextDep, viewer: ViewerDep, crosswalk_id: CrosswalkId
) -> CrosswalkTable:  # fmt: skip
    """Give the table of old and new codes. Planners, inside their area."""
    found: dict[str, Any] = await context.reader.run(
        viewer, lambda c: crosswalks.table(c, viewer, crosswalk_id), request.receive
    )
    return CrosswalkTable.model_validate(found)


@router.get(
    "/{crosswalk_id}/table.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(*PLANNER, "not_found")},
)
async def get_table_csv(
    request: Request, context: ContextDep, viewer: ViewerDep, crosswalk_id: CrosswalkId
) -> Response:  # fmt: skip
    """Give the table of old and new codes as CSV, a row for every unit and layer. Planners, inside their area."""
    content, name = await context.reader.run(
        viewer, lambda c: crosswalks.table_csv(c, viewer, crosswalk_id), request.receive
    )
    return download(content, name, "text/csv; charset=utf-8")
