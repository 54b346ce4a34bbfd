"""Opening hours in OpenStreetMap's syntax, the part of it that facilities use.

Rules of dates, days and times, parted by ";": a later rule replaces an earlier one on its days. After "," a rule adds
to what stands, and one that is "off" at some times takes these away. Dates are months and days ("May-Sep",
"2026 Feb 16-22"), days are weekdays and public holidays ("Mo-Fr", "Su,PH"), times may end after midnight. What goes
beyond ("sunrise", school holidays, weeks, "Mo[1]", open ends, comments) is refused, never guessed.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from data.errors import DataError

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAY_MIN = 1440
LONGEST = 500
NAMED_DAYS = 15
"""A range of so many days at most names its days: hours given for them hold on holidays too."""
_LAST_DAY = 31
_LAST_END_MIN = 2 * DAY_MIN
_TOKEN = re.compile(
    r"\s*(?:(?P<always>24/7)|(?P<time>\d{1,2}:\d{2})|(?P<number>\d{1,4})|(?P<word>[A-Za-z]+)|(?P<sign>[-,;:]))"
)
_DASHES = str.maketrans(dict.fromkeys("–—−~〜至", "-"))
_SPELLED = {word.lower(): word for word in (*DAYS, *MONTHS, "PH", "off", "closed", "open")}
Times = tuple[tuple[int, int], ...]


class HoursError(DataError):
    """The text is no opening hours, or says more than is understood here."""


@dataclass(frozen=True)
class DateRange:
    """Days of the year from the first to the last; one that ends before it begins goes over New Year.

    Attributes
    ----------
    first, last
        Year (0 = every year), month, day of the month.
    """

    first: tuple[int, int, int]
    last: tuple[int, int, int]

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in it."""
        if self.first[0]:
            return self.first <= (day.year, day.month, day.day) <= self.last
        first, last, this = self.first[1:], self.last[1:], (day.month, day.day)
        return first <= this <= last if first <= last else this >= first or this <= last

    @property
    def names_days(self) -> bool:
        """Whether it is so short that it was written for these very days."""
        (year, month, day), (last_year, last_month, last_day) = self.first, self.last
        months = (last_year - year) * 12 + last_month - month
        return 0 <= months * _LAST_DAY + last_day - day < NAMED_DAYS


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    dates
        When it holds; none is always.
    days
        Weekdays, Monday 1; none with `on_holidays` false is every day.
    on_holidays
        Whether it names the public holidays.
    times
        Minutes from the day's midnight, ends up to 2880; none is the whole day.
    is_off
        Whether it is closed then.
    is_added
        Whether it adds to the rules before it instead of replacing them.
    """

    dates: tuple[DateRange, ...] = ()
    days: frozenset[int] = frozenset()
    on_holidays: bool = False
    times: Times = ()
    is_off: bool = False
    is_added: bool = False

    def holds(self, day: date, weekday: int, *, is_holiday: bool) -> bool:
        """Tell whether the rule is of a day that counts as a weekday."""
        if self.dates and not any(one.holds(day) for one in self.dates):
            return False
        every = not self.days and not self.on_holidays
        return every or weekday in self.days or (is_holiday and self.on_holidays)


@dataclass(frozen=True)
class Hours:
    """Opening hours that were understood."""

    rules: tuple[Rule, ...]

    def times(self, day: date, weekday: int, *, is_holiday: bool) -> Times:
        """Give the open times that begin on a day, sorted and joined, in minutes from its midnight."""
        times: Times = ()
        for rule in self.rules:
            if not rule.holds(day, weekday, is_holiday=is_holiday):
                continue
            if rule.is_off:
                times = without(times, rule.times) if rule.times else ()
            else:
                own = rule.times or ((0, DAY_MIN),)
                times = joined((*times, *own)) if rule.is_added else joined(own)
        return times

    def speaks_of_holiday(self, day: date, weekday: int) -> bool:
        """Tell whether the text says what holds on a holiday.

        It does if it names the public holidays at all, names these very days, or is open always.
        """
        if self.is_always or any(rule.on_holidays for rule in self.rules):
            return True
        held = (rule for rule in self.rules if rule.holds(day, weekday, is_holiday=True))
        return any(dates.names_days and dates.holds(day) for rule in held for dates in rule.dates)

    @property
    def is_always(self) -> bool:
        """Whether it never closes."""
        week = (self.times(date.min, weekday, is_holiday=False) for weekday in range(1, 8))
        return not any(rule.dates for rule in self.rules) and all(times == ((0, DAY_MIN),) for times in week)


def parse(text: str) -> Hours:
    """Read opening hours.

    Raises
    ------
    HoursError
        If the text cannot be understood; the message says where.
    """
    if len(text) > LONGEST:
        raise HoursError(f"opening hours have at most {LONGEST} characters, these {len(text)}")
    return Hours(tuple(_Reader(text).rules()))


def joined(times: Times) -> Times:
    """Sort spans and join those that touch."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(times):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def without(times: Times, taken: Times) -> Times:
    """Take spans out of joined spans."""
    left = list(times)
    for start, end in taken:
        parts = [part for one in left for part in ((one[0], min(one[1], start)), (max(one[0], end), one[1]))]
        left = [part for part in parts if part[0] < part[1]]
    return tuple(left)


