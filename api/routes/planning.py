"""Jobs and plans: the planner's routes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.services import changes, jobs, plans

router = APIRouter(tags=["planning"])
PLANNER = ("not_signed_in", "forbidden")
PlanId = Annotated[int, Path(ge=1, le=2**62)]
OtherPlan = Annotated[int, Field(ge=1, le=2**62)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
CODE = Query(min_length=1, max_length=64, description="Code of a district, street or community.")


class NewJob(BaseModel):
    """A job to be queued."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["rebalance", "gaps", "merge", "site"]
    within: str = Field(min_length=1, max_length=64, description="Code of the district, street or community.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="See RebalanceParameters, GapsParameters, MergeParameters and SiteParameters."
    )


class JobBody(BaseModel):
    """A job as it stands."""

    id: UUID
    kind: str
    within: str
    parameters: dict[str, Any]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress_ratio: float
    message: str | None
    result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobList(BaseModel):
    """The newest jobs, newest first."""

    jobs: list[JobBody]


class Locks(BaseModel):
    """What a re-run leaves as it is."""

    model_config = ConfigDict(extra="forbid")

    grids: list[Code] = Field(default=[], max_length=10_000)
    units: list[Code] = Field(default=[], max_length=200_000)


class PlanBody(BaseModel):
    """A plan without its grids."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    status: Literal["proposed", "draft", "submitted", "approved", "effective", "retired"]
    within: str
    scheme: str
    parameters: dict[str, Any]
    seed: int
    metrics: dict[str, Any]
    version: int
    locks: Locks
    base_id: int | None
    created_by: str | None
    created_at: datetime
    updated_by: str | None
    updated_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    effective_on: date | None
    retired_on: date | None
    reject_reason: str | None


class PlanList(BaseModel):
    """Plans, newest first."""

    plans: list[PlanBody]


class PlanChange(BaseModel):
    """What may be changed of a plan."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=100)
    status: Literal["draft"] | None = None


GEOJSON: dict[int | str, dict[str, Any]] = {200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}}


@router.post("/api/jobs", status_code=202, responses=problems(*PLANNER, "not_found", "csrf_failed", "too_large"))
async def submit_job(request: Request, context: ContextDep, viewer: ViewerDep, job: NewJob) -> JobBody:
    """Queue a rebalance, gap, merge or siting job. Planners, inside their area."""
    queued = await context.reader.run(
        viewer,
        lambda connection: jobs.submit(connection, viewer, kind=job.kind, within=job.within, parameters=job.parameters),
        request.receive,
    )
    context.runner.notice()
    return JobBody(**jobs.as_body(queued))


@router.get("/api/jobs", responses=problems(*PLANNER))
async def list_jobs(request: Request, context: ContextDep, viewer: ViewerDep) -> JobList:
    """List the newest jobs. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda connection: jobs.latest(connection, viewer), request.receive)
    return JobList(jobs=[JobBody(**jobs.as_body(job)) for job in found])


@router.get("/api/jobs/{job_id}", responses=problems(*PLANNER, "not_found"))
async def get_job(request: Request, context: ContextDep, viewer: ViewerDep, job_id: UUID) -> JobBody:
    """Give a job. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda connection: jobs.get(connection, viewer, job_id), request.receive)
    return JobBody(**jobs.as_body(found))


@router.delete("/api/jobs/{job_id}", responses=problems(*PLANNER, "not_found", "conflict", "csrf_failed"))
async def cancel_job(request: Request, context: ContextDep, viewer: ViewerDep, job_id: UUID) -> JobBody:
    """Cancel a job that has not ended. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda connection: jobs.cancel(connection, viewer, job_id), request.receive
    )
    return JobBody(**jobs.as_body(found))


@router.get("/api/plans", responses=problems(*PLANNER))
async def list_plans(
    request: Request, context: ContextDep, viewer: ViewerDep, within: Annotated[str | None, CODE] = None
) -> PlanList:
    """List plans, of one area where `within` names it. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda connection: plans.find_all(connection, viewer, within), request.receive
    )
    return PlanList(plans=[PlanBody.model_validate(plan) for plan in found])


@router.get("/api/plans/{plan_id}", responses=problems(*PLANNER, "not_found"))
async def get_plan(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> PlanBody:
    """Give a plan. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda connection: plans.get(connection, viewer, plan_id), request.receive)
    return PlanBody.model_validate(found)


@router.get(
    "/api/plans/{plan_id}/grids", response_class=Response, responses={**problems(*PLANNER, "not_found"), **GEOJSON}
)
async def get_plan_grids(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> Response:
    """Give a plan's grids as GeoJSON. Planners, inside their area."""
    body = await context.reader.run(
        viewer, lambda connection: plans.grids(connection, viewer, plan_id), request.receive
    )
    return Response(body, media_type="application/geo+json")


@router.get(
    "/api/plans/{plan_id}/changes", response_class=Response, responses={**problems(*PLANNER, "not_found"), **GEOJSON}
)
async def get_plan_changes(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    plan_id: PlanId,
    against: Annotated[
        OtherPlan | Literal["today"], Query(description="The plan to compare with; today's grids otherwise.")
    ] = "today",
) -> Response:
    """Give the units whose grid differs from another plan's, or today's, as points. Planners, inside their area."""
    other = None if against == "today" else against
    body = await context.reader.run(
        viewer, lambda connection: changes.changes(connection, viewer, plan_id, other), request.receive
    )
    return Response(body, media_type="application/geo+json")


@router.patch("/api/plans/{plan_id}", responses=problems(*PLANNER, "not_found", "conflict", "csrf_failed", "too_large"))
async def change_plan(
    request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId, change: PlanChange
) -> PlanBody:
    """Rename a plan, or keep a proposed one as a draft. Planners, inside their area."""
    kept = await context.reader.run(
        viewer,
        lambda connection: plans.keep(connection, viewer, plan_id, name=change.name, status=change.status),
        request.receive,
    )
    return PlanBody.model_validate(kept)


@router.delete(
    "/api/plans/{plan_id}", status_code=204, responses=problems(*PLANNER, "not_found", "conflict", "csrf_failed")
)
async def delete_plan(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> None:
    """Delete a proposed or draft plan. Planners, inside their area."""
    await context.reader.run(viewer, lambda connection: plans.delete(connection, viewer, plan_id), request.receive)
