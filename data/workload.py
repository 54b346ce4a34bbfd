"""What weighs on a grid's worker: households, or a weighted sum with cases, elders and buildings without lift."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.errors import NotFoundError
from geo.arrays import FloatArray
from layers.tables import WORKLOADS

COUNTED_DAYS, MONTH_DAYS = 90, 30
_SCHEMES = (
    "SELECT id, code, name, floor, ceiling, target, source, "
    + ", ".join(f"weight_{name}" for name in WORKLOADS)
    + " FROM grid_scheme"
)
_SPOTS = text(
    "SELECT ST_X(geom), ST_Y(geom) FROM incident WHERE path <@ CAST(:path AS ltree) "
    f"AND reported_at >= now() - make_interval(days => {COUNTED_DAYS})"
)
_GRIDS = text(f"""
SELECT g.code, :households * sum(u.households) + :residents_60 * sum(coalesce(u.residents_60, 0))
  + :no_lift_units * count(*) FILTER (WHERE NOT u.has_lift)
  + :incidents_month * {MONTH_DAYS}::double precision / {COUNTED_DAYS} * (SELECT count(*) FROM incident i
      WHERE i.path <@ CAST(:path AS ltree) AND ST_Intersects(i.geom, g.geom)
        AND i.reported_at >= now() - make_interval(days => {COUNTED_DAYS}))
FROM grid g JOIN plan_assignment x ON x.grid_id = g.id JOIN unit u ON u.id = x.unit_id
WHERE g.is_effective AND g.path <@ CAST(:path AS ltree) GROUP BY g.id ORDER BY g.code
""")


def read_schemes(connection: Connection) -> list[dict[str, Any]]:
    """Read the grid schemes, the one in use first: code, name, floor, ceiling, target, source, weights."""
    rows = connection.execute(text(f"{_SCHEMES} ORDER BY valid_from DESC NULLS LAST, id"))
    return [_scheme(row._asdict()) for row in rows]


def find_scheme(connection: Connection, code: str | None) -> dict[str, Any]:
    """Find a grid scheme by its code, the one in use without one; with its key `id`.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    schemes = read_schemes(connection)
    for scheme in schemes:
        if code in (None, scheme["code"]):
            return scheme
    known = ", ".join(str(scheme["code"]) for scheme in schemes) or "none"
    raise NotFoundError(f"there is no grid scheme {code!r}; there are: {known}")


def count_workload(
    connection: Connection, path: str, units: gpd.GeoDataFrame, weights: Mapping[str, float]
) -> FloatArray:
    """Weigh the units of an area.

    Parameters
    ----------
    units
        Columns households, residents_60, has_lift (both may be unknown, which counts as nothing) and the lots, in
        EPSG:4326, in which incidents are counted: those of 90 days, as a month's.
    weights
        Of `layers.tables.WORKLOADS`; what is not named weighs nothing.
    """
    weight = {name: float(weights.get(name, 0)) for name in WORKLOADS}
    total = weight["households"] * units["households"].to_numpy(dtype=np.float64)
    if weight["residents_60"]:
        total += weight["residents_60"] * pd.to_numeric(units["residents_60"]).fillna(0).to_numpy(dtype=np.float64)
    if weight["no_lift_units"]:
        total += weight["no_lift_units"] * units["has_lift"].eq(False).to_numpy(dtype=np.float64)
    if weight["incidents_month"]:
        total += weight["incidents_month"] * _incidents_month(connection, path, units)
    return np.asarray(total, dtype=np.float64)


def grid_workloads(connection: Connection, path: str, weights: Mapping[str, float]) -> dict[str, float]:
    """Weigh today's grids of an area by code, as `count_workload` weighs units; incidents count where they lie."""
    rows = connection.execute(_GRIDS, {"path": path} | {name: float(weights.get(name, 0)) for name in WORKLOADS})
    return {code: float(workload) for code, workload in rows}


def _incidents_month(connection: Connection, path: str, units: gpd.GeoDataFrame) -> FloatArray:
    """Count the incidents on each unit's lot, a month on average; on a border the first unit has it."""
    spots = np.array([tuple(row) for row in connection.execute(_SPOTS, {"path": path})], dtype=np.float64)
    if not len(spots):
        return np.zeros(len(units))
    spot, unit = shapely.STRtree(units.geometry.to_numpy()).query(shapely.points(spots), predicate="intersects")
    first = np.unique(spot, return_index=True)[1]
    return np.asarray(np.bincount(unit[first], minlength=len(units)) * MONTH_DAYS / COUNTED_DAYS, dtype=np.float64)


def _scheme(row: Mapping[str, Any]) -> dict[str, Any]:
    """Make a scheme of a row."""
    kept = {name: row[name] for name in ("id", "code", "name", "floor", "ceiling", "target", "source")}
    return kept | {"weights": {name: row[f"weight_{name}"] for name in WORKLOADS}}
