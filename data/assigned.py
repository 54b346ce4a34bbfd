"""A stored plan as arrays, and its grids' outlines and figures drawn from them anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.lots import read_neighbours
from data.planning import read_frame
from geo.arrays import IntArray
from geo.assignment import GridFigures, Ground, match_grids, measure, outlines
from geo.coverage import match_borders

_UNITS = """
SELECT u.id, u.code, u.households, u.residents_60, u.has_lift, a.code AS community, c.code AS compound,
       ST_AsBinary(l.geom) AS geom
FROM unit u JOIN unit_lot l ON l.unit_id = u.id JOIN area a ON a.id = u.area_id AND a.level = 'community'
LEFT JOIN compound c ON c.id = u.compound_id WHERE u.path <@ CAST(:path AS ltree) ORDER BY u.code
"""
# asked for apart: in one query PostgreSQL, which does not know yet how long a new plan is, joins them row by row
_GRID_OF_UNIT = "SELECT x.unit_id, g.code FROM plan_assignment x JOIN grid g ON g.id = x.grid_id WHERE x.plan_id = :id"
_TODAY_OF_UNIT = (
    "SELECT x.unit_id, g.code FROM grid g JOIN plan_assignment x ON x.grid_id = g.id "
    "WHERE g.is_effective AND g.path <@ CAST(:path AS ltree)"
)
_GRIDS = (
    "SELECT g.id, g.code, g.name, a.code AS community, g.households FROM grid g JOIN area a ON a.id = g.area_id "
    "WHERE g.plan_id = :id ORDER BY g.code"
)
ADD_GRIDS = text(
    "INSERT INTO grid (plan_id, code, area_id, path, geom) SELECT :id, n.code, a.id, "
    "a.path || regexp_replace(n.code, '[^A-Za-z0-9_]', '_', 'g')::ltree, "
    "ST_SetSRID('MULTIPOLYGON EMPTY'::geometry, 4326) "
    "FROM unnest(CAST(:code AS text[]), CAST(:community AS text[])) AS n (code, community) "
    "JOIN area a ON a.code = n.community"
)
_ASSIGN = text(
    "INSERT INTO plan_assignment (plan_id, unit_id, grid_id) SELECT :id, x.unit, g.id "
    "FROM unnest(CAST(:unit AS bigint[]), CAST(:grid AS text[])) AS x (unit, grid) "
    "JOIN grid g ON g.plan_id = :id AND g.code = x.grid"
)
_UPDATE = """
UPDATE grid g SET households = x.households, compactness_ratio = x.compactness,
  geom = ST_Multi(ST_GeomFromWKB(x.geom, 4326))
FROM unnest(CAST(:id AS bigint[]), CAST(:households AS integer[]), CAST(:compactness AS double precision[]),
            CAST(:geom AS bytea[])) AS x (id, households, compactness, geom)
WHERE g.id = x.id
"""


@dataclass(frozen=True)
class Assigned:
    """A plan's units and grids.

    Attributes
    ----------
    units
        Units with a lot, by code: id, code, households, residents_60, has_lift, community, compound, grid, today
        (codes, None without), geom (the lot, EPSG:4326).
    grids
        id, code, name, community, households; by code.
    pairs
        Neighbours: a, b (positions in `units`), border_m, is_cut, is_bridge.
    """

    units: gpd.GeoDataFrame
    grids: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def grid(self) -> IntArray:
        """Position in `grids` of each unit's grid, -1 without."""
        found = pd.Index(self.grids["code"]).get_indexer(pd.Index(self.units["grid"], dtype=object))
        return np.asarray(found, dtype=np.int64)

    @property
    def ground(self) -> Ground:
        """The units as arrays; a grid connects across what no barrier cuts, and across bridges."""
        pairs = self.pairs
        return Ground(
            households=self.units["households"].to_numpy(dtype=np.int64),
            community=pd.factorize(self.units["community"])[0].astype(np.int64),
            lots=self.units.geometry.to_numpy(),
            pairs=pairs[["a", "b"]].to_numpy(dtype=np.int64),
            border_m=pairs["border_m"].to_numpy(dtype=np.float64),
            is_open=(~pairs["is_cut"] | pairs["is_bridge"]).to_numpy(dtype=bool),
        )


def read_assigned(connection: Connection, plan_id: int, path: str) -> Assigned:
    """Read a plan's units with their lots and neighbours; the lots must be drawn (`data.lots.ensure_drawn`)."""
    units = read_frame(connection, _UNITS, path=path)
    for name, sql in (("grid", _GRID_OF_UNIT), ("today", _TODAY_OF_UNIT)):
        keys = {"id": plan_id} if name == "grid" else {"path": path}
        code = dict(map(tuple, connection.execute(text(sql), keys)))
        units[name] = pd.Series([code.get(unit) for unit in units["id"]], index=units.index, dtype=object)
    rows = connection.execute(text(_GRIDS), {"id": plan_id})
    grids = pd.DataFrame(rows.all(), columns=list(rows.keys()))
    pairs = read_neighbours(connection, path)
    position = pd.Index(units["id"])
    a, b = (position.get_indexer(pairs[name]).astype(np.int64) for name in ("unit_a", "unit_b"))
    return Assigned(units, grids, pairs[["border_m", "is_cut", "is_bridge"]].assign(a=a, b=b)[(a >= 0) & (b >= 0)])


