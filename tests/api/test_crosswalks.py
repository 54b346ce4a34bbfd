"""多网合一 through the HTTP API, on D1S1C1: four units of 300, 300, 100 and 100 households.


    unit       G1U1  G1U2  G2U1  G2U2
    today      G1    G1    G2    G2        600 and 200 households
    党建       P1    P1    P1    P2        700 and 100: a table
    综治       Z1    Z1    Z2    Z2        polygons: the community cut at 115.005

Only one grid of all 800 is in the band of 400-800, with the compound of G1 whole. Then P1 keeps its 700 and Z1 its 600:
100 and 200 households move.
"""

import csv
import io
import json

import pytest
from fastapi.testclient import TestClient

from api.settings import Settings

UNITS = [f"D1S1C1G{g}U{u}" for g in (1, 2) for u in (1, 2)]
PARTY = ["P1", "P1", "P1", "P2"]
POLICE = ["Z1", "Z1", "Z2", "Z2"]


def table(codes: list[str]) -> bytes:
    rows = [f"{unit},{code}" for unit, code in zip(UNITS, codes, strict=True)]
    return "\n".join(["unit,grid", *rows, ""]).encode()


def box(west: float, east: float) -> dict:
    corners = [[west, 30.2], [east, 30.2], [east, 30.21], [west, 30.21], [west, 30.2]]
    return {"type": "Polygon", "coordinates": [corners]}


