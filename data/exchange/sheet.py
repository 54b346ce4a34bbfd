"""One plan as two tables: which grid each unit is in, and what each grid is called."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
from sqlalchemy import Connection, text

from data.planning import read_objects

UNIT_COLUMNS = ("code", "name", "households", "community", "compound", "grid_id")
GRID_COLUMNS = ("grid_id", "name", "community", "households", "units", "in_band", "compact")
_PLAN = """
SELECT p.id, p.name, a.code AS within, s.code AS scheme, p.status, p.parameters, p.seed, p.locks, p.path::text AS path,
       coalesce((p.parameters->>'floor')::integer, s.floor) AS floor,
       coalesce((p.parameters->>'ceiling')::integer, s.ceiling) AS ceiling
FROM plan p JOIN area a ON a.id = p.area_id JOIN grid_scheme s ON s.id = p.scheme_id WHERE p.id = :id
"""
_UNITS = """
SELECT u.code, u.name, u.households, a.code AS community, c.code AS compound, g.code AS grid_id,
       ST_AsBinary(u.geom) AS geom
FROM unit u LEFT JOIN area a ON a.id = u.area_id AND a.level = 'community' LEFT JOIN compound c ON c.id = u.compound_id
LEFT JOIN (plan_assignment x JOIN grid g ON g.id = x.grid_id) ON x.unit_id = u.id AND x.plan_id = :id
WHERE CAST(:path AS ltree) @> u.path AND (a.id IS NOT NULL OR g.id IS NOT NULL) ORDER BY u.code
"""
_GRIDS = """
SELECT g.code AS grid_id, g.name, a.code AS community, g.households,
       (SELECT count(*) FROM plan_assignment x WHERE x.grid_id = g.id)::integer AS units,
       g.households BETWEEN :floor AND :ceiling AS in_band, g.compactness_ratio AS compact, ST_AsBinary(g.geom) AS geom
FROM grid g JOIN area a ON a.id = g.area_id WHERE g.plan_id = :id ORDER BY g.code
"""


@dataclass(frozen=True)
class PlanSheet:
    """A plan to be written.

    Attributes
    ----------
    facts
        name, within (code), scheme (code), status, parameters, seed, locks of the plan.
    units
        `UNIT_COLUMNS` and geometry (EPSG:4326); grid_id is None where a unit has no grid yet.
    grids
        `GRID_COLUMNS` and geometry (EPSG:4326).
    """

    facts: dict[str, Any]
    units: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame


def read_sheet(connection: Connection, plan_id: int) -> PlanSheet | None:
    """Read a plan, None when there is none in scope."""
    row = connection.execute(text(_PLAN), {"id": plan_id}).one_or_none()
    if row is None:
        return None
    facts = dict(row._mapping)
    band = {name: facts.pop(name) for name in ("floor", "ceiling")}
    units = read_objects(connection, _UNITS, id=plan_id, path=facts.pop("path"))
    return PlanSheet(facts, units, read_objects(connection, _GRIDS, id=plan_id, **band))
