"""The planner's workbench over HTTP in the drawn town: D1S1C1 has G1 (units U1, U2 of 300) and G2 (100 each)."""

from collections.abc import Callable

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

G1, G2 = "D1S1C1G1", "D1S1C1G2"
UNITS = [f"{grid}U{number}" for grid in (G1, G2) for number in (1, 2)]
BOTH = [{"code": G1, "community": "D1S1C1"}, {"code": G2, "community": "D1S1C1"}]


@pytest.fixture
def planner(client) -> TestClient:
    return client("planner")


@pytest.fixture
def draft(planner) -> Callable[..., dict]:
    """Make a draft of today's grids."""

    def make(within: str = "D1S1C1") -> dict:
        answer = planner.post("/api/plans", json={"within": within, "name": "草案"})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


def save(client, plan: dict, moves: dict[str, str | None], grids: list[dict] | None = None, **more: object):
    listed = [{"unit": unit, "grid": grid} for unit, grid in moves.items()]
    body = {"version": plan["version"], "moves": listed, "grids": grids or BOTH, **more}
    return client.put(f"/api/plans/{plan['id']}/assignment", json=body)


def grid_of(client, plan_id: int) -> dict[str, str | None]:
    """Read back which grid each unit is in."""
    body = client.get(f"/api/plans/{plan_id}/workbench").json()
    codes = [grid["code"] for grid in body["grids"]] + [None]
    return {unit: codes[at] for unit, at in zip(body["units"]["code"], body["units"]["grid"], strict=True)}


def test_schemes_give_bands_and_weights(planner) -> None:
    schemes = planner.get("/api/schemes").json()["schemes"]
    assert [(one["code"], one["floor"], one["target"], one["ceiling"]) for one in schemes] == [
        ("community-grid", 400, 600, 800), ("steward-grid", 300, 400, 500),
    ]  # fmt: skip
    assert schemes[0]["weights"] == {"households": 1, "incidents_month": 0, "residents_60": 0, "no_lift_units": 0}


def test_grids_weigh_their_households_unless_the_scheme_says_more(planner, client, town) -> None:
    """G1 has 600 households and G2 200, one incident of the last days each, which is a third a month.

    With 9 an incident, 2 an elder (50 in G1U1), 30 a unit without lift (G2U1; G2U2 is not known to have none):
    600 + 3 + 100 and 200 + 3 + 30.
    """
    plain = planner.get("/api/workload?within=D1S1C1").json()
    assert plain == {
        "scheme": "community-grid", "is_weighed": False,
        "grids": [{"grid": G1, "workload": 600}, {"grid": G2, "workload": 200}],
    }  # fmt: skip
    with town.begin() as connection:
        connection.execute(
            text(
                "UPDATE grid_scheme SET weight_incidents_month = 9, weight_residents_60 = 2, weight_no_lift_units = 30 "
                "WHERE code = 'community-grid'"
            )
        )
        connection.execute(text("UPDATE unit SET residents_60 = NULL, has_lift = NULL WHERE code LIKE 'D1S1C1%'"))
        connection.execute(text("UPDATE unit SET residents_60 = 50, has_lift = true WHERE code = 'D1S1C1G1U1'"))
        connection.execute(text("UPDATE unit SET has_lift = false WHERE code = 'D1S1C1G2U1'"))
        connection.execute(text("UPDATE incident SET reported_at = now() - interval '40 days'"))
    try:
        weighed = planner.get("/api/workload?within=D1S1C1").json()
    finally:
        with town.begin() as connection:
            weights = ", ".join(f"weight_{name} = 0" for name in ("incidents_month", "residents_60", "no_lift_units"))
            connection.execute(text(f"UPDATE grid_scheme SET {weights}"))
    assert weighed["is_weighed"] is True
    assert weighed["grids"] == [{"grid": G1, "workload": 703}, {"grid": G2, "workload": 233}]
    assert planner.get("/api/workload?within=D2").status_code == 403


