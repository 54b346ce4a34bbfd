"""Write the steps that fell due: once each, with their true time, however late and however many servers look.

A clock that has to be looked at says so itself (`incident_deadline.look_at`): every change sets it to at once, and
looking sets it to when the next step will be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from data import chain
from data.deadlines.clock import Clock, Limit
from data.deadlines.store import read_clock
from data.deadlines.wording import say_instant, say_limit
from data.supervision.rules import StepRule, read_rules
from data.supervision.steps import Reached, spans_of, state_at
from layers.viewer import EVERYWHERE, Viewer

WATCHER = Viewer(roles=frozenset({"dispatcher"}), case_scope=(EVERYWHERE,))  # nobody's account, everywhere
AT_ONCE = 100
HANDLER = ("责任单位", "the body in charge")
_UPWARDS = ("community", "street", "district")

# the incident's row is held, as by everyone who moves it; what another server holds it looks at itself
_TAKE = text(
    "SELECT i.id FROM incident_deadline d JOIN incident i ON i.id = d.incident_id WHERE d.look_at <= :now "
    "ORDER BY d.look_at, i.id LIMIT :most FOR UPDATE OF i SKIP LOCKED"
)
_READ = text(
    "SELECT i.id, i.code, i.status, i.department, i.path::text AS path, i.due_at, i.warning_level, d.amount, d.unit, "
    "  d.time_zone, d.started_at, d.stopped_at FROM incident i JOIN incident_deadline d ON d.incident_id = i.id "
    "WHERE i.id = ANY (:ids) AND d.look_at <= :now ORDER BY d.look_at, i.id"
)
_EVENTS = text("SELECT seq, status, at, detail FROM incident_event WHERE incident_id = :id ORDER BY seq")
_KNOWN = text("SELECT code, since_seq FROM incident_step WHERE incident_id = :id")
_AREAS = text(
    "SELECT level, name, path::text AS path FROM area WHERE path @> CAST(:path AS ltree) ORDER BY nlevel(path) DESC"
)
_STEP = text(
    "INSERT INTO incident_step (incident_id, code, since_seq, kind, level, at, written_at, due_at, to_level, to_name, "
    "  path, words, words_en) "
    "VALUES (:incident_id, :code, :since_seq, :kind, :level, :at, :now, :due_at, :to_level, :to_name, "
    "  CAST(:path AS ltree), :words, :words_en) ON CONFLICT DO NOTHING RETURNING id"
)
_OPEN = text(
    "INSERT INTO supervision (incident_id, step_id, path) VALUES (:incident_id, :step_id, CAST(:path AS ltree)) "
    "ON CONFLICT DO NOTHING"
)
_MARK = text("UPDATE incident SET warning_level = :level WHERE id = :id")
_NEXT = text(
    "UPDATE incident_deadline SET look_at = coalesce(CAST(:next AS timestamptz), 'infinity') WHERE incident_id = :id"
)


@dataclass(frozen=True)
class Look:
    """What looking came to.

    Attributes
    ----------
    incidents
        How many clocks were looked at.
    steps
        How many steps were written.
    """

    incidents: int
    steps: int

    def __add__(self, other: "Look") -> "Look":
        """Add two."""
        return Look(self.incidents + other.incidents, self.steps + other.steps)


@dataclass(frozen=True)
class Told:
    """Who is told of a step.

    Attributes
    ----------
    level
        `handler`, or the level of an area.
    path
        Of the area; of the incident for its handler.
    """

    level: str
    name: str
    name_en: str
    path: str


def look(connection: Connection, now: datetime, *, most: int = AT_ONCE) -> Look:
    """Look at the clocks that want it, at most so many; in one transaction, which should be short.

    Parameters
    ----------
    connection
        As WATCHER, or of the role that owns the tables.
    now
        The time: nothing that falls due later is written.
    """
    ids = list(connection.execute(_TAKE, {"now": now, "most": most}).scalars())
    if not ids:
        return Look(0, 0)
    tour = _Tour(connection, now, read_rules(connection))
    # read again now that the rows are held: another server may have looked at them meanwhile
    rows = connection.execute(_READ, {"ids": ids, "now": now}).all()
    return Look(len(ids), sum(tour.look_at(row) for row in rows))


def look_at_all(connection: Connection, now: datetime) -> Look:
    """Look at every clock that wants it, in one transaction; for the command line and the demo."""
    total = Look(0, 0)
    while (found := look(connection, now)).incidents:
        total += found
    return total


class _Tour:
    """Looks at one clock after the other; what many share is read once."""

    def __init__(self, connection: Connection, now: datetime, rules: Sequence[StepRule]) -> None:
        self._connection, self._now, self._rules = connection, now, rules
        self._clocks: dict[str, Clock] = {}
        self._areas: dict[str, list[Row[Any]]] = {}

    def look_at(self, row: Row[Any]) -> int:
        """Write the steps that one incident has reached; tells how many were new."""
        limit, clock = Limit(row.amount, row.unit), self._clock(row.time_zone)
        events = self._connection.execute(_EVENTS, {"id": row.id}).all()
        known = {tuple(one) for one in self._connection.execute(_KNOWN, {"id": row.id})}
        due = row.due_at or clock.due(limit, row.started_at)
        spans = spans_of(limit, row.started_at, events, clock, due=due, stopped_at=row.stopped_at)
        recounted = max((one.seq for one in events if "recounted" in (one.detail or {})), default=0)
        state = state_at(spans, limit, clock, self._rules, self._now, since_seq=recounted)
        new = sum(
            self._write(row, reached, clock)
            for reached in state.reached
            if (reached.rule.code, reached.seq) not in known
        )
        if new or state.level != row.warning_level:  # seen live, also where only the step is new
            self._connection.execute(_MARK, {"id": row.id, "level": state.level})
        self._connection.execute(_NEXT, {"id": row.id, "next": state.next_at})
        return new

    def _write(self, row: Row[Any], reached: Reached, clock: Clock) -> int:
        """Write a step into its table and the incident's history, and open the supervision that it begins.

        History says when it was written; the step and the event's detail say when it was reached. Gives 0 where the
        level was told already.
        """
        rule, connection = reached.rule, self._connection
        told = self._told(row, rule.to_level)
        words, words_en = _words(reached, told, clock)
        values = {
            "incident_id": row.id, "code": rule.code, "since_seq": reached.seq, "kind": rule.kind,
            "level": rule.level, "at": reached.at, "now": self._now, "due_at": reached.due, "to_level": told.level,
            "to_name": told.name, "path": told.path, "words": words, "words_en": words_en,
        }  # fmt: skip
        step_id = connection.execute(_STEP, values).scalar()
        if step_id is None:
            return 0
        if rule.kind == "supervision":
            connection.execute(_OPEN, {"incident_id": row.id, "step_id": step_id, "path": told.path})
        detail = {
            "step": rule.code, "step_at": reached.at.isoformat(), "to_name": told.name, "words": words,
            "words_en": words_en,
        }  # fmt: skip
        chain.append(connection, chain.Event(row.id, 0, row.status, None, None, self._now, detail))
        return 1

    def _clock(self, zone: str) -> Clock:
        """Read the clock of a time zone, once."""
        if zone not in self._clocks:
            self._clocks[zone] = read_clock(self._connection, zone)
        return self._clocks[zone]

    def _told(self, row: Row[Any], level: str) -> Told:
        """Find who is told; where a place has no area of the level, the next above."""
        if level != "handler":
            if row.path not in self._areas:
                self._areas[row.path] = list(self._connection.execute(_AREAS, {"path": row.path}))
            for area in self._areas[row.path]:
                if _UPWARDS.index(area.level) >= _UPWARDS.index(level):
                    return Told(area.level, area.name, area.name, area.path)
        return Told("handler", row.department or HANDLER[0], row.department or HANDLER[1], row.path)


def _words(reached: Reached, told: Told, clock: Clock) -> tuple[str, str]:
    """Say a step in one sentence, in Chinese and in English."""
    rule = reached.rule
    due, due_en = say_instant(reached.due, clock)
    if rule.kind == "warning":
        return (
            f"{rule.name}：时限已用{rule.percent}%，应于{due}前办结，请{told.name}抓紧办理。",
            f"{rule.name_en}: {rule.percent}% of the limit is used; due {due_en}; {told.name_en}, please act.",
        )
    if rule.kind == "overdue":
        return (
            f"{rule.name}：应于{due}前办结，尚未办结，请{told.name}督促。",
            f"{rule.name_en}: it was due {due_en} and is not done; {told.name_en}, please see to it.",
        )
    over, over_en = f"时限的{rule.percent - 100}%", f"{rule.percent - 100}% of its limit"
    if rule.plus is not None:
        plus, plus_en = say_limit(rule.plus)
        over, over_en = f"{over}或{plus}", f"{over_en} or {plus_en}"
    return (
        f"{rule.name}：应于{due}前办结，已超出{over}，由{told.name}督办，请办理单位答复。",
        f"{rule.name_en}: it was due {due_en} and is over by {over_en}; {told.name_en} supervises; please answer.",
    )
