"""Ground between units that do not touch: drawn lots and blocks, whose shares follow by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.rebalance import rebalance
from geo.rebalance.adjacency import find_neighbours
from geo.rebalance.bridges import build_bridges
from geo.rebalance.rings import Rings, count_rings
from geo.rebalance.units import read_units

NO_BARRIER = np.empty(0, dtype=object)


def two_rows(street_m, households=100):
    """Six lots of 20 m in a row (0-5), and six more north of the street (6-11)."""
    rows = [shapely.box(20 * i, y, 20 * i + 20, y + 20) for y in (0, 20 + street_m) for i in range(6)]
    return gpd.GeoDataFrame({"households": households}, geometry=rows, crs=4547, index=range(12))


def blocks(widths_m, heights_m, streets_m):
    """Blocks with streets between the columns and the rows; rows from south to north."""
    west, south = (
        [sum(sizes_m[:i]) + sum(streets_m[:i]) for i in range(len(sizes_m))] for sizes_m in (widths_m, heights_m)
    )
    boxes = [
        shapely.box(x, y, x + w, y + h)
        for y, h in zip(south, heights_m, strict=True)
        for x, w in zip(west, widths_m, strict=True)
    ]
    return gpd.GeoDataFrame({"households": 100}, geometry=boxes, crs=4547, index=range(len(boxes)))


def neighbours_of(frame, barriers=NO_BARRIER):
    units = read_units(frame, households="households", within=None, compound=None, current=None)
    return units, find_neighbours(units, barriers)


def borders_of(near):
    return {(int(a), int(b)): float(m) for (a, b), m in zip(near.pairs, near.border_m, strict=True)}


def test_lots_face_each_other_across_a_street():
    """Half of a street of 12 m makes lots of 20 x 26 m: 26 m to the next lot, 20 m to the one opposite, 92 m around."""
    _, near = neighbours_of(two_rows(12))
    beside = {(i, i + 1): 26.0 for i in range(11) if i != 5}
    assert borders_of(near) == pytest.approx(beside | {(i, i + 6): 20.0 for i in range(6)})
    assert near.area_m2 == pytest.approx(np.full(12, 20 * 26))
    assert near.perimeter_m == pytest.approx(np.full(12, 92))
    assert near.touch_m[(near.pairs[:, 1] - near.pairs[:, 0]) == 6].tolist() == [0] * 6


def test_two_grids_are_two_blocks_and_not_two_strips():
    """Three lots on either side: 60 x 52 m; a row of six would be 120 x 26 m."""
    plan = rebalance(two_rows(12), households="households", floor=600, ceiling=600)
    east = plan.grid_id[5]
    assert [grid == east for grid in plan.grid_id] == [False, False, False, True, True, True] * 2
    assert plan.mean_compactness == pytest.approx(4 * np.pi * 60 * 52 / 224**2)
    assert [bridge.gap_m for bridge in plan.bridges] == [12, 12]  # one way across the street for each grid


def test_a_barrier_along_the_street_cuts_the_lots_that_face_each_other(line):
    wall = line((-5, 26), (125, 26))
    units, near = neighbours_of(two_rows(12), wall.to_numpy())
    assert [(a, b) for (a, b), cut in zip(near.pairs.tolist(), near.is_cut, strict=True) if cut] == [
        (i, i + 6) for i in range(6)
    ]
    assert len(build_bridges(units, near, wall.to_numpy()).pairs) == 0
    plan = rebalance(two_rows(12), households="households", barriers=wall, floor=600, ceiling=600)
    assert (len(set(plan.grid_id[:6])), len(set(plan.grid_id[6:])), len(plan.grids)) == (1, 1, 2)


def test_a_street_of_more_than_40_m_is_no_border_but_one_bridge():
    units, near = neighbours_of(two_rows(41))
    assert set(borders_of(near).values()) == {20.0}
    assert build_bridges(units, near, NO_BARRIER).gap_m.tolist() == [41]


def test_blocks_at_a_crossing_meet_in_its_middle():
    """Four blocks of 40 m and streets of 10 m: squares of 45 m, and nothing but a point across the crossing."""
    _, near = neighbours_of(blocks([40, 40], [40, 40], [10]))
    assert borders_of(near) == pytest.approx({(0, 1): 45, (2, 3): 45, (0, 2): 45, (1, 3): 45})
    assert near.area_m2 == pytest.approx(np.full(4, 45 * 45))
    assert near.perimeter_m == pytest.approx(np.full(4, 180))


def test_a_bend_in_the_outside_is_no_street(squares):
    """Units that all touch stay what they are, also around the courtyard of a horseshoe."""
    _, near = neighbours_of(squares([[1, 1, 1], [1, None, 1]]))
    assert borders_of(near) == pytest.approx({(0, 1): 10, (1, 2): 10, (0, 3): 10, (2, 4): 10})
    assert near.area_m2.tolist() == [100] * 5
    assert near.perimeter_m.tolist() == [40] * 5


def test_the_street_of_one_community_is_not_closed_by_another():
    """The south row is a community of its own: no lot gains anything."""
    town = two_rows(12).assign(c=["a"] * 6 + ["b"] * 6)
    units = read_units(town, households="households", within="c", compound=None, current=None)
    near = find_neighbours(units, NO_BARRIER)
    assert near.area_m2.tolist() == [400] * 12
    assert len(near.pairs) == 10


def test_a_block_ringed_by_another_grid_across_streets_is_an_enclave():
    units, near = neighbours_of(blocks([40] * 3, [40] * 3, [10, 10]))
    ring = np.array([0, 0, 0, 0, 1, 0, 0, 0, 0])
    assert count_rings(units.community, ring, near) == Rings(holes=1, enclaves=1)
    assert count_rings(units.community, np.array([0, 0, 0, 0, 1, 1, 0, 0, 0]), near) == Rings(holes=0, enclaves=0)


def test_lots_drawn_twice_leave_hardly_an_outline():
    """One lot's second drawing lacks a notch in its north side, so only the line over the notch is one lot's alone.

    The other lot, 60 m to the east, has two equal drawings: nothing of it is one lot's alone.
    """
    lot, other = shapely.box(0, 0, 40, 40), shapely.box(100, 0, 120, 20)
    again = lot - shapely.Polygon([(5, 40), (35, 40), (20, 30)])
    town = gpd.GeoDataFrame({"households": [1] * 4}, geometry=[lot, again, other, other], crs=4547)
    _, near = neighbours_of(town)
    assert near.pairs.tolist() == [[0, 1], [2, 3]]
    assert near.area_m2.tolist() == [1600, 1450, 400, 400]


sizes = st.lists(st.integers(10, 90), min_size=2, max_size=4)


@settings(deadline=None)
@given(sizes, sizes, st.lists(st.integers(2, 25), min_size=4, max_size=4))
def test_blocks_and_streets_fill_their_rectangle(widths_m, heights_m, streets_m):
    """All ground and all outside are shared out: together the units are the rectangle around them."""
    frame = blocks(widths_m, heights_m, streets_m)
    _, near = neighbours_of(frame)
    west, south, east, north = frame.total_bounds
    assert near.area_m2.sum() == pytest.approx((east - west) * (north - south))
    outside_m = near.perimeter_m.sum() - 2 * near.border_m.sum()
    assert outside_m == pytest.approx(2 * (east - west + north - south), abs=2)  # borders under 1 m are no borders