def test_a_draft_of_today_is_today(planner, draft, fetch) -> None:
    plan = draft("D1")
    assert (plan["status"], plan["version"], plan["within"], plan["created_by"]) == ("draft", 1, "D1", "planner")
    assert plan["base_id"] == fetch("SELECT id FROM plan WHERE name = 'D1 in force'")[0][0]
    metrics = plan["metrics"]
    assert (metrics["grids"], metrics["moved_households"], metrics["units_unassigned"]) == (8, 0, 0)
    assert metrics["grids_in_band"] == 4  # every G1 has 600, every G2 of D1 200
    assert metrics["communities"][0] == {
        "community": "D1S1C1", "grids": 2, "grids_in_band": 1, "moved_households": 0, "moved_bound_households": None,
        "households": 800,
    }  # fmt: skip
    assert planner.get(f"/api/plans/{plan['id']}/changes").json()["features"] == []
    assert planner.get(f"/api/plans/{plan['id']}/reasons").json() == {"grids": []}


def test_the_payload_has_what_the_page_needs(planner, draft) -> None:
    plan = draft()
    body = planner.get(f"/api/plans/{plan['id']}/workbench").json()
    assert body["version"] == 1
    assert body["band"] == {"floor": 400, "ceiling": 800, "target": 600}
    assert body["grids"][0] == {"code": G1, "community": "D1S1C1", "name": "网格D1S1C11"}
    assert (body["today"], body["communities"], body["compounds"]) == ([G1, G2], ["D1S1C1"], ["D1S1C1K"])
    units = body["units"]
    assert units["code"] == UNITS
    assert units["households"] == units["workload"] == [300, 300, 100, 100]
    assert (units["community"], units["compound"]) == ([0] * 4, [0, 0, -1, -1])
    assert units["grid"] == units["today"] == [0, 0, 1, 1]
    pairs = {tuple(sorted(pair)) for pair in zip(body["pairs"]["a"], body["pairs"]["b"], strict=True)}
    assert pairs == {(0, 1), (1, 2), (2, 3)}  # in a row from west to east
    assert set(map(len, body["pairs"].values())) == {3}
    assert body["pairs"]["is_cut"] == body["pairs"]["is_bridge"] == [False] * 3
    assert (body["barriers"]["type"], body["locks"]) == ("FeatureCollection", {"grids": [], "units": []})
    lots = [shapely.Polygon(lot[0], lot[1:]) for lot in units["lot"]]
    community = shapely.box(115, 30.2, 115.01, 30.21)
    assert shapely.union_all(lots).symmetric_difference(community).area < 1e-9
    assert sum(lot.area for lot in lots) == pytest.approx(community.area, rel=1e-4)
    assert all(lot.contains(shapely.Point(*at)) for lot, *at in zip(lots, units["lon"], units["lat"], strict=True))


def test_a_barrier_cuts_pairs_and_units_that_change_are_drawn_anew(planner, draft, town, fetch) -> None:
    """A wall between U1 and U2 of G1: the lots are forgotten, and the pair is cut when they are drawn again."""
    plan = draft()
    address = f"/api/plans/{plan['id']}/workbench"
    drawn = fetch("SELECT drawn_at FROM lot_sheet")[0][0]
    planner.get(address)
    assert fetch("SELECT drawn_at FROM lot_sheet")[0][0] == drawn  # kept
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO barrier (code, kind, geom, path) VALUES ('W', 'wall', "
                "ST_SetSRID(ST_MakeLine(ST_MakePoint(115.0025, 30.19), ST_MakePoint(115.0025, 30.22)), 4326), 'D1')"
            )
        )
    assert fetch("SELECT count(*) FROM lot_sheet")[0][0] == 0
    body = planner.get(address).json()
    cut = [
        tuple(sorted((body["pairs"]["a"][at], body["pairs"]["b"][at])))
        for at, is_cut in enumerate(body["pairs"]["is_cut"]) if is_cut
    ]  # fmt: skip
    assert cut == [(0, 1)]
    assert {one["properties"]["kind"] for one in body["barriers"]["features"]} == {"wall"}
    with town.begin() as connection:
        connection.execute(text("UPDATE unit SET households = 301 WHERE code = 'D2S1C1G1U1'"))
        assert connection.execute(text("SELECT count(*) FROM lot_sheet")).scalar() == 1  # another district's unit
        connection.execute(text("UPDATE unit SET households = 301 WHERE code = 'D1S1C1G1U1'"))
        assert connection.execute(text("SELECT count(*) FROM lot_sheet")).scalar() == 0
    assert planner.get(address).json()["units"]["households"] == [301, 300, 100, 100]


