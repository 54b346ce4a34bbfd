"""Frames for planning out of PostGIS."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from data.errors import NotFoundError

WGS84 = 4326
STORE_METRICS = text("UPDATE plan SET metrics = :metrics WHERE id = :id").bindparams(bindparam("metrics", type_=JSONB))


@dataclass(frozen=True)
class Place:
    """An area that a job works on."""

    id: int
    code: str
    name: str
    path: str
    level: str


def find_area(connection: Connection, code: str) -> Place:
    """Find a district, street or community by its code.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    row = connection.execute(
        text("SELECT id, code, name, path::text AS path, level FROM area WHERE code = :code"), {"code": code}
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no district, street or community with the code {code!r}")
    return Place(*row)


def read_units(connection: Connection, path: str) -> gpd.GeoDataFrame:
    """Read the units of an area: id, code, households, residents_60, has_lift, community, compound, grid, geom."""
    return read_frame(
        connection,
        "SELECT u.id, u.code, u.households, u.residents_60, u.has_lift, a.code AS community, c.code AS compound, "
        "g.code AS grid, "
        "ST_AsBinary(u.geom) AS geom FROM unit u LEFT JOIN area a ON a.id = u.area_id AND a.level = 'community' "
        "LEFT JOIN compound c ON c.id = u.compound_id "
        "LEFT JOIN (plan_assignment x JOIN grid g ON g.id = x.grid_id AND g.is_effective) ON x.unit_id = u.id "
        "WHERE CAST(:path AS ltree) @> u.path ORDER BY u.code",
        path=path,
    )


def read_placed_units(connection: Connection, path: str) -> gpd.GeoDataFrame:
    """Read the units of an area that lie in a community, as `read_units` does; numbered from 0."""
    units = read_units(connection, path)
    return units[units["community"].notna()].reset_index(drop=True)


def read_communities(connection: Connection, path: str) -> gpd.GeoDataFrame:
    """Read the communities of an area: id, code, path, geom; indexed by code."""
    frame = read_frame(
        connection,
        "SELECT id, code, path::text AS path, ST_AsBinary(geom) AS geom FROM area "
        "WHERE level = 'community' AND CAST(:path AS ltree) @> path ORDER BY code",
        path=path,
    )
    return frame.set_index("code", drop=False)


def read_barriers(connection: Connection, path: str) -> gpd.GeoSeries:
    """Read what grids of an area may not cross: barriers, and roads that are marked as such."""
    return read_frame(
        connection,
        "SELECT ST_AsBinary(b.geom) AS geom FROM barrier b, area a "
        "WHERE a.path = CAST(:path AS ltree) AND ST_Intersects(b.geom, a.geom) UNION ALL "
        "SELECT ST_AsBinary(r.geom) FROM road r, area a "
        "WHERE r.is_barrier AND a.path = CAST(:path AS ltree) AND ST_Intersects(r.geom, a.geom)",
        path=path,
    ).geometry


def read_roads(connection: Connection, path: str) -> gpd.GeoDataFrame:
    """Read the roads of the whole district of an area, for walking: a way may leave the area and come back."""
    return read_frame(
        connection,
        "SELECT code, class, is_walkable, ST_AsBinary(geom) AS geom FROM road "
        "WHERE CAST(:path AS ltree) @> path ORDER BY code",
        path=path.split(".", 1)[0],
    )


def scheme_in_use(connection: Connection) -> int:
    """Give the key of the grid scheme in use.

    Raises
    ------
    NotFoundError
        If there is none yet.
    """
    scheme_id = connection.execute(
        text("SELECT id FROM grid_scheme ORDER BY valid_from DESC NULLS LAST, id LIMIT 1")
    ).scalar_one_or_none()
    if scheme_id is None:
        raise NotFoundError("there is no grid scheme yet; the migrations bring one, so run yiwangtu up first")
    return int(scheme_id)


def read_frame(connection: Connection, sql: str, **parameters: Any) -> gpd.GeoDataFrame:
    """Read rows with a WKB column `geom`."""
    return _framed(connection, sql, parameters)


def read_objects(connection: Connection, sql: str, **parameters: Any) -> gpd.GeoDataFrame:
    """Read rows with a WKB column `geom`; every column keeps its values as they are, None for what is missing."""
    return _framed(connection, sql, parameters, dtype=object)


def _framed(
    connection: Connection, sql: str, parameters: dict[str, Any], dtype: type[object] | None = None
) -> gpd.GeoDataFrame:
    """Read rows, and their WKB column `geom` as the geometry."""
    result = connection.execute(text(sql), parameters)
    frame = pd.DataFrame([tuple(row) for row in result], columns=list(result.keys()), dtype=dtype)
    geom = shapely.from_wkb([bytes(value) for value in frame["geom"]]) if len(frame) else []
    return gpd.GeoDataFrame(frame.drop(columns="geom"), geometry=gpd.GeoSeries(geom, crs=WGS84, index=frame.index))
