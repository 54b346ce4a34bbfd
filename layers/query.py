"""The SQL of a layer's tiles and lists, made from its declaration and from who looks; never from what a reader typed.

Parameters are named in psycopg2's style (`%(name)s`). Rows are limited by row-level security; fields are limited here:
what is not public is given only for rows inside the reader's scope, which PostgreSQL knows from the transaction.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

from layers.layer import Field, Layer
from layers.pyramid import CELL_BITS, CELLS_OF_TILE, cell_zoom, key_sql
from layers.viewer import STAFF_ROLES, Viewer

EXTENT = 4096
BUFFER = 64
MAX_ZOOM = 20
SMALLEST_COUNT = 5  # smaller counts would point at a person
SIMPLE_FROM_ZOOM = 14
HALF_WORLD_M = 20037508.342789244  # of the Mercator square, as PostGIS has it
SHAPES_FROM_ZOOM = 15  # below it, places drawn as circles are points whatever their shape
LIST_ZOOM = 12  # the pyramid level that lists show
SEARCHED = ("code", "name", "name_en", "title", "address")

_ENVELOPE = "ST_TileEnvelope(%(z)s, %(x)s, %(y)s)"
_MARGIN = f"ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {BUFFER / EXTENT})"
_IN_MAP = "(SELECT map_scope()) @> t.path"
_IN_CASE = (
    "((SELECT case_scope()) @> t.path OR t.reported_by = (SELECT scope_account()) "
    "OR t.department = ANY ((SELECT scope_departments())::text[]))"
)


@dataclass(frozen=True)
class Sight:
    """What of a reader's rights changes the SQL of a layer.

    Attributes
    ----------
    fields
        Names of the fields to give.
    guards_staff, guards_case
        Whether staff and case fields must be checked row by row against the scope.
    """

    fields: tuple[str, ...]
    guards_staff: bool
    guards_case: bool


def sight(layer: Layer, viewer: Viewer) -> Sight:
    """Tell what a reader sees of a layer."""
    names = tuple(field.name for field in viewer.fields(layer))
    return Sight(names, layer.scope == "public" and not viewer.is_unscoped, "" not in viewer.case_scope)


def scope_key(layer: Layer, viewer: Viewer) -> Hashable:
    """Name the group of readers for whom a layer's tile is the same; never shared wider.

    Tiles of a public layer that carry public fields only are everyone's.
    """
    if layer.scope == "case":
        return viewer
    if layer.scope == "map":
        return viewer.map_scope, bool(viewer.roles & STAFF_ROLES)
    carries_more = layer.tile_source == "cells" or any(f.in_tile and f.audience != "public" for f in layer.fields)
    return (viewer.map_scope, bool(viewer.roles & STAFF_ROLES)) if carries_more and viewer.roles else ""


def guarded(field: Field, layer: Layer, seen: Sight) -> str:
    """Write a field's expression so that it is null where the reader may not see it."""
    if field.audience == "case" and seen.guards_case and layer.scope == "case":
        return f"CASE WHEN {_IN_CASE} THEN {field.expression} END"
    if field.audience != "public" and seen.guards_staff:
        return f"CASE WHEN {_IN_MAP} THEN {field.expression} END"
    return field.expression


