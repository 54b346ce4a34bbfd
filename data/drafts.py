"""Drafts: copies of plans that are edited by hand, one version after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from data.assigned import ADD_GRIDS, plan_metrics, read_assigned, redraw, successor_codes
from data.lots import ensure_drawn
from data.planning import Place

_NEW = text(
    "INSERT INTO plan (scheme_id, area_id, path, name, status, parameters, seed, metrics, created_by, updated_by, "
    "base_id, locks) VALUES (:scheme_id, :area_id, CAST(:path AS ltree), :name, :status, :parameters, :seed, :metrics, "
    ":by, :by, :base_id, :locks) RETURNING id"
).bindparams(*(bindparam(name, type_=JSONB) for name in ("parameters", "metrics", "locks")))
_EMPTY = "ST_SetSRID('MULTIPOLYGON EMPTY'::geometry, 4326)"
_GRIDS_OF = {
    True: "SELECT code, name, area_id, path FROM grid WHERE is_effective AND path <@ CAST(:path AS ltree)",
    False: "SELECT code, name, area_id, path FROM grid WHERE plan_id = :base_id",
}
_UNITS_OF = {
    True: "JOIN grid o ON o.id = x.grid_id AND o.is_effective AND o.path <@ CAST(:path AS ltree)",
    False: "JOIN grid o ON o.id = x.grid_id AND x.plan_id = :base_id",
}
_STORE = text(
    "UPDATE plan SET metrics = :metrics, locks = :locks, version = :version, updated_by = :by, updated_at = now() "
    "WHERE id = :id"
).bindparams(bindparam("metrics", type_=JSONB), bindparam("locks", type_=JSONB))
_MOVE = text(
    "INSERT INTO plan_assignment (plan_id, unit_id, grid_id, version) SELECT :id, u.id, g.id, :version "
    "FROM unnest(CAST(:unit AS text[]), CAST(:grid AS text[])) AS m (unit, grid) JOIN unit u ON u.code = m.unit "
    "JOIN grid g ON g.plan_id = :id AND g.code = m.grid "
    "ON CONFLICT (plan_id, unit_id) DO UPDATE SET grid_id = excluded.grid_id, version = excluded.version"
)
_LEAVE = text(
    "DELETE FROM plan_assignment x USING unit u WHERE x.plan_id = :id AND u.id = x.unit_id AND u.code = ANY (:units)"
)
_DROP_GRIDS = text(
    "DELETE FROM grid g WHERE g.plan_id = :id AND NOT EXISTS (SELECT 1 FROM plan_assignment x WHERE x.grid_id = g.id)"
)
_CLASHES = text(
    "SELECT u.code AS unit, g.code AS grid FROM unit u LEFT JOIN (plan_assignment x JOIN grid g ON g.id = x.grid_id) "
    "ON x.unit_id = u.id AND x.plan_id = :id "
    "WHERE u.code = ANY (:units) AND coalesce(x.version, :version + 1) > :version ORDER BY u.code"
)
_SPENT = text(
    "SELECT DISTINCT g.code FROM grid g JOIN area a ON a.id = g.area_id "
    "JOIN unnest(CAST(:code AS text[]), CAST(:community AS text[])) AS n (code, community) ON n.code = g.code "
    "WHERE (g.is_effective AND a.code <> n.community) OR (g.valid_to IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM grid t WHERE t.code = g.code AND t.is_effective)) ORDER BY 1"
)


@dataclass(frozen=True)
class Base:
    """What a draft is copied from: a plan, or today's grids of an area when `plan_id` is None."""

    plan_id: int | None
    scheme_id: int
    parameters: dict[str, Any]
    seed: int
    metrics: dict[str, Any]
    locks: dict[str, Any]
    band: tuple[int, int]


def copy_plan(connection: Connection, area: Place, base: Base, *, name: str, by: str | None) -> int:
    """Store a draft with the grids and the assignment of a base; its outlines are drawn from the units' lots."""
    ensure_drawn(connection, area)
    plan_id = insert_plan(connection, area, base, name=name, by=by, status="draft")
    is_today = base.plan_id is None
    keys = {"id": plan_id, "base_id": base.plan_id, "path": area.path}
    connection.execute(
        text(
            "INSERT INTO grid (plan_id, code, name, area_id, path, geom) "
            f"SELECT :id, o.code, o.name, o.area_id, o.path, {_EMPTY} FROM ({_GRIDS_OF[is_today]}) o"
        ),
        keys,
    )
    connection.execute(
        text(
            "INSERT INTO plan_assignment (plan_id, unit_id, grid_id) "
            "SELECT :id, x.unit_id, n.id FROM plan_assignment x "
            f"{_UNITS_OF[is_today]} JOIN grid n ON n.plan_id = :id AND n.code = o.code JOIN unit u ON u.id = x.unit_id "
            "WHERE u.path <@ CAST(:path AS ltree)"
        ),
        keys,
    )
    refresh(connection, plan_id, area, base, version=1, by=by, locks=base.locks)
    return plan_id


