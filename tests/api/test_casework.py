"""Whose an incident is and until when, what is asked for and granted, duplicates joined and parted; see town.sql."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.services import reporting
from data import chain, integrity
from data.calendar.store import store_builtin_days
from data.catalogue.routing import store_routing
from data.deadlines import store as deadlines
from data.scope import scoped

Make = Callable[[str], TestClient]
IN_G1 = {"lon": 115.0025, "lat": 30.205}


def report(client: TestClient, **changes: object) -> str:
    sent = {"category": "litter", "datum": "wgs84", **IN_G1, **changes}
    identity = str(uuid.uuid4())
    answer = client.put(f"/api/incidents/{identity}", json=sent)
    assert answer.status_code == 201, answer.text
    return identity


def read(client: TestClient, case: str) -> dict:
    answer = client.get(f"/api/incidents/{case}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client: TestClient, path: str, status: int = 200, **sent: object) -> dict:
    answer = client.post(f"/api/incidents/{path}", json=sent)
    assert answer.status_code == status, answer.text
    return answer.json()


def move(client: TestClient, case: str, *steps: str) -> None:
    for to in steps:
        post(client, f"{case}/events", to=to, note="因为")


def route_of(client: TestClient, **changes: object) -> dict:
    (found,) = read(client, report(client, **changes))["routes"]
    return found


@pytest.fixture
def rules(town, tmp_path: Path) -> Callable[[str], int]:
    """Make routing rules the newest version."""

    def store(lines: str) -> int:
        path = tmp_path / "routing.csv"
        path.write_text("category,area_code,body,note\n" + lines, "utf-8")
        with town.begin() as connection:
            return store_routing(connection, path)

    return store


def test_without_rules_the_catalogue_says_whose_it_is(client: Make) -> None:
    found = route_of(client("worker"))
    assert (found["version"], found["basis"], found["body"], found["grid_code"]) == (
        None,
        "category",
        "环卫",
        "D1S1C1G1",
    )
    assert found["words"] == "位置在网格D1S1C1G1；按类别目录，“暴露垃圾”由环卫处置。"
    assert found["words_en"] == "The place is in grid D1S1C1G1; by the catalogue 暴露垃圾 is handled by 环卫."
    assert route_of(client("worker"), category="other")["basis"] == "fallback"  # nobody is named


def test_the_finest_rule_decides_and_its_version_stays(client: Make, rules) -> None:
    """Category before major class, then the finer area; what was decided by version 1 stays when version 2 comes."""
    lines = ",,指挥中心,\n,D1S1,街道中心,\ncity,,城管局,\nlitter,,环卫局,\nlitter,D1S1C1,社区环卫队,\nnoise,D2,他区,\n"
    assert rules(lines) == rules(lines) == 1
    chief = client("chief")
    assert [
        route_of(chief, category=category, lon=lon, lat=lat)["body"]
        for category, lon, lat in (
            ("litter", 115.0025, 30.205), ("litter", 115.0125, 30.205), ("noise", 115.0025, 30.205),
            ("noise", 115.0225, 30.205), ("other", 115.0025, 30.215),
        )
    ] == ["社区环卫队", "环卫局", "城管局", "他区", "城管局"]  # fmt: skip
    case = report(chief)
    assert rules(",,指挥中心,\nlitter,,新单位,\n") == 2
    assert [(one["version"], one["body"]) for one in read(chief, case)["routes"]] == [(1, "社区环卫队")]
    assert (found := route_of(chief))["version"] == 2
    assert found["words"] == "位置在网格D1S1C1G1；按第2版规则，“暴露垃圾”由新单位处置。"


def test_rules_of_a_version_are_never_changed(town, rules) -> None:
    rules(",,指挥中心,\n")
    for harm in ("UPDATE routing_rule SET body = 'x'", "DELETE FROM routing_book"):
        with pytest.raises(Exception, match="never changed"), town.begin() as connection:
            connection.execute(text(harm))


def test_a_shared_border_goes_to_the_lowest_code(client: Make) -> None:
    """The border of the two streets, between the first grids of their first communities."""
    found = route_of(client("chief"), lon=115.0025, lat=30.21)
    assert (found["grid_code"], found["tied"]) == ("D1S1C1G1", ["D1S1C1G1", "D1S2C1G1"])
    assert found["words"].startswith("位置在网格D1S1C1G1、D1S2C1G1的公共边界上，按编码最小归D1S1C1G1；")


def test_outside_every_grid_it_is_the_desks(client: Make, town, rules) -> None:
    """No grid at D1S1C1's place any more; far outside, the nearest district takes it, and says how far it is."""
    rules(",,指挥中心,\n,D1S1,街道中心,\nlitter,,环卫局,\n")
    with town.begin() as connection:
        connection.execute(text("UPDATE grid SET is_effective = false WHERE code = 'D1S1C1G1'"))
    chief = client("chief")
    found = route_of(chief)
    assert (found["basis"], found["body"], found["grid_code"]) == ("fallback", "街道中心", None)
    assert found["words"] == "位置不在任何网格内；按第1版规则转街道中心兜底。"
    case = report(client("worker"), lon=115.0025, lat=30.19)  # 0.01 degrees south of D1: 1.1 km
    far = read(client("dispatcher"), case)  # D1's dispatcher sees it
    (found,) = far["routes"]
    assert (found["body"], far["incident"]["properties"]["grid"]) == ("指挥中心", None)
    assert found["outside_m"] == pytest.approx(1108, abs=5)
    assert "距最近的区1.1公里" in found["words"]
    assert route_of(chief, lon=-60, lat=-40)["outside_m"] > 1e7  # nothing is lost, wherever it is


