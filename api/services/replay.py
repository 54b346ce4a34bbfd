"""A day of an area again: its incidents, and when each became what, from their histories and without a word of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, text

from api.errors import ForbiddenError, InvalidRequestError
from api.services.figures import find_place
from layers.tables import CLOSED_STATUSES
from layers.viewer import CASE_ROW_ROLES, Viewer

MOST_INCIDENTS = 5_000
# what is alive is found past row-level security and read under it
_ALIVE = text("""
SELECT i.id, i.code, i.category, i.status, i.grid_code AS grid, i.due_at, i.reported_at, i.received_at, i.resolved_at,
       i.closed_at, (SELECT a.code FROM area a WHERE a.id = i.area_id AND a.level = 'community') AS community,
       ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat
FROM incident i WHERE i.id IN (SELECT incidents_alive(CAST(:path AS ltree), :begin, :until, :most))
ORDER BY i.reported_at, i.id
""")
_STEPS = text("SELECT incident_id, at, status FROM incident_steps(CAST(:ids AS uuid[]), :until)")
Steps = list[tuple[datetime, str]]


@dataclass(frozen=True)
class Day:
    """A day of an area.

    Attributes
    ----------
    begin, until
        Its first moment and the next day's.
    incidents
        Those that were open at some time of the day or changed in it: code, category, community, grid, lon, lat,
        due_at, and `steps` from the first on: (when, what it became).
    """

    within: str
    day: date
    time_zone: str
    begin: datetime
    until: datetime
    incidents: list[dict[str, Any]]


def replay(connection: Connection, viewer: Viewer, code: str, day: date, now: datetime) -> Day:
    """Read a day of an area or a grid, as far as the reader sees its incidents.

    Due times are those of today: what was granted later counts for the whole day. Incidents that were imported with
    no history changed when their row says so.

    Raises
    ------
    MissingError, ForbiddenError
        If there is no such place, it is outside the reader's areas, or the reader's roles see no incidents.
    InvalidRequestError
        If the day has not begun, or more happened than one answer can tell.
    """
    if not viewer.roles & CASE_ROW_ROLES:
        raise ForbiddenError("your roles show no incidents")
    place = find_place(connection, code)
    zone = ZoneInfo(place.time_zone)
    begin, until = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    if begin > now:
        raise InvalidRequestError(f"{day} has not begun in {code!r}", (("date", "is in the future"),))
    values = {"path": place.path, "begin": begin, "until": until}
    rows = connection.execute(_ALIVE, {**values, "most": MOST_INCIDENTS + 1}).all()
    if len(rows) > MOST_INCIDENTS:
        why = f"more than {MOST_INCIDENTS} incidents were open that day; choose a smaller area"
        raise InvalidRequestError(why, (("within", why),))
    told = _read_steps(connection, rows, until)
    incidents = [
        {**_shown(row), "steps": steps}
        for row in rows
        if _is_alive(steps := [one for one in _whole(row, told.get(row.id, [])) if one[0] < until], begin)
    ]
    return Day(code, day, place.time_zone, begin, until, incidents)


def _read_steps(connection: Connection, rows: Sequence[Row[Any]], until: datetime) -> dict[UUID, Steps]:
    """Read the histories of incidents, in their order."""
    found = connection.execute(_STEPS, {"ids": [str(row.id) for row in rows], "until": until}).all()
    return {key: [(row.at, row.status) for row in group] for key, group in groupby(found, lambda row: row.incident_id)}


def _whole(row: Row[Any], told: Steps) -> Iterator[tuple[datetime, str]]:
    """Complete a history: what was imported began with its report, and ended as its row says where nothing is told."""
    if row.received_at is None and (not told or told[0][1] != "reported"):
        yield row.reported_at, "reported"
    yield from told
    if not told:
        if row.resolved_at is not None:
            yield row.resolved_at, "resolved"
        if row.status in CLOSED_STATUSES:
            yield row.closed_at or row.reported_at, row.status


def _is_alive(steps: Steps, begin: datetime) -> bool:
    """Tell whether an incident was open when the day began, or changed after that."""
    return bool(steps) and (steps[-1][0] >= begin or steps[-1][1] not in CLOSED_STATUSES)


def _shown(row: Row[Any]) -> dict[str, Any]:
    """What is shown of an incident: no title, no words, nobody's name."""
    return {name: getattr(row, name) for name in ("code", "category", "community", "grid", "lon", "lat", "due_at")}
