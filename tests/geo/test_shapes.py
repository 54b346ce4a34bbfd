"""Shapes as they are read: what is mended, what is refused, and that nothing sound is touched.

The drawings are in metres (EPSG:4547), in a corner of 20 by 20 at (500000, 3340000).
"""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidInputError
from geo.shapes import read_shapes, sound_units

X, Y = 500_000, 3_340_000
BOX = shapely.box(X, Y, X + 20, Y + 20)


def at(*corners):
    return [(X + x, Y + y) for x, y in corners]


def frame(*shapes, crs=4547):
    return gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=crs)


def faults(*shapes, crs=4547):
    return read_shapes(frame(*shapes, crs=crs)).faults


BOW_TIE = shapely.Polygon(at((0, 0), (20, 20), (20, 0), (0, 20)))
SPIKE = shapely.Polygon(at((0, 0), (20, 0), (20, 20), (10, 20), (10, 30), (10, 20), (0, 20)))
PINCHED = shapely.Polygon(at((0, 0), (10, 10), (20, 0), (20, 20), (10, 10), (0, 20)))
TWICE = shapely.MultiPolygon([BOX, BOX])
with np.errstate(invalid="ignore"):
    NOWHERE = shapely.Polygon([(0, 0), (20, np.nan), (20, 20)])
LINE = shapely.LineString(at((0, 0), (20, 20)))


@pytest.mark.parametrize(
    ("shape", "area_m2"),
    [
        (SPIKE, 400),  # the needle of 10 m has no area
        (PINCHED, 200),  # two triangles of 20 by 10 that touch in one point
        (shapely.GeometryCollection([BOX, LINE]), 400),
        (shapely.MultiPolygon([BOX, shapely.box(X + 20, Y, X + 40, Y + 20)]), 800),  # two parts with a border in common
    ],
)
def test_a_polygon_whose_area_stays_is_mended(shape, area_m2):
    read = read_shapes(frame(BOX, shape))
    assert read.faults == {}
    assert read.mended.tolist() == [1]
    assert read.geom[0] is not None
    assert shapely.equals_identical(read.geom[0], BOX)
    assert read.geom[1].is_valid
    assert read.geom[1].geom_type in ("Polygon", "MultiPolygon")
    assert read.geom[1].area == pytest.approx(area_m2)


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        # signed areas of the two triangles cancel out; mended they cover 200 m2
        (BOW_TIE, "Self-intersection at 500010 3340010; mending would change its area by 100.0%, the limit is 0.1%"),
        # drawn twice 800 m2, on the ground 400 m2
        (TWICE, "mending would change its area by 50.0%, the limit is 0.1%"),
        (shapely.Polygon(at((0, 0), (10, 0), (20, 0))), "is a polygon with an area of 0 m2"),
        (shapely.Polygon(at((5, 5), (5, 5), (5, 5))), "is a polygon with an area of 0 m2"),
        (shapely.Polygon(at((0, 0), (1e-4, 0), (0, 1e-4))), "is a polygon with an area of 0 m2"),
        (LINE, "is a LineString, not a polygon or a point"),
        (shapely.GeometryCollection([LINE]), "is a GeometryCollection, not a polygon or a point"),
        (shapely.MultiPoint(at((0, 0), (1, 1))), "is a MultiPoint, not a polygon or a point"),
        (shapely.Point(X, Y), "is a point among polygons; all are polygons or all are points"),
        (NOWHERE, "the coordinate (20, nan) is not finite"),
        (shapely.Polygon(at((0, 0), (float("inf"), 0), (20, 20))), "the coordinate (inf, 3340000) is not finite"),
        (shapely.Polygon(), "missing or empty"),
        (None, "missing or empty"),
    ],
)
def test_a_shape_in_doubt_is_a_fault_of_its_row(shape, fault):
    found = faults(BOX, BOX, shape)
    assert list(found) == [2]
    assert found[2].endswith(fault)


def test_of_points_and_polygons_the_fewer_are_at_fault():
    assert list(faults(BOX, shapely.Point(X, Y), shapely.Point(X, Y + 1))) == [0]


def test_a_place_off_the_earth_is_told_by_its_own_coordinate():
    near = shapely.box(113, 30, 113.01, 30.01)
    assert faults(near, shapely.box(113, 94, 113.1, 95), crs=4326) == {
        1: "the coordinate (113.1, 94) has no place in WGS 84 / UTM zone 49N"
    }


def test_a_multipoint_of_one_point_is_a_point():
    read = read_shapes(frame(shapely.MultiPoint(at((0, 0))), shapely.Point(X, Y + 1)))
    assert read.faults == {}
    assert shapely.get_type_id(read.geom).tolist() == [0, 0]


def test_rows_with_one_fault_are_told_of_together():
    with pytest.raises(InvalidInputError) as caught:
        sound_units(frame(*[LINE] * 12, None))
    assert str(caught.value) == (
        "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more, geometry: is a LineString, not a polygon or a point; "
        "row 13, geometry: missing or empty"
    )


def test_the_other_columns_and_the_rows_stay():
    town, mended = sound_units(frame(BOX, SPIKE))
    assert mended.tolist() == [1]
    assert town["n"].tolist() == [0, 1]
    assert town.crs == frame(BOX).crs


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=7))
def test_whatever_is_drawn_is_left_alone_mended_in_its_area_or_refused(corners):
    """Any ring over a small lattice: valid ones come back to the last coordinate, others with their area or not."""
    drawn = shapely.Polygon(at(*corners))
    read = read_shapes(frame(drawn))
    if drawn.is_valid:
        assert read.faults == {}
        assert shapely.equals_identical(read.geom[0], drawn)
    elif not read.faults:
        assert read.mended.tolist() == [0]
        assert read.geom[0].is_valid
        assert read.geom[0].area == pytest.approx(drawn.area, rel=0.001)
