"""Statistics over the drawn town (see town.sql): hand-derived figures, and every figure is as long as its list."""

import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from data.statistics.definitions import read_indicators
from data.statistics.parts import PART_SQL
from layers.tables import INCIDENT_STATUSES, RESOLVED_LEVELS

Make = Callable[[str], TestClient]
DAYS = "first_day=2026-03-01&last_day=2026-03-31"


def read(client: TestClient, query: str, status: int = 200) -> dict:
    answer = client.get(f"/api/statistics?{query}")
    assert answer.status_code == status, answer.text
    return answer.json()


def listed(client: TestClient, query: str) -> list[dict]:
    """Every incident of a list, page by page."""
    found, cursor = [], ""
    while True:
        page = client.get(f"/api/incidents?limit=7&{query}{cursor}").json()
        found += page["features"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def add(town: Engine, *rows: dict) -> None:
    """Put incidents into the town; `at` are days and hours of March, by the town's clock."""
    with town.begin() as connection:
        for row in rows:
            known = {
                "id": uuid.uuid4(), "code": str(uuid.uuid4()), "status": "reported", "source": "worker",
                "category": "noise", "department": "城管", "resolved_level": None, "rating": None,
                "due_at": None, "resolved_at": None,
                "received_at": None, "reported_at": "2026-03-10 08:00+08", "lon": 115.0025,
            }  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO incident (id, code, category, title, status, source, department, resolved_level, "
                    "rating, due_at, resolved_at, received_at, reported_at, geom) VALUES (:id, :code, :category, 'x', "
                    ":status, :source, :department, :resolved_level, :rating, :due_at, :resolved_at, :received_at, "
                    ":reported_at, ST_SetSRID(ST_MakePoint(:lon, 30.205), 4326))"
                ),
                known | row,
            )


MARCH = (
    # in time; two hours late; never handled and long due; paused; rejected; joined; waiting to be accepted
    {"status": "closed", "due_at": "2026-03-10 12:00+08", "resolved_at": "2026-03-10 09:00+08",
     "resolved_level": "grid"},
    {"status": "rated", "due_at": "2026-03-10 12:00+08", "resolved_at": "2026-03-10 14:00+08", "rating": 5,
     "source": "12345", "resolved_level": "district", "lon": 115.0125},
    {"status": "in_progress", "due_at": "2026-03-10 12:00+08", "lon": 115.0125},
    {"status": "paused", "due_at": "2026-03-10 12:00+08"},
    {"status": "rejected"},
    {"status": "merged"},
    {"status": "reported", "department": None, "source": "resident"},
    # the day before and the day after, by the town's clock
    {"status": "closed", "reported_at": "2026-02-28 23:59+08"},
    {"status": "closed", "reported_at": "2026-04-01 00:00+08"},
)  # fmt: skip


