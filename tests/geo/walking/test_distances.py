"""Walking distances on drawn streets, and against a plain search on a dense graph."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InvalidInputError
from geo.walking import build_walking_graph, nearest_facility, snap_points

Line = shapely.LineString


def walk(streets, units, facilities, **options):
    """Build the graph and walk, in one."""
    return nearest_facility(build_walking_graph(streets), units, facilities, **options)


def test_an_l_of_two_streets():
    """
    (100,100)
        |            unit A (10,5):  5 to the street, 50 to the facility's foot (60,0), 7 to it = 62
        |            unit B (103,40): 3 + 40 down + 40 left + 7 = 90
    0---+ (100,0)    unit C at the facility itself: 7 + 0 + 7 = 14, straight 0
    """
    streets = [Line([(0, 0), (100, 0)]), Line([(100, 0), (100, 100)])]
    found = walk(streets, [(10, 5), (103, 40), (60, 7)], [(60, 7)])
    np.testing.assert_allclose(found.distance_m, [62, 90, 14])
    np.testing.assert_allclose(found.straight_m, [np.hypot(50, 2), np.hypot(43, 33), 0])
    assert found.facility.tolist() == [0, 0, 0]
    assert found.reason.tolist() == ["ok", "ok", "ok"]


def test_unit_and_facilities_on_one_edge():
    """Facilities at 20, 70 and 90 of one street of 100: units at 0, 30, 50, 75, 80.5 and 100 of it walk along it."""
    found = walk(
        [Line([(0, 0), (100, 0)])],
        [(0, 0), (30, 0), (50, 0), (75, 0), (80.5, 0), (100, 0)],
        [(70, 0), (20, 0), (90, 0)],
    )
    np.testing.assert_allclose(found.distance_m, [20, 10, 20, 5, 9.5, 10])
    assert found.facility.tolist() == [1, 1, 0, 0, 2, 2]


def test_the_way_round_may_be_shorter_than_the_own_street():
    """A facility at the far end of a winding lane, but both ends of the lane hang on a short straight street.

    Lane (0,0)-(0,200)-(10,200)-(10,0), street (0,0)-(10,0). Unit at (0,10), facility at (10,10):
    along the lane 190 + 10 + 190; by the street 10 + 10 + 10 = 30.
    """
    lane = Line([(0, 0), (0, 200), (10, 200), (10, 0)])
    found = walk([lane, Line([(0, 0), (10, 0)])], [(0, 10)], [(10, 10)])
    np.testing.assert_allclose(found.distance_m, [30])


def test_streets_cross_on_the_ground_with_or_without_a_shared_vertex():
    """Street (0,0)-(100,0) and a street (50,-50)-(50,50) across it: 50 down and 50 along, vertex at (50,0) or not."""
    street, facility = [(0, 0), (100, 0)], [(100, 0)]
    for across in ([(50, -50), (50, 50)], [(50, -50), (50, 0), (50, 50)]):
        np.testing.assert_allclose(walk([Line(street), Line(across)], [(50, 50)], facility).distance_m, [100])


@pytest.mark.parametrize(("gap_m", "expected"), [(0.0, 80.0), (0.6, 80.0), (1.0, 80.0), (1.1, np.nan)])
def test_drawing_gaps_up_to_the_tolerance_are_closed_at_their_own_length(gap_m, expected):
    """A side street ends `gap_m` short of a street's interior; unit at its top (30,50), facility at (0,0): 50 + 30."""
    streets = [Line([(0, 0), (100, 0)]), Line([(30, gap_m), (30, 50)])]
    np.testing.assert_allclose(walk(streets, [(30, 50)], [(0, 0)]).distance_m, [expected])


def test_ends_that_nearly_meet_are_joined():
    """Two streets end to end with a gap of 0.5 (0.3 across, 0.4 along): 99.6 + 0.5 + 50."""
    streets = [Line([(0, 0), (99.6, 0)]), Line([(100, 0.3), (150, 0.3)])]
    np.testing.assert_allclose(walk(streets, [(0, 0)], [(150, 0.3)]).distance_m, [150.1])


