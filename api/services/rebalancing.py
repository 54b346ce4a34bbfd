"""What a rebalance job does: settle what it was told, read lots and locks, let the engine cut grids."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Connection, text

from api.errors import ConflictError, InvalidRequestError, MissingError
from data import planning
from data.assigned import read_assigned
from data.errors import BadInputError, NotFoundError
from data.lots import ensure_drawn
from data.planning import Place
from data.workload import count_workload, find_scheme
from geo.rebalance import RebalancePlan, rebalance, rebalance_front
from geo.rebalance.problem import Mode
from layers.tables import WORKLOADS

Report = Callable[[float, str], None]
"""Told how far a job is (0-1) and what it does; raises when the job was cancelled."""
MOST_PLANS = 9
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
    def check_shape(self) -> "RebalanceParameters":
        """Refuse a shape where none is weighed against change."""
        if self.shape is not None and (self.front or self.mode == "redraw"):
            which = "a front runs over all shapes" if self.front else "redraw always looks for the best shape"
            raise ValueError(f"shape {self.shape:g} is for one plan of mode adjust alone: {which}")
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
) -> list[tuple[float | None, RebalancePlan]]:
    """Let the engine cut grids: one plan, or a front of plans that lie from least change (0) to best shape (1)."""
    units = town.units
    has_compounds = parameters.keep_compounds and bool(units["compound"].notna().any())

    def progress(done: int, total: int, name: str) -> None:
        report(0.25 + 0.65 * done / total, f"已完成 {done}/{total} 个社区 communities done：{name}")

    options: dict[str, Any] = {
        "households": "households",
        "within": "community",
        "compound": "compound" if has_compounds else None,
        "current": "current" if town.has_current else None,
        "barriers": town.barriers,
        "inside": town.buildings,
        "floor": parameters.floor,
        "ceiling": parameters.ceiling,
        "target": parameters.target,
        "seed": parameters.seed,
        "weights": {"workload": 1.0},
        "fixed": "is_locked" if town.has_current else None,
        "closed": town.closed if town.has_current else (),
        "time_limit_s": parameters.time_limit_s,
        "executor": executor,
        "progress": progress,
    }
    if parameters.front and town.has_current:
        plans = rebalance_front(units, count=parameters.front, **options)
        return [(round(at / max(len(plans) - 1, 1), 4), plan) for at, plan in enumerate(plans)]
    mode: Mode = parameters.mode if town.has_current else "redraw"
    shape = parameters.shape if mode == "adjust" else None
    return [(shape, rebalance(units, mode=mode, shape=shape, **options))]
