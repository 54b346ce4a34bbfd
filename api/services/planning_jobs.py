"""What the kinds of job do: read from PostGIS, let `geo` think, store what came of it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Engine

from api.services import examining, siting
from api.services.examining import GapsParameters
from api.services.merging import MergeParameters, run_merge
from api.services.proposals import store
from api.services.rebalancing import RebalanceParameters, Report, read_town, settle, solve
from api.services.siting import SiteParameters
from data import planning
from data.jobs import RUNNER, Job
from data.parallel import open_executor
from data.planning import Place
from data.scope import scoped
from geo.rebalance import RebalancePlan

Store = Callable[[Connection], dict[str, Any]]
"""Writes what a job found, in the transaction that ends the job, and gives its result."""


class JobCancelledError(Exception):
    """Somebody cancelled the job that is running."""


PARAMETERS: dict[str, type[BaseModel]] = {
    "rebalance": RebalanceParameters,
    "gaps": GapsParameters,
    "merge": MergeParameters,
    "site": SiteParameters,
}


@dataclass(frozen=True)
class Workshop:
    """What a job works with."""

    engine: Engine
    workers: int
    scheduler: str = ""
    _closing: Future[None] = field(default_factory=Future)
    _processes: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def open_executor(self, workers: int) -> Iterator[Executor | None]:
        """Open an executor on that many processes, or on the scheduler's; None for one without a scheduler."""
        if workers <= 1 and not self.scheduler:
            yield None
            return
        with self._processes, open_executor(workers, self.scheduler, stop=self._closing) as executor:
            yield executor

    def close(self, limit_s: float) -> None:
        """Wait for no result of other processes any more, and so long at most until they have ended."""
        if not self._closing.done():
            self._closing.set_result(None)
        if self._processes.acquire(timeout=limit_s):
            self._processes.release()


def run_job(job: Job, workshop: Workshop, report: Report, created_by: str | None) -> Store:
    """Do a job; what it gives writes the result down, so that job and result end together or not at all."""
    if job.kind == "rebalance":
        return _rebalance(job, RebalanceParameters(**job.parameters), workshop, report, created_by)
    if job.kind == "merge":
        executor = workshop.open_executor(workshop.workers)
        return run_merge(job, MergeParameters(**job.parameters), workshop.engine, executor, report, created_by)
    if job.kind == "site":
        return _site(job, SiteParameters(**job.parameters), workshop, report)
    return _gaps(job, GapsParameters(**job.parameters), workshop, report, created_by)


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
    with workshop.open_executor(workers) as executor:
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


def _gaps(job: Job, parameters: GapsParameters, workshop: Workshop, report: Report, created_by: str | None) -> Store:
    """Judge every unit of an area by every rule of a rulebook; the verdicts replace older ones."""
    report(0.05, "读取楼栋、设施和道路，逐条判定 reading units, facilities and roads, judging by every rule")
    with scoped(workshop.engine, RUNNER) as connection:
        found = examining.examine(connection, job.within, parameters)
    report(0.8, "保存结果 storing the verdicts")
    return lambda connection: examining.keep(connection, found, created_by)


def _site(job: Job, parameters: SiteParameters, workshop: Workshop, report: Report) -> Store:
    """Find where to build; the answer is kept beside the job."""
    report(0.05, "读取楼栋、设施和道路 reading units, facilities and roads")
    with scoped(workshop.engine, RUNNER) as connection:
        question = siting.ask(connection, job.within, parameters)
    answer = siting.answer(question, report)
    report(0.95, "保存结果 storing the answer")
    return lambda connection: siting.keep(connection, job, answer)
