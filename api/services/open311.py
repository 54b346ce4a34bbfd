"""Open311 GeoReport v2, the reading side: what may be reported, and what everyone may know of what was.

Only what came through Open311 is shown: the reporters of other ways did not ask for it to be public. Nobody's words are
shown, and a place is rounded to a thousandth of a degree (about 100 m).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from api.errors import InvalidRequestError, MissingError
from data.catalogue.categories import spellings
from data.tables.integrations import LISTS

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
FORMATS = ("text/xml", "application/json")
LONGEST = timedelta(days=90)
MOST = 1000
MOST_PAGES = 10_000
CLOSED = frozenset({"closed", "rated", "rejected"})
NOTES = {
    "reported": "已登记 Registered", "accepted": "已受理 Accepted", "assigned": "已派遣 Assigned",
    "in_progress": "处置中 In progress", "paused": "暂缓处置 Paused", "returned": "重新派遣中 Being reassigned",
    "resolved": "已处置，待核查 Resolved, to be verified", "verified": "已核查，待结案 Verified, to be closed",
    "closed": "已结案 Closed", "rated": "已结案 Closed", "rejected": "不予受理 Not accepted",
    "reopened": "重新办理 Reopened",
}  # fmt: skip
_SERVICES = """
SELECT c.code, c.name, c.name_en, c.department, p.name AS group_name,
  EXISTS (SELECT 1 FROM category_question q WHERE q.category = c.code) AS has_questions
FROM category c LEFT JOIN category p ON p.code = c.parent
WHERE NOT EXISTS (SELECT 1 FROM category f WHERE f.parent = c.code) AND NOT is_dispute(c.code)
"""
_QUESTIONS = text(
    "SELECT code, position, datatype, is_required, words, hint, choices FROM category_question "
    "WHERE category = :category ORDER BY position, code"
)
_REQUESTS = text(
    "SELECT * FROM open311_requests(CAST(:codes AS text[]), CAST(:services AS text[]), :since, :until, "
    "  CAST(:is_closed AS boolean), CAST(:area AS ltree), :most, :skip)"
)


@dataclass(frozen=True)
class Asked:
    """Which requests a list shall have.

    Attributes
    ----------
    codes
        Their numbers; then nothing else counts.
    services
        Their kinds; none is every kind.
    since, until
        When they came in, both included.
    is_closed
        None is open and closed.
    most, skip
        Of the list, newest first.
    """

    codes: tuple[str, ...] | None
    services: tuple[str, ...] | None
    since: datetime
    until: datetime
    is_closed: bool | None
    most: int
    skip: int


@dataclass(frozen=True)
class Service:
    """A kind of request."""

    code: str
    name: str
    questions: tuple[Row[Any], ...]


def discovery(connection: Connection, url: str) -> dict[str, Any]:
    """Say what there is, and where; `changeset` is when the services changed last."""
    changed = connection.execute(text("SELECT max(at) FROM catalogue_change")).scalar() or datetime.fromtimestamp(
        0, UTC
    )
    return {
        "changeset": written(changed),
        "contact": "请联系本平台的运维人员 Ask the operators of this map",
        "key_service": "由本平台的运维人员发放 Keys are given by the operators of this map",
        "endpoints": [
            {
                "specification": SPECIFICATION, "url": url, "changeset": written(changed), "type": "production",
                "formats": list(FORMATS),
            }
        ],
    }  # fmt: skip


def find_jurisdiction(connection: Connection, jurisdiction: str) -> str | None:
    """Find the path of a district by its code; None of an empty one, which is every district.

    Raises
    ------
    MissingError
        If there is no such district.
    """
    if not jurisdiction:
        return None
    path: str | None = connection.execute(
        text("SELECT path::text FROM area WHERE level = 'district' AND code = :code"), {"code": jurisdiction}
    ).scalar()
    if path is None:
        raise MissingError(f"jurisdiction_id {jurisdiction} was not found; it is the code of a district, or left out")
    return path


def services(connection: Connection) -> list[dict[str, Any]]:
    """List what may be reported; disputes are not reported in public."""
    return [
        {
            "service_code": row.code,
            "service_name": row.name,
            "description": " ".join(filter(None, (row.name, row.name_en))),
            "metadata": row.has_questions,
            "type": "realtime",
            "keywords": ", ".join(filter(None, (row.group_name, row.name_en, row.department))),
            "group": row.group_name,
        }
        for row in connection.execute(text(_SERVICES + " ORDER BY c.code"))
    ]


def find_service(connection: Connection, code: str) -> Service:
    """Find a kind of request by its code of either width, and what is asked about it.

    Raises
    ------
    MissingError
        If there is none that may be reported.
    """
    row = connection.execute(text(_SERVICES + " AND c.code = ANY (:codes)"), {"codes": list(spellings(code))}).first()
    if row is None:
        raise MissingError(f"service_code {code} was not found")
    return Service(row.code, row.name, tuple(connection.execute(_QUESTIONS, {"category": row.code})))


def definition(connection: Connection, code: str) -> dict[str, Any]:
    """Say what is asked about a kind of request."""
    found = find_service(connection, code)
    return {
        "service_code": found.code,
        "attributes": [
            {
                "variable": True, "code": one.code, "datatype": one.datatype, "required": one.is_required,
                "datatype_description": one.hint, "order": one.position, "description": one.words,
                "values": [{"key": key, "name": name} for key, name in one.choices.items()],
            }
            for one in found.questions
        ],
    }  # fmt: skip


def read_asked(given: dict[str, list[str]], now: datetime) -> Asked:
    """Read the parameters of a list; empty ones are as if not given, unknown ones are left alone.

    Parameters
    ----------
    given
        All values of each parameter; each may hold several with commas between them.

    Raises
    ------
    InvalidRequestError
        If one can't be used; the message names the value and the limit.
    """
    codes = _several(given, "service_request_id")
    if len(codes) > MOST:
        raise _invalid("service_request_id", f"names {len(codes)} requests; at most {MOST} are given at once")
    statuses = set(_several(given, "status"))
    if statuses - {"open", "closed"}:
        raise _invalid("status", f"{', '.join(sorted(statuses - {'open', 'closed'}))} must be open or closed")
    since, until = _span(_one(given, "start_date"), _one(given, "end_date"), now)
    page = _whole(given, "page", 1, MOST_PAGES)
    most = _whole(given, "page_size", MOST, MOST)
    kinds = tuple(spelling for code in _several(given, "service_code") for spelling in spellings(code))
    return Asked(
        codes or None, kinds or None, since, until, None if len(statuses) != 1 else statuses == {"closed"}, most,
        (page - 1) * most,
    )  # fmt: skip


def requests(connection: Connection, asked: Asked, area: str | None) -> list[dict[str, Any]]:
    """List requests, newest first."""
    values = {
        "codes": None if asked.codes is None else list(asked.codes),
        "services": None if asked.services is None else list(asked.services), "since": asked.since,
        "until": asked.until, "is_closed": asked.is_closed, "area": area, "most": asked.most, "skip": asked.skip,
    }  # fmt: skip
    return [_request(row) for row in connection.execute(_REQUESTS, values)]


def one_request(connection: Connection, code: str, area: str | None, now: datetime) -> list[dict[str, Any]]:
    """Give one request, in a list of one.

    Raises
    ------
    MissingError
        If there is none that is public.
    """
    found = requests(connection, Asked((code,), None, now, now, None, 1, 0), area)
    if not found:
        raise MissingError(f"service_request_id {code} was not found")
    return found


def written(at: datetime) -> str:
    """Write a time as W3C's note has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def has_choices(question: Row[Any]) -> bool:
    """Tell whether a question is answered from a list."""
    return question.datatype in LISTS


