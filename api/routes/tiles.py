"""Vector tiles and what GIS clients read before them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api import tilegate
from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.services.catalogue import read_places, require_layer
from layers.style import source

router = APIRouter(tags=["tiles"])
LayerName = Annotated[str, Path(description="Name of a layer, as /api/layers lists it.")]
_TILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The tile; an empty body where nothing lies.",
        "content": {tilegate.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "The tile that you have is the newest."},
}  # fmt: skip


async def get_address(
    z: int,
    x: int,
    y: int,
    r: Annotated[int | None, Query(ge=0, description="Any number: makes a client ask again.")] = None,
) -> tuple[int, int, int]:
    """Give the zoom, column and row that are asked for."""
    return z, x, y


AddressDep = Annotated[tuple[int, int, int], Depends(get_address)]


@router.get(
    tilegate.PATH,
    response_class=Response,
    responses={**problems("not_signed_in", "forbidden", "not_found"), **_TILE},
)
async def tile(
    request: Request, context: ContextDep, viewer: ViewerDep, layer: LayerName, address: AddressDep
) -> Response:
    """Mapbox Vector Tile 2, gzip where accepted. Public layers for all, others by role and scope."""
    found = require_layer(layer, viewer)
    made = await context.tiles.get(found, viewer, address, request.receive)
    status, headers, body = tilegate.answer(
        made, is_private=bool(viewer.roles), accepted=request.headers.get("accept-encoding", "").encode(),
        known=request.headers.get("if-none-match", "").encode(),
    )  # fmt: skip
    return Response(body, status, {name.decode(): value.decode() for name, value in headers})


@router.get("/tiles/{layer}.json", responses=problems("not_signed_in", "forbidden", "not_found"))
async def tilejson(request: Request, context: ContextDep, viewer: ViewerDep, layer: LayerName) -> dict[str, Any]:
    """TileJSON 3 of a layer, with absolute addresses. Public layers for all, others by role."""
    found = require_layer(layer, viewer)
    places = await context.reader.run(viewer, read_places, request.receive)
    drawn = source(found)
    origin = f"{'https' if context.settings.is_behind_https else request.url.scheme}://{request.url.netloc}"
    seen = [field for field in viewer.fields(found) if field.in_tile]
    answer: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": found.title,
        "tiles": [origin + address for address in drawn["tiles"]],
        "minzoom": found.min_zoom,
        "maxzoom": found.max_zoom,
        "vector_layers": [
            {
                "id": found.name, "description": found.title_en, "minzoom": found.min_zoom, "maxzoom": found.max_zoom,
                "fields": {field.name: f"{field.title} {field.title_en}" for field in seen},
            }
        ],
    }  # fmt: skip
    if places.attribution:
        answer["attribution"] = places.attribution
    if places.bounds:
        answer["bounds"] = places.bounds
    return answer
