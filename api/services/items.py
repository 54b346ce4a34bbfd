"""Lists of a layer's features: checked parameters, pages that stay complete while rows come in."""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from api.errors import InvalidRequestError, MissingError
from layers.layer import Field, Layer
from layers.query import ItemQuery, filterable
from layers.viewer import Viewer

PARAMETERS = frozenset({"bbox", "near", "within", "q", "limit", "cursor"})
LONGEST_TEXT = 200
SMALL_BOX = 0.05  # degrees; a box no wider and no higher is best looked up in the spatial index, whatever it holds
PLACE_SQL = (
    "SELECT 'area', path::text FROM area WHERE code = %(code)s UNION ALL "
    "(SELECT 'grid', path::text FROM grid WHERE code = %(code)s AND (is_effective OR valid_to IS NOT NULL) "
    "ORDER BY is_effective DESC, valid_to DESC LIMIT 1) LIMIT 1"
)


@dataclass(frozen=True)
class ItemRequest:
    """A checked request for a page.

    Attributes
    ----------
    query
        Its shape, from which the SQL follows.
    values
        Its values.
    within
        Code of the area or grid that limits the list, still to be looked up; "" for none.
    limit
        Most features of the page.
    """

    query: ItemQuery
    values: Mapping[str, Any]
    within: str
    limit: int

    def located(self, kind: str, path: str) -> "ItemRequest":
        """Say where `within` lies."""
        value = self.within if kind == "grid" else path
        return replace(self, query=replace(self.query, within=kind), values={**self.values, "within": value})

    def has_one_plan(self, layer: Layer) -> bool:
        """Tell whether the list is best read the same way whatever its values, so that its SQL need be planned once.

        A list by time is not: where rows are many, following the time reads fewer of them than the box.
        """
        if self.query.boxes != 1 or layer.newest_by:
            return False
        width, height = self.values["east"] - self.values["west"], self.values["north"] - self.values["south"]
        return bool(width <= SMALL_BOX and height <= SMALL_BOX)


def parse_request(layer: Layer, viewer: Viewer, given: Mapping[str, str], limit: int) -> ItemRequest:
    """Check the parameters of a list.

    Parameters
    ----------
    layer, viewer
        Of what, for whom.
    given
        The query's parameters as they came; what is not one of PARAMETERS is a filter by field.
    limit
        Most features of the page.

    Raises
    ------
    InvalidRequestError
        If a parameter can't be used; the message says which and why.
    """
    query = ItemQuery()
    values: dict[str, Any] = {}
    if "bbox" in given:
        boxes, box = parse_bbox(given["bbox"])
        query, values = replace(query, boxes=boxes), values | box
    if "near" in given:
        values |= _parse_near(given["near"])
        query = replace(query, is_near=True)
    if "q" in given:
        values["q"] = search_pattern(given["q"])
        query = replace(query, is_search=True)
    fields = {field.name: field for field in filterable(layer, viewer)}
    names = tuple(sorted(set(given) - PARAMETERS))
    for name in names:
        if name not in fields:
            raise _invalid(name, f"is neither a parameter nor a field of {layer.name} that can be filtered by")
        values[f"f_{name}"] = _parse_filter(fields[name], given[name])
    query = replace(query, filters=names)
    if "cursor" in given:
        values |= _parse_cursor(given["cursor"], layer, is_near=query.is_near)
        query = replace(query, is_next=True)
    return ItemRequest(query, values, given.get("within", ""), limit)


def make_page(rows: list[tuple[Any, ...]], layer: Layer, request: ItemRequest, *, revision: int) -> bytes:
    """Write a FeatureCollection from the rows of `item_sql`, which was asked for one more than the page holds."""
    kept = rows[: request.limit]
    cursor = _write_cursor(kept[-1][1], kept[-1][2], layer, request) if len(rows) > request.limit else None
    features = ",".join(row[0] for row in kept)
    return (
        f'{{"type":"FeatureCollection","features":[{features}],"next_cursor":{orjson.dumps(cursor).decode()},'
        f'"revision":{revision}}}'
    ).encode()


def require_place(rows: list[tuple[Any, ...]], code: str) -> tuple[str, str]:
    """Read the answer of PLACE_SQL.

    Raises
    ------
    MissingError
        If there is no such area or grid that the reader may see.
    """
    if not rows:
        raise MissingError(f"there is no area or grid with the code {code!r}")
    kind, path = rows[0]
    return kind, path


def _invalid(name: str, why: str) -> InvalidRequestError:
    """Refuse one parameter."""
    return InvalidRequestError(f"{name!r} {why}", ((name, why),))


def _numbers(name: str, text: str, count: int) -> list[float]:
    """Read comma-separated finite numbers."""
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise _invalid(name, f"must be {count} numbers with commas between them") from None
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise _invalid(name, f"must be {count} numbers with commas between them")
    return numbers


def parse_bbox(text: str) -> tuple[int, dict[str, float]]:
    """Read west,south,east,north; a box with west > east goes over the antimeridian and is two."""
    west, south, east, north = _numbers("bbox", text, 4)
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise _invalid("bbox", "must be west,south,east,north in degrees, south not above north")
    box = {"west": west, "south": south, "east": east, "north": north}
    return (1, box) if west <= east else (2, box | {"eastmost": 180.0, "westmost": -180.0})


def _parse_near(text: str) -> dict[str, float]:
    """Read lon,lat; the map's projection ends at 85 degrees."""
    lon, lat = _numbers("near", text, 2)
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):
        raise _invalid("near", "must be lon,lat in degrees, lat between -85 and 85")
    return {"lon": lon, "lat": lat}


def search_pattern(text: str) -> str:
    """Make an ILIKE pattern that finds the text anywhere and takes none of its signs as wildcards."""
    if not 0 < len(text) <= LONGEST_TEXT:
        raise _invalid("q", f"must have 1 to {LONGEST_TEXT} characters")
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _parse_filter(field: Field, text: str) -> str | bool:
    """Read the value that a field must equal."""
    if field.type == "boolean":
        if text not in ("true", "false"):
            raise _invalid(field.name, "must be true or false")
        return text == "true"
    if field.choices and text not in field.choices:
        raise _invalid(field.name, f"must be one of {', '.join(field.choices)}")
    if len(text) > LONGEST_TEXT:
        raise _invalid(field.name, f"must have at most {LONGEST_TEXT} characters")
    return text


def _write_cursor(key: str | None, row_id: str, layer: Layer, request: ItemRequest) -> str:
    """Write where the next page begins."""
    order = "near" if request.query.is_near else "row"
    return base64.urlsafe_b64encode(orjson.dumps([layer.name, order, key, row_id])).decode().rstrip("=")


def _parse_cursor(text: str, layer: Layer, *, is_near: bool) -> dict[str, str]:
    """Read a cursor that this list gave; anything else is refused before it reaches PostgreSQL."""
    refused = _invalid("cursor", "is not one that this list gave")
    try:
        name, order, key, row_id = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        if (name, order) != (layer.name, "near" if is_near else "row"):
            raise refused
        number = UUID(row_id) if layer.id_type == "uuid" else int(row_id)
        if isinstance(number, int) and not -(2**63) <= number < 2**63:
            raise refused
        values = {"after_id": str(number)}
        if is_near:
            values["after_key"] = repr(_numbers("cursor", key, 1)[0])
        elif layer.newest_by:
            values["after_key"] = datetime.fromisoformat(key).isoformat()
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise refused from None
    return values
