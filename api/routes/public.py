"""The public map's data: everyone may ask, nobody is asked who they are."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.context import ContextDep
from api.problems import problems
from api.services.publicmap import Answer
from data.publicmap.places import KINDS

router = APIRouter(tags=["public"])
Within = Annotated[str, Query(min_length=1, max_length=100, description="Code of a district, street or community.")]
Kind = Literal["station", "canteen", "elder_care", "exchange_point", "parking", "refuse_point"]
JSON = "application/json"
_NUMBERS = {"type": "array", "items": {"type": "integer"}}
_SPANS = {"type": "array", "items": {**_NUMBERS, "minItems": 2, "maxItems": 2}}
_HOURS = {
    "type": "object",
    "required": ["words", "words_en", "is_read", "spans", "unknown"],
    "properties": {
        "words": {"type": "string"}, "words_en": {"type": "string"}, "is_read": {"type": "boolean"},
        "spans": _SPANS, "unknown": _SPANS,
    },
}  # fmt: skip
_PLACE = {
    "type": "object",
    "required": ["kind", "code", "name", "keys", "lon", "lat", "hours", "services", "status"],
    "properties": {
        "kind": {"enum": list(KINDS)}, "code": {"type": "string"}, "name": {"type": "string"},
        "keys": {"type": "string"}, "lon": {"type": "number"}, "lat": {"type": "number"},
        "hours": {"type": ["string", "null"]}, "services": {"type": "array", "items": {"type": "string"}},
        "status": {"enum": ["open", "planned", "closed"]},
    },
}  # fmt: skip
PLACES: dict[str, Any] = {
    "type": "object",
    "required": ["within", "as_of", "time_zone", "calendar_until", "covers", "holiday", "hours", "services",
                 "communities", "places"],
    "properties": {
        "within": {"type": "string"}, "as_of": {"type": "string", "format": "date-time"},
        "time_zone": {"type": "string"}, "calendar_until": {"type": ["string", "null"]}, "covers": _NUMBERS,
        "holiday": {"type": ["object", "null"]}, "hours": {"type": "object", "additionalProperties": _HOURS},
        "services": {"type": "object"}, "communities": {"type": "array", "items": {"type": "object"}},
        "places": {"type": "array", "items": _PLACE},
    },
}  # fmt: skip
WALKS: dict[str, Any] = {
    "type": "object",
    "required": ["nodes", "edges", "lengths_cm", "places", "snap_limit_m", "pace"],
    "properties": {
        "nodes": _NUMBERS, "edges": _NUMBERS, "lengths_cm": _NUMBERS,
        "places": {"type": "object", "additionalProperties": {**_NUMBERS, "minItems": 3, "maxItems": 3}},
        "snap_limit_m": {"type": "number"}, "pace": {"type": "object"},
    },
}  # fmt: skip


def _json(schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Document a JSON answer that may be unchanged."""
    return {
        200: {"description": "JSON", "content": {JSON: {"schema": schema}}},
        304: {"description": "What you have is the newest."},
    }


@router.get("/api/public/places", response_class=Response, responses={**problems("not_found"), **_json(PLACES)})
async def places(
    request: Request,
    context: ContextDep,
    within: Within,
    kind: Annotated[list[Kind] | None, Query(max_length=6, description="Kinds of places; all without one.")] = None,
) -> Response:
    """Places of an area as everyone may know them, with their open hours as spans of time. Anyone may call.

    Hours are looked up by the text that a place has: `spans` are minutes since 1970 (UTC) in which it is open,
    `unknown` those in which nobody can tell (holidays of which the text says nothing), all within `covers`; at other
    times it is closed. `is_read` is false for a text that is not understood.
    """
    answer = await context.public_map.places_answer(within, kind or KINDS, request.receive)
    return _respond(request, answer)


@router.get("/api/public/walks", response_class=Response, responses={**problems("not_found"), **_json(WALKS)})
async def walks(request: Request, context: ContextDep, within: Within) -> Response:
    """The walking graph of an area's district, so that a device can measure walks by itself. Anyone may call.

    `nodes`: longitude and latitude in 1e-6 degrees, as differences from the node before. `edges`, in the order of their
    starts: difference of the start from that of the edge before, other end less start. `lengths_cm` of each edge.
    `places`, by kind/code: edge, centimetres along it from its start, centimetres from it; what is farther than
    `snap_limit_m` from any street is left out. A walk goes straight to the nearest edge, along edges, straight to the
    place; it is never shorter than the straight line.
    """
    return _respond(request, await context.public_map.walks_answer(within, request.receive))


def _respond(request: Request, answer: Answer) -> Response:
    """Answer JSON, packed where the client takes it; the same for everybody, asked again each time by its tag."""
    headers = {"etag": answer.tag, "cache-control": "public, no-cache", "vary": "Accept-Encoding"}
    if answer.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(answer.packed, media_type=JSON, headers={**headers, "content-encoding": "gzip"})
    return Response(answer.raw, media_type=JSON, headers=headers)
