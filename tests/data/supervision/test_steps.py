"""Steps of deadlines over 国庆; offices open 08:30-12:00 and 14:30-17:30, six and a half hours a day.

The calendar is the product's own: in 2026 the National Day holiday is 1-7 October, with work on Saturday 10 October.
The rules are the product's own sample: 80 % warning, due, then 督办 by the street at 150 % or one working day, and by
the district at 200 % or three working days, whichever comes first.
"""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.calendar.store import builtin_calendar
from data.chain import Event
from data.deadlines.clock import UNITS, Clock, Limit
from data.deadlines.store import replay
from data.rules.table import RuleFileError
from data.supervision.rules import read_file
from data.supervision.steps import Reached, State, spans_of, state_at

ZONE = ZoneInfo("Asia/Shanghai")
CLOCK = Clock(ZONE, ((time(8, 30), time(12)), (time(14, 30), time(17, 30))), builtin_calendar())
RULES = read_file()
CODES = ["warning", "overdue", "supervision-street", "supervision-district"]


def event(seq: int, status: str, when: datetime, detail: dict[str, Any] | None = None) -> Event:
    return Event(UUID(int=1), seq, status, None, None, when, detail)


def at(words: str) -> datetime:
    return datetime.fromisoformat(f"2026-{words}").replace(tzinfo=ZONE)


def state(limit: Limit, history: list[Event], now: datetime) -> State:
    """How a deadline stands whose clock began with the first event; no event after `now` has happened."""
    past = [one for one in history if one.at <= now]
    due, stopped_at = replay(limit, history[0].at, past, CLOCK)
    spans = spans_of(limit, history[0].at, past, CLOCK, due=due, stopped_at=stopped_at)
    return state_at(spans, limit, CLOCK, RULES, now)


def times(found: State) -> list[tuple[str, str, int]]:
    return [(one.rule.code, f"{one.at.astimezone(ZONE):%m-%d %H:%M}", one.seq) for one in found.reached]


@pytest.mark.parametrize(
    ("amount", "unit", "start", "expected"),
    [
        # 80 % are 3 h 12: one hour on 30 September, 2 h 12 on the 8th; 150 % are 6 h; 200 % are 8 h, the last half
        # hour on the 9th; one working day after the 8th would be the 9th at 17:30
        (4, "working_hour", "09-30 16:30", ["10-08 10:42", "10-08 11:30", "10-08 16:00", "10-09 09:00"]),
        # 30 September (6.5 h from 08:30) and 8, 9, 10 October are 26 h; 80 % are 20 h 48: 1 h 18 of the 10th.
        # One working day after Saturday the 10th is the 12th, three are the 14th; half of 26 h would be the 13th
        (3, "working_day", "09-30 08:00", ["10-10 09:48", "10-10 17:30", "10-12 17:30", "10-14 17:30"]),
        # round the clock: 1 h 36, 2 h, 3 h, 4 h
        (2, "emergency_hour", "10-01 23:00", ["10-02 00:36", "10-02 01:00", "10-02 02:00", "10-02 03:00"]),
        # the third natural day is in the holiday, due on the 8th: 199.5 h; 80 % are 159 h 36, six days and 15 h 36
        (3, "natural_day", "09-30 10:00", ["10-07 01:36", "10-08 17:30", "10-09 17:30", "10-12 17:30"]),
    ],
)
def test_steps_over_the_national_day(amount: int, unit: str, start: str, expected: list[str]) -> None:
    began = event(1, "reported", at(start))
    found = state(Limit(amount, unit), [began], at("12-01 00:00"))
    assert times(found) == [(code, when, 1) for code, when in zip(CODES, expected, strict=True)]
    assert (found.level, found.next_at) == ("red", None)
    second = at(expected[1])
    before, there = (state(Limit(amount, unit), [began], now) for now in (second - timedelta(seconds=1), second))
    assert (before.level, before.next_at) == ("yellow", second)
    assert (there.level, there.next_at) == ("orange", at(expected[2]))


def test_a_pause_stops_the_steps() -> None:
    """4 working hours from 16:30: paused on the 8th at 9:30 (2 h used), on again on the 9th at 8:30: 2 h are left.

    80 % are 3 h 12, so 1 h 12 after 8:30; 150 % are 6 h: 8:30 to 12:00 and half an hour more.
    """
    history = [
        event(1, "reported", at("09-30 16:30")), event(2, "paused", at("10-08 09:30")),
        event(3, "in_progress", at("10-09 08:30")),
    ]  # fmt: skip
    limit = Limit(4, "working_hour")
    assert state(limit, history, at("10-08 18:00")) == State((), None, None)
    assert times(state(limit, history, at("10-09 15:00"))) == [
        ("warning", "10-09 09:42", 3), ("overdue", "10-09 10:30", 3), ("supervision-street", "10-09 15:00", 3),
    ]  # fmt: skip


def test_what_is_over_stays_over_and_is_told_once() -> None:
    """Resolved at noon on the 8th, half an hour late; sent back on the 9th at 8:30: still over, and nothing is new
    until 150 %: 4.5 h were used, 1.5 h more are 10:00."""
    history = [
        event(1, "reported", at("09-30 16:30")), event(2, "resolved", at("10-08 12:00")),
        event(3, "reopened", at("10-09 08:30")),
    ]  # fmt: skip
    limit = Limit(4, "working_hour")
    resolved = state(limit, history, at("10-08 12:00"))
    assert (times(resolved), resolved.level, resolved.next_at) == (
        [("warning", "10-08 10:42", 1), ("overdue", "10-08 11:30", 1)], None, None,
    )  # fmt: skip
    again = state(limit, history, at("10-09 09:59"))
    assert (again.reached, again.level, again.next_at) == (resolved.reached, "orange", at("10-09 10:00"))
    assert times(state(limit, history, at("10-09 10:00")))[2:] == [("supervision-street", "10-09 10:00", 3)]


