"""Siting: candidates out of a file, and the answer of a job."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.routes.exchange import UPLOAD
from api.routes.planning import PLANNER
from api.services import sites
from api.services.planners import require_planner
from api.services.siting import CandidatePlace

router = APIRouter(prefix="/api/sites", tags=["siting"])
LonLat = Annotated[list[float], "longitude and latitude"]


class CandidateList(BaseModel):
    """Places where a site may be, as a siting job takes them."""

    candidates: list[CandidatePlace]


class ChosenSite(BaseModel):
    """A chosen site: what it adds to those before it is covered weight, or metres off the mean (p-median)."""

    rank: int
    name: str
    source: Literal["drawn", "corner", "public_building"]
    lon: float
    lat: float
    gain: float


class ExistingSite(BaseModel):
    """A site that stands; not open: closed when it counts."""

    code: str
    name: str
    is_open: bool
    lon: float
    lat: float


class OptionBody(BaseModel):
    """What an existing site could do beside building, and the weight not served today that it would serve."""

    kind: Literal["open_longer", "deliver"]
    code: str
    name: str
    weight: float


class CommunityCoverage(BaseModel):
    """Weight of a community, served before and after, and left."""

    community: str
    weight: float
    before: float
    after: float
    left: float


class SitingBody(BaseModel):
    """A siting answer with value, proven bound and gap; weights are people or households within the radius."""

    model: Literal["lscp", "mclp", "pmedian", "pcenter"]
    p: int | None
    rulebook: str
    rule: str
    facility: str
    radius_m: float
    weight: str
    objective: float
    bound: float
    gap: float | None
    seconds: float
    total_weight: float
    covered_before: float
    covered_after: float
    uncoverable_weight: float
    unknown_weight: float
    units_uncounted: int
    candidates: int
    left_out: list[str]
    sites: list[ChosenSite]
    existing: list[ExistingSite]
    options: list[OptionBody]
    communities: list[CommunityCoverage]
    places: list[LonLat]
    units: list[tuple[float, float, float, Literal["before", "new", "left", "unknown"]]]


@router.post("/candidates", openapi_extra=UPLOAD, responses=problems(*PLANNER, "csrf_failed", "too_large"))
async def take_candidates(request: Request, viewer: ViewerDep) -> CandidateList:
    """Read candidates out of a file (.gpkg, .geojson, .zip of one Shapefile, .csv with lon and lat). Planners."""
    require_planner(viewer)  # before the body is read
    content = await request.body()  # the edge stops it at the limit
    found = await run_in_threadpool(sites.take_places, content)
    return CandidateList(candidates=[CandidatePlace.model_validate(one) for one in found])


@router.get("/{job_id}", responses=problems(*PLANNER, "not_found"))
async def get_answer(
    request: Request, context: ContextDep, viewer: ViewerDep, job_id: Annotated[UUID, Path()]
) -> SitingBody:
    """Give the answer of a siting job. Planners, inside their area."""
    found = await context.reader.run(viewer, lambda c: sites.get_answer(c, viewer, job_id), request.receive)
    return SitingBody.model_validate(found)
