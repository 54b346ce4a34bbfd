"""The walking graph for the device: what is decoded from it gives the walks of `geo.walking`."""

import heapq
import math

import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, text

from data.publicmap.places import find_district
from data.publicmap.walks import read_walks
from geo.pace import ADULT, ELDER
from geo.walking import walk_route

PACES = {"adult": ADULT, "elder": ELDER}
SOUTH, WEST, STEP = 30.0, 114.0, 0.002  # degrees: about 193 m east, 222 m north


@pytest.fixture
def streets(clean: Engine) -> tuple[Engine, list[dict]]:
    """A district of 6 x 6 crossings with streets between most of them, moved about, an island apart, and 40 places."""
    rng = np.random.default_rng(7)
    lon = WEST + STEP * (np.arange(6)[None, :] + rng.uniform(-0.3, 0.3, (6, 6)))
    lat = SOUTH + STEP * (np.arange(6)[:, None] + rng.uniform(-0.3, 0.3, (6, 6)))
    pairs = [((r, c), (r, c + 1)) for r in range(6) for c in range(5)]
    pairs += [((r, c), (r + 1, c)) for r in range(5) for c in range(6)]
    lines = [shapely.LineString([(lon[a], lat[a]), (lon[b], lat[b])]) for a, b in pairs if rng.random() < 0.8]
    lines.append(shapely.LineString([(WEST + 0.03, SOUTH), (WEST + 0.031, SOUTH)]))
    spots = np.column_stack([rng.uniform(WEST, WEST + 0.011, 40), rng.uniform(SOUTH, SOUTH + 0.011, 40)])
    with clean.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO area (level, code, name, geom, path) SELECT 'district', 'D', 'D', "
            "ST_Multi(ST_MakeEnvelope(113.99, 29.99, 114.05, 30.03, 4326)), 'D'"
        )
        for number, line in enumerate(lines):
            connection.execute(
                text("INSERT INTO road (code, geom, path) VALUES (:code, ST_Multi(ST_GeomFromText(:wkt, 4326)), 'D')"),
                {"code": f"R{number:03d}", "wkt": line.wkt},
            )
    return clean, [place(n, round(x, 6), round(y, 6)) for n, (x, y) in enumerate(spots)]


def place(number: int, lon: float, lat: float) -> dict:
    return {"kind": "station", "code": f"S{number}", "lon": lon, "lat": lat}


def decode(answer: dict) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """Read nodes (1e-6 degrees) and edges (start, stop, cm) as the route's description says."""
    nodes, edges, at, start = [], [], np.zeros(2, dtype=int), 0
    for pair in np.reshape(answer["nodes"], (-1, 2)):
        at = at + pair
        nodes.append(tuple(int(one) for one in at))
    for (gap, reach), cm in zip(np.reshape(answer["edges"], (-1, 2)).tolist(), answer["lengths_cm"], strict=True):
        start += gap
        edges.append((start, start + reach, cm))
    return nodes, edges


def walks_cm(answer: dict, origin: str) -> dict[str, float]:
    """Walk from a place to all others over the decoded graph: Dijkstra in its plainest form."""
    _, edges = decode(answer)
    links: dict[int, list[tuple[int, int]]] = {}
    for a, b, cm in edges:
        links.setdefault(a, []).append((b, cm))
        links.setdefault(b, []).append((a, cm))
    edge, along, off = answer["places"][origin]
    a, b, cm = edges[edge]
    reached: dict[int, float] = {}
    queue = [(off + along, a), (off + cm - along, b)]
    while queue:
        far, node = heapq.heappop(queue)
        if node not in reached:
            reached[node] = far
            for other, more in links[node]:
                heapq.heappush(queue, (far + more, other))
    found = {}
    for key, (to, to_along, to_off) in answer["places"].items():
        c, d, length = edges[to]
        ways = [reached.get(c, math.inf) + to_along, reached.get(d, math.inf) + length - to_along]
        ways += [off + abs(along - to_along)] if to == edge else []
        found[key] = min(ways) + to_off
    return found


def test_walks_over_the_decoded_graph_are_those_of_geo_walking(streets: tuple[Engine, list[dict]]) -> None:
    engine, spots = streets
    with engine.begin() as connection:
        walks = read_walks(connection, find_district(connection, "D").path, spots, snap_limit_m=50)
    answer = walks.answer(PACES, snap_limit_m=50)
    nodes, edges = decode(answer)
    assert len(nodes) == len(walks.network.graph.node_xy)
    assert edges == sorted(edges, key=lambda edge: edge[:2])
    assert all(WEST * 1e6 - 1000 < lon < (WEST + 0.032) * 1e6 for lon, _ in nodes)
    snapped = list(answer["places"])
    assert 10 < len(snapped) < 40  # the others are farther than 50 m from any street
    known = 0
    for origin in snapped[:5]:
        start = walks.places[origin]
        by_server = walks.metres_from(spots[start]["lon"], spots[start]["lat"])
        for key, cm in walks_cm(answer, origin).items():
            ends = walks.snap.xy[[start, walks.places[key]]]
            route = walk_route(walks.network.graph, *ends)
            if route.line is None:
                assert (key in by_server, cm) == (False, math.inf)
                continue
            known += 1
            assert max(cm / 100, math.dist(*ends)) == pytest.approx(route.distance_m, abs=0.3)
            assert by_server[key] == pytest.approx(route.distance_m, abs=0.01)
    assert known > 3 * len(snapped)


def test_nothing_to_walk_on(clean: Engine) -> None:
    """A district without streets, and one without places: no graph, and no failure."""
    with clean.begin() as connection:
        walks = read_walks(connection, "D", [place(1, 114.0, 30.0)], snap_limit_m=50)
        assert walks.metres_from(114, 30) == {}
        assert read_walks(connection, "D", [], snap_limit_m=50).metres_from(114, 30) == {}
    answer = walks.answer(PACES, snap_limit_m=50)
    assert (answer["nodes"], answer["edges"], answer["places"]) == ([], [], {})
    assert answer["pace"]["elder_m_per_min"] == 48
