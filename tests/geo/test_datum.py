"""Datum conversion against published point pairs, and its own inverse."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.datum import CHINA_BOUNDS_DEG, convert_geometry, from_wgs84, to_wgs84
from geo.errors import InvalidInputError

METRES_A_DEGREE = 111_320.0

PUBLISHED_GCJ02 = [  # (lon, lat) WGS84, (lon, lat) GCJ-02: test points of coordtransform and eviltransform
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
]
MAP_SERVICES = [  # WGS84, GCJ-02, BD-09 of one city each as the services answer, 7 decimals: gcoord's fixture
    ((114.0164322, 33.0133556), (114.022306, 33.0115324), (114.0287781, 33.0176697)),
    ((112.1935849, 31.0376011), (112.1994301, 31.0354012), (112.2058231, 31.0417338)),
    ((92.0499619, 31.4784436), (92.0512438, 31.4762063), (92.0576832, 31.4824421)),
    ((98.4937175, 39.7319946), (98.4943595, 39.7328234), (98.5008441, 39.7388949)),
    ((123.4253306, 41.8032629), (123.4314787, 41.8057023), (123.438095, 41.8114013)),
    ((108.6503952, 21.9828281), (108.6541485, 21.9799392), (108.6607283, 21.9856319)),
]

west, south, east, north = CHINA_BOUNDS_DEG
MARGIN_DEG = 0.03  # no shift is longer
places = st.tuples(st.floats(west + MARGIN_DEG, east - MARGIN_DEG), st.floats(south + MARGIN_DEG, north - MARGIN_DEG))


def metres_apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference in either axis; a degree of longitude is taken at its longest."""
    return float(np.abs(np.asarray(one) - np.asarray(other)).max() * METRES_A_DEGREE)


def test_wgs84_to_gcj02_meets_the_published_points():
    wgs84, gcj02 = (np.array(points) for points in zip(*PUBLISHED_GCJ02, strict=True))
    assert metres_apart(from_wgs84(wgs84, "gcj02"), gcj02) < 1e-4
    assert metres_apart(to_wgs84(gcj02, "gcj02"), wgs84) < 1e-4


def test_the_map_services_own_answers_are_met_within_a_metre():
    wgs84, gcj02, bd09 = (np.array(points) for points in zip(*MAP_SERVICES, strict=True))
    assert metres_apart(from_wgs84(wgs84, "gcj02"), gcj02) < 0.8
    assert metres_apart(from_wgs84(wgs84, "bd09"), bd09) < 0.8
    assert metres_apart(to_wgs84(gcj02, "gcj02"), wgs84) < 0.8
    assert metres_apart(to_wgs84(bd09, "bd09"), to_wgs84(gcj02, "gcj02")) < 0.03


def test_the_shift_in_wuhan_is_that_measured_on_communities():
    """About 520 m east and 270 m south: the formula there, and what 974 community outlines fit best."""
    there = from_wgs84([[114.3, 30.6]], "gcj02")[0] - [114.3, 30.6]
    east_m = there[0] * METRES_A_DEGREE * np.cos(np.radians(30.6))
    assert 480 < east_m < 580
    assert -300 < there[1] * 110_900 < -230


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
@given(place=places)
def test_there_and_back_is_under_a_millimetre(datum, place):
    assert metres_apart(to_wgs84(from_wgs84([place], datum), datum), [place]) < 1e-3
    assert metres_apart(from_wgs84(to_wgs84([place], datum), datum), [place]) < 1e-3


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@given(place=places)
def test_inside_china_every_point_moves_less_than_three_kilometres(datum, place):
    moved_m = np.abs(from_wgs84([place], datum) - [place]) * METRES_A_DEGREE
    assert 0 < moved_m.max() < 3000


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@given(place=st.tuples(st.floats(-180, west - 0.001), st.floats(-90, 90)))
def test_outside_china_nothing_moves(datum, place):
    assert (to_wgs84([place], datum) == [place]).all()
    assert (from_wgs84([place], datum) == [place]).all()


def test_points_inside_and_outside_can_be_mixed_and_nan_stays():
    points = np.array([[-71.1, 42.37], [114.3, 30.6], [np.nan, 30.0]])
    before = points.copy()
    moved = to_wgs84(points, "gcj02")
    assert (moved[0] == points[0]).all()
    assert (moved[1] == to_wgs84(points[1:2], "gcj02")[0]).all()
    assert np.isnan(moved[2, 0])
    assert moved[2, 1] == 30.0
    np.testing.assert_array_equal(points, before)


def test_empty_and_wrong_input():
    assert to_wgs84([], "bd09").shape == (0, 2)
    with pytest.raises(InvalidInputError, match=r"shaped \(3,\)"):
        to_wgs84([1.0, 2.0, 3.0], "gcj02")
    with pytest.raises(InvalidInputError, match="'mars'"):
        to_wgs84([[114.0, 30.0]], "mars")


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_geometries_of_every_kind_are_converted_vertex_by_vertex(datum):
    square = shapely.box(114.0, 30.0, 114.01, 30.01)
    hole = shapely.Polygon(square.exterior, [shapely.box(114.004, 30.004, 114.006, 30.006).exterior])
    drawn = np.array(
        [
            shapely.Point(114.3, 30.6),
            shapely.LineString([(114, 30), (115, 31)]),
            hole,
            None,
            shapely.Polygon(),
        ],
        dtype=object,
    )
    shifted = shapely.transform(drawn, lambda xy: from_wgs84(xy, datum))
    back = convert_geometry(shifted, datum)
    assert back[3] is None
    assert back[4].is_empty
    for there, here in zip(back[:3], drawn[:3], strict=True):
        assert there.geom_type == here.geom_type
        assert metres_apart(shapely.get_coordinates(there), shapely.get_coordinates(here)) < 1e-3
