"""Rebalance jobs with schemes, weights, locks and fronts; the town of `town.sql`."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.settings import Settings

G1, G2 = "D1S1C1G1", "D1S1C1G2"
GRIDS = [{"code": G1, "community": "D1S1C1"}, {"code": G2, "community": "D1S1C1"}]


@pytest.fixture
def settings(settings) -> Settings:
    """Communities one after the other, in the server's own process."""
    return settings.model_copy(update={"job_workers": 1})


@pytest.fixture
def planner(app, client) -> TestClient:
    """A planner; the server has its runner at work."""
    with TestClient(app):
        yield client("planner")


@pytest.fixture
def run(planner, until):
    """Run a rebalance job of D1S1C1 to its end."""

    def submit(**parameters: Any) -> dict:
        body = {"kind": "rebalance", "within": "D1S1C1", "parameters": parameters}
        answer = planner.post("/api/jobs", json=body)
        assert answer.status_code == 202, answer.text

        def look():
            job = planner.get(f"/api/jobs/{answer.json()['id']}").json()
            return job if job["status"] in ("succeeded", "failed") else None

        job = until(look)
        assert job["status"] == "succeeded", job
        return job

    return submit


def bench(planner, plan_id: int) -> dict:
    return planner.get(f"/api/plans/{plan_id}/workbench").json()


def grid_of(planner, plan_id: int) -> dict[str, str]:
    body = bench(planner, plan_id)
    codes = [grid["code"] for grid in body["grids"]]
    return {unit: codes[at] for unit, at in zip(body["units"]["code"], body["units"]["grid"], strict=True)}


def test_the_scheme_gives_band_and_weights_and_values_override(planner, run) -> None:
    """300-550: 600 + 200 households are two grids of 300 and 500 once the compound, above the ceiling, is cut."""
    job = run(scheme="steward-grid", ceiling=550)
    given = job["parameters"]
    assert (given["floor"], given["target"], given["ceiling"]) == (300, 425, 550)
    assert given["weights"]["households"] == 1
    plan = planner.get(f"/api/plans/{job['result']['plan_id']}").json()
    assert plan["scheme"] == "steward-grid"
    assert plan["metrics"]["grids_in_band"] == plan["metrics"]["grids"] == 2
    assert bench(planner, plan["id"])["band"] == {"floor": 300, "ceiling": 550, "target": 425}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"scheme": "guess"}, "there is no grid scheme 'guess'; there are: community-grid, steward-grid"),
        ({"front": 1}, "front must be 0 or 2 to 9, not 1"),
        ({"front": 3, "mode": "redraw"}, "front needs mode adjust"),
        (
            {"weights": {"noise": 1}},
            "weights are of households, incidents_month, residents_60, no_lift_units, not of noise",
        ),
        ({"weights": {"households": 0}}, "weights must be 0 to 1000000, and one of them above 0"),
        ({"shape": 2}, "parameters.shape"),
        ({"shape": 0.5, "mode": "redraw"}, "shape 0.5 is for one plan of mode adjust alone: redraw always looks for"),
        ({"shape": 0.5, "front": 3}, "shape 0.5 is for one plan of mode adjust alone: a front runs over all shapes"),
        ({"floor": 900}, "floor <= target <= ceiling must hold"),
    ],
)
def test_wrong_parameters_are_refused_in_a_sentence(planner, parameters, said) -> None:
    answer = planner.post("/api/jobs", json={"kind": "rebalance", "within": "D1S1C1", "parameters": parameters})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert said in answer.json()["detail"]


def test_a_draft_of_another_area_or_none_is_not_run_again(planner) -> None:
    draft = planner.post("/api/plans", json={"within": "D1", "name": "x"}).json()
    for base, status in ((draft["id"], 409), (99999, 404)):
        body = {"kind": "rebalance", "within": "D1S1C1", "parameters": {"base_plan": base}}
        assert planner.post("/api/jobs", json=body).status_code == status


def locked(planner, **locks: list[str]) -> int:
    """Make a draft of today with locks."""
    draft = planner.post("/api/plans", json={"within": "D1S1C1", "name": "x"}).json()
    body = {"version": 1, "moves": [], "grids": GRIDS, "locks": {"grids": [], "units": [], **locks}}
    assert planner.put(f"/api/plans/{draft['id']}/assignment", json=body).status_code == 200
    return int(draft["id"])


