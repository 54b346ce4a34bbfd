"""What the two kinds of job do: read from PostGIS, let `geo` think, store what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.optimize import linear_sum_assignment
from sqlalchemy import Connection, Engine

from data import planning
from data.errors import BadInputError
from data.jobs import RUNNER, Job
from data.parallel import open_executor
from data.planning import Place, ProposedGrid
from data.scope import scoped
from geo.gaps import find_gaps
from geo.lots import lots_by_area
from geo.projection import metric_crs
from geo.rebalance import RebalancePlan, explain, grid_frame, rebalance
from geo.rebalance.problem import Mode
from layers.tables import FACILITY_KINDS

Store = Callable[[Connection], dict[str, Any]]
"""Writes what a job found, in the transaction that ends the job, and gives its result."""
Report = Callable[[float, str], None]
"""Told how far a job is (0-1) and what it does; raises `JobCancelledError` when the job was cancelled."""
FacilityKind = str
LONGEST_RADIUS_M = 20_000


class JobCancelledError(Exception):
    """Somebody cancelled the job that is running."""


class RebalanceParameters(BaseModel):
    """What a rebalance job may be told."""

    model_config = ConfigDict(extra="forbid")

    floor: int = Field(default=400, ge=1, le=100_000, description="Fewest households of a grid.")
    ceiling: int = Field(default=800, ge=1, le=100_000, description="Most households of a grid.")
    target: int | None = Field(default=None, ge=1, le=100_000, description="Households aimed at; else the middle.")
    mode: Mode = Field(default="adjust", description="adjust: least change; redraw: best shape from nothing.")
    keep_compounds: bool = Field(default=True, description="Keep every compound whole that fits in a grid.")
    seed: int = Field(default=0, ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def check_band(self) -> "RebalanceParameters":
        """Refuse a band that is none."""
        target = self.target if self.target is not None else (self.floor + self.ceiling) // 2
        if not self.floor <= target <= self.ceiling:
            raise ValueError(
                f"floor <= target <= ceiling must hold, not floor {self.floor}, target {target}, ceiling {self.ceiling}"
            )
        return self


class GapsParameters(BaseModel):
    """What a gap job may be told."""

    model_config = ConfigDict(extra="forbid")

    facility: FacilityKind = Field(default="station", json_schema_extra={"enum": list(FACILITY_KINDS)})
    radius_m: float = Field(default=300, gt=0, le=LONGEST_RADIUS_M, description="Longest walk that still serves.")

    @model_validator(mode="after")
    def check_kind(self) -> "GapsParameters":
        """Refuse a kind of facility that there is none of."""
        if self.facility not in FACILITY_KINDS:
            raise ValueError(f"facility must be one of {', '.join(FACILITY_KINDS)}, not {self.facility!r}")
        return self


PARAMETERS: dict[str, type[RebalanceParameters] | type[GapsParameters]] = {
    "rebalance": RebalanceParameters,
    "gaps": GapsParameters,
}


@dataclass(frozen=True)
class Workshop:
    """What a job works with."""

    engine: Engine
    workers: int
    scheduler: str = ""


def run_job(job: Job, workshop: Workshop, report: Report, created_by: str | None) -> Store:
    """Do a job; what it gives writes the result down, so that job and result end together or not at all."""
    if job.kind == "rebalance":
        return _rebalance(job, RebalanceParameters(**job.parameters), workshop, report, created_by)
    return _gaps(job, GapsParameters(**job.parameters), workshop, report)


def _rebalance(
    job: Job, parameters: RebalanceParameters, workshop: Workshop, report: Report, created_by: str | None
) -> Store:
    """Cut the grids of an area anew; the plan is stored as a proposal."""
    report(0.02, "读取楼栋 reading units")
    with scoped(workshop.engine, RUNNER) as connection:
        area = planning.find_area(connection, job.within)
        units = planning.read_units(connection, area.path)
        communities = planning.read_communities(connection, area.path)
        barriers = planning.read_barriers(connection, area.path)
        scheme_id = planning.scheme_in_use(connection)
    placed = units[units["community"].notna()].reset_index(drop=True)
    if placed.empty:
        raise BadInputError(f"{area.name} ({area.code}) has no units in a community; import them first")
    without, units = len(units) - len(placed), placed
    report(0.05, "划分用地 drawing lots")
    lots = _lots(units, communities)
    has_incumbent = bool(units["grid"].notna().any())
    mode: Mode = parameters.mode if has_incumbent else "redraw"
    count = units["community"].nunique()

    def progress(done: int, total: int, _: str) -> None:
        report(0.25 + 0.65 * done / total, f"已完成 {done}/{total} 个社区 communities done")

    report(0.2, "划分网格 cutting grids")
    with open_executor(workshop.workers if count > 1 else 1, workshop.scheduler) as executor:
        plan = rebalance(
            lots,
            households="households",
            within="community",
            compound="compound" if parameters.keep_compounds and bool(units["compound"].notna().any()) else None,
            current="grid" if has_incumbent else None,
            barriers=barriers if len(barriers) else None,
            inside=units.geometry,
            floor=parameters.floor,
            ceiling=parameters.ceiling,
            target=parameters.target,
            mode=mode,
            seed=parameters.seed,
            executor=executor,
            progress=progress,
        )
    report(0.92, "保存方案 storing the plan")
    metrics = {**_metrics(plan, lots, has_incumbent=has_incumbent, mode=mode), "units_without_community": without}
    facts = {
        "scheme_id": scheme_id,
        "name": f"{area.name}{'微调' if mode == 'adjust' else '重划'}方案",
        "parameters": {**parameters.model_dump(), "mode": mode},
        "seed": parameters.seed,
        "metrics": metrics,
        "created_by": created_by,
    }

    def store(connection: Connection) -> dict[str, Any]:
        return {"plan_id": _store_plan(connection, area, plan, lots, facts), "metrics": metrics}

    return store


def _lots(units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give every unit the ground around it, in metres: buildings do not touch, lots do."""
    crs = metric_crs(communities)
    metric = units.to_crs(crs)
    return metric.set_geometry(lots_by_area(metric, communities.to_crs(crs), within="community"))


