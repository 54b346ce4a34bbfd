"""The tree of areas with their household counts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from api.errors import MissingError

_BOX = "ARRAY[ST_XMin({0}.geom), ST_YMin({0}.geom), ST_XMax({0}.geom), ST_YMax({0}.geom)]::float8[] AS bbox"
_OUTSIDE = "count(*) FILTER (WHERE g.households < s.floor OR g.households > s.ceiling)"
_AREAS = (
    "SELECT a.code, a.name, a.name_en, a.level, a.path::text AS path, p.code AS parent, " + _BOX.format("a") + ", "
    "a.time_zone, a.is_sample, n.households, n.grids, n.grids_outside_band "
    "FROM area a LEFT JOIN area p ON p.id = a.parent_id LEFT JOIN LATERAL ("
    "  SELECT (SELECT coalesce(sum(u.households), 0) FROM unit u WHERE u.path <@ a.path) AS households, "
    f"        count(*) AS grids, {_OUTSIDE} AS grids_outside_band "
    "  FROM grid g JOIN plan l ON l.id = g.plan_id JOIN grid_scheme s ON s.id = l.scheme_id "
    "  WHERE g.is_effective AND g.path <@ a.path"
    ") n ON (SELECT map_scope()) @> a.path WHERE {where} ORDER BY a.code"
)
_DISTRICTS = text(_AREAS.replace("{where}", "a.level = 'district'"))
_CHILDREN = text(_AREAS.replace("{where}", "p.code = :parent"))
_GRIDS = text(
    "SELECT g.code, coalesce(g.name, g.code) AS name, NULL AS name_en, 'grid' AS level, g.path::text AS path, "
    "a.code AS parent, " + _BOX.format("g") + ", a.time_zone, a.is_sample, g.households, 1 AS grids, "
    "(g.households < s.floor OR g.households > s.ceiling)::integer AS grids_outside_band "
    "FROM grid g JOIN area a ON a.id = g.area_id JOIN plan l ON l.id = g.plan_id "
    "JOIN grid_scheme s ON s.id = l.scheme_id "
    "WHERE g.is_effective AND a.code = :parent ORDER BY g.code"
)


def list_areas(connection: Connection, parent: str | None) -> Sequence[RowMapping | dict[str, Any]]:
    """List the districts, or the children of an area; a community's are its grids as far as the reader sees them.

    Raises
    ------
    MissingError
        If there is no such parent.
    """
    if parent is None:
        return connection.execute(_DISTRICTS).mappings().all()
    level = connection.execute(text("SELECT level FROM area WHERE code = :code"), {"code": parent}).scalar()
    if level is None:
        raise MissingError(f"there is no area with the code {parent!r}")
    statement = _GRIDS if level == "community" else _CHILDREN
    return connection.execute(statement, {"parent": parent}).mappings().all()
