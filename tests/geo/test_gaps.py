"""Coverage by walking distance on drawn streets, in metres of EPSG:4547 (CGCS2000 zone of 114 E)."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InvalidInputError
from geo.gaps import find_gaps
from tests.drawn import frame


def points(*places, **columns):
    return frame([shapely.Point(*place) for place in places], **columns)


def streets(*lines, **columns):
    return frame([shapely.LineString(line) for line in lines], **columns)


def test_a_street_a_side_street_and_the_unknown():
    """
    Street (0,0)-(1000,0), side street up from (500,0) to (500,400); the facility stands at (500,0).

    row  place       households  walk                     radius 300
    0    (300,10)    10          10 + 200 = 210           covered
    1    (200,0)     20          300                      covered: equal counts
    2    (199,0)     30          301                      not covered
    3    (510,350)   40          10 + 350 = 360           not covered
    4    (700,60)    50          60 off the street        unknown
    5    no place    60          -                        unknown
    Straight: 0 is 200.25 away, 3 is 350.14, 4 is 208.81: circles of 300 call 0, 1 and 4 covered = 80.
    """
    units = frame(
        [*map(shapely.Point, [(300, 10), (200, 0), (199, 0), (510, 350), (700, 60)]), None],
        hh=[10, 20, 30, 40, 50, 60],
    )
    network = streets([(0, 0), (500, 0), (1000, 0)], [(500, 0), (500, 400)])
    report = find_gaps(units, points((500, 0)), network, households="hh", radius_m=300)
    np.testing.assert_allclose(report.distance_m, [210, 300, 301, 360, np.nan, np.nan], atol=1e-6)
    np.testing.assert_allclose(report.straight_m[[0, 3]], [np.hypot(200, 10), np.hypot(10, 350)], atol=1e-6)
    np.testing.assert_allclose(report.detour_ratio[0], 210 / np.hypot(200, 10))
    assert report.is_covered.tolist() == [True, True, False, False, None, None]
    assert report.facility.tolist() == [0, 0, 0, 0, -1, -1]
    assert report.reason.tolist() == ["ok", "ok", "ok", "ok", "unit_not_snapped", "unit_without_place"]
    assert (report.households_covered, report.households_uncovered, report.households_unknown) == (30, 70, 110)
    assert report.households == 210
    assert report.households_in_circle == 80
    assert report.covered_ratio == pytest.approx(30 / 210)


def test_polygons_stand_at_a_point_inside_them_and_any_crs_will_do():
    """A square house about (100,20), a square facility about (300,-10), streets and units in degrees: 20 + 200 + 10."""
    units = frame([shapely.box(95, 15, 105, 25)], hh=[7]).to_crs(4326)
    facilities = frame([shapely.box(295, -15, 305, -5)])
    network = streets([(0, 0), (1000, 0)]).to_crs(4490)
    report = find_gaps(units, facilities, network, households="hh", radius_m=300)
    np.testing.assert_allclose(report.distance_m, [230], atol=0.01)


def test_a_motorway_is_no_way_on_foot():
    """The straight road is a motorway; the walk goes round three sides of a square: 100 + 100 + 100."""
    network = streets([(0, 0), (100, 0)], [(0, 0), (0, 100), (100, 100), (100, 0)], highway=["motorway", "footway"])
    report = find_gaps(points((0, 0), hh=[1]), points((100, 0)), network, households="hh", radius_m=150)
    np.testing.assert_allclose(report.distance_m, [300], atol=1e-6)
    assert report.streets_walked == 1


def test_torn_streets_leave_the_answer_unknown():
    """Two streets 100 apart that never meet: the facility is on the other one."""
    network = streets([(0, 0), (500, 0)], [(0, 100), (500, 100)])
    report = find_gaps(points((0, 0), hh=[9]), points((0, 100)), network, households="hh", radius_m=300)
    assert report.reason.tolist() == ["no_facility_reachable"]
    assert report.is_covered.tolist() == [None]
    assert report.households_unknown == 9
    assert report.straight_m[0] == pytest.approx(100)


def test_a_near_facility_off_the_streets_makes_a_long_walk_unknown():
    """
    Facility 0 at (0,120) is 120 off the street, facility 1 at (900,0). Radius 300.

    Unit at (700,0): 200 to facility 1: covered whatever 0 is. Unit at (100,0): 800 to 1, but 156 straight to 0:
    unknown. Unit at (400,0): 500 to 1, 418 straight to 0: beyond the radius of both, uncovered.
    """
    report = find_gaps(
        points((700, 0), (100, 0), (400, 0), hh=[1, 2, 4]),
        points((0, 120), (900, 0)),
        streets([(0, 0), (1000, 0)]),
        households="hh",
        radius_m=300,
    )
    assert report.is_covered.tolist() == [True, None, False]
    assert report.reason.tolist() == ["ok", "facility_not_snapped", "ok"]
    assert np.isnan(report.distance_m[1])
    assert report.facility.tolist() == [1, -1, 1]
    assert (report.households_covered, report.households_unknown, report.households_uncovered) == (1, 2, 4)
    assert report.facilities_not_snapped == 1


def test_no_facility_and_no_household():
    network = streets([(0, 0), (100, 0)])
    nobody = points((0, 0), hh=[5]).iloc[:0]
    empty = find_gaps(nobody, points((0, 0)), network, households="hh", radius_m=300)
    assert empty.households == 0
    assert empty.covered_ratio is None
    alone = find_gaps(points((0, 0), hh=[5]), nobody, network, households="hh", radius_m=300)
    assert (alone.households_covered, alone.households_uncovered, alone.households_unknown) == (0, 5, 0)
    assert alone.is_covered.tolist() == [False]
    assert alone.reason.tolist() == ["no_facility"]
    assert np.isnan(alone.distance_m).all()


@pytest.mark.parametrize("value", [-1, np.nan, "many", None, np.inf])
def test_faulty_households_are_named(value):
    units = points((0, 0), (1, 0), hh=np.array([3, value], dtype=object))
    with pytest.raises(InvalidInputError, match=f"row 2, hh: {value}"):
        find_gaps(units, points((0, 0)), streets([(0, 0), (9, 0)]), households="hh", radius_m=300)


def test_what_cannot_be_used_is_refused():
    units, facility, network = points((0, 0), hh=[1]), points((0, 0)), streets([(0, 0), (9, 0)], highway=["motorway"])
    with pytest.raises(InvalidInputError, match="none of the 1 street lines"):
        find_gaps(units, facility, network, households="hh", radius_m=300)
    with pytest.raises(InvalidInputError, match="no column families; they have: hh, geometry"):
        find_gaps(units, facility, network, households="families", radius_m=300)
    with pytest.raises(InvalidInputError, match="radius is 0 m"):
        find_gaps(units, facility, network, households="hh", radius_m=0)
    with pytest.raises(InvalidInputError, match="facilities have no coordinate reference system"):
        find_gaps(units, facility.set_crs(None, allow_override=True), network, households="hh", radius_m=300)


coordinate = st.integers(-40, 440)
places = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(homes=places, sites=places, extra=st.tuples(coordinate, coordinate), radius_m=st.sampled_from([120.0, 350.0]))
def test_more_facilities_and_a_longer_radius_never_cover_fewer(homes, sites, extra, radius_m):
    """A chequerboard of streets 200 apart; snap limit 50."""
    lines = [[(x, 0), (x, 200), (x, 400)] for x in (0, 200, 400)] + [
        [(0, y), (200, y), (400, y)] for y in (0, 200, 400)
    ]
    units, network = points(*homes, hh=range(1, len(homes) + 1)), streets(*lines)

    def covered(facilities, radius):
        report = find_gaps(units, points(*facilities), network, households="hh", radius_m=radius)
        total = report.households_covered + report.households_uncovered + report.households_unknown
        assert total == report.households == sum(range(1, len(homes) + 1))
        assert [verdict is None for verdict in report.is_covered] == np.isnan(report.distance_m).tolist()
        assert (report.detour_ratio[np.isfinite(report.detour_ratio)] >= 1).all()
        assert report.households_covered <= report.households_in_circle
        return report.households_covered

    assert covered(sites, radius_m) <= covered([*sites, extra], radius_m)
    assert covered(sites, radius_m) <= covered(sites, radius_m + 50)
