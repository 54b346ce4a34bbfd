"""Opening hours are understood as OpenStreetMap means them, or refused."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opening_hours import OpeningHours, State

from data.hours.reading import DAYS, HoursError, joined, parse, without
from data.hours.words import chinese, english

MONDAY = date(2026, 11, 23)
MINUTE, MINUTES_EVER = timedelta(minutes=1), 10**9


def week(text: str) -> list[tuple[tuple[int, int], ...]]:
    """The times of an ordinary week, Monday first."""
    hours = parse(text)
    return [
        hours.times(MONDAY + timedelta(days=day), day + 1, is_holiday=False) for day in range(7)
    ]  # fmt: skip


def test_a_later_rule_replaces_an_earlier_one_and_an_added_one_adds() -> None:
    assert week("Mo-Su 08:00-18:00; Sa 09:00-12:00; Su off") == [((480, 1080),)] * 5 + [((540, 720),), ()]
    assert week("Mo-Fr 08:00-12:00, Mo 14:00-16:00, Sa 09:00-10:00") == [
        ((480, 720), (840, 960)), *[((480, 720),)] * 4, ((540, 600),), (),
    ]  # fmt: skip
    assert week("Mo-Fr 08:00-18:00; We 12:00-14:00 off")[2] == ((480, 720), (840, 1080))


def test_times_after_midnight_whole_days_and_touching_times() -> None:
    assert week("Fr,Sa 18:00-02:00")[4:] == [((1080, 1560),), ((1080, 1560),), ()]
    assert week("Mo-Th 22:00-26:00; Fr-Mo 00:00-24:00")[0] == ((0, 1440),)
    assert week("Sa-Mo")[4:] == [(), ((0, 1440),), ((0, 1440),)]
    assert week("Mo 08:00-12:00,12:00-14:00,13:00-15:00")[0] == ((480, 900),)
    assert week("24/7; We off")[1:4] == [((0, 1440),), (), ((0, 1440),)]


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("May-Sep Mo-Su 08:00-09:00", ["2026-05-01", "2026-09-30"]),
        ("Nov-Feb 08:00-09:00", ["2026-11-01", "2026-12-31", "2027-01-01", "2027-02-28"]),
        ("Apr 30-May 01,Oct 01 08:00-09:00", ["2026-04-30", "2026-05-01", "2026-10-01", "2027-05-01"]),
        ("2026 Apr 30-May 01 08:00-09:00", ["2026-04-30", "2026-05-01"]),
        ("2026 Dec 31-Jan 01: 08:00-09:00", ["2026-12-31", "2027-01-01"]),
        ("Oct 01-07 08:00-09:00", ["2026-10-01", "2027-10-07"]),
    ],
)
def test_dates(text: str, is_open: list[str]) -> None:
    days = [
        "2026-04-30", "2026-05-01", "2026-09-30", "2026-10-01", "2026-10-08", "2026-11-01", "2026-12-31", "2027-01-01",
        "2027-02-28", "2027-05-01", "2027-10-07",
    ]  # fmt: skip
    hours = parse(text)
    found = [day for day in days if hours.times(date.fromisoformat(day), 3, is_holiday=False)]
    assert [day for day in found if day in is_open] == is_open
    extra = {"May-Sep Mo-Su 08:00-09:00": ["2027-05-01"], "Oct 01-07 08:00-09:00": ["2026-10-01"]}.get(text, [])
    assert set(found) - set(is_open) <= set(extra)


def test_holidays_are_their_own_day_beside_the_weekday() -> None:
    hours = parse("Mo-Fr 08:00-18:00; Sa,PH 09:00-12:00; Su off")
    assert hours.times(MONDAY, 1, is_holiday=True) == ((540, 720),)
    assert hours.times(MONDAY, 1, is_holiday=False) == ((480, 1080),)
    assert parse("Mo-Fr 08:00-18:00; PH off").times(MONDAY, 1, is_holiday=True) == ()


def test_what_people_type_beside_the_syntax() -> None:
    """Full-width signs, long dashes, small letters."""
    assert parse("mo－fr 8：00～17：30；ph OFF") == parse("Mo-Fr 08:00-17:30; PH off")
    assert parse("Mo–Fr 08:00—17:30;") == parse("Mo-Fr 08:00-17:30")


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "周一至周五", "Mo-Fr 08:00", "Mo-Fr 08:00-", "08:00+", "25:00-26:00", "08:60-09:00", "08:00-49:00",
        "sunrise-sunset", "SH off", "Mo[1] 08:00-12:00", "week 10 Mo", "Mo-Fr 08:00-12:00,", "Mo-", "Mo,08:00-09:00",
        '"by appointment"', "Mo-Fr 08:00-12:00 || off", "Jan 32 off", "Jan 1-Feb off", "2026 off", "Oct 1-2026 Oct 7",
        "Mo 08:00-09:00 09:00-10:00", "x" * 501,
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(HoursError, match=r"not understood|at most 500"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("24/7", "24 小时开放", "Open 24 hours"),
        ("Mo-Su 00:00-24:00", "24 小时开放", "Open 24 hours"),
        ("Mo-Su 08:00-18:00", "每天 08:00–18:00", "Daily 08:00–18:00"),
        (
            "Mo-Fr 08:30-12:00,14:00-17:30; Sa 09:00-12:00; PH off",
            "周一至周五 08:30–12:00、14:00–17:30；周六 09:00–12:00；法定节假日 休息",
            "Mon–Fri 08:30–12:00, 14:00–17:30; Sat 09:00–12:00; Public holidays closed",
        ),
        ("Mo-Su,PH 08:00-20:00", "周一至周日、法定节假日 08:00–20:00", "Mon–Sun, public holidays 08:00–20:00"),
        ("Fr,Sa 18:00-02:00", "周五、周六 18:00–次日02:00", "Fri, Sat 18:00–next day 02:00"),
        ("Mo,We-Fr", "周一、周三至周五 全天", "Mon, Wed–Fri all day"),
        ("May-Sep Tu 15:00-18:00", "5月至9月 周二 15:00–18:00", "May–Sep Tue 15:00–18:00"),
        ("Jul off", "7月 休息", "Jul closed"),
        ("2026 Feb 16-22 off", "2026年2月16日至2月22日 休息", "2026 Feb 16–Feb 22 closed"),
        ("Oct 01 off", "10月1日 休息", "Oct 1 closed"),
    ],
)
def test_words(text: str, zh: str, en: str) -> None:
    hours = parse(text)
    assert (chinese(hours), english(hours)) == (zh, en)


clock = st.integers(0, 95).map(lambda quarter: quarter * 15)


def written(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@st.composite
def rules(draw: st.DrawFn, late: str = "20:00-24:00") -> str:
    """One rule of weekdays, perhaps of months, with one to three times, or closed."""
    first, last = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    days = DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
    months = draw(st.sampled_from(["", "", "Jan-Mar ", "Nov-Feb ", "Nov 20-Dec 05 "]))
    starts = sorted(draw(st.sets(clock.filter(lambda minutes: minutes < 1200), min_size=2, max_size=4)))
    spans = [f"{written(a)}-{written(b)}" for a, b in zip(starts[::2], starts[1::2], strict=False)]
    times = ",".join([*spans, *draw(st.sampled_from([[], [late]]))])
    return f"{months}{days} {draw(st.sampled_from([times, times, times, 'off']))}"


def our_day(text: str, day: date) -> tuple[tuple[int, int], ...]:
    """When it is open on a day, what the day before left to it included."""
    hours, eve = parse(text), day - timedelta(days=1)
    before = hours.times(eve, eve.isoweekday(), is_holiday=False)
    spill = tuple((start - 1440, end - 1440) for start, end in before)
    outside = ((-MINUTES_EVER, 0), (1440, MINUTES_EVER))
    return without(joined((*hours.times(day, day.isoweekday(), is_holiday=False), *spill)), outside)


def their_day(text: str, day: date) -> tuple[tuple[int, int], ...]:
    """The same by the library opening-hours-py."""
    midnight = datetime.combine(day, time())
    return joined(
        tuple(
            ((start - midnight) // MINUTE, (end - midnight) // MINUTE)
            for start, end, state, _ in OpeningHours(text).intervals(midnight, midnight + timedelta(days=1))
            if state == State.OPEN
        )
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(rules(), min_size=1, max_size=4).map("; ".join), st.integers(0, 400))
def test_ordinary_days_are_those_of_the_library_opening_hours(text: str, offset: int) -> None:
    day = date(2026, 1, 1) + timedelta(days=offset)
    assert our_day(text, day) == their_day(text, day)


@settings(deadline=None, max_examples=40)
@given(rules(late="22:00-02:00"), st.integers(0, 400))
def test_nights_are_those_of_the_library_opening_hours(text: str, offset: int) -> None:
    """One rule only: where several rules match, the library forgets what the day before left to the next."""
    day = date(2026, 1, 1) + timedelta(days=offset)
    assert our_day(text, day) == their_day(text, day)


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda one: (one[0], one[0] + one[1])))


@settings(deadline=None)
@given(spans, spans)
def test_joining_and_taking_away_are_those_of_sets_of_minutes(some: list, others: list) -> None:
    def minutes(of):
        return {minute for start, end in of for minute in range(start, end)}

    left = without(joined(tuple(some)), tuple(others))
    assert minutes(joined(tuple(some))) == minutes(some)
    assert minutes(left) == minutes(some) - minutes(others)
    assert all(a[1] < b[0] for a, b in zip(joined(tuple(some)), joined(tuple(some))[1:], strict=False))
