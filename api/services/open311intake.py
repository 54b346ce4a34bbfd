"""Open311 GeoReport v2, the writing side: a form becomes a report, as any other.

Who reports (email, phone, names, device) is not kept: a system needs no account of its users to tell of a pothole.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, text

from api.errors import InvalidRequestError
from api.services import reporting, routing
from api.services.open311 import Service, find_jurisdiction, find_service, has_choices, read_time
from api.services.tokens import Client

MOST_FIELDS = 200
LONGEST = {"description": 4000, "address_string": 300, "address_id": 64, "media_url": 500}
LONGEST_ANSWER = {"text": 4000}
MOST_REACH_M = 100_000.0
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,40})\](\[\])?")
_UNIT = text(
    "SELECT ST_X(p) AS lon, ST_Y(p) AS lat FROM (SELECT ST_PointOnSurface(geom) AS p FROM unit WHERE code = :code) u"
)
_KEEP = text(
    "INSERT INTO open311_request (incident_id, requested_at, answers) "
    "VALUES (:incident_id, :requested_at, CAST(:answers AS jsonb))"
)
_NOTICE = text(
    "SELECT i.department, i.due_at, a.time_zone FROM incident i LEFT JOIN area a ON a.id = i.area_id WHERE i.id = :id"
)


@dataclass(frozen=True)
class Form:
    """What an app sent: fields, and the answers to the service's questions by their codes."""

    fields: dict[str, str]
    answers: dict[str, list[str]]

    def get(self, name: str) -> str:
        """Give a field; "" if it was not sent or is empty, which GeoReport says is the same."""
        return self.fields.get(name, "")


@dataclass(frozen=True)
class _Place:
    """A point, or the grid or area of which alone is known."""

    lon: float
    lat: float
    known: routing.Known | None


def read_form(body: bytes) -> Form:
    """Read a form.

    Raises
    ------
    InvalidRequestError
        If it is none, has a field twice, or text that can't be kept.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        why = f"must be a form in UTF-8 of at most {MOST_FIELDS} fields"
        raise InvalidRequestError(f"the body {why}", (("body", why),)) from None
    fields: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    for name, raw in pairs:
        value = raw.replace("\r\n", "\n").strip()
        if any(ord(one) < 32 and one not in "\n\t" for one in name + value):
            raise _invalid(name.strip()[:40], "must not contain control characters")
        asked = _ATTRIBUTE.fullmatch(name)
        if asked:
            answers.setdefault(asked[1], []).extend([value] if value else [])
        elif fields.setdefault(name, value) != value:
            raise _invalid(name[:40], "is given more than once")
    for name, longest in LONGEST.items():
        if len(fields.get(name, "")) > longest:
            raise _invalid(name, f"has {len(fields[name])} characters; at most {longest} are taken")
    return Form(fields, answers)


def submit(connection: Connection, client: Client, form: Form, now: datetime) -> list[dict[str, Any]]:
    """Take a request in: gives its number and what will be done.

    Raises
    ------
    InvalidRequestError
        If something is missing or can't be used; every fault is named.
    MissingError
        If there is no such service or jurisdiction.
    """
    jurisdiction = find_jurisdiction(connection, form.get("jurisdiction_id"))
    if not form.get("service_code"):
        raise _invalid("service_code", "was not provided")
    service = find_service(connection, form.get("service_code"))
    answers = _check_answers(service, form.answers)
    place = _find_place(connection, client, form, jurisdiction)
    around = place.known or routing.known_around(connection, lon=place.lon, lat=place.lat, at=now)
    if around is None or not client.covers(around.path):
        raise _invalid("lat", "and long lie outside the area of the api_key")
    report = reporting.Report(
        id=uuid4(), category=service.code, title=None, description=_describe(form, service, answers) or None,
        lon=place.lon, lat=place.lat, datum="wgs84",
        accuracy_m=None if place.known is None else min(place.known.reach_m, MOST_REACH_M), occurred_at=None,
    )  # fmt: skip
    reporter = reporting.Reporter(client.account_id, "resident")
    code, _ = reporting.take_in(connection, reporter, report, now, within=place.known)
    kept = {"incident_id": report.id, "requested_at": now, "answers": json.dumps(answers, ensure_ascii=False)}
    connection.execute(_KEEP, kept)
    notice = _notice(connection.execute(_NOTICE, {"id": report.id}).one())
    return [{"service_request_id": code, "service_notice": notice, "account_id": None}]


def _check_answers(service: Service, given: dict[str, list[str]]) -> dict[str, list[str]]:
    """Check the answers to a service's questions; gives those that were answered."""
    faults: list[tuple[str, str]] = []
    known = {one.code: one for one in service.questions}
    for code, values in given.items():
        question = known.get(code)
        if question is None:
            faults.append((f"attribute[{code}]", f"is no attribute of the service {service.code}"))
        else:
            faults += [(f"attribute[{code}]", why) for why in _faults(question, values)]
    for code, question in known.items():
        if question.is_required and not given.get(code):
            faults.append((f"attribute[{code}]", f"is required: {question.words}"))
    if faults:
        raise InvalidRequestError("; ".join(f"{name} {why}" for name, why in faults), tuple(faults))
    return {code: values for code, values in given.items() if values}


