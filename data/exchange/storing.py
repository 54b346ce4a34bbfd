"""Store an assignment of units to grids as a draft: outlines from the units' lots, figures from the units."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from data import planning
from data.exchange.resolving import Assignment
from data.planning import Place, ProposedGrid
from geo.lots import lots_by_area
from geo.projection import metric_crs

_NAMES = """
UPDATE grid g SET name = n.name FROM unnest(CAST(:code AS text[]), CAST(:name AS text[])) AS n (code, name)
WHERE g.plan_id = :id AND g.code = n.code
"""
_DRAFT = text("UPDATE plan SET status = 'draft', locks = :locks WHERE id = :id").bindparams(
    bindparam("locks", type_=JSONB)
)


def store_draft(
    connection: Connection,
    area: Place,
    units: gpd.GeoDataFrame,
    assignment: Assignment,
    facts: dict[str, Any],
    *,
    names: dict[str, str],
) -> int:
    """Store a draft and give its key.

    Parameters
    ----------
    units
        All units of the area that lie in a community, as `planning.read_units` gives them.
    facts
        `scheme_id`, `name`, `parameters`, `seed`, `locks` and `created_by` of the plan.
    names
        Names of grids by code.
    """
    grids = _draw(units, planning.read_communities(connection, area.path), assignment)
    placed = assignment.grid_of_unit >= 0
    locks = {kind: sorted(codes) for kind, codes in facts["locks"].items()}
    plan_id = planning.store_plan(
        connection, area, grids, unit_id=units["id"].to_numpy(dtype=np.int64)[placed],
        grid_of_unit=assignment.grid_of_unit[placed],
        facts={**facts, "metrics": _metrics(units, assignment, grids, facts["parameters"])},
    )  # fmt: skip
    connection.execute(_DRAFT, {"id": plan_id, "locks": locks})
    if names:
        connection.execute(text(_NAMES), {"id": plan_id, "code": list(names), "name": list(names.values())})
    return plan_id


def _draw(units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, assignment: Assignment) -> list[ProposedGrid]:
    """Draw and measure the grids: each the union of its units' lots."""
    crs = metric_crs(communities)
    metric = units.to_crs(crs)
    lots = lots_by_area(metric, communities.to_crs(crs), within="community").to_numpy()
    households = units["households"].to_numpy(dtype=np.int64)
    members = [np.flatnonzero(assignment.grid_of_unit == position) for position in range(len(assignment.grids))]
    outlines = gpd.GeoSeries([shapely.union_all(lots[rows]) for rows in members], crs=crs)
    compactness = (4 * np.pi * outlines.area / outlines.length**2).tolist()
    degrees = outlines.to_crs(planning.WGS84)
    return [
        ProposedGrid(code, assignment.communities[at], int(households[members[at]].sum()), compactness[at], degrees[at])
        for at, code in enumerate(assignment.grids)
    ]


def _metrics(
    units: gpd.GeoDataFrame, assignment: Assignment, grids: list[ProposedGrid], parameters: dict[str, Any]
) -> dict[str, Any]:
    """Count what is in the band."""
    sizes = np.array([grid.households for grid in grids])
    in_band = (sizes >= parameters["floor"]) & (sizes <= parameters["ceiling"])
    total = int(units["households"].sum())
    return {
        "units": len(units),
        "units_unassigned": int((assignment.grid_of_unit < 0).sum()),
        "households": total,
        "grids": len(grids),
        "grids_in_band": int(in_band.sum()),
        "households_in_band_ratio": round(float(sizes[in_band].sum()) / total, 4) if total else 1.0,
    }
