"""Which steps a deadline has reached, and when: counted on the deadline's own clock, from its history alone.

The clock runs in spans: it begins, is stopped and let go on, and its due time may change on the way. Towards one due
time every step is reached at most once. What was reached before the clock stood still stays reached when it goes on;
what an extension has lifted can be reached again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Row

from data import chain
from data.deadlines.clock import Clock, Limit
from data.deadlines.store import STOPPED
from data.supervision.rules import StepRule


@dataclass(frozen=True)
class Span:
    """Time during which a clock ran towards one due time.

    Attributes
    ----------
    since, until
        From when to when; `until` is None while it runs.
    due
        The due time as it stood.
    seq
        Number of the event that began it; 0 without a history.
    """

    since: datetime
    until: datetime | None
    due: datetime
    seq: int


@dataclass(frozen=True)
class Reached:
    """A step that was reached."""

    rule: StepRule
    at: datetime
    due: datetime
    seq: int


@dataclass(frozen=True)
class State:
    """How a deadline stands at an instant.

    Attributes
    ----------
    reached
        Every step so far, in order of time.
    level
        The level of the gravest that stands now; None where none does, or the clock stands still.
    next_at
        When the next will be reached if nothing happens; None where none will.
    """

    reached: tuple[Reached, ...]
    level: str | None
    next_at: datetime | None


def spans_of(
    limit: Limit,
    start: datetime,
    events: Iterable[Row[Any] | chain.Event],
    clock: Clock,
    *,
    due: datetime,
    stopped_at: datetime | None,
) -> tuple[Span, ...]:
    """Follow a history in spans.

    Parameters
    ----------
    events
        In order, with `seq`, `status`, `at` and `detail`.
    due, stopped_at
        How things stand now: of an incident without a history, and where the calendar has changed since.
    """
    history = list(events)
    if not history:
        return (Span(start, stopped_at, due, 0),)
    past: list[Span] = []
    due_then, since, seq = clock.due(limit, start), start, history[0].seq
    stopped: datetime | None = None
    for event in history:
        detail = event.detail or {}
        changed = _changed(detail, limit, due_then, clock)
        if event.status in STOPPED and stopped is None:
            past.append(Span(since, event.at, due_then, seq))
            stopped = event.at
        elif event.status not in STOPPED and stopped is not None:
            changed = clock.resumed(limit.unit, changed, stopped, event.at)
            since, seq, stopped = event.at, event.seq, None
        elif stopped is None and (changed != due_then or "recounted" in detail):
            past.append(Span(since, event.at, due_then, seq))
            since, seq = event.at, event.seq
        due_then = changed
    return tuple(past) if stopped is not None else (*past, Span(since, None, due, seq))


def state_at(
    spans: Sequence[Span], limit: Limit, clock: Clock, rules: Sequence[StepRule], now: datetime, *, since_seq: int = 0
) -> State:
    """Tell how a deadline stands at an instant.

    Parameters
    ----------
    rules
        The gravest last.
    since_seq
        Number of the event since which due times are as they are counted now: the calendar was another before, so
        nothing is told of spans that began then, and what stands is told anew.
    """
    reached: list[Reached] = []
    standing: set[str] = set()
    for number, span in enumerate(spans):
        if span.seq == since_seq:
            standing.clear()
        for rule in rules:
            at = reach_time(rule, spans[: number + 1], limit.unit, clock)
            if at > span.since:  # an extension lifts what stood
                standing.discard(rule.code)
            if at > now or (span.until is not None and at >= span.until):
                continue
            if rule.code not in standing and span.seq >= since_seq:
                reached.append(Reached(rule, max(at, span.since), span.due, span.seq))
            standing.add(rule.code)
    if not spans or spans[-1].until is not None:
        return State(tuple(sorted(reached, key=_when)), None, None)
    ahead = [at for rule in rules if (at := reach_time(rule, spans, limit.unit, clock)) > now]
    level = next((rule.level for rule in reversed(rules) if rule.code in standing), None)
    return State(tuple(sorted(reached, key=_when)), level, min(ahead, default=None))


def reach_time(rule: StepRule, spans: Sequence[Span], unit: str, clock: Clock) -> datetime:
    """Tell when the last of some spans reaches a step, if nothing ends it before; it may lie before that span."""
    due = spans[-1].due
    if rule.percent == 100:
        return due
    before = (clock.used(unit, one.since, min(one.until or due, due)) for one in spans[:-1])
    total = sum(before, clock.used(unit, spans[-1].since, due))
    at = _when_used(total * rule.percent / 100, spans, unit, clock)
    if rule.plus is None:
        return at
    later = clock.due(rule.plus, due)
    for one, following in pairwise(spans):
        if one.until is not None and due <= one.until < following.since:  # it stood still after it was over
            later = clock.resumed(rule.plus.unit, later, one.until, following.since)
    return min(at, later)


def _when_used(amount: timedelta, spans: Sequence[Span], unit: str, clock: Clock) -> datetime:
    """Tell when so much is used in all: within a span, or in the last as if it never ended."""
    for one in spans[:-1]:
        used = clock.used(unit, one.since, one.until or one.since)
        if amount <= used:
            return clock.after(unit, one.since, amount)
        amount -= used
    return clock.after(unit, spans[-1].since, amount)


def _changed(detail: dict[str, Any], limit: Limit, due: datetime, clock: Clock) -> datetime:
    """Tell the due time after an event: made longer, counted anew, or as before."""
    if detail.get("granted") == "extension":
        return clock.extended(due, Limit(detail["amount"], limit.unit))
    if "recounted" in detail:
        return datetime.fromisoformat(detail["recounted"]["to"])
    return due


def _when(one: Reached) -> tuple[datetime, int]:
    """Sort by time; what comes at the same time, by gravity."""
    return one.at, one.rule.percent
