"""Warnings before and supervision (督办) after deadlines, written once, answered and closed; see town.sql."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from api.services import reporting
from api.services.calendar import Calendar
from data import accounts, chain
from data.calendar.store import store_builtin_days
from data.commands.cases import command
from data.scope import scoped
from data.supervision import watch
from data.supervision.rules import load_rules
from layers.viewer import Viewer
from tests.api.conftest import CHEAP, PASSWORD

Make = Callable[[str], TestClient]
START = datetime(2026, 9, 30, 8, 30, tzinfo=UTC)  # 16:30 in 下陆
IN_G1 = {"lon": 115.0025, "lat": 30.205}


@pytest.fixture
def rules(town: Engine) -> Engine:
    """The product's own rules and calendar; litter has 4 working hours, and a second street's account."""
    with town.begin() as connection:
        load_rules(connection)
        store_builtin_days(connection)
        connection.execute(
            text("INSERT INTO sla_rule (category, amount, unit, source) VALUES ('litter', 4, 'working_hour', '示例')")
        )
        post = accounts.Post("street", "D1S1", "")
        accounts.add(connection, "street_head", name="测试 street_head", post=post, password=PASSWORD, cost=CHEAP)
    return town


def local(words: str) -> datetime:
    return datetime.fromisoformat(f"2026-{words}+08:00").astimezone(UTC)


def report(app: FastAPI, now: datetime, login: str = "worker", **changes: object) -> str:
    """Report as an account, at a time of the test's own."""
    client = TestClient(app, base_url="http://localhost")
    token = client.post("/api/session", json={"login": login, "password": PASSWORD}).cookies["yiwangtu_session"]
    session = app.state.context.sessions.find(token)
    identity = uuid.uuid4()
    sent = {"category": "litter", "datum": "wgs84", **IN_G1, **changes}
    empty = dict.fromkeys(("title", "description", "accuracy_m", "occurred_at"))
    with scoped(app.state.context.engine, session.viewer) as connection:
        reporting.report(connection, session, reporting.Report(id=identity, **(empty | sent)), now)
    return str(identity)


def look(engine: Engine, now: datetime) -> watch.Look:
    with scoped(engine, watch.WATCHER) as connection:
        return watch.look(connection, now)


def get(client: TestClient, path: str) -> dict:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client: TestClient, path: str, status: int = 200, **sent: object) -> dict:
    answer = client.post(f"/api/{path}", json=sent)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_steps_over_the_national_day(app: FastAPI, client: Make, rules: Engine, app_engine: Engine) -> None:
    """4 working hours from 30 September, 16:30: 80 % is 8 October, 10:42; due at 11:30; half as much over at 16:00.

    Twice the limit is the 9th at 9:00. The server was away until the 8th at 17:00: three steps are written then.
    """
    case = report(app, START)
    assert look(app_engine, local("09-30 18:00")) == watch.Look(1, 0)
    assert look(app_engine, local("10-08 10:41")) == watch.Look(0, 0)
    late = local("10-08 17:00")
    assert look(app_engine, late) == watch.Look(1, 3)
    assert look(app_engine, late) == watch.Look(0, 0)
    found = get(client("worker"), f"incidents/{case}")
    told = [(one["code"], datetime.fromisoformat(one["at"]), one["to_level"], one["to_name"]) for one in found["steps"]]
    assert told == [
        ("warning", local("10-08 10:42"), "handler", "环卫"),
        ("overdue", local("10-08 11:30"), "community", "社区D1S11"),
        ("supervision-street", local("10-08 16:00"), "street", "街11"),
    ]
    assert {datetime.fromisoformat(one["written_at"]) for one in found["steps"]} == {late}
    assert [one["words"] for one in found["steps"]] == [
        "预警：时限已用80%，应于2026年10月8日11:30前办结，请环卫抓紧办理。",
        "超期：应于2026年10月8日11:30前办结，尚未办结，请社区D1S11督促。",
        "街道督办：应于2026年10月8日11:30前办结，已超出时限的50%或1个工作日，由街11督办，请办理单位答复。",
    ]
    assert found["steps"][2]["words_en"] == (
        "Supervised by the street: it was due 8 Oct 2026 11:30 and is over by 50% of its limit or 1 working day; "
        "街11 supervises; please answer."
    )
    assert found["incident"]["properties"]["warning_level"] == "red"
    events = found["events"][1:]
    assert [(one["status"], one["by"], one["detail"]["step"]) for one in events] == [
        ("reported", None, "warning"), ("reported", None, "overdue"), ("reported", None, "supervision-street"),
    ]  # fmt: skip
    assert datetime.fromisoformat(events[0]["detail"]["step_at"]) == local("10-08 10:42")
    assert look(app_engine, local("10-09 09:00")) == watch.Look(1, 1)
    with rules.begin() as connection:
        assert chain.chain_is_intact(connection, uuid.UUID(case))
        assert connection.execute(text("SELECT count(*) FROM supervision")).scalar_one() == 2


