"""What a rebalance job does: read lots and locks, let the engine cut grids, store the plans that came of it."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Connection, text

from api.errors import ConflictError, InvalidRequestError, MissingError
from data import planning
from data.assigned import plan_metrics, read_assigned, redraw, store_assigned, successor_codes
from data.drafts import Base, insert_plan
from data.errors import BadInputError, NotFoundError
from data.lots import ensure_drawn
from data.planning import Place
from data.workload import count_workload, find_scheme
from geo.rebalance import RebalancePlan, explain, rebalance
from geo.rebalance.engine import Progress
from geo.rebalance.problem import Mode
from layers.tables import WORKLOADS

Report = Callable[[float, str], None]
"""Told how far a job is (0-1) and what it does; raises when the job was cancelled."""
MOST_PLANS = 9
_EVER_IN_FORCE = text(
    "SELECT DISTINCT code FROM grid WHERE path <@ CAST(:path AS ltree) AND (is_effective OR valid_to IS NOT NULL)"
)
_BASE_PLAN = text(
    "SELECT p.id, p.locks, a.code AS within, p.status FROM plan p JOIN area a ON a.id = p.area_id WHERE p.id = :id"
)


class RebalanceParameters(BaseModel):
    """What a rebalance job may be told."""

    model_config = ConfigDict(extra="forbid")

    scheme: str | None = Field(
        default=None, max_length=64, description="Grid scheme that gives band and weights; else the one in use."
    )
    floor: int | None = Field(default=None, ge=1, le=100_000, description="Fewest households of a grid.")
    ceiling: int | None = Field(default=None, ge=1, le=100_000, description="Most households of a grid.")
    target: int | None = Field(default=None, ge=1, le=100_000, description="Households aimed at.")
    mode: Mode = Field(default="adjust", description="adjust: least change; redraw: best shape from nothing.")
    shape: float | None = Field(default=None, ge=0, le=1, description="0: least change; 1: best shape.")
    front: int = Field(
        default=0, ge=0, le=MOST_PLANS, description="Plans between least change and best shape, 2 to 9; 0 is one plan."
    )
    keep_compounds: bool = Field(default=True, description="Keep every compound whole that fits in a grid.")
    use_barriers: bool = Field(default=True, description="Connect no grid across a barrier.")
    weights: dict[str, float] | None = Field(default=None, description=f"Workload: {', '.join(WORKLOADS)}.")
    time_limit_s: float | None = Field(default=None, gt=0, le=3600, description="Stop with the best plan so far.")
    base_plan: int | None = Field(default=None, ge=1, le=2**62, description="Re-run a draft around its locks.")
    seed: int = Field(default=0, ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def check_band(self) -> "RebalanceParameters":
        """Refuse a band that is none."""
        given = [one for one in (self.floor, self.target, self.ceiling) if one is not None]
        if given != sorted(given):
            raise ValueError(
                f"floor <= target <= ceiling must hold, not floor {self.floor}, target {self.target}, "
                f"ceiling {self.ceiling}"
            )
        return self

    @model_validator(mode="after")
    def check_front(self) -> "RebalanceParameters":
        """Refuse a front of one plan, and one that has no change to trade for shape."""
        if self.front == 1:
            raise ValueError("front must be 0 or 2 to 9, not 1")
        if self.front and self.mode == "redraw":
            raise ValueError("front needs mode adjust: it lies between least change and best shape")
        return self

    @model_validator(mode="after")
    def check_weights(self) -> "RebalanceParameters":
        """Refuse weights of unknown things, negative ones, and none at all."""
        weights = self.weights
        if weights is None:
            return self
        unknown = sorted(set(weights) - set(WORKLOADS))
        if unknown:
            raise ValueError(f"weights are of {', '.join(WORKLOADS)}, not of {unknown[0]}")
        if not all(0 <= weight <= 1e6 for weight in weights.values()) or not any(weights.values()):
            raise ValueError("weights must be 0 to 1000000, and one of them above 0")
        return self


@dataclass(frozen=True)
class Town:
    """What the engine is given.

    Attributes
    ----------
    units
        Lots (EPSG:4326) by code, with `workload`, `current` (grid to start from) and `is_locked`.
    buildings
        The units themselves: barriers are looked for between these.
    closed
        Grids that stay exactly as they are.
    without
        Units that lie in no community.
    """

    area: Place
    units: gpd.GeoDataFrame
    buildings: gpd.GeoSeries
    barriers: gpd.GeoSeries | None
    closed: tuple[str, ...]
    locks: dict[str, list[str]]
    without: int

    @property
    def has_current(self) -> bool:
        """Whether there are grids to start from."""
        return bool(self.units["current"].notna().any())


def settle(connection: Connection, area: Place, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the scheme gives, and check the draft that is to be run again.

    Raises
    ------
    ConflictError, InvalidRequestError, MissingError
        If the draft covers another area, the band is none, or scheme or draft are not there.
    """
    try:
        scheme = find_scheme(connection, parameters["scheme"])
    except NotFoundError as error:
        raise InvalidRequestError(str(error), (("parameters.scheme", str(error)),)) from error
    filled = dict(parameters) | {"scheme": scheme["code"]}
    is_own_band = parameters["floor"] is not None or parameters["ceiling"] is not None
    for name in ("floor", "ceiling"):
        filled[name] = scheme[name] if filled[name] is None else filled[name]
    if filled["target"] is None:
        filled["target"] = (filled["floor"] + filled["ceiling"]) // 2 if is_own_band else scheme["target"]
    filled["weights"] = filled["weights"] or scheme["weights"]
    base = None if filled["base_plan"] is None else connection.execute(_BASE_PLAN, {"id": filled["base_plan"]}).first()
    if filled["base_plan"] is not None and base is None:
        raise MissingError(f"there is no plan {filled['base_plan']}")
    if base is not None and base.within != area.code:
        raise ConflictError(f"plan {base.id} covers {base.within}, not {area.code}")
    try:
        return RebalanceParameters(**filled).model_dump()
    except ValidationError as error:
        raise InvalidRequestError(
            str(error.errors()[0]["msg"]), (("parameters", str(error.errors()[0]["msg"])),)
        ) from error


