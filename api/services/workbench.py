"""Everything that a page needs to edit a plan by hand, in one answer, in columns."""

from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from sqlalchemy import Connection, TextClause, text

from api.services import plans
from api.services.planners import own_area
from api.services.plans import Plan
from data.lots import ensure_drawn
from data.workload import count_workload, find_scheme, grid_workloads
from layers.viewer import Viewer

Columns = dict[str, list[Any]]

# columns leave PostgreSQL as one JSON text each: thousands of rows one by one would take most of the time
_UNITS = text("""
SELECT json_build_object('id', json_agg(id), 'code', json_agg(code), 'households', json_agg(households),
  'residents_60', json_agg(residents_60), 'has_lift', json_agg(has_lift), 'community', json_agg(community),
  'compound', json_agg(compound), 'lon', json_agg(lon), 'lat', json_agg(lat))::text,
  '[' || string_agg(left(lot, -1), ',') || ']'
FROM (
  SELECT round(ST_X(p.geom)::numeric, 6) AS lon, round(ST_Y(p.geom)::numeric, 6) AS lat,
         u.id, u.code, u.households, u.residents_60, u.has_lift, a.code AS community, c.code AS compound,
         substr(ST_AsGeoJSON(CASE WHEN ST_NumGeometries(l.geom) = 1 THEN ST_GeometryN(l.geom, 1) ELSE l.geom END, 6, 0),
                CASE WHEN ST_NumGeometries(l.geom) = 1 THEN 33 ELSE 38 END) AS lot
  FROM unit u JOIN unit_lot l ON l.unit_id = u.id JOIN area a ON a.id = u.area_id AND a.level = 'community'
  CROSS JOIN LATERAL (SELECT ST_PointOnSurface(u.geom) AS geom) p
  LEFT JOIN compound c ON c.id = u.compound_id WHERE u.path <@ CAST(:path AS ltree) ORDER BY u.code) u
""")
_LOTS = text(
    "SELECT ST_AsBinary(l.geom) FROM unit_lot l JOIN unit u ON u.id = l.unit_id "
    "JOIN area a ON a.id = u.area_id AND a.level = 'community' WHERE u.path <@ CAST(:path AS ltree) ORDER BY u.code"
)
_GRIDS = text(
    "SELECT g.code, a.code AS community, g.name FROM grid g JOIN area a ON a.id = g.area_id WHERE g.plan_id = :id "
    "ORDER BY g.code"
)
_GRID_OF_UNIT = text(
    "SELECT json_build_object('unit', json_agg(x.unit_id), 'code', json_agg(g.code))::text "
    "FROM plan_assignment x JOIN grid g ON g.id = x.grid_id WHERE x.plan_id = :id"
)
_TODAY_OF_UNIT = text(
    "SELECT json_build_object('unit', json_agg(x.unit_id), 'code', json_agg(g.code))::text "
    "FROM grid g JOIN plan_assignment x ON x.grid_id = g.id WHERE g.is_effective AND g.path <@ CAST(:path AS ltree)"
)
_PAIRS = text("""
SELECT json_build_object('a', json_agg(unit_a), 'b', json_agg(unit_b),
  'border_m', json_agg(round(border_m::numeric, 1)), 'is_cut', json_agg(is_cut), 'is_bridge', json_agg(is_bridge))::text
FROM (SELECT * FROM unit_neighbour WHERE path <@ CAST(:path AS ltree) ORDER BY unit_a, unit_b) n
""")
_RETIRED = text(
    "SELECT DISTINCT code FROM grid g WHERE g.valid_to IS NOT NULL AND g.path <@ CAST(:path AS ltree) "
    "AND NOT EXISTS (SELECT 1 FROM grid t WHERE t.code = g.code AND t.is_effective) ORDER BY 1"
)
_BARRIERS = text("""
SELECT coalesce(json_agg(json_build_object('type', 'Feature', 'geometry', ST_AsGeoJSON(b.geom, 6)::json,
  'properties', json_build_object('name', b.name, 'kind', b.kind))), '[]')::text
FROM (
  SELECT b.name, b.kind, b.geom FROM barrier b, area a
  WHERE a.path = CAST(:path AS ltree) AND ST_Intersects(b.geom, a.geom)
  UNION ALL
  SELECT r.name, 'road', r.geom FROM road r, area a
  WHERE r.is_barrier AND a.path = CAST(:path AS ltree) AND ST_Intersects(r.geom, a.geom)
) b
""")


