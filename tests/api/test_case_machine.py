"""The life of incidents against a model, through the HTTP API and the database (hypothesis, stateful).

The model knows of each incident its status, who resolved it last, the open request and what it was joined into; from
`docs/access.md` alone it says for every step of every account which answer must come. After each step the history of
every incident is intact and ends at its status, its clock stands still exactly where the model says, and its due time
is what follows from its history.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text

from data import chain
from data.deadlines import store as deadlines

LEADERS = {"community", "street", "dispatcher"}
PEOPLE = ("worker", "community", "street", "dispatcher", "chief")
ROLE = {**{one: one for one in PEOPLE}, "chief": "dispatcher"}
STANDING = {"paused", "resolved", "verified", "closed", "rated", "rejected", "merged"}
ENDED = {"closed", "rated", "rejected", "merged"}
ASKED = {"paused": "pause", "returned": "return"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"


def moves_of_the_page() -> dict[tuple[str, str], set[str]]:
    """Read whose move it is from one status to another."""
    section = DOCUMENT.read_text("utf-8").split("## Moves of an incident")[1]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {(status.strip(), to.strip()): set(whose.replace(" ", "").split(",")) for status, to, whose in rows}


MOVES = moves_of_the_page()


@dataclass
class Case:
    """What the model knows of an incident."""

    status: str = "reported"
    resolver: str | None = None
    waiting: tuple[int, str, str] | None = None  # number, kind, who asked
    into: str | None = None
    before: str | None = None
    events: int = 1
    holds: set[str] = field(default_factory=set)


class Cases(RuleBasedStateMachine):
    """Reports, moves, requests, decisions, joining and parting by five accounts."""

    make: Callable[[str], TestClient]
    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.cases: dict[str, Case] = {}

    def post(self, who: str, path: str, **sent: object) -> tuple[int, dict]:
        answer = self.make(who).post(f"/api/incidents/{path}", json=sent)
        return answer.status_code, answer.json()

    @initialize()
    def two_reports(self) -> None:
        for _ in range(2):
            self.report("worker")

    @precondition(lambda self: len(self.cases) < 4)
    @rule(who=st.sampled_from(PEOPLE))
    def report(self, who: str) -> None:
        identity = str(uuid.uuid4())
        sent = {"category": "litter", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
        answers = [self.make(who).put(f"/api/incidents/{identity}", json=sent).status_code for _ in range(2)]
        assert answers == [201, 200]
        self.cases[identity] = Case()

    @rule(data=st.data(), who=st.sampled_from(PEOPLE), aim=st.sampled_from(sorted({to for _, to in MOVES})))
    def move(self, data: st.DataObject, who: str, aim: str) -> None:
        identity, case = self.draw(data)
        legal = {to for status, to in MOVES if status == case.status}
        # half of the tries go where the case can go: else most would be refused
        to = data.draw(st.sampled_from(sorted(legal | {aim}))) if legal else aim
        more = {"rating": 5} if to == "rated" else {}
        status, _ = self.post(who, f"{identity}/events", to=to, note="因为", **more)
        whose = MOVES.get((case.status, to))
        if whose is None:
            assert status == 409
        elif ROLE[who] not in whose:
            assert status == 403
        elif to in ASKED:
            assert status == 409
        elif to == "verified" and case.resolver == who:
            assert status == 403
        else:
            assert status == 200
            case.status, case.events = to, case.events + 1
            case.resolver = who if to == "resolved" else case.resolver

    @rule(data=st.data(), who=st.sampled_from(PEOPLE), kind=st.sampled_from(("pause", "return", "extension")))
    def ask(self, data: st.DataObject, who: str, kind: str) -> None:
        identity, case = self.draw(data)
        amount = {"amount": 2} if kind == "extension" else {}
        status, answer = self.post(who, f"{identity}/requests", kind=kind, reason="因为", **amount)
        to = next((to for to, name in ASKED.items() if name == kind), None)
        whose = MOVES.get((case.status, to)) if to else MOVES["in_progress", "resolved"]
        if whose is None:
            assert status == 409
        elif ROLE[who] not in whose:
            assert status == 403
        elif case.waiting is not None or (kind == "extension" and case.status in STANDING):
            assert status == 409
        else:
            assert status == 201
            case.waiting, case.events = (answer["requests"][-1]["id"], kind, who), case.events + 1

    @precondition(lambda self: any(case.waiting for case in self.cases.values()))
    @rule(data=st.data(), who=st.sampled_from(PEOPLE), is_granted=st.booleans())
    def decide(self, data: st.DataObject, who: str, is_granted: bool) -> None:
        identity, case = self.draw(data, lambda case: case.waiting is not None)
        number, kind, asker = case.waiting or (0, "", "")
        path = f"{identity}/requests/{number}/decision"
        status, _ = self.post(who, path, is_granted=is_granted, note="因为")
        to = next((to for to, name in ASKED.items() if name == kind), None)
        if ROLE[who] not in LEADERS or who == asker:
            assert status == 403
        elif is_granted and to is not None and (case.status, to) not in MOVES:
            assert status == 409  # the incident has moved on meanwhile
        else:
            assert status == 200
            case.waiting, case.events = None, case.events + 1
            case.status = to if is_granted and to is not None else case.status
            assert self.post(who, path, is_granted=True)[0] == 409

    @rule(data=st.data(), who=st.sampled_from(PEOPLE))
    def join(self, data: st.DataObject, who: str) -> None:
        (identity, case), (into, kept) = self.draw(data), self.draw(data)
        status, _ = self.post(who, f"{identity}/merge", into=into, note="同一处")
        if identity == into:
            assert status == 400
        elif ROLE[who] not in LEADERS:
            assert status == 403
        elif case.status in ENDED or kept.status in ("rejected", "merged") or case.holds:
            assert status == 409
        else:
            assert status == 200
            case.before, case.status, case.into = case.status, "merged", into
            kept.holds.add(identity)
            case.events, kept.events = case.events + 1, kept.events + 1

    @rule(data=st.data(), who=st.sampled_from(PEOPLE))
    def part(self, data: st.DataObject, who: str) -> None:
        identity, case = self.draw(data)
        status, _ = self.post(who, f"{identity}/unmerge", note="不是一处")
        if ROLE[who] not in LEADERS:
            assert status == 403
        elif case.into is None:
            assert status == 409
        else:
            assert status == 200
            kept = self.cases[case.into]
            kept.holds.remove(identity)
            case.status, case.into, case.before = case.before or "", None, None
            case.events, kept.events = case.events + 1, kept.events + 1

    def draw(self, data: st.DataObject, fits: Callable[[Case], bool] = lambda _: True) -> tuple[str, Case]:
        """Choose an incident; by its place, so that an example reads the same when it is tried again."""
        known = [identity for identity, case in self.cases.items() if fits(case)]
        identity = known[data.draw(st.integers(0, len(known) - 1))]
        return identity, self.cases[identity]

    @invariant()
    def the_database_agrees(self) -> None:
        sql = text(
            "SELECT i.id::text, i.status, i.merged_into::text, d.stopped_at IS NOT NULL, i.due_at >= i.received_at, "
            "  (SELECT count(*) FROM incident_event e WHERE e.incident_id = i.id) FROM incident i "
            "JOIN incident_deadline d ON d.incident_id = i.id WHERE i.id = ANY (CAST(:ids AS uuid[]))"
        )
        with self.engine.begin() as connection:
            rows = connection.execute(sql, {"ids": list(self.cases)}).all()
            assert all(chain.chain_is_intact(connection, uuid.UUID(identity)) for identity in self.cases)
            assert list(deadlines.differing(connection)) == []
        assert {row[0]: tuple(row[1:]) for row in rows} == {
            identity: (case.status, case.into, case.status in STANDING, True, case.events)
            for identity, case in self.cases.items()
        }


def test_cases_behave_as_the_model_says(still: Callable[[str], TestClient], owner_engine: Engine) -> None:
    still("worker")  # draws the town
    Cases.make, Cases.engine = staticmethod(still), owner_engine
    run_state_machine_as_test(
        Cases,
        settings=settings(
            max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
