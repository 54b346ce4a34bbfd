"""Vector tiles over the drawn town: decoded, at every kind of address, for every role."""

from collections import Counter
from collections.abc import Callable

import mapbox_vector_tile
import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from layers.pyramid import cells
from layers.registry import LAYERS

# The town is 115.00-115.04 east, 30.20-30.22 north; at z12 a tile is 0.088 degrees: x = floor(295 / 360 * 4096) = 3356.
TOWN12 = "12/3356/1687"
ROLES = ("anonymous", "worker", "far_worker", "community", "street", "dispatcher", "department", "planner", "screen",
         "system_admin", "chief", "chief_planner")  # fmt: skip
Client = Callable[[str], TestClient]


def decode(client: TestClient, layer: str, address: str, name: str | None = None) -> list[dict]:
    """Get a tile and give the features of one of its parts."""
    answer = client.get(f"/tiles/{layer}/{address}.mvt")
    assert answer.status_code == 200, answer.text
    if not answer.content:
        return []
    return mapbox_vector_tile.decode(answer.content).get(name or layer, {"features": []})["features"]


def codes(features: list[dict]) -> set[str]:
    """Name features by their codes."""
    return {feature["properties"]["code"] for feature in features}


def cover(layer: str, z: int) -> list[str]:
    """List the tiles that cover the town at a zoom."""
    import math

    def at(lon: float, lat: float) -> tuple[int, int]:
        y = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
        return int((lon + 180) / 360 * 2**z), int(y * 2**z)

    (west, south), (east, north) = at(115.0, 30.2), at(115.04, 30.22)
    return [f"{z}/{x}/{y}" for x in range(west, east + 1) for y in range(north, south + 1)]


def all_codes(client: TestClient, layer: str, z: int) -> set[str]:
    """Collect the codes of a layer over the whole town."""
    return set().union(*(codes(decode(client, layer, address)) for address in cover(layer, z)))


def test_cover_finds_the_town() -> None:
    """The z12 tile derived by hand above is the one that covers the town."""
    assert TOWN12 in cover("district", 12)


def test_a_normal_tile(still: Client) -> None:
    """Two districts with the declared fields, as the anonymous reader gets them."""
    features = decode(still("anonymous"), "district", TOWN12)
    assert [one["properties"] for one in sorted(features, key=lambda one: one["properties"]["code"])] == [
        {"code": "D1", "name": "区1", "name_en": "District 1"},
        {"code": "D2", "name": "区2", "name_en": "District 2"},
    ]


def test_a_polygon_over_many_tiles_has_one_label(still: Client) -> None:
    """Each community is in several tiles at z16, its label point in exactly one."""
    reader = still("anonymous")
    shapes, labels = [], []
    for address in cover("community", 16):
        shapes += [one["properties"]["code"] for one in decode(reader, "community", address)]
        labels += [one["properties"]["code"] for one in decode(reader, "community", address, "community_label")]
    assert len(set(shapes)) == 8 < len(shapes)
    assert sorted(labels) == sorted(set(shapes))


def test_an_empty_tile(still: Client) -> None:
    """Where nothing lies the answer is 200 with an empty body."""
    answer = still("anonymous").get("/tiles/district/12/0/0.mvt")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert "content-encoding" not in answer.headers


def test_a_tile_beside_the_town_has_its_edge(still: Client) -> None:
    """A polygon that ends on a tile's border reaches into the neighbour's margin, clipped to it."""
    z, x, y = (int(part) for part in cover("district", 17)[0].split("/"))
    west_edge = x / 2**z * 360 - 180
    assert west_edge <= 115.0
    features = decode(still("anonymous"), "district", f"{z}/{x}/{y}")
    for feature in features:
        for ring in feature["geometry"]["coordinates"]:
            for point in ring if isinstance(ring[0][0], int | float) else [p for part in ring for p in part]:
                assert -64 <= point[0] <= 4096 + 64
                assert -64 <= point[1] <= 4096 + 64


