"""A day of an area, to be shown again."""

import math
from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Connection

from api.context import ContextDep
from api.problems import problems
from api.services.replay import Day, replay
from api.services.sessions import utc_now
from api.session import SessionDep

router = APIRouter(tags=["wall"])


class Replayed(BaseModel):
    """An incident of the day; `steps` are (seconds after the day's begin, what it became), also those before it."""

    code: str
    category: str
    community: str | None
    grid: str | None
    lon: float
    lat: float
    due_s: int | None
    steps: list[tuple[int, str]]


class ReplayDay(BaseModel):
    """All incidents that were open at some time of a day or changed in it, in the order of their reports."""

    within: str
    date: date
    time_zone: str
    begin: AwareDatetime
    until: AwareDatetime
    as_of: AwareDatetime
    incidents: list[Replayed]


@router.get(
    "/api/replay",
    response_model=ReplayDay,
    responses=problems("not_signed_in", "forbidden", "not_found"),
)
async def read_replay(
    request: Request,
    context: ContextDep,
    session: SessionDep,
    within: Annotated[str, Query(min_length=1, max_length=100, description="Code of an area or a grid.")],
    date: Annotated[date, Query(description="A day there: YYYY-MM-DD.")],
) -> Response:
    """Tell the day of an area or a grid in steps: 5,000 incidents at most. All who see incidents, and the wall."""
    now = utc_now()

    def work(connection: Connection) -> bytes:
        return _write(replay(connection, session.viewer, within, date, now), now)

    found = await context.reader.run(session.viewer, work, request.receive)
    return Response(found, media_type="application/json", headers={"cache-control": "private, no-cache"})


def _write(day: Day, now: AwareDatetime) -> bytes:
    """Write the day; on the worker's thread, as it may be long."""
    incidents = [
        {
            **{name: one[name] for name in ("code", "category", "community", "grid", "lon", "lat")},
            "due_s": None if one["due_at"] is None else _seconds(day, one["due_at"]),
            "steps": [(_seconds(day, at), status) for at, status in one["steps"]],
        }
        for one in day.incidents
    ]
    head = {"within": day.within, "date": day.day, "time_zone": day.time_zone, "begin": day.begin, "until": day.until}
    return orjson.dumps({**head, "as_of": now, "incidents": incidents})


def _seconds(day: Day, at: AwareDatetime) -> int:
    """Count the whole seconds since the day began; less than none before it."""
    return math.floor((at - day.begin).total_seconds())
