"""Shared borders: equal segments and differing vertices give the same lengths as intersecting every pair."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.rebalance.borders import shared_borders


def by_intersection(geom, group):
    found = {}
    for a in range(len(geom)):
        for b in range(a + 1, len(geom)):
            length = shapely.length(shapely.intersection(shapely.boundary(geom[a]), shapely.boundary(geom[b])))
            if group[a] == group[b] and length > 0:
                found[a, b] = length
    return found


def by_segments(geom, group):
    found = shared_borders(np.array(geom, dtype=object), np.array(group))
    return {(int(a), int(b)): m for (a, b), m in zip(found.pairs, found.touch_m, strict=True) if m > 0}


def test_a_corner_in_the_middle_of_a_side_is_found():
    """The tall box has one side of 20 m, the two low ones beside it 10 m each."""
    boxes = [shapely.box(0, 0, 10, 20), shapely.box(10, 0, 20, 10), shapely.box(10, 10, 20, 20)]
    assert by_segments(boxes, [0, 0, 0]) == pytest.approx({(0, 1): 10, (0, 2): 10, (1, 2): 10})


def test_groups_are_not_paired_and_parts_and_holes_count():
    hole = shapely.box(0, 0, 30, 30) - shapely.box(10, 10, 20, 20)
    core = shapely.box(10, 10, 20, 20)
    two = shapely.MultiPolygon([shapely.box(30, 0, 40, 30), shapely.box(50, 0, 60, 10)])
    assert by_segments([hole, core, two], [0, 0, 0]) == pytest.approx({(0, 1): 40, (0, 2): 30})
    assert by_segments([hole, core, two], [0, 1, 2]) == {}


def test_three_boxes_on_one_segment_are_all_pairs():
    """Two equal boxes lie on each other: the third shares its side with both."""
    boxes = [shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    assert by_segments(boxes, [0, 0, 0]) == pytest.approx({(0, 1): 40, (0, 2): 10, (1, 2): 10})


def test_polygons_that_overlap_are_intersected():
    """Two equal boxes of 10 m in the corner of one of 20 m: 40 m of each other, 20 m of the large one."""
    boxes = [shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10), shapely.box(0, 0, 20, 20)]
    assert by_segments(boxes, [0, 0, 0]) == pytest.approx({(0, 1): 40, (0, 2): 20, (1, 2): 20})


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 3), st.integers(1, 3)), max_size=12))
def test_segments_give_what_intersections_give(corners):
    boxes = []
    for x, y, w, h in corners:
        box = shapely.box(x, y, x + w, y + h, ccw=len(boxes) % 2 == 0)
        if not any(shapely.area(shapely.intersection(box, other)) for other in boxes):
            boxes.append(box)
    group = [i % 2 for i in range(len(boxes))]
    assert by_segments(boxes, group) == pytest.approx(by_intersection(boxes, group))
