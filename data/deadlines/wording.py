"""Say in one sentence when something is due and why, in Chinese and English."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from data.calendar.days import CalendarDay
from data.deadlines.clock import DAY, Clock, Limit

UNIT_WORDS = {
    "emergency_hour": ("紧急工作时", "round-the-clock hour"),
    "working_hour": ("工作时", "working hour"),
    "working_day": ("工作日", "working day"),
    "natural_day": ("自然日", "natural day"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Pause:
    """Time during which the clock stood still; `until` is None while it does."""

    since: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class Extension:
    """Time that was added."""

    more: Limit
    reason: str


Change = Pause | Extension


@dataclass(frozen=True)
class Deadline:
    """A limit on its way.

    Attributes
    ----------
    source
        Where the limit comes from, such as "示例".
    start, due
        When the clock started, and when it ends as things are.
    changes
        Pauses and extensions, in order.
    """

    limit: Limit
    source: str
    start: datetime
    due: datetime
    changes: Sequence[Change] = ()


def explain(deadline: Deadline, clock: Clock) -> tuple[str, str]:
    """Write the sentence, in Chinese and in English."""
    limit = deadline.limit
    zh, en = UNIT_WORDS[limit.unit]
    source, source_en = (f"（{deadline.source}）", f" ({deadline.source})") if deadline.source else ("", "")
    parts = [
        (f"时限{limit.amount}个{zh}{source}", f"Limit: {_many(limit.amount, en)}{source_en}"),
        (f"自{_zh(deadline.start, clock)}起算", f"from {_en(deadline.start, clock)}"),
        *_days_said(deadline, clock),
        *(_said(change, clock) for change in deadline.changes),
    ]
    if any(isinstance(one, Pause) and one.until is None for one in deadline.changes):
        parts.append(("恢复后重新计算到期时间", "the due time is set anew when it goes on"))
    else:
        parts.append((f"应于{_zh(deadline.due, clock)}前办结", f"due {_en(deadline.due, clock)}"))
    unknown = _unknown_years(deadline, clock)
    if unknown:
        years, years_en = "、".join(unknown), " and ".join(unknown)
        not_known = f"holidays of {years_en} are not known yet, ordinary weeks are counted"
        parts.append((f"{years}年放假安排尚未录入，按平常周计算", not_known))
    return "，".join(part for part, _ in parts) + "。", "; ".join(part for _, part in parts) + "."


def say_instant(instant: datetime, clock: Clock) -> tuple[str, str]:
    """Write an instant to the minute, in Chinese and in English."""
    return _zh(instant, clock), _en(instant, clock)


def say_limit(limit: Limit) -> tuple[str, str]:
    """Write a limit, in Chinese and in English."""
    zh, en = UNIT_WORDS[limit.unit]
    return f"{limit.amount}个{zh}", _many(limit.amount, en)


def _unknown_years(deadline: Deadline, clock: Clock) -> list[str]:
    """List the years that a limit in office time runs in, and of which the calendar has no day."""
    unit = deadline.limit.unit
    if unit == "emergency_hour":
        return []
    due = clock.day(deadline.due).year
    first = due if unit == "natural_day" else clock.day(deadline.start).year  # only the last natural day gives way
    known = {day.year for day in clock.calendar.days}
    return [str(year) for year in range(first, due + 1) if year not in known]


def _days_said(deadline: Deadline, clock: Clock) -> Iterator[tuple[str, str]]:
    """Name the holidays, weekends and make-up days between start and end that a limit in office time meets."""
    unit = deadline.limit.unit
    if unit == "emergency_hour":
        return
    days = _days(clock.day(deadline.start), clock.day(deadline.due))
    if unit == "natural_day":
        days = _rolled(days, clock)
    held = [(day, holiday) for day in days if (holiday := clock.calendar.holiday(day)) is not None]
    meets, verb, verb_en = ("逢", "顺延", "gives way") if unit == "natural_day" else ("", "不计", "not counted")
    for group in _runs(held):
        (first, holiday), (last, _) = group[0], group[-1]
        span, span_en = _span(first, last)
        yield f"{meets}{span}{holiday.name}{verb}", f"{holiday.name_en or holiday.name} {span_en} {verb_en}"
    named = {day for day, _ in held}
    weekend = [day for day in days if day not in named and not clock.calendar.is_workday(day)]
    if weekend:
        yield (f"{meets}周末{verb}", f"weekends {'give way' if unit == 'natural_day' else verb_en}")
    for day in days:
        made_up = clock.calendar.days.get(day)
        if unit != "natural_day" and made_up is not None and made_up.kind == "workday":
            span, span_en = _span(day, day)
            yield f"{span}{made_up.name}调休上班计入", f"make-up workday {span_en} counted"


def _rolled(days: list[date], clock: Clock) -> list[date]:
    """Keep the days at the end over which a limit in natural days went on, before its last."""
    found: list[date] = []
    for day in reversed(days[:-1]):
        if clock.calendar.is_workday(day):
            break
        found.insert(0, day)
    return found


def _days(start: date, end: date) -> list[date]:
    """List the days from one to another, both with them."""
    return [start + number * DAY for number in range((end - start).days + 1)]


def _runs(held: Sequence[tuple[date, CalendarDay]]) -> list[list[tuple[date, CalendarDay]]]:
    """Put days of one holiday that follow each other together."""
    runs: list[list[tuple[date, CalendarDay]]] = []
    for day, holiday in held:
        if runs and runs[-1][-1][0] + DAY == day and runs[-1][-1][1].name == holiday.name:
            runs[-1].append((day, holiday))
        else:
            runs.append([(day, holiday)])
    return runs


def _said(change: Change, clock: Clock) -> tuple[str, str]:
    """Say a pause or an extension."""
    if isinstance(change, Extension):
        zh, en = UNIT_WORDS[change.more.unit]
        amount = change.more.amount
        return f"延期{amount}个{zh}（{change.reason}）", f"extended by {_many(amount, en)} ({change.reason})"
    since, since_en = _zh(change.since, clock), _en(change.since, clock)
    if change.until is None:
        return f"{since}起暂停（{change.reason}）", f"paused since {since_en} ({change.reason})"
    until, until_en = _zh(change.until, clock), _en(change.until, clock)
    return f"{since}至{until}暂停不计（{change.reason}）", f"paused {since_en} to {until_en} ({change.reason})"


def _span(first: date, last: date) -> tuple[str, str]:
    """Write the days from one to another."""
    zh, en = f"{first.month}月{first.day}日", f"{first.day} {_MONTHS[first.month - 1]}"
    if first == last:
        return zh, en
    if first.month == last.month:
        return f"{zh}至{last.day}日", f"{first.day}-{last.day} {_MONTHS[last.month - 1]}"
    return f"{zh}至{last.month}月{last.day}日", f"{en} to {last.day} {_MONTHS[last.month - 1]}"


def _zh(instant: datetime, clock: Clock) -> str:
    """Write an instant in Chinese, to the minute."""
    local = instant.astimezone(clock.zone)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}"


def _en(instant: datetime, clock: Clock) -> str:
    """Write an instant in English, to the minute."""
    local = instant.astimezone(clock.zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} {local:%H:%M}"


def _many(amount: int, unit: str) -> str:
    """Write an amount with its unit."""
    return f"{amount} {unit}{'' if amount == 1 else 's'}"