def test_two_edges_drawn_twice_and_repeated_vertices_change_nothing():
    streets = [Line([(0, 0), (0, 0), (50, 0), (50, 0), (100, 0)]), Line([(50, 0), (0, 0)]), None, Line()]
    np.testing.assert_allclose(walk(streets, [(10, 0)], [(100, 0)]).distance_m, [90])


@pytest.mark.parametrize("far_m", [50.0, 50.001])
def test_the_snap_limit_is_the_last_that_snaps(far_m):
    found = walk([Line([(0, 0), (100, 0)])], [(30, far_m), (np.nan, 0), (0, 0)], [(0, 0)])
    if far_m == 50.0:
        np.testing.assert_allclose(found.distance_m, [80, np.nan, 0])
        assert found.reason.tolist() == ["ok", "unit_without_place", "ok"]
    else:
        np.testing.assert_allclose(found.distance_m, [np.nan, np.nan, 0])
        assert found.reason.tolist() == ["unit_not_snapped", "unit_without_place", "ok"]
    np.testing.assert_allclose(found.straight_m, [np.hypot(30, far_m), np.nan, 0])


def test_facilities_off_the_network_or_none_at_all():
    """The near facility is 80 off the street and so not on the network: the walk goes to the far one."""
    street = [Line([(0, 0), (100, 0)])]
    found = walk(street, [(0, 0)], [(0, 80), (100, 0)])
    assert found.facility_is_snapped.tolist() == [False, True]
    assert found.facility.tolist() == [1]
    np.testing.assert_allclose([found.distance_m[0], found.straight_m[0]], [100, 80])
    nobody = walk(street, [(0, 0)], [])
    assert nobody.reason.tolist() == ["no_facility_reachable"]
    assert np.isinf(nobody.straight_m).all()
    assert walk(street, [], [(0, 0)]).distance_m.shape == (0,)


def test_snapping_finds_the_point_on_the_edge_not_the_node():
    graph = build_walking_graph([Line([(0, 0), (100, 0)])])
    snap = snap_points(graph, [(40, 3)])
    assert snap.edge.tolist() == [0]
    np.testing.assert_allclose([snap.along_m[0], snap.distance_m[0]], [40, 3])


def test_what_cannot_be_walked_is_refused():
    with pytest.raises(InvalidInputError, match="no line to walk"):
        build_walking_graph([Line([(0, 0), (0, 0)]), None])
    with pytest.raises(InvalidInputError, match="no line to walk"):
        build_walking_graph([])
    with pytest.raises(InvalidInputError, match="Point; streets must be lines"):
        build_walking_graph([shapely.Point(0, 0)])
    with pytest.raises(InvalidInputError, match="not finite"):
        build_walking_graph([Line([(0, 0), (np.inf, 0)])])
    with pytest.raises(InvalidInputError, match="snap limit is 0 m"):
        walk([Line([(0, 0), (1, 0)])], [(0, 0)], [(0, 0)], snap_limit_m=0)


@st.composite
def towns(draw):
    """Streets on whole hundreds of metres, some missing; units and facilities anywhere near."""
    nodes = [(100 * x, 100 * y) for x in range(4) for y in range(4)]
    possible = [(a, b) for a in nodes for b in nodes if a < b and abs(a[0] - b[0]) + abs(a[1] - b[1]) == 100]
    streets = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=24, unique=True))
    place = st.tuples(st.floats(-60, 360).map(lambda v: round(v, 1)), st.floats(-60, 360).map(lambda v: round(v, 1)))
    units = draw(st.lists(place, min_size=1, max_size=8))
    return [Line(street) for street in streets], units, draw(st.lists(place, min_size=1, max_size=5))