def polygons(**boxes: tuple[float, float]) -> bytes:
    features = [
        {"type": "Feature", "geometry": box(*edges), "properties": {"网格": code}} for code, edges in boxes.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.fixture
def settings(settings) -> Settings:
    return settings.model_copy(update={"job_workers": 1})


@pytest.fixture
def app(app):
    """The server with its runner at work."""
    with TestClient(app):
        yield app


@pytest.fixture
def planner(client):
    return client("planner")


@pytest.fixture
def crosswalk(planner) -> str:
    """A crosswalk with the two layers."""
    made = planner.post("/api/crosswalks", json={"within": "D1S1C1", "name": "四网"})
    assert made.status_code == 201, made.text
    address = f"/api/crosswalks/{made.json()['id']}"
    for name, content, query in (
        ("党建", table(PARTY), {}),
        ("综治", polygons(Z1=(115.0, 115.005), Z2=(115.005, 115.01)), {"field": "网格", "weight": 3}),
    ):
        answer = planner.put(f"{address}/layers/{name}", content=content, params=query)
        assert answer.status_code == 200, answer.text
    return address


def test_layers_from_a_table_and_from_polygons(planner, crosswalk) -> None:
    shown = planner.get(crosswalk).json()
    assert (shown["name"], shown["within"], shown["plan_id"], shown["created_by"]) == (
        "四网",
        "D1S1C1",
        None,
        "planner",
    )
    assert shown["layers"] == [
        {"name": "党建", "weight": 1, "source": "文件", "grids": 2, "units": 4},
        {"name": "综治", "weight": 3, "source": "文件", "grids": 2, "units": 4},
    ]
    assert planner.get("/api/crosswalks?within=D1S1").json()["crosswalks"] == [shown]
    units = planner.get(f"{crosswalk}/table").json()["units"]
    assert [(one["unit"], one["old_codes"]["党建"], one["old_codes"]["综治"]) for one in units] == list(
        zip(UNITS, PARTY, POLICE, strict=True)
    )
    assert {one["new_code"] for one in units} == {None}


def test_conflicts_are_shown_on_the_map_and_in_a_table(planner, crosswalk) -> None:
    """P1-Z1 and P2-Z2 are matched (600 + 100 in common against 100 of P1-Z2): G2U1 is in P1 and in Z2."""
    found = planner.get(f"{crosswalk}/conflicts").json()
    (feature,) = found["features"]
    assert feature["id"] == "D1S1C1G2U1"
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["properties"]["grids"] == {"党建": "P1", "综治": "Z2"}
    assert found["totals"] == {
        "units": 4, "conflict_units": 1, "households": 800, "conflict_households": 100, "units_unknown_to_a_layer": 0,
    }  # fmt: skip
    assert [(one["grid_a"], one["grid_b"], one["households"], one["is_matched"]) for one in found["overlaps"]] == [
        ("P1", "Z1", 600, True), ("P1", "Z2", 100, False), ("P2", "Z2", 100, True),
    ]  # fmt: skip


def merged(planner, until, crosswalk: str, **parameters) -> dict:
    """Run a merge job to its end."""
    body = {
        "kind": "merge",
        "within": "D1S1C1",
        "parameters": {"crosswalk": int(crosswalk.split("/")[-1]), **parameters},
    }
    answer = planner.post("/api/jobs", json=body)
    assert answer.status_code == 202, answer.text
    address = f"/api/jobs/{answer.json()['id']}"
    return until(lambda: (job := planner.get(address).json())["status"] not in ("queued", "running") and job)


def test_a_merge_job_makes_a_plan_and_the_crosswalk_names_its_codes(planner, crosswalk, until) -> None:
    job = merged(planner, until, crosswalk)
    assert job["status"] == "succeeded", job["message"]
    metrics = job["result"]["metrics"]
    assert (metrics["grids"], metrics["grids_in_band"], metrics["moved_households"]) == (1, 1, 200)  # against today
    merge = metrics["merge"]
    assert [(one["name"], one["moved_households"]) for one in merge["layers"]] == [("党建", 100), ("综治", 200)]
    assert merge["moved_households"] == (100 + 3 * 200) / 4
    assert merge["moved_bound_households"] <= merge["moved_households"]
    plan = planner.get(f"/api/plans/{job['result']['plan_id']}").json()
    assert (plan["status"], plan["name"], plan["within"]) == ("proposed", "社区D1S11多网合一方案", "D1S1C1")
    assert planner.get(crosswalk).json()["plan_id"] == plan["id"]
    (code,) = {one["properties"]["code"] for one in planner.get(f"/api/plans/{plan['id']}/grids").json()["features"]}
    found = planner.get(f"{crosswalk}/table").json()
    assert {one["new_code"] for one in found["units"]} == {code}
    assert [tuple(one.values()) for one in found["grids"]] == [
        ("党建", "P1", code, 3, 700), ("党建", "P2", code, 1, 100),
        ("综治", "Z1", code, 2, 600), ("综治", "Z2", code, 2, 200),
    ]  # fmt: skip
    answer = planner.get(f"{crosswalk}/table.csv")
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [tuple(one.values()) for one in rows[:2]] == [
        ("D1S1C1G1U1", "党建", "P1", code, "300"), ("D1S1C1G1U1", "综治", "Z1", code, "300"),
    ]  # fmt: skip
    assert len(rows) == 8


def test_a_plan_is_stale_once_layers_change_and_fresh_after_the_next_merge(planner, crosswalk, until) -> None:
    assert planner.get(crosswalk).json()["is_stale"] is False  # nothing is merged yet
    merged(planner, until, crosswalk)
    assert planner.get(crosswalk).json()["is_stale"] is False
    for change in (
        lambda: planner.put(f"{crosswalk}/layers/城管", content=table(PARTY)),  # one more
        lambda: planner.put(f"{crosswalk}/layers/党建", content=table(PARTY)),  # another file in place of one
        lambda: planner.delete(f"{crosswalk}/layers/城管"),
    ):
        assert change().json()["is_stale"] is True
        within = planner.get("/api/crosswalks", params={"within": "D1S1C1"}).json()["crosswalks"]
        assert [one["is_stale"] for one in within] == [True]
        merged(planner, until, crosswalk)
        assert planner.get(crosswalk).json()["is_stale"] is False


def test_a_plan_that_is_edited_still_knows_its_layers(planner, crosswalk, until) -> None:
    """What moved between layers and plan is of the merge, so the edit drops it; what it was made of stays known."""
    plan = merged(planner, until, crosswalk)["result"]["plan_id"]
    kept = planner.patch(f"/api/plans/{plan}", json={"status": "draft"}).json()
    (code,) = {one["properties"]["code"] for one in planner.get(f"/api/plans/{plan}/grids").json()["features"]}
    edit = {"version": kept["version"], "moves": [], "grids": [{"code": code, "community": "D1S1C1"}]}
    saved = planner.put(f"/api/plans/{plan}/assignment", json=edit)
    assert saved.status_code == 200, saved.text
    assert set(saved.json()["metrics"]["merge"]) == {"crosswalk", "layer_ids"}
    assert planner.get(crosswalk).json()["is_stale"] is False
    assert planner.delete(f"{crosswalk}/layers/党建").json()["is_stale"] is True


def test_todays_grids_are_a_layer_and_give_their_codes(planner, crosswalk, until) -> None:
    answer = planner.put(f"{crosswalk}/layers/综治", params={"source": "today"})
    assert [one["source"] for one in answer.json()["layers"]] == ["文件", "现行网格"]
    job = merged(planner, until, crosswalk, codes_from="综治")
    assert job["status"] == "succeeded", job["message"]
    assert {one["new_code"] for one in planner.get(f"{crosswalk}/table").json()["units"]} == {"D1S1C1G1"}


@pytest.mark.parametrize(
    ("content", "query", "said"),
    [
        (b"", {}, "the file is empty"),
        (b"unit,grid\nD1S1C2G1U1,X\n", {}, "layer x, row 2, unit: D1S1C2G1U1 is no unit of the area"),
        (b"{ and no more", {}, "the file begins as GeoJSON but is none"),
        (
            polygons(Z=(115.0, 115.01)),
            {},
            "layer x has no column code or grid_id or grid or id or 网格编码; it has 网格",
        ),
        (polygons(Z=(115.0, 115.01)), {"field": "color"}, "layer x has no column color; it has 网格"),
        (polygons(Z=(116.0, 116.01)), {"field": "网格"}, "no unit of 社区D1S11 (D1S1C1) lies in a grid of layer x"),
        (b"PK\x03\x04 and no more", {}, "the zip archive is damaged or encrypted and cannot be unpacked"),
    ],
)
def test_a_faulty_layer_is_refused_and_changes_nothing(planner, crosswalk, content, query, said) -> None:
    answer = planner.put(f"{crosswalk}/layers/x", content=content, params=query)
    assert (answer.status_code, answer.json()["detail"]) == (400, said)
    assert len(planner.get(crosswalk).json()["layers"]) == 2


def test_a_layer_and_a_crosswalk_are_deleted(planner, crosswalk, until, fetch) -> None:
    left = planner.delete(f"{crosswalk}/layers/综治").json()["layers"]
    assert [one["name"] for one in left] == ["党建"]
    assert planner.delete(f"{crosswalk}/layers/综治").status_code == 404
    told = planner.get(f"{crosswalk}/conflicts")
    assert (told.status_code, told.json()["detail"]) == (400, "a merge needs two layers at least, not 1")
    failed = merged(planner, until, crosswalk)
    assert (failed["status"], failed["message"]) == ("failed", "a merge needs two layers at least, not 1")
    assert planner.delete(crosswalk).status_code == 204
    assert planner.get(crosswalk).status_code == 404
    assert fetch("SELECT count(*) FROM crosswalk_code")[0][0] == 0
    gone = merged(planner, until, crosswalk)
    assert (gone["status"], gone["message"][:21]) == ("failed", "there is no crosswalk")


def test_a_planner_stays_inside_the_own_area(planner, client, crosswalk) -> None:
    far = client("chief_planner").post("/api/crosswalks", json={"within": "D2", "name": "远"}).json()["id"]
    assert planner.post("/api/crosswalks", json={"within": "D2", "name": "x"}).status_code == 403
    for call in (
        planner.get(f"/api/crosswalks/{far}"), planner.get(f"/api/crosswalks/{far}/table"),
        planner.delete(f"/api/crosswalks/{far}"),
        planner.put(f"/api/crosswalks/{far}/layers/a", params={"source": "today"}),
    ):  # fmt: skip
        assert call.status_code == 404
    assert [one["name"] for one in planner.get("/api/crosswalks").json()["crosswalks"]] == ["四网"]
    assert client("worker").get(crosswalk).status_code == 403