def test_the_deadline_is_that_of_the_finest_rule(client: Make, town, app_engine) -> None:
    """4 working hours everywhere, 3 natural days in D1S1: from 30 September 2026, 16:30, over the National Day."""
    with town.begin() as connection:
        store_builtin_days(connection)
        connection.execute(
            text(
                "INSERT INTO sla_rule (category, area_code, amount, unit, source) "
                "VALUES ('litter', '', 4, 'working_hour', '示例'), ('litter', 'D1S1', 3, 'natural_day', '示例')"
            )
        )
    chief = client("chief")
    session = chief.app.state.context.sessions.find(chief.cookies["yiwangtu_session"])
    now = datetime.fromisoformat("2026-09-30T16:30:00+08:00")
    due = []
    for lat in (30.215, 30.205):
        sent = reporting.Report(uuid.uuid4(), "litter", None, None, 115.0025, lat, "wgs84", None, None)
        with scoped(app_engine, session.viewer) as connection:
            reporting.report(connection, session, sent, now)
        found = read(chief, str(sent.id))["deadline"]
        due.append((found["due_at"], found["words"]))
    began = "（示例），自2026年9月30日16:30起算，"
    assert due == [
        ("2026-10-08T03:30:00Z", f"时限4个工作时{began}10月1日至7日国庆节不计，应于2026年10月8日11:30前办结。"),
        ("2026-10-08T09:30:00Z", f"时限3个自然日{began}逢10月1日至7日国庆节顺延，应于2026年10月8日17:30前办结。"),
    ]


def test_a_holiday_declared_later_moves_what_is_due_and_says_so(client: Make, town, app_engine) -> None:
    """One working day from 23 November 2026 is the 24th; that day is made a holiday: it is the 25th."""
    with town.begin() as connection:
        connection.execute(text("INSERT INTO sla_rule (category, amount, unit) VALUES ('litter', 1, 'working_day')"))
    chief = client("chief")
    session = chief.app.state.context.sessions.find(chief.cookies["yiwangtu_session"])
    sent = reporting.Report(
        uuid.uuid4(), "litter", None, None, **IN_G1, datum="wgs84", accuracy_m=None, occurred_at=None
    )
    with scoped(app_engine, session.viewer) as connection:
        reporting.report(connection, session, sent, datetime.fromisoformat("2026-11-23T10:00:00+08:00"))
    assert read(chief, str(sent.id))["deadline"]["due_at"] == "2026-11-24T09:30:00Z"
    with town.begin() as connection:
        assert deadlines.recount(connection) == []
        connection.execute(
            text(
                "INSERT INTO calendar_day (time_zone, day, kind, name, source) "
                "VALUES ('Asia/Shanghai', '2026-11-24', 'holiday', '停工日', '市府通告')"
            )
        )
    with town.begin() as connection:
        (fault,) = (one for one in integrity.faults(connection) if "is due at" in one)
        assert "say 2026-11-25 09:30 UTC; run yiwangtu cases recount" in fault
    with town.begin() as connection:
        assert len(deadlines.recount(connection)) == 1
        assert chain.broken_chains(connection) == []
    found = read(chief, str(sent.id))
    assert found["deadline"]["due_at"] == found["incident"]["properties"]["due_at"] == "2026-11-25T09:30:00Z"
    assert "11月24日停工日不计，应于2026年11月25日17:30前办结。" in found["deadline"]["words"]
    change = {"from": "2026-11-24T09:30:00+00:00", "to": "2026-11-25T09:30:00+00:00"}
    assert (found["events"][-1]["detail"], found["events"][-1]["by"]) == ({"recounted": change}, None)


def due_of(client: TestClient, case: str) -> datetime:
    return datetime.fromisoformat(read(client, case)["deadline"]["due_at"])