def test_an_edit_is_the_next_version(planner, draft) -> None:
    """U1 of G2 joins G1: 700 and 100 households afterwards; 100 move."""
    plan = draft()
    answer = save(planner, plan, {"D1S1C1G2U1": G1}, locks={"grids": [G1], "units": ["D1S1C1G2U2"]})
    assert answer.status_code == 200, answer.text
    saved = answer.json()
    assert (saved["version"], saved["updated_by"]) == (2, "planner")
    assert saved["locks"] == {"grids": [G1], "units": ["D1S1C1G2U2"]}
    metrics = saved["metrics"]
    assert (metrics["grids_in_band"], metrics["moved_households"], metrics["disconnected_grids"]) == (1, 100, 0)
    features = planner.get(f"/api/plans/{plan['id']}/grids").json()["features"]
    rows = [(one["id"], one["properties"]["households"], one["properties"]["in_band"]) for one in features]
    assert rows == [(G1, 700, True), (G2, 100, False)]
    west, east = (shapely.geometry.shape(one["geometry"]) for one in features)
    assert west.area > 2 * east.area  # three of the four lots that fill the community
    moved = planner.get(f"/api/plans/{plan['id']}/changes").json()["features"]
    assert [one["properties"] for one in moved] == [
        {"code": "D1S1C1G2U1", "households": 100, "from_grid": G2, "to_grid": G1}
    ]


def test_grids_come_and_go(planner, draft) -> None:
    """G2's units go to a new grid that the server names; G2, which has none left, is gone. Then all go to one grid."""
    plan = draft()
    moves = {"D1S1C1G2U1": "", "D1S1C1G2U2": ""}
    second = save(planner, plan, moves, [*BOTH, {"code": "", "community": "D1S1C1"}]).json()
    assert set(grid_of(planner, plan["id"]).values()) == {G1, "D1S1C1-001"}
    third = save(
        planner, second, dict.fromkeys(UNITS, "D1S1C1X"), [*BOTH, {"code": "D1S1C1X", "community": "D1S1C1"}]
    )  # fmt: skip
    assert third.json()["metrics"]["grids"] == 1
    assert set(grid_of(planner, plan["id"]).values()) == {"D1S1C1X"}


@pytest.mark.parametrize(
    ("moves", "grids", "said"),
    [
        ({"nobody": G1}, None, "moves: 'nobody' is no unit of a community"),
        ({"D1S1C2G1U1": G1}, None, "moves: 'D1S1C2G1U1' is no unit of a community"),
        ({"D1S1C1G1U1": "D1S1C1G7"}, None, "moves: 'D1S1C1G7' is not among the grids"),
        ({}, [*BOTH, BOTH[0]], "grids: 'D1S1C1G1' is given twice"),
        ({}, [*BOTH, {"code": "new", "community": "D1S1C2"}], "grids: 'D1S1C2' is no community"),
        ({}, [*BOTH, {"code": "D1S1C2G1", "community": "D1S1C1"}], "grids: 'D1S1C2G1' was a grid's code before"),
    ],
)
def test_a_wrong_edit_is_refused_in_a_sentence(planner, draft, moves, grids, said) -> None:
    plan = draft()
    answer = save(planner, plan, moves, grids)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["detail"].startswith(said)
    assert planner.get(f"/api/plans/{plan['id']}").json()["version"] == 1


