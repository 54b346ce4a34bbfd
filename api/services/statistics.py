"""Statistics and recurring problems as the interface tells them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from api.errors import ForbiddenError, InvalidRequestError, MissingError
from data.errors import BadInputError, NotFoundError
from data.statistics.counting import count
from data.statistics.definitions import MISSING, Indicator, read_label_sets, read_parts
from data.statistics.parts import LEVELS
from data.statistics.question import Asked, Question, settle
from data.statistics.recurring import Search, find
from data.statistics.wording import LEVEL_NAMES, recurring_body, statistics_body
from geo.errors import InvalidInputError
from layers.viewer import CASE_ROW_ROLES, Viewer

FINDERS = frozenset({"planner", "dispatcher", "street", "community"})
T = TypeVar("T")


def require_counter(viewer: Viewer) -> None:
    """Refuse those whose roles show no incidents.

    Raises
    ------
    ForbiddenError
        If they do not.
    """
    if not viewer.roles & CASE_ROW_ROLES:
        raise ForbiddenError("your roles show no statistics")


def require_finder(viewer: Viewer) -> None:
    """Refuse those who do not look for what comes back.

    Raises
    ------
    ForbiddenError
        If they do not.
    """
    if not viewer.roles & FINDERS:
        raise ForbiddenError(f"recurring problems are for: {', '.join(sorted(FINDERS))}")


def statistics(
    connection: Connection, asked: Asked, now: datetime, indicators: tuple[Indicator, ...]
) -> dict[str, Any]:
    """Count the statistics of an area, graded by indicators.

    Raises
    ------
    MissingError
        If there is no such area or grid.
    InvalidRequestError
        If the days or a source can't be used.
    """
    question = _plainly(lambda: settle(connection, asked, now))
    return statistics_body(question, count(connection, question, indicators), now)


def recurring(connection: Connection, asked: Asked, search: Search, now: datetime) -> dict[str, Any]:
    """Find what comes back in an area.

    Raises
    ------
    MissingError
        If there is no such area or grid.
    InvalidRequestError
        If the days, a source or the search can't be used, or too many incidents are asked about.
    """
    question: Question = _plainly(lambda: settle(connection, asked, now))
    found = _plainly(lambda: find(connection, question, search))
    return recurring_body(question, found, now)


def definitions(indicators: tuple[Indicator, ...]) -> dict[str, Any]:
    """Tell what parts, indicators, levels and label sets are."""
    return {
        "parts": [vars(part) for part in read_parts()],
        "indicators": [vars(one) for one in indicators],
        "missing": list(MISSING),
        "levels": [
            {"code": level, "name": LEVEL_NAMES[level][0], "name_en": LEVEL_NAMES[level][1]} for level in LEVELS
        ],
        "label_sets": [
            {"code": one.code, "name": one.name, "name_en": one.name_en, "steps": [vars(step) for step in one.steps]}
            for one in read_label_sets()
        ],
    }


def _plainly(work: Callable[[], T]) -> T:
    """Say a refusal of the layers below as one of the interface's."""
    try:
        return work()
    except NotFoundError as error:
        raise MissingError(str(error)) from error
    except (BadInputError, InvalidInputError) as error:
        raise InvalidRequestError(str(error)) from error