def test_over_zoomed_tiles_are_made(still: Client) -> None:
    """Beyond a layer's zooms tiles exist down to zoom 20."""
    assert all_codes(still("anonymous"), "station", 18) == {"D1S1C1-station", "D2S1C1-station"}
    assert still("anonymous").get("/tiles/station/20/0/0.mvt").status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("21/0/0", 404), ("-1/0/0", 404), ("3/8/0", 404), ("3/0/8", 404), ("3/-1/0", 404), ("99/0/0", 404),
        ("a/0/0", 400), ("3/1.5/0", 400), ("3/0/%00", 400), ("3/0/99999999999999999999", 404),
    ],
)  # fmt: skip
def test_addresses_that_do_not_exist(still: Client, address: str, status: int) -> None:
    """A malformed address is 400, one outside the world 404; both as problem details."""
    answer = still("anonymous").get(f"/tiles/district/{address}.mvt")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_unknown_layers_and_parameters(still: Client) -> None:
    """An unknown layer is 404; the only parameter is r, a number."""
    reader = still("anonymous")
    assert reader.get("/tiles/nothing/3/0/0.mvt").status_code == 404
    assert reader.get(f"/tiles/district/{TOWN12}.mvt?r=12").status_code == 200
    assert reader.get(f"/tiles/district/{TOWN12}.mvt?r=x").status_code == 400
    assert reader.get(f"/tiles/district/{TOWN12}.mvt?s=1").status_code == 400


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_anonymous_tiles_carry_public_fields_only(still: Client, layer) -> None:
    """The allow list decides; layers that are not public ask for an account."""
    reader = still("anonymous")
    for z in {max(layer.min_zoom, 12), layer.max_zoom}:
        for address in cover(layer.name, z)[:4]:
            answer = reader.get(f"/tiles/{layer.name}/{address}.mvt")
            if layer.scope != "public":
                assert answer.status_code == 401
                continue
            for part in mapbox_vector_tile.decode(answer.content).values() if answer.content else ():
                for feature in part["features"]:
                    assert set(feature["properties"]) <= set(layer.public_fields)


# What each role sees of the map and case layers (docs/access.md), by hand from the town's drawing.
GRIDS = {f"D{d}S{s}C{c}G{g}" for d in (1, 2) for s in (1, 2) for c in (1, 2) for g in (1, 2)}


def inside(prefix: str) -> set[str]:
    """Name the grids whose codes begin with a prefix."""
    return {code for code in GRIDS if code.startswith(prefix)}


@pytest.mark.parametrize(
    ("role", "grids", "incidents"),
    [
        ("worker", inside("D1S1C1"), {"D1S1C1G1"}), ("community", inside("D1S1C1"), inside("D1S1C1")),
        ("street", inside("D1S1"), inside("D1S1")), ("dispatcher", inside("D1"), inside("D1")),
        ("department", inside("D1"), {code for code in inside("D1") if code.endswith("G2")}),
        ("planner", inside("D1"), inside("D1")), ("screen", inside("D1"), inside("D1")),
        ("far_worker", inside("D2S2C2"), {"D2S2C2G2"}), ("chief", GRIDS, GRIDS),
    ],
)  # fmt: skip
def test_each_role_sees_its_own_rows(still: Client, role: str, grids: set[str], incidents: set[str]) -> None:
    """Scopes do not leak, asked one after the other of the same server and its tile memory."""
    chief = still("chief")
    assert all_codes(chief, "grid", 15) == GRIDS
    reader = still(role)
    assert all_codes(reader, "grid", 15) == grids
    assert all_codes(reader, "incident", 15) == {f"{code}-1" for code in incidents}
    assert still("anonymous").get(f"/tiles/grid/{TOWN12}.mvt").status_code == 401


def test_administrators_have_no_map(still: Client) -> None:
    """They see what everyone sees."""
    reader = still("system_admin")
    assert reader.get(f"/tiles/grid/{TOWN12}.mvt").status_code == 403
    assert codes(decode(reader, "district", TOWN12)) == {"D1", "D2"}