def _request(row: Row[Any]) -> dict[str, Any]:
    """Write a request as everyone may know it."""
    note = NOTES.get(row.status, row.status)
    return {
        "service_request_id": row.code,
        "status": "closed" if row.status in CLOSED else "open",
        "status_notes": f"{note}（与同一事项合并办理 handled with another report of it）" if row.is_joined else note,
        "service_name": row.name,
        "service_code": row.category,
        "description": None,
        "agency_responsible": row.department,
        "service_notice": None,
        "requested_datetime": written(row.requested_at),
        "updated_datetime": written(row.updated_at),
        "expected_datetime": written(row.due_at) if row.due_at else None,
        "address": row.address,
        "address_id": row.address_id,
        "zipcode": None,
        "lat": float(row.lat),
        "long": float(row.lon),
        "media_url": None,
    }


def _span(start: str, end: str, now: datetime) -> tuple[datetime, datetime]:
    """Read from when to when; what is left out makes it 90 days."""
    since = read_time("start_date", start) if start else None
    until = read_time("end_date", end) if end else None
    try:
        if since is None:
            until = until or now
            since = until - LONGEST
        elif until is None:
            until = min(now, since + LONGEST) if since < now else since + LONGEST
    except OverflowError:
        raise _invalid("start_date", "and end_date lie outside the years 1 to 9999") from None
    if until < since:
        raise _invalid("end_date", f"{end or written(until)} comes before start_date {start}")
    if until - since > LONGEST:
        raise _invalid("end_date", f"{end} is {(until - since).days} days after start_date; at most 90 may lie between")
    return since, until


def read_time(name: str, value: str) -> datetime:
    """Read a time as W3C's note has it, with its zone; a plus sign that came as a blank is one.

    Raises
    ------
    InvalidRequestError
        If it is none.
    """
    try:
        found = datetime.fromisoformat(value.replace(" ", "+"))
        if found.tzinfo is None or "T" not in value:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _invalid(name, f"{value} must be as 2010-01-01T00:00:00Z, with Z or an offset") from None


def _several(given: dict[str, list[str]], name: str) -> tuple[str, ...]:
    """Split values with commas between them."""
    parts: Sequence[str] = [part.strip() for value in given.get(name, ()) for part in value.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def _one(given: dict[str, list[str]], name: str) -> str:
    """Take a parameter that may be given once; "" if it is not."""
    values = [value.strip() for value in given.get(name, ()) if value.strip()]
    if len(values) > 1:
        raise _invalid(name, "is given more than once")
    return values[0] if values else ""


def _whole(given: dict[str, list[str]], name: str, default: int, most: int) -> int:
    """Read a whole number from 1 on."""
    value = _one(given, name)
    if not value:
        return default
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= most):
        raise _invalid(name, f"{value} must be a whole number from 1 to {most}")
    return int(value)


def _invalid(name: str, why: str) -> InvalidRequestError:
    """Refuse one parameter."""
    return InvalidRequestError(f"{name} {why}", ((name, why),))