def test_the_level_is_listed_and_goes_when_the_clock_stops(
    app: FastAPI, client: Make, rules: Engine, app_engine
) -> None:
    overdue, warned = report(app, START), report(app, local("10-08 08:30"))
    report(app, local("10-08 11:00"))
    look(app_engine, local("10-08 11:50"))  # the second has used 3 h 20 of 4 h

    def listed(query: str) -> list[str]:
        return [one["properties"]["id"] for one in get(client("community"), f"incidents?{query}")["features"]]

    assert listed("warning_level=orange") == [overdue]
    assert listed("warning_level=yellow,orange&order=due") == [overdue, warned]
    assert listed("is_supervised=true") == []
    look(app_engine, local("10-08 16:00"))
    assert listed("is_supervised=true") == [overdue]
    assert client("community").get("/api/incidents?warning_level=pink").status_code == 400
    for to in ("accepted", "in_progress", "resolved"):
        post(client("community"), f"incidents/{overdue}/events", to=to)
    assert listed("warning_level=red") == []
    assert listed("is_supervised=true") == [overdue]  # until it is closed
    assert len(get(client("community"), f"incidents/{overdue}")["steps"]) == 3


def test_two_servers_write_each_step_once(app: FastAPI, town: Engine, rules: Engine, app_engine: Engine) -> None:
    """40 incidents are three steps over; two servers look at the same time."""
    for _ in range(40):
        report(app, START)
    calendars = [Calendar(app_engine) for _ in range(2)]
    ready, found = threading.Barrier(2), list[watch.Look]()

    def run(calendar: Calendar) -> None:
        ready.wait()
        found.append(calendar.supervise(local("10-08 17:00")))

    threads = [threading.Thread(target=run, args=(one,)) for one in calendars]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.steps for one in found) == 120
    with town.begin() as connection:
        rows = connection.execute(
            text("SELECT code, count(*), count(DISTINCT incident_id) FROM incident_step GROUP BY code ORDER BY code")
        ).all()
        assert [tuple(row) for row in rows] == [
            ("overdue", 40, 40), ("supervision-street", 40, 40), ("warning", 40, 40),
        ]  # fmt: skip
        assert chain.broken_chains(connection) == []


def test_a_server_that_comes_second_finds_nothing_to_do(app: FastAPI, rules: Engine, app_engine: Engine) -> None:
    """While the first holds the incident the second goes by, and afterwards there is nothing left."""
    report(app, START)
    with scoped(app_engine, watch.WATCHER) as first:
        assert watch.look(first, local("10-08 17:00")).steps == 3
        assert look(app_engine, local("10-08 17:00")) == watch.Look(0, 0)
    assert look(app_engine, local("10-08 17:00")) == watch.Look(0, 0)


