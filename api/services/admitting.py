"""Take imported incidents that are still open in like reports: a route, a time limit, a history if they have none."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, text

from api.services import routing
from data import chain
from data.deadlines import store as deadlines
from layers.tables import CLOSED_STATUSES

_CLOSED = ", ".join(f"'{status}'" for status in CLOSED_STATUSES)
_WAITING = text(f"""
SELECT i.id, i.status, i.reported_at, i.resolved_at, i.department, c.code AS category, c.parent, c.name,
       c.department AS category_department, c.limit_hours,
       l.path::text AS path, l.area_id, l.grid_codes, l.outside_m
FROM incident i JOIN category c ON c.code = i.category, LATERAL locate(i.geom, i.reported_at) l
WHERE i.status NOT IN ({_CLOSED})
  AND NOT EXISTS (SELECT 1 FROM incident_route r WHERE r.incident_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM incident_deadline d WHERE d.incident_id = i.id)
ORDER BY i.reported_at, i.id
""")
_TOLD = text(
    "SELECT incident_id, seq, status, at, detail FROM incident_event WHERE incident_id = ANY (CAST(:ids AS uuid[])) "
    "ORDER BY incident_id, seq"
)
_SET = text("""
UPDATE incident i SET due_at = n.due_at, department = n.body
FROM unnest(CAST(:ids AS uuid[]), CAST(:dues AS timestamptz[]), CAST(:bodies AS text[])) AS n (id, due_at, body)
WHERE i.id = n.id
""")


@dataclass(frozen=True)
class _Admitted:
    """What an incident is given."""

    id: Any
    due: datetime | None
    body: str


def admit(connection: Connection, now: datetime) -> int:
    """Give every open incident without route and time limit both, and a history if it has none; tells how many.

    Its time limit starts when it was reported, and replaces the due time that it came with. Whoever the import says
    handles it goes on handling it. Where no history tells more, what is known of its past is that it was reported and,
    now, how it stands.

    Parameters
    ----------
    connection
        Of the role that owns the tables.
    """
    find_rule = _remembered(deadlines.find_rule)
    find_clock = _remembered(deadlines.read_clock)
    find_routes = _remembered(routing.find_rules)
    admitted = []
    waiting = connection.execute(_WAITING).all()
    told = _read_histories(connection, waiting)
    for row in waiting:
        # rules are of areas, never of grids: all grids of an area have the same
        kind = routing.Kind(row.category, row.parent, row.name, row.category_department)
        place = routing.Place(row.path, row.area_id, tuple(row.grid_codes), row.outside_m)
        found = routing.decide(place, kind, find_routes((kind, row.area_id), connection, kind, row.path))
        routing.keep(connection, row.id, _kept(found, row.department), now)
        events = told.get(row.id)
        if events is None:
            events = _history(row, now)
            chain.begin(connection, events)
        rule = find_rule(
            (row.category, row.area_id), connection, category=row.category, limit_hours=row.limit_hours, path=row.path
        )
        due = None
        if rule is not None:
            clock = find_clock(rule.time_zone, connection, rule.time_zone)
            due, stopped_at = deadlines.replay(rule.limit, row.reported_at, events, clock)
            term = deadlines.make_term(rule, clock, row.reported_at, due)
            deadlines.begin(connection, row.id, term, stopped_at=stopped_at)
        admitted.append(_Admitted(row.id, due, row.department or found.body))
    if admitted:
        connection.execute(text("SET LOCAL yiwangtu.bulk = 'on'"))
        connection.execute(
            _SET,
            {
                "ids": [one.id for one in admitted], "dues": [one.due for one in admitted],
                "bodies": [one.body for one in admitted],
            },
        )  # fmt: skip
        connection.execute(text("SET LOCAL yiwangtu.bulk = 'off'"))
        connection.execute(text("INSERT INTO outbox (kind, layer) VALUES ('layer', 'incident')"))
    return len(admitted)


def _remembered(find: Callable[..., Any]) -> Callable[..., Any]:
    """Ask once for each key."""
    known: dict[Hashable, Any] = {}

    def ask(key: Hashable, *args: Any, **options: Any) -> Any:
        if key not in known:
            known[key] = find(*args, **options)
        return known[key]

    return ask


def _kept(found: routing.Route, body: str | None) -> routing.Route:
    """Leave an incident with whom the import says handles it."""
    if body is None or body == found.body:
        return found
    return replace(
        found, basis="chosen", body=body, version=None, words=f"导入时已由{body}处置。",
        words_en=f"It came by import, with {body} handling it.",
    )  # fmt: skip


def _read_histories(connection: Connection, rows: Sequence[Row[Any]]) -> dict[Any, Sequence[Row[Any] | chain.Event]]:
    """Read the histories of those incidents that have one."""
    found = connection.execute(_TOLD, {"ids": [str(row.id) for row in rows]}).all()
    return {key: list(events) for key, events in groupby(found, key=lambda row: row.incident_id)}


def _history(row: Row[Any], now: datetime) -> list[chain.Event]:
    """Begin a history with what is known of it."""
    events = [chain.Event(row.id, 0, "reported", None, None, row.reported_at)]
    if row.status != "reported":
        at = row.resolved_at if row.status == "resolved" and row.resolved_at else now
        events.append(chain.Event(row.id, 0, row.status, None, None, at, {"imported": row.status}))
    return events