def insert_plan(
    connection: Connection, area: Place, base: Base, *, name: str, by: str | None, status: str
) -> int:  # fmt: skip
    """Store a plan that has no grids yet."""
    values = {
        "scheme_id": base.scheme_id, "area_id": area.id, "path": area.path, "name": name, "by": by, "seed": base.seed,
        "parameters": base.parameters, "metrics": base.metrics, "locks": base.locks, "status": status,
        "base_id": base.plan_id or _plan_in_force(connection, area.path),
    }  # fmt: skip
    return int(connection.execute(_NEW, values).scalar_one())


def clashes(connection: Connection, plan_id: int, version: int, units: Sequence[str]) -> dict[str, str | None]:
    """Which of some units came into another grid after a version: unit to its grid now."""
    rows = connection.execute(_CLASHES, {"id": plan_id, "version": version, "units": list(units)})
    return {row.unit: row.grid for row in rows}


def spent_codes(connection: Connection, grids: dict[str, str]) -> list[str]:
    """Which codes (code: community) may not be given to new grids: another community's, and those used before."""
    return list(
        connection.execute(_SPENT, {"code": list(grids), "community": list(grids.values())}).scalars()
    )  # fmt: skip


def change_assignment(  # noqa: PLR0913 (what an edit is made of, keyword-only)
    connection: Connection,
    plan_id: int,
    area: Place,
    base: Base,
    *,
    version: int,
    by: str | None,
    moves: dict[str, str | None],
    new_grids: dict[str, str],
    locks: dict[str, Any],
) -> None:
    """Write the next version of a draft.

    Parameters
    ----------
    base
        What is known of the draft itself: its parameters, metrics and band.
    version
        The new version.
    moves
        Unit to grid; None takes the unit out of its grid.
    new_grids
        Code to community of grids to be added; grids that end up without units go.
    """
    ensure_drawn(connection, area)
    if new_grids:
        values = {"id": plan_id, "code": list(new_grids), "community": list(new_grids.values())}
        connection.execute(ADD_GRIDS, values)
    into = {unit: grid for unit, grid in moves.items() if grid is not None}
    connection.execute(
        _MOVE, {"id": plan_id, "version": version, "unit": list(into), "grid": list(into.values())}
    )  # fmt: skip
    connection.execute(_LEAVE, {"id": plan_id, "units": [unit for unit, grid in moves.items() if grid is None]})
    refresh(connection, plan_id, area, base, version=version, by=by, locks=locks)


def refresh(  # noqa: PLR0913 (the version's facts, keyword-only)
    connection: Connection,
    plan_id: int,
    area: Place,
    base: Base,
    *,
    version: int,
    by: str | None,
    locks: dict[str, Any],
) -> None:
    """Draw and measure a plan anew and store its figures; grids without units go."""
    connection.execute(_DROP_GRIDS, {"id": plan_id})
    assigned = read_assigned(connection, plan_id, area.path)
    figures = redraw(connection, assigned)
    is_matched = base.parameters.get("mode") == "redraw"  # its codes are no today's codes
    floor, ceiling = base.band
    metrics = plan_metrics(
        assigned, figures, floor=floor, ceiling=ceiling,
        successor_of=successor_codes(assigned) if is_matched else None,
    )  # fmt: skip
    kept: dict[str, Any] = {
        name: base.metrics[name] for name in ("units_without_community", "shape") if name in base.metrics
    }
    if "merge" in base.metrics:  # what moved is counted anew no more, but what it was made of stays known
        merge = base.metrics["merge"]
        kept["merge"] = {name: merge[name] for name in ("crosswalk", "layer_ids") if name in merge}
    proven = [one for one in base.metrics.get("infeasible", []) if one.get("is_proven")]
    metrics = {**metrics, **kept, "infeasible": proven}
    codes = {"grids": set(assigned.grids["code"]), "units": set(assigned.units["code"])}
    known = {kind: sorted(codes[kind].intersection(locks.get(kind, ()))) for kind in codes}
    connection.execute(_STORE, {"id": plan_id, "metrics": metrics, "locks": known, "version": version, "by": by})


def _plan_in_force(connection: Connection, path: str) -> int | None:
    """Find the plan in force that covers an area."""
    plan_id: int | None = connection.execute(
        text(
            "SELECT id FROM plan WHERE status = 'effective' AND path @> CAST(:path AS ltree) "
            "ORDER BY nlevel(path) DESC, id DESC LIMIT 1"
        ),
        {"path": path},
    ).scalar()
    return plan_id