def test_two_planners_save_the_same_draft(planner, client, draft) -> None:
    """The chief saves first. The planner, still on version 1, is told who, when, and which unit both moved."""
    plan, chief = draft(), client("chief_planner")
    assert save(chief, plan, {"D1S1C1G2U1": G1}).status_code == 200
    refused = save(planner, plan, {"D1S1C1G2U1": None, "D1S1C1G1U2": G2})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    theirs = refused.json()["theirs"]
    assert (theirs["version"], theirs["by"]) == (2, "chief_planner")
    assert theirs["at"].endswith("Z")
    assert refused.json()["conflicts"] == [{"unit": "D1S1C1G2U1", "mine": None, "theirs": G1}]
    elsewhere = save(planner, plan, {"D1S1C1G1U2": G2})
    assert (elsewhere.status_code, elsewhere.json()["conflicts"]) == (409, [])
    again = save(planner, elsewhere.json()["theirs"] | {"id": plan["id"]}, {"D1S1C1G1U2": G2})
    assert again.status_code == 200
    assert again.json()["version"] == 3
    assert grid_of(chief, plan["id"]) == dict(zip(UNITS, [G1, G2, G1, G2], strict=True))


def test_the_same_move_of_both_is_no_conflict(planner, client, draft) -> None:
    plan = draft()
    save(client("chief_planner"), plan, {"D1S1C1G2U1": G1})
    assert save(planner, plan, {"D1S1C1G2U1": G1}).json()["conflicts"] == []


def test_an_unfinished_draft_is_kept_but_not_submitted(planner, draft) -> None:
    """G1 in two pieces (U1 and, beyond U2, U1 of G2), U2 in no grid; G2 with a unit of another community."""
    plan = draft("D1S1")
    grids = [{"code": f"{c}{g}", "community": c} for c in ("D1S1C1", "D1S1C2") for g in ("G1", "G2")]
    moves = {"D1S1C1G1U2": None, "D1S1C1G2U1": G1, "D1S1C2G1U1": G2}
    saved = save(planner, plan, moves, grids).json()
    assert (saved["metrics"]["disconnected_grids"], saved["metrics"]["units_unassigned"]) == (2, 1)
    refused = planner.post(f"/api/plans/{plan['id']}/submit")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["errors"] == [
        {"field": "units", "message": "units in no grid: D1S1C1G1U2"},
        {"field": "grids", "message": "grids that are not connected: D1S1C1G1"},
        {"field": "grids", "message": "grids that leave their community: D1S1C1G2"},
    ]
    assert planner.get(f"/api/plans/{plan['id']}").json()["status"] == "draft"