@lru_cache(maxsize=512)
def tile_sql(layer: Layer, seen: Sight, z: int) -> str:
    """Write the query of one vector tile.

    Parameters of the query: z, x, y and features (the most features of a tile).

    Parameters
    ----------
    layer
        The layer.
    seen
        The reader's `sight` of it.
    z
        The tile's zoom: far zooms read less.
    """
    if layer.tile_source == "cells":
        return _cell_tile_sql(layer, seen, z)
    columns = ", ".join(
        f'{guarded(field, layer, seen)} AS "{field.name}"'
        for field in layer.fields if field.in_tile and field.name in seen.fields
    )  # fmt: skip
    is_marked = layer.geometry_type == "any" and layer.style[0].paint == "circle" and z < SHAPES_FROM_ZOOM
    place = "ST_PointOnSurface(t.geom_3857)" if is_marked else "t.geom_3857"
    shape = _point(z) if layer.has_points_only else _shape(layer, place, z)
    shown = "" if layer.has_points_only else " WHERE NOT ST_IsEmpty(r.geom)"
    tile = (
        f"SELECT ST_AsMVT(r, '{layer.name}', {EXTENT}, 'geom') FROM ("
        f"SELECT {shape} AS geom, {columns} {_tile_rows(layer, z, _MARGIN)}) r{shown}"
    )
    label_from = min((int(style.label_from_zoom) for style in layer.style if style.label), default=MAX_ZOOM + 1)
    if not has_label_points(layer) or z < label_from:
        return tile
    written = {"code", "name_en", *(name for style in layer.style for name in (style.label, style.by) if name)}
    columns = ", ".join(
        f'{guarded(field, layer, seen)} AS "{field.name}"'
        for field in layer.fields
        if field.in_tile and field.name in seen.fields and (field.name in written) and not _is_shade_only(layer, field)
    )
    labels = (
        f"SELECT ST_AsMVT(l, '{label_source(layer)}', {EXTENT}, 'geom') FROM ("
        f"SELECT ST_AsMVTGeom(ST_PointOnSurface(t.geom_3857), {_ENVELOPE}, {EXTENT}, 0, true) AS geom, {columns} "
        f"{_tile_rows(layer, z, _ENVELOPE)}) l WHERE l.geom IS NOT NULL"
    )
    return f"SELECT ({tile}) || ({labels})"


def has_label_points(layer: Layer) -> bool:
    """Tell whether tiles carry a point to write each feature's label at, so that a polygon over many tiles has one."""
    return layer.geometry_type in ("polygon", "any") and any(s.label and s.paint != "circle" for s in layer.style)


def _point(z: int) -> str:
    """Write a row's point in tile coordinates; nothing to clip, because the index chose it by the tile's margin."""
    scale, east, south = _scaling(z)
    x, y = f"ST_X(t.geom_3857) * {scale!r} + {east}", f"{south} - ST_Y(t.geom_3857) * {scale!r}"
    return f"ST_MakePoint(round({x}), round({y}))"


def _scaling(z: int) -> tuple[float, str, str]:
    """Give tile units per metre, and the SQL of the tile's offset from the middle of the world, to the east and south."""
    middle = EXTENT * 2**z // 2
    return (
        EXTENT * 2**z / (2 * HALF_WORLD_M),
        f"({middle} - %(x)s::integer::float8 * {EXTENT})",
        f"({middle} - %(y)s::integer::float8 * {EXTENT})",
    )


def _shape(layer: Layer, place: str, z: int) -> str:
    """Write a row's shape in tile coordinates.

    From near by, a polygon that lies inside the tile needs no clipping and, being many units wide, no repair: it is
    scaled, rounded and wound as tiles want it (outer rings clockwise on the screen). Tiles of buildings take a quarter
    less time.
    """
    clipped = f"ST_AsMVTGeom({place}, {_ENVELOPE}, {EXTENT}, {BUFFER}, true)"
    if layer.geometry_type not in ("polygon", "any") or z < SIMPLE_FROM_ZOOM:
        return clipped
    scale, east, south = _scaling(z)
    scaled = f"ST_SnapToGrid(ST_Affine(ST_ForcePolygonCCW({place}), {scale!r}, 0, 0, {-scale!r}, {east}, {south}), 1)"
    return f"CASE WHEN {place} @ {_ENVELOPE} THEN {scaled} ELSE {clipped} END"


def _is_shade_only(layer: Layer, field: Field) -> bool:
    """Tell whether a field only colours features, so that their label points can do without it."""
    return len(layer.style) == 1 and field.name == layer.style[0].by != layer.style[0].label


