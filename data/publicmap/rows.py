"""The list of the public map: which places fit, whether they are open, how far they are, and in what order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from data.publicmap.places import KINDS, Book, Row
from data.search import matches

_DAYS = "一二三四五六日"
_SOON_MIN = 7 * 1440
_DEGREE_M = 2 * math.pi * 6_378_137 / 360


@dataclass(frozen=True)
class State:
    """Whether a place is open.

    Attributes
    ----------
    is_open
        None where nobody can tell.
    text, tone
        In words, and how to colour them: good, warn, bad, info or "".
    """

    is_open: bool | None
    text: str
    tone: str


@dataclass(frozen=True)
class Choice:
    """What a reader asks for.

    Attributes
    ----------
    path
        Of the area.
    kinds
        None chosen: all.
    walks_m
        Metres along streets by `kind/code` from a named public place; None without one.
    origin
        Longitude and latitude of that place; None without one.
    """

    path: str
    q: str = ""
    kinds: Sequence[str] = ()
    is_open_now: bool = False
    is_step_free: bool = False
    walks_m: Mapping[str, float] | None = None
    origin: tuple[float, float] | None = None


@dataclass(frozen=True)
class Listed:
    """A place in the list.

    Attributes
    ----------
    walk_m
        Metres along streets from the origin; None without one, or where no way is known.
    straight_m
        Straight metres from the origin; None without one.
    """

    place: Row
    state: State
    walk_m: float | None = None
    straight_m: float | None = None

    @property
    def key(self) -> str:
        """The place's name among all kinds."""
        return f"{self.place['kind']}/{self.place['code']}"


def choose(book: Book, choice: Choice, now: datetime) -> list[Listed]:
    """Choose and order places: by the walk from the origin if there is one, else by kind, open ones first, by name.

    Places to which no way is known come last, by the straight line.
    """
    rows = [
        listed(book, place, now, choice.walks_m, choice.origin)
        for place in book.inside(choice.path, choice.kinds or KINDS)
        if matches(place["keys"], choice.q) and (place["is_accessible"] or not choice.is_step_free)
    ]
    if choice.is_open_now:
        rows = [row for row in rows if row.state.is_open]
    if choice.walks_m is not None:
        return sorted(rows, key=_way)
    order = {kind: at for at, kind in enumerate(KINDS)}
    return sorted(rows, key=lambda row: (order[row.place["kind"]], not row.state.is_open))


def listed(
    book: Book,
    place: Row,
    now: datetime,
    walks_m: Mapping[str, float] | None = None,
    origin: tuple[float, float] | None = None,
) -> Listed:
    """Say of one place whether it is open and how far it is."""
    walk_m = (walks_m or {}).get(f"{place['kind']}/{place['code']}")
    return Listed(place, state_of(book, place, now), walk_m, _straight_m(place, origin))


def minutes_of(metres: float, metres_a_minute: float) -> int:
    """Give the whole minutes of a walk, never fewer than it takes."""
    return max(1, math.ceil(metres / metres_a_minute - 1e-9))


def state_of(book: Book, place: Row, now: datetime) -> State:
    """Say whether a place is open at a moment; outside the days that the book lays out nobody can tell."""
    if place["status"] == "planned":
        return State(False, f"筹建中，{_day(place['opens_on'])}启用" if place["opens_on"] else "筹建中", "info")
    if place["status"] == "closed":
        return State(False, "已停用", "bad")
    minute = math.floor(now.timestamp() / 60)
    hours = book.hours.get(place["hours"] or "")
    first, end = book.window.covers
    if hours is None or not hours["is_read"] or not first <= minute < end:
        return State(None, "开放时间未知", "")
    if any(start <= minute < stop for start, stop in hours["unknown"]):
        return State(None, "节假日时间未注明，请先电话询问", "warn")
    is_open, changes_at = _look_up(hours, minute)
    if changes_at is None:
        return State(is_open, "全天开放" if is_open else "未开放", "good" if is_open else "warn")
    when = _when(changes_at, now, book.window.zone)
    return State(True, f"正在开放，至 {when}", "good") if is_open else State(False, f"未开放，{when} 开放", "warn")


def _straight_m(place: Row, origin: tuple[float, float] | None) -> float | None:
    """Measure the straight line within a city, on a sphere that is flat between the two."""
    if origin is None:
        return None
    lon, lat = origin
    east = (place["lon"] - lon) * math.cos(math.radians((place["lat"] + lat) / 2))
    return _DEGREE_M * math.hypot(east, place["lat"] - lat)


def _way(row: Listed) -> tuple[float, float]:
    """Give what places are ordered by from an origin: the walk, then the straight line."""
    return (math.inf if row.walk_m is None else row.walk_m, row.straight_m or 0.0)


def _look_up(hours: Row, minute: int) -> tuple[bool, int | None]:
    """Tell whether it is open, and when that changes within a week as far as anybody can tell."""
    stop = next((stop for start, stop in hours["spans"] if start <= minute < stop), None)
    if stop is not None:
        return True, stop if stop - minute <= _SOON_MIN else None
    change = next((start for start, _ in hours["spans"] if start > minute), None)
    unsure = next((start for start, _ in hours["unknown"] if start > minute), None)
    if change is None or change - minute > _SOON_MIN or (unsure is not None and unsure <= change):
        return False, None
    return False, change


def _when(minute: int, now: datetime, zone: ZoneInfo) -> str:
    """Write a moment as people say it: 17:30, 明天 08:00, 周三 08:00."""
    at, today = datetime.fromtimestamp(minute * 60, zone), now.astimezone(zone).date()
    clock = at.strftime("%H:%M")
    if at.date() == today:
        return clock
    return f"明天 {clock}" if at.date() == today + timedelta(days=1) else f"周{_DAYS[at.weekday()]} {clock}"


def _day(day: str) -> str:
    """Write a day: 2027年3月1日."""
    year, month, of_month = day.split("-")
    return f"{year}年{int(month)}月{int(of_month)}日"
