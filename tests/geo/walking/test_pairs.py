"""All pairs within a radius, routes, kinds: drawn answers, and the same walks found another way."""

import math
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo.errors import InvalidInputError
from geo.walking import (
    ADULT,
    ELDER,
    build_walking_graph,
    nearest_facility,
    nearest_of_kinds,
    pairs_within,
    snap_points,
    walk_route,
)

Line = shapely.LineString


def test_pairs_on_a_street_and_its_side_street():
    """
    Street (0,0)-(1000,0), side street up from (500,0) to (500,400). Sites: (500,0), (900,10), one off.

    unit 0 (300,5): 5 + 200 = 205 to site 0; 5 + 600 + 10 = 615 to site 1
    unit 1 (500,300): 300 to site 0; 300 + 400 + 10 = 710 to site 1
    unit 2 (500,0): 0 to site 0, and that is stored; 410 to site 1
    unit 3: nowhere
    """
    graph = build_walking_graph([Line([(0, 0), (500, 0), (1000, 0)]), Line([(500, 0), (500, 400)])])
    units, sites = [(300, 5), (500, 300), (500, 0), (np.nan, 0)], [(500, 0), (900, 10), (700, 60)]
    all_pairs = pairs_within(graph, units, sites, radius_m=math.inf)
    assert all_pairs.distance_m.shape == (4, 3)
    assert all_pairs.distance_m.indices.tolist() == [0, 1, 0, 1, 0, 1]
    assert all_pairs.distance_m.indptr.tolist() == [0, 2, 4, 6, 6]
    np.testing.assert_allclose(all_pairs.distance_m.data, [205, 615, 300, 710, 0, 410])
    near = pairs_within(graph, units, sites, radius_m=410)
    assert near.distance_m.indices.tolist() == [0, 0, 0, 1]
    np.testing.assert_allclose(near.distance_m.data, [205, 300, 0, 410])
    assert near.is_known([0, 1, 2, 3, 0], [1, 1, 0, 0, 2]).tolist() == [True, True, True, False, False]


def test_pairs_on_different_pieces_are_unknown():
    graph = build_walking_graph([Line([(0, 0), (100, 0)]), Line([(0, 100), (200, 100)])])
    pairs = pairs_within(graph, [(0, 0)], [(0, 100), (100, 0)], radius_m=1000)
    assert pairs.distance_m.indices.tolist() == [1]
    assert pairs.is_known([0, 0], [0, 1]).tolist() == [False, True]
    assert (pairs.demand.piece.tolist(), pairs.site.piece.tolist()) == ([1], [0, 1])


def test_nobody_and_nothing_to_walk_between():
    graph = build_walking_graph([Line([(0, 0), (100, 0)])])
    for units, sites in (([], [(0, 0)]), ([(0, 0)], []), ([(0, 99)], [(0, 99)])):
        assert pairs_within(graph, units, sites, radius_m=10).distance_m.nnz == 0
    with pytest.raises(InvalidInputError, match="radius is 0 m"):
        pairs_within(graph, [], [], radius_m=0)


def test_each_kind_has_its_nearest():
    graph = build_walking_graph([Line([(0, 0), (100, 0)])])
    found = nearest_of_kinds(graph, [(0, 0), (90, 0)], {"station": [(10, 0), (80, 0)], "canteen": [(50, 5)]})
    np.testing.assert_allclose(found["station"].distance_m, [10, 10])
    assert found["station"].facility.tolist() == [0, 1]
    np.testing.assert_allclose(found["canteen"].distance_m, [55, 45])


def test_minutes_of_an_adult_and_of_an_elder():
    """300 m are 5 minutes at 60 m/min and 6.25 at 48; an unknown walk takes unknown time."""
    np.testing.assert_allclose(ADULT.minutes(np.array([300, np.nan])), [5, np.nan])
    np.testing.assert_allclose(ELDER.minutes(np.array([300, np.nan])), [6.25, np.nan])


def test_a_route_is_drawn_as_it_is_walked():
    """From (10,5) down to the street, along it, round the corner, and 3 to the right: 5 + 90 + 40 + 3."""
    graph = build_walking_graph([Line([(0, 0), (100, 0)]), Line([(100, 0), (100, 100)])])
    route = walk_route(graph, (10, 5), (103, 40))
    assert list(route.line.coords) == [(10, 5), (10, 0), (100, 0), (100, 40), (103, 40)]
    assert route.distance_m == pytest.approx(138)
    assert route.snap_m == (5, 3)
    assert list(walk_route(graph, (10, 5), (60, 0)).line.coords) == [(10, 5), (10, 0), (60, 0)]
    assert walk_route(graph, (10, 0), (10, 0)).distance_m == 0