def test_small_counts_are_hidden_from_those_without_scope(still: Client) -> None:
    """Every z14 cell holds one incident: nobody without scope sees any, staff see those of their areas."""
    counts = [one["properties"]["count"] for one in decode(still("chief"), "incident_density", TOWN12)]
    assert sum(counts) == 16
    assert decode(still("anonymous"), "incident_density", TOWN12) == []
    assert len(decode(still("dispatcher"), "incident_density", TOWN12)) == 8


def test_far_density_adds_up(still: Client) -> None:
    """At zoom 4 to 8 the 16 incidents of the town fall into one or two cells, and none is lost."""
    chief = still("chief")
    for z in (4, 6, 8, 10, 14, 16):
        total = sum(
            one["properties"]["count"] for address in cover("incident_density", z)
            for one in decode(chief, "incident_density", address)
        )  # fmt: skip
        assert total == 16, z


@pytest.mark.parametrize("z", range(6, 17))
def test_density_stands_where_the_incidents_do(still: Client, owner_engine: Engine, z: int) -> None:
    """Counted here from the rows: cells a 64th of a tile, from zoom 15 on those of zoom 20, before 8 those of 14."""
    zoom = min(max(z + 6, 14), 20)
    join = max(0, zoom - z - 6)
    chief = still("chief")  # draws the town when it is the first to ask
    with owner_engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text("SELECT ST_X(geom), ST_Y(geom) FROM incident"))]
    expected = Counter(tuple(cell) for cell in (cells(np.array(rows), zoom) >> join).tolist())
    across = 1 << (zoom - join - z)  # cells of a tile
    seen: Counter = Counter()
    for address in cover("incident_density", z):
        _, tile_x, tile_y = map(int, address.split("/"))
        for one in decode(chief, "incident_density", address):
            x, y = one["geometry"]["coordinates"]
            y = 4096 - y  # the decoder counts from below
            cell = tile_x * across + x * across // 4096, tile_y * across + y * across // 4096
            seen[cell] += one["properties"]["count"]
    assert seen == expected


def test_cached_tiles_are_revalidated(still: Client) -> None:
    """The same tile has the same tag; a client that has it gets 304 and no body; staff tiles are private."""
    reader = still("anonymous")
    first = reader.get(f"/tiles/district/{TOWN12}.mvt")
    again = reader.get(f"/tiles/district/{TOWN12}.mvt", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-encoding"] == "gzip"
    plain = reader.get(f"/tiles/district/{TOWN12}.mvt", headers={"Accept-Encoding": "identity"})
    assert plain.content == first.content
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != first.headers["etag"]
    assert still("chief").get(f"/tiles/grid/{TOWN12}.mvt").headers["cache-control"] == "private, no-cache"


def test_tilejson(still: Client) -> None:
    """Absolute addresses, the layer's zooms, and only the fields that the caller may see."""
    answer = still("anonymous").get("/tiles/station.json").json()
    assert answer["tilejson"] == "3.0.0"
    assert answer["tiles"] == ["http://localhost/tiles/station/{z}/{x}/{y}.mvt"]
    assert (answer["minzoom"], answer["maxzoom"]) == (10, 16)
    assert set(answer["vector_layers"][0]["fields"]) == {"code", "name", "name_en", "tier", "status"}
    assert answer["bounds"] == pytest.approx([115.0, 30.2, 115.04, 30.22])
    assert still("anonymous").get("/tiles/grid.json").status_code == 401


def test_polygons_inside_a_tile_are_drawn_as_clipped_ones(still: Client) -> None:
    """A unit of 0.0005 degrees is 0.0005 / 360 * 2**14 * 4096 = 93 tile units wide at z14, with 4 corners."""
    found = {}
    for address in cover("unit", 14):
        for feature in decode(still("chief"), "unit", address):
            found[feature["properties"]["code"]] = feature["geometry"]
    assert len(found) == 32
    for shape in found.values():
        rings = shape["coordinates"] if shape["type"] == "Polygon" else shape["coordinates"][0]
        corners = set(map(tuple, rings[0]))
        assert len(corners) == 4
        width = max(x for x, _ in corners) - min(x for x, _ in corners)
        assert width == pytest.approx(0.0005 / 360 * 2**14 * 4096, abs=1.5)
