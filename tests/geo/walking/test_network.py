"""Drawn towns: crossings, bridges, gates and gaps, with the walks measured by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import InvalidInputError
from geo.walking import build_network, nearest_facility

CRS = 4547


def town(*lines, **columns):
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(line) for line in lines], crs=CRS)


def points(*places, **columns):
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(place) for place in places], crs=CRS)


def walks(network, units, facilities):
    """Walking metres of each unit, and why."""
    found = nearest_facility(network.graph, np.array(units, dtype=float), np.array(facilities, dtype=float))
    return found.distance_m, found.reason.tolist()


STREET, ACROSS = [(0, 0), (100, 0)], [(50, -50), (50, 50)]


def test_streets_meet_where_they_cross_on_the_ground():
    """Unit at (50,50), facility at (100,0): 50 down, 50 along. The crossing is told of."""
    network = build_network(town(STREET, ACROSS, highway=["residential", "footway"]))
    np.testing.assert_allclose(walks(network, [(50, 50)], [(100, 0)])[0], [100])
    assert (network.report.crossings_made, network.report.pieces) == (1, 1)
    assert network.report.length_m == pytest.approx(200)


@pytest.mark.parametrize(
    "columns",
    [
        {"bridge": ["no", "yes"]},
        {"tunnel": [None, "yes"]},
        {"layer": ["0", "1"]},
        {"layer": [None, -1]},
        {"is_bridge": [None, "True"]},
        {"level": [None, "2"]},
        {"is_barrier": [True, False]},
    ],
)
def test_a_bridge_a_tunnel_another_level_and_a_barrier_are_not_met(columns):
    """The same cross; whoever is on the one line cannot get to the other."""
    network = build_network(town(STREET, ACROSS, **columns))
    assert walks(network, [(50, 50), (0, 0)], [(100, 0)])[1] == ["no_facility_reachable", "ok"]
    assert (network.report.crossings_made, network.report.pieces) == (0, 2)
    np.testing.assert_allclose(network.report.piece_length_m, [100, 100])


def test_a_bridge_over_a_vertex_of_the_street_is_not_met_but_its_end_is():
    """
    Street (0,0)-(50,0)-(100,0), bridge (50,-50)-(50,0)-(50,50) with a vertex right over the street's, and a ramp
    (50,50)-(100,50)-(100,0) from its end to the street's: unit at (50,-50): 100 over, 50 and 50 round, to (100,0).
    """
    over = [(50, -50), (50, 0), (50, 50)]
    lines = [[(0, 0), (50, 0), (100, 0)], over, [(50, 50), (100, 50), (100, 0)]]
    network = build_network(town(*lines, bridge=[None, "yes", None]))
    np.testing.assert_allclose(walks(network, [(50, -50), (0, 0)], [(100, 0)])[0], [200, 100])
    flat = build_network(town(*lines))
    np.testing.assert_allclose(walks(flat, [(50, -50), (0, 0)], [(100, 0)])[0], [100, 100])


def test_a_bridge_lands_on_the_street_it_ends_at():
    """A footbridge from (50,50) that ends on the middle of the street, with no vertex there: 50 + 50."""
    network = build_network(town(STREET, [(50, 50), (50, 0)], bridge=[None, "yes"]))
    np.testing.assert_allclose(walks(network, [(50, 50)], [(100, 0)])[0], [100])


def test_a_street_cut_under_a_bridge_does_not_reach_up():
    """The street is two lines that meet at (50,0), right under the bridge: their ends are no landing."""
    network = build_network(town([(0, 0), (50, 0)], [(50, 0), (100, 0)], ACROSS, bridge=[None, None, "yes"]))
    assert walks(network, [(50, 50), (0, 0)], [(100, 0)])[1] == ["no_facility_reachable", "ok"]


def test_one_way_streets_are_walked_both_ways():
    network = build_network(town(STREET, oneway=["yes"]))
    np.testing.assert_allclose(walks(network, [(100, 0)], [(0, 0)])[0], [100])


def test_a_closed_gate_is_walked_round_and_an_open_one_through():
    """
    A square of streets with side 100; the gate stands in the middle of its south side, at (50,0).
    Unit (40,0), facility (60,0): 20 through the gate; 40 + 100 + 100 + 100 + 40 = 380 round.
    """
    square = town([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    gate = points((50, 0), barrier=["gate"])
    for columns, metres in (({}, 20), ({"access": "private"}, 380), ({"access": "private", "foot": "yes"}, 20)):
        network = build_network(square, gates=gate.assign(**columns))
        np.testing.assert_allclose(walks(network, [(40, 0)], [(60, 0)])[0], [metres])
        assert network.report.gates_closed == int(metres == 380)


def test_a_closed_gate_at_a_vertex_cuts_there_and_one_off_the_street_nothing():
    """Street (0,0)-(50,0)-(100,0) with a shut gate drawn 1 m beside its middle; another stands 20 m off."""
    street = town([(0, 0), (50, 0), (100, 0)])
    gates = points((50, 1), (50, 20), access=["no", "no"])
    network = build_network(street, gates=gates.to_crs(4326))
    assert walks(network, [(40, 0), (90, 0)], [(100, 0)])[1] == ["no_facility_reachable", "ok"]
    assert (network.report.gates_closed, network.report.gates_off_street, network.report.pieces) == (1, 1, 2)


@pytest.mark.parametrize(("close_gaps_m", "expected"), [(1.0, np.nan), (5.0, 106.0)])
def test_a_gap_is_told_of_and_closed_when_asked(close_gaps_m, expected):
    """A side street ends 4 m short of the street at (30,0); its top is (30,40): 36 + 4 + 30 to (0,0), and 36 more."""
    lines = town([(0, 0), (100, 0)], [(30, 4), (30, 76)])
    network = build_network(lines, close_gaps_m=close_gaps_m)
    gaps = network.report.gaps
    np.testing.assert_allclose(gaps.from_xy, [(30, 4)])
    np.testing.assert_allclose(gaps.to_xy, [(30, 0)])
    np.testing.assert_allclose(gaps.length_m, [4])
    assert gaps.is_closed.tolist() == [close_gaps_m >= 4]
    assert gaps.parts.tolist() == [True]
    assert network.report.pieces == (1 if close_gaps_m >= 4 else 2)
    np.testing.assert_allclose(walks(network, [(30, 76)], [(0, 0)])[0], [expected])


def test_a_corner_cut_short_is_no_gap():
    """
    The stub (10,0)-(10,4) ends 4 m... its own street lies 4 m away, but 4 m back along the stub as well: no gap.
    The end of the hairpin (0,50)-(60,50)-(60,56)-(0,56) is 6 m from its start and 126 m round: a gap in one piece.
    """
    network = build_network(town([(0, 0), (100, 0)], [(10, 0), (10, 4)], [(0, 50), (60, 50), (60, 56), (0, 56)]))
    gaps = network.report.gaps
    np.testing.assert_allclose(gaps.length_m, [6, 6])
    assert gaps.parts.tolist() == [False, False]
    assert network.report.pieces == 2


def test_a_loose_end_under_a_bridge_is_not_lifted_onto_it():
    """The street ends half a metre before the bridge that passes over: not joined. On the ground it would be."""
    lines = [(50, 0), (99.5, 0)], [(100, -50), (100, 50)]
    assert build_network(town(*lines, bridge=[None, "yes"])).report.pieces == 2
    assert build_network(town(*lines)).report.pieces == 1


def test_lines_that_share_a_stretch_are_one_street():
    """(0,0)-(60,0) and (40,0)-(100,0) overlap by 20: 100 m of street in one piece."""
    network = build_network(town([(0, 0), (60, 0)], [(40, 0), (100, 0)]))
    assert network.report.length_m == pytest.approx(100)
    np.testing.assert_allclose(walks(network, [(0, 0)], [(100, 0)])[0], [100])


def test_vertices_a_hair_apart_are_one():
    """Two lines cross at vertices 0.3 mm apart, as after a change of CRS and back."""
    network = build_network(town([(0, 0), (50, 0), (100, 0)], [(50.0002, -50), (50.0002, 0.0002), (50.0002, 50)]))
    np.testing.assert_allclose(walks(network, [(50, 50)], [(100, 0)])[0], [100], atol=1e-3)
    assert network.report.pieces == 1


def test_streets_of_any_crs_and_of_multilines():
    """The cross in degrees, as one multi-line."""
    cross = gpd.GeoDataFrame(geometry=[shapely.MultiLineString([STREET, ACROSS])], crs=CRS)
    shifted = cross.set_geometry(cross.translate(500_000, 3_370_000))
    network = build_network(shifted.to_crs(4326))
    ends = network.places(points((500_050, 3_370_050), (500_100, 3_370_000)).to_crs(4490))
    np.testing.assert_allclose(walks(network, ends[:1], ends[1:])[0], [100], atol=1e-3)


def test_unwalkable_streets_are_out_of_the_network():
    network = build_network(town(STREET, ACROSS, **{"class": ["local", "expressway"]}))
    assert (network.report.streets, network.report.streets_walked, network.report.pieces) == (2, 1, 1)


def refused(match, streets, **options):
    with pytest.raises(InvalidInputError, match=match):
        build_network(streets, **options)


def test_bad_streets_answer_in_a_sentence():
    refused("none of the 1 street lines may be walked", town(STREET, highway=["motorway"]))
    refused("none is longer than 0 m", town([(5, 5), (5, 5)]))
    refused("no coordinate reference system", town(STREET).set_crs(None, allow_override=True))
    refused("gates have no coordinate", town(STREET), gates=points((0, 0)).set_crs(None, allow_override=True))
    mixed = gpd.GeoDataFrame(
        {"highway": ["motorway", "path"]}, geometry=[shapely.LineString(STREET), shapely.Point(0, 0)], crs=CRS
    )
    refused("streets row 2 is a Point; streets must be lines", mixed)
    refused("at least 0", town(STREET), close_gaps_m=-1)


def test_coordinates_that_do_not_fit_their_crs_answer_in_a_sentence():
    wuhan = [(114.30, 30.50), (114.31, 30.51)]
    refused("look like degrees", town(wuhan))
    refused("3,[0-9]{3} km", town(STREET, [(500_000, 3_370_000), (500_100, 3_370_000)]))
    refused("no longitude and latitude", gpd.GeoDataFrame(
        geometry=[shapely.LineString([(500_000, 3_370_000), (500_100, 3_370_000)])], crs=4326))  # fmt: skip


def test_places_far_from_all_streets_answer_in_a_sentence():
    network = build_network(town(STREET))
    with pytest.raises(InvalidInputError, match=r"the shops are 20 km or more from all streets \(at most 10 km\)"):
        network.places(points((20_100, 0), (30_000, 0)), "shops")
    with pytest.raises(InvalidInputError, match="the shops have no coordinate reference system"):
        network.places(points((0, 0)).set_crs(None, allow_override=True), "shops")
    some = network.places(points((30_000, 0), (10, 0)), "shops")
    assert walks(network, some, [(0, 0)])[1] == ["unit_not_snapped", "ok"]
