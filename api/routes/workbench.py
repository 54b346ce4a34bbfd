"""The planner's workbench: schemes, drafts, their life up to a plan in force, and the grids of any day."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.context import Context, ContextDep, ViewerDep
from api.problems import problems
from api.routes.planning import CODE, GEOJSON, PLANNER, Code, Locks, OtherPlan, PlanBody, PlanId
from api.services import decisions, drafts, plans, reasons, workbench
from api.services.drafts import Edit
from api.services.planners import own_area, require_planner
from api.services.plans import Plan
from data.workload import read_schemes
from layers.viewer import Viewer

router = APIRouter(tags=["planning"])
CHANGES = problems(*PLANNER, "not_found", "conflict", "csrf_failed", "too_large")
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Body(BaseModel):
    """What a caller sends; nothing else is taken."""

    model_config = ConfigDict(extra="forbid")


class Weights(BaseModel):
    """What weighs how much in a grid's workload."""

    households: float
    incidents_month: float
    residents_60: float
    no_lift_units: float


class Scheme(BaseModel):
    """A kind of grid with its band of households."""

    code: str
    name: str
    floor: int
    ceiling: int
    target: int
    source: str
    weights: Weights


class SchemeList(BaseModel):
    """The grid schemes; the one in use comes first."""

    schemes: list[Scheme]


class GridWorkload(BaseModel):
    """What one grid weighs."""

    grid: str
    workload: float


class WorkloadList(BaseModel):
    """What today's grids weigh by the scheme in use; without `is_weighed` that is their households."""

    scheme: str
    is_weighed: bool
    grids: list[GridWorkload]


class NewPlan(Body):
    """A draft to be made of a plan, or of today's grids."""

    base: OtherPlan | None = Field(default=None, description="The plan to copy; today's grids without one.")
    within: Code = Field(description="Code of the district, street or community.")
    name: Name


class Move(Body):
    """A unit that shall be in another grid; in none, without."""

    unit: Code
    grid: Annotated[str, Field(max_length=64)] | None


class EditedGrid(Body):
    """A grid after the edit."""

    code: str = Field(max_length=64, pattern=r"^[^\s/\\\x00-\x1f\x7f]*$", description="Empty: the server names it.")
    community: Code


class Assignment(Body):
    """The next version of a draft."""

    version: int = Field(ge=1, description="The version that was edited.")
    moves: list[Move] = Field(max_length=200_000)
    grids: list[EditedGrid] = Field(max_length=10_000, description="All grids after the edit.")
    locks: Locks | None = None


class Rejection(Body):
    """Why a plan goes back."""

    reason: str = Field(min_length=1, max_length=2000)


class Approval(Body):
    """When an approved plan comes into force."""

    effective_on: date


class Restoring(Body):
    """What the new draft shall be called."""

    name: Name | None = None


class ReasonBody(BaseModel):
    """Why one grid changes."""

    code: str
    sentence: str
    sentence_en: str
    binding: str
    households_in: int
    households_out: int
    units: int
    workers: int = Field(description="Active worker accounts whose round it is today.")


class ReasonList(BaseModel):
    """The grids that change, then today's grids that end."""

    grids: list[ReasonBody]


async def _plan(
    request: Request, context: Context, viewer: Viewer, work: Callable[[Connection], Plan]
) -> PlanBody:  # fmt: skip
    """Do something that gives a plan."""
    return PlanBody.model_validate(await context.reader.run(viewer, work, request.receive))


@router.get("/api/schemes", responses=problems(*PLANNER))
async def list_schemes(request: Request, context: ContextDep, viewer: ViewerDep) -> SchemeList:
    """List the grid schemes with their bands and weights. Planners."""
    require_planner(viewer)
    found = await context.reader.run(viewer, read_schemes, request.receive)
    return SchemeList(schemes=[Scheme.model_validate(scheme) for scheme in found])


@router.get("/api/workload", responses=problems(*PLANNER, "not_found"))
async def list_workload(
    request: Request, context: ContextDep, viewer: ViewerDep, within: Annotated[str, CODE]
) -> WorkloadList:
    """Weigh today's grids of an area by the scheme in use. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda c: workbench.weigh_grids(c, viewer, within), request.receive)
    return WorkloadList.model_validate(found)


@router.post("/api/plans", status_code=201, responses=CHANGES)
async def make_draft(request: Request, context: ContextDep, viewer: ViewerDep, plan: NewPlan) -> PlanBody:
    """Make a draft of a plan, or of today's grids. Planners, inside their area."""
    return await _plan(
        request, context, viewer,
        lambda connection: drafts.copy(connection, viewer, base=plan.base, within=plan.within, name=plan.name),
    )  # fmt: skip


