"""Time limits over 国庆, 春节 and make-up days; offices open 08:30-12:00 and 14:30-17:30, six and a half hours a day.

The calendar is the product's own: in 2026 the National Day holiday is 1-7 October, with work on Sunday 20 September and
Saturday 10 October; the Spring Festival is 15-23 February, with work on Saturdays 14 and 28 February.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.calendar.store import builtin_calendar
from data.deadlines.clock import UNITS, Clock, Limit
from data.deadlines.wording import Deadline, Extension, Pause, explain

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = ((time(8, 30), time(12)), (time(14, 30), time(17, 30)))
CLOCK = Clock(ZONE, HOURS, builtin_calendar())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("amount", "unit", "start", "due"),
    [
        # round the clock, whatever the day
        (2, "emergency_hour", "2026-10-01 23:00", "2026-10-02 01:00"),
        # one hour is left on 30 September, three are due on the first morning after the holiday
        (4, "working_hour", "2026-09-30 16:30", "2026-10-08 11:30"),
        (1, "working_hour", "2026-09-30 16:30", "2026-09-30 17:30"),  # up to the last minute, not the next morning
        (1, "working_hour", "2026-09-30 11:30", "2026-09-30 15:00"),  # over lunch
        (2, "working_hour", "2026-10-03 12:00", "2026-10-08 10:30"),  # reported in the holiday
        (7, "working_hour", "2026-10-09 08:30", "2026-10-10 09:00"),  # Saturday is worked
        (1, "working_hour", "2026-10-10 17:30", "2026-10-12 09:30"),  # Sunday is not
        (1, "working_hour", "2026-09-30 03:00", "2026-09-30 09:30"),
        # the first day does not count; 8, 9 and 10 October do
        (3, "working_day", "2026-09-30 08:00", "2026-10-10 17:30"),
        (3, "working_day", "2026-09-30 23:59", "2026-10-10 17:30"),
        (1, "working_day", "2026-09-19 10:00", "2026-09-20 17:30"),  # Sunday 20 September is worked
        (1, "working_day", "2026-09-24 10:00", "2026-09-28 17:30"),  # 25-27 is 中秋节
        # 14, 24, 25, 26, 27 February; then Saturday the 28th
        (5, "working_day", "2026-02-13 10:00", "2026-02-27 17:30"),
        (6, "working_day", "2026-02-13 10:00", "2026-02-28 17:30"),
        # the third natural day is 3 October: the limit goes on to the 8th
        (3, "natural_day", "2026-09-30 10:00", "2026-10-08 17:30"),
        (10, "natural_day", "2026-09-30 10:00", "2026-10-10 17:30"),  # a Saturday that is worked
        (7, "natural_day", "2026-02-09 10:00", "2026-02-24 17:30"),
        (1, "natural_day", "2026-11-23 10:00", "2026-11-24 17:30"),
        # over New Year 2025: 1 January only, 31 December is worked
        (2, "working_day", "2024-12-30 10:00", "2025-01-02 17:30"),
    ],
)
def test_when_a_limit_ends(amount: int, unit: str, start: str, due: str) -> None:
    assert CLOCK.due(Limit(amount, unit), at(start)) == at(due)


@pytest.mark.parametrize(
    ("unit", "due", "stopped", "resumed", "new"),
    [
        ("emergency_hour", "2026-11-23 12:00", "2026-11-23 10:00", "2026-11-23 15:00", "2026-11-23 17:00"),
        # two office hours were left
        ("working_hour", "2026-11-23 12:00", "2026-11-23 10:00", "2026-11-24 16:30", "2026-11-25 09:30"),
        ("working_hour", "2026-11-23 12:00", "2026-11-23 10:00", "2026-11-23 11:00", "2026-11-23 15:30"),
        # paused over the holiday: nothing of it was left to count, so nothing changes but the day of the pause itself
        ("working_hour", "2026-10-08 11:30", "2026-09-30 17:30", "2026-10-08 08:30", "2026-10-08 11:30"),
        # Tuesday and Wednesday were left
        ("working_day", "2026-11-25 17:30", "2026-11-23 10:00", "2026-11-26 09:00", "2026-11-30 17:30"),
        ("working_day", "2026-11-25 17:30", "2026-11-23 10:00", "2026-11-23 16:00", "2026-11-25 17:30"),
        # stopped on the last day: a day is given again
        ("working_day", "2026-11-25 17:30", "2026-11-25 10:00", "2026-11-27 09:00", "2026-11-27 17:30"),
        ("working_day", "2026-11-25 17:30", "2026-11-25 10:00", "2026-11-27 18:00", "2026-11-30 17:30"),
        ("natural_day", "2026-11-25 17:30", "2026-11-23 10:00", "2026-11-26 09:00", "2026-11-30 17:30"),
        # what was over stays over
        ("working_hour", "2026-11-23 12:00", "2026-11-23 13:00", "2026-11-24 16:30", "2026-11-23 12:00"),
    ],
)
def test_a_clock_that_stood_still(unit: str, due: str, stopped: str, resumed: str, new: str) -> None:
    assert CLOCK.resumed(unit, at(due), at(stopped), at(resumed)) == at(new)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))
limits = st.builds(Limit, st.integers(1, 60), st.sampled_from(UNITS))
spans = st.timedeltas(timedelta(), timedelta(days=40))


@given(limits, moments, spans)
def test_a_later_start_is_never_due_earlier(limit: Limit, start: datetime, later: timedelta) -> None:
    assert start < CLOCK.due(limit, start) <= CLOCK.due(limit, start + later)


@given(limits, moments, spans, spans)
def test_a_pause_never_takes_time_away(limit: Limit, start: datetime, stop: timedelta, pause: timedelta) -> None:
    due = CLOCK.due(limit, start)
    stopped = start + stop
    assert CLOCK.resumed(limit.unit, due, stopped, stopped) == due
    assert CLOCK.resumed(limit.unit, due, stopped, stopped + pause) >= due


@given(st.integers(1, 60), moments, spans, spans)
def test_no_office_hour_is_lost_or_won(amount: int, start: datetime, stop: timedelta, pause: timedelta) -> None:
    """The office hours before a pause and after it are as many as the limit has."""
    due = CLOCK.due(Limit(amount, "working_hour"), start)
    stopped = min(start + stop, due)
    again = CLOCK.resumed("working_hour", due, stopped, stopped + pause)
    worked = CLOCK.work_between(start, stopped) + CLOCK.work_between(max(stopped, stopped + pause), again)
    assert worked == timedelta(hours=amount)


@pytest.mark.parametrize(
    ("deadline", "zh", "en"),
    [
        (
            Deadline(Limit(4, "working_hour"), "示例", at("2026-09-30 16:30"), at("2026-10-08 11:30")),
            "时限4个工作时（示例），自2026年9月30日16:30起算，10月1日至7日国庆节不计，应于2026年10月8日11:30前办结。",
            "Limit: 4 working hours (示例); from 30 Sep 2026 16:30; National Day 1-7 Oct not counted; "
            "due 8 Oct 2026 11:30.",
        ),
        (
            Deadline(Limit(3, "natural_day"), "", at("2026-09-30 10:00"), at("2026-10-08 17:30")),
            "时限3个自然日，自2026年9月30日10:00起算，逢10月1日至7日国庆节顺延，应于2026年10月8日17:30前办结。",
            "Limit: 3 natural days; from 30 Sep 2026 10:00; National Day 1-7 Oct gives way; due 8 Oct 2026 17:30.",
        ),
        (
            Deadline(Limit(5, "working_day"), "", at("2026-02-13 10:00"), at("2026-02-27 17:30")),
            "时限5个工作日，自2026年2月13日10:00起算，2月15日至23日春节不计，2月14日春节调休上班计入，应于2026年2月27日17:30前办结。",
            "Limit: 5 working days; from 13 Feb 2026 10:00; Spring Festival 15-23 Feb not counted; "
            "make-up workday 14 Feb counted; due 27 Feb 2026 17:30.",
        ),
        (
            Deadline(
                Limit(1, "working_day"), "", at("2026-11-20 10:00"), at("2026-11-30 17:30"),
                (Pause(at("2026-11-23 10:00"), at("2026-11-26 09:00"), "等待业主"),
                 Extension(Limit(1, "working_day"), "需开挖")),
            ),
            "时限1个工作日，自2026年11月20日10:00起算，周末不计，2026年11月23日10:00至2026年11月26日09:00暂停不计（等待业主），"
            "延期1个工作日（需开挖），应于2026年11月30日17:30前办结。",
            "Limit: 1 working day; from 20 Nov 2026 10:00; weekends not counted; paused 23 Nov 2026 10:00 to "
            "26 Nov 2026 09:00 (等待业主); extended by 1 working day (需开挖); due 30 Nov 2026 17:30.",
        ),
        (
            Deadline(
                Limit(2, "emergency_hour"), "示例", at("2026-10-01 23:00"), at("2026-10-02 01:00"),
                (Pause(at("2026-10-01 23:30"), None, "等待救援"),),
            ),
            "时限2个紧急工作时（示例），自2026年10月1日23:00起算，2026年10月1日23:30起暂停（等待救援），恢复后重新计算到期时间。",
            "Limit: 2 round-the-clock hours (示例); from 1 Oct 2026 23:00; paused since 1 Oct 2026 23:30 (等待救援); "
            "the due time is set anew when it goes on.",
        ),
        (
            Deadline(Limit(1, "working_day"), "", at("2026-12-31 10:00"), at("2027-01-01 17:30")),
            "时限1个工作日，自2026年12月31日10:00起算，应于2027年1月1日17:30前办结，2027年放假安排尚未录入，按平常周计算。",
            "Limit: 1 working day; from 31 Dec 2026 10:00; due 1 Jan 2027 17:30; holidays of 2027 are not known yet, "
            "ordinary weeks are counted.",
        ),
        (
            Deadline(Limit(1, "working_day"), "", at("2028-12-29 10:00"), at("2029-01-01 17:30")),
            "时限1个工作日，自2028年12月29日10:00起算，周末不计，应于2029年1月1日17:30前办结，"
            "2028、2029年放假安排尚未录入，按平常周计算。",
            "Limit: 1 working day; from 29 Dec 2028 10:00; weekends not counted; due 1 Jan 2029 17:30; holidays of "
            "2028 and 2029 are not known yet, ordinary weeks are counted.",
        ),
        (
            Deadline(Limit(5, "natural_day"), "", at("2023-12-29 10:00"), at("2024-01-03 17:30")),
            "时限5个自然日，自2023年12月29日10:00起算，应于2024年1月3日17:30前办结。",
            "Limit: 5 natural days; from 29 Dec 2023 10:00; due 3 Jan 2024 17:30.",
        ),
        (
            Deadline(Limit(5, "working_day"), "", at("2023-12-29 10:00"), at("2024-01-08 17:30")),
            "时限5个工作日，自2023年12月29日10:00起算，1月1日元旦不计，周末不计，应于2024年1月8日17:30前办结，"
            "2023年放假安排尚未录入，按平常周计算。",
            "Limit: 5 working days; from 29 Dec 2023 10:00; New Year's Day 1 Jan not counted; weekends not counted; "
            "due 8 Jan 2024 17:30; holidays of 2023 are not known yet, ordinary weeks are counted.",
        ),
    ],
    ids=["hours", "rolled", "make-up", "changed", "paused", "beyond", "far beyond", "rolled before", "before"],
)  # fmt: skip
def test_a_due_time_explains_itself(deadline: Deadline, zh: str, en: str) -> None:
    assert explain(deadline, CLOCK) == (zh, en)
