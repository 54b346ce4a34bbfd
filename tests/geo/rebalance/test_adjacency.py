"""Neighbours and bridges on drawn examples; pairs are written as (row, row)."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.rebalance.adjacency import find_neighbours
from geo.rebalance.bridges import build_bridges
from geo.rebalance.units import read_units

NO_BARRIER = np.empty(0, dtype=object)


def read(frame, within=None):
    return read_units(frame, households="households", within=within, compound=None, current=None)


def points(*xy):
    return gpd.GeoDataFrame({"households": 1}, geometry=[shapely.Point(p) for p in xy], crs=4547, index=range(len(xy)))


def pairs_of(frame, barriers=NO_BARRIER, within=None):
    near = find_neighbours(read(frame, within), barriers)
    return {tuple(p) for p in near.pairs.tolist()}, {tuple(p) for p in near.pairs[near.is_cut].tolist()}


def bridges_of(frame, barriers=NO_BARRIER):
    units = read(frame)
    found = build_bridges(units, find_neighbours(units, barriers), barriers)
    return [
        (*pair, round(float(gap), 6), bool(cut))
        for pair, gap, cut in zip(found.pairs.tolist(), found.gap_m, found.is_cut, strict=True)
    ]


def test_a_corner_is_no_border(squares):
    r"""A 2 x 2 block: 0-1, 2-3 (rows), 0-2, 1-3 (columns); 0-3 and 1-2 only touch in a point."""
    found, cut = pairs_of(squares([[1, 1], [1, 1]]))
    assert found == {(0, 1), (2, 3), (0, 2), (1, 3)}
    assert cut == set()


@pytest.mark.parametrize(("shared_m", "found"), [(0.9, set()), (1.0, {(0, 1)})])
def test_a_border_is_at_least_one_metre(shared_m, found):
    low, high = shapely.box(0, 0, 10, 10), shapely.box(10, 10 - shared_m, 20, 20)
    near = find_neighbours(read(gpd.GeoDataFrame({"households": [1, 1]}, geometry=[low, high], crs=4547)), NO_BARRIER)
    assert {tuple(pair) for pair in near.pairs[near.touch_m > 0].tolist()} == found


def test_a_barrier_cuts_only_the_pairs_whose_line_it_crosses(squares, line):
    """A wall at x = 10 from y = 0 to y = 10 separates the lower row's squares (inside points at y = 5) only."""
    wall = line((10, 0), (10, 10)).to_numpy()
    found, cut = pairs_of(squares([[1, 1], [1, 1]]), wall)
    assert found == {(0, 1), (2, 3), (0, 2), (1, 3)}
    assert cut == {(0, 1)}


def test_communities_have_no_neighbours_across(squares):
    assert pairs_of(squares([[1, 1, 1]], c=["a", "a", "b"]), within="c")[0] == {(0, 1)}


def test_a_rectangle_of_points_has_no_diagonal():
    """Both diagonals are Delaunay edges of a rectangle, so neither is sure; with a centre there are 4 + 4 edges."""
    corners = [(0, 0), (30, 0), (30, 20), (0, 20)]
    assert pairs_of(points(*corners))[0] == {(0, 1), (1, 2), (2, 3), (0, 3)}
    assert len(pairs_of(points(*corners, (15, 10)))[0]) == 8


def test_few_coincident_and_collinear_points():
    assert pairs_of(points((0, 0), (1, 0), (9, 9)))[0] == {(0, 1), (0, 2), (1, 2)}
    assert pairs_of(points((0, 0), (0, 0), (0, 0)))[0] == {(0, 1), (0, 2)}
    assert pairs_of(points((0, 0), (30, 0), (10, 0), (20, 0)))[0] == {(0, 2), (2, 3), (1, 3)}


CROSS = [(0, 0), (30, 0), (30, 30), (0, 30), (15, 15)]


def test_a_jump_between_two_clusters_is_a_bridge():
    """Twice four corners and a centre, 500 m apart: 8 edges of 21.2 m, 8 of 30 m and the edges across.

    Of at most 5 edges across, so 21 in all, the third quartile is still 30 m and the first at least 21.2 m: reach is
    43-60 m, and the two corners that are nearest, 470 m apart, are bridged.
    """
    town = points(*CROSS, *((x + 500, y) for x, y in CROSS))
    one, _ = pairs_of(points(*CROSS))
    assert pairs_of(town)[0] == one | {(a + 5, b + 5) for a, b in one}
    assert [gap for _, _, gap, _ in bridges_of(town)] == [470.0]


def test_reach_given_is_reach_taken():
    town = points(*CROSS, *((x + 500, y) for x, y in CROSS))
    units = read(town)
    assert len(find_neighbours(units, NO_BARRIER, reach_m=22).pairs) == 8
    assert len(find_neighbours(units, NO_BARRIER, reach_m=1000).pairs) > 16


def test_an_even_layout_has_no_jumps():
    """A lattice of 20 m: every edge of 20 m is there, although the quartiles lie within rounding of it."""
    turned = [(20 * i * 0.8 - 20 * j * 0.6, 20 * i * 0.6 + 20 * j * 0.8) for i in range(4) for j in range(4)]
    assert len(pairs_of(points(*turned))[0]) == 24


def test_every_neighbour_of_a_point_counts_as_its_outline(line):
    """A square of points of which a wall parts the left from the right: two neighbours each, as without the wall."""
    near = find_neighbours(read(points((0, 0), (30, 0), (30, 30), (0, 30))), line((15, -5), (15, 35)).to_numpy())
    assert near.is_cut.sum() == 2
    assert near.perimeter_m.tolist() == [2, 2, 2, 2]


def test_a_connected_block_needs_no_bridge(squares):
    assert bridges_of(squares([[1, 1], [1, 1]])) == []


def test_blocks_across_a_street_are_neighbours_and_need_no_bridge(squares):
    """Columns 0-1 and 2-3 stand 15 m apart: 1 faces 2, and 5 faces 6."""
    town = squares([[1, 1, 1, 1], [1, 1, 1, 1]], gaps={2: 15})
    assert pairs_of(town)[0] == {(0, 1), (2, 3), (4, 5), (6, 7), (0, 4), (1, 5), (2, 6), (3, 7), (1, 2), (5, 6)}
    assert bridges_of(town) == []


def test_far_blocks_are_bridged_by_a_tree_only(squares):
    """Three blocks in a row, 100 m and 60 m apart: the 170 m between the outer two is not needed."""
    assert bridges_of(squares([[1, 1, 1]], gaps={1: 100, 2: 60})) == [(0, 1, 100.0, False), (1, 2, 60.0, False)]


def test_a_pocket_behind_a_barrier_stays_cut_off_but_a_single_unit_is_joined(squares, line):
    """The wall at x = 20 parts 0-1 from the rest: two units stay apart, one unit alone is joined and marked."""
    wall = line((20, -5), (20, 15)).to_numpy()
    assert bridges_of(squares([[1, 1, 1, 1]]), wall) == []
    assert bridges_of(squares([[1, 1, 1]]), wall) == [(1, 2, 0.0, True)]


def test_one_unit_alone_in_its_community_is_no_bridge(squares):
    assert bridges_of(squares([[1]])) == []