def test_a_route_steps_over_a_gap_that_is_closed():
    """Two streets end to end, 0.6 m apart, and a third that ends at the joint: 50 + 0.6 + 50, and from the joint."""
    graph = build_walking_graph([Line([(0, 0), (50, 0)]), Line([(50.6, 0), (100.6, 0)]), Line([(50, 0), (50, 40)])])
    assert (graph.edge_length_m > 0).all()
    assert walk_route(graph, (0, 0), (100.6, 0)).distance_m == pytest.approx(100.6)
    assert walk_route(graph, (50, 0), (100.6, 0)).distance_m == pytest.approx(50.6)
    assert list(walk_route(graph, (50.6, 0), (50, 40)).line.coords) == [(50.6, 0), (50, 0), (50, 40)]


def test_a_route_that_is_not_known_says_why():
    graph = build_walking_graph([Line([(0, 0), (100, 0)]), Line([(0, 200), (100, 200)])])
    reasons = {
        "unit_without_place": ((np.nan, 0), (0, 0)),
        "unit_not_snapped": ((0, 100), (0, 0)),
        "facility_not_snapped": ((0, 0), (0, 100)),
        "no_facility_reachable": ((0, 0), (0, 200)),
    }
    for reason, (start, stop) in reasons.items():
        route = walk_route(graph, start, stop)
        assert route.reason == reason
        assert route.line is None
        assert np.isnan(route.distance_m)
    with pytest.raises(InvalidInputError, match="two points of two numbers"):
        walk_route(graph, [(0, 0)], (0, 0))


coordinate = st.floats(-40, 440).map(lambda value: round(value, 1))
place = st.tuples(coordinate, coordinate).map(lambda at: (at[0] + 0.0137, at[1] + 0.0293))
"""Never in the middle between two streets, where either may be the nearest."""


@st.composite
def tangles(draw):
    """Any straight streets, crossing, touching and overlapping as they happen to, and places among them."""
    whole = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda at: (50.0 * at[0], 50.0 * at[1]))
    lines = draw(st.lists(st.lists(whole, min_size=2, max_size=4), min_size=1, max_size=7))
    lines = [line for line in lines if len(set(line)) > 1] or [[(0.0, 0.0), (400.0, 400.0)]]
    return lines, draw(st.lists(place, min_size=1, max_size=6)), draw(st.lists(place, min_size=1, max_size=5))


def split_by_hand(lines):
    """Node the lines with GEOS, and give the nodes and the edges with their lengths."""
    noded = shapely.get_parts(shapely.node(shapely.multilinestrings([shapely.linestrings(line) for line in lines])))
    number, edges = {}, []
    for line in noded:
        xy = [tuple(np.round(point, 6)) for point in line.coords]
        for start, stop in pairwise(xy):
            if start != stop:
                edges.append((number.setdefault(start, len(number)), number.setdefault(stop, len(number))))
    return np.array(list(number)), edges


def walks_by_hand(lines, starts, stops, limit_m=50.0):
    """All walks on GEOS's noding: every place is cut into the edge nearest to it, then SciPy's Dijkstra."""
    node_xy, edges = split_by_hand(lines)
    shapes = [shapely.LineString(node_xy[list(edge)]) for edge in edges]
    places = [shapely.Point(at) for at in [*starts, *stops]]
    snaps = [min(range(len(shapes)), key=lambda e, p=point: shapes[e].distance(p)) for point in places]
    rows, columns, metres = [], [], []
    for number, (edge, shape) in enumerate(zip(edges, shapes, strict=True)):
        on = [(0.0, edge[0]), (shape.length, edge[1])]
        on += [(shape.project(places[i]), len(node_xy) + i) for i, at in enumerate(snaps) if at == number]
        for at, one in on:
            for bt, other in on:
                if one < other:
                    rows.append(one), columns.append(other), metres.append(max(abs(at - bt), 1e-9))
    size = len(node_xy) + len(places)
    order = np.lexsort((metres, columns, rows))
    rows, columns, metres = np.array(rows)[order], np.array(columns)[order], np.array(metres)[order]
    first = np.unique(rows * size + columns, return_index=True)[1]
    walk_m = dijkstra(
        coo_array((metres[first], (rows[first], columns[first])), shape=(size, size)).tocsr(), directed=False
    )[len(node_xy) :, len(node_xy) :]
    snap_m = np.array([shapes[at].distance(point) for at, point in zip(snaps, places, strict=True)])
    snap_m[snap_m > limit_m] = np.inf
    return (snap_m[:, None] + walk_m + snap_m[None, :])[: len(starts), len(starts) :]


def dense(pairs):
    """The stored walks, inf elsewhere."""
    walk_m = np.full(pairs.distance_m.shape, np.inf)
    stored = pairs.distance_m.tocoo()
    walk_m[stored.coords] = stored.data
    return walk_m


@settings(max_examples=120, deadline=None)
@given(tangle=tangles())
def test_walks_are_those_on_the_split_graph(tangle):
    lines, units, sites = tangle
    graph = build_walking_graph([Line(line) for line in lines])
    expected = walks_by_hand(lines, units, sites)
    np.testing.assert_allclose(dense(pairs_within(graph, units, sites, radius_m=math.inf)), expected, atol=1e-5)
    nearest = nearest_facility(graph, units, sites).distance_m
    np.testing.assert_allclose(np.nan_to_num(nearest, nan=np.inf), expected.min(axis=1), atol=1e-5)


