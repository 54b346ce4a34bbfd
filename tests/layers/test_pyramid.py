"""Cells of points: drawn corners, and cells of one zoom inside those of the zoom above."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from layers.pyramid import CELL_BITS, CELL_ZOOMS, cell_zoom, cells

lonlat = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def test_the_four_quarters_of_the_world():
    """At zoom 1 the square has 2 x 2 cells, x from the west, y from the north; borders belong east and south."""
    xy = np.array([[-90.0, 45], [90, 45], [-90, -45], [90, -45], [0, 0], [180, -90]])
    assert cells(xy, 1).tolist() == [[0, 0], [1, 0], [0, 1], [1, 1], [1, 1], [1, 1]]


def test_a_tile_shows_64_by_64_cells_or_joins_their_quarters():
    assert CELL_ZOOMS == (14, 16, 18, 20)
    assert [cell_zoom(zoom) - CELL_BITS for zoom in range(17)] == [8] * 9 + [10, 10, 12, 12, 14, 14, 14, 14]


@given(st.lists(lonlat, min_size=1, max_size=20), st.sampled_from(CELL_ZOOMS[1:]))
def test_a_cell_lies_inside_its_parent(points, zoom):
    xy = np.array(points)
    assert (cells(xy, zoom) >> 2 == cells(xy, zoom - 2)).all()
    assert (cells(xy, zoom) >= 0).all()
    assert (cells(xy, zoom) < 2**zoom).all()
