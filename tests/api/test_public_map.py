"""What the public map answers: the same for everybody, only public fields, nothing of nobody's place."""

import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from layers.registry import get_layer

Clients = Callable[[str], TestClient]


def test_places_of_an_area_and_their_hours(still: Clients) -> None:
    """Each district has one place of each kind, in its community S1C1; all are open 08:00 to 20:00."""
    kinds = ["station", "canteen", "elder_care", "exchange_point", "parking", "refuse_point"]
    answer = still("anonymous").get("/api/public/places?within=D1")
    assert answer.status_code == 200
    found = answer.json()
    assert [one["kind"] for one in found["places"]] == kinds
    assert {one["hours"] for one in found["places"]} == set(found["hours"]) == {"Mo-Su 08:00-20:00"}
    hours = found["hours"]["Mo-Su 08:00-20:00"]
    assert (hours["words"], hours["words_en"], hours["is_read"]) == ("每天 08:00–20:00", "Daily 08:00–20:00", True)
    first, end = found["covers"]
    assert end - first == 16 * 1440
    assert sorted(one["code"] for one in found["communities"]) == ["D1S1C1", "D1S1C2", "D1S2C1", "D1S2C2"]
    assert found["places"][0]["community_name"] == "社区D1S11"


def test_an_area_without_places_and_kinds(still: Clients) -> None:
    client = still("anonymous")
    assert client.get("/api/public/places?within=D1S2").json()["places"] == []
    some = client.get("/api/public/places?within=D1S1C1&kind=parking&kind=canteen").json()["places"]
    assert [one["code"] for one in some] == ["D1S1C1-canteen", "D1S1C1-parking"]


def test_only_public_fields(still: Clients) -> None:
    for place in still("anonymous").get("/api/public/places?within=D2").json()["places"]:
        made = {"kind", "keys", "lon", "lat", "community_name"}
        assert set(place) - made <= set(get_layer(place["kind"]).public_fields)
        assert "attributes" not in place


@pytest.mark.parametrize("path", ["places?within=D1", "walks?within=D1"])
def test_everybody_gets_the_same_and_no_cookie(still: Clients, path: str) -> None:
    answers = [still(login).get(f"/api/public/{path}") for login in ("anonymous", "worker", "planner")]
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert "cookie" not in answer.headers["vary"].lower()
        again = still("anonymous").get(f"/api/public/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("within=nowhere", 404, "'nowhere'"),
        ("within=D1&kind=bank", 400, "station"),
        ("within=D1&within=D2", 400, "more than once"),
        ("kind=station", 400, "within"),
        ("within=D1&near=1,2", 400, "near"),
    ],
)
def test_refusals_are_sentences(still: Clients, query: str, status: int, said: str) -> None:
    answer = still("anonymous").get(f"/api/public/places?{query}")
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True)


def test_the_walking_graph_is_coded_as_its_description_says(still: Clients) -> None:
    """D1's only road runs from 115.00 to 115.02 along 30.205; the station stands 0.001 degrees (110.9 m) north of it.

    So no place meets a street, and there are two nodes and one edge of 0.02 degrees of longitude.
    """
    found = still("anonymous").get("/api/public/walks?within=D1S1C1").json()
    assert found["nodes"] == [115_000_000, 30_205_000, 20_000, 0]
    assert found["edges"] == [0, 1]
    assert found["lengths_cm"][0] == pytest.approx(192_560, rel=1e-3)
    assert found["places"] == {}
    assert (found["snap_limit_m"], found["pace"]["adult_m_per_min"], found["pace"]["elder_m_per_min"]) == (50, 60, 48)


def test_a_change_is_seen_at_once(client: Clients, town: Engine, running: TestClient, until: Callable) -> None:
    """Also a change of the catalogue: what to bring comes with the items that a place names."""
    path = "/api/public/places?within=D1&kind=station"
    before = running.get(path)
    assert before.json()["services"] == {}
    with town.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO service_item (name, name_en, facility_kind, tier, bring, place) VALUES "
            "('政策咨询', 'Advice', 'station', 'basic', '{身份证}', 1), ('别的', NULL, 'station', NULL, '{}', 2)"
        )
        connection.exec_driver_sql("UPDATE facility SET hours = 'whenever' WHERE code = 'D1S1C1-station'")
    until(lambda: running.get(path).headers["etag"] != before.headers["etag"])
    after = running.get(path).json()
    until(lambda: running.get(path).json()["services"] != {})
    after = running.get(path).json()
    assert after["services"] == {"政策咨询": {"name_en": "Advice", "tier": "basic", "bring": ["身份证"], "note": None}}
    assert after["hours"]["whenever"] == {
        "words": "whenever", "words_en": "whenever", "is_read": False, "spans": [], "unknown": [after["covers"]],
    }  # fmt: skip
    assert json.loads(before.content)["places"][0]["keys"].startswith("社区d1s11驿站|shequd1s11yizhan|sqd1s11yz|")