def _faults(question: Row[Any], values: list[str]) -> list[str]:
    """Say what is wrong with the answers to one question."""
    faults = []
    if len(values) > 1 and question.datatype != "multivaluelist":
        faults.append("takes one value")
    for value in values:
        shown = value[:40]
        if has_choices(question):
            if value not in question.choices:
                faults.append(f"{shown} must be one of {', '.join(question.choices)}")
        elif not _fits(question.datatype, value):
            faults.append(f"{shown} is no {question.datatype}")
    return faults


def _fits(datatype: str, value: str) -> bool:
    """Tell whether a value is of a datatype that has no choices."""
    if datatype == "number":
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    if datatype == "datetime":
        try:
            read_time("", value)
        except InvalidRequestError:
            return False
        return True
    return len(value) <= LONGEST_ANSWER.get(datatype, 200) and (datatype == "text" or "\n" not in value)


def _find_place(connection: Connection, client: Client, form: Form, jurisdiction: str | None) -> _Place:
    """Find the place: a point, else our code of an address, else the words of one in the district."""
    if form.get("lat") or form.get("long"):
        return _Place(_degrees(form, "long", 180), _degrees(form, "lat", 90), None)
    code = form.get("address_id")
    if code:
        unit = connection.execute(_UNIT, {"code": code}).one_or_none()
        if unit is not None:
            return _Place(unit.lon, unit.lat, None)
        return _middle(connection, code, f"{code} is no code of a building, grid or area here")
    if not form.get("address_string"):
        raise _invalid("lat", "and long, or address_string, or address_id is needed")
    path = client.path or jurisdiction
    found = routing.code_of(connection, path) if path else None
    return _middle(connection, found, "alone needs jurisdiction_id beside it", name="address_string")


def _middle(connection: Connection, code: str | None, why: str, *, name: str = "address_id") -> _Place:
    """Give the middle of a grid or an area, of which alone is known."""
    known = routing.known_place(connection, code) if code else None
    if known is None:
        raise _invalid(name, why)
    return _Place(known.lon, known.lat, known)


def _degrees(form: Form, name: str, most: float) -> float:
    """Read a coordinate."""
    value = form.get(name)
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not -most <= found <= most:
        why = f"{value[:40]} must be a number from -{most:g} to {most:g}" if value else "is needed beside the other"
        raise _invalid(name, why)
    return found


def _describe(form: Form, service: Service, answers: dict[str, list[str]]) -> str:
    """Put what was said together, for those who handle it."""
    lines = [form.get("description")]
    for one in service.questions:
        if one.code in answers:
            lines.append(f"{one.words} {'、'.join(one.choices.get(value, value) for value in answers[one.code])}")
    if form.get("address_string"):
        lines.append(f"地址：{form.get('address_string')}")
    media = form.get("media_url")
    if media:
        if urlsplit(media).scheme not in ("http", "https") or any(one.isspace() for one in media):
            raise _invalid("media_url", f"{media[:40]} must be an address such as https://host/photo.jpg")
        lines.append(f"图片：{media}")
    return "\n".join(line for line in lines if line)


def _notice(row: Row[Any]) -> str:
    """Say who has it, and until when."""
    if row.due_at is None:
        return f"已登记，由{row.department}处置 Registered; handled by {row.department}"
    due = row.due_at.astimezone(ZoneInfo(row.time_zone or "Asia/Shanghai"))
    return (
        f"已登记，由{row.department}处置，期限{due:%Y年%m月%d日 %H:%M} "
        f"Registered; handled by {row.department}, due {due:%Y-%m-%d %H:%M}"
    )


def _invalid(name: str, why: str) -> InvalidRequestError:
    """Refuse one field."""
    return InvalidRequestError(f"{name} {why}", ((name, why),))