@router.get(
    "/api/plans/{plan_id}/workbench",
    response_class=Response,
    responses={
        200: {"content": {"application/json": {"schema": {"type": "object"}}}},
        **problems(*PLANNER, "not_found"),
    },
)
async def get_workbench(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> Response:
    """Give all that is needed to edit a plan by hand, in columns. Planners, inside their area."""
    body = await context.reader.run(
        viewer, lambda connection: workbench.workbench(connection, viewer, plan_id), request.receive
    )
    return Response(body, media_type="application/json")


@router.put("/api/plans/{plan_id}/assignment", responses=CHANGES)
async def save_assignment(
    request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId, assignment: Assignment
) -> PlanBody:
    """Save the next version of a draft; 409 says who saved meanwhile and what clashes. Planners, inside their area."""
    edit = Edit(
        version=assignment.version,
        moves={move.unit: move.grid for move in assignment.moves},
        grids=[(grid.code, grid.community) for grid in assignment.grids],
        locks=None if assignment.locks is None else assignment.locks.model_dump(),
    )
    return await _plan(request, context, viewer, lambda connection: drafts.save(connection, viewer, plan_id, edit))


@router.post("/api/plans/{plan_id}/submit", responses=CHANGES)
async def submit_plan(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> PlanBody:
    """Hand a finished draft in for approval; 409 says what is unfinished. Planners, inside their area."""
    return await _plan(request, context, viewer, lambda connection: decisions.submit(connection, viewer, plan_id))


@router.post("/api/plans/{plan_id}/withdraw", responses=CHANGES)
async def withdraw_plan(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> PlanBody:
    """Take back what one submitted oneself. Planners, inside their area."""
    return await _plan(request, context, viewer, lambda connection: decisions.withdraw(connection, viewer, plan_id))


@router.post("/api/plans/{plan_id}/reject", responses=CHANGES)
async def reject_plan(
    request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId, rejection: Rejection
) -> PlanBody:
    """Send a submitted or approved plan back with a reason. Planners, inside their area."""
    return await _plan(
        request, context, viewer,
        lambda connection: decisions.reject(connection, viewer, plan_id, reason=rejection.reason),
    )  # fmt: skip


@router.post("/api/plans/{plan_id}/approve", responses=CHANGES)
async def approve_plan(
    request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId, approval: Approval
) -> PlanBody:
    """Approve what somebody else submitted, for a day. Planners, inside their area."""
    return await _plan(
        request, context, viewer,
        lambda connection: decisions.approve(connection, viewer, plan_id, effective_on=approval.effective_on),
    )  # fmt: skip


@router.post("/api/plans/{plan_id}/restore", status_code=201, responses=CHANGES)
async def restore_plan(
    request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId, restoring: Restoring | None = None
) -> PlanBody:
    """Make a new draft with an older plan's assignment. Planners, inside their area."""
    name = None if restoring is None else restoring.name
    return await _plan(
        request, context, viewer, lambda connection: drafts.restore(connection, viewer, plan_id, name=name)
    )  # fmt: skip


@router.get("/api/plans/{plan_id}/reasons", responses=problems(*PLANNER, "not_found"))
async def get_reasons(request: Request, context: ContextDep, viewer: ViewerDep, plan_id: PlanId) -> ReasonList:
    """Say of every grid that changes why, in Chinese and English. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda connection: reasons.reasons(connection, viewer, plan_id), request.receive
    )
    return ReasonList(grids=[ReasonBody.model_validate(one) for one in found])


@router.get("/api/grids", response_class=Response, responses={**problems(*PLANNER, "not_found"), **GEOJSON})
async def get_grids_as_of(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    as_of: Annotated[date, Query()],
    within: Annotated[str, CODE],
) -> Response:
    """Give the grids that were in force in an area on a day as GeoJSON. Planners, inside their area."""

    def work(connection: Connection) -> Any:
        return plans.grids_as_of(connection, own_area(connection, viewer, within), as_of)

    body = await context.reader.run(viewer, work, request.receive)
    return Response(body, media_type="application/geo+json")
