"""What one plan changes against another, or against today's grids: the units that come into another grid."""

from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import Connection, text

from api.services import plans
from api.services.plans import Plan
from geo.assignment import match_grids
from layers.viewer import Viewer

MOVES_LIMIT = 50_000
_UNITS = """
SELECT u.id, u.code, u.households, u.area_id AS community, ST_AsGeoJSON(ST_PointOnSurface(u.geom), 6) AS place
FROM unit u WHERE u.path <@ CAST(:path AS ltree) ORDER BY u.code
"""
_OF_PLAN = text("SELECT x.unit_id, g.code FROM plan_assignment x JOIN grid g ON g.id = x.grid_id WHERE x.plan_id = :id")
_OF_TODAY = text(
    "SELECT x.unit_id, g.code FROM grid g JOIN plan_assignment x ON x.grid_id = g.id "
    "WHERE g.is_effective AND g.path <@ CAST(:path AS ltree)"
)


def changes(connection: Connection, viewer: Viewer, plan_id: int, against: int | None) -> bytes:
    """Write the units whose grid changes against another plan, or today's grids, as GeoJSON points."""
    plan = plans.get(connection, viewer, plan_id)
    other = None if against is None else plans.get(connection, viewer, against)
    table = compared(connection, plan, other)
    moved = table[table["is_moved"]].head(MOVES_LIMIT)
    features = [
        {
            "type": "Feature",
            "id": row.code,
            "geometry": orjson.Fragment(str(row.place)),
            "properties": {
                "code": row.code, "households": row.households, "from_grid": row.from_grid, "to_grid": row.to_grid,
            },
        }
        for row in moved.itertuples()
    ]  # fmt: skip
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def compared(connection: Connection, plan: Plan, other: Plan | None) -> pd.DataFrame:
    """Put two plans side by side, unit by unit.

    A grid goes on as the other plan's grid of the same code. Where one of the two was cut from nothing, its codes say
    nothing: there grids are matched, community by community, so that most households stay.

    Parameters
    ----------
    other
        The plan before; None is today's grids.

    Returns
    -------
    units
        Those in a grid of `plan` or lost by it: code, households, community, place (GeoJSON), from_grid, to_grid
        (codes, None without), going_on (the old code that the new grid goes on as), is_moved.
    """
    rows = connection.execute(text(_UNITS), {"path": plan.path})
    table = pd.DataFrame([tuple(row) for row in rows], columns=list(rows.keys()))
    new = _grids(connection.execute(_OF_PLAN, {"id": plan.id}))
    before = (_OF_TODAY, {"path": plan.path}) if other is None else (_OF_PLAN, {"id": other.id})
    old = _grids(connection.execute(*before))
    table["to_grid"] = pd.Series([new.get(unit) for unit in table["id"]], dtype=object, index=table.index)
    table["from_grid"] = pd.Series([old.get(unit) for unit in table["id"]], dtype=object, index=table.index)
    table = table[table["to_grid"].notna() | table["from_grid"].notna()]
    is_matched = "redraw" in (plan.parameters.get("mode"), other.parameters.get("mode") if other else None)
    successor = matched(table) if is_matched else {}
    going_on = [successor.get(code, None if is_matched else code) for code in table["to_grid"]]
    is_moved = [new is None or new != old for new, old in zip(going_on, table["from_grid"], strict=True)]
    return table.assign(going_on=pd.Series(going_on, dtype=object, index=table.index), is_moved=is_moved)


def matched(table: pd.DataFrame) -> dict[str, str]:
    """Match new grids with old ones, one to one in each community, so that most households stay: new code to old."""
    known = table.dropna(subset=["from_grid", "to_grid"])
    new, news = pd.factorize(known["to_grid"])
    old, olds = pd.factorize(known["from_grid"])
    pairs = match_grids(
        known["community"].to_numpy(dtype=np.int64), known["households"].to_numpy(dtype=np.int64), new, old
    )
    return {str(news[a]): str(olds[b]) for a, b in pairs.items()}


def _grids(rows: Any) -> dict[int, str]:
    """Grid of each unit."""
    return dict(map(tuple, rows))
