"""Crosswalks in PostGIS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from data.planning import Place
from geo.merge import GridLayer

_CROSSWALKS = """
SELECT c.id, c.name, a.code AS within, c.plan_id, c.created_by, c.created_at,
       coalesce((SELECT p.metrics #> '{merge,layer_ids}' IS DISTINCT FROM coalesce((SELECT jsonb_agg(l.id ORDER BY l.id)
         FROM crosswalk_layer l WHERE l.crosswalk_id = c.id), '[]')
         FROM plan p WHERE p.id = c.plan_id AND p.metrics #> '{merge,layer_ids}' IS NOT NULL), false) AS is_stale,
       coalesce((SELECT jsonb_agg(jsonb_build_object('name', l.name, 'weight', l.weight, 'source', l.source,
         'grids', n.grids, 'units', n.units) ORDER BY l.id) FROM crosswalk_layer l, LATERAL (
           SELECT count(DISTINCT x.code) AS grids, count(*) AS units FROM crosswalk_code x WHERE x.layer_id = l.id) n
         WHERE l.crosswalk_id = c.id), '[]') AS layers
FROM crosswalk c JOIN area a ON a.id = c.area_id
"""
_LAYER = text(
    "INSERT INTO crosswalk_layer (crosswalk_id, name, weight, source) VALUES (:crosswalk, :name, :weight, :source) "
    "RETURNING id"
)
_CODES = text(
    "INSERT INTO crosswalk_code (layer_id, unit_id, code) SELECT :layer, x.unit, x.code "
    "FROM unnest(CAST(:unit AS bigint[]), CAST(:code AS text[])) AS x (unit, code)"
)
_TODAY = text(
    "INSERT INTO crosswalk_code (layer_id, unit_id, code) SELECT :layer, u.id, g.code "
    "FROM unit u JOIN plan_assignment x ON x.unit_id = u.id JOIN grid g ON g.id = x.grid_id AND g.is_effective "
    "WHERE u.path <@ CAST(:path AS ltree)"
)
_TABLE = text("""
SELECT u.code AS unit, l.name AS layer, x.code AS old_code, g.code AS new_code, u.households
FROM crosswalk c JOIN unit u ON u.path <@ c.path JOIN area a ON a.id = u.area_id AND a.level = 'community'
JOIN crosswalk_layer l ON l.crosswalk_id = c.id
LEFT JOIN crosswalk_code x ON x.layer_id = l.id AND x.unit_id = u.id
LEFT JOIN (plan_assignment y JOIN grid g ON g.id = y.grid_id) ON y.unit_id = u.id AND y.plan_id = c.plan_id
WHERE c.id = :id ORDER BY u.code, l.id
""")
_LAYERS = text("""
SELECT l.name, l.weight, u.code AS unit, x.code FROM crosswalk_layer l
JOIN crosswalk_code x ON x.layer_id = l.id JOIN unit u ON u.id = x.unit_id WHERE l.crosswalk_id = :id ORDER BY l.id
""")


@dataclass(frozen=True)
class Crosswalk:
    """Grid layers over an area, and the plan that merges them, None before it is there.

    Attributes
    ----------
    is_stale
        Whether layers were added, replaced or taken away since that plan was made.
    """

    id: int
    name: str
    within: str
    plan_id: int | None
    is_stale: bool
    created_by: str | None
    created_at: datetime
    layers: list[dict[str, Any]]


def add(connection: Connection, area: Place, *, name: str, by: str | None) -> int:
    """Store a crosswalk without layers."""
    return int(
        connection.execute(
            text(
                "INSERT INTO crosswalk (name, area_id, path, created_by) "
                "VALUES (:name, :area, CAST(:path AS ltree), :by) RETURNING id"
            ),
            {"name": name, "area": area.id, "path": area.path, "by": by},
        ).scalar_one()
    )


def find(connection: Connection, crosswalk_id: int) -> Crosswalk | None:
    """Read a crosswalk in scope."""
    row = connection.execute(text(f"{_CROSSWALKS} WHERE c.id = :id"), {"id": crosswalk_id}).one_or_none()
    return None if row is None else Crosswalk(**row._mapping)


def find_all(connection: Connection, within: str | None, limit: int) -> list[Crosswalk]:
    """Read the newest crosswalks in scope, of one area and what it holds when `within` names it."""
    where = "WHERE c.path <@ (SELECT path FROM area WHERE code = :within)" if within else ""
    values = {"limit": limit} | ({"within": within} if within else {})
    rows = connection.execute(text(f"{_CROSSWALKS} {where} ORDER BY c.id DESC LIMIT :limit"), values)
    return [Crosswalk(**row._mapping) for row in rows]


def delete(connection: Connection, crosswalk_id: int) -> None:
    """Delete a crosswalk with its layers; its plan stays."""
    connection.execute(text("DELETE FROM crosswalk WHERE id = :id"), {"id": crosswalk_id})


def delete_layer(connection: Connection, crosswalk_id: int, name: str) -> bool:
    """Delete a layer; False when there is none of that name."""
    values = {"id": crosswalk_id, "name": name}
    gone = connection.execute(text("DELETE FROM crosswalk_layer WHERE crosswalk_id = :id AND name = :name"), values)
    return gone.rowcount == 1


def put_layer(
    connection: Connection, crosswalk_id: int, layer: GridLayer, *, unit_id: Sequence[int], source: str
) -> None:
    """Store a layer, in place of one of the same name."""
    key = _fresh(connection, crosswalk_id, layer.name, layer.weight, source)
    known = [at for at, code in enumerate(layer.code) if code is not None]
    values = {"unit": [int(unit_id[at]) for at in known], "code": [str(layer.code[at]) for at in known]}
    connection.execute(_CODES, {"layer": key, **values})


def put_today(connection: Connection, crosswalk_id: int, area: Place, *, name: str, weight: float) -> int:
    """Store today's grids as a layer; gives how many units have one."""
    key = _fresh(connection, crosswalk_id, name, weight, "现行网格")
    return int(connection.execute(_TODAY, {"layer": key, "path": area.path}).rowcount)


