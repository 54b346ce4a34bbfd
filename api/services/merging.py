"""What a merge job does: read lots and layers, let `geo.merge` find the plan that changes least, store it."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine

from api.services.proposals import store
from api.services.rebalancing import RebalanceParameters, Report, read_town, settle
from data import planning
from data.crosswalk.store import find, layer_ids, read_layers, set_plan
from data.errors import BadInputError
from data.jobs import RUNNER, Job
from data.scope import scoped
from geo.merge import merge


class MergeParameters(BaseModel):
    """What a merge job may be told."""

    model_config = ConfigDict(extra="forbid")

    crosswalk: int = Field(ge=1, le=2**62, description="Crosswalk whose layers are merged.")
    codes_from: str | None = Field(default=None, max_length=64, description="Layer whose codes grids keep; else new.")
    scheme: str | None = Field(default=None, max_length=64, description="Grid scheme that gives the band.")
    floor: int | None = Field(default=None, ge=1, le=100_000, description="Fewest households of a grid.")
    ceiling: int | None = Field(default=None, ge=1, le=100_000, description="Most households of a grid.")
    target: int | None = Field(default=None, ge=1, le=100_000, description="Households aimed at.")
    keep_compounds: bool = Field(default=True, description="Keep every compound whole that fits in a grid.")
    use_barriers: bool = Field(default=True, description="Connect no grid across a barrier.")
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


def run_merge(
    job: Job, parameters: MergeParameters, engine: Engine, executor: AbstractContextManager[Executor | None],
    report: Report, created_by: str | None,
) -> Callable[[Connection], dict[str, Any]]:  # fmt: skip
    """Merge a crosswalk's layers; the plan is stored as a proposal and becomes the crosswalk's."""
    report(0.02, "读取楼栋、划分用地、读取图层 reading units and layers, drawing lots")
    with scoped(engine, RUNNER) as connection:
        area = planning.find_area(connection, job.within)
        found = find(connection, parameters.crosswalk)
        if found is None or found.within != area.code:
            raise BadInputError(f"there is no crosswalk {parameters.crosswalk} of {area.name} ({area.code})")
        own = parameters.model_dump(exclude={"crosswalk", "codes_from"})
        settled = RebalanceParameters(
            **settle(connection, area, RebalanceParameters(**own, mode="redraw").model_dump())
        )  # fmt: skip
        town = read_town(connection, area, settled)
        made_of = layer_ids(connection, found.id)
        layers = read_layers(connection, found.id, town.units["code"].tolist())

    def progress(done: int, total: int, name: str) -> None:
        report(0.2 + 0.7 * done / total, f"已完成 {done}/{total} 个社区 communities done：{name}")

    report(0.2, "合并网格 merging grids")
    has_compounds = parameters.keep_compounds and bool(town.units["compound"].notna().any())
    with executor as pool:
        made = merge(
            town.units,
            layers,
            households="households",
            within="community",
            compound="compound" if has_compounds else None,
            barriers=town.barriers,
            inside=town.buildings,
            floor=settled.floor or 1,
            ceiling=settled.ceiling or 1,
            target=settled.target,
            codes_from=parameters.codes_from,
            seed=parameters.seed,
            executor=pool,
            progress=progress,
        )
    report(0.92, "保存方案 storing the plan")
    merged = {
        "crosswalk": found.id,
        "layer_ids": made_of,
        "moved_households": round(made.moved_households, 2),
        "moved_bound_households": round(made.moved_bound_households, 2),
        "layers": [asdict(one) for one in made.layers],
    }
    # its codes are no today's codes, as those of a plan that is drawn anew: it is compared with today's grids like one
    plan = replace(made.plan, mode="redraw")

    def store_merged(connection: Connection) -> dict[str, Any]:
        name = f"{area.name}多网合一方案"
        plan_id, metrics = store(connection, town, settled, plan, name=name, by=created_by, shape=None)
        # the engine's bound is that of the layers, not of today's grids
        metrics |= {"moved_bound_households": None, "merge": merged}
        metrics["communities"] = [one | {"moved_bound_households": None} for one in metrics["communities"]]
        connection.execute(planning.STORE_METRICS, {"id": plan_id, "metrics": metrics})
        set_plan(connection, found.id, plan_id)
        return {"plan_id": plan_id, "metrics": metrics}

    return store_merged