def test_a_locked_grid_stays_exactly_as_it_is(planner, run) -> None:
    """Without the lock the 200 households of G2 join G1. With G2 locked nothing can move: G2 stays below the band."""
    free = run(base_plan=locked(planner))
    assert set(grid_of(planner, free["result"]["plan_id"]).values()) == {G1}
    job = run(base_plan=locked(planner, grids=[G2]))
    plan = planner.get(f"/api/plans/{job['result']['plan_id']}").json()
    assert grid_of(planner, plan["id"]) == {
        "D1S1C1G1U1": G1, "D1S1C1G1U2": G1, "D1S1C1G2U1": G2, "D1S1C1G2U2": G2,
    }  # fmt: skip
    assert plan["locks"] == {"grids": [G2], "units": []}
    assert plan["base_id"] == job["parameters"]["base_plan"]


def test_a_locked_unit_stays_in_its_grid(planner, run) -> None:
    """G2 needs 200 more and the compound of G1 comes whole or not at all: it comes to G2, where the lock keeps U2."""
    job = run(base_plan=locked(planner, units=["D1S1C1G2U2"]))
    assert set(grid_of(planner, job["result"]["plan_id"]).values()) == {G2}
    assert job["result"]["metrics"]["moved_households"] == 600


def test_a_front_gives_plans_in_the_order_of_shape(planner, run, fetch) -> None:
    """From least change to best shape: each moves more households than the one before, and is more compact."""
    result = run(front=3, keep_compounds=False)["result"]
    front = result["front"]
    assert front[0]["plan_id"] == result["plan_id"]
    shapes, moved, compactness = (
        [one[name] for one in front] for name in ("shape", "moved_households", "mean_compactness")
    )
    assert shapes[0] == 0
    assert shapes == sorted(shapes)
    assert moved == sorted(moved)
    assert compactness == sorted(compactness)
    stored = fetch("SELECT count(*) FROM plan WHERE status = 'proposed' AND path = 'D1.D1S1.D1S1C1'")[0][0]
    assert stored == len(front)


def test_workload_is_a_weighted_sum(planner, run, town) -> None:
    """G1's units have 300 households, 150 elders; G2's 100 and 50. One unit of G1 has no lift, of one it is unknown.

    The one incident of each grid lies on the lot of its first unit: 1 in 90 days is a third a month.
    """
    with town.begin() as connection:
        connection.execute(text("UPDATE unit SET has_lift = code <> 'D1S1C1G1U1' WHERE code <> 'D1S1C1G1U2'"))
    weights = {"households": 1, "residents_60": 2, "no_lift_units": 50, "incidents_month": 30}
    job = run(weights=weights)
    assert job["parameters"]["weights"] == weights
    workload = bench(planner, job["result"]["plan_id"])["units"]["workload"]
    assert workload == [600 + 50 + 10, 600, 200 + 10, 200]


def test_without_barriers_nothing_is_cut(planner, run, town) -> None:
    """A wall between G1 and G2 leaves a pocket of 200 households below the floor; without barriers it joins G1."""
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO barrier (code, kind, geom, path) VALUES ('W', 'wall', "
                "ST_SetSRID(ST_MakeLine(ST_MakePoint(115.005, 30.19), ST_MakePoint(115.005, 30.22)), 4326), 'D1')"
            )
        )
    with_wall, without = run(), run(use_barriers=False)
    assert with_wall["result"]["metrics"]["infeasible"][0]["cause"] == "pocket_below_floor"
    assert without["result"]["metrics"]["infeasible"] == []
    assert True not in bench(planner, without["result"]["plan_id"])["pairs"]["is_cut"]
    assert True in bench(planner, with_wall["result"]["plan_id"])["pairs"]["is_cut"]


def test_codes_of_history_are_not_given_again(planner, run, town) -> None:
    """A redraw numbers its grids from 001; D1S1C1-001 was in force once, so the new grid is D1S1C1-002."""
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO grid (plan_id, code, area_id, geom, path, valid_to) "
                "SELECT g.plan_id, 'D1S1C1-001', g.area_id, g.geom, 'D1.D1S1.D1S1C1.D1S1C1_001', '2026-01-01' "
                "FROM grid g WHERE g.code = 'D1S1C1G1'"
            )
        )
    result = run(mode="redraw")["result"]
    assert [grid["code"] for grid in bench(planner, result["plan_id"])["grids"]] == ["D1S1C1-002"]
    assert bench(planner, result["plan_id"])["retired"] == ["D1S1C1-001"]
    assert result["metrics"]["successor_of"] == {"D1S1C1-002": G1}
