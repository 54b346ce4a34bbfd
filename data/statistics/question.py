"""What statistics are asked for: a place, days of its own calendar, and filters."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from data.errors import BadInputError, NotFoundError
from layers.incident import INCIDENT_SOURCES

MOST_DAYS = 1100
DEFAULT_DAYS = 30
_PLACE = text(
    "SELECT a.path::text AS path, a.name, a.name_en, a.time_zone, a.level FROM area a WHERE a.code = :code UNION ALL "
    "(SELECT g.path::text, coalesce(g.name, g.code), NULL, a.time_zone, 'grid' "
    "FROM grid g JOIN area a ON a.id = g.area_id WHERE g.code = :code AND (g.is_effective OR g.valid_to IS NOT NULL) "
    "ORDER BY g.is_effective DESC, g.valid_to DESC LIMIT 1) LIMIT 1"
)


@dataclass(frozen=True)
class Asked:
    """Filters as they were given; what is None was not."""

    within: str
    first_day: date | None = None
    last_day: date | None = None
    category: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A checked question.

    Attributes
    ----------
    reported_from, reported_before
        The days as times, UTC: the first day's midnight by the place's clock, and the last day's end.
    """

    asked: Asked
    path: str
    name: str
    name_en: str | None
    level: str
    time_zone: str
    first_day: date
    last_day: date
    reported_from: datetime
    reported_before: datetime

    @property
    def condition(self) -> str:
        """SQL over the row `t` of `case_course`; the values are `values`."""
        parts = [
            "t.path <@ CAST(:path AS ltree)",
            "t.reported_at >= :reported_from",
            "t.reported_at < :reported_before",
        ]
        if self.asked.category:
            parts.append(
                "t.category IN (SELECT c.code FROM category c "
                "WHERE c.code = ANY (:category) OR c.parent = ANY (:category))"
            )
        if self.asked.department:
            parts.append("coalesce(t.department, '-') = ANY (:department)")
        if self.asked.source:
            parts.append("t.source = ANY (:source)")
        return " AND ".join(parts)

    @property
    def values(self) -> dict[str, Any]:
        """Values of the condition."""
        return {
            "path": self.path, "reported_from": self.reported_from, "reported_before": self.reported_before,
            "category": list(self.asked.category), "department": list(self.asked.department),
            "source": list(self.asked.source),
        }  # fmt: skip


def settle(connection: Connection, asked: Asked, now: datetime) -> Question:
    """Find the place, and the days as its clock has them.

    Raises
    ------
    NotFoundError
        If there is no such area or grid.
    BadInputError
        If the days are in the wrong order or too many, or a source is unknown.
    """
    place = connection.execute(_PLACE, {"code": asked.within}).one_or_none()
    if place is None:
        raise NotFoundError(f"there is no area or grid with the code {asked.within!r}")
    wrong = [one for one in asked.source if one not in INCIDENT_SOURCES]
    if wrong:
        raise BadInputError(f"'source': {wrong[0]!r} is none of {', '.join(INCIDENT_SOURCES)}")
    zone = ZoneInfo(place.time_zone)
    last = asked.last_day or now.astimezone(zone).date()
    first = asked.first_day or last - timedelta(days=DEFAULT_DAYS - 1)
    days = (last - first).days + 1
    if not 1 <= days <= MOST_DAYS:
        raise BadInputError(f"from {first} to {last} are {days} days; there must be 1 to {MOST_DAYS}")
    return Question(
        asked, place.path, place.name, place.name_en, place.level, place.time_zone, first, last,
        datetime.combine(first, time(), zone).astimezone(UTC),
        datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC),
    )  # fmt: skip
