"""Rounds, visits and shifts of grid workers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from api.context import ContextDep
from api.problems import problems
from api.services import rounds, tracks
from api.services.sessions import Session, utc_now
from api.session import SessionDep

router = APIRouter(prefix="/api", tags=["rounds"])
REFUSALS = problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large")
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
MarkOutcome = Literal["fine", "finding"]
VisitOutcome = Literal["met", "absent", "declined", "vacant"]
T = TypeVar("T")
Entry = TypeVar("Entry", rounds.Mark, rounds.Visit, tracks.Shift)


class ItemOut(BaseModel):
    """An item to look at; `every` is how often it is due, `last_…` what was entered last in this grid."""

    code: str
    round: str
    name: str
    name_en: str | None
    every: Literal["shift", "day", "week", "month"]
    category: str | None
    category_name: str | None
    last_at: AwareDatetime | None
    last_outcome: MarkOutcome | None
    last_shift: UUID | None


class UnitOut(BaseModel):
    """A building of the grid, and its last visit."""

    code: str
    name: str | None
    households: int
    last_at: AwareDatetime | None
    last_outcome: VisitOutcome | None


class Book(BaseModel):
    """What is to be done in a grid; visits are counted over 31 days."""

    grid: str
    items: list[ItemOut]
    units: list[UnitOut]
    visits_by_outcome: dict[VisitOutcome, int]


class NewMark(BaseModel, extra="forbid"):
    """An item that was looked at; a finding may name the report that was made of it."""

    grid: Code
    item: Code
    outcome: MarkOutcome
    at: AwareDatetime
    shift_id: UUID | None = None
    incident_id: UUID | None = None


class NewVisit(BaseModel, extra="forbid"):
    """A building that was visited, and how it went."""

    grid: Code
    unit: Code
    outcome: VisitOutcome
    at: AwareDatetime
    shift_id: UUID | None = None


class NewShift(BaseModel, extra="forbid"):
    """The beginning of a shift; `is_tracked` only where the worker wants it."""

    grid: Code
    started_at: AwareDatetime
    is_tracked: bool = False


class ShiftEnd(BaseModel, extra="forbid"):
    """The end of a shift."""

    ended_at: AwareDatetime


class PointIn(BaseModel, extra="forbid"):
    """A point of a track, WGS84."""

    at: AwareDatetime
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False)


class PointOut(BaseModel):
    """A point of a track, WGS84."""

    at: AwareDatetime
    lon: float
    lat: float
    accuracy_m: float | None


class NewPoints(BaseModel, extra="forbid"):
    """Points of a track, in the order of their times."""

    points: list[PointIn] = Field(min_length=1, max_length=tracks.MOST_POINTS)


class ShiftOut(BaseModel):
    """A shift of one's own, and how much was entered on it."""

    id: UUID
    grid: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    is_tracked: bool
    points: int
    marks: int
    visits: int


class ShiftList(BaseModel):
    """The caller's own shifts of 30 days, the newest first."""

    shifts: list[ShiftOut]


class Track(BaseModel):
    """The track of a shift."""

    points: list[PointOut]


class Done(BaseModel):
    """What was entered, or was there already."""

    id: UUID


@dataclass
class Asking:
    """A request of someone who is signed in, and its answer."""

    request: Request
    response: Response
    context: ContextDep
    session: SessionDep

    async def run(self, work: Callable[[Connection, Session, datetime], T]) -> T:
        """Do work in a transaction of the caller's."""
        session, now = self.session, utc_now()
        return await self.context.reader.run(
            session.viewer, lambda connection: work(connection, session, now), self.request.receive
        )

    async def enter(self, work: Callable[[Connection, Session, Entry, datetime], bool], entry: Entry) -> Done:
        """Enter something under an id of the caller's own: 201 the first time, 200 from then on."""
        is_new = await self.run(lambda connection, session, now: work(connection, session, entry, now))
        self.response.status_code = 201 if is_new else 200
        return Done(id=entry.id)


AskingDep = Annotated[Asking, Depends()]


@router.get("/rounds", responses=problems("not_signed_in", "forbidden", "not_found"))
async def read_rounds(
    within: Annotated[str, Query(max_length=64, description="Code of a grid.")], asking: AskingDep
) -> Book:
    """Read what is to be looked at and visited in a grid. Its worker, community, street and dispatchers may call."""
    found = await asking.run(lambda connection, session, now: rounds.book(connection, session, within, now))
    return Book.model_validate(found)


@router.put("/rounds/marks/{mark_id}", status_code=201, responses=REFUSALS)
async def enter_mark(mark_id: UUID, body: NewMark, asking: AskingDep) -> Done:
    """Enter an item that was looked at, under an id of one's own, as often as it takes. The grid's worker may call."""
    return await asking.enter(rounds.mark, rounds.Mark(id=mark_id, **body.model_dump()))


@router.put("/visits/{visit_id}", status_code=201, responses=REFUSALS)
async def enter_visit(visit_id: UUID, body: NewVisit, asking: AskingDep) -> Done:
    """Enter a visit, under an id of one's own, as often as it takes. The grid's worker may call."""
    return await asking.enter(rounds.visit, rounds.Visit(id=visit_id, **body.model_dump()))


@router.put("/shifts/{shift_id}", status_code=201, responses=REFUSALS)
async def begin_shift(shift_id: UUID, body: NewShift, asking: AskingDep) -> Done:
    """Begin a shift, under an id of one's own, as often as it takes. The grid's worker may call."""
    return await asking.enter(tracks.begin, tracks.Shift(id=shift_id, **body.model_dump()))


@router.put("/shifts/{shift_id}/end", responses=REFUSALS)
async def end_shift(shift_id: UUID, body: ShiftEnd, asking: AskingDep) -> Done:
    """End a shift of one's own; ended again it stays as it was. Workers may call."""
    await asking.run(lambda connection, session, now: tracks.end(connection, session, shift_id, body.ended_at, now))
    return Done(id=shift_id)


@router.get("/shifts", responses=problems("not_signed_in", "forbidden"))
async def list_shifts(asking: AskingDep) -> ShiftList:
    """List one's own shifts of 30 days. Workers may call."""
    return ShiftList.model_validate({"shifts": await asking.run(tracks.find_all)})


@router.put("/shifts/{shift_id}/points", responses=REFUSALS)
async def add_points(shift_id: UUID, body: NewPoints, asking: AskingDep) -> Done:
    """Add points to the track of a shift of one's own; those that are there already are left. Workers may call."""
    points = [tracks.Point(**one.model_dump()) for one in body.points]
    await asking.run(lambda connection, session, now: tracks.add(connection, session, shift_id, points, now))
    return Done(id=shift_id)


@router.get("/shifts/{shift_id}/track", responses=problems("not_signed_in", "forbidden", "not_found"))
async def read_track(shift_id: UUID, asking: AskingDep) -> Track:
    """Read the track of a shift of one's own; nobody reads another's. Workers may call."""
    found = await asking.run(lambda connection, session, _: tracks.read(connection, session, shift_id))
    return Track.model_validate({"points": found})


@router.delete("/shifts/{shift_id}/track", status_code=204, responses=REFUSALS)
async def erase_track(shift_id: UUID, asking: AskingDep) -> None:
    """Erase the track of a shift of one's own. Workers may call."""
    await asking.run(lambda connection, session, _: tracks.erase(connection, session, shift_id))
