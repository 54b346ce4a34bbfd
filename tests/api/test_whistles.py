"""Streets whistle and departments report (吹哨报到): approval, response, arrival, resolution, rating; see town.sql."""

import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from api.services.whistlemoves import MOVES
from api.services.whistlenews import hears, load_whistles
from data import accounts, chain
from data.calendar.store import store_builtin_days
from data.rules.table import RuleFileError
from data.scope import scoped
from data.supervision.whistles import find_terms, load_limits, load_reasons, store_builtin_whistles
from layers.viewer import Viewer
from tests.api.conftest import CHEAP, PASSWORD

Make = Callable[[str], TestClient]
DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"
PLACE = {"lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
NEW = (("head", "street", "D1S1", ""), ("huanwei", "department", "D1", "环卫"), ("centre_head", "dispatcher", "D1", ""))


def prepare(engine: Engine) -> None:
    """The product's own reasons, limits and calendar; a second account of street and centre, one of a department."""
    with engine.begin() as connection:
        store_builtin_whistles(connection)
        store_builtin_days(connection)
        for login, role, area, department in NEW:
            post = accounts.Post(role, area, department)
            accounts.add(connection, login, name=f"测试 {login}", post=post, password=PASSWORD, cost=CHEAP)


@pytest.fixture
def ready(town: Engine) -> Engine:
    prepare(town)
    return town


def post(client: TestClient, path: str, status: int = 200, **sent: object) -> dict:
    answer = client.post(f"/api/whistles{path}", json=sent)
    assert answer.status_code == status, answer.text
    return answer.json()


def get(client: TestClient, path: str = "", status: int = 200) -> dict:
    answer = client.get(f"/api/whistles{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def blow(client: TestClient, **changes: object) -> int:
    sent = {"reason": "enforcement", "words": "占道经营反复", "departments": ["城管", "环卫"], **PLACE, **changes}
    return post(client, "", 201, **sent)["id"]


def moved(client: TestClient, number: int, move: str, status: int = 200, **more: object) -> dict:
    return post(client, f"/{number}/moves", status, move=move, **more)


@pytest.mark.usefixtures("ready")
def test_the_whole_story(client: Make) -> None:
    street, head, chengguan, huanwei = (client(one) for one in ("street", "head", "department", "huanwei"))
    number = blow(street, place="中路菜场门口")
    before = get(street, f"/{number}")
    assert (before["status"], before["unit"], before["grid_code"], before["moves"]) == (
        "waiting", {"code": "D1S1", "name": "街11", "level": "street"}, "D1S1C1G1", ["withdraw"],
    )  # fmt: skip
    assert before["code"].startswith("CS20")
    assert get(head, f"/{number}")["moves"] == ["approve", "refuse", "withdraw"]
    get(chengguan, f"/{number}", 404)  # not called yet
    moved(street, number, "approve", 403)  # one's own
    called = moved(head, number, "approve", note="同意")
    assert (called["status"], called["whistled_by"], called["decided_by"]) == ("called", "测试 street", "测试 head")
    assert (called["limit_source"], called["is_sample_limits"]) == ("示例", True)
    assert (before["is_resolution_late"], called["is_resolution_late"]) == (None, False)
    assert get(chengguan)["whistles"][0]["moves"] == ["respond", "arrive"]
    moved(chengguan, number, "arrive", 409)  # not responded yet
    moved(street, number, "resolve", 409, note="x")  # nobody has responded
    moved(street, number, "respond", 403)
    moved(chengguan, number, "respond", note="两名队员半小时到")
    moved(chengguan, number, "respond", 409)
    moved(chengguan, number, "arrive")
    moved(huanwei, number, "respond")
    moved(huanwei, number, "arrive", 403, department="城管")
    moved(street, number, "arrive", 400)  # which?
    there = moved(street, number, "arrive", department="环卫")
    names = ("name", "responded_by", "arrived_by", "is_response_late")
    assert [tuple(one[name] for name in names) for one in there["departments"]] == [
        ("城管", "测试 department", "测试 department", False), ("环卫", "测试 huanwei", "测试 street", False),
    ]  # fmt: skip
    moved(chengguan, number, "resolve", 403, note="x")
    moved(street, number, "resolve", 400)
    moved(street, number, "resolve", note="劝离六户，划定疏导点")
    moved(street, number, "reopen", note="当晚复发")
    moved(head, number, "resolve", note="夜间驻守三日")
    moved(street, number, "rate", 400, ratings={"城管": 5})
    moved(street, number, "rate", 400, ratings={"城管": 6, "环卫": 1})
    moved(chengguan, number, "rate", 403, ratings={"城管": 5, "环卫": 5})
    done = moved(street, number, "rate", ratings={"城管": 5, "环卫": 2})
    assert (done["status"], done["resolution"], done["moves"]) == ("rated", "夜间驻守三日", [])
    assert [(one["rating"], one["rated_by"]) for one in done["departments"]] == [(5, "测试 street"), (2, "测试 street")]
    assert [(one["seq"], one["move"], one["by"], one["department"]) for one in done["events"]] == [
        (1, "whistle", "测试 street", None), (2, "approve", "测试 head", None),
        (3, "respond", "测试 department", "城管"), (4, "arrive", "测试 department", "城管"),
        (5, "respond", "测试 huanwei", "环卫"), (6, "arrive", "测试 street", "环卫"),
        (7, "resolve", "测试 street", None), (8, "reopen", "测试 street", None), (9, "resolve", "测试 head", None),
        (10, "rate", "测试 street", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "approved", "response", "arrival", "resolution"),
    [
        # half an hour is left on 30 September, an hour and a half on the 8th; a working day is the 8th; ten are
        # 8, 9, 10, 12, 13, 14, 15, 16, 19, 20 October
        ("enforcement", "09-30 17:00", "10-08 10:00", "10-08 17:30", "10-20 17:30"),
        ("demand", "10-10 09:00", "10-10 11:00", "10-12 17:30", "10-23 17:30"),
        ("emergency", "10-01 23:30", "10-02 00:30", "10-02 01:30", "10-02 23:30"),
    ],
)
def test_limits_over_the_national_day(
    ready: Engine, reason: str, approved: str, response: str, arrival: str, resolution: str
) -> None:
    def at(words: str) -> datetime:
        return datetime.fromisoformat(f"2026-{words}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))

    with ready.begin() as connection:
        terms = find_terms(connection, reason, "Asia/Shanghai", at(approved))
    assert (terms.response, terms.arrival, terms.resolution) == (at(response), at(arrival), at(resolution))


@pytest.mark.usefixtures("ready")
def test_what_can_be_whistled_for(client: Make) -> None:
    street = client("street")
    form = get(street, "/form")
    assert [one["code"] for one in form["reasons"]] == ["demand", "enforcement", "emergency"]
    assert form["departments"] == [{"name": "城管", "has_account": True}, {"name": "环卫", "has_account": True}]
    assert (form["may_whistle"], get(client("department"), "/form")["may_whistle"]) == (True, False)
    for wrong in (
        {"reason": "annoyed"}, {"departments": ["消防"]}, {"departments": ["城管", "城管"]}, {"departments": []},
        {"words": "  "}, {"lon": None}, {"incident_id": str(uuid.uuid4())}, {"datum": None},
    ):  # fmt: skip
        sent = {"reason": "enforcement", "words": "x", "departments": ["城管"], **PLACE, **wrong}
        assert street.post("/api/whistles", json=sent).status_code == 400, wrong
    elsewhere = {"reason": "enforcement", "words": "x", "departments": ["城管"], **PLACE}
    post(street, "", 403, **{**elsewhere, "lat": 30.215})  # the other street's
    post(client("community"), "", 403, **elsewhere)
    assert get(client("dispatcher"), f"/{blow(client('dispatcher'))}")["unit"]["level"] == "district"


@pytest.mark.usefixtures("ready")
def test_the_same_key_whistles_once(client: Make) -> None:
    street, sent = client("street"), {"reason": "demand", "words": "x", "departments": ["城管"], **PLACE}
    answers = [street.post("/api/whistles", json=sent, headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(get(street)["whistles"]) == 1


def test_a_whistle_about_an_incident_is_in_its_history(client: Make, ready: Engine, fetch) -> None:
    """D1S1C1G1-1 is open, of 环卫; the one of G2 is closed."""
    cases = {row.code: row.id for row in fetch("SELECT code, id FROM incident")}
    case, street = cases["D1S1C1G1-1"], client("street")
    about = {"lon": None, "lat": None, "datum": None}
    number = blow(street, incident_id=str(case), **about)
    sent = {"reason": "enforcement", "words": "x", "departments": ["城管"]}
    post(street, "", 409, **sent, incident_id=str(case))  # whistled for already
    post(street, "", 409, **sent, incident_id=str(cases["D1S1C1G2-1"]))  # closed
    post(street, "", 404, **sent, incident_id=str(cases["D2S1C1G1-1"]))  # not theirs to see
    moved(client("head"), number, "approve")
    seen = get(street, f"?incident_id={case}")["whistles"][0]
    assert (seen["incident"]["code"], seen["has_incident"]) == ("D1S1C1G1-1", True)
    other = get(client("department"), f"/{number}")  # the incident is another department's
    assert (other["incident"], other["has_incident"], other["words"]) == (None, True, "占道经营反复")
    file = street.get(f"/api/incidents/{case}").json()
    assert [(one["id"], one["status"]) for one in file["whistles"]] == [(number, "called")]
    assert file["events"][-1]["detail"] == {"whistle": seen["code"], "did": "called"}
    moved(client("department"), number, "respond")
    moved(street, number, "withdraw", note="已自行解决")
    assert street.get(f"/api/incidents/{case}").json()["events"][-1]["detail"]["did"] == "withdrawn"
    with ready.begin() as connection:
        assert chain.chain_is_intact(connection, case)
    assert blow(street, incident_id=str(case), **about) == number + 1


@pytest.mark.usefixtures("ready")
def test_lists_by_scope_and_in_pages(client: Make) -> None:
    street, dispatcher = client("street"), client("dispatcher")
    own = [blow(street) for _ in range(3)]
    centre = blow(dispatcher, lat=30.215)
    assert [one["id"] for one in get(dispatcher)["whistles"]] == [centre, *own[::-1]]
    assert get(street)["waiting_count"] == 3
    first = get(street, "?limit=2")
    assert [one["id"] for one in first["whistles"]] == own[:0:-1]
    rest = get(street, f"?limit=2&cursor={first['next_cursor']}")
    assert ([one["id"] for one in rest["whistles"]], rest["next_cursor"]) == (own[:1], None)
    assert [one["id"] for one in get(dispatcher, "?within=D1S2")["whistles"]] == [centre]
    assert get(dispatcher, "?status=called,rated")["whistles"] == []
    for wrong in ("status=lost", "cursor=-1", "limit=201", "other=1"):
        get(dispatcher, f"?{wrong}", 400)
    assert get(client("far_dispatcher"))["whistles"] == []
    moved(dispatcher, own[0], "approve", 403)  # it is the street's own to approve


def test_the_whistle_rate(client: Make, ready: Engine, fetch) -> None:
    """Street D1S1 has 4 incidents and 1,600 households; two of three whistles were approved, one withdrawn later.

    2 / 4 * 100 = 50 and 2 / 1,600 * 10,000 = 12.5; the district: one whistle, 8 incidents, 3,200 households, 3.125.
    """
    street, head, chengguan = client("street"), client("head"), client("department")
    numbers = [blow(street, departments=["城管"]) for _ in range(3)]
    for number in numbers[:2]:
        moved(head, number, "approve")
    moved(street, numbers[1], "withdraw", note="已自行解决")
    moved(chengguan, numbers[0], "respond")
    moved(street, numbers[0], "resolve", note="解决")
    moved(street, numbers[0], "rate", ratings={"城管": 4})
    moved(client("centre_head"), blow(client("dispatcher"), departments=["环卫"]), "approve")
    found = get(client("dispatcher"), "/rate?within=D1")
    names = ("code", "whistles", "incidents", "households", "per_100_incidents", "per_10000_households")
    assert [tuple(one[name] for name in names) for one in found["units"]] == [
        ("D1", 1, 8, 3200, 12.5, 3.13), ("D1S1", 2, 4, 1600, 50.0, 12.5), ("D1S2", 0, 4, 1600, 0.0, 0.0),
    ]  # fmt: skip
    (own,) = get(street, "/rate")["units"]
    names = ("code", "calls", "responses", "responses_in_time", "rating_mean")
    assert tuple(own[name] for name in names) == ("D1S1", 2, 1, 1, 4.0)
    assert "形同虚设" in found["note"]
    assert (datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["since"])).days == 29
    past = get(street, "/rate?since=2020-01-01&until=2020-12-31")["units"]
    assert (past[0]["whistles"], past[0]["per_100_incidents"]) == (0, None)
    get(street, "/rate?since=2020-01-02&until=2020-01-01", 400)
    get(street, "/rate?since=2020-01-01&until=2021-01-01", 400)
    fetch("UPDATE whistle_call SET respond_due_at = responded_at - interval '1 second' RETURNING 1")
    assert get(street, "/rate")["units"][0]["responses_in_time"] == 0


VIEWERS = {
    "street": Viewer(1001, frozenset({"street"}), ("D1.D1S1",), ("D1.D1S1",)),
    "other_street": Viewer(1001, frozenset({"street"}), ("D1.D1S2",), ("D1.D1S2",)),
    "dispatcher": Viewer(1001, frozenset({"dispatcher"}), ("D1",), ("D1",)),
    "called": Viewer(1001, frozenset({"department"}), ("D1",), (), ("城管",)),
    "called_elsewhere": Viewer(1001, frozenset({"department"}), ("D2",), (), ("城管",)),
    "other_department": Viewer(1001, frozenset({"department"}), ("D1",), (), ("消防",)),
    "community": Viewer(1001, frozenset({"community"}), ("D1.D1S1.D1S1C1",), ("D1.D1S1.D1S1C1",)),
    "planner": Viewer(1001, frozenset({"planner"}), ("D1",), ("D1",)),
    "nobody": Viewer(),
}


@pytest.mark.parametrize(
    ("who", "waiting", "called", "decides", "answers"),
    [
        ("street", 1, 1, True, True), ("other_street", 0, 0, False, False), ("dispatcher", 1, 1, False, False),
        ("called", 0, 1, False, True), ("called_elsewhere", 0, 0, False, False),
        ("other_department", 0, 0, False, False), ("community", 0, 0, False, False), ("planner", 0, 0, False, False),
        ("nobody", 0, 0, False, False),
    ],
)  # fmt: skip
def test_row_security(
    client: Make,
    ready: Engine,
    app_engine: Engine,
    *,
    who: str,
    waiting: int,
    called: int,
    decides: bool,
    answers: bool,
) -> None:
    """PostgreSQL, and the live stream: who sees a whistle before and after its approval, and who writes what."""
    number = blow(client("street"), departments=["城管"])

    def count(table: str) -> int:
        with scoped(app_engine, VIEWERS[who]) as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def allowed(sql: str) -> bool:
        try:
            with scoped(app_engine, VIEWERS[who]) as connection:
                return connection.execute(text(sql)).rowcount == 1
        except DBAPIError:
            return False

    def is_told() -> bool:
        return hears(VIEWERS[who], load_whistles(app_engine, [str(number)])[str(number)])

    assert [count(name) for name in ("whistle", "whistle_call", "whistle_event")] == [waiting] * 3
    assert is_told() is bool(waiting)
    decide = "UPDATE whistle SET decided_by = 1001, decided_at = now(), called_at = now(), status = 'called'"
    assert allowed(decide) is decides
    if not decides:
        moved(client("head"), number, "approve")
    assert [count("whistle"), count("whistle_call")] == [called] * 2
    assert is_told() is bool(called)
    assert allowed("UPDATE whistle_call SET responded_by = 1001, responded_at = now()") is answers
    assert not allowed("UPDATE whistle_event SET note = 'x' WHERE seq = 1")
    assert not allowed("DELETE FROM whistle_event WHERE seq = 1")
    event = "INSERT INTO whistle_event (whistle_id, seq, at, move, account_id) VALUES (:id, 9, now(), 'x', {})"
    assert not allowed(event.format(1002).replace(":id", str(number)))  # in another's name
    assert allowed(event.format(1001).replace(":id", str(number))) is bool(called)


@pytest.mark.usefixtures("town")
def test_the_database_holds_two_persons_apart(client: Make, ready: Engine) -> None:
    number = blow(client("street"))
    for harm in (
        "UPDATE whistle SET decided_by = whistled_by, decided_at = now()",
        "UPDATE whistle SET status = 'resolved'",
        "UPDATE whistle_call SET arrived_by = 1, arrived_at = now()",
        "UPDATE whistle_call SET responded_by = 7, responded_at = now(), rating = 5, rated_by = 7, rated_at = now()",
        "UPDATE whistle_event SET note = 'x'",
    ):
        with pytest.raises(DBAPIError), ready.begin() as connection:
            connection.execute(text(f"{harm} WHERE {'id' if 'whistle SET' in harm else 'whistle_id'} = {number}"))


def moves_of_the_page() -> list[tuple[str, ...]]:
    section = DOCUMENT.read_text("utf-8").split("## Moves of a whistle")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def test_the_page_lists_every_move() -> None:
    assert sorted(moves_of_the_page()) == sorted(
        (status, move, to, ", ".join(sorted(whose)))
        for status, legal in MOVES.items() for move, (to, whose) in legal.items()
    )  # fmt: skip


class Whistles(RuleBasedStateMachine):
    """One whistle by five accounts; what is legal and whose it is comes from docs/access.md alone."""

    make: Make
    engine: Engine
    PEOPLE: ClassVar = {
        "street": {"unit"}, "head": {"unit", "head"}, "department": {"department"}, "huanwei": {"department"},
        "dispatcher": set(),
    }  # fmt: skip
    OWN: ClassVar = {"department": "城管", "huanwei": "环卫"}

    @initialize()
    def whistle(self) -> None:
        self.number, self.status, self.events = blow(self.make("street")), "waiting", 1
        self.responded, self.arrived, self.is_called = set[str](), set[str](), False

    @rule(
        data=st.data(),
        who=st.sampled_from(sorted(PEOPLE)),
        any_move=st.sampled_from(sorted({one[1] for one in moves_of_the_page()})),
    )
    def move(self, data: st.DataObject, who: str, any_move: str) -> None:
        page = {(status, move): (to, set(whose.split(", "))) for status, move, to, whose in moves_of_the_page()}
        legal = sorted({move for status, move in page if status == self.status})
        name = data.draw(st.sampled_from([*legal, any_move]))
        department = self.OWN.get(who) or data.draw(st.sampled_from(("城管", "环卫")))
        sent = {"move": name, "note": "因为", "department": department}
        if name == "rate":
            sent["ratings"] = {"城管": 3, "环卫": 4}
        answer = self.make(who).post(f"/api/whistles/{self.number}/moves", json=sent)
        to, whose = page.get((self.status, name), (None, set()))
        if who in self.OWN and not self.is_called:
            expected = 404
        elif to is None:
            expected = 409
        elif not whose & self.PEOPLE[who]:
            expected = 403
        else:
            expected = 409 if self.comes_too_soon_or_twice(name, department) else 200
        assert answer.status_code == expected, (self.status, who, sent, answer.text)
        if expected == 200:
            self.status, self.events = str(to), self.events + 1
            self.is_called = self.is_called or name == "approve"
            {"respond": self.responded, "arrive": self.arrived}.get(name, set()).add(department)

    def comes_too_soon_or_twice(self, name: str, department: str) -> bool:
        """What the page says in words: once each, arrival after response, no result before somebody answered."""
        if name == "respond":
            return department in self.responded
        if name == "arrive":
            return department in self.arrived or department not in self.responded
        return name == "resolve" and not self.responded

    @invariant()
    def the_database_agrees(self) -> None:
        sql = text(
            "SELECT w.status, (SELECT count(*) FROM whistle_event e WHERE e.whistle_id = w.id), "
            "  array(SELECT department FROM whistle_call c WHERE c.whistle_id = w.id AND responded_at IS NOT NULL), "
            "  array(SELECT department FROM whistle_call c WHERE c.whistle_id = w.id AND arrived_at IS NOT NULL), "
            "  w.whistled_by <> w.decided_by FROM whistle w WHERE w.id = :id"
        )
        with self.engine.begin() as connection:
            status, events, responded, arrived, is_by_two = connection.execute(sql, {"id": self.number}).one()
        assert (status, events, set(responded), set(arrived)) == (
            self.status,
            self.events,
            self.responded,
            self.arrived,
        )
        assert is_by_two in (None, True)


def test_whistles_behave_as_the_page_says(still: Make, owner_engine: Engine) -> None:
    still("street")  # draws the town
    prepare(owner_engine)
    Whistles.make, Whistles.engine = staticmethod(still), owner_engine
    run_state_machine_as_test(
        Whistles,
        settings=settings(
            max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize(
    ("head", "line", "fault"),
    [
        ("code,name,name_en", "a,甲,A\na,乙,B", "row 3, code: a is there already"),
        ("code,name,name_en", "a,,A", "row 2, name: it is empty and must not be"),
        ("code,name,name_en", "", "there is no reason below the column names"),
        ("step,reason,amount,unit", "arrival,,0,working_day", "row 2, amount: 0 must be a whole number from 1 to 1000"),
        (
            "step,reason,amount,unit",
            "lunch,,1,working_day",
            "row 2, step: lunch must be one of response, arrival, resolution",
        ),
        (
            "step,reason,amount,unit",
            "arrival,bored,1,working_day",
            "row 2, reason: bored is no reason that is permitted",
        ),
    ],
)
def test_faulty_files_are_named(clean: Engine, tmp_path: Path, head: str, line: str, fault: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{head}\n{line}\n", "utf-8")
    load = load_reasons if head.startswith("code") else load_limits
    with pytest.raises(RuleFileError) as caught, clean.begin() as connection:
        load(connection, path)
    assert caught.value.faults == (fault,)
