"""Holidays and make-up workdays of one time zone, asked by day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

SATURDAY = 6


@dataclass(frozen=True)
class CalendarDay:
    """A day that is not what its weekday says.

    Attributes
    ----------
    kind
        `holiday`, or `workday`: a Saturday or Sunday on which people work for a day off before or after it (调休).
    as_weekday
        Of a workday, the weekday whose hours it has, Monday 1; None of a holiday.
    """

    day: date
    kind: str
    name: str
    name_en: str | None = None
    as_weekday: int | None = None


@dataclass(frozen=True)
class Calendar:
    """What is known of the days of a time zone.

    Attributes
    ----------
    days
        The days that are not what their weekday says.
    """

    days: Mapping[date, CalendarDay] = field(default_factory=dict)

    @property
    def until(self) -> date | None:
        """The last day that the calendar knows, the end of its last year; None where nothing is known."""
        return date(max(self.days).year, 12, 31) if self.days else None

    def holiday(self, day: date) -> CalendarDay | None:
        """Give the holiday that a day belongs to."""
        found = self.days.get(day)
        return found if found is not None and found.kind == "holiday" else None

    def weekday(self, day: date) -> int:
        """Give the weekday that a day counts as, Monday 1: a make-up workday counts as the one it stands for."""
        found = self.days.get(day)
        return found.as_weekday if found is not None and found.as_weekday is not None else day.isoweekday()

    def is_workday(self, day: date) -> bool:
        """Tell whether offices work: Monday to Friday without holidays, and make-up workdays."""
        return self.holiday(day) is None and self.weekday(day) < SATURDAY
