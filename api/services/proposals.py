"""Store what the engine found as a proposed plan: codes that stay, outlines from lots, figures, bounds and reasons."""

import re
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from api.services.rebalancing import RebalanceParameters, Town
from data import planning
from data.assigned import plan_metrics, read_assigned, redraw, store_assigned, successor_codes
from data.drafts import Base, insert_plan
from data.lots import ensure_drawn
from data.workload import find_scheme
from geo.rebalance import RebalancePlan, explain

_EVER_IN_FORCE = text(
    "SELECT DISTINCT code FROM grid WHERE path <@ CAST(:path AS ltree) AND (is_effective OR valid_to IS NOT NULL)"
)


def store(  # noqa: PLR0913 (facts of the plan, keyword-only)
    connection: Connection,
    town: Town,
    parameters: RebalanceParameters,
    plan: RebalancePlan,
    *,
    name: str,
    by: str | None,
    shape: float | None,
) -> tuple[int, dict[str, Any]]:
    """Store one plan as a proposal; gives its key and its metrics."""
    ensure_drawn(connection, town.area)  # units may have changed while the engine worked
    scheme = find_scheme(connection, parameters.scheme)
    settled = parameters.model_dump() | {"mode": plan.mode, "shape": shape}
    base = Base(
        parameters.base_plan, int(str(scheme["id"])), settled, parameters.seed, {}, town.locks,
        (parameters.floor or 1, parameters.ceiling or 1),
    )  # fmt: skip
    plan_id = insert_plan(connection, town.area, base, name=name, by=by, status="proposed")
    position = {grid.grid_id: at for at, grid in enumerate(plan.grids)}
    grid = np.array([position[code] for code in plan.grid_id], dtype=np.int64)
    unit_id = town.units["id"].to_numpy(dtype=np.int64)
    store_assigned(connection, plan_id, _grids(connection, town, plan), unit_id, grid)
    assigned = read_assigned(connection, plan_id, town.area.path)
    figures = redraw(connection, assigned)
    metrics = plan_metrics(
        assigned, figures, floor=base.band[0], ceiling=base.band[1],
        successor_of=successor_codes(assigned) if plan.mode == "redraw" else None,
    )  # fmt: skip
    metrics |= _engine_metrics(plan, town, metrics, is_rerun=parameters.base_plan is not None)
    metrics["shape"] = shape
    connection.execute(planning.STORE_METRICS, {"id": plan_id, "metrics": metrics})
    return plan_id, metrics


def _grids(connection: Connection, town: Town, plan: RebalancePlan) -> list[tuple[str, str]]:
    """Give each grid its code and community; a code that was in force once and is not now is not given again."""
    kept = set(town.units["current"].dropna())
    taken = {*connection.execute(_EVER_IN_FORCE, {"path": town.area.path}).scalars(), *kept}
    found = []
    for grid in plan.grids:
        code = grid.grid_id
        while code not in kept and code in taken:
            code = next_code(code)
        taken.add(code)
        found.append((code, grid.community))
    return _keep_names(town, plan, found)


def _keep_names(town: Town, plan: RebalancePlan, grids: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Let the grid of a locked unit have the code that the unit is locked in, whoever has it by its households."""
    position = {grid.grid_id: at for at, grid in enumerate(plan.grids)}
    codes = [code for code, _ in grids]
    for at in np.flatnonzero(town.units["is_locked"]):
        wanted, own = town.units["current"].iloc[at], position[plan.grid_id[at]]
        if wanted in codes:
            codes[codes.index(wanted)] = codes[own]
        codes[own] = wanted
    return [(code, community) for code, (_, community) in zip(codes, grids, strict=True)]


def next_code(code: str) -> str:
    """Count the number at the end of a grid's code up by one."""
    digits = re.search(r"[0-9]{1,3}$", code)
    if digits is None:
        return f"{code}-001"
    number = digits.group()
    return f"{code[: -len(number)]}{int(number) + 1:0{len(number)}d}"


def _engine_metrics(
    plan: RebalancePlan, town: Town, metrics: dict[str, Any], *, is_rerun: bool
) -> dict[str, Any]:  # fmt: skip
    """What only the engine knows: bounds, bridges, and why grids are outside the band."""
    bounds = {} if is_rerun else {one.community: one.moved_bound_households for one in plan.communities}
    communities = [
        one | {"moved_bound_households": _whole(bounds.get(one["community"]))} for one in metrics["communities"]
    ]
    known = [one["moved_bound_households"] for one in communities]
    return {
        "units_without_community": town.without,
        "bridges": len(plan.bridges),
        "communities": communities,
        "moved_bound_households": None if None in known else sum(known),
        "infeasible": [
            {
                "community": result.community,
                "cause": shortfall.cause,
                "is_proven": shortfall.is_proven,
                "unit": code,
                **vars(explain(shortfall, plan.band, code=code)),
            }
            for result in plan.communities
            for shortfall in result.shortfalls
            for code in [town.units["code"].iloc[shortfall.unit]]
        ],
    }


def _whole(bound: float | None) -> int | None:
    """Round a bound up: households are whole."""
    return None if bound is None else int(np.ceil(bound - 1e-6))
