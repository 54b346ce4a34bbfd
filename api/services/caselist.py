"""The list of incidents that a desk works through: filtered, by deadline or newest first, in pages."""

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from api.errors import InvalidRequestError
from api.services.items import parse_bbox, search_pattern
from data.statistics.parts import PART_SQL
from layers.incident import INCIDENT_SOURCES, OPEN_SQL, OVERDUE_SQL, PRESSING_SQL
from layers.query import ItemQuery, Sight, count_sql
from layers.registry import get_layer
from layers.tables import INCIDENT_STATUSES, WARNING_LEVELS

Order = Literal["due", "newest"]
DUE = "coalesce(t.due_at, 'infinity')"  # what has no deadline comes last; an index has it so
MOST_VALUES = 20
MOST_IDS = 100

# parameter: condition on the row, and what kind of values it takes
_CONDITIONS: dict[str, tuple[str, str]] = {
    "status": ("t.status = ANY (%(status)s::text[])", "statuses"),
    "source": ("t.source = ANY (%(source)s::text[])", "sources"),
    "department": ("coalesce(t.department, '-') = ANY (%(department)s::text[])", "texts"),  # "-": none is stated
    "id": ("t.id = ANY (%(id)s::uuid[])", "ids"),
    "category": (
        "t.category IN (SELECT c.code FROM category c WHERE c.code = ANY (%(category)s::text[]) "
        "OR c.parent = ANY (%(category)s::text[]))", "texts",
    ),
    "reported_from": ("t.reported_at >= %(reported_from)s::timestamptz", "time"),
    "reported_before": ("t.reported_at < %(reported_before)s::timestamptz", "time"),
    "warning_level": ("t.warning_level = ANY (%(warning_level)s::text[])", "levels"),
    "due_before": ("t.due_at < %(due_before)s::timestamptz", "time"),
}  # fmt: skip
ASKED_SQL = "EXISTS (SELECT 1 FROM incident_request r WHERE r.incident_id = t.id AND r.decided_at IS NULL)"
SUPERVISED_SQL = "EXISTS (SELECT 1 FROM supervision s WHERE s.incident_id = t.id AND s.closed_at IS NULL)"
_FLAGS = {
    "is_open": (OPEN_SQL, f"NOT {OPEN_SQL}"),
    "is_overdue": (OVERDUE_SQL, f"NOT {OVERDUE_SQL}"),
    "is_pressing": (PRESSING_SQL, f"NOT {PRESSING_SQL}"),
    "is_supervised": (SUPERVISED_SQL, f"NOT {SUPERVISED_SQL}"),
    "is_asked": (ASKED_SQL, f"NOT {ASKED_SQL}"),
    "is_mine": ("t.reported_by = (SELECT scope_account())", "t.reported_by IS DISTINCT FROM (SELECT scope_account())"),
}
_CHOICES = {"statuses": INCIDENT_STATUSES, "sources": INCIDENT_SOURCES, "levels": WARNING_LEVELS}


@dataclass(frozen=True)
class CaseRequest:
    """A checked request for a page of incidents.

    Attributes
    ----------
    query
        Its shape, from which the SQL follows.
    values
        Its values.
    order
        By deadline, or newest first.
    """

    query: ItemQuery
    values: dict[str, Any]
    order: Order

    def located(self, kind: str, path: str, code: str) -> "CaseRequest":
        """Limit the list to an area or a grid."""
        value = code if kind == "grid" else path
        return replace(self, query=replace(self.query, within=kind), values={**self.values, "within": value})