def test_supervision_is_answered_by_one_and_closed_by_another(app: FastAPI, client: Make, rules, app_engine) -> None:
    case = report(app, START)
    look(app_engine, local("10-08 16:00"))
    worker, community, street = client("worker"), client("community"), client("street")
    (one,) = get(worker, "supervision")["supervisions"]
    assert (one["incident"]["id"], one["to_name"], one["state"]) == (case, "街11", "open")
    assert datetime.fromisoformat(one["opened_at"]) == local("10-08 16:00")
    path = f"supervision/{one['id']}"
    assert (one["may_reply"], one["may_close"]) == (True, False)
    post(community, f"{path}/close", 403)  # below the level that supervises
    post(street, f"{path}/close", 409)  # not answered yet
    post(client("dispatcher"), f"{path}/reply", 403, words="无")  # not who handles it
    post(worker, f"{path}/reply", 400, words=" ")
    assert post(street, f"{path}/reply", words="已派两人清运")["state"] == "replied"
    post(street, f"{path}/close", 403)  # who answered
    seen = get(client("street_head"), "supervision?state=replied&within=D1S1")
    assert [(row["reply"], row["replied_by"], row["may_close"]) for row in seen["supervisions"]] == [
        ("已派两人清运", "测试 street", True)
    ]
    done = post(client("street_head"), f"{path}/close", note="同意")
    assert (done["state"], done["closed_by"], done["closing_note"]) == ("closed", "测试 street_head", "同意")
    post(worker, f"{path}/reply", 409, words="又")
    assert get(worker, "supervision") == {"supervisions": [], "next_cursor": None, "open_count": 0}
    events = get(worker, f"incidents/{case}")["events"]
    assert [(event["by"], event["note"], event["detail"]["did"]) for event in events[-2:]] == [
        ("测试 street", "已派两人清运", "replied"), ("测试 street_head", "同意", "closed"),
    ]  # fmt: skip
    with rules.begin() as connection:
        assert chain.chain_is_intact(connection, uuid.UUID(case))


def test_the_list_in_pages(app: FastAPI, client: Make, rules: Engine, app_engine: Engine) -> None:
    cases = [report(app, START) for _ in range(3)] + [report(app, START, "far_worker", lon=115.0375, lat=30.215)]
    look(app_engine, local("10-08 16:00"))
    first = get(client("dispatcher"), "supervision?limit=2")
    assert (len(first["supervisions"]), first["open_count"]) == (2, 3)
    second = get(client("dispatcher"), f"supervision?limit=2&cursor={first['next_cursor']}")
    assert second["next_cursor"] is None
    shown = [one["incident"]["id"] for one in first["supervisions"] + second["supervisions"]]
    assert sorted(shown) == sorted(cases[:3])
    assert [one["incident"]["id"] for one in get(client("far_worker"), "supervision")["supervisions"]] == cases[3:]
    of_two = get(client("dispatcher"), f"supervision?incident={cases[0]},{cases[2]},{cases[3]}")["supervisions"]
    assert {one["incident"]["id"] for one in of_two} == {cases[0], cases[2]}
    assert get(client("dispatcher"), "supervision?within=D2")["supervisions"] == []
    for wrong in ("state=lost", "cursor=x", "limit=0", "incident=x", "incident="):
        assert client("dispatcher").get(f"/api/supervision?{wrong}").status_code == 400


def test_one_supervision_a_level_while_it_is_open(app: FastAPI, client: Make, rules, app_engine) -> None:
    """Outside every street the district supervises twice over; it is asked once."""
    report(app, START, "dispatcher", lon=115.005, lat=30.19)
    assert look(app_engine, local("10-12 17:30")).steps == 3
    (one,) = get(client("dispatcher"), "supervision")["supervisions"]
    assert (one["level_name"], one["to_name"]) == ("district", "区1")


VIEWERS = {
    "worker": Viewer(1001, frozenset({"worker"}), ("D1.D1S1.D1S1C1",), ("D1.D1S1.D1S1C1.D1S1C1G1",)),
    "street": Viewer(1001, frozenset({"street"}), ("D1.D1S1",), ("D1.D1S1",)),
    "dispatcher": Viewer(1001, frozenset({"dispatcher"}), ("D1",), ("D1",)),
    "department": Viewer(1001, frozenset({"department"}), ("D1",), (), ("环卫",)),
    "other_department": Viewer(1001, frozenset({"department"}), ("D1",), (), ("城管",)),
    "far": Viewer(1001, frozenset({"dispatcher"}), ("D2",), ("D2",)),
    "planner": Viewer(1001, frozenset({"planner"}), ("D1",), ("D1",)),
    "nobody": Viewer(),
}


