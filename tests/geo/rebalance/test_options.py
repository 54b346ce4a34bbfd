"""Locks, workload, shape, fronts and time limits on drawn towns whose answers follow by hand, and their properties."""

import numpy as np
import pytest
from geopandas import GeoDataFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo.errors import InvalidInputError
from geo.rebalance import rebalance, rebalance_front


def test_a_fixed_unit_stays_and_another_moves(squares):
    """A = 4 x 100, B and C = 2 x 100, band 200-300: either end of A could leave; the east end is fixed."""
    town = squares([[100] * 8], g=list("BBAAAACC"), stay=[0, 0, 0, 0, 0, 1, 0, 0])
    options = {"households": "households", "current": "g", "floor": 200, "ceiling": 300, "mode": "adjust"}
    plan = rebalance(town, fixed="stay", **options)
    assert plan.grid_id == tuple("BBBAAACC")
    assert rebalance(town.assign(stay=[0, 0, 1, 0, 0, 0, 0, 0]), fixed="stay", **options).grid_id == tuple("BBAAACCC")


def test_a_locked_grid_takes_in_nothing_and_gives_nothing(squares):
    """As above with B locked: only C can take the unit that must leave A."""
    town = squares([[100] * 8], g=list("BBAAAACC"))
    plan = rebalance(town, households="households", current="g", floor=200, ceiling=300, mode="adjust", closed=["B"])
    assert plan.grid_id == tuple("BBAAACCC")


def test_a_lock_holds_in_a_redraw(squares):
    town = squares([[100] * 4, [100] * 4], g=list("AABBABBB"))
    plan = rebalance(town, households="households", current="g", floor=200, ceiling=500, closed=["A"])
    assert [plan.grid_id[i] == plan.grid_id[0] for i in range(8)] == [
        True,
        True,
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_workload_is_balanced_and_the_band_holds_on_households(squares):
    """Work 0 0 0 3 3 0 0 0 over 8 x 100, two grids of 300-500: only 4 + 4 gives both the same work."""
    town = squares([[100] * 8], work=[0, 0, 0, 3, 3, 0, 0, 0])
    plan = rebalance(town, households="households", floor=300, ceiling=500, weights={"work": 1.0})
    assert [plan.grid_id[i] == plan.grid_id[0] for i in range(8)] == [True] * 4 + [False] * 4


def test_far_points_are_no_neighbours(squares):
    """Two clusters 1 km apart, all else 10 m: a bridge joins them, and is named, unless so far is in reach."""
    town = squares([[100] * 6], gaps={3: 1000})
    town["geometry"] = town.geometry.centroid
    for reach_m in (None, 100):
        (bridge,) = rebalance(town, households="households", floor=600, ceiling=600, reach_m=reach_m).bridges
        assert (bridge.unit_a, bridge.unit_b) == (2, 3)
    assert rebalance(town, households="households", floor=600, ceiling=600, reach_m=1100).bridges == ()


def lattice(width, height, households, incumbent):
    boxes = [box(i * 10, j * 10, i * 10 + 10, j * 10 + 10) for j in range(height) for i in range(width)]
    return GeoDataFrame({"households": households, "g": incumbent}, geometry=boxes, crs=4547)


@st.composite
def strips(draw):
    """A lattice of 3-5 x 6-9 squares whose incumbent grids are strips of columns."""
    width, height = draw(st.integers(6, 9)), draw(st.integers(3, 5))
    households = draw(st.lists(st.integers(20, 60), min_size=width * height, max_size=width * height))
    bounds = sorted(draw(st.lists(st.integers(1, width - 1), min_size=1, max_size=2, unique=True)))
    column = np.tile(np.arange(width), height)
    return lattice(width, height, households, np.searchsorted(bounds, column, side="right"))


OPTIONS = {"households": "households", "current": "g", "floor": 250, "ceiling": 550}


@settings(deadline=None, max_examples=8)
@given(strips())
def test_adjust_moves_no_more_than_redraw_and_a_front_has_no_dominated_plan(town):
    adjusted, redrawn = rebalance(town, mode="adjust", **OPTIONS), rebalance(town, mode="redraw", **OPTIONS)
    if redrawn.grids_in_band == len(redrawn.grids) and adjusted.grids_in_band == len(adjusted.grids):
        assert adjusted.moved_households <= redrawn.moved_households
    front = rebalance_front(town, count=3, **OPTIONS)
    moved, shape = [plan.moved_households for plan in front], [plan.mean_compactness for plan in front]
    assert moved == sorted(set(moved))
    assert shape == sorted(set(shape))
    assert front[0].moved_households <= adjusted.moved_households


def test_a_front_of_points_is_measured_by_distance_to_the_middle():
    """A row of 8 points 10 m apart, two grids of 4: their points are 15, 5, 5 and 15 m from the middle, 10 in the mean.

    There is one such plan: the third point joins A and the sixth joins B.
    """
    town = lattice(8, 1, [100] * 8, list("AABABABB"))
    town["geometry"] = town.geometry.centroid
    options = {"households": "households", "current": "g", "floor": 400, "ceiling": 400}
    front = rebalance_front(town, count=3, **options)
    assert [(plan.moved_households, plan.mean_distance_m, plan.mean_compactness) for plan in front] == [(200, 10, None)]
    assert rebalance(town, mode="redraw", **options).mean_distance_m == 10


@settings(deadline=None, max_examples=8)
@given(strips(), st.data())
def test_fixed_units_stay_with_their_grid(town, data):
    marks = data.draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=len(town), max_size=len(town)))
    plan = rebalance(town.assign(stay=marks), mode="adjust", fixed="stay", **OPTIONS)
    for code, now, mark in zip(plan.grid_id, town["g"], marks, strict=True):
        assert not mark or code == str(now)
    assert plan.disconnected_grids == 0


def test_a_time_limit_still_gives_a_whole_plan(squares):
    town = squares([[30, 70, 20, 90, 50, 60]] * 6, g=["A", "A", "A", "B", "B", "B"] * 6)
    band = {"floor": 300, "ceiling": 600}
    plan = rebalance(town, households="households", current="g", mode="adjust", time_limit_s=1e-9, **band)
    assert (plan.grids_in_band, plan.disconnected_grids) == (len(plan.grids), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": 1.5}, "between 0 and 1"),
        ({"closed": ["Z"]}, "no current grid Z"),
        ({"reach_m": 0}, "reach"),
        ({"time_limit_s": 0}, "time limit"),
        ({"weights": {"households": -1}}, "weight of households"),
        ({"current": None, "mode": "redraw", "closed": ["A"]}, "locks need"),
    ],
)
def test_options_that_cannot_be_are_refused(squares, options, message):
    town = squares([[100, 100]], g=["A", "A"])
    with pytest.raises(InvalidInputError, match=message):
        rebalance(town, **{"households": "households", "current": "g", "mode": "adjust", **options})