def parse_request(given: dict[str, Any]) -> CaseRequest:
    """Check the parameters of a list of incidents.

    Parameters
    ----------
    given
        Parameter to value: text, or truth values for the flags; what is None was not given. `within` and `limit` are
        the caller's.

    Raises
    ------
    InvalidRequestError
        If a parameter can't be used; the message says which and why.
    """
    order: Order = given["order"]
    conditions: list[str] = []
    values: dict[str, Any] = {}
    for name, (condition, kind) in _CONDITIONS.items():
        if given[name] is not None:
            conditions.append(condition)
            values[name] = given[name].isoformat() if kind == "time" else _several(name, given[name], kind)
    if given["part"] is not None:
        conditions.append(_part(given["part"]))
    conditions += [yes if given[name] else no for name, (yes, no) in _FLAGS.items() if given[name] is not None]
    query = ItemQuery(conditions=tuple(conditions), ascending_by=DUE if order == "due" else "")
    if given["bbox"] is not None:
        boxes, box = parse_bbox(given["bbox"])
        query, values = replace(query, boxes=boxes), values | box
    if given["q"] is not None:
        query, values = replace(query, is_search=True), {**values, "q": search_pattern(given["q"])}
    if given["cursor"] is not None:
        query, values = replace(query, is_next=True), values | _parse_cursor(given["cursor"], order)
    return CaseRequest(query, values, order)


def tally_sql(seen: Sight, found: CaseRequest) -> str:
    """Write the query of a list's counts: a row a status with how many there are, press, and wait for a decision."""
    columns = (
        f"t.status, count(*), count(*) FILTER (WHERE {PRESSING_SQL}), count(*) FILTER (WHERE {ASKED_SQL}), "
        "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    )
    return f"{count_sql(get_layer('incident'), seen, found.query, columns)} GROUP BY t.status"


def make_page(rows: list[tuple[Any, ...]], order: Order, limit: int) -> bytes:
    """Write a FeatureCollection from the rows of `item_sql`, which was asked for one more than the page holds."""
    kept = rows[:limit]
    cursor = None
    if len(rows) > limit:
        cursor = base64.urlsafe_b64encode(orjson.dumps([order, kept[-1][1], kept[-1][2]])).decode().rstrip("=")
    features = ",".join(row[0] for row in kept)
    return (
        f'{{"type":"FeatureCollection","features":[{features}],"next_cursor":{orjson.dumps(cursor).decode()}}}'
    ).encode()


def _part(name: str) -> str:
    """Write the condition of a part of the statistics: the list behind a figure."""
    if name not in PART_SQL:
        why = f"{name!r} is no part; GET /api/statistics/definitions lists them"
        raise InvalidRequestError(f"'part': {why}", (("part", why),))
    return f"t.id IN (SELECT t.incident_id FROM case_course t WHERE {PART_SQL[name]})"


def parse_ids(name: str, text: str) -> list[str]:
    """Read the identities of a parameter."""
    try:
        found = [str(UUID(one)) for one in text.split(",")]
    except ValueError:
        found = []
    if not 1 <= len(found) <= MOST_IDS:
        raise InvalidRequestError(
            f"{name!r} must be 1 to {MOST_IDS} UUIDs with commas between them", ((name, text[:100]),)
        )
    return found


def _several(name: str, text: str, kind: str) -> list[str]:
    """Read values with commas between them, any of which will do."""
    if kind == "ids":
        return parse_ids(name, text)
    found = text.split(",")
    choices = _CHOICES.get(kind)
    if len(found) > MOST_VALUES or not all(found):
        raise InvalidRequestError(
            f"{name!r} must be 1 to {MOST_VALUES} values with commas between them", ((name, text),)
        )
    wrong = [one for one in found if choices and one not in choices]
    if wrong:
        why = f"{wrong[0]!r} is none of {', '.join(choices or ())}"
        raise InvalidRequestError(f"{name!r}: {why}", ((name, why),))
    return found


def _parse_cursor(text: str, order: Order) -> dict[str, str]:
    """Read a cursor that this list gave; anything else is refused before it reaches PostgreSQL."""
    refused = InvalidRequestError("'cursor' is not one that this list gave", (("cursor", "is not of this list"),))
    try:
        given, key, row_id = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        if given != order:
            raise refused
        after = key if key == "infinity" and order == "due" else datetime.fromisoformat(key).isoformat()
        return {"after_key": after, "after_id": str(UUID(row_id))}
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise refused from None
