"""Plans as files, both ways, and the notice that tells residents of one."""

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.routes.planning import CODE, PLANNER, PlanBody, PlanId
from api.services import exchange, notices
from api.services.planners import require_planner

router = APIRouter(tags=["planning"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(("application/geopackage+sqlite3", "application/zip", "text/csv"), _BINARY)}
}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": _BINARY},
    }
}


@router.get(
    "/api/plans/{plan_id}/export/{kind}",
    response_class=Response,
    responses={**FILES, **problems(*PLANNER, "not_found")},
)
async def export_plan(
    request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId, kind: Literal["gpkg", "shp", "csv"]
) -> Response:
    """Give a plan as GeoPackage, zipped Shapefile or CSV equivalence file. Planners, inside their area."""
    content, name, media_type = await context.reader.run(
        viewer, lambda connection: exchange.export(connection, viewer, plan_id, kind), request.receive
    )
    return download(content, name, media_type)


@router.post(
    "/api/plans/import",
    status_code=201,
    openapi_extra=UPLOAD,
    responses=problems(*PLANNER, "not_found", "csrf_failed", "too_large"),
)
async def import_plan(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    within: Annotated[str, CODE],
    name: Annotated[str | None, Query(min_length=1, max_length=exchange.MAX_NAME_CHARS)] = None,
) -> PlanBody:
    """Store an exported plan (.gpkg, .zip of Shapefiles, .csv) as a draft. Planners, inside their area."""
    require_planner(viewer)  # before the body is read
    content = await request.body()  # the edge stops it at the limit
    plan = await context.reader.run(
        viewer,
        lambda connection: exchange.import_plan(connection, viewer, content, within=within, name=name),
        request.receive,
    )
    return PlanBody.model_validate(plan)


def download(content: bytes, name: str, media_type: str) -> Response:
    """Answer with a file to be saved under a name of any script."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=media_type, headers={"content-disposition": disposition})


@router.get(
    "/api/plans/{plan_id}/notice.{kind}",
    response_class=Response,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}, "application/pdf": _BINARY}},
        **problems(*PLANNER, "not_found", "conflict"),
    },
)
async def write_notice(  # noqa: PLR0913, PLR0917 (what a notice says)
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    plan_id: PlanId,
    kind: Literal["html", "pdf"],
    against: Annotated[
        int | None, Query(ge=1, le=2**62, description="Another plan; without one, today's grids.")
    ] = None,
    opens_on: Annotated[
        date | None, Query(description="First day of the 公示; a blank to fill in without one.")
    ] = None,
    closes_on: Annotated[date | None, Query(description="Last day of the 公示, included.")] = None,
    feedback: Annotated[
        str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$", description="Where opinions go; else a blank.")
    ] = "",
) -> Response:
    """Write the 公示 notice of a plan as one file: HTML that opens offline, or PDF. Planners, inside their area."""
    approval = context.settings.map_approval
    terms = notices.check_terms(opens_on, closes_on, feedback)

    def work(connection: Connection) -> tuple[bytes, str]:
        notice = notices.read(connection, viewer, plan_id, against)
        write = notices.as_html if kind == "html" else notices.as_pdf
        return write(notice, approval, terms), notice.facts["name"]

    content, name = await context.reader.run(viewer, work, request.receive)
    media_type = "text/html; charset=utf-8" if kind == "html" else "application/pdf"
    return download(content, f"{name}公示.{kind}", media_type)
