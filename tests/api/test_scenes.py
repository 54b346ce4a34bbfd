"""Scenes of a wall: a dispatcher arranges them, everybody's walls of the area show them. The town: see town.sql."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from data.scope import scoped
from layers.viewer import Viewer

Make = Callable[[str], TestClient]
SCENE = {
    "name": "全区", "code": "D1", "bounds": None, "layers": ["grid", "incident"], "figures": ["open", "overdue"],
    "dwell_s": 20,
}  # fmt: skip
CLOSE = {
    **SCENE,
    "name": "近看",
    "code": "D1S1C1G1",
    "bounds": [115.0, 30.2, 115.005, 30.205],
    "layers": [],
    "dwell_s": 5,
}


def arrange(client: TestClient, scenes: list[dict], area: str = "D1", version: str | None = None) -> tuple[int, dict]:
    known = client.get(f"/api/scenes/{area}")
    body = {"version": version or known.json().get("version", ""), "scenes": scenes}
    answer = client.put(f"/api/scenes/{area}", json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("login", "area", "status"),
    [
        ("screen", "D1", 403), ("planner", "D1", 403), ("street", "D1S1", 403), ("far_dispatcher", "D1", 403),
        ("dispatcher", "D2", 403), ("dispatcher", "D1S1C1G1", 404), ("dispatcher", "nowhere", 404),
        ("anonymous", "D1", 401),
    ],
)  # fmt: skip
def test_only_a_dispatcher_of_the_area_arranges(still: Make, login: str, area: str, status: int) -> None:
    assert arrange(still(login), [SCENE], area, version="x")[0] == status
    assert still("chief").get("/api/scenes/D1").json()["scenes"] == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"code": "D2"}, "scenes.1.code"), ({"code": "D1S1C1G9"}, "scenes.1.code"), ({"code": "'"}, "scenes.1.code"),
        ({"bounds": [115.1, 30, 115, 30.2]}, "scenes.1.bounds"), ({"bounds": [0, 0, 181, 1]}, "scenes.1.bounds.2"),
        ({"layers": ["grid", "secret"]}, "scenes.1.layers"), ({"layers": ["grid", "grid"]}, "scenes.1.layers"),
        ({"figures": ["wealth"]}, "scenes.1.figures"), ({"dwell_s": 4}, "scenes.1.dwell_s"),
        ({"dwell_s": 601}, "scenes.1.dwell_s"), ({"name": " "}, "scenes.1.name"),
        ({"colour": "red"}, "scenes.1.colour"),
    ],
)  # fmt: skip
def test_what_a_wall_cannot_show_is_named(still: Make, changed: dict, field: str) -> None:
    """The grid D1S1C1G9 belongs to a draft."""
    status, answer = arrange(still("dispatcher"), [SCENE, {**SCENE, **changed}])
    assert (status, answer["errors"][0]["field"]) == (400, field)
    assert still("dispatcher").get("/api/scenes/D1").json()["scenes"] == []


def as_kept(*scenes: dict) -> list[dict]:
    """Scenes with the paths that the town gives them."""
    paths = {"D1": "D1", "D1S1C1G1": "D1.D1S1.D1S1C1.D1S1C1G1"}
    return [{**scene, "path": paths[scene["code"]]} for scene in scenes]


def test_scenes_are_kept_in_their_order_and_a_wall_reads_them(client: Make) -> None:
    assert client("screen").get("/api/scenes/D1").json()["scenes"] == []
    status, kept = arrange(client("dispatcher"), [CLOSE, SCENE])
    assert (status, kept["scenes"], kept["may_edit"]) == (200, as_kept(CLOSE, SCENE), True)
    seen = client("screen").get("/api/scenes/D1").json()
    assert (seen["scenes"], seen["version"], seen["may_edit"]) == (as_kept(CLOSE, SCENE), kept["version"], False)
    status, kept = arrange(client("dispatcher"), [SCENE])
    assert (status, kept["scenes"]) == (200, as_kept(SCENE))


def test_every_area_has_its_own(client: Make) -> None:
    assert arrange(client("dispatcher"), [{**SCENE, "code": "D1S1"}], "D1S1")[0] == 200
    assert client("street").get("/api/scenes/D1S1").json()["scenes"][0]["code"] == "D1S1"
    assert client("screen").get("/api/scenes/D1").json()["scenes"] == []


def test_who_changes_what_another_has_changed_is_shown_it(client: Make, fetch: Callable[..., list]) -> None:
    first, second = client("dispatcher"), client("chief")
    version = second.get("/api/scenes/D1").json()["version"]
    assert arrange(first, [SCENE])[0] == 200
    status, answer = arrange(second, [CLOSE], version=version)
    assert (status, answer["current"]["scenes"]) == (409, as_kept(SCENE))
    assert arrange(second, [CLOSE], version=answer["current"]["version"])[1]["scenes"] == as_kept(CLOSE)
    audited = fetch("SELECT detail->>'count' FROM audit_event WHERE action = 'scenes.replace' ORDER BY id")
    assert [row[0] for row in audited] == ["1", "1"]


def test_the_database_keeps_scenes_from_others(client: Make, app_engine: Engine) -> None:
    """Row-level security, without the service: a wall sees those of its area and writes none."""
    arrange(client("dispatcher"), [SCENE])
    wall = Viewer(account_id=1, roles=frozenset({"screen"}), map_scope=("D1",), case_scope=("D1",))
    far = Viewer(account_id=1, roles=frozenset({"dispatcher"}), map_scope=("D2",), case_scope=("D2",))
    counts = []
    for viewer in (wall, far):
        with scoped(app_engine, viewer) as connection:
            counts.append(connection.execute(text("SELECT count(*) FROM scene")).scalar())
            counts.append(connection.execute(text("DELETE FROM scene")).rowcount)
    assert counts == [1, 0, 0, 0]
    with pytest.raises(ProgrammingError, match="row-level security"), scoped(app_engine, far) as connection:
        connection.execute(
            text(
                "INSERT INTO scene (area_id, path, position, name, code, layers, figures, dwell_s) "
                "VALUES (1, 'D1', 9, 'x', 'D1', '{}', '{}', 20)"
            )
        )
