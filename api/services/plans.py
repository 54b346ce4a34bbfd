"""Plans: list them, compare one with today's grids, keep one as a draft, delete one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, MissingError
from api.services.jobs import require_planner
from data import audit
from layers.viewer import Viewer

LISTED = 200
MOVES_LIMIT = 50_000
_PLAN = (
    "SELECT p.id, p.name, p.status, a.code AS within, p.parameters, p.seed, p.metrics, p.created_by, p.created_at "
    "FROM plan p JOIN area a ON a.id = p.area_id "
)
_GRIDS = """
SELECT coalesce(jsonb_agg(jsonb_build_object(
  'type', 'Feature', 'id', g.code, 'geometry', ST_AsGeoJSON(g.geom, 6)::jsonb,
  'properties', jsonb_build_object('code', g.code, 'community', a.code, 'households', g.households,
    'in_band', g.households BETWEEN s.floor AND s.ceiling, 'compactness', g.compactness_ratio)
) ORDER BY g.code), '[]')::text
FROM grid g JOIN area a ON a.id = g.area_id, (
  SELECT coalesce((p.parameters->>'floor')::integer, s.floor) AS floor,
         coalesce((p.parameters->>'ceiling')::integer, s.ceiling) AS ceiling
  FROM plan p JOIN grid_scheme s ON s.id = p.scheme_id WHERE p.id = :id) s
WHERE g.plan_id = :id
"""
# A new grid goes on as today's grid that it was matched with; without a match, as the one of the same code.
_MOVES = """
SELECT coalesce(jsonb_agg(jsonb_build_object('type', 'Feature', 'id', m.code, 'geometry', m.geom,
  'properties', jsonb_build_object('code', m.code, 'households', m.households, 'from_grid', m.from_grid,
    'to_grid', m.to_grid)) ORDER BY m.code), '[]')::text
FROM (
  SELECT u.code, u.households, ST_AsGeoJSON(ST_PointOnSurface(u.geom), 6)::jsonb AS geom, o.code AS from_grid,
         n.code AS to_grid
  FROM plan p JOIN plan_assignment x ON x.plan_id = p.id JOIN grid n ON n.id = x.grid_id JOIN unit u ON u.id = x.unit_id
  LEFT JOIN (plan_assignment y JOIN grid o ON o.id = y.grid_id AND o.is_effective) ON y.unit_id = u.id
  WHERE p.id = :id AND o.code IS DISTINCT FROM coalesce(p.metrics->'successor_of'->>n.code, n.code)
  ORDER BY u.code LIMIT :limit) m
"""


@dataclass(frozen=True)
class Plan:
    """One plan without its grids."""

    id: int
    name: str
    status: str
    within: str
    parameters: dict[str, Any]
    seed: int
    metrics: dict[str, Any]
    created_by: str | None
    created_at: datetime


def find_all(connection: Connection, viewer: Viewer, within: str | None) -> list[Plan]:
    """Give the newest plans in scope, of one area and what it holds when `within` names it."""
    require_planner(viewer)
    inside = "WHERE p.path <@ (SELECT path FROM area WHERE code = :within) " if within else ""
    rows = connection.execute(
        text(f"{_PLAN}{inside}ORDER BY p.created_at DESC, p.id DESC LIMIT :limit"),
        {"limit": LISTED, **({"within": within} if within else {})},
    )
    return [_plan(row) for row in rows]


def get(connection: Connection, viewer: Viewer, plan_id: int) -> Plan:
    """Give a plan in scope."""
    require_planner(viewer)
    row = connection.execute(text(f"{_PLAN}WHERE p.id = :id"), {"id": plan_id}).one_or_none()
    if row is None:
        raise MissingError(f"there is no plan {plan_id}")
    return _plan(row)


def grids(connection: Connection, viewer: Viewer, plan_id: int) -> bytes:
    """Write a plan's grids as GeoJSON."""
    get(connection, viewer, plan_id)
    return _collection(connection.execute(text(_GRIDS), {"id": plan_id}).scalar_one())


def changes(connection: Connection, viewer: Viewer, plan_id: int) -> bytes:
    """Write the units whose grid changes against today's as GeoJSON points."""
    get(connection, viewer, plan_id)
    return _collection(connection.execute(text(_MOVES), {"id": plan_id, "limit": MOVES_LIMIT}).scalar_one())


def keep(connection: Connection, viewer: Viewer, plan_id: int, *, name: str | None, status: str | None) -> Plan:
    """Rename a plan, and keep a proposed one as a draft.

    Raises
    ------
    ConflictError
        If the plan is neither proposed nor a draft.
    """
    _require_unpublished(get(connection, viewer, plan_id))
    connection.execute(
        text("UPDATE plan SET name = coalesce(:name, name), status = coalesce(:status, status) WHERE id = :id"),
        {"id": plan_id, "name": name, "status": status},
    )
    audit.record(connection, "plan.keep", account_id=viewer.account_id, subject=str(plan_id), name=name, status=status)
    return get(connection, viewer, plan_id)


def delete(connection: Connection, viewer: Viewer, plan_id: int) -> None:
    """Delete a proposed or draft plan with its grids."""
    plan = get(connection, viewer, plan_id)
    _require_unpublished(plan)
    connection.execute(text("DELETE FROM plan WHERE id = :id"), {"id": plan_id})
    audit.record(connection, "plan.delete", account_id=viewer.account_id, subject=str(plan_id), name=plan.name)


def _require_unpublished(plan: Plan) -> None:
    """Refuse to touch a plan that is or was in force."""
    if plan.status not in ("proposed", "draft"):
        raise ConflictError(f"plan {plan.id} is {plan.status}; only proposed and draft plans can be changed or deleted")


def _collection(features: str) -> bytes:
    """Wrap features that PostgreSQL wrote."""
    return b'{"type":"FeatureCollection","features":' + features.encode() + b"}"


def _plan(row: Row[Any]) -> Plan:
    """Make a plan of a row."""
    return Plan(**row._mapping)
