"""What changes while somebody looks: tiles follow revisions, pages stay stable, searches take text as it is."""

from collections.abc import Callable

import mapbox_vector_tile
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from data import outbox

TOWN12 = "12/3356/1687"
Client = Callable[[str], TestClient]


def decode(client: TestClient, layer: str, address: str) -> list[dict]:
    """Get a tile's features."""
    answer = client.get(f"/tiles/{layer}/{address}.mvt")
    assert answer.status_code == 200, answer.text
    return mapbox_vector_tile.decode(answer.content)[layer]["features"] if answer.content else []


def codes(features: list[dict]) -> set[str]:
    """Name features by their codes."""
    return {feature["properties"]["code"] for feature in features}


def listed(client: TestClient, layer: str, **params: object) -> list[dict]:
    """Get the features of one page."""
    answer = client.get(f"/api/layers/{layer}/items", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["features"]


def test_the_world_tile(client: Client, town: Engine) -> None:
    """In the world's tile 20 degrees are 228 units and stay; 0.02 degrees are a quarter of a unit and vanish."""
    with town.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO area (level, code, name, geom, path) "
            "VALUES ('district', 'W', '大区', ST_Multi(ST_MakeEnvelope(100, 20, 120, 40, 4326)), 'W')"
        )
    reader = client("anonymous")
    assert codes(decode(reader, "district", "0/0/0")) == {"W"}
    assert codes(decode(reader, "district", "6/52/26")) == {"D1", "D2", "W"}
    assert decode(reader, "road", "0/0/0") == []


def test_a_change_is_seen(client: Client, app: FastAPI, town: Engine) -> None:
    """When rows change the revision rises, and with it the tile."""
    reader = client("anonymous")
    before = reader.get(f"/tiles/district/{TOWN12}.mvt")
    with town.begin() as connection:
        connection.exec_driver_sql("UPDATE area SET name = '新区' WHERE code = 'D1'")
    while outbox.publish(town):
        pass
    app.state.context.revisions.update(outbox.revisions(town))
    after = reader.get(f"/tiles/district/{TOWN12}.mvt", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert {"新区", "区2"} == {one["properties"]["name"] for one in decode(reader, "district", TOWN12)}


def test_search_takes_no_wildcards(client: Client, town: Engine) -> None:
    """Text is found in code, name and address; % and _ and the backslash are letters like others."""
    with town.begin() as connection:
        connection.exec_driver_sql("UPDATE facility SET name = '100%%_\\站' WHERE code = 'D1S1C1-station'")
    reader = client("anonymous")
    assert [one["id"] for one in listed(reader, "station", q="100%_\\")] == ["D1S1C1-station"]
    assert [one["id"] for one in listed(reader, "station", q="d2s1")] == ["D2S1C1-station"]
    assert listed(reader, "station", q="1%站") == []


def test_pages_are_stable_under_inserts(client: Client, town: Engine) -> None:
    """A newer incident that comes while somebody turns pages moves nothing twice and nothing away."""
    chief = client("chief")
    whole = [one["id"] for one in listed(chief, "incident", limit=1000)]
    first = chief.get("/api/layers/incident/items", params={"limit": 5}).json()
    with town.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO incident (id, code, category, title, reported_at, geom) "
            "VALUES (gen_random_uuid(), 'NEW', 'litter', "
            "'n', now(), ST_SetSRID(ST_MakePoint(115.001, 30.201), 4326))"
        )
    rest = chief.get("/api/layers/incident/items", params={"limit": 100, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["features"] + rest["features"]] == whole
    assert listed(chief, "incident", limit=5)[0]["id"] == "NEW"
