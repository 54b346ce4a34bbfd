"""Hand-overs that 110 and 12345 give us: each once, by the list of what they may, and sealed if it is a dispute."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError
from api.services import reporting, routing
from api.services.tokens import Client
from data import audit
from data.catalogue.categories import spellings
from data.integrations.scopelist import ScopeRule, newest_scope
from geo.datum import Datum, to_wgs84

MOST_REACH_M = 100_000.0
WORDS = ("words", "address", "parties", "cause", "nature", "demand")
DISPUTED = ("parties", "cause", "nature", "demand")
FACTS = ("kind", "code", "category", "occurred_at", "area_code", "lon", "lat", "datum")
PLACE = ("area_code", "lon", "lat", "datum")  # of a dispute as sealed as its words
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:system || ' ' || :external_id, 12))")
COLUMNS = (
    "h.id, h.direction, h.system, h.external_id, h.kind, h.code, h.category, h.status, h.reason, h.scope_version, "
    "h.at, h.incident_id, i.code AS receipt"
)
_KNOWN = text(
    f"SELECT {COLUMNS}, h.content, h.digests FROM handover h LEFT JOIN incident i ON i.id = h.incident_id "
    "WHERE h.direction = 'in' AND h.system = :system AND h.external_id = :external_id"
)
INSERT = text(
    "INSERT INTO handover (id, direction, system, external_id, kind, code, category, incident_id, status, reason, "
    "  scope_version, at, account_id, path, content, digests) "
    "VALUES (:id, :direction, :system, :external_id, :kind, :code, :category, :incident_id, :status, :reason, "
    "  :scope_version, :at, :account_id, CAST(:path AS ltree), CAST(:content AS jsonb), CAST(:digests AS jsonb)) "
    "ON CONFLICT DO NOTHING"
)
_SEAL = text(
    "INSERT INTO handover_detail (handover_id, parties, cause, nature, demand, words, address, lon, lat) "
    "VALUES (:handover_id, :parties, :cause, :nature, :demand, :words, :address, :lon, :lat)"
)


@dataclass(frozen=True)
class Sent:
    """What a system hands over.

    Attributes
    ----------
    external_id
        Its own number of the matter; sent again under it, it is the same hand-over.
    kind
        `dispute`, whose words and exact place are sealed, or `matter`.
    code, category
        The system's own code of the list, or our category; one of them at least.
    lon, lat, datum
        The place; without them `area_code` (of an area or a grid), else the token's area with `address`.
    parties, cause, nature, demand
        Of a dispute: 当事方, 起因, 性质, 诉求.
    """

    system: str
    external_id: str
    kind: str
    code: str | None
    category: str | None
    lon: float | None
    lat: float | None
    datum: Datum | None
    area_code: str | None
    address: str | None
    occurred_at: datetime | None
    words: str | None
    parties: str | None
    cause: str | None
    nature: str | None
    demand: str | None

    @property
    def is_dispute(self) -> bool:
        """Whether its words are sealed."""
        return self.kind == "dispute"


@dataclass(frozen=True)
class _Place:
    """Where a hand-over lies: the point, if one was given, and the grid or area around it."""

    known: routing.Known
    lon: float | None
    lat: float | None


def receive(connection: Connection, client: Client, sent: Sent, now: datetime) -> tuple[dict[str, Any], bool]:
    """Take a hand-over in, once: it becomes an incident, or is refused with the reason; both are kept.

    Returns
    -------
    answer, is_new
        `status` is `accepted` or `refused`; the same hand-over again gets the same answer.

    Raises
    ------
    ForbiddenError
        If the token is another system's.
    InvalidRequestError
        If its parts do not go together, or its place is not known.
    ConflictError
        If another hand-over came under its number; it says in which fields the two differ.
    """
    if client.system != sent.system:
        raise ForbiddenError(
            f"the token of {client.name} is of {client.system}; it hands nothing over for {sent.system}"
        )
    _check(sent)
    key = {"system": sent.system, "external_id": sent.external_id}
    connection.execute(_LOCK, key)  # a second request under the number waits for the first one's answer
    row = connection.execute(_KNOWN, key).one_or_none()
    if row is not None:
        _check_same(row, sent)
        return _answer(row), False
    version, rules = newest_scope(connection, sent.system)
    rule, reason = _decide(sent, version, rules)
    place = _find_place(connection, client, sent, now)
    if reason is None and not client.covers(place.known.path):
        reason = f"地点在{place.known.name}，不在该令牌的辖区内"
    values = _values(client, sent, version, place, now)
    if reason is None and rule is not None:
        values |= {"status": "accepted", "incident_id": uuid4(), "category": rule.category}
        report, known = _report(sent, rule, place.known, values["incident_id"])
        reporter = reporting.Reporter(client.account_id, sent.system)
        reporting.take_in(connection, reporter, report, now, within=known)
    else:
        values |= {"status": "refused", "reason": reason}
    if not connection.execute(INSERT, values).rowcount:
        raise ConflictError(f"{sent.system} handed {sent.external_id} over with the token of another name")
    if sent.is_dispute and values["status"] == "accepted":
        _seal(connection, sent, place, values["id"])
    audit.record(
        connection, f"handover.{values['status']}", account_id=client.account_id, subject=sent.external_id,
        system=sent.system, version=version,
    )  # fmt: skip
    return _answer(connection.execute(_KNOWN, key).one()), True


def _check(sent: Sent) -> None:
    """Refuse what does not go together, whatever the list says."""
    point = (sent.lon, sent.lat, sent.datum)
    faults: list[tuple[str, str]] = []
    if any(one is None for one in point) and any(one is not None for one in point):
        missing = [name for name, one in zip(("lon", "lat", "datum"), point, strict=True) if one is None]
        faults += [(name, "is needed where a point is given") for name in missing]
    if sent.code is None and sent.category is None:
        faults.append(("code", "is needed, or category"))
    if not sent.is_dispute:
        faults += [
            (f"dispute.{name}", "goes with kind 'dispute' only") for name in DISPUTED if getattr(sent, name) is not None
        ]
    if sent.lon is None and sent.area_code is None and sent.address is None:
        faults.append(("lon", "is needed with lat and datum; or area_code, or address"))
    if faults:
        raise InvalidRequestError("; ".join(f"{name!r} {why}" for name, why in faults), tuple(faults))


def _decide(sent: Sent, version: int | None, rules: tuple[ScopeRule, ...]) -> tuple[ScopeRule | None, str | None]:
    """Find the line of the list that decides, and why the matter is refused; None where it is taken."""
    book = f"分流转办清单第{version}版" if version else "尚未载入分流转办清单"
    if sent.code is not None:
        rule = next((one for one in rules if one.code == sent.code), None)
        if rule is None:
            return None, f"{book}没有{sent.system}的编码{sent.code}"
        _check_rule(sent, rule)
        return rule, None if rule.is_accepted else rule.reason
    codes = spellings(sent.category or "")
    fitting = [one for one in rules if one.is_accepted and one.category in codes and one.kind == sent.kind]
    return (fitting[0], None) if fitting else (None, f"{book}不含{sent.system}转来的{sent.category}类事项")


def _check_rule(sent: Sent, rule: ScopeRule) -> None:
    """Refuse what the list says otherwise of a code: a dispute must not come unsealed under another kind."""
    if sent.kind != rule.kind:
        why = f"is {sent.kind!r}, but {rule.code} ({rule.name}) is {rule.kind!r}"
        raise InvalidRequestError(f"'kind' {why}", (("kind", why),))
    if sent.category is not None and rule.category is not None and rule.category not in spellings(sent.category):
        why = f"is {sent.category}, but {rule.code} ({rule.name}) is {rule.category}"
        raise InvalidRequestError(f"'category' {why}", (("category", why),))


def _find_place(connection: Connection, client: Client, sent: Sent, now: datetime) -> _Place:
    """Find where it is, as finely as was said."""
    if sent.lon is not None and sent.lat is not None and sent.datum is not None:
        lon, lat = to_wgs84([[sent.lon, sent.lat]], sent.datum)[0].tolist()
        known = routing.known_around(connection, lon=lon, lat=lat, at=min(sent.occurred_at or now, now))
        if known is None:
            raise _unknown("lon", "there is no district on this map yet that could take a hand-over")
        return _Place(known, lon, lat)
    code = sent.area_code or routing.code_of(connection, client.path)
    known = routing.known_place(connection, code) if code else None
    if known is not None:
        return _Place(known, None, None)
    if sent.area_code is None:
        raise _unknown("area_code", "is needed beside an address, as the token is for every area")
    raise _unknown("area_code", f"there is no area or grid with the code {sent.area_code}")


def _unknown(name: str, why: str) -> InvalidRequestError:
    """Say that a place is not known."""
    return InvalidRequestError(f"{name!r}: {why}", ((name, why),))


def _values(client: Client, sent: Sent, version: int | None, place: _Place, now: datetime) -> dict[str, Any]:
    """Make the row, as far as it is the same whatever is decided."""
    hidden = {*WORDS, *(PLACE if sent.is_dispute else ())}
    return {
        "id": uuid4(), "direction": "in", "system": sent.system, "external_id": sent.external_id, "kind": sent.kind,
        "code": sent.code, "category": sent.category, "incident_id": None, "reason": None, "scope_version": version,
        "at": now, "account_id": client.account_id, "path": place.known.path,
        "content": json.dumps({name: _plain(sent, name) for name in FACTS if name not in hidden}),
        "digests": json.dumps({name: _digest(_plain(sent, name)) for name in sorted(hidden)}),
    }  # fmt: skip


def _report(
    sent: Sent, rule: ScopeRule, known: routing.Known, incident_id: UUID
) -> tuple[reporting.Report, routing.Known | None]:
    """Make a report of it, and say what alone is known of its place; of a dispute only what it is and about where."""
    description = "\n".join(filter(None, (sent.words, sent.address and f"地址：{sent.address}")))
    report = reporting.Report(
        id=incident_id, category=rule.category or "", title=rule.name if sent.code else None,
        description=None if sent.is_dispute else description or None, lon=known.lon, lat=known.lat, datum="wgs84",
        accuracy_m=min(known.reach_m, MOST_REACH_M), occurred_at=sent.occurred_at,
    )  # fmt: skip
    if sent.is_dispute or sent.lon is None or sent.lat is None or sent.datum is None:
        return report, known
    return replace(report, lon=sent.lon, lat=sent.lat, datum=sent.datum, accuracy_m=None), None


def _seal(connection: Connection, sent: Sent, place: _Place, handover_id: UUID) -> None:
    """Put the words and the exact place of a dispute away."""
    sealed = {name: getattr(sent, name) for name in WORDS}
    connection.execute(_SEAL, {**sealed, "handover_id": handover_id, "lon": place.lon, "lat": place.lat})


def _check_same(row: Row[Any], sent: Sent) -> None:
    """Refuse another hand-over under a number that was used; of words it is told that they differ, not how."""
    differing: list[dict[str, Any]] = [
        {"field": name, "received": received, "sent": _plain(sent, name)}
        for name, received in row.content.items() if received != _plain(sent, name)
    ]  # fmt: skip
    differing += [{"field": name} for name, received in row.digests.items() if received != _digest(_plain(sent, name))]
    if differing:
        errors = tuple((one["field"], "differs from what was received") for one in differing)
        names = ", ".join(one["field"] for one in differing)
        why = f"{sent.system} handed another matter over as {sent.external_id} already: they differ in {names}"
        raise ConflictError(why, errors, {"differences": differing})


def _plain(sent: Sent, name: str) -> Any:
    """Give a field as JSON has it."""
    value = getattr(sent, name)
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(value: Any) -> str | None:
    """Hash a field that is not kept."""
    return None if value is None else hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


def _answer(row: Row[Any]) -> dict[str, Any]:
    """Give what the other system is told."""
    names = ("id", "system", "external_id", "status", "reason", "scope_version", "at", "incident_id", "receipt")
    return {name: getattr(row, name) for name in names}