def test_figures_by_hand(client: Make, town: Engine) -> None:
    add(town, *MARCH)
    found = read(client("chief"), f"within=D1&{DAYS}")
    counts = found["total"]["counts"]
    expected = {
        "reported": 7, "filed": 4, "rejected": 1, "joined": 1, "open": 3, "overdue": 1, "due": 3, "handled": 2,
        "due_timed": 3, "on_time": 1, "closed": 2, "hotline": 1, "hotline_due": 1, "hotline_solved": 1,
        "hotline_rated": 1, "hotline_satisfied": 1, "proactive": 5,
        "solved_grid": 1, "solved_district": 1, "solved_unknown": 0,
        "hotline_timed": 0,  # imported: when it was answered nobody knows
    }  # fmt: skip
    assert {part: counts[part] for part in expected} == expected
    ratios = {code: one["value"] for code, one in found["total"]["ratios"].items() if one["value"] is not None}
    assert ratios["filed_ratio"] == pytest.approx(4 / 7, abs=1e-6)
    assert ratios["on_time_ratio"] == pytest.approx(1 / 3, abs=1e-6)
    assert ratios["closed_ratio"] == 0.5
    assert "response_ratio" not in ratios
    assert found["total"]["ratios"]["on_time_ratio"]["grade"] is None  # of three cases
    # 1 and 6 hours: the least that half, and nine tenths, do not exceed
    assert found["total"]["hours"] == {"n": 2, "median": 1.0, "p90": 6.0}
    assert [(one["code"], one["counts"]["reported"]) for one in found["areas"]] == [("D1S1", 7)]
    assert [(one["code"], one["counts"]["reported"]) for one in found["departments"]] == [("-", 1), ("城管", 6)]
    assert [(one["code"], one["hours"]["n"]) for one in found["categories"]] == [("city", 2)]
    assert found["statuses"] == dict.fromkeys(INCIDENT_STATUSES, 0) | {
        one["status"]: sum(other["status"] == one["status"] for other in MARCH[:7]) for one in MARCH[:7]
    }
    add(town, *({"status": "rejected"} for _ in range(3)))
    assert read(client("chief"), f"within=D1&{DAYS}")["total"]["ratios"]["filed_ratio"] == {
        "value": 0.4,
        "grade": "poor",
    }
    inside = read(client("chief"), f"within=D1S1&{DAYS}&source=worker,12345,resident&department=-,城管")["areas"]
    assert [(one["code"], one["counts"]["reported"]) for one in inside] == [("D1S1C1", 8), ("D1S1C2", 2)]
    grid = read(client("chief"), f"within=D1S1C2G1&{DAYS}")
    assert (grid["level"], grid["total"]["counts"]["reported"], grid["areas"][0]["code"]) == ("grid", 2, "")