def label_source(layer: Layer) -> str:
    """Name the part of a tile that holds the label points."""
    return f"{layer.name}_label"


def _tile_rows(layer: Layer, z: int, envelope: str) -> str:
    """Write where a tile's rows come from: the spatial index, without the classes of nearer zooms, at most so many."""
    parts = [layer.where, f"t.geom_3857 && {envelope}"]
    for style in layer.style:
        field = layer.field(style.by) if style.by else None
        hidden = ", ".join(f"'{shade.value}'" for shade in style.shades if shade.from_zoom > z)
        if field is not None and hidden:
            parts.append(f"{field.expression} NOT IN ({hidden})")
    where = " AND ".join(filter(None, parts))
    return f'FROM "{layer.table.name}" t WHERE {where} ORDER BY {layer.order_by or "t.id"} LIMIT %(features)s'


def _cell_tile_sql(layer: Layer, seen: Sight, z: int) -> str:
    """Write the query of a density tile: at most 64 x 64 counted cells, placed in tile coordinates right away."""
    level = cell_zoom(z)
    finer = level - z  # a tile is 2**finer cells wide
    coarser = max(0, finer - CELL_BITS)  # cells join in squares of 2**coarser
    size = EXTENT >> (finer - coarser)
    columns = f"(c.x::bigint << {coarser})" if coarser else "c.x"
    rows = f"(c.y::bigint << {coarser})" if coarser else "c.y"
    west, north = f"(%(x)s::bigint << {finer})", f"(%(y)s::bigint << {finer})"
    if finer == CELL_BITS:  # exactly one tile of cells: grouped and ordered as they follow each other
        first = key_sql(str(level), west, north)
        x, y, group, order = f"{west} | ((cell >> 6) & 63)", f"{north} | (cell & 63)", "cell", "c.cell"
        counted = (
            f"SELECT cell, {x} AS x, {y} AS y, sum(count)::integer AS count FROM incident_cell t "
            f"WHERE cell BETWEEN {first} AND ({first}) + {CELLS_OF_TILE - 1}"
        )
    else:
        group, order = "1, 2", "c.x, c.y"
        source, condition = _cells_below(level, finer, west, north)
        counted = f"SELECT x >> {coarser} AS x, y >> {coarser} AS y, sum(count)::integer AS count FROM {source} WHERE {condition}"
    counted += f" GROUP BY {group}"
    half = size // 2
    names = {field.name for field in layer.fields if field.in_tile and field.name in seen.fields}
    code = f"'{level}-' || {columns} || '-' || {rows} AS code, " if "code" in names else ""
    shift = finer - coarser
    return (
        f"SELECT ST_AsMVT(r, '{layer.name}', {EXTENT}, 'geom') FROM (SELECT "
        f"ST_MakePoint((c.x - (%(x)s::bigint << {shift})) * {size} + {half}, "
        f"(c.y - (%(y)s::bigint << {shift})) * {size} + {half}) AS geom, "
        f"{code}c.count FROM ({counted}{_having(seen)}) c "
        f"ORDER BY {order} LIMIT %(features)s) r"
    )


def _cells_below(level: int, finer: int, west: str, north: str) -> tuple[str, str]:
    """Write source and condition of a tile's cells that are not just one tile of cells: a part of one, or several."""
    if finer < CELL_BITS:
        first = key_sql(str(level), f"{west} & ~63", f"{north} & ~63")
        reach = (1 << finer) - 1
        inside = f"x BETWEEN {west} AND {west} + {reach} AND y BETWEEN {north} AND {north} + {reach}"
        return "incident_cell t", f"cell BETWEEN {first} AND ({first}) + {CELLS_OF_TILE - 1} AND {inside}"
    across = 1 << (finer - CELL_BITS)  # tiles of cells; those of a column follow each other
    column = key_sql(str(level), f"{west} + n * {1 << CELL_BITS}", north)
    return (
        f"(SELECT {column} AS first FROM generate_series(0, {across - 1}) n) s, incident_cell t",
        f"cell BETWEEN s.first AND s.first + {across * CELLS_OF_TILE - 1}",
    )