def test_a_pause_needs_another_person_and_stops_the_clock(client: Make, town, fetch) -> None:
    """24 hours round the clock; what the pause took is given back, and the sentence names it."""
    worker, community, dispatcher = client("worker"), client("community"), client("dispatcher")
    case = report(worker)
    move(dispatcher, case, "accepted")
    move(worker, case, "in_progress")
    before = due_of(worker, case)
    assert "is asked for with a reason" in post(worker, f"{case}/events", 409, to="paused", note="x")["detail"]
    asked = post(community, f"{case}/requests", 201, kind="pause", reason="等待业主")
    number = asked["requests"][0]["id"]
    assert post(worker, f"{case}/requests", 409, kind="return", reason="x")["code"] == "conflict"  # one at a time
    decision = f"{case}/requests/{number}/decision"
    assert "somebody else must" in post(community, decision, 403, is_granted=True)["detail"]
    assert post(dispatcher, decision, 400, is_granted=False)["errors"][0]["field"] == "note"
    paused = post(dispatcher, decision, is_granted=True)
    assert paused["incident"]["properties"]["status"] == "paused"
    assert "起暂停（等待业主），恢复后重新计算到期时间。" in paused["deadline"]["words"]
    assert paused["deadline"]["stopped_at"] == paused["requests"][0]["decided_at"]
    post(dispatcher, decision, 409, is_granted=True)
    move(worker, case, "in_progress")
    running = read(worker, case)
    (pause,) = running["requests"]
    took = datetime.fromisoformat(pause["ended_at"]) - datetime.fromisoformat(pause["decided_at"])
    assert timedelta() < took == due_of(worker, case) - before
    assert "暂停不计（等待业主）" in running["deadline"]["words"]
    assert [(one["status"], one["detail"], one["by"]) for one in running["events"]][3:] == [
        ("in_progress", {"asked": "pause", "request": number}, "测试 community"),
        ("paused", {"granted": "pause", "request": number}, "测试 dispatcher"),
        ("in_progress", None, "测试 worker"),
    ]
    with town.begin() as connection:
        assert chain.broken_chains(connection) == []


def test_more_time_is_added_once_granted(client: Make) -> None:
    worker, dispatcher = client("worker"), client("dispatcher")
    case = report(worker)
    before = due_of(worker, case)
    assert post(worker, f"{case}/requests", 400, kind="extension", reason="x")["errors"][0]["field"] == "amount"
    number = post(worker, f"{case}/requests", 201, kind="extension", reason="需开挖", amount=5)["requests"][0]["id"]
    assert due_of(worker, case) == before
    post(worker, f"{case}/requests/{number}/decision", 403, is_granted=True)
    granted = post(dispatcher, f"{case}/requests/{number}/decision", is_granted=True)
    assert due_of(worker, case) - before == timedelta(hours=5)
    assert "延期5个紧急工作时（需开挖）" in granted["deadline"]["words"]
    number = post(worker, f"{case}/requests", 201, kind="extension", reason="x", amount=1)["requests"][1]["id"]
    post(dispatcher, f"{case}/requests/{number}/decision", is_granted=False, note="不必")
    assert due_of(worker, case) - before == timedelta(hours=5)


def test_giving_back_needs_another_person_and_the_clock_goes_on(client: Make) -> None:
    worker, dispatcher = client("worker"), client("dispatcher")
    case = report(worker)
    move(dispatcher, case, "accepted", "assigned")
    before = due_of(worker, case)
    number = post(worker, f"{case}/requests", 201, kind="return", reason="不归我管")["requests"][0]["id"]
    found = post(dispatcher, f"{case}/requests/{number}/decision", is_granted=True)
    assert found["incident"]["properties"]["status"] == "returned"
    assert (found["deadline"]["stopped_at"], due_of(worker, case)) == (None, before)
    assert found["events"][-1]["note"] == "不归我管"


def test_the_clock_stops_when_it_is_resolved(client: Make) -> None:
    worker, dispatcher = client("worker"), client("dispatcher")
    case = report(worker)
    before = due_of(worker, case)
    move(dispatcher, case, "accepted")
    move(worker, case, "in_progress", "resolved")
    stopped = read(worker, case)["deadline"]
    assert (stopped["stopped_at"] is not None, stopped["is_overdue"]) == (True, False)
    move(dispatcher, case, "verified", "closed", "reopened")
    again = read(worker, case)["deadline"]
    assert again["stopped_at"] is None
    assert due_of(worker, case) > before  # what was left goes on, nothing starts anew
    assert due_of(worker, case) - before < timedelta(minutes=5)


