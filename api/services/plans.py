"""Plans: list them, show one, compare one with another or with today's grids, rename, keep, delete."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, MissingError
from api.services.planners import login_of, require_planner
from data import audit
from data.planning import Place
from layers.viewer import Viewer

LISTED = 200
_PLAN = (
    "SELECT p.id, p.name, p.status, a.code AS within, p.parameters, p.seed, p.metrics, p.created_by, p.created_at, "
    "p.version, p.locks, p.base_id, p.submitted_by, p.submitted_at, p.approved_by, p.approved_at, p.effective_on, "
    "p.retired_on, p.reject_reason, p.updated_by, p.updated_at, p.scheme_id, a.id AS area_id, a.name AS area_name, "
    "a.path::text AS path, a.level, a.time_zone, s.code AS scheme, "
    "coalesce((p.parameters->>'floor')::integer, s.floor) AS floor, "
    "coalesce((p.parameters->>'ceiling')::integer, s.ceiling) AS ceiling, "
    "coalesce((p.parameters->>'target')::integer, CASE WHEN p.parameters ? 'floor' "
    "THEN ((p.parameters->>'floor')::integer + (p.parameters->>'ceiling')::integer) / 2 ELSE s.target END) AS target "
    "FROM plan p JOIN area a ON a.id = p.area_id JOIN grid_scheme s ON s.id = p.scheme_id "
)
_GRIDS = """
SELECT coalesce(jsonb_agg(jsonb_build_object(
  'type', 'Feature', 'id', g.code, 'geometry', ST_AsGeoJSON(g.geom, 6)::jsonb,
  'properties', jsonb_build_object('code', g.code, 'community', a.code, 'households', g.households,
    'in_band', g.households BETWEEN :floor AND :ceiling, 'compactness', g.compactness_ratio)
) ORDER BY g.code), '[]')::text
FROM grid g JOIN area a ON a.id = g.area_id WHERE g.plan_id = :id
"""
_AS_OF = """
SELECT coalesce(jsonb_agg(jsonb_build_object(
  'type', 'Feature', 'id', g.code, 'geometry', ST_AsGeoJSON(g.geom, 6)::jsonb,
  'properties', jsonb_build_object('code', g.code, 'name', g.name, 'community', a.code, 'households', g.households,
    'in_band', g.households BETWEEN coalesce((p.parameters->>'floor')::integer, s.floor)
      AND coalesce((p.parameters->>'ceiling')::integer, s.ceiling),
    'compactness', g.compactness_ratio, 'plan_id', g.plan_id, 'valid_from', g.valid_from, 'valid_to', g.valid_to)
) ORDER BY g.code), '[]')::text
FROM grid g JOIN area a ON a.id = g.area_id JOIN plan p ON p.id = g.plan_id JOIN grid_scheme s ON s.id = p.scheme_id
WHERE g.path <@ CAST(:path AS ltree) AND (g.is_effective OR g.valid_to IS NOT NULL)
  AND coalesce(g.valid_from, '-infinity') <= :day AND coalesce(g.valid_to, 'infinity') > :day
"""


@dataclass(frozen=True)
class Plan:
    """One plan without its grids; from `scheme_id` on what only services need."""

    id: int
    name: str
    status: str
    within: str
    parameters: dict[str, Any]
    seed: int
    metrics: dict[str, Any]
    created_by: str | None
    created_at: datetime
    version: int
    locks: dict[str, list[str]]
    base_id: int | None
    submitted_by: str | None
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    effective_on: date | None
    retired_on: date | None
    reject_reason: str | None
    updated_by: str | None
    updated_at: datetime
    scheme_id: int
    area_id: int
    area_name: str
    path: str
    level: str
    time_zone: str
    scheme: str
    floor: int
    ceiling: int
    target: int

    @property
    def area(self) -> Place:
        """The area that it covers."""
        return Place(self.area_id, self.within, self.area_name, self.path, self.level)


def find_all(connection: Connection, viewer: Viewer, within: str | None) -> list[Plan]:
    """Give the newest plans in scope, of one area and what it holds when `within` names it."""
    require_planner(viewer)
    inside = "WHERE p.path <@ (SELECT path FROM area WHERE code = :within) " if within else ""
    rows = connection.execute(
        text(f"{_PLAN}{inside}ORDER BY p.created_at DESC, p.id DESC LIMIT :limit"),
        {"limit": LISTED, **({"within": within} if within else {})},
    )
    return [_plan(row) for row in rows]


def get(connection: Connection, viewer: Viewer, plan_id: int, *, lock: bool = False) -> Plan:
    """Give a plan in scope; `lock` keeps others from changing it until the transaction ends."""
    require_planner(viewer)
    statement = f"{_PLAN}WHERE p.id = :id" + (" FOR UPDATE OF p" if lock else "")
    row = connection.execute(text(statement), {"id": plan_id}).one_or_none()
    if row is None:
        raise MissingError(f"there is no plan {plan_id}")
    return _plan(row)


def grids(connection: Connection, viewer: Viewer, plan_id: int) -> bytes:
    """Write a plan's grids as GeoJSON."""
    plan = get(connection, viewer, plan_id)
    band = {"floor": plan.floor, "ceiling": plan.ceiling}
    return collection(connection.execute(text(_GRIDS), {"id": plan_id, **band}).scalar_one())


def grids_as_of(connection: Connection, area: Place, day: date) -> bytes:
    """Write the grids that were in force in an area on a day as GeoJSON."""
    return collection(connection.execute(text(_AS_OF), {"path": area.path, "day": day}).scalar_one())


def keep(connection: Connection, viewer: Viewer, plan_id: int, *, name: str | None, status: str | None) -> Plan:
    """Rename a plan, and keep a proposed one as a draft.

    Raises
    ------
    ConflictError
        If the plan is neither proposed nor a draft.
    """
    _require_unpublished(get(connection, viewer, plan_id, lock=True))
    connection.execute(
        text(
            "UPDATE plan SET name = coalesce(:name, name), status = coalesce(:status, status), updated_by = :by, "
            "updated_at = now() WHERE id = :id"
        ),
        {"id": plan_id, "name": name, "status": status, "by": login_of(connection, viewer)},
    )
    audit.record(connection, "plan.keep", account_id=viewer.account_id, subject=str(plan_id), name=name, status=status)
    return get(connection, viewer, plan_id)


def delete(connection: Connection, viewer: Viewer, plan_id: int) -> None:
    """Delete a proposed or draft plan with its grids."""
    plan = get(connection, viewer, plan_id, lock=True)
    _require_unpublished(plan)
    connection.execute(text("DELETE FROM plan WHERE id = :id"), {"id": plan_id})
    audit.record(connection, "plan.delete", account_id=viewer.account_id, subject=str(plan_id), name=plan.name)


def collection(features: str) -> bytes:
    """Wrap features that PostgreSQL wrote."""
    return b'{"type":"FeatureCollection","features":' + features.encode() + b"}"


def _require_unpublished(plan: Plan) -> None:
    """Refuse to touch a plan that is decided on, or is or was in force."""
    if plan.status not in ("proposed", "draft"):
        raise ConflictError(f"plan {plan.id} is {plan.status}; only proposed and draft plans can be changed or deleted")


def _plan(row: Row[Any]) -> Plan:
    """Make a plan of a row."""
    return Plan(**row._mapping)
