"""What the live stream tells of whistles: that something happened to one, and to whom it is told; never its words."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, text

from api.services.whistles import UNIT_ROLES
from data.scope import scoped
from layers.viewer import CASE_ROLES, EVERYWHERE, Viewer, covers

_UNITS = Viewer(roles=CASE_ROLES, map_scope=(EVERYWHERE,), case_scope=(EVERYWHERE,))
_WHISTLES = text(
    "SELECT id::text AS id, path::text AS path, place_path::text AS place_path, departments, "
    "  called_at IS NOT NULL AS is_called, jsonb_build_object('id', id, 'code', code, 'status', status) AS told "
    "FROM whistle WHERE id = ANY (CAST(:ids AS bigint[]))"
)


def load_whistles(engine: Engine, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give whistles by id: what is told of each, and what says to whom."""
    with scoped(engine, _UNITS) as connection:
        return {row.id: dict(row._mapping) for row in connection.execute(_WHISTLES, {"ids": sorted(ids)})}


def hears(viewer: Viewer, whistle: dict[str, Any]) -> bool:
    """Tell whether a viewer sees a whistle: its unit and what lies above it, and departments once they are called.

    It says in memory what row-level security says in the database; a test asks both.
    """
    if viewer.roles & set(UNIT_ROLES.values()) and covers(viewer.case_scope, whistle["path"]):
        return True
    is_called = whistle["is_called"] and bool(set(whistle["departments"]) & set(viewer.departments))
    return is_called and covers(viewer.map_scope, whistle["place_path"])