def test_a_case_without_limit_has_nothing_to_extend(client: Make) -> None:
    worker = client("worker")
    case = report(worker, category="other")
    assert read(worker, case)["deadline"] is None
    assert (
        "has no time limit" in post(worker, f"{case}/requests", 409, kind="extension", reason="x", amount=1)["detail"]
    )


def test_the_file_says_what_one_may_do(client: Make) -> None:
    worker, dispatcher = client("worker"), client("dispatcher")
    case = report(worker)
    assert (read(worker, case)["moves"], read(dispatcher, case)["moves"]) == ([], ["accepted", "rejected"])
    move(dispatcher, case, "accepted", "assigned")
    found = read(worker, case)
    assert (found["moves"], found["may_ask"]) == (["in_progress"], ["returned"])


def test_a_change_sent_twice_with_one_key_happens_once(client: Make) -> None:
    worker = client("worker")
    case = report(worker)
    sent = {"kind": "extension", "reason": "x", "amount": 1}
    answers = [
        worker.post(f"/api/incidents/{case}/requests", json=sent, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(read(worker, case)["requests"]) == 1


def suggested(client: TestClient, case: str) -> list[tuple[str, float]]:
    answer = client.get(f"/api/incidents/{case}/duplicates").json()["suggestions"]
    return [(one["id"], one["away_m"]) for one in answer]


def test_duplicates_are_of_the_category_near_in_place_and_time(client: Make, fetch) -> None:
    """50 m and 72 hours of litter: 0.0004 degrees of latitude are 44 m, 0.0005 are 55 m."""
    worker = client("worker")
    case = report(worker)
    near, edge = report(worker, lat=30.2051), report(worker, lat=30.2054)
    report(worker, lat=30.2055)
    report(worker, category="noise")
    report(worker, occurred_at=(datetime.now().astimezone() - timedelta(hours=73)).isoformat())
    early = report(worker, lat=30.2052, occurred_at=(datetime.now().astimezone() - timedelta(hours=71)).isoformat())
    found = suggested(worker, case)
    assert [one for one, _ in found] == [near, early, edge]
    assert [away for _, away in found] == pytest.approx([11.1, 22.2, 44.3], abs=0.2)


def test_joining_and_parting_keep_everything(client: Make, town, fetch) -> None:
    """Both reporters keep receipt and history; the first goes on where it was when it is parted."""
    worker, community = client("worker"), client("community")
    kept, gone = report(worker, description="第一位"), report(community, description="第二位", lat=30.2051)
    move(community, gone, "accepted")
    before = due_of(community, gone)
    codes = dict(fetch("SELECT id::text, code FROM incident"))
    assert post(worker, f"{gone}/merge", 403, into=kept)["code"] == "forbidden"
    merged = post(community, f"{gone}/merge", into=kept, note="同一处")
    assert merged["incident"]["properties"]["status"] == "merged"
    assert merged["moves"] == []
    found = read(worker, kept)
    assert [(one["id"], one["description"]) for one in found["joined"]] == [(gone, "第二位")]
    assert found["events"][-1]["detail"] == {"joined": codes[gone]}
    assert suggested(worker, kept) == []
    assert suggested(worker, gone) == [(kept, pytest.approx(11.1, abs=0.2))]
    for one, into, status in ((gone, kept, 409), (kept, gone, 409), (kept, kept, 400)):
        post(community, f"{one}/merge", status, into=into)
    parted = post(community, f"{gone}/unmerge", note="不是一处")
    assert parted["incident"]["properties"]["status"] == "accepted"
    assert due_of(community, gone) >= before
    assert read(worker, kept)["joined"] == []
    post(community, f"{gone}/unmerge", 409, note="x")
    assert [one["detail"] for one in parted["events"]] == [None, None, {"into": codes[kept]}, {"from": codes[kept]}]
    with town.begin() as connection:
        assert chain.broken_chains(connection) == []


def test_joining_into_a_resolved_case_changes_nobodys_right_to_verify(client: Make) -> None:
    """The joiner's line in its history says `resolved` too, and is no resolving."""
    worker, community = client("worker"), client("community")
    kept, gone = report(worker), report(worker)
    move(community, kept, "accepted")
    move(worker, kept, "in_progress", "resolved")
    post(community, f"{gone}/merge", into=kept)
    assert "can't verify it" in post(worker, f"{kept}/events", 403, to="verified")["detail"]
    move(community, kept, "verified")


def test_one_that_holds_others_is_not_joined(client: Make) -> None:
    community = client("community")
    first, second, third = (report(community) for _ in range(3))
    post(community, f"{second}/merge", into=first)
    assert "holds 1 others" in post(community, f"{first}/merge", 409, into=third)["detail"]
    assert post(community, f"{third}/merge", 404, into=str(uuid.uuid4()))["code"] == "not_found"
