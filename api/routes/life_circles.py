"""Life circles: what the rules found, the report, what was promised."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.routes.exchange import download
from api.routes.planning import CODE, GEOJSON, PLANNER
from api.services import life_circles
from api.services.examining import RULEBOOK_NAME
from data.jobs import RUNNER
from geo.cells import COARSEST, FINEST, RESOLUTION

router = APIRouter(prefix="/api", tags=["life circles"])
Number = Annotated[int, Path(ge=1, le=2**62)]
RuleCode = Annotated[str, Path(min_length=1, max_length=60)]
Within = Annotated[str | None, CODE]


class ExaminationBody(BaseModel):
    """Units of an area judged by one version of a rulebook; `units` of the area asked about still have it as newest."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    area_code: str
    area_name: str
    rulebook: str
    version: int
    rules: list[str]
    data_on: list[date | None]
    without_data: list[str]
    made_by: str | None
    made_at: datetime
    units: int


class ExaminationList(BaseModel):
    """Examinations, newest first."""

    examinations: list[ExaminationBody]


class RuleBody(BaseModel):
    """A rule of a standard: how near a facility must be, for whom, and where it is written."""

    rule: str
    facility_kind: str
    facility_types: list[str]
    facility_name: str
    demand_kind: str
    metric: Literal["walk", "line"]
    threshold_m: float
    level: int | None
    binding: Literal["must", "should", "may"]
    standard: str
    edition: str
    clause: str
    basis: str
    confidence: Literal["H", "M", "L"]
    note: str
    note_en: str


class Totals(BaseModel):
    """Units and demand by verdict; what is unknown is neither met nor not met. Metres are of the units not met."""

    units: int
    units_met: int
    units_not_met: int
    units_unknown: int
    units_uncounted: int
    demand: float
    demand_met: float
    demand_not_met: float
    demand_unknown: float
    unserved_ratio: float | None
    unserved_mean_m: float | None
    unserved_longest_m: float | None


class JudgedRule(RuleBody, Totals):
    """A rule and its totals; `data_on` is the day of the oldest data they are made of."""

    data_on: date | None


class Group(BaseModel):
    """A community or a grid."""

    code: str
    name: str | None
    community: str | None


class RankedCommunity(Group):
    """A community in order of need: the mean over the rules of the share not served, and by rule the demand."""

    rank: int
    mean_unserved_ratio: float | None
    unserved: list[float]


class Overview(ExaminationBody):
    """Every rule's totals in an area, and its communities in order of need."""

    judged: list[JudgedRule]
    not_examined: list[RuleBody]
    communities: list[RankedCommunity]


class GroupTotals(Group, Totals):
    """Totals of a community or a grid."""


class ListedUnit(BaseModel):
    """A unit that is not served, or of which it is unknown."""

    code: str
    address: str | None
    community: str | None
    grid: str | None
    lon: float
    lat: float
    demand: float | None
    walk_m: float | None
    straight_m: float | None
    detour_ratio: float | None
    facility: str | None
    reason: str


class ReasonCount(BaseModel):
    """Why verdicts are unknown."""

    reason: str
    units: int


class RuleFindings(JudgedRule):
    """What one rule found; `place` is its place among the verdicts of the layer service_gap."""

    place: int
    communities: list[GroupTotals]
    grids: list[GroupTotals]
    units_listed: list[ListedUnit]
    unknown_listed: list[ListedUnit]
    reasons: list[ReasonCount]


class StepBody(BaseModel):
    """Something that counts towards a promise."""

    name: str
    amount: int
    is_done: bool
    on: date | None
    lon: float
    lat: float


class TargetBody(BaseModel):
    """A promise of a plan document and how far it is today; `done` is null where nothing in the database tells."""

    code: str
    area_code: str
    title: str
    title_en: str | None
    kind: str
    measure: str | None
    facility_kind: str | None
    amount: int
    unit: str | None
    since_on: date | None
    due_on: date | None
    is_yearly: bool
    source: str
    note: str | None
    done: int | None
    planned: int | None
    state: Literal["reached", "on_the_way", "late", "unknown"]
    reached_on: date | None
    steps: list[StepBody]


