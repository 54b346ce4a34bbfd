"""Lists over the drawn town: filters, distance, pages that stay complete, and nothing that a reader may not see."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from api.services.items import parse_request
from layers.registry import LAYERS, get_layer
from layers.viewer import ANONYMOUS

Client = Callable[[str], TestClient]


def listed(client: TestClient, layer: str, **params: object) -> list[dict]:
    """Get the features of one page."""
    answer = client.get(f"/api/layers/{layer}/items", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    return answer.json()["features"]


def walk(client: TestClient, layer: str, **params: object) -> list[str]:
    """Follow the cursors to the end and give all codes."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(f"/api/layers/{layer}/items", params=params | ({"cursor": cursor} if cursor else {})).json()
        found += [feature["id"] for feature in answer["features"]]
        cursor = answer["next_cursor"]
    return found


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_anonymous_lists_carry_public_fields_only(still: Client, layer) -> None:
    """All public fields and no other."""
    answer = still("anonymous").get(f"/api/layers/{layer.name}/items")
    if layer.scope != "public":
        assert answer.status_code == 401
        return
    features = answer.json()["features"]
    assert bool(features) == (layer.name != "incident_density")  # the town's counts are too small for everyone
    assert all(set(feature["properties"]) == set(layer.public_fields) for feature in features)


@pytest.mark.parametrize("role", ["worker", "department", "dispatcher", "planner", "screen", "far_dispatcher"])
def test_lists_show_what_tiles_show(still: Client, role: str) -> None:
    """Scopes limit lists: nothing of the other district, and no case field for planner and screen."""
    reader = still(role)
    home = "D2" if role.startswith("far") else "D1"
    for layer in ("grid", "unit", "compound", "service_gap", "incident"):
        features = listed(reader, layer)
        assert features
        assert all(feature["id"].startswith(home) for feature in features)
    hidden = role in ("planner", "screen")
    assert all(("description" in one["properties"]) != hidden for one in listed(reader, "incident"))


def test_box(still: Client) -> None:
    """The box holds the west edge of D1S1C1 only; one over the antimeridian is two boxes."""
    reader = still("anonymous")
    assert [one["id"] for one in listed(reader, "community", bbox="114.9,30.1,115.001,30.201")] == ["D1S1C1"]
    assert len(listed(reader, "community", bbox="114,29,-179,31")) == 8
    assert listed(reader, "community", bbox="170,29,-179,31") == []


def test_near_sorts_by_distance(still: Client) -> None:
    """From D2's station the own station is first; the other is 0.02 degrees west: 0.02 x 96.2 km = 1.9 km."""
    first, second = listed(still("anonymous"), "station", near="115.0205,30.206")
    assert (first["id"], first["properties"]["distance_m"]) == ("D2S1C1-station", 0)
    assert second["properties"]["distance_m"] == pytest.approx(1925, abs=5)


def test_within(still: Client) -> None:
    """By an area's path, or by a grid's shape; an unknown code, or one out of sight, is 404."""
    chief = still("chief")
    assert {one["id"] for one in listed(chief, "unit", within="D1S1C1")} == {
        f"D1S1C1G{g}U{u}" for g in (1, 2) for u in (1, 2)
    }
    assert {one["id"] for one in listed(chief, "unit", within="D1S1C1G2")} == {"D1S1C1G2U1", "D1S1C1G2U2"}
    assert chief.get("/api/layers/unit/items", params={"within": "D9"}).status_code == 404
    assert still("anonymous").get("/api/layers/station/items", params={"within": "D1S1C1G1"}).status_code == 404