def _metrics(plan: RebalancePlan, lots: gpd.GeoDataFrame, *, has_incumbent: bool, mode: Mode) -> dict[str, Any]:
    """What the planner compares: the plan in numbers, today's grids beside it."""
    metrics: dict[str, Any] = {
        "units": len(plan.grid_id),
        "households": int(plan.households),
        "grids": len(plan.grids),
        "grids_in_band": plan.grids_in_band,
        "households_in_band_ratio": round(plan.households_in_band_ratio, 4),
        "moved_households": None if plan.moved_households is None else int(plan.moved_households),
        "mean_compactness": None if plan.mean_compactness is None else round(plan.mean_compactness, 4),
        "disconnected_grids": plan.disconnected_grids,
        "bridges": len(plan.bridges),
        "infeasible": [
            {
                "community": result.community,
                "is_proven": shortfall.is_proven,
                **vars(explain(shortfall, plan.band, code=lots["code"].iloc[shortfall.unit])),
            }
            for result in plan.communities
            for shortfall in result.shortfalls
        ],
    }
    if has_incumbent:
        if mode == "redraw":  # an adjusted grid has the code of today's
            metrics["successor_of"] = _successors(plan, lots)
        today = lots.groupby("grid")["households"].sum()
        metrics["before"] = {
            "grids": len(today),
            "grids_in_band": int(today.between(plan.band.floor, plan.band.ceiling).sum()),
        }
    return metrics