def test_one_submits_and_another_approves(planner, client, draft, fetch) -> None:
    plan, chief = draft(), client("chief_planner")
    address = f"/api/plans/{plan['id']}"
    saved = save(planner, plan, {"D1S1C1G2U1": G1, "D1S1C1G2U2": G1}).json()
    assert saved["metrics"]["grids"] == 1
    assert planner.post(f"{address}/submit").json()["status"] == "submitted"
    assert save(planner, saved, {}).status_code == 409  # what is submitted stands still
    own = planner.post(f"{address}/approve", json={"effective_on": "2099-01-01"})
    assert (own.status_code, own.json()["detail"]) == (
        409, f"you submitted plan {plan['id']}; somebody else has to approve it",
    )  # fmt: skip
    back = chief.post(f"{address}/reject", json={"reason": "边界太乱"}).json()
    assert (back["status"], back["reject_reason"], back["submitted_by"]) == ("draft", "边界太乱", None)
    planner.post(f"{address}/submit")
    assert chief.post(f"{address}/withdraw").status_code == 409
    assert planner.post(f"{address}/withdraw").json()["status"] == "draft"
    planner.post(f"{address}/submit")
    past = chief.post(f"{address}/approve", json={"effective_on": "2000-01-01"})
    assert (past.status_code, past.json()["errors"][0]["field"]) == (400, "effective_on")
    waiting = chief.post(f"{address}/approve", json={"effective_on": "2099-01-01"}).json()
    assert (waiting["status"], waiting["approved_by"], waiting["effective_on"]) == (
        "approved", "chief_planner", "2099-01-01",
    )  # fmt: skip
    assert fetch("SELECT count(*) FROM grid WHERE is_effective AND path <@ 'D1.D1S1.D1S1C1'")[0][0] == 2
    assert chief.post(f"{address}/reject", json={"reason": "改期"}).json()["effective_on"] is None
    planner.post(f"{address}/submit")
    today = str(fetch("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date")[0][0])
    effective = chief.post(f"{address}/approve", json={"effective_on": today}).json()
    assert (effective["status"], effective["effective_on"]) == ("effective", today)
    assert fetch("SELECT code, households FROM grid WHERE is_effective AND path <@ 'D1.D1S1.D1S1C1'") == [(G1, 800)]
    for call in (planner.delete(address), planner.patch(address, json={"name": "x"}), chief.post(f"{address}/submit")):
        assert call.status_code == 409
    said = [row[0] for row in fetch("SELECT action FROM audit_event WHERE action LIKE 'plan.%' ORDER BY id")]
    assert said == [
        "plan.copy", "plan.edit", "plan.submit", "plan.reject", "plan.submit", "plan.withdraw", "plan.submit",
        "plan.approve", "plan.reject", "plan.submit", "plan.approve", "plan.effective",
    ]  # fmt: skip


def test_going_back_is_a_new_plan(planner, client, draft, fetch) -> None:
    """One grid is in force instead of two; the plan before is restored as a draft and comes into force in its turn."""
    chief = client("chief_planner")
    before = draft()
    plan = draft()
    today = str(fetch("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date")[0][0])

    def enforce(plan_id: int) -> None:
        assert planner.post(f"/api/plans/{plan_id}/submit").status_code == 200
        assert chief.post(f"/api/plans/{plan_id}/approve", json={"effective_on": today}).status_code == 200

    enforce(before["id"])
    save(planner, plan, {"D1S1C1G2U1": G1, "D1S1C1G2U2": G1})
    enforce(plan["id"])
    assert planner.get(f"/api/plans/{before['id']}").json()["status"] == "retired"
    spent = save(planner, draft(), {"D1S1C1G2U1": G2})
    assert spent.json()["detail"].startswith("grids: 'D1S1C1G2' was a grid's code before")
    restored = planner.post(f"/api/plans/{before['id']}/restore").json()
    assert (restored["status"], restored["base_id"]) == ("draft", before["id"])
    assert grid_of(planner, restored["id"]) == grid_of(planner, before["id"])
    enforce(restored["id"])
    rows = fetch("SELECT code FROM grid WHERE is_effective AND path <@ 'D1.D1S1.D1S1C1' ORDER BY code")
    assert [row[0] for row in rows] == [G1, G2]


def test_reasons_say_what_binds(planner, draft, town) -> None:
    """G2 has 200 households, below the floor of 400. U2 of G1 joins it: 300 and 500."""
    plan = draft()
    save(planner, plan, {"D1S1C1G1U2": G2})
    found = planner.get(f"/api/plans/{plan['id']}/reasons").json()["grids"]
    shown = {one["code"]: (one["binding"], one["households_in"], one["households_out"], one["units"]) for one in found}
    assert shown == {G1: ("floor", 0, 300, 1), G2: ("floor", 300, 0, 1)}
    g2 = next(one for one in found if one["code"] == G2)
    assert g2["sentence"] == "网格 D1S1C1G2 现有 200 户，不足下限 400 户；划入 300 户，划出 0 户，调整后 500 户。"
    assert g2["sentence_en"] == (
        "Grid D1S1C1G2 has 200 households, below the floor of 400; 300 households come, 0 go, 500 afterwards."
    )
    assert {one["code"]: one["workers"] for one in found} == {G1: 1, G2: 0}


