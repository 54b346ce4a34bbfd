"""Golden cases: open hours over midnight, holidays and make-up workdays, by the clock of the place."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from data.calendar.days import Calendar
from data.calendar.store import builtin_calendar
from data.hours.reading import parse
from data.hours.spans import Window, lay_out, unknown_throughout

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def told(text: str, first: str, days: int, zone: ZoneInfo = SHANGHAI, calendar: Calendar | None = None) -> list[str]:
    """Lay hours out and write them by the clock: `09-30 22:00/10-01 02:00`, unknown ones with a question mark."""
    window = Window(date.fromisoformat(first), days, zone)
    found = lay_out(parse(text), builtin_calendar() if calendar is None else calendar, window)

    def clock(minute: int) -> str:
        return datetime.fromtimestamp(minute * 60, zone).strftime("%m-%d %H:%M")

    spans = [(span, "") for span in found.open] + [(span, "?") for span in found.unknown]
    return [f"{clock(start)}/{clock(end)}{mark}" for (start, end), mark in sorted(spans)]


def test_over_midnight_and_the_edge_of_the_window() -> None:
    """Friday and Saturday evenings in November: what began on Friday is open on Saturday until 02:00."""
    assert told("Fr,Sa 18:00-02:00", "2026-11-21", 2) == ["11-21 00:00/11-21 02:00", "11-21 18:00/11-22 02:00"]
    assert told("Mo-Su 20:00-28:00", "2026-11-21", 1) == ["11-21 00:00/11-21 04:00", "11-21 20:00/11-22 00:00"]


def test_national_day_is_unknown_unless_the_text_speaks_of_it() -> None:
    """The holiday of 2026 is 1 to 7 October; 8 October is a Thursday."""
    assert told("Mo-Su 08:00-18:00", "2026-09-30", 9) == [
        "09-30 08:00/09-30 18:00", "10-01 00:00/10-08 00:00?", "10-08 08:00/10-08 18:00",
    ]  # fmt: skip
    assert told("Mo-Su 08:00-18:00; PH off", "2026-10-01", 8) == ["10-08 08:00/10-08 18:00"]
    assert told("Mo-Fr 08:00-18:00; Sa,Su,PH 09:00-12:00", "2026-10-07", 2) == [
        "10-07 09:00/10-07 12:00", "10-08 08:00/10-08 18:00",
    ]  # fmt: skip


def test_what_never_closes_stays_open_and_named_days_are_known() -> None:
    for text in ("24/7", "Mo-Su 00:00-24:00"):
        assert told(text, "2026-09-30", 3) == ["09-30 00:00/10-03 00:00"]
    assert told("24/7; PH off", "2026-09-30", 2) == ["09-30 00:00/10-01 00:00"]
    assert told("Mo-Su 08:00-18:00; Oct 01-03 off", "2026-10-01", 4) == ["10-04 00:00/10-05 00:00?"]
    assert told("Mo-Su 08:00-18:00; 2026 Oct 01 10:00-12:00", "2026-10-01", 1) == ["10-01 10:00/10-01 12:00"]
    # a season names no day: its hours say nothing of the holiday in it
    assert told("May-Oct Mo-Su 08:00-18:00", "2026-10-01", 1) == ["10-01 00:00/10-02 00:00?"]


def test_the_evening_before_a_holiday_goes_on_into_it() -> None:
    assert told("Mo-Su 18:00-02:00", "2026-10-01", 1) == ["10-01 00:00/10-01 02:00", "10-01 02:00/10-02 00:00?"]


@pytest.mark.parametrize(
    ("day", "stands_for"),
    [
        ("2026-02-14", "Fr"), ("2026-02-28", "Mo"), ("2026-05-09", "Tu"), ("2026-09-20", "Tu"), ("2026-10-10", "We"),
        ("2026-01-04", "Fr"), ("2025-10-11", "We"), ("2024-09-14", "Mo"),
    ],
)  # fmt: skip
def test_make_up_workdays_have_the_hours_of_the_day_they_stand_for(day: str, stands_for: str) -> None:
    """All are Saturdays or Sundays; none of them is a weekend then."""
    name = day[5:]
    assert told("Mo-Fr 08:30-17:30; Sa-Su 10:00-11:00", day, 1) == [f"{name} 08:30/{name} 17:30"]
    assert told(f"{stands_for} 08:30-17:30", day, 1) == [f"{name} 08:30/{name} 17:30"]
    assert told("Sa,Su 10:00-11:00", day, 1) == []


def test_spring_festival_of_2026() -> None:
    """14 February works, 15 to 23 is the holiday, 24 is a Tuesday, 28 a Saturday that works."""
    assert told("Mo-Fr 08:30-17:30; PH off", "2026-02-13", 16) == [
        *(f"02-{day} 08:30/02-{day} 17:30" for day in (13, 14, 24, 25, 26, 27, 28)),
    ]  # fmt: skip
    assert told("Mo-Fr 08:30-17:30", "2026-02-22", 3)[0] == "02-22 00:00/02-24 00:00?"


def test_beyond_the_calendar_weeks_are_ordinary() -> None:
    """Nothing is known of 2027 yet: its New Year's Day is a Friday like others, and `until` says so."""
    assert told("Mo-Su 08:00-18:00", "2027-01-01", 1) == ["01-01 08:00/01-01 18:00"]
    assert builtin_calendar().until == date(2026, 12, 31)


def test_the_clock_is_the_places_own() -> None:
    """08:00 in Shanghai is 00:00 UTC; in New York it is 13:00 UTC in winter and 12:00 in summer."""
    for zone, day, utc in (
        (SHANGHAI, "2026-11-23", "2026-11-23 00:00"), (NEW_YORK, "2026-11-23", "2026-11-23 13:00"),
        (NEW_YORK, "2026-06-23", "2026-06-23 12:00"),
    ):  # fmt: skip
        window = Window(date.fromisoformat(day), 1, zone)
        [(start, end)] = lay_out(parse("08:00-09:00"), Calendar(), window).open
        assert datetime.fromtimestamp(start * 60, UTC).strftime("%Y-%m-%d %H:%M") == utc
        assert end - start == 60


def test_days_of_23_and_25_hours() -> None:
    """New York, 8 March and 1 November 2026: 02:00-03:00 is skipped, 01:00-02:00 comes twice."""
    whole = lambda day: lay_out(parse("24/7"), Calendar(), Window(date.fromisoformat(day), 1, NEW_YORK)).open[0]  # noqa: E731
    assert [end - start for start, end in (whole("2026-03-08"), whole("2026-11-01"))] == [23 * 60, 25 * 60]
    skipped = lay_out(parse("02:00-03:00"), Calendar(), Window(date(2026, 3, 8), 1, NEW_YORK))
    assert skipped.open == ()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own clock is in Honolulu."""
    monkeypatch.setenv("TZ", "Pacific/Honolulu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_machines_zone_does_not_matter(elsewhere: None) -> None:
    assert os.environ["TZ"] == "Pacific/Honolulu"
    assert told("Mo-Fr 08:00-18:00", "2026-10-09", 2) == ["10-09 08:00/10-09 18:00", "10-10 08:00/10-10 18:00"]


def test_the_window_is_whole_days_of_the_place() -> None:
    """17:30 UTC on the 22nd is the 23rd in Shanghai."""
    window = Window.around(datetime(2026, 11, 22, 17, 30, tzinfo=UTC), SHANGHAI, before=1, after=14)
    assert (window.first, window.days) == (date(2026, 11, 22), 16)
    assert window.covers[1] - window.covers[0] == 16 * 1440
    assert unknown_throughout(window).unknown == (window.covers,)
