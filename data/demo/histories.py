"""What the demo's invented people did with its imported incidents: their histories, at the times that the city drew.

The import gives rows without a history, as a user's file has none; here each is told up to the status that its row
has, as the product would have written it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from data import chain
from data.chain import Event
from data.demo.xialu.incidents import Steps

HANDLERS = {"grid": "worker", "community": "community", "street": "street", "district": "department"}
REPORTERS = {"worker": "worker", "patrol": "community"}  # the rest came from residents and other systems
LEADERS = {
    "accepted": "dispatcher", "assigned": "dispatcher", "returned": "dispatcher", "paused": "dispatcher",
    "rejected": "dispatcher", "merged": "dispatcher", "reopened": "dispatcher_head", "verified": "dispatcher_head",
    "closed": "dispatcher", "rated": "dispatcher_head",
}  # fmt: skip
ASKED = {"returned": "return", "paused": "pause"}  # by the handler, and granted
NOTES = {
    "rejected": "现场核实，不属于受理范围（示例）。",
    "merged": "与此前上报的事件重复（示例）。",
    "returned": "不属于本单位职责，请重新派遣（示例）。",
    "paused": "需等待材料到场后施工（示例）。",
    "reopened": "复核未通过，请重新处置（示例）。",
}
_PEOPLE = text("SELECT login, id FROM account WHERE login = ANY (:logins)")
_INCIDENTS = text(
    "SELECT id, code, source, department, resolved_level FROM incident i WHERE code = ANY (:codes) "
    "AND NOT EXISTS (SELECT 1 FROM incident_event e WHERE e.incident_id = i.id) ORDER BY code"
)
_ASK = text(
    "INSERT INTO incident_request (incident_id, kind, reason, asked_by, asked_at, decided_by, decided_at, is_granted) "
    "VALUES (:id, :kind, :reason, :asked_by, :asked_at, :decided_by, :decided_at, true) RETURNING id"
)
_FORGET_COURSES = text("DELETE FROM case_course WHERE incident_id = ANY (CAST(:ids AS uuid[]))")


def tell(connection: Connection, steps: Mapping[str, Steps]) -> int:
    """Write the histories of imported incidents that have none yet, by the accounts of the demo; tells how many events.

    Nothing is announced and no clock starts: taking the open ones in is `api.services.admitting`.

    Parameters
    ----------
    connection
        Of the role that owns the tables, over a demo with its accounts.
    steps
        Code of an incident -> what it became and when; the last is what its row says.
    """
    logins = sorted({*HANDLERS.values(), *REPORTERS.values(), *LEADERS.values()})
    people = {row.login: row.id for row in connection.execute(_PEOPLE, {"logins": logins})}
    rows = connection.execute(_INCIDENTS, {"codes": list(steps)}).all()
    teller = _Teller(connection, people)
    # statistics follow each event by a trigger; a bulk load writes their rows once, at its end
    connection.execute(text("ALTER TABLE incident_event DISABLE TRIGGER course"))
    count = chain.begin_all(connection, (teller.history(row, steps[row.code]) for row in rows))
    connection.execute(text("ALTER TABLE incident_event ENABLE TRIGGER course"))
    connection.execute(_FORGET_COURSES, {"ids": [str(row.id) for row in rows]})
    connection.execute(text("SELECT fill_courses()"))
    return count


class _Teller:
    """Tells who took each step."""

    def __init__(self, connection: Connection, people: Mapping[str, int]) -> None:
        self._connection, self._people = connection, people

    def history(self, row: Row[Any], steps: Steps) -> Iterator[Event]:
        """Tell the history of one incident."""
        before = steps[0]
        for status, at in steps:
            detail = None
            if status in ASKED:
                asked = self._ask(row, before, (status, at))
                yield asked
                detail = {"granted": ASKED[status], "request": (asked.detail or {})["request"]}
            elif status == "rated" and row.source == "resident":
                detail = {"resident": True}
            yield Event(row.id, 0, status, NOTES.get(status), self._who(row, status), at, detail)
            before = (status, at)

    def _ask(self, row: Row[Any], before: tuple[str, datetime], granted: tuple[str, datetime]) -> Event:
        """Let the handler ask for what is granted, midway between the step before and the grant."""
        status, at = granted
        asked_at = (before[1] + (at - before[1]) / 2).replace(microsecond=0)
        who, kind, reason = self._handler(row), ASKED[status], NOTES[status]
        values = {"id": row.id, "kind": kind, "reason": reason, "asked_by": who, "asked_at": asked_at}
        values |= {"decided_by": self._who(row, status), "decided_at": at}
        request = self._connection.execute(_ASK, values).scalar_one()
        return Event(row.id, 0, before[0], reason, who, asked_at, {"asked": kind, "request": request})

    def _who(self, row: Row[Any], status: str) -> int | None:
        """Give the account that took a step; None of what came from outside."""
        if status == "reported":
            return self._people.get(REPORTERS.get(row.source, ""))
        if status == "rated" and row.source == "resident":
            return None
        return self._people[LEADERS[status]] if status in LEADERS else self._handler(row)

    def _handler(self, row: Row[Any]) -> int:
        """Give the account of the level that solved it, or else has it."""
        level = row.resolved_level or ("community" if row.department == "社区居委会" else "district")
        return self._people[HANDLERS[level]]
