"""What the kinds of job do: read from PostGIS, let `geo` think, store what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, Engine

from api.services.merging import MergeParameters, run_merge
from api.services.proposals import store
from api.services.rebalancing import RebalanceParameters, Report, read_town, settle, solve
from data import planning
from data.errors import BadInputError
from data.jobs import RUNNER, Job
from data.parallel import open_executor
from data.planning import Place
from data.scope import scoped
from geo.gaps import find_gaps
from geo.rebalance import RebalancePlan
from layers.tables import FACILITY_KINDS

Store = Callable[[Connection], dict[str, Any]]
"""Writes what a job found, in the transaction that ends the job, and gives its result."""
FacilityKind = str
LONGEST_RADIUS_M = 20_000


class JobCancelledError(Exception):
    """Somebody cancelled the job that is running."""


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


PARAMETERS: dict[str, type[RebalanceParameters] | type[GapsParameters] | type[MergeParameters]] = {
    "rebalance": RebalanceParameters,
    "gaps": GapsParameters,
    "merge": MergeParameters,
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
    if job.kind == "merge":
        executor = open_executor(workshop.workers, workshop.scheduler)
        return run_merge(job, MergeParameters(**job.parameters), workshop.engine, executor, report, created_by)
    return _gaps(job, GapsParameters(**job.parameters), workshop, report)


def _rebalance(
    job: Job, parameters: RebalanceParameters, workshop: Workshop, report: Report, created_by: str | None
) -> Store:
    """Cut the grids of an area anew; the plans are stored as proposals."""
    report(0.02, "读取楼栋、划分用地 reading units, drawing lots")
    with scoped(workshop.engine, RUNNER) as connection:
        area = planning.find_area(connection, job.within)
        parameters = RebalanceParameters(**settle(connection, area, parameters.model_dump()))
        town = read_town(connection, area, parameters)
    report(0.2, "划分网格 cutting grids")
    workers = workshop.workers if town.units["community"].nunique() > 1 else 1
    with open_executor(workers, workshop.scheduler) as executor:
        solved = solve(town, parameters, executor, report)
    report(0.92, "保存方案 storing the plan")

    def store_all(connection: Connection) -> dict[str, Any]:
        stored = [
            store(connection, town, parameters, plan, name=_name(area, plan, shape), by=created_by, shape=shape)
            for shape, plan in solved
        ]
        result = {"plan_id": stored[0][0], "metrics": stored[0][1]}
        return result | ({"front": [_front_row(*one) for one in stored]} if parameters.front else {})

    return store_all


def _name(area: Place, plan: RebalancePlan, shape: float | None) -> str:
    """Name a plan for people."""
    kind = "微调" if plan.mode == "adjust" else "重划"
    return f"{area.name}{kind}方案" + (f"（形状 {shape:g}）" if shape else "")


def _front_row(plan_id: int, metrics: dict[str, Any]) -> dict[str, Any]:
    """What the slider between least change and best shape shows of a plan."""
    shown = ("shape", "moved_households", "mean_compactness", "grids_in_band", "households_in_band_ratio")
    return {"plan_id": plan_id, **{name: metrics[name] for name in shown}}


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