def dense_distance(graph, unit_xy, facility_xy, limit_m):
    """Distances another way: every unit and facility cut into the edges by hand, then Floyd-Warshall."""
    snap = snap_points(graph, [*unit_xy, *facility_xy], limit_m=limit_m)
    size = len(graph.node_xy) + len(snap.edge)
    cost = np.full((size, size), np.inf)
    np.fill_diagonal(cost, 0)

    def link(a, b, metres):
        cost[a, b] = cost[b, a] = min(cost[a, b], metres)

    for edge in range(len(graph.edge_from)):
        length = graph.edge_length_m[edge]
        stops = [(0.0, graph.edge_from[edge]), (length, graph.edge_to[edge])]
        stops += [(snap.along_m[i], len(graph.node_xy) + i) for i in np.flatnonzero(snap.edge == edge)]
        for at, a in stops:
            for bt, b in stops:
                link(a, b, abs(at - bt))
    for via in range(size):
        cost = np.minimum(cost, cost[:, via, None] + cost[None, via, :])
    cost = cost[len(graph.node_xy) :, len(graph.node_xy) :]
    cost = cost + snap.distance_m[:, None] + snap.distance_m[None, :]
    return np.nan_to_num(cost[: len(unit_xy), len(unit_xy) :], nan=np.inf, posinf=np.inf)


@settings(max_examples=150, deadline=None)
@given(town=towns())
def test_one_search_agrees_with_all_pairs(town):
    streets, units, facilities = town
    graph = build_walking_graph(streets)
    found = nearest_facility(graph, units, facilities)
    cost = dense_distance(graph, units, facilities, 50.0)
    expected = cost.min(axis=1)
    np.testing.assert_allclose(found.distance_m, np.where(np.isinf(expected), np.nan, expected), atol=1e-6)
    known = np.flatnonzero(found.facility >= 0)
    np.testing.assert_allclose(cost[known, found.facility[known]], expected[known], atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(town=towns())
def test_one_more_facility_never_lengthens_a_walk_and_no_walk_beats_the_straight_line(town):
    streets, units, facilities = town
    graph = build_walking_graph(streets)
    more = np.nan_to_num(nearest_facility(graph, units, facilities).distance_m, nan=np.inf)
    fewer = np.nan_to_num(nearest_facility(graph, units, facilities[:-1]).distance_m, nan=np.inf)
    assert (more <= fewer + 1e-6).all()
    found = nearest_facility(graph, units, facilities)
    known = ~np.isnan(found.distance_m)
    assert (found.distance_m[known] >= found.straight_m[known]).all()


@settings(max_examples=60, deadline=None)
@given(town=towns(), dropped=st.integers(0, 23))
def test_closing_a_street_never_shortens_a_walk_of_units_that_keep_their_own(town, dropped):
    """Units and facilities stand on the streets that stay, so that the snap is the same in both."""
    streets, _, _ = town
    keep = streets[:dropped] + streets[dropped + 1 :] or streets
    places = [street.interpolate(0.3, normalized=True).coords[0] for street in keep]
    whole = np.nan_to_num(walk(streets, places, places[:2]).distance_m, nan=np.inf)
    closed = np.nan_to_num(walk(keep, places, places[:2]).distance_m, nan=np.inf)
    assert (closed >= whole - 1e-6).all()


def test_a_unit_where_a_side_street_meets_the_street_without_a_vertex():
    """The junction is a join of length zero; standing on it is 30 from (0,0) and 50 from the side street's top."""
    streets = [Line([(0, 0), (100, 0)]), Line([(30, 0), (30, 50)])]
    np.testing.assert_allclose(walk(streets, [(30, 0)], [(0, 0)]).distance_m, [30])
    np.testing.assert_allclose(walk(streets, [(30, 0)], [(30, 50)]).distance_m, [50])
    np.testing.assert_allclose(walk(streets, [(30, 50)], [(30, 0)]).distance_m, [50])