def _having(seen: Sight) -> str:
    """Keep small counts from those who may not see the incidents' places."""
    return f" HAVING sum(count) >= {SMALLEST_COUNT} OR bool_and({_IN_MAP})" if seen.guards_staff else ""


@dataclass(frozen=True)
class ItemQuery:
    """What a list asks for, already checked.

    Attributes
    ----------
    boxes
        Whether `west`, `south`, `east`, `north` limit the list: 0 no, 1 a box, 2 a box over the antimeridian.
    is_near
        Whether the list is sorted by distance from (`lon`, `lat`).
    within
        "" no limit, "area" inside the path `within`, "grid" inside the grid with the code `within`.
    is_search
        Whether `q` (an ILIKE pattern) is searched for.
    filters
        Names of fields that equal the parameters `f_NAME`.
    is_next
        Whether the list goes on after the parameters `after_key` and `after_id`.
    is_single
        Whether only the row with the code `code` is asked for.
    conditions
        SQL conditions of the caller's on the row `t`, with parameters of its own.
    ascending_by
        SQL of a time by which the list is sorted upwards, instead of the layer's order.
    """

    boxes: int = 0
    is_near: bool = False
    within: str = ""
    is_search: bool = False
    filters: tuple[str, ...] = ()
    is_next: bool = False
    is_single: bool = False
    conditions: tuple[str, ...] = ()
    ascending_by: str = ""


@lru_cache(maxsize=512)
def item_sql(layer: Layer, seen: Sight, query: ItemQuery) -> str:
    """Write the query of a page of features: rows of (GeoJSON text, sort key, id), in order, `limit` of them at most.

    The sort key is null in lists sorted by id alone.
    """
    distance = "t.geom_3857 <-> ST_Transform(ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326), 3857)"
    key = distance if query.is_near else query.ascending_by or layer.newest_by
    columns = ", ".join(
        f'{json_expression(field, guarded(field, layer, seen))} AS "{field.name}"'
        for field in layer.fields if field.name in seen.fields
    )  # fmt: skip
    if query.is_near and layer.field("distance_m") is None:
        columns += (
            ", round(ST_Distance(t.geom::geography, ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography)"
            "::numeric, 1) AS distance_m"
        )
    down = " DESC" if _is_newest_first(layer, query) else ""
    order = f"{key}{down}, t.id{down}" if key else "t.id"
    chosen = (
        f"SELECT t.*, {key or 'NULL'} AS sort_key FROM {_source(layer, seen)} t{_where(layer, seen, query, key)} "
        f"ORDER BY {order} LIMIT %(limit)s"
    )
    return (
        f'SELECT \'{{"type":"Feature","id":\' || to_json(({layer.fields[0].expression})::text) || \',"geometry":\' '
        f"|| ST_AsGeoJSON(t.geom, 7) || ',\"properties\":' || row_to_json(p)::text || '}}', "
        "t.sort_key::text, t.id::text "
        f"FROM ({chosen}) t CROSS JOIN LATERAL (SELECT {columns}) p"
    )


def count_sql(layer: Layer, seen: Sight, query: ItemQuery, columns: str) -> str:
    """Write a query over all rows of a list, whatever its pages: `columns` are the caller's SQL on the row `t`."""
    return f"SELECT {columns} FROM {_source(layer, seen)} t{_where(layer, seen, query, '')}"