def store_assigned(
    connection: Connection, plan_id: int, grids: Sequence[tuple[str, str]], unit_id: IntArray, grid: IntArray
) -> None:  # fmt: skip
    """Store the grids of a new plan, (code, community) each, and which grid each unit is in; they are not drawn yet.

    Parameters
    ----------
    unit_id, grid
        Shape (n,). Units and the position of each one's grid in `grids`, -1 for none.
    """
    codes, communities = [code for code, _ in grids], [community for _, community in grids]
    connection.execute(ADD_GRIDS, {"id": plan_id, "code": codes, "community": communities})
    placed = np.flatnonzero(grid >= 0)
    values = {"id": plan_id, "unit": unit_id[placed].tolist(), "grid": [codes[at] for at in grid[placed]]}
    connection.execute(_ASSIGN, values)


def redraw(connection: Connection, assigned: Assigned) -> GridFigures:
    """Draw and measure the grids of a plan from the lots of its units, and store what came of it."""
    ground, grid, count = assigned.ground, assigned.grid, len(assigned.grids)
    figures = measure(ground, grid, count)
    shapes = match_borders(outlines(ground, grid, count))
    values = {
        "id": assigned.grids["id"].tolist(),
        "households": figures.households.tolist(),
        "compactness": figures.compactness.tolist(),
        "geom": list(shapely.to_wkb(shapes)),
    }
    connection.execute(text(_UPDATE), values)
    return figures


def successor_codes(assigned: Assigned) -> dict[str, str]:
    """Match the plan's grids with today's, so that most households stay: code to code."""
    todays = pd.Index(assigned.units["today"].dropna().unique())
    today = todays.get_indexer(pd.Index(assigned.units["today"], dtype=object)).astype(np.int64)
    codes = assigned.grids["code"]
    ground = assigned.ground
    pairs = match_grids(ground.community, ground.households, assigned.grid, today)
    return {str(codes[new]): str(todays[old]) for new, old in pairs.items()}


def plan_metrics(
    assigned: Assigned, figures: GridFigures, *, floor: int, ceiling: int, successor_of: Mapping[str, str] | None
) -> dict[str, Any]:
    """Count what planners compare.

    Parameters
    ----------
    successor_of
        Which of today's grids a grid goes on as; None where grids keep today's codes.
    """
    units = assigned.units
    in_band = (figures.households >= floor) & (figures.households <= ceiling)
    total = int(units["households"].sum())
    going_on = units["grid"].map(lambda code: (successor_of or {}).get(code, code), na_action="ignore")
    has_today = bool(units["today"].notna().any())
    is_moved = units["today"].notna() & (going_on != units["today"])
    moved = units["households"].where(is_moved, 0)
    before = units.groupby("today")["households"].sum()
    metrics: dict[str, Any] = {
        "units": len(units),
        "units_unassigned": int(units["grid"].isna().sum()),
        "households": total,
        "grids": len(assigned.grids),
        "grids_in_band": int(in_band.sum()),
        "households_in_band_ratio": round(float(figures.households[in_band].sum()) / total, 4) if total else 1.0,
        "moved_households": int(moved.sum()) if has_today else None,
        "moved_bound_households": None,
        "mean_compactness": round(float(figures.compactness.mean()), 4) if len(figures.compactness) else None,
        "disconnected_grids": int((figures.pieces > 1).sum()),
        "communities": _by_community(assigned, in_band, moved if has_today else None),
    }
    if successor_of is not None:
        metrics["successor_of"] = dict(successor_of)
    if has_today:
        metrics["before"] = {"grids": len(before), "grids_in_band": int(before.between(floor, ceiling).sum())}
    return metrics


def _by_community(
    assigned: Assigned, in_band: Any, moved: "pd.Series[Any] | None"
) -> list[dict[str, Any]]:  # fmt: skip
    """The same, community by community."""
    units, grids = assigned.units, assigned.grids
    table = pd.DataFrame({"households": units.groupby("community")["households"].sum()})
    per_grid = pd.DataFrame({"community": grids["community"], "grids": 1, "grids_in_band": in_band.astype(int)})
    table = table.join(per_grid.groupby("community").sum()).fillna(0)
    if moved is not None:
        table["moved_households"] = moved.groupby(units["community"]).sum()
    return [
        {
            "community": code,
            "grids": int(row["grids"]),
            "grids_in_band": int(row["grids_in_band"]),
            "moved_households": int(row["moved_households"]) if moved is not None else None,
            "moved_bound_households": None,
            "households": int(row["households"]),
        }
        for code, row in table.sort_index().iterrows()
    ]