@settings(max_examples=80, deadline=None)
@given(tangle=tangles(), radius_m=st.floats(1, 600))
def test_walks_are_symmetric_no_shorter_than_straight_and_cut_at_the_radius(tangle, radius_m):
    lines, units, sites = tangle
    graph = build_walking_graph([Line(line) for line in lines])
    there = dense(pairs_within(graph, units, sites, radius_m=math.inf))
    back = dense(pairs_within(graph, sites, units, radius_m=math.inf))
    np.testing.assert_allclose(there, back.T, atol=1e-9)
    straight_m = np.hypot(*(np.array(units)[:, None] - np.array(sites)[None]).transpose(2, 0, 1))
    assert (there >= straight_m).all()
    near = pairs_within(graph, units, sites, radius_m=radius_m)
    clear = np.abs(there - radius_m) > 1e-5
    assert (np.isfinite(dense(near)) == (there <= radius_m))[clear].all()
    known = near.is_known(*np.indices(there.shape).reshape(2, -1)).reshape(there.shape)
    assert (known == np.isfinite(there)).all()


@settings(max_examples=60, deadline=None)
@given(tangle=tangles(), moved=st.integers(0, 4))
def test_a_facility_moved_onto_a_unit_is_as_far_as_its_snap_twice(tangle, moved):
    """0 along the streets, and the way to the street and back."""
    lines, units, sites = tangle
    graph = build_walking_graph([Line(line) for line in lines])
    sites = [*sites]
    sites[moved % len(sites)] = units[0]
    snap_m = snap_points(graph, units[:1]).distance_m[0]
    found = nearest_facility(graph, units[:1], sites)
    assert (found.distance_m[0] <= 2 * snap_m + 1e-9) or np.isnan(snap_m)
    alone = nearest_facility(graph, units[:1], units[:1]).distance_m[0]
    np.testing.assert_allclose(alone, 2 * snap_m)


@settings(max_examples=60, deadline=None)
@given(tangle=tangles())
def test_routes_are_as_long_as_the_walks(tangle):
    lines, units, sites = tangle
    graph = build_walking_graph([Line(line) for line in lines])
    walk_m = dense(pairs_within(graph, units, sites, radius_m=math.inf))
    for i, unit in enumerate(units):
        for j, site in enumerate(sites):
            route = walk_route(graph, unit, site)
            np.testing.assert_allclose(np.nan_to_num(route.distance_m, nan=np.inf), walk_m[i, j], atol=1e-9)
            if route.line is not None:
                assert route.line.coords[0] == unit
                assert route.line.coords[-1] == site


@settings(max_examples=60, deadline=None)
@given(tangle=tangles(), limit_m=st.floats(1, 200))
def test_snapping_is_that_of_an_exhaustive_search(tangle, limit_m):
    lines, units, _ = tangle
    graph = build_walking_graph([Line(line) for line in lines])
    edges = shapely.linestrings(np.stack([graph.node_xy[graph.edge_from], graph.node_xy[graph.edge_to]], axis=1))
    away_m = np.array([shapely.distance(edges, shapely.Point(unit)).min() for unit in units])
    snap = snap_points(graph, units, limit_m=limit_m)
    clear = np.abs(away_m - limit_m) > 1e-5
    assert (snap.is_snapped == (away_m <= limit_m))[clear].all()
    np.testing.assert_allclose(snap.distance_m[snap.is_snapped], away_m[snap.is_snapped], atol=1e-9)
    foot_xy = snap.foot_xy(graph)[snap.is_snapped]
    away_m = np.hypot(*(foot_xy - np.array(units)[snap.is_snapped]).T)
    np.testing.assert_allclose(away_m, snap.distance_m[snap.is_snapped], atol=1e-9)


def test_many_places_in_many_threads_are_as_far_as_alone():
    """A chequerboard of 20 x 20 blocks, 10,000 units and 40 sites: the nearest of all pairs is the nearest."""
    rng = np.random.default_rng(3)
    lines = [Line([(100 * at, 0), (100 * at, 2_000)]) for at in range(21)]
    graph = build_walking_graph(lines + [Line([(0, 100 * at), (2_000, 100 * at)]) for at in range(21)])
    assert len(graph.node_xy) == 21 * 21
    units, sites = rng.uniform(0, 2_000, (10_000, 2)), rng.uniform(0, 2_000, (40, 2))
    walk_m = dense(pairs_within(graph, units, sites, radius_m=math.inf))
    found = nearest_facility(graph, units, sites)
    np.testing.assert_allclose(found.distance_m, walk_m.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(walk_m[np.arange(10_000), found.facility], walk_m.min(axis=1), atol=1e-9)
    few = nearest_facility(graph, units[:10], sites)
    np.testing.assert_array_equal(found.distance_m[:10], few.distance_m)