def test_an_extension_lifts_and_the_step_can_come_again() -> None:
    """2 hours round the clock from 8:00; 2 more are granted at 9:50, after the warning: 80 % of 4 h is 11:12."""
    history = [
        event(1, "reported", at("10-09 08:00")),
        event(2, "in_progress", at("10-09 09:50"), {"granted": "extension", "amount": 2}),
    ]
    limit = Limit(2, "emergency_hour")
    assert state(limit, history, at("10-09 09:49")).level == "yellow"
    lifted = state(limit, history, at("10-09 09:50"))
    assert (times(lifted), lifted.level, lifted.next_at) == (
        [("warning", "10-09 09:36", 1)], None, at("10-09 11:12"),
    )  # fmt: skip
    assert times(state(limit, history, at("10-09 12:00")))[1:] == [
        ("warning", "10-09 11:12", 2), ("overdue", "10-09 12:00", 2),
    ]  # fmt: skip


def test_after_a_recount_nothing_is_told_of_before() -> None:
    """The calendar changed: what was told by the old one is not told again; what stands is told from then on."""
    limit, start = Limit(2, "emergency_hour"), at("10-09 08:00")
    recount = {"recounted": {"from": at("10-09 10:00").isoformat(), "to": at("10-09 09:00").isoformat()}}
    history: list[Any] = [event(1, "reported", start), event(2, "reported", at("10-09 09:30"), recount)]
    spans = spans_of(limit, start, history, CLOCK, due=at("10-09 09:00"), stopped_at=None)
    found = state_at(spans, limit, CLOCK, RULES, at("10-09 09:30"), since_seq=2)
    # 80 % of one hour was 8:48, the due time 9:00 and 150 % 9:30: all stand, from 9:30 on
    assert times(found) == [
        ("warning", "10-09 09:30", 2), ("overdue", "10-09 09:30", 2), ("supervision-street", "10-09 09:30", 2),
    ]  # fmt: skip


@given(
    st.integers(1, 5), st.sampled_from(UNITS), st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 1)),
    st.lists(st.tuples(st.integers(1, 3_000), st.sampled_from(("paused", "in_progress", "extension"))), max_size=6),
    st.lists(st.integers(1, 9_000), min_size=2, max_size=9),
)  # fmt: skip
def test_looking_often_finds_what_looking_once_finds(
    amount: int, unit: str, start: datetime, then: list[tuple[int, str]], looks: list[int]
) -> None:
    """However often and late somebody looks, each step is found once, at the same time; none before its time."""
    now, limit = start.replace(tzinfo=ZONE), Limit(amount, unit)
    history, status = [event(1, "reported", now)], "reported"
    for minutes, what in then:
        now += timedelta(minutes=minutes)
        detail = {"granted": "extension", "amount": 1} if what == "extension" else None
        status = status if detail else what
        history.append(event(len(history) + 1, status, now, detail))
    found: dict[tuple[str, int], Reached] = {}
    before = history[0].at - timedelta(minutes=1)
    for look in (history[0].at + timedelta(minutes=minutes) for minutes in sorted(set(looks))):
        seen = state(limit, history, look)
        now_known = {(one.rule.code, one.seq): one for one in seen.reached}
        assert {key: now_known.get(key) for key in found} == found  # nothing is taken back
        assert all(before < one.at <= look for key, one in now_known.items() if key not in found)
        found = now_known
        assert seen.next_at is None or seen.next_at > look
        before = look


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a,warning,yellow,100,,,handler,预警,Warning,,", "row 2, percent: 100 must be 1 to 99 for a warning"),
        ("a,warning,pink,80,,,handler,预警,Warning,,", "row 2, level: pink must be one of blue, yellow, orange, red"),
        ("a,overdue,red,100,1,working_day,street,超期,Overdue,,", "row 2, plus_amount: amount and unit go together"),
        ("a,supervision,red,150,1,,street,督办,Supervised,,", "row 2, plus_amount: amount and unit go together"),
        ("a,supervision,red,150,,,handler,督办,Supervised,,", "row 2, to_level: handler can't supervise its own work"),
        (
            "a,supervision,red,251,,,street,督办,Supervised,,",
            "row 2, percent: 251 must be a whole number from 1 to 250",
        ),
        (",warning,yellow,80,,,handler,预警,Warning,,", "row 2, code: it is empty and must not be"),
        ("", "there is no step below the column names"),
    ],
)
def test_faulty_rules_are_named(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "rules.csv"
    head = "code,kind,level,percent,plus_amount,plus_unit,to_level,name,name_en,source,note\n"
    path.write_text(head + line + "\n", "utf-8")
    with pytest.raises(RuleFileError, match=r"rules\.csv") as caught:
        read_file(path)
    assert any(one.startswith(fault) for one in caught.value.faults), caught.value.faults
    second = "\nb,warning,blue,70,,,handler,提醒,Notice,,"
    path.write_text(f"{head}a,warning,yellow,80,,,handler,预警,Warning,,{second}\n", "utf-8")
    with pytest.raises(RuleFileError, match="row 3, percent: 70 is less than in the row above, 80"):
        read_file(path)