class _Reader:
    """Reads tokens from left to right; `kind` and `word` are those of the next one."""

    def __init__(self, text: str) -> None:
        self._text = unicodedata.normalize("NFKC", text).translate(_DASHES).strip()
        self._tokens = [*self._scan(), ("end", ""), ("end", "")]
        self._at = 0

    @property
    def kind(self) -> str:
        """The next token's kind: always, time, number, word, sign, end."""
        return self._tokens[self._at][0]

    @property
    def word(self) -> str:
        """The next token."""
        return self._tokens[self._at][1]

    def rules(self) -> Iterator[Rule]:
        """Read all rules."""
        is_added = False
        while True:
            yield self._rule(is_added=is_added)
            is_added = self._take(",")
            if is_added:
                continue
            if self.kind != "end" and self.word != ";":
                raise self._fail()
            while self._take(";"):
                pass
            if self.kind == "end":
                return

    def _scan(self) -> Iterator[tuple[str, str]]:
        """Cut the text into tokens; words get the spelling of the syntax."""
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise HoursError(f"{self._text!r}: {self._text[at:].strip()!r} is not understood")
            at = match.end()
            word = match[0].strip()
            yield str(match.lastgroup), _SPELLED.get(word.lower(), word)

    def _advance(self) -> str:
        """Go on to the next token and give the one left behind."""
        word = self.word
        self._at += 1
        return word

    def _take(self, word: str) -> bool:
        """Go on if the next token is this one."""
        if self.word != word:
            return False
        self._advance()
        return True

    def _fail(self) -> HoursError:
        """Say where the reading stops."""
        where = f"at {self.word!r}" if self.word else "at its end"
        return HoursError(f"{self._text!r} is not understood {where}")

    def _rule(self, *, is_added: bool) -> Rule:
        """Read one rule."""
        if self._take("24/7"):
            return Rule(is_off=self._off(), is_added=is_added)
        dates = self._dates()
        days, on_holidays = self._days()
        times = self._times()
        is_off = self._off()
        if not (dates or days or on_holidays or times or is_off):
            raise self._fail()
        return Rule(dates, days, on_holidays, times, is_off, is_added)

    def _off(self) -> bool:
        """Read whether it is closed."""
        return not self._take("open") and (self._take("off") or self._take("closed"))

    def _dates(self) -> tuple[DateRange, ...]:
        """Read months and days of months, parted by commas."""
        found: list[DateRange] = []
        while self._is_date():
            found.append(self._date_range())
            if not self._take(","):
                break
            if not self._is_date():
                raise self._fail()
        if found:
            self._take(":")
        return tuple(found)

    def _is_date(self) -> bool:
        """Tell whether a date comes next."""
        return self.word in MONTHS or self._is_year()

    def _is_year(self) -> bool:
        """Tell whether a year comes next."""
        return self.kind == "number" and len(self.word) == 4

    def _date_range(self) -> DateRange:
        """Read "May", "May-Sep", "May 01-Sep 30", "2026 Feb 16-22"."""
        year, month, day = self._date(0, 0)
        first = (year, month, day or 1)
        last = (year, month, day or _LAST_DAY)
        if self._take("-"):
            last_year, last_month, last_day = self._date(year, month if day else 0)
            if bool(day) != bool(last_day):
                raise self._fail()
            last = (last_year, last_month, last_day or _LAST_DAY)
            if year and last < first:
                last = (last_year + 1, last_month, last[2])
        if bool(first[0]) != bool(last[0]):
            raise self._fail()
        return DateRange(first, last)

    def _date(self, year: int, month: int) -> tuple[int, int, int]:
        """Read a year, a month and a day as far as they stand; the first two may be known from before."""
        if self._is_year():
            year = int(self._advance())
        if self.word in MONTHS:
            month = MONTHS.index(self._advance()) + 1
        elif not month:
            raise self._fail()
        if self.kind != "number" or self._is_year():
            return year, month, 0
        if not (1 <= int(self.word) <= _LAST_DAY and len(self.word) <= 2):
            raise self._fail()
        return year, month, int(self._advance())

    def _days(self) -> tuple[frozenset[int], bool]:
        """Read weekdays and public holidays, parted by commas."""
        days: set[int] = set()
        on_holidays = False
        while self._is_day():
            if self._take("PH"):
                on_holidays = True
            else:
                days |= self._weekdays()
            if not self._take(","):
                break
            if not self._is_day():
                raise self._fail()
        return frozenset(days), on_holidays

    def _is_day(self) -> bool:
        """Tell whether a weekday or the public holidays come next."""
        return self.word in DAYS or self.word == "PH"

    def _weekdays(self) -> set[int]:
        """Read "Mo" or "Mo-Fr"; a range may go over the weekend."""
        first = last = DAYS.index(self._advance())
        if self._take("-"):
            if self.word not in DAYS:
                raise self._fail()
            last = DAYS.index(self._advance())
        return {(first + step) % 7 + 1 for step in range((last - first) % 7 + 1)}

    def _times(self) -> Times:
        """Read times of day; a comma before anything else begins an added rule, and is left for it."""
        found: list[tuple[int, int]] = []
        while self.kind == "time":
            start = self._clock(DAY_MIN - 1)
            if not self._take("-") or self.kind != "time":
                raise self._fail()
            end = self._clock(_LAST_END_MIN)
            found.append((start, end if end > start else end + DAY_MIN))
            if self.word != "," or self._tokens[self._at + 1][0] != "time":
                break
            self._advance()
        return tuple(found)

    def _clock(self, most: int) -> int:
        """Read minutes after midnight."""
        hours, minutes = (int(part) for part in self.word.split(":"))
        found = hours * 60 + minutes
        if minutes > 59 or found > most:
            raise self._fail()
        self._advance()
        return found
