"""What lies in and around an area, read from PostGIS for life circles and siting: units, streets, facilities."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from data.errors import BadInputError
from data.planning import find_area, read_objects
from geo.arrays import FloatArray

NEAR_DEG = 0.03
"""How far around an area streets, facilities and neighbours are read at least, degrees: about 3 km."""
METRES_A_DEGREE = 55_000.0
"""A degree of longitude up to 60 degrees of latitude has at least so many metres."""
_AREA = """
SELECT a.code, a.name, a.level, a.is_sample, a.time_zone, a.path::text AS path, a.source,
       d.code AS district, d.name AS district_name
FROM area a JOIN area d ON d.level = 'district' AND d.path @> a.path WHERE a.code = :code
"""
_UNITS = """
SELECT u.id, u.code,
       CASE WHEN starts_with(u.name, c.name) THEN u.name ELSE concat_ws(' ', c.name, u.name) END AS address,
       u.households, u.residents_60, u.residents_80, u.use, b.code AS community, g.code AS grid,
       a.path @> u.path AS is_own, ST_AsBinary(u.geom) AS geom
FROM area a JOIN unit u ON a.path @> u.path OR u.geom && ST_Expand(a.geom, :near)
LEFT JOIN area b ON b.id = u.area_id AND b.level = 'community' LEFT JOIN compound c ON c.id = u.compound_id
LEFT JOIN (plan_assignment x JOIN grid g ON g.id = x.grid_id AND g.is_effective) ON x.unit_id = u.id
WHERE a.code = :code ORDER BY u.code
"""
_ROADS = """
SELECT r.code, r.name, r.class, r.is_walkable, ST_AsBinary(r.geom) AS geom FROM road r, area a
WHERE a.code = :code AND r.geom && ST_Expand(a.geom, :near) ORDER BY r.code
"""
_FACILITIES = """
SELECT f.kind AS facility_kind, f.code, f.name, f.status, f.opens_on, f.capacity, f.meals_per_day,
       coalesce(f.attributes->>'kind', f.tier) AS type, a.path @> f.path AS is_own,
       ST_AsBinary(ST_PointOnSurface(f.geom)) AS geom
FROM facility f, area a WHERE a.code = :code AND f.geom && ST_Expand(a.geom, :near) ORDER BY f.code
"""


@dataclass(frozen=True)
class Town:
    """An area and what is around it.

    Attributes
    ----------
    facts
        Columns of `_AREA`.
    everyone
        Units of the area (`is_own`) and around it.
    roads, facilities
        In and around the area; the facilities of each kind of which any is known, `is_open` tells which serve.
    """

    facts: dict[str, Any]
    everyone: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    facilities: dict[str, gpd.GeoDataFrame]

    @property
    def units(self) -> gpd.GeoDataFrame:
        """The area's own units, numbered from 0."""
        return self.everyone[self.everyone["is_own"].astype(bool)].reset_index(drop=True)


def read_town(connection: Connection, code: str, *, farthest_m: float) -> Town:
    """Read an area and its surroundings.

    Parameters
    ----------
    code
        Of a district, street or community.
    farthest_m
        Longest walk that will be asked for, metres: as far around is read, and at least about 3 km.

    Raises
    ------
    NotFoundError
        If there is no such area.
    BadInputError
        If it has no unit or no road.
    """
    find_area(connection, code)
    facts = dict(connection.execute(text(_AREA), {"code": code}).one()._mapping)
    near = {"code": code, "near": max(NEAR_DEG, farthest_m / METRES_A_DEGREE)}
    everyone = read_objects(connection, _UNITS, **near)
    if not everyone["is_own"].astype(bool).any():
        raise BadInputError(f"{facts['name']} ({code}) has no unit; import the buildings first")
    roads = read_objects(connection, _ROADS, **near)
    if roads.empty:
        raise BadInputError(f"{facts['name']} ({code}) has no road; import the streets first")
    return Town(facts, everyone, roads, _by_kind(read_objects(connection, _FACILITIES, **near)))


def counts(column: pd.Series) -> FloatArray:
    """Take a column of counts; NaN for what is missing or no count."""
    found: FloatArray = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(found >= 0, found, np.nan)


def _by_kind(everything: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Give the facilities of each kind of which any is known; what is not open is marked."""
    everything = everything.assign(is_open=everything["status"] == "open")
    return {
        kind: everything[everything["facility_kind"] == kind].reset_index(drop=True)
        for kind in sorted(set(everything["facility_kind"]))
    }