def test_filters(still: Client) -> None:
    """Any text or boolean field that the reader sees; choices and booleans are checked."""
    chief = still("chief")
    assert {one["id"][-4:] for one in listed(chief, "grid", state="above")} == {"C1G2", "C2G2"}
    assert len(listed(chief, "incident", is_open="true")) == 8
    assert len(listed(chief, "incident", is_open="false", department="城管")) == 8
    for params in ({"state": "no"}, {"is_open": "1"}, {"households": "600"}, {"nothing": "x"}):
        layer = "incident" if "is_open" in params else "grid"
        assert chief.get(f"/api/layers/{layer}/items", params=params).status_code == 400
    assert still("planner").get("/api/layers/incident/items", params={"description": "x"}).status_code == 400


@pytest.mark.parametrize("layer", ["grid", "incident", "incident_density"])
@pytest.mark.parametrize("near", [None, "115.013,30.207"])
def test_pages_are_complete(still: Client, layer: str, near: str | None) -> None:
    """Whatever the page size, every row comes once and in the same order; reported_at ties are broken by id."""
    chief = still("chief")
    params = {"near": near} if near else {}
    whole = walk(chief, layer, limit=1000, **params)
    assert len(whole) == len(set(whole)) == 16
    for limit in (1, 3, 16):
        assert walk(chief, layer, limit=limit, **params) == whole


@pytest.mark.parametrize(
    "params",
    [
        {"bbox": "1,2,3"}, {"bbox": "1.2,abc,3,4"}, {"bbox": "nan,0,1,1"}, {"bbox": "0,50,1,40"}, {"bbox": "0,0,0,91"},
        {"near": "1"}, {"near": "1,89"}, {"near": "inf,0"}, {"limit": "0"}, {"limit": "1001"}, {"limit": "x"},
        {"cursor": "x"}, {"cursor": "W10"}, {"cursor": "bnVsbA"}, {"q": ""}, {"q": "x" * 201}, {"q": "a\0b"},
        {"what": "1"},
    ],
)  # fmt: skip
def test_malformed_values_are_refused(still: Client, params: dict[str, str]) -> None:
    """400 with the field's name, never 422 or 500."""
    answer = still("anonymous").get("/api/layers/station/items", params=params)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["code"] == "invalid_input"
    assert [one["field"] for one in problem["errors"]] == list(params)


def test_a_cursor_belongs_to_its_list(still: Client) -> None:
    """A cursor of another layer or order is refused."""
    chief = still("chief")
    cursor = chief.get("/api/layers/grid/items", params={"limit": 1}).json()["next_cursor"]
    assert chief.get("/api/layers/unit/items", params={"cursor": cursor}).status_code == 400
    assert chief.get("/api/layers/grid/items", params={"cursor": cursor, "near": "115,30"}).status_code == 400


def test_one_item(still: Client) -> None:
    """One feature by its code, with times in UTC; out of sight is as missing."""
    feature = still("worker").get("/api/layers/incident/items/D1S1C1G1-1").json()
    assert feature["properties"]["description"] == "D1S1C1G1 description"
    assert feature["properties"]["reported_at"].endswith("Z")
    assert still("worker").get("/api/layers/incident/items/D1S1C2G1-1").status_code == 404
    assert still("anonymous").get("/api/layers/station/items/nothing").status_code == 404


@pytest.mark.parametrize(
    ("layer", "box", "is_planned_once"),
    [
        ("grid", "114.96,30.1,115,30.14", True),
        ("grid", "114.9,30.1,115,30.14", False),  # wide
        ("grid", "114.96,30.1,115,30.2", False),  # high
        ("grid", "179.99,30.1,-179.99,30.11", False),  # over the antimeridian
        ("incident", "114.96,30.1,115,30.14", False),  # by time
    ],
)
def test_only_lists_of_small_boxes_are_planned_once(layer: str, box: str, is_planned_once: bool) -> None:
    """A plan that suits every neighbourhood would not suit a whole city."""
    declared = get_layer(layer)
    assert parse_request(declared, ANONYMOUS, {"bbox": box}, 100).has_one_plan(declared) == is_planned_once
    assert not parse_request(declared, ANONYMOUS, {}, 100).has_one_plan(declared)