def json_expression(field: Field, expression: str) -> str:
    """Write a field as JSON has it: times in UTC with a Z."""
    if field.type == "datetime":
        return f"""to_char(({expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    return expression


def filterable(layer: Layer, viewer: Viewer) -> tuple[Field, ...]:
    """Give the fields by whose value the reader may filter a list."""
    return tuple(field for field in viewer.fields(layer) if field.type in ("text", "boolean"))


def _is_newest_first(layer: Layer, query: ItemQuery) -> bool:
    """Tell whether a list goes down in time."""
    return bool(layer.newest_by) and not query.is_near and not query.ascending_by


def _where(layer: Layer, seen: Sight, query: ItemQuery, key: str) -> str:
    """Write the conditions of a list."""
    parts = [*([layer.where] if layer.where else []), *query.conditions]
    if query.boxes:
        parts.append(_in_boxes(query.boxes, layer))
    if query.within == "area":
        parts.append("t.path <@ %(within)s::ltree")
    elif query.within == "grid":
        place = (
            "SELECT g.{column} FROM grid g WHERE g.code = %(within)s AND (g.is_effective OR g.valid_to IS NOT NULL) "
        )
        place += "ORDER BY g.is_effective DESC, g.valid_to DESC LIMIT 1"
        # an incident keeps the grid that was in force on its day, wherever the borders run today
        is_kept = layer.scope == "case"
        parts.append(
            f"t.path <@ ({place.format(column='path')})"
            if is_kept
            else f"ST_Intersects(t.geom, ({place.format(column='geom')}))"
        )
    if query.is_search:
        fields = (layer.field(name) for name in SEARCHED if name in seen.fields)
        parts.append("(" + " OR ".join(f"{guarded(f, layer, seen)} ILIKE %(q)s" for f in fields if f) + ")")
    for name in query.filters:
        field = layer.field(name)
        if field is not None:
            parts.append(f"({guarded(field, layer, seen)}) = %(f_{name})s")
    if query.is_single:
        parts.append(f"{layer.fields[0].expression} = %(code)s")
    if query.is_next:
        kind = layer.id_type
        if key:
            sign = "<" if _is_newest_first(layer, query) else ">"
            cast = "float8" if query.is_near else "timestamptz"
            parts.append(f"({key}, t.id) {sign} (%(after_key)s::{cast}, %(after_id)s::{kind})")
        else:
            parts.append(f"t.id > %(after_id)s::{kind}")
    return " WHERE " + " AND ".join(parts) if parts else ""


def _in_boxes(count: int, layer: Layer) -> str:
    """Write the condition of a bounding box: the index first, then the true shape of what is not a point."""
    names = [("west", "east")] if count == 1 else [("west", "eastmost"), ("westmost", "east")]
    tests = []
    for west, east in names:
        box = f"ST_MakeEnvelope(%({west})s, %(south)s, %({east})s, %(north)s, 4326)"
        exact = "" if layer.geometry_type == "point" else f" AND ST_Intersects(t.geom, {box})"
        tests.append(f"(t.geom && {box}{exact})")
    return "(" + " OR ".join(tests) + ")"


def _source(layer: Layer, seen: Sight) -> str:
    """Name what a list reads: the table, or the pyramid's cells as rows."""
    if layer.tile_source == "rows":
        return f'"{layer.table.name}"'
    level = cell_zoom(LIST_ZOOM)
    lon = f"(c.x + 0.5) / {2**level} * 360 - 180"
    lat = f"degrees(atan(sinh(pi() * (1 - 2 * (c.y + 0.5) / {2**level}))))"
    return (
        f"(SELECT (c.x::bigint << 32) + c.y AS id, '{level}-' || c.x || '-' || c.y AS code, c.count, "
        "''::ltree AS path, "
        f"ST_SetSRID(ST_MakePoint({lon}, {lat}), 4326) AS geom, "
        f"ST_Transform(ST_SetSRID(ST_MakePoint({lon}, {lat}), 4326), 3857) AS geom_3857 "
        "FROM (SELECT x, y, sum(count)::integer AS count FROM incident_cell t "
        f"WHERE cell >= {level}::bigint << 40 AND cell < {level + 1}::bigint << 40 GROUP BY x, y"
        f"{_having(seen)}) c)"
    )
