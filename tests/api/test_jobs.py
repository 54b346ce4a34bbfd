"""Jobs and plans through the HTTP API, end to end on the drawn town.

A community of D1 holds 600 households in G1 (one compound, two units) and 100 + 100 in G2, which is below the band of
400-800. With the compound whole, the only plan in the band is one grid of all 800: the two units of G2 move, 200
households. A community of D2 holds 600 and 450 + 450 = 900, above the band: three grids, one unit of 450 moves.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.errors import ConflictError
from api.services import jobs
from api.services.jobs import JobRunner
from api.settings import Settings
from data.scope import scoped
from layers.viewer import Viewer

REBALANCE = {"kind": "rebalance", "within": "D1S1C1", "parameters": {}}
GAPS = {"kind": "gaps", "within": "D1S1C1", "parameters": {}}
NOT_PLANNERS = (
    "worker", "community", "street", "dispatcher", "department", "screen", "system_admin", "security_admin",
    "audit_admin",
)  # fmt: skip


@pytest.fixture
def settings(settings) -> Settings:
    """Communities one after the other, in the server's own process."""
    return settings.model_copy(update={"job_workers": 1})


@pytest.fixture
def app(app):
    """The server with its runner at work."""
    with TestClient(app):
        yield app


@pytest.fixture
def finished(until):
    """Submit a job and wait for its end."""

    def run(planner, body):
        answer = planner.post("/api/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return ended(planner, answer.json()["id"])

    def ended(planner, job_id):
        def look():
            job = planner.get(f"/api/jobs/{job_id}").json()
            return job if job["status"] in ("succeeded", "failed", "cancelled") else None

        return until(look)

    run.ended = ended
    return run


@pytest.fixture
def blocked(town):
    """Hold a lock that keeps a job from going on: `with blocked("unit"): …`."""

    class Blocking:
        def __init__(self, table: str) -> None:
            self.table = table

        def __enter__(self) -> None:
            self.connection = town.connect()
            self.connection.execute(text(f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE"))

        def __exit__(self, *_) -> None:
            self.connection.close()

    return Blocking


def status(fetch, job_id: str) -> tuple:
    return tuple(fetch("SELECT status, attempts FROM job WHERE id = CAST(:id AS uuid)", id=job_id)[0])


def test_a_rebalance_ends_in_a_plan(client, finished) -> None:
    planner = client("planner")
    job = finished(planner, REBALANCE)
    assert (job["status"], job["progress_ratio"], job["within"]) == ("succeeded", 1, "D1S1C1")
    metrics = job["result"]["metrics"]
    assert {name: metrics[name] for name in ("units", "households", "grids", "grids_in_band", "moved_households")} == {
        "units": 4, "households": 800, "grids": 1, "grids_in_band": 1, "moved_households": 200,
    }  # fmt: skip
    assert metrics["before"] == {"grids": 2, "grids_in_band": 1}
    assert (metrics["disconnected_grids"], metrics["infeasible"]) == (0, [])
    plan_id = job["result"]["plan_id"]
    plan = planner.get(f"/api/plans/{plan_id}").json()
    assert (plan["status"], plan["within"], plan["created_by"]) == ("proposed", "D1S1C1", "planner")
    assert plan["parameters"] | {"mode": "adjust", "floor": 400, "ceiling": 800} == plan["parameters"]
    (grid,) = planner.get(f"/api/plans/{plan_id}/grids").json()["features"]
    assert grid["geometry"]["type"] == "MultiPolygon"
    shown = {name: grid["properties"][name] for name in ("code", "community", "households", "in_band")}
    assert shown == {"code": "D1S1C1G1", "community": "D1S1C1", "households": 800, "in_band": True}
    moves = [move["properties"] for move in planner.get(f"/api/plans/{plan_id}/changes").json()["features"]]
    assert moves == [
        {"code": f"D1S1C1G2U{n}", "households": 100, "from_grid": "D1S1C1G2", "to_grid": "D1S1C1G1"} for n in (1, 2)
    ]


@pytest.mark.parametrize("mode", ["adjust", "redraw"])
def test_a_grid_that_is_too_large_is_cut(client, finished, mode) -> None:
    """What moves is counted after matching old and new grids, whatever the new codes are."""
    planner = client("chief_planner")
    job = finished(planner, {"kind": "rebalance", "within": "D2S1C1", "parameters": {"mode": mode}})
    metrics = job["result"]["metrics"]
    assert (metrics["grids"], metrics["grids_in_band"], metrics["moved_households"]) == (3, 3, 450)
    moves = planner.get(f"/api/plans/{job['result']['plan_id']}/changes").json()["features"]
    assert [(move["properties"]["households"], move["properties"]["from_grid"]) for move in moves] == [
        (450, "D2S1C1G2")
    ]


def test_a_street_is_cut_community_by_community(client, finished, fetch) -> None:
    job = finished(client("planner"), {"kind": "rebalance", "within": "D1S1", "parameters": {"mode": "redraw"}})
    metrics = job["result"]["metrics"]
    assert (metrics["grids"], metrics["grids_in_band"], metrics["moved_households"]) == (2, 2, 400)
    per_community = fetch(
        "SELECT a.code, count(*), sum(g.households) FROM grid g JOIN area a ON a.id = g.area_id "
        "WHERE g.plan_id = :id GROUP BY a.code ORDER BY a.code",
        id=job["result"]["plan_id"],
    )
    assert [tuple(row) for row in per_community] == [("D1S1C1", 1, 800), ("D1S1C2", 1, 800)]
    # the lots fill the communities, so the new grids cover them
    (covered,) = fetch(
        "SELECT ST_Area(ST_Union(g.geom)) / (SELECT ST_Area(geom) FROM area WHERE code = 'D1S1') FROM grid g "
        "WHERE g.plan_id = :id",
        id=job["result"]["plan_id"],
    )
    assert covered[0] == pytest.approx(1, abs=1e-4)


def test_gaps_are_measured_and_stored(client, finished, fetch, town) -> None:
    """A lane passes 0.00035 deg (39 m) north of the houses' middles, and a path of 377 m leads from it to the station.

    From the middle of G1U1 it is 0.00075 deg (72 m) along the lane: 488 m in all. All others have 192 m more at least.
    The canteen stands 0.0005 deg (48 m) east of the path's end: 536 m from G1U1. The newest rulebook is the town's own.
    """
    with town.begin() as connection:
        for code, line in (
            ("L1", "115 30.2026, 115.0005 30.2026"), ("L2", "115.0005 30.2026, 115.01 30.2026"),
            ("L3", "115.0005 30.2026, 115.0005 30.206"),
        ):  # fmt: skip
            connection.execute(
                text("INSERT INTO road (code, geom, path) VALUES (:code, ST_GeomFromText(:line, 4326), 'D1')"),
                {"code": code, "line": f"MULTILINESTRING(({line}))"},
            )
    job = finished(client("planner"), GAPS)
    assert job["status"] == "succeeded", job["message"]
    result = job["result"]
    assert (result["rulebook"], result["units"], result["without_data"]) == ("drawn@1", 4, ["school_300"])
    assert job["parameters"] == {"rulebook": "drawn@1"}
    figures = ("rule", "demand", "demand_met", "demand_not_met", "demand_unknown", "unserved_ratio")
    assert [tuple(rule[name] for name in figures) for rule in result["rules"]] == [
        ("station_500", 800, 300, 500, 0, 0.625), ("canteen_500", 400, 0, 400, 0, 1),
    ]  # fmt: skip
    rows = fetch(
        "SELECT code, verdicts, walk_m[1]::integer, facilities, reasons FROM service_gap "
        "WHERE code LIKE 'D1S1C1%' ORDER BY code"
    )
    served_by = ["D1S1C1-station", "D1S1C1-canteen"]
    walks = (488, 681, 969, 1162)  # 193 m for 0.002 deg along the lane
    assert [(row.code, row.verdicts, row.facilities, row.reasons) for row in rows] == [
        (f"D1S1C1G{g}U{u}", "mn" if (g, u) == (1, 1) else "nn", served_by, ["ok", "ok"]) for g in (1, 2) for u in (1, 2)
    ]
    assert [row.walk_m for row in rows] == pytest.approx(walks, abs=3)
    kept = fetch(
        "SELECT e.id, e.area_code, e.made_by, count(*) FROM service_gap s "
        "JOIN examination e ON e.id = s.examination_id GROUP BY 1, 2, 3 ORDER BY 1"
    )
    assert [tuple(row) for row in kept] == [
        (1, "D1", "drawn", 12), (2, "D2", "drawn", 16), (result["examination_id"], "D1S1C1", "planner", 4),
    ]  # fmt: skip


def test_an_examination_without_units_is_forgotten(client, finished, fetch) -> None:
    """Whoever examines the whole district again leaves nothing of the examination before."""
    job = finished(client("planner"), GAPS | {"within": "D1"})
    found = fetch("SELECT id, area_code FROM examination ORDER BY id")
    assert [tuple(row) for row in found] == [(2, "D2"), (job["result"]["examination_id"], "D1")]


def test_a_running_job_can_be_cancelled(client, finished, blocked, fetch, until) -> None:
    planner = client("planner")
    with blocked("unit"):
        job_id = planner.post("/api/jobs", json=REBALANCE).json()["id"]
        until(lambda: planner.get(f"/api/jobs/{job_id}").json()["progress_ratio"] > 0)
        assert status(fetch, job_id)[0] == "running"
        assert planner.delete(f"/api/jobs/{job_id}").json()["status"] == "cancelled"
    assert finished(planner, GAPS)["status"] == "succeeded"  # the runner went on
    assert status(fetch, job_id)[0] == "cancelled"
    assert fetch("SELECT count(*) FROM plan WHERE status = 'proposed'")[0][0] == 0
    refused = planner.delete(f"/api/jobs/{job_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_a_job_cancelled_at_the_last_moment_stores_nothing(client, finished, blocked, fetch, until) -> None:
    planner = client("planner")
    with blocked("plan_assignment"):  # the plan and its grids are written, not yet committed
        job_id = planner.post("/api/jobs", json=GAPS | {"kind": "rebalance", "parameters": {"mode": "redraw"}}).json()[
            "id"
        ]
        until(lambda: fetch("SELECT 1 FROM pg_locks WHERE NOT granted"))
        planner.delete(f"/api/jobs/{job_id}")
    finished(planner, GAPS)
    assert status(fetch, job_id)[0] == "cancelled"
    assert fetch("SELECT count(*) FROM plan WHERE status = 'proposed'")[0][0] == 0


def test_a_job_whose_server_was_killed_runs_again(town, client_after, fetch, until) -> None:
    """As a killed server leaves it: running, begun once. At the third such end it has failed."""
    with town.begin() as connection:
        insert = text(
            "INSERT INTO job (kind, area_code, path, status, attempts, progress_ratio, started_at) "
            "SELECT 'rebalance', code, path, 'running', :attempts, 0.5, now() FROM area "
            "WHERE code = 'D1S1C1' RETURNING id"
        )
        once, thrice = (str(connection.execute(insert, {"attempts": n}).scalar()) for n in (1, 3))
    client_after("planner")
    until(lambda: status(fetch, once) == ("succeeded", 2))
    assert status(fetch, thrice) == ("failed", 3)
    assert fetch("SELECT message FROM job WHERE id = CAST(:id AS uuid)", id=thrice)[0][0] == (
        "the server ended 3 times while this job ran"
    )


@pytest.fixture
def client_after(request):
    """The server, started only when asked for."""
    return lambda login: request.getfixturevalue("client")(login)


def test_an_orderly_stop_is_no_attempt(town, database, blocked, fetch, until) -> None:
    engine = database.app_engine(pool_size=4, statement_timeout_s=600)
    with town.begin() as connection:
        insert = (
            "INSERT INTO job (kind, area_code, path) SELECT 'rebalance', code, path FROM area WHERE code = 'D1S1C1' "
            "RETURNING id"
        )
        job_id = str(connection.execute(text(insert)).scalar())
    first = JobRunner(engine, 1)
    with blocked("unit"):
        first.start()
        until(lambda: status(fetch, job_id) == ("running", 1))
        first.close()
    until(lambda: status(fetch, job_id) == ("queued", 0))
    second = JobRunner(engine, 1)
    second.start()
    until(lambda: status(fetch, job_id) == ("succeeded", 1))
    second.close()
    engine.dispose()


def test_of_two_runners_one_works(town, database, fetch, until) -> None:
    engine = database.app_engine(pool_size=8, statement_timeout_s=600)
    runners = [JobRunner(engine, 1) for _ in range(2)]
    for runner in runners:
        runner.start()
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO job (kind, area_code, path) SELECT 'gaps', code, path FROM area WHERE level = 'community'"
            )
        )
    until(lambda: fetch("SELECT count(*) FROM job WHERE status = 'succeeded' AND attempts = 1")[0][0] == 8)
    for runner in runners:
        runner.close()
    engine.dispose()


def test_a_failed_job_says_why_in_a_sentence(client, finished, town) -> None:
    with town.begin() as connection:
        connection.execute(text("DELETE FROM road"))
    job = finished(client("planner"), GAPS)
    assert (job["status"], job["result"]) == ("failed", None)
    assert job["message"] == "社区D1S11 (D1S1C1) has no road; import the streets first"


def test_a_job_that_fails_unexpectedly_says_no_secrets_and_the_next_one_runs(client, finished, town) -> None:
    planner = client("planner")
    with town.begin() as connection:
        connection.execute(text("ALTER TABLE plan ADD CONSTRAINT broken CHECK (status <> 'proposed') NOT VALID"))
    try:
        job = finished(planner, REBALANCE)
    finally:
        with town.begin() as connection:
            connection.execute(text("ALTER TABLE plan DROP CONSTRAINT broken"))
    assert job["status"] == "failed"
    assert job["message"] == f"the job failed unexpectedly; the server's log tells more under job {job['id']}"
    assert finished(planner, REBALANCE)["status"] == "succeeded"


@pytest.mark.parametrize("login", NOT_PLANNERS)
def test_only_planners(client, login) -> None:
    someone = client(login)
    calls = [
        someone.post("/api/jobs", json=REBALANCE), someone.get("/api/jobs"), someone.get(f"/api/jobs/{uuid.uuid4()}"),
        someone.delete(f"/api/jobs/{uuid.uuid4()}"), someone.get("/api/plans"), someone.get("/api/plans/1"),
        someone.get("/api/plans/1/grids"), someone.get("/api/plans/1/changes"),
        someone.patch("/api/plans/1", json={"status": "draft"}), someone.delete("/api/plans/1"),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["code"]) for answer in calls] == [(403, "forbidden")] * len(calls)


def test_nobody_is_asked_to_sign_in(client) -> None:
    nobody = client("anonymous")
    for answer in (nobody.get("/api/jobs"), nobody.get("/api/plans"), nobody.post("/api/jobs", json=REBALANCE)):
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_planner_stays_inside_the_own_area(client, finished, fetch) -> None:
    chief, planner = client("chief_planner"), client("planner")
    refused = planner.post("/api/jobs", json=GAPS | {"within": "D2S1C1"})
    assert (refused.status_code, refused.json()["detail"]) == (403, "社区D2S11 (D2S1C1) lies outside your area")
    missing = planner.post("/api/jobs", json=GAPS | {"within": "nowhere"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    far = finished(chief, {"kind": "rebalance", "within": "D2S1C1", "parameters": {}})
    near = finished(planner, REBALANCE)
    assert [job["id"] for job in chief.get("/api/jobs").json()["jobs"]] == [near["id"], far["id"]]
    assert [job["id"] for job in planner.get("/api/jobs").json()["jobs"]] == [near["id"]]
    far_plan = far["result"]["plan_id"]
    for answer in (
        planner.get(f"/api/jobs/{far['id']}"), planner.delete(f"/api/jobs/{far['id']}"),
        planner.get(f"/api/plans/{far_plan}"), planner.get(f"/api/plans/{far_plan}/grids"),
        planner.patch(f"/api/plans/{far_plan}", json={"status": "draft"}), planner.delete(f"/api/plans/{far_plan}"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert fetch("SELECT status FROM plan WHERE id = :id", id=far_plan)[0][0] == "proposed"


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"floor": 900}, "parameters"),
        ({"floor": "many"}, "parameters.floor"),
        ({"mode": "guess"}, "parameters.mode"),
        ({"colour": "red"}, "parameters.colour"),
        ({"seed": -1}, "parameters.seed"),
    ],
)
def test_wrong_parameters_are_named(client, parameters, field) -> None:
    answer = client("planner").post("/api/jobs", json=REBALANCE | {"parameters": parameters})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_waiting_jobs_are_bounded(client, blocked, fetch, until, monkeypatch) -> None:
    """One job runs and three wait: the next one is refused, until one of those that wait is cancelled."""
    monkeypatch.setattr("api.services.jobs.WAITING_LIMIT", 3)
    planner = client("planner")

    def submit() -> tuple[int, dict]:
        answer = planner.post("/api/jobs", json=GAPS)
        return answer.status_code, answer.json()

    with blocked("unit"):
        _, running = submit()
        until(lambda: status(fetch, running["id"]) == ("running", 1))  # a job that is not claimed yet waits too
        waiting = [submit() for _ in range(3)]
        refused, problem = submit()
        planner.delete(f"/api/jobs/{waiting[0][1]['id']}")
        taken, last = submit()
        for job in (running, waiting[1][1], waiting[2][1], last):
            planner.delete(f"/api/jobs/{job['id']}")
    assert ([code for code, _ in waiting], refused, taken) == ([202] * 3, 409, 202)
    assert "3 jobs wait already" in problem["detail"]


def test_a_plan_is_kept_renamed_and_deleted(client, finished, fetch) -> None:
    planner = client("planner")
    plan_id = finished(planner, REBALANCE)["result"]["plan_id"]
    kept = planner.patch(f"/api/plans/{plan_id}", json={"status": "draft", "name": "秋季方案"}).json()
    assert (kept["status"], kept["name"]) == ("draft", "秋季方案")
    listed = planner.get("/api/plans?within=D1S1").json()["plans"]
    assert [plan["id"] for plan in listed] == [plan_id]
    assert planner.delete(f"/api/plans/{plan_id}").status_code == 204
    assert planner.get(f"/api/plans/{plan_id}").status_code == 404
    assert fetch("SELECT count(*) FROM grid WHERE plan_id = :id", id=plan_id)[0][0] == 0
    audit = fetch("SELECT action FROM audit_event WHERE action LIKE 'plan.%' ORDER BY id")
    assert [row[0] for row in audit] == ["plan.keep", "plan.delete"]


def test_a_plan_in_force_cannot_be_touched(client, fetch) -> None:
    planner = client("planner")
    in_force = fetch("SELECT id FROM plan WHERE status = 'effective' AND path = 'D1'")[0][0]
    for answer in (
        planner.patch(f"/api/plans/{in_force}", json={"status": "draft"}),
        planner.delete(f"/api/plans/{in_force}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert fetch("SELECT status FROM plan WHERE id = :id", id=in_force)[0][0] == "effective"


def test_two_who_ask_at_once_do_not_share_the_last_place(town, app_engine, fetch, until, monkeypatch) -> None:
    """The second counts only when the first has added its job, and finds the place taken."""
    monkeypatch.setattr("api.services.jobs.WAITING_LIMIT", 1)
    account = fetch("SELECT id FROM account WHERE login = 'planner'")[0][0]
    planner = Viewer(account, roles=frozenset({"planner"}), map_scope=("D1",), case_scope=("D1",))
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    def ask() -> None:
        with scoped(app_engine, planner) as connection:
            jobs.submit(connection, planner, **GAPS)

    with ThreadPoolExecutor(1) as second, scoped(app_engine, planner) as connection:
        jobs.submit(connection, planner, **GAPS)
        asked = second.submit(ask)
        until(lambda: asked.done() or fetch(waiting)[0][0])
    with pytest.raises(ConflictError, match="1 jobs wait already"):
        asked.result()
    assert fetch("SELECT count(*) FROM job")[0][0] == 1