def test_reasons_of_grids_that_end(planner, draft) -> None:
    plan = draft()
    save(planner, plan, {"D1S1C1G2U1": G1, "D1S1C1G2U2": G1})
    kept, ended = planner.get(f"/api/plans/{plan['id']}/reasons").json()["grids"]
    assert (kept["code"], kept["binding"]) == (G1, "floor")  # for the sake of its neighbour
    assert (ended["code"], ended["binding"], ended["households_out"]) == (G2, "floor", 200)
    assert ended["sentence"].startswith("撤销网格：")


def test_reasons_of_a_new_grid(planner, draft) -> None:
    """A new grid of G1U2 (300) and G2U1 (100): it goes on as none of today's, G2 (200) is below the floor of 400."""
    plan = draft()
    grids = [*BOTH, {"code": "", "community": "D1S1C1"}]
    assert save(planner, plan, {"D1S1C1G1U2": "", "D1S1C1G2U1": ""}, grids).status_code == 200
    answer = planner.get(f"/api/plans/{plan['id']}/reasons")
    assert answer.status_code == 200, answer.text
    fresh = next(one for one in answer.json()["grids"] if one["code"] not in {G1, G2})
    assert (fresh["binding"], fresh["households_in"], fresh["households_out"], fresh["units"]) == ("floor", 400, 0, 2)
    assert fresh["sentence"] == (
        "新设网格：网格 D1S1C1G2 现有 200 户，不足下限 400 户；划入 400 户，划出 0 户，调整后 400 户。"
    )
    assert fresh["workers"] == 0


def test_a_compound_put_together_binds(planner, draft, town) -> None:
    """Both G1 units are in compound K; today one of them is in G2. G1 and G2 are in the band before and after."""
    with town.begin() as connection:
        connection.execute(text("UPDATE unit SET households = 400 WHERE code LIKE 'D1S1C1G_U%'"))
        connection.execute(
            text(
                "UPDATE plan_assignment x SET grid_id = g.id FROM unit u, grid g WHERE u.id = x.unit_id "
                "AND u.code = 'D1S1C1G1U2' AND g.code = 'D1S1C1G2' AND g.is_effective AND x.plan_id = g.plan_id"
            )
        )
        connection.execute(text("UPDATE unit SET households = 0 WHERE code = 'D1S1C1G2U1'"))
    plan = draft()
    save(planner, plan, {"D1S1C1G1U2": G1})
    found = planner.get(f"/api/plans/{plan['id']}/reasons").json()["grids"]
    assert {one["code"]: one["binding"] for one in found} == {G1: "compound", G2: "compound"}
    assert "D1S1C1K" in found[0]["sentence"]


def test_changes_against_another_plan(planner, draft) -> None:
    one, other = draft(), draft()
    save(planner, one, {"D1S1C1G1U2": G2})
    save(planner, other, {"D1S1C1G2U1": G1})
    found = planner.get(f"/api/plans/{one['id']}/changes?against={other['id']}").json()["features"]
    assert [(f["id"], f["properties"]["from_grid"], f["properties"]["to_grid"]) for f in found] == [
        ("D1S1C1G1U2", G1, G2), ("D1S1C1G2U1", G1, G2),
    ]  # fmt: skip
    assert len(planner.get(f"/api/plans/{one['id']}/changes?against=today").json()["features"]) == 1
    assert planner.get(f"/api/plans/{one['id']}/changes?against=99999").status_code == 404
    assert planner.get(f"/api/plans/{one['id']}/changes?against=yesterday").status_code == 400


def test_a_plan_of_another_area_is_no_base(planner, draft) -> None:
    plan = draft("D1S1C1")
    answer = planner.post("/api/plans", json={"base": plan["id"], "within": "D1", "name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    far = planner.post("/api/plans", json={"within": "D2", "name": "x"})
    assert (far.status_code, far.json()["code"]) == (403, "forbidden")
