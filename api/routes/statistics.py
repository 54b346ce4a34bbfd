"""Statistics of cases, what their figures mean, and problems that come back."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.context import ContextDep
from api.problems import problems
from api.query import FREE, refuse_others
from api.services import statistics
from api.services.sessions import utc_now
from api.session import SessionDep
from data.statistics.question import Asked
from data.statistics.recurring import Search
from geo.cells import COARSEST, FINEST, RESOLUTION
from geo.hotspots.clusters import Reach

router = APIRouter(prefix="/api", tags=["statistics"])
Grade = Literal["good", "watch", "poor"]
Code = Annotated[str, Field(min_length=1, max_length=100)]
CELLS_FINEST = FINEST - 2  # a small place takes cells two steps finer


class StatisticsQuery(BaseModel):
    """Which incidents are counted: those reported in the days, by the place's own calendar, both included."""

    within: Code = Field(description="Code of an area or a grid.")
    first_day: date | None = Field(None, description="The first day; 29 days before the last unless given.")
    last_day: date | None = Field(None, description="The last day; today unless given.")
    category: Code | None = Field(None, description="Any of these categories, or of those under them.")
    department: Code | None = Field(None, description="Any of these departments; - is none.")
    source: Code | None = Field(None, description="Any of these sources.")

    def asked(self) -> Asked:
        """Take the values apart."""
        several = {
            name: tuple(one for one in (getattr(self, name) or "").split(",") if one)
            for name in ("category", "department", "source")
        }
        return Asked(self.within, self.first_day, self.last_day, **several)


class RecurringQuery(StatisticsQuery):
    """What counts as coming back."""

    radius_m: float = Field(100, gt=0, le=5000, description="Metres between two incidents of the same day.")
    days: float = Field(14, gt=0, le=400, description="Days between two incidents of the same place.")
    least: int = Field(4, ge=2, le=1000, description="Fewest incidents within reach of one, itself included.")
    resolution: int = Field(RESOLUTION, ge=COARSEST, le=CELLS_FINEST, description="H3 resolution of the cells.")


class Head(BaseModel):
    """What was asked, and when; `reported_from` and `reported_before` are the days as times, for lists."""

    as_of: str
    within: str
    name: str
    name_en: str | None
    level: str
    first_day: date
    last_day: date
    time_zone: str
    reported_from: str
    reported_before: str


class Hours(BaseModel):
    """Hours of so many, to a tenth."""

    n: int
    median: float | None
    p90: float | None


class Ratio(BaseModel):
    """An indicator's value, 0-1, and its grade; null where nothing counts below the line."""

    value: float | None
    grade: Grade | None


class Group(BaseModel):
    """Figures of an area, department, category or source: parts to counts, indicators to ratios."""

    code: str
    name: str
    name_en: str | None
    counts: dict[str, int]
    ratios: dict[str, Ratio]
    hours: Hours


class PostRatio(Ratio):
    """The indicator that a post is judged by."""

    indicator: str
    numerator: int
    denominator: int


class Post(BaseModel):
    """A step of the cases' way: how many went through, how long it took, how well it was done."""

    code: str
    name: str
    name_en: str
    count: int
    hours: Hours
    ratio: PostRatio | None


class StatisticsOut(Head):
    """Figures of a place: in all, by area inside, department, major category, source and post."""

    total: Group
    areas: list[Group]
    departments: list[Group]
    categories: list[Group]
    sources: list[Group]
    posts: list[Post]
    statuses: dict[str, int]


class Words(BaseModel):
    """A code and its names."""

    code: str
    name: str
    name_en: str


class PartOut(Words):
    """A named set of incidents; `GET /api/incidents?part=` lists one."""

    definition: str
    definition_en: str


class IndicatorOut(PartOut):
    """A ratio of two parts; `good` and `watch` are where the grades begin, or end where less is better."""

    numerator: str
    denominator: str
    is_high_good: bool
    good: float
    watch: float
    open_cases: str
    open_cases_en: str
    source: str


class MissingOut(BaseModel):
    """What the standard asks for and the records can't tell."""

    name: str
    name_en: str
    reason: str
    reason_en: str


class StepOut(BaseModel):
    """A step of a label set."""

    place: int
    name: str
    name_en: str
    statuses: list[str]


class LabelSetOut(Words):
    """The life of an incident in one tradition's words; every status is in one step."""

    steps: list[StepOut]


class Definitions(BaseModel):
    """What the figures mean."""

    parts: list[PartOut]
    indicators: list[IndicatorOut]
    missing: list[MissingOut]
    levels: list[Words]
    label_sets: list[LabelSetOut]


class RecurringOut(Head):
    """Clusters (points, most incidents first) and cells (hexagons: z, p, adjusted p, hot or cold) as GeoJSON."""

    radius_m: float
    days: float
    least: int
    resolution: int
    incidents: int
    clustered: int
    cluster_count: int
    clusters: dict[str, Any]
    cells: dict[str, Any]


@router.get(
    "/statistics",
    responses=problems("not_signed_in", "forbidden", "not_found"),
    openapi_extra={FREE: True},
)
async def read_statistics(
    asked: Annotated[StatisticsQuery, Query()], request: Request, context: ContextDep, session: SessionDep
) -> StatisticsOut:
    """Count the cases of an area or a grid, of what one may see. All who may list incidents may call."""
    refuse_others(request, StatisticsQuery.model_fields.keys())
    statistics.require_counter(session.viewer)
    wanted, now = asked.asked(), utc_now()
    found = await context.reader.run(
        session.viewer,
        lambda connection: statistics.statistics(connection, wanted, now, context.indicators),
        request.receive,
    )
    return StatisticsOut(**found)


@router.get("/statistics/definitions", responses=problems("not_signed_in", "forbidden"))
async def read_definitions(context: ContextDep, session: SessionDep) -> Definitions:
    """Say what every figure means, and how label sets name the statuses. All who may list incidents may call."""
    statistics.require_counter(session.viewer)
    return Definitions(**statistics.definitions(context.indicators))


@router.get(
    "/recurring",
    responses=problems("not_signed_in", "forbidden", "not_found"),
    openapi_extra={FREE: True},
)
async def find_recurring(
    asked: Annotated[RecurringQuery, Query()], request: Request, context: ContextDep, session: SessionDep
) -> RecurringOut:
    """Find problems that come back. Planners, dispatchers, streets and communities may call."""
    refuse_others(request, RecurringQuery.model_fields.keys())
    statistics.require_finder(session.viewer)
    wanted, now = asked.asked(), utc_now()
    search = Search(Reach(asked.radius_m, asked.days, asked.least), asked.resolution)
    found = await context.reader.run(
        session.viewer, lambda connection: statistics.recurring(connection, wanted, search, now), request.receive
    )
    return RecurringOut(**found)