class TargetList(BaseModel):
    """Promises of the district."""

    targets: list[TargetBody]


@router.get("/examinations", responses=problems(*PLANNER, "not_found"))
async def list_examinations(
    request: Request, context: ContextDep, viewer: ViewerDep, within: Annotated[str, CODE]
) -> ExaminationList:
    """List the examinations that say something of an area. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda c: life_circles.list_examinations(c, viewer, within), request.receive
    )
    return ExaminationList(examinations=[ExaminationBody.model_validate(one) for one in found])


@router.get("/examinations/{number}", responses=problems(*PLANNER, "not_found"))
async def get_examination(
    request: Request, context: ContextDep, viewer: ViewerDep, number: Number, within: Within = None
) -> Overview:
    """Give every rule's totals and the communities in order of need. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda c: life_circles.overview(c, viewer, number, within), request.receive
    )
    return Overview.model_validate(found)


@router.get("/examinations/{number}/rules/{rule}", responses=problems(*PLANNER, "not_found"))
async def get_rule_findings(
    request: Request, context: ContextDep, viewer: ViewerDep, number: Number, rule: RuleCode, within: Within = None
) -> RuleFindings:
    """Give what one rule found, by community, grid and unit. Planners, inside their area."""
    found = await context.reader.run(
        viewer, lambda c: life_circles.of_rule(c, viewer, number, rule, within), request.receive
    )
    return RuleFindings.model_validate(found)


@router.get("/examinations/{number}/rules/{rule}/cells", responses={**problems(*PLANNER, "not_found"), **GEOJSON})
async def get_rule_cells(  # noqa: PLR0913, PLR0917 (what the address holds)
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    number: Number,
    rule: RuleCode,
    within: Within = None,
    resolution: Annotated[int, Query(ge=COARSEST, le=FINEST, description="Of H3.")] = RESOLUTION,
) -> dict[str, Any]:
    """Give what one rule found by H3 cell, as GeoJSON. Planners, inside their area."""
    return await context.reader.run(
        viewer, lambda c: life_circles.cells(c, viewer, number, rule, within, resolution), request.receive
    )


@router.get(
    "/life-circle.{kind}",
    response_class=Response,
    responses={
        200: {
            "content": {
                "text/html": {"schema": {"type": "string"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            }
        },
        **problems(*PLANNER, "not_found", "conflict"),
    },
)
async def write_report(
    request: Request,
    context: ContextDep,
    viewer: ViewerDep,
    kind: Literal["html", "pdf"],
    within: Annotated[str, CODE],
    rulebook: Annotated[str, Query(pattern=RULEBOOK_NAME, description="CODE or CODE@VERSION; else the newest.")] = "",
) -> Response:
    """Write the 生活圈体检 report of an area: HTML that opens offline, or PDF. Planners, inside their area."""
    area = await context.reader.run(viewer, lambda c: life_circles.check_report(c, viewer, within), request.receive)
    approval = context.settings.map_approval
    # the neighbours who share a capacity are the same whoever asks: it is read as the runner of jobs reads
    content, name = await context.reader.run(
        RUNNER, lambda c: life_circles.report(c, area, kind, rulebook, approval), request.receive
    )
    return download(content, name, "text/html; charset=utf-8" if kind == "html" else "application/pdf")


@router.get("/targets", responses=problems(*PLANNER, "not_found"))
async def list_targets(
    request: Request, context: ContextDep, viewer: ViewerDep, within: Annotated[str, CODE]
) -> TargetList:
    """Give what was promised for the area's district, and how far it is today. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda c: life_circles.promises(c, viewer, within), request.receive)
    return TargetList(targets=[TargetBody.model_validate(one) for one in found])