def _successors(plan: RebalancePlan, lots: gpd.GeoDataFrame) -> dict[str, str]:
    """Match new grids with today's, one to one in each community, so that most households stay: new code to old."""
    found: dict[str, str] = {}
    for _, rows in lots.assign(new=list(plan.grid_id)).dropna(subset=["grid"]).groupby("community"):
        shared = rows.pivot_table(index="new", columns="grid", values="households", aggfunc="sum", fill_value=0)
        pairs = zip(*linear_sum_assignment(-shared.to_numpy()), strict=True)
        found |= {shared.index[new]: shared.columns[old] for new, old in pairs if shared.iat[new, old] > 0}
    return found


def _store_plan(
    connection: Connection, area: Place, plan: RebalancePlan, lots: gpd.GeoDataFrame, facts: dict[str, Any]
) -> int:
    """Store the plan; its grids' outlines are their units' lots, merged."""
    outlines = grid_frame(lots, plan).to_crs(planning.WGS84).geometry
    grids = [
        ProposedGrid(grid.grid_id, grid.community, int(grid.households), grid.compactness, outline)
        for grid, outline in zip(plan.grids, outlines, strict=True)
    ]
    position = {grid.grid_id: at for at, grid in enumerate(plan.grids)}
    grid_of_unit = np.array([position[code] for code in plan.grid_id], dtype=np.int64)
    unit_id = lots["id"].to_numpy(dtype=np.int64)
    return planning.store_plan(connection, area, grids, unit_id=unit_id, grid_of_unit=grid_of_unit, facts=facts)


def _gaps(job: Job, parameters: GapsParameters, workshop: Workshop, report: Report) -> Store:
    """Measure every unit's walk to its nearest open facility of a kind; the verdicts replace older ones."""
    report(0.05, "读取楼栋、设施和道路 reading units, facilities and roads")
    with scoped(workshop.engine, RUNNER) as connection:
        area = planning.find_area(connection, job.within)
        units = planning.read_units(connection, area.path)
        facilities = planning.read_facilities(connection, area.path, parameters.facility)
        roads = planning.read_roads(connection, area.path)
    if units.empty or roads.empty:
        missing = "units" if units.empty else "roads"
        raise BadInputError(f"{area.name} ({area.code}) has no {missing}; import them first")
    report(0.3, "计算步行距离 measuring walks")
    found = find_gaps(units, facilities, roads, households="households", radius_m=parameters.radius_m)
    report(0.8, "保存结果 storing the verdicts")
    codes = facilities["code"].to_numpy(dtype=object)
    gaps = pd.DataFrame(
        {
            "unit_id": units["id"].to_numpy(),
            "code": units["code"].to_numpy(),
            "households": units["households"].to_numpy(),
            "distance_m": found.distance_m,
            "straight_m": np.where(np.isfinite(found.straight_m), found.straight_m, np.nan),
            "facility_code": [codes[at] if at >= 0 else None for at in found.facility],
            "is_covered": found.is_covered,
            "reason": found.reason,
        }
    )
    totals = {
        "units": len(units),
        "facilities": len(facilities),
        "households": int(found.households),
        "households_covered": int(found.households_covered),
        "households_uncovered": int(found.households_uncovered),
        "households_unknown": int(found.households_unknown),
        "covered_ratio": found.covered_ratio,
        "by_community": _by_community(units, found.is_covered),
    }

    def store(connection: Connection) -> dict[str, Any]:
        planning.store_gaps(connection, parameters.facility, gaps, radius_m=parameters.radius_m)
        return totals

    return store


def _by_community(units: gpd.GeoDataFrame, is_covered: Any) -> list[dict[str, Any]]:
    """Households not covered and not known, worst community first."""
    table = pd.DataFrame(
        {
            "community": units["community"],
            "households": units["households"],
            "uncovered": np.where(is_covered == False, units["households"], 0),  # noqa: E712 (three-valued)
            "unknown": np.where(pd.isna(is_covered), units["households"], 0),
        }
    )
    sums = table.groupby("community", as_index=False).sum().sort_values("uncovered", ascending=False)
    return [
        {str(key): value if key == "community" else int(value) for key, value in row.items()}
        for row in sums.to_dict("records")
    ]