def set_plan(connection: Connection, crosswalk_id: int, plan_id: int) -> None:
    """Say which plan merges a crosswalk's layers."""
    connection.execute(
        text("UPDATE crosswalk SET plan_id = :plan WHERE id = :id"), {"plan": plan_id, "id": crosswalk_id}
    )


def layer_ids(connection: Connection, crosswalk_id: int) -> list[int]:
    """Read the keys of the layers; a layer that is replaced has a new one."""
    return list(
        connection.execute(
            text("SELECT id FROM crosswalk_layer WHERE crosswalk_id = :id ORDER BY id"), {"id": crosswalk_id}
        ).scalars()
    )


def read_layers(connection: Connection, crosswalk_id: int, units: Sequence[str]) -> list[GridLayer]:
    """Read the layers over some units, in the order in which they were given; layers that know none are left out."""
    rows = pd.DataFrame(
        connection.execute(_LAYERS, {"id": crosswalk_id}).all(), columns=["name", "weight", "unit", "code"]
    )
    position = pd.Index(units)
    layers = []
    for name, part in rows.groupby("name", sort=False):
        at = position.get_indexer(pd.Index(part["unit"]))
        codes = np.full(len(position), None, dtype=object)
        codes[at[at >= 0]] = part["code"].to_numpy(dtype=object)[at >= 0]
        if (at >= 0).any():
            layers.append(GridLayer(str(name), codes, float(part["weight"].iloc[0])))
    return layers


def read_table(connection: Connection, crosswalk_id: int) -> list[tuple[Any, ...]]:
    """Read the crosswalk table: unit, layer, old code, new code, households; a row for every unit and layer."""
    return [tuple(row) for row in connection.execute(_TABLE, {"id": crosswalk_id})]


def _fresh(connection: Connection, crosswalk_id: int, name: str, weight: float, source: str) -> int:
    """Make an empty layer in place of one of the same name."""
    delete_layer(connection, crosswalk_id, name)
    values = {"crosswalk": crosswalk_id, "name": name, "weight": weight, "source": source}
    return int(connection.execute(_LAYER, values).scalar_one())
