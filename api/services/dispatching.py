"""Give an incident to another department than the rules gave it to: stored as a route of its own, with who and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from api.errors import InvalidRequestError

_KNOWN = (
    "SELECT department AS name FROM category WHERE department IS NOT NULL "
    "UNION SELECT body FROM routing_rule WHERE version = (SELECT max(version) FROM routing_book) "
    "UNION SELECT department FROM membership WHERE department <> ''"
)
_DEPARTMENTS = text(f"SELECT name FROM ({_KNOWN}) k ORDER BY name")
_IS_KNOWN = text(f"SELECT EXISTS (SELECT 1 FROM ({_KNOWN}) k WHERE name = :name)")
_GIVE = text("UPDATE incident SET department = :body WHERE id = :id")
_KEEP = text(
    "INSERT INTO incident_route (incident_id, seq, at, basis, body, path, grid_code, words, words_en) "
    "SELECT i.id, coalesce((SELECT max(r.seq) FROM incident_route r WHERE r.incident_id = i.id), 0) + 1, :at, "
    "  'chosen', :body, i.path, i.grid_code, :words, :words_en FROM incident i WHERE i.id = :id"
)


def departments(connection: Connection) -> list[str]:
    """Name all who may be given incidents: those of the catalogue, of the routing rules, and those with accounts."""
    return list(connection.execute(_DEPARTMENTS).scalars())


def redirect(connection: Connection, incident: Row[Any], body: str | None, now: datetime) -> dict[str, Any] | None:
    """Give an incident to a department; the caller holds its row.

    Returns
    -------
    detail
        For its history; None where it is the department's already, or none is named.

    Raises
    ------
    InvalidRequestError
        If there is no such department.
    """
    if body is None or body == incident.department:
        return None
    if not connection.execute(_IS_KNOWN, {"name": body}).scalar_one():
        why = f"there is no department {body!r}"
        raise InvalidRequestError(why, (("department", why),))
    before = incident.department
    words = f"派遣时改由{body}处置" + (f"，原为{before}。" if before else "。")
    words_en = f"Given to {body} by hand" + (f", before that {before}." if before else ".")
    connection.execute(_GIVE, {"id": incident.id, "body": body})
    connection.execute(_KEEP, {"id": incident.id, "at": now, "body": body, "words": words, "words_en": words_en})
    return {"department": body, "before": before}
