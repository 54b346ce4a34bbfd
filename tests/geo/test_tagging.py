"""Point in polygon by raster index against shapely, one point and one polygon at a time."""

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.errors import InvalidInputError
from geo.tagging import PolygonIndex


def brute_force(polygons, xy):
    """The first polygon that intersects each point, by asking shapely for every pair."""
    if len(polygons) == 0:
        return np.full(len(xy), -1)
    hits = shapely.intersects(np.asarray(polygons, dtype=object)[None, :], shapely.points(xy)[:, None])
    return np.where(hits.any(axis=1), hits.argmax(axis=1), -1)


def test_four_squares_and_their_shared_borders():
    """
    Squares of side 2, numbered

        2 3
        0 1

    A shared border belongs to the lower number; the corner shared by all four to 0; the outer border is inside.
    """
    squares = [shapely.box(2 * x, 2 * y, 2 * x + 2, 2 * y + 2) for y in (0, 1) for x in (0, 1)]
    expected = {
        (1, 1): 0, (3, 1): 1, (1, 3): 2, (3, 3): 3,
        (2, 1): 0, (2, 3): 2, (1, 2): 0, (3, 2): 1, (2, 2): 0,
        (0, 0): 0, (4, 4): 3, (4, 1): 1, (0, 4): 2,
        (4.000001, 1): -1, (-0.000001, 1): -1, (2, -1e-9): -1, (1e9, 1e9): -1,
    }  # fmt: skip
    assert PolygonIndex.build(squares).tag(list(expected)).tolist() == list(expected.values())
    assert PolygonIndex.build(squares[::-1]).tag([(2, 2), (1, 1)]).tolist() == [0, 3]


def test_holes_islands_and_overlaps():
    """A ring 0..10 with a hole 3..7, an island 4..6 inside the hole, a late blanket over everything."""
    ring = shapely.Polygon(shapely.box(0, 0, 10, 10).exterior, [shapely.box(3, 3, 7, 7).exterior])
    pair = shapely.MultiPolygon([shapely.box(4, 4, 6, 6), shapely.box(20, 0, 21, 1)])
    blanket = shapely.box(-5, -5, 30, 15)
    index = PolygonIndex.build([ring, pair, blanket])
    points = [(1, 1), (3, 5), (3.5, 5), (5, 5), (20.5, 0.5), (15, 5), (-5, -5), (31, 0)]
    assert index.tag(points).tolist() == [0, 0, 2, 1, 1, 2, 2, -1]
    assert PolygonIndex.build([blanket, ring]).tag([(1, 1)]).tolist() == [0]


def test_a_polygon_thinner_than_a_cell_is_not_lost():
    """A sliver one millionth of the field wide, slanted across it, and points on its middle line."""
    field = [shapely.box(0, 0, 1000, 1000)]
    sliver = shapely.Polygon([(0, 0), (1000, 999), (1000, 999.001), (0, 0.001)])
    along = np.linspace(0, 1000, 500)
    points = np.column_stack([along, along * 0.999 + 0.0005])
    assert (PolygonIndex.build([sliver, *field]).tag(points) == 0).all()
    assert (PolygonIndex.build([*field, sliver]).tag(points) == 0).all()


def test_borders_on_the_lines_of_the_raster():
    """A chessboard whose borders fall on raster lines or between; every corner, middle and edge point is asked."""
    board = [shapely.box(x, y, x + 1, y + 1) for y in range(8) for x in range(8)]
    ticks = np.arange(-0.5, 9, 0.25)
    points = np.array(np.meshgrid(ticks, ticks)).reshape(2, -1).T
    np.testing.assert_array_equal(PolygonIndex.build(board).tag(points), brute_force(board, points))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), offset=st.sampled_from([0.0, 114.3, 4.0e6]), count=st.integers(1, 25))
def test_any_partition_answers_like_shapely(seed, offset, count):
    """Unions of Voronoi cells (parts, holes), some missing; points anywhere, on vertices, on middles of borders."""
    rng = np.random.default_rng(seed)
    frame = shapely.box(0, 0, 1, 1)
    cells = shapely.voronoi_polygons(shapely.multipoints(rng.random((count + 1, 2))), extend_to=frame)
    drawn = shapely.intersection(shapely.get_parts(cells), frame)
    group = rng.integers(0, len(drawn), len(drawn))
    merged = np.array([shapely.union_all(drawn[group == g]) for g in np.unique(group)], dtype=object)
    polygons = shapely.transform(merged[rng.random(len(merged)) < 0.9], lambda xy: xy + offset)
    polygons = polygons[shapely.is_valid(polygons)]
    corners = shapely.get_coordinates(polygons)
    middles = (corners[1:] + corners[:-1]) / 2
    points = np.concatenate([rng.uniform(-0.1, 1.1, (300, 2)) + offset, corners, middles])
    np.testing.assert_array_equal(PolygonIndex.build(polygons).tag(points), brute_force(polygons, points))


@settings(max_examples=40, deadline=None)
@given(
    corners=arrays(np.int64, (6, 4), elements=st.integers(0, 12)),
    points=arrays(np.int64, (60, 2), elements=st.integers(-1, 26)),
)
def test_overlapping_boxes_on_whole_numbers_answer_like_shapely(corners, points):
    """Overlaps, shared borders and touching corners abound; half the points are on whole numbers."""
    boxes = [shapely.box(x, y, x + w + 1, y + h + 1) for x, y, w, h in corners]
    np.testing.assert_array_equal(PolygonIndex.build(boxes).tag(points / 2), brute_force(boxes, points / 2))


def test_nothing_to_find():
    square = shapely.box(0, 0, 1, 1)
    assert PolygonIndex.build([]).tag([(0.5, 0.5)]).tolist() == [-1]
    assert PolygonIndex.build([None, shapely.Polygon(), square]).tag([(0.5, 0.5), (2, 2)]).tolist() == [2, -1]
    assert PolygonIndex.build([square]).tag([]).tolist() == []
    assert PolygonIndex.build([square]).tag([(np.nan, 0.5), (np.inf, 0.5), (0.5, 0.5)]).tolist() == [-1, -1, 0]


def test_what_is_no_valid_polygon_is_refused():
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(InvalidInputError, match=r"row 2, geometry: not valid \(Self-intersection"):
        PolygonIndex.build([shapely.box(0, 0, 1, 1), bow_tie])
    with pytest.raises(InvalidInputError, match="row 1, geometry: LineString"):
        PolygonIndex.build([shapely.LineString([(0, 0), (1, 1)])])


def test_the_index_cannot_be_changed():
    index = PolygonIndex.build([shapely.box(0, 0, 1, 1)])
    with pytest.raises(dataclasses.FrozenInstanceError):
        index.polygons = np.array([])
