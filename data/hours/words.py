"""Opening hours in words, Chinese and English."""

from collections.abc import Callable
from datetime import date

from data.hours.reading import DAY_MIN, DAYS, MONTHS, DateRange, Hours, Rule

_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_WEEK = frozenset(range(1, 8))
_MONTH_ENDS = tuple((date(2024 + month // 12, month % 12 + 1, 1) - date(2024, month, 1)).days for month in range(1, 13))


def chinese(hours: Hours) -> str:
    """Say opening hours in Chinese: 周一至周五 08:30–17:30；法定节假日 休息."""
    if hours.is_always and len(hours.rules) == 1:
        return "24 小时开放"
    return "；".join(_rule_zh(rule) for rule in hours.rules)


def english(hours: Hours) -> str:
    """Say opening hours in English: Mon–Fri 08:30–17:30; public holidays closed."""
    if hours.is_always and len(hours.rules) == 1:
        return "Open 24 hours"
    return "; ".join(_rule_en(rule) for rule in hours.rules)


def _rule_zh(rule: Rule) -> str:
    """Say one rule in Chinese."""
    days = _days(rule, _WEEKDAYS, "至", "法定节假日")
    dates = "、".join(_dates_zh(one) for one in rule.dates)
    when = " ".join(part for part in (dates, "、".join(days)) if part) or "每天"
    times = "、".join(_span(span, "次日") for span in rule.times) or ("" if rule.is_off else "全天")
    return " ".join(part for part in (when, times, "休息" if rule.is_off else "") if part)


def _rule_en(rule: Rule) -> str:
    """Say one rule in English."""
    short = dict(zip(DAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))
    days = _days(rule, tuple(short.values()), "–", "public holidays")
    dates = ", ".join(_dates_en(one) for one in rule.dates)
    when = " ".join(part for part in (dates, ", ".join(days)) if part) or "daily"
    times = ", ".join(_span(span, "next day ") for span in rule.times) or ("" if rule.is_off else "all day")
    said = " ".join(part for part in (when, times, "closed" if rule.is_off else "") if part)
    return said[0].upper() + said[1:]


def _days(rule: Rule, names: tuple[str, ...], to: str, holidays: str) -> list[str]:
    """Name the days of a rule, ranges of three and more as such."""
    named: list[str] = []
    if rule.days and rule.days != _WEEK:
        named = [name for run in _runs(sorted(rule.days)) for name in _run(run, names, to)]
    elif rule.days and rule.on_holidays:
        named = [f"{names[0]}{to}{names[6]}"]
    return [*named, holidays] if rule.on_holidays else named


def _runs(days: list[int]) -> list[list[int]]:
    """Cut sorted weekdays into runs of neighbours."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _run(run: list[int], names: tuple[str, ...], to: str) -> list[str]:
    """Name a run of weekdays."""
    if len(run) > 2:
        return [f"{names[run[0] - 1]}{to}{names[run[-1] - 1]}"]
    return [names[day - 1] for day in run]


def _span(span: tuple[int, int], next_day: str) -> str:
    """Write a span of times."""
    start, end = span
    after = f"{next_day}{_clock(end - DAY_MIN)}" if end > DAY_MIN else _clock(end)
    return f"{_clock(start)}–{after}"


def _clock(minutes: int) -> str:
    """Write a time of day."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _dates_zh(dates: DateRange) -> str:
    """Name dates in Chinese."""
    return _dates(dates, lambda year: f"{year}年", lambda month, day: f"{month}月{f'{day}日' if day else ''}", "至", "")


def _dates_en(dates: DateRange) -> str:
    """Name dates in English."""
    return _dates(dates, str, lambda month, day: f"{MONTHS[month - 1]}{f' {day}' if day else ''}", "–", " ")


def _dates(
    dates: DateRange, year: Callable[[int], str], of_month: Callable[[int, int], str], to: str, space: str
) -> str:
    """Name dates: whole months without days, and what the end shares with the beginning once."""
    (first_year, month, day), (last_year, last_month, last_day) = dates.first, dates.last
    is_whole = day == 1 and last_day >= _MONTH_ENDS[last_month - 1]
    begin = of_month(month, 0 if is_whole else day)
    end = of_month(last_month, 0 if is_whole else last_day)
    if first_year:
        begin = f"{year(first_year)}{space}{begin}"
        end = end if last_year == first_year else f"{year(last_year)}{space}{end}"
    is_one = dates.first == dates.last or (is_whole and month == last_month and first_year == last_year)
    return begin if is_one else f"{begin}{to}{end}"