def workbench(connection: Connection, viewer: Viewer, plan_id: int) -> bytes:
    """Write a plan with the lots and neighbours of its units as JSON; lots that are out of date are drawn first."""
    plan = plans.get(connection, viewer, plan_id)
    ensure_drawn(connection, plan.area)
    columns, lots = connection.execute(_UNITS, {"path": plan.path}).one()
    units = {name: values or [] for name, values in orjson.loads(columns).items()}
    grids = [row._asdict() for row in connection.execute(_GRIDS, {"id": plan.id})]
    grid = _code_of_unit(connection, _GRID_OF_UNIT, plan)
    today = _code_of_unit(connection, _TODAY_OF_UNIT, plan)
    todays = sorted(set(today.values()))
    communities, compounds = (sorted({code for code in units[name] if code}) for name in ("community", "compound"))
    body = {
        "version": plan.version,
        "band": {"floor": plan.floor, "ceiling": plan.ceiling, "target": plan.target},
        "grids": grids,
        "today": todays,
        "retired": list(connection.execute(_RETIRED, {"path": plan.path}).scalars()),
        "successor_of": plan.metrics.get("successor_of", {}),
        "communities": communities,
        "compounds": compounds,
        "units": {
            "code": units["code"],
            "households": units["households"],
            "workload": _workload(connection, plan, units),
            "community": _positions(communities, units["community"]),
            "compound": _positions(compounds, units["compound"]),
            "grid": _positions([row["code"] for row in grids], [grid.get(one) for one in units["id"]]),
            "today": _positions(todays, [today.get(one) for one in units["id"]]),
            "lon": units["lon"],
            "lat": units["lat"],
            "lot": orjson.Fragment(lots or "[]"),
        },
        "pairs": _pairs(connection, plan, units),
        "barriers": orjson.Fragment(plans.collection(connection.execute(_BARRIERS, {"path": plan.path}).scalar_one())),
        "locks": plan.locks,
    }
    return orjson.dumps(body)


def _positions(names: list[str], values: Any) -> list[int]:
    """Find each value's position in a list of names, -1 without."""
    position = {name: at for at, name in enumerate(names)}
    return [position.get(value, -1) for value in values]


def _code_of_unit(connection: Connection, statement: TextClause, plan: Plan) -> dict[int, str]:
    """Read the grid of each unit."""
    values = {"id": plan.id} if statement is _GRID_OF_UNIT else {"path": plan.path}
    found = orjson.loads(connection.execute(statement, values).scalar_one())
    return dict(zip(found["unit"] or (), found["code"] or (), strict=True))


def weigh_grids(connection: Connection, viewer: Viewer, within: str) -> dict[str, Any]:
    """Weigh today's grids of an area in scope by the scheme in use."""
    area = own_area(connection, viewer, within)
    scheme = find_scheme(connection, None)
    weights = scheme["weights"]
    is_weighed = any(weight != (name == "households") for name, weight in weights.items())
    found = grid_workloads(connection, area.path, weights)
    grids = [{"grid": code, "workload": round(workload, 2)} for code, workload in found.items()]
    return {"scheme": scheme["code"], "is_weighed": is_weighed, "grids": grids}


def _pairs(connection: Connection, plan: Plan, units: Columns) -> dict[str, list[Any]]:
    """Give the neighbours by position; where barriers are off, nothing is cut."""
    found = orjson.loads(connection.execute(_PAIRS, {"path": plan.path}).scalar_one())
    pairs = {name: values or [] for name, values in found.items()}
    position = {unit: at for at, unit in enumerate(units["id"])}
    for end in ("a", "b"):
        pairs[end] = [position[unit] for unit in pairs[end]]
    if not plan.parameters.get("use_barriers", True):
        pairs["is_cut"] = [False] * len(pairs["a"])
    return pairs


def _workload(connection: Connection, plan: Plan, units: Columns) -> list[float]:
    """Weigh the units by the plan's weights, else its scheme's."""
    weights = plan.parameters.get("weights") or find_scheme(connection, plan.scheme)["weights"]
    lots = None
    if weights.get("incidents_month"):
        wkb = [bytes(lot) for lot in connection.execute(_LOTS, {"path": plan.path}).scalars()]
        lots = gpd.GeoSeries(shapely.from_wkb(wkb), crs=4326)
    found = count_workload(connection, plan.path, gpd.GeoDataFrame(pd.DataFrame(units), geometry=lots), weights)
    return [int(one) if one == int(one) else one for one in np.round(found, 2).tolist()]
