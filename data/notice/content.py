"""What a notice says, read from PostGIS."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import geopandas as gpd
from sqlalchemy import Connection, text

from data.notice.matching import match_grids
from data.planning import read_objects

_PLAN = """
SELECT p.id, p.name, p.status, p.version, p.area_id, p.base_id, p.effective_on, p.created_at, a.code AS area_code,
       a.name AS area_name, a.is_sample, a.time_zone, p.path::text AS path, s.name AS scheme, s.source,
       coalesce((p.parameters->>'floor')::integer, s.floor) AS floor,
       coalesce((p.parameters->>'ceiling')::integer, s.ceiling) AS ceiling
FROM plan p JOIN area a ON a.id = p.area_id JOIN grid_scheme s ON s.id = p.scheme_id WHERE p.id = :id
"""
_UNITS = """
SELECT u.code, concat_ws(' ', c.name, u.name) AS address, u.households, a.code AS community, a.name AS community_name,
       o.code AS before, n.code AS after, ST_AsBinary(u.geom) AS geom
FROM unit u JOIN area a ON a.id = u.area_id LEFT JOIN compound c ON c.id = u.compound_id
LEFT JOIN (plan_assignment y JOIN grid o ON o.id = y.grid_id) ON y.unit_id = u.id AND {before}
LEFT JOIN (plan_assignment x JOIN grid n ON n.id = x.grid_id) ON x.unit_id = u.id AND x.plan_id = :id
WHERE CAST(:path AS ltree) @> u.path AND (o.id IS NOT NULL OR n.id IS NOT NULL) ORDER BY u.code
"""
_GRIDS = """
SELECT o.code, o.name, a.code AS community, a.name AS community_name, o.households, ST_AsBinary(o.geom) AS geom
FROM grid o JOIN area a ON a.id = o.area_id WHERE {which} AND CAST(:path AS ltree) @> o.path ORDER BY o.code
"""
_COMMUNITIES = """
SELECT code, name, ST_AsBinary(geom) AS geom FROM area
WHERE level = 'community' AND CAST(:path AS ltree) @> path ORDER BY code
"""
_ROADS = """
SELECT r.name, r.class, ST_AsBinary(ST_CollectionExtract(ST_Intersection(r.geom, a.geom), 2)) AS geom
FROM road r, area a
WHERE a.id = :area_id AND r.class IN ('expressway', 'arterial', 'collector', 'local') AND ST_Intersects(r.geom, a.geom)
"""
_BARRIERS = """
SELECT b.name, b.kind,
  ST_AsBinary(ST_CollectionExtract(ST_Intersection(b.geom, a.geom), ST_Dimension(b.geom) + 1)) AS geom
FROM barrier b, area a
WHERE a.id = :area_id AND ST_Intersects(b.geom, a.geom)
"""


@dataclass(frozen=True)
class Notice:
    """One plan beside what it replaces.

    Attributes
    ----------
    facts
        Columns of `_PLAN`, and `against`: what it is compared with, in words.
    before, after
        Grids: code, name, community, community_name, households, lineage (a grid and its successor share it), geometry.
    units
        Every unit: code, address, community, community_name, households, before, after, is_moved, geometry.
    communities, roads, barriers
        What is drawn below.
    """

    facts: dict[str, Any]
    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame

    @property
    def changed(self) -> gpd.GeoDataFrame:
        """The units whose grid changes, by community, new grid and code."""
        moved = self.units[self.units["is_moved"]]
        return moved.sort_values(["community", "after", "code"], kind="stable", na_position="first")


def read_notice(connection: Connection, plan_id: int, against: int | None = None) -> Notice | None:
    """Read a plan and what it replaces; None when there is no such plan in scope.

    Parameters
    ----------
    against
        Key of another plan; without one, today's grids, or for a plan that is or was in force the one it came from.
    """
    row = connection.execute(text(_PLAN), {"id": plan_id}).one_or_none()
    if row is None:
        return None
    facts = dict(row._mapping)
    if against is None and facts["status"] in ("effective", "retired"):
        against = facts["base_id"]
    which = "o.is_effective" if against is None else "o.plan_id = :against"
    values = {"id": plan_id, "path": facts["path"], **({} if against is None else {"against": against})}
    units = read_objects(connection, _UNITS.format(before=which), **values)
    before = read_objects(connection, _GRIDS.format(which=which), **{k: v for k, v in values.items() if k != "id"})
    after = read_objects(connection, _GRIDS.format(which="o.plan_id = :id"), id=plan_id, path=facts["path"])
    successor = match_grids(units)
    units["is_moved"] = [
        new is not None and old != successor.get(new) for old, new in zip(units["before"], units["after"], strict=True)
    ]
    before["lineage"] = before["code"]
    after["lineage"] = [successor.get(code, code) for code in after["code"]]
    facts["against"] = "现行网格" if against is None else f"方案 {against}"
    where = {"area_id": facts["area_id"]}
    return Notice(
        facts, before, after, units, read_objects(connection, _COMMUNITIES, path=facts["path"]),
        read_objects(connection, _ROADS, **where), read_objects(connection, _BARRIERS, **where),
    )  # fmt: skip


def day_of(value: date | datetime | None) -> str:
    """Write a day as a notice does."""
    return "待定" if value is None else f"{value.year}年{value.month}月{value.day}日"