def read_town(connection: Connection, area: Place, parameters: RebalanceParameters) -> Town:
    """Read what the engine needs; lots that are out of date are drawn first."""
    ensure_drawn(connection, area)
    base = parameters.base_plan
    locks: dict[str, list[str]] = {"grids": [], "units": []}
    if base is not None:
        locks = connection.execute(_BASE_PLAN, {"id": base}).one().locks
    units = read_assigned(connection, base or 0, area.path).units
    if units.empty:
        raise BadInputError(f"{area.name} ({area.code}) has no units in a community; import them first")
    buildings = planning.read_units(connection, area.path)
    weights = parameters.weights or {"households": 1.0}
    units["workload"] = count_workload(connection, area.path, units, weights)
    units["current"] = units["grid"] if base is not None else units["today"]
    units["is_locked"] = units["code"].isin(locks["units"]) & units["current"].notna()
    barriers = planning.read_barriers(connection, area.path) if parameters.use_barriers else None
    return Town(
        area, units, buildings.set_index("code").geometry.loc[units["code"]].reset_index(drop=True),
        barriers if barriers is not None and len(barriers) else None,
        tuple(code for code in locks["grids"] if code in set(units["current"].dropna())), locks,
        len(buildings) - len(units),
    )  # fmt: skip


def solve(
    town: Town, parameters: RebalanceParameters, executor: Executor | None, report: Report
) -> list[tuple[float | None, RebalancePlan]]:  # fmt: skip
    """Let the engine cut grids: one plan, or a front of plans from least change to best shape, each with its shape."""
    shapes: list[float | None] = [parameters.shape]
    if parameters.front and town.has_current:
        shapes = [round(float(shape), 4) for shape in np.linspace(0, 1, parameters.front)]
    found: list[tuple[float | None, RebalancePlan]] = []
    for number, shape in enumerate(shapes):

        def progress(done: int, total: int, name: str, number: int = number) -> None:
            ratio = (number + done / total) / len(shapes)
            which = f"（方案 plan {number + 1}/{len(shapes)}）" if len(shapes) > 1 else ""
            report(0.25 + 0.65 * ratio, f"已完成 {done}/{total} 个社区 communities done{which}：{name}")

        found.append((shape, _solve_one(town, parameters, shape, executor, progress)))
    return undominated(found)


def _solve_one(
    town: Town, parameters: RebalanceParameters, shape: float | None, executor: Executor | None, progress: Progress
) -> RebalancePlan:  # fmt: skip
    """Let the engine cut grids once."""
    units = town.units
    mode: Mode = parameters.mode if town.has_current else "redraw"
    return rebalance(
        units,
        households="households",
        within="community",
        compound="compound" if parameters.keep_compounds and bool(units["compound"].notna().any()) else None,
        current="current" if town.has_current else None,
        barriers=town.barriers,
        inside=town.buildings,
        floor=parameters.floor or 1,
        ceiling=parameters.ceiling or 1,
        target=parameters.target,
        mode=mode,
        seed=parameters.seed,
        shape=shape if mode == "adjust" else None,
        weights={"workload": 1.0},
        fixed="is_locked" if town.has_current else None,
        closed=town.closed if town.has_current else (),
        executor=executor,
        progress=progress,
    )


def undominated(plans: list[tuple[float | None, RebalancePlan]]) -> list[tuple[float | None, RebalancePlan]]:
    """Leave out plans that another one beats in households in the band, households moved and shape alike."""
    kept: list[tuple[float | None, RebalancePlan]] = []
    scores: list[tuple[float, float, float]] = []
    for shape, plan in plans:
        score = (plan.households_in_band_ratio, -(plan.moved_households or 0), plan.mean_compactness or 0)
        if not any(all(other >= own for other, own in zip(one, score, strict=True)) for one in scores):
            worse = [all(own >= other for other, own in zip(one, score, strict=True)) for one in scores]
            kept = [one for one, is_worse in zip(kept, worse, strict=True) if not is_worse] + [(shape, plan)]
            scores = [one for one, is_worse in zip(scores, worse, strict=True) if not is_worse] + [score]
    return kept


def store(
    connection: Connection, town: Town, parameters: RebalanceParameters, plan: RebalancePlan, *,
    name: str, by: str | None, shape: float | None,
) -> tuple[int, dict[str, Any]]:  # fmt: skip
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
    """Let the grid of a locked unit have the code that the unit is locked in, whichever grid has it by its households."""
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
    bounds = {} if is_rerun else {one.community: getattr(one, "moved_bound_households", None) for one in plan.communities}
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
                **vars(explain(shortfall, plan.band, code=town.units["code"].iloc[shortfall.unit])),
            }
            for result in plan.communities
            for shortfall in result.shortfalls
        ],
    }


def _whole(bound: float | None) -> int | None:
    """Round a bound up: households are whole."""
    return None if bound is None else int(np.ceil(bound - 1e-6))