def test_a_whole_life_is_counted(client: Make, town: Engine, fetch) -> None:
    """Dispatched, given back, dispatched again, handled, found wanting, handled again, verified, closed, rated."""
    worker, chief, department, street = (client(one) for one in ("worker", "chief", "department", "street"))
    case = f"/api/incidents/{uuid.uuid4()}"
    limit = "INSERT INTO sla_rule (category, amount, unit, source) VALUES ('noise', 5, 'natural_day', 'drawn')"
    with town.begin() as connection:
        connection.execute(text(limit))
    sent = {"category": "noise", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
    assert worker.put(case, json=sent).status_code == 201

    def move(by: TestClient, to: str, **more: object) -> None:
        answer = by.post(f"{case}/events", json={"to": to, **more})
        assert answer.status_code == 200, answer.text

    def asked_and_granted(kind: str, **more: object) -> None:
        answer = department.post(f"{case}/requests", json={"kind": kind, "reason": "x", **more})
        assert answer.status_code == 201, answer.text
        number = answer.json()["requests"][-1]["id"]
        granted = chief.post(f"{case}/requests/{number}/decision", json={"is_granted": True})
        assert granted.status_code < 300, granted.text

    move(chief, "accepted")
    move(chief, "assigned", department="城管")
    asked_and_granted("return")
    move(chief, "assigned")
    move(department, "in_progress")
    for amount in (1, 2):
        asked_and_granted("extension", amount=amount)
    move(department, "resolved")
    move(street, "reopened", note="not clean")
    move(department, "in_progress")
    move(department, "resolved")
    move(street, "verified")
    move(chief, "closed")
    move(chief, "rated", rating=4)
    row = chief.get(case).json()["incident"]["properties"]
    assert row["resolved_level"] == "district"
    (received_at,) = fetch("SELECT received_at FROM case_course WHERE incident_id = :id", id=case.rsplit("/", 1)[1])[0]
    day = received_at.astimezone(ZoneInfo("Asia/Shanghai")).date()
    found = read(chief, f"within=D1S1C1G1&first_day={day}&last_day={day}&category=noise&source=worker")
    counts = found["total"]["counts"]
    for part in (
        "reported",
        "filed",
        "dispatched",
        "resolved",
        "reworked",
        "closed",
        "rated",
        "satisfied",
        "solved_district",
    ):
        assert counts[part] == 1, part
    assert counts["dispatched_right"] == 0
    assert counts["on_time"] == counts["recorded"] == 1
    assert counts["extended_often"] == 1
    posts = {one["code"]: one for one in found["posts"]}
    assert {code: one["count"] for code, one in posts.items()} == dict.fromkeys(posts, 1)
    assert posts["intake"]["hours"] == {"n": 1, "median": 0.0, "p90": 0.0}
    assert (posts["dispatch"]["ratio"]["numerator"], posts["dispatch"]["ratio"]["denominator"]) == (0, 1)
    assert posts["verify"]["ratio"]["value"] == 1.0


def drawn(seed: int) -> list[dict]:
    """Any incidents at all: every status with every clock."""
    rng = random.Random(seed)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    rows = []
    for _ in range(60):
        reported = start + timedelta(hours=rng.uniform(0, 400))
        status = rng.choice(INCIDENT_STATUSES)
        rows.append({
            "status": status, "source": rng.choice(["worker", "resident", "12345", "patrol", "sensor"]),
            "department": rng.choice(["城管", "环卫", None]), "category": rng.choice(["noise", "litter"]),
            "reported_at": reported, "received_at": rng.choice([reported, None]),
            "due_at": rng.choice([None, reported + timedelta(hours=5), datetime(2999, 1, 1, tzinfo=UTC)]),
            "resolved_at": rng.choice([None, reported + timedelta(hours=rng.uniform(0, 9))]),
            "rating": rng.choice([None, 1, 4, 5]), "resolved_level": rng.choice([None, *RESOLVED_LEVELS]),
            "lon": 115.0 + rng.uniform(0, 0.04),
        })  # fmt: skip
    return rows


def test_every_figure_is_as_long_as_its_list(client: Make, town: Engine) -> None:
    """For who sees all and who sees a street, in all and by area, department, category and source."""
    add(town, *drawn(7))
    for login in ("chief", "street", "department"):
        one = client(login)
        found = read(one, f"within=D1&{DAYS}")
        period = f"within=D1&reported_from={found['reported_from']}&reported_before={found['reported_before']}"
        for part in PART_SQL:
            assert len(listed(one, f"{period}&part={part}")) == found["total"]["counts"][part], (login, part)
        for kind, name in (("departments", "department"), ("categories", "category"), ("sources", "source")):
            for group in found[kind]:
                for part in ("reported", "due", "overdue"):
                    rows = listed(one, f"{period}&{name}={group['code']}&part={part}")
                    assert len(rows) == group["counts"][part], (login, kind, group["code"], part)
        for group in found["areas"]:
            here = period.replace("within=D1&", f"within={group['code']}&")
            assert len(listed(one, f"{here}&part=handled")) == group["counts"]["handled"]
        for kind in ("areas", "departments", "categories", "sources"):
            for part in PART_SQL:
                assert sum(one["counts"][part] for one in found[kind]) == found["total"]["counts"][part]
        filtered = read(one, f"within=D1&{DAYS}&department=城管&source=worker,12345&category=city")
        assert filtered["total"]["counts"]["reported"] == len(
            listed(one, f"{period}&department=城管&source=worker,12345&category=city")
        )


@pytest.mark.parametrize("seed", range(3))
def test_what_is_above_the_line_is_below_it_too(town: Engine, fetch, seed: int) -> None:
    """No ratio exceeds 1: its numerator's incidents are in its denominator; levels share out what was handled."""
    add(town, *drawn(seed))
    for one in read_indicators():
        above, below = PART_SQL[one.numerator], PART_SQL[one.denominator]
        assert fetch(f"SELECT 1 FROM case_course t WHERE ({above}) AND NOT ({below})") == [], one.code
    levels = " + ".join(f"count(*) FILTER (WHERE {PART_SQL[name]})" for name in PART_SQL if name.startswith("solved_"))
    ((shared, handled),) = fetch(f"SELECT {levels}, count(*) FILTER (WHERE {PART_SQL['handled']}) FROM case_course t")
    assert shared == handled > 0


def test_the_narrow_row_is_what_incident_and_history_say(client: Make, town: Engine, fetch) -> None:
    """Written by triggers step by step, changed and taken away with its incident; never by the app itself."""
    add(town, *drawn(3))
    differing = (
        "(TABLE case_course_now EXCEPT TABLE case_course) UNION ALL (TABLE case_course EXCEPT TABLE case_course_now)"
    )
    assert fetch(differing) == []
    with town.begin() as connection:
        connection.execute(text("UPDATE incident SET status = 'closed', due_at = now() WHERE source = '12345'"))
        connection.execute(text("DELETE FROM incident WHERE source = 'sensor'"))
    assert fetch(differing) == []
    with town.begin() as connection:
        connection.execute(text("TRUNCATE incident CASCADE"))
    assert fetch("SELECT 1 FROM case_course") == []


def test_what_cannot_be_asked(client: Make) -> None:
    chief = client("chief")
    assert read(chief, "within=D9", 404)["code"] == "not_found"
    assert "-30 days" in read(chief, "within=D1&first_day=2026-03-31&last_day=2026-03-01", 400)["detail"].replace(
        "-29", "-30"
    )
    assert "1100" in read(chief, "within=D1&first_day=2020-01-01&last_day=2026-03-01", 400)["detail"]
    assert "odd" in read(chief, "within=D1&source=odd", 400)["detail"]
    assert read(chief, "within=D1&colour=red", 400)["errors"][0]["field"] == "colour"
    assert client("worker").get("/api/recurring?within=D1").status_code == 403
    for query in ("part=odd", "id=1", "id=" + ",".join([str(uuid.uuid4())] * 101)):
        assert chief.get(f"/api/incidents?{query}").status_code == 400


def test_definitions_say_what_every_figure_is(client: Make) -> None:
    found = client("planner").get("/api/statistics/definitions").json()
    assert {one["code"] for one in found["parts"]} == set(PART_SQL)
    assert [len(one["steps"]) for one in found["label_sets"]] == [7, 4, 5]
    for one in found["label_sets"]:
        assert sorted(status for step in one["steps"] for status in step["statuses"]) == sorted(INCIDENT_STATUSES)
    assert "漏报率" in json.dumps(found["missing"], ensure_ascii=False)


def test_what_comes_back_is_found_with_its_list(client: Make, town: Engine) -> None:
    """Five reports at one door in two weeks are one problem; three far apart are none; noise and litter are two."""
    door = [{"reported_at": f"2026-03-{day:02} 09:00+08", "lon": 115.0021} for day in (2, 4, 8, 11, 12)]
    add(town, *door, {"category": "litter", "lon": 115.0021}, {"lon": 115.015}, {"lon": 115.03})
    planner = client("planner")
    answer = planner.get(f"/api/recurring?within=D1&{DAYS}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    (one,) = found["clusters"]["features"]
    facts = one["properties"]
    assert (facts["category"], facts["n"], facts["open"], facts["radius_m"], facts["trend"]) == (
        "noise",
        5,
        5,
        0,
        "rising",
    )
    assert (facts["first_on"], facts["last_on"], facts["place"]) == ("2026-03-02", "2026-03-12", "D1S1C1G1")
    assert one["geometry"]["coordinates"] == [115.0021, 30.205]
    assert len(listed(planner, f"id={','.join(facts['ids'])}")) == 5
    assert (found["incidents"], found["clustered"]) == (7, 5)
    assert sum(cell["properties"]["n"] for cell in found["cells"]["features"]) == 7
    assert planner.get(f"/api/recurring?within=D1&{DAYS}").json()["clusters"] == found["clusters"]
    assert planner.get(f"/api/recurring?within=D1&{DAYS}&least=6").json()["clusters"]["features"] == []
    empty = planner.get("/api/recurring?within=D2S1&first_day=2020-01-01&last_day=2020-01-02").json()
    assert (empty["incidents"], empty["cells"]["features"]) == (0, [])