@pytest.mark.parametrize(
    ("who", "sees", "replies", "closes"),
    [
        ("worker", 1, True, False), ("street", 1, True, True), ("dispatcher", 1, True, True),
        ("department", 1, True, False), ("other_department", 0, False, False), ("far", 0, False, False),
        ("planner", 0, False, False), ("nobody", 0, False, False),
    ],
)  # fmt: skip
def test_row_security(app: FastAPI, rules, app_engine, who: str, sees: int, replies: bool, closes: bool) -> None:
    """PostgreSQL alone: who sees, answers and closes; nobody writes a step or changes one."""
    report(app, START)
    look(app_engine, local("10-08 16:00"))

    def allowed(sql: str) -> bool:
        try:
            with scoped(app_engine, VIEWERS[who]) as connection:
                return connection.execute(text(sql)).rowcount == 1
        except DBAPIError:
            return False

    with scoped(app_engine, VIEWERS[who]) as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()
            for name in ("supervision", "incident_step")
        ]
    assert counts == [sees, 3 * sees]
    assert allowed("UPDATE supervision SET reply = 'x', replied_by = 1002, replied_at = now()") is replies
    assert allowed("UPDATE supervision SET closed_by = 1001, closed_at = now()") is closes
    assert not allowed("UPDATE incident_step SET at = now() WHERE kind = 'warning'")
    assert not allowed("DELETE FROM incident_step WHERE kind = 'warning'")
    assert not allowed(
        "INSERT INTO incident_step (incident_id, code, since_seq, kind, level, at, written_at, due_at, to_level, "
        "to_name, path, words, words_en) "
        "SELECT id, 'x', 9, 'warning', 'red', now(), now(), now(), 'handler', 'x', path, 'x', 'x' "
        "FROM incident LIMIT 1"
    )
    assert not allowed(
        "INSERT INTO incident_event (incident_id, seq, status, hash, detail) "
        """SELECT id, 99, status, 'x', '{"step": "x"}' FROM incident LIMIT 1"""
    )


def test_the_command_looks_at_a_time_and_loads_rules(
    app: FastAPI, rules: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(app, START)
    url = rules.url.render_as_string(hide_password=False)
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", url)
    runner = CliRunner()
    done = runner.invoke(command, ["supervise", "--at", "2026-10-08T11:00+08:00"])
    assert "1" in done.output.split("：")[1], done.output
    assert runner.invoke(command, ["supervise", "--at", "yesterday"]).exit_code != 0
    path = tmp_path / "rules.csv"
    path.write_text(
        "code,kind,level,percent,to_level,name,name_en\nnotice,warning,blue,50,handler,提醒,Notice\n", "utf-8"
    )
    assert runner.invoke(command, ["steps", str(path)]).exit_code == 0
    runner.invoke(command, ["supervise", "--at", "2026-10-08T11:00+08:00"])
    with rules.begin() as connection:
        rows = connection.execute(text("SELECT code FROM incident_step ORDER BY id")).scalars().all()
        level = connection.execute(text("SELECT warning_level FROM incident WHERE warning_level IS NOT NULL")).scalar()
    assert (rows, level) == (["warning", "notice"], "blue")


def test_a_step_is_seen_live(app: FastAPI, rules: Engine, app_engine: Engine, fetch: Callable[..., list]) -> None:
    case = report(app, START)
    fetch("DELETE FROM outbox RETURNING 1")
    look(app_engine, local("10-08 10:00") + timedelta(minutes=42))
    assert [tuple(row) for row in fetch("SELECT kind, key FROM outbox")] == [("incident", case)]
