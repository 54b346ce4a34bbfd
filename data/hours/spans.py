"""When a place is open: its hours laid over real days, holidays and make-up workdays, by the clock of the place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from data.calendar.days import Calendar
from data.hours.reading import DAY_MIN, Hours, Times, joined, without

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Window:
    """Whole days of a place.

    Attributes
    ----------
    first, days
        The first day, and how many.
    zone
        Of the place.
    """

    first: date
    days: int
    zone: ZoneInfo

    @classmethod
    def around(cls, now: datetime, zone: ZoneInfo, *, before: int, after: int) -> "Window":
        """Take the day of a moment where the place is, so many days before it and after it."""
        today = now.astimezone(zone).date()
        return cls(today - timedelta(days=before), before + 1 + after, zone)

    @property
    def covers(self) -> tuple[int, int]:
        """Where it begins and ends, minutes since 1970 (UTC)."""
        return _minute(self.first, 0, self.zone), _minute(self.first, self.days * DAY_MIN, self.zone)


@dataclass(frozen=True)
class Spans:
    """When a place is open within a window, and when nobody can tell; at all other times it is closed.

    Attributes
    ----------
    open, unknown
        Minutes since 1970 (UTC): first, and first after; sorted, joined, without overlap.
    """

    open: Times
    unknown: Times


def lay_out(hours: Hours, calendar: Calendar, window: Window) -> Spans:
    """Lay opening hours over the days of a window.

    A make-up workday has the hours of the weekday it stands for. On a holiday hold the hours that the text gives for
    holidays or for these very days; where it says nothing of them, the day is unknown, unless it never closes. What
    began the day before goes on past midnight either way.
    """
    is_open: list[tuple[int, int]] = []
    unknown: list[tuple[int, int]] = []
    for offset in range(-2, window.days):  # spans may end two days after they began
        day = window.first + timedelta(days=offset)
        weekday, is_holiday = calendar.weekday(day), calendar.holiday(day) is not None
        if is_holiday and not hours.speaks_of_holiday(day, weekday):
            unknown.append((_minute(day, 0, window.zone), _minute(day, DAY_MIN, window.zone)))
        else:
            is_open += _on_clock(day, hours.times(day, weekday, is_holiday=is_holiday), window.zone)
    first, end = window.covers
    outside = ((_EARLY, first), (end, _LATE))
    found = without(joined(tuple(is_open)), outside)
    return Spans(found, without(without(joined(tuple(unknown)), outside), found))


def unknown_throughout(window: Window) -> Spans:
    """Give the spans of hours that could not be understood."""
    return Spans((), (window.covers,))


_EARLY, _LATE = -(2**53), 2**53


def _on_clock(day: date, times: Times, zone: ZoneInfo) -> Iterable[tuple[int, int]]:
    """Turn times of a day into minutes since 1970; what a change to summer time skips is left out."""
    for start, end in times:
        span = (_minute(day, start, zone), _minute(day, end, zone))
        if span[0] < span[1]:
            yield span


def _minute(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Give the moment at which a zone's clocks show so many minutes after midnight of a day, minutes since 1970."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + minutes * _MINUTE  # wall-clock arithmetic
    return (wall.astimezone(UTC) - _EPOCH) // _MINUTE
