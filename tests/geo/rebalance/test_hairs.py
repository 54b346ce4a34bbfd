"""Borders drawn twice and not quite alike, on drawn boxes; lengths by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.rebalance import grid_frame, rebalance
from geo.rebalance.adjacency import find_neighbours
from geo.rebalance.borders import shared_borders
from geo.rebalance.units import read_units

HIGH = shapely.box(0, 0, 10, 20)
JOGGED = shapely.Polygon([(10, 0), (20, 0), (20, 40), (10.2, 40), (10.2, 10), (10, 10)])
CASES = {
    "a gap of 0.3 m": (HIGH, shapely.box(10.3, 0, 20, 20), 0, 20),
    "an overlap of 0.3 m": (HIGH, shapely.box(9.7, -1, 20, 21), 0, 20),
    "a gap of 0.5 m, the widest": (HIGH, shapely.box(10.5, 0, 20, 20), 0, 20),
    "beside for 3 m, the shortest": (HIGH, shapely.box(10.3, 17, 20, 37), 0, 3),
    "a wedge, 0.5 m wide after 10 of 20 m": (HIGH, shapely.Polygon([(10, 0), (20, 0), (20, 20), (11, 20)]), 0, 10),
    "10 m shared, then 30 m apart by 0.2 m": (shapely.box(0, 0, 10, 40), JOGGED, 10, 40),
    "all shared, with other vertices": (shapely.box(0, 5, 10, 15), shapely.box(10, 0, 20, 20), 10, 10),
    "one in a hole 0.2 m wider all around": (shapely.box(0, 0, 30, 30) - shapely.box(10, 10, 20, 20),
                                             shapely.box(10.2, 10.2, 19.8, 19.8), 0, (40 - 4 * 0.4 + 4 * 9.6) / 2),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other", "touch_m", "border_m"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("turned", [False, True])
def test_outlines_beside_each_other_are_one_border(one, other, touch_m, border_m, turned):
    geom = np.array([other, one] if turned else [one, other])
    found = shared_borders(shapely.reverse(geom) if turned else geom, np.zeros(2, dtype=int))
    assert found.pairs.tolist() == [[0, 1]]
    assert found.touch_m == pytest.approx([touch_m], abs=1e-9)
    assert found.border_m == pytest.approx([border_m], rel=0.01)


@pytest.mark.parametrize(
    ("other", "group"),
    [
        (shapely.box(10.51, 0, 20, 20), 0),
        (shapely.box(10.3, 17.1, 20, 37), 0),
        (shapely.box(10.2, 20.2, 20, 40), 0),
        (shapely.box(0.2, 0.2, 10.2, 20.2), 0),
        (shapely.box(10.3, 0, 20, 20), 1),
    ],
    ids=["0.51 m apart", "beside for 2.9 m", "corner to corner", "drawn twice, 0.2 m aside", "of another community"],
)
def test_these_are_no_border(other, group):
    assert len(shared_borders(np.array([HIGH, other]), np.array([0, group])).pairs) == 0


def test_a_hair_does_not_part_a_grid():
    """Four boxes of 10 x 20 m in a row, 0.2 m between the second and the third: one piece of ground, 40 x 20 m.

    Halved by households: the first box, and the other three, 3 x 60 m of outline less twice 2 x 20 m inside.
    """
    boxes = [shapely.box(x, 0, x + 10, 20) for x in (0, 10, 20.2, 30.2)]
    town = gpd.GeoDataFrame({"households": [300, 100, 100, 100]}, geometry=boxes, crs=4547, index=range(4))
    plan = rebalance(town, households="households", floor=300, ceiling=300)
    assert [grid == plan.grid_id[1] for grid in plan.grid_id] == [False, True, True, True]
    assert [(b.unit_a, b.unit_b, b.gap_m) for b in plan.bridges] == [(1, 2, 0.2)]
    east = next(grid for grid in plan.grids if grid.units == 3)
    assert east.compactness == pytest.approx(4 * np.pi * 600 / (3 * 60 - 2 * 40) ** 2)
    assert plan.disconnected_grids == 0


def test_streets_and_hairs_side_by_side():
    """Lots of 20 m, 0.2 m apart, in two rows with a street of 12 m: 26 m to the next lot, 20 m to the one opposite."""
    lots = [shapely.box(20.2 * i, y, 20.2 * i + 20, y + 20) for y in (0, 32) for i in range(3)]
    town = gpd.GeoDataFrame({"households": 1}, geometry=lots, crs=4547, index=range(6))
    near = find_neighbours(
        read_units(town, households="households", within=None, compound=None, current=None), np.empty(0, dtype=object)
    )
    found = {(a, b): m for (a, b), m in zip(near.pairs.tolist(), near.border_m.tolist(), strict=True)}
    beside = {(0, 1): 26, (1, 2): 26, (3, 4): 26, (4, 5): 26}
    assert found == pytest.approx(
        beside | {(0, 3): 20, (1, 4): 20, (2, 5): 20}, abs=1.5
    )  # the outlines are known every 5 m


def drawn(boxes, floor):
    town = gpd.GeoDataFrame({"households": 100}, geometry=boxes, crs=4547, index=range(len(boxes)))
    return grid_frame(town, rebalance(town, households="households", floor=floor, ceiling=floor))


def test_a_hair_inside_a_grid_is_no_line_on_the_map():
    """Two towers of 10 m, 0.2 m apart, between two bars of 20.2 x 10 m: one grid of 20.2 x 40 m."""
    bars = [shapely.box(0, -10, 20.2, 0), shapely.box(0, 20, 20.2, 30)]
    grid = drawn([*bars, shapely.box(0, 0, 10, 20), shapely.box(10.2, 0, 20.2, 20)], 400).geometry.iloc[0]
    assert (grid.geom_type, len(grid.interiors)) == ("Polygon", 0)
    assert (grid.area, grid.length) == pytest.approx((20.2 * 40, 2 * 60.2))


def test_ground_that_two_grids_claim_goes_to_one():
    """Two lots of 10 and 10.3 x 20 m that overlap by 0.3 m."""
    one, other = drawn([HIGH, shapely.box(9.7, 0, 20, 20)], 100).geometry
    assert one.intersection(other).area == pytest.approx(0, abs=1e-6)
    assert one.union(other).area == pytest.approx(400)


lattices = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=2, max_size=4)


@settings(deadline=None)
@given(lattices, st.lists(st.floats(-0.2, 0.2).map(lambda m: round(m, 3)), min_size=12, max_size=12))
def test_lots_drawn_too_large_or_too_small_keep_their_neighbours(rows, change_m):
    """Lots of 10 m, each grown or shrunk by at most 0.2 m, so at most 0.4 m apart or over each other."""
    places = [(i, j) for j, row in enumerate(rows) for i, is_there in enumerate(row) if is_there]
    lots = np.array([shapely.box(10 * i, 10 * j, 10 * i + 10, 10 * j + 10) for i, j in places], dtype=object)
    drawn = shapely.buffer(lots, change_m[: len(lots)], join_style="mitre")
    group = np.zeros(len(lots), dtype=int)
    true, found = shared_borders(lots, group), shared_borders(drawn, group)
    kept = true.border_m > 0
    assert found.pairs.tolist() == true.pairs[kept].tolist()
    assert found.border_m == pytest.approx(true.border_m[kept], abs=1)
