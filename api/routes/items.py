"""Lists of features as GeoJSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.context import ContextDep, ViewerDep
from api.errors import MissingError
from api.problems import problems
from api.query import FREE, refuse_others
from api.services.catalogue import require_layer
from api.services.items import PARAMETERS, PLACE_SQL, make_page, parse_request, require_place
from layers.layer import Layer
from layers.query import ItemQuery, filterable, item_sql, sight
from layers.viewer import Viewer

router = APIRouter(tags=["items"])
MEDIA_TYPE = "application/geo+json"
LayerName = Annotated[str, Path(description="Name of a layer, as /api/layers lists it.")]
FEATURE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "string"},
        "geometry": {"type": "object", "required": ["type", "coordinates"]},
        "properties": {"type": "object", "required": ["code"]},
    },
}
PAGE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "features", "next_cursor", "revision"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": FEATURE},
        "next_cursor": {"type": ["string", "null"]},
        "revision": {"type": "integer"},
    },
}
_FILTERS = {
    "name": "filters", "in": "query", "style": "form", "explode": True,
    "description": "FIELD=value for any text or boolean field of the layer that the caller may see.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}  # fmt: skip


class PageQuery(BaseModel):
    """The parameters of a list; each is text that `api.services.items` reads."""

    bbox: str | None = Field(None, description="west,south,east,north in degrees.")
    near: str | None = Field(None, description="lon,lat: sorts by distance and adds distance_m.")
    within: str | None = Field(None, description="Code of an area or a grid.")
    q: str | None = Field(None, description="Text in code, name, title or address.")
    limit: int = Field(100, ge=1, le=1000, description="Most features of the page.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


def _geojson(schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Document a GeoJSON answer."""
    return {200: {"description": "GeoJSON", "content": {MEDIA_TYPE: {"schema": schema}}}}


@router.get(
    "/api/layers/{layer}/items",
    response_class=Response,
    responses={**problems("not_signed_in", "forbidden", "not_found"), **_geojson(PAGE)},
    openapi_extra={FREE: True, "parameters": [_FILTERS]},
)
async def items(
    request: Request, context: ContextDep, viewer: ViewerDep, layer: LayerName, page: Annotated[PageQuery, Query()]
) -> Response:
    """A page of features. Public layers for all, others by role and scope; incidents newest first."""
    found = require_layer(layer, viewer)
    refuse_others(request, PARAMETERS | {field.name for field in filterable(found, viewer)})
    asked = parse_request(found, viewer, request.query_params, page.limit)
    if asked.within:
        rows = await context.reader.fetch(viewer, PLACE_SQL, {"code": asked.within}, request.receive)
        asked = asked.located(*require_place(rows, asked.within))
    await context.revisions.settle()
    revision = context.revisions.get(found.name)
    sql = item_sql(found, sight(found, viewer), asked.query)
    values = {**asked.values, "limit": page.limit + 1}
    is_planned_once = asked.has_one_plan(found)
    rows = await context.reader.fetch(viewer, sql, values, request.receive, is_planned_once=is_planned_once)
    return _answer(make_page(rows, found, asked, revision=revision), viewer)


@router.get(
    "/api/layers/{layer}/items/{code}",
    response_class=Response,
    responses={**problems("not_signed_in", "forbidden", "not_found"), **_geojson(FEATURE)},
)
async def item(request: Request, context: ContextDep, viewer: ViewerDep, layer: LayerName, code: str) -> Response:
    """One feature. Public layers for all, others by role and scope."""
    found = require_layer(layer, viewer)
    sql = item_sql(found, sight(found, viewer), ItemQuery(is_single=True))
    values = {"code": code, "limit": 1}
    rows = await context.reader.fetch(viewer, sql, values, request.receive, is_planned_once=True)
    if not rows:
        raise MissingError(f"{_title(found)} has nothing with the code {code!r}")
    return _answer(rows[0][0].encode(), viewer)


def _title(layer: Layer) -> str:
    """Name a layer for people."""
    return f"{layer.title} ({layer.name})"


def _answer(body: bytes, viewer: Viewer) -> Response:
    """Answer GeoJSON; what was made for staff is kept by nobody else's cache."""
    cache = "private, no-cache" if viewer.roles else "no-cache"
    return Response(body, media_type=MEDIA_TYPE, headers={"cache-control": cache, "vary": "Cookie"})
