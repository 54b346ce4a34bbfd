"""Count time limits round the clock, in office hours, working days and natural days, over holidays and make-up days.

Days are counted as the Civil Code does (articles 201 and 203): the day on which the clock starts does not count, a
limit ends when the office closes on its last day, and a last day that is no working day gives way to the next that is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from data.calendar.days import Calendar
from data.tables.cases import LIMIT_UNITS

UNITS = LIMIT_UNITS
ROUND_THE_CLOCK_UNITS = frozenset({"emergency_hour", "natural_day"})
DAY = timedelta(days=1)
MOST_DAYS = 4000  # a limit longer than ten years is a mistake


@dataclass(frozen=True)
class Limit:
    """A time limit, such as 4 working hours.

    Attributes
    ----------
    amount
        At least 1.
    unit
        One of UNITS.
    """

    amount: int
    unit: str


@dataclass(frozen=True)
class Clock:
    """When offices work.

    Attributes
    ----------
    zone
        Whose days and hours these are.
    hours
        Opening and closing times of a working day, in order, not overlapping.
    calendar
        Holidays and make-up workdays.
    """

    zone: ZoneInfo
    hours: Sequence[tuple[time, time]]
    calendar: Calendar

    def due(self, limit: Limit, start: datetime) -> datetime:
        """Tell when a limit that starts at an instant ends, in UTC."""
        if limit.unit == "emergency_hour":
            return start.astimezone(UTC) + timedelta(hours=limit.amount)
        if limit.unit == "working_hour":
            return self._after_work(start, timedelta(hours=limit.amount))
        return self._close(self._after_days(self.day(start), limit.amount, limit.unit))

    def resumed(self, unit: str, due: datetime, stopped: datetime, resumed: datetime) -> datetime:
        """Tell when a limit ends whose clock stood still between two instants: what was left then is left now.

        What was over already stays over; days are left as whole days.
        """
        if stopped >= due or resumed <= stopped:
            return due
        if unit == "emergency_hour":
            return due + (resumed - stopped)
        if unit == "working_hour":
            return self._after_work(resumed, self.work_between(stopped, due))
        left = self._days_between(self.day(stopped), self.day(due), unit)
        day = self._after_days(self.day(resumed), left, unit)
        while self._close(day) <= resumed:  # it stood still on its last day: that day is given again
            day = self._after_days(day, 1, unit)
        return max(due, self._close(day))

    def extended(self, due: datetime, more: Limit) -> datetime:
        """Tell when a limit ends that is made longer."""
        return self.due(more, due)

    def used(self, unit: str, start: datetime, end: datetime) -> timedelta:
        """Sum what counts of a limit between two instants: office hours, or for the two round-the-clock units all."""
        if unit in ROUND_THE_CLOCK_UNITS:
            return max(timedelta(), end - start)
        return self.work_between(start, end)

    def after(self, unit: str, start: datetime, amount: timedelta) -> datetime:
        """Tell when so much of a limit is used that starts at an instant; the reverse of `used`."""
        if unit in ROUND_THE_CLOCK_UNITS:
            return start.astimezone(UTC) + amount
        return self._after_work(start, amount)

    def day(self, instant: datetime) -> date:
        """Give the local day of an instant."""
        return instant.astimezone(self.zone).date()

    def work_between(self, start: datetime, end: datetime) -> timedelta:
        """Sum the office hours between two instants."""
        total = timedelta()
        for opens, closes in self._spans(self.day(start)):
            if opens >= end:
                break
            total += max(timedelta(), min(closes, end) - max(opens, start))
        return total

    def _after_work(self, start: datetime, work: timedelta) -> datetime:
        """Tell when so many office hours have passed."""
        for opens, closes in self._spans(self.day(start)):
            begins = max(opens, start)
            if begins < closes:
                if work <= closes - begins:
                    return begins.astimezone(UTC) + work
                work -= closes - begins
        raise ValueError(f"{work} of office hours after {start:%Y-%m-%d} do not end within {MOST_DAYS} days")

    def _spans(self, first: date) -> Iterator[tuple[datetime, datetime]]:
        """Give the opening hours from a day on."""
        for number in range(MOST_DAYS):
            day = first + number * DAY
            if self.calendar.is_workday(day):
                for opens, closes in self.hours:
                    opens_at, closes_at = (datetime.combine(day, one, self.zone) for one in (opens, closes))
                    yield opens_at.astimezone(UTC), closes_at.astimezone(UTC)

    def _counts(self, day: date, unit: str) -> bool:
        """Tell whether a day counts in a unit."""
        return unit == "natural_day" or self.calendar.is_workday(day)

    def _after_days(self, day: date, amount: int, unit: str) -> date:
        """Give the last of so many days after a day; it is a working day."""
        while amount:
            day += DAY
            amount -= self._counts(day, unit)
        while not self.calendar.is_workday(day):
            day += DAY
        return day

    def _days_between(self, start: date, end: date, unit: str) -> int:
        """Count the days after one day, up to another."""
        return sum(self._counts(start + number * DAY, unit) for number in range(1, (end - start).days + 1))

    def _close(self, day: date) -> datetime:
        """Tell when the office closes on a day."""
        return datetime.combine(day, self.hours[-1][1], self.zone).astimezone(UTC)
