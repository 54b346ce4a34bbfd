"""The checker of the rebalancing benchmark on drawn lots, figures by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.benchmarks.plan_check import closed_compactness, enclosed, measure, read_facts

NOTHING = np.empty((0, 2), dtype=np.int64)


def facts_of(boxes, **columns):
    units = gpd.GeoDataFrame(
        {"households": 100, "community": "C", **columns}, geometry=boxes, crs=4547, index=range(len(boxes))
    )
    return units, read_facts(units, None)


@pytest.mark.parametrize(("gap_m", "pairs"), [(0, 1), (0.3, 1), (-0.3, 1), (0.6, 0)])
def test_a_border_drawn_twice_is_one(gap_m, pairs):
    """Two lots of 10 x 20 m, apart or over each other by a hair; what a belt holds at the ends is less than 1 m."""
    _, facts = facts_of([shapely.box(0, 0, 10, 20), shapely.box(10 + gap_m, -1, 20, 21)])
    assert len(facts.pairs) == pairs
    assert facts.border_m == pytest.approx([20] * pairs, abs=1)


def test_a_plan_is_measured():
    """Four lots of 10 m in a row, 100 households each: two grids of two, of which one lot came from the other grid.

    Each grid is 20 x 10 m: 4 pi 200 / 60^2. A band of 200 to 250 holds; its middle is missed by 25.
    """
    _, facts = facts_of([shapely.box(x, 0, x + 10, 10) for x in (0, 10, 20, 30)], incumbent=["a", "b", "b", "b"])
    found = measure(facts, np.array([0, 0, 1, 1]), NOTHING, floor=200, ceiling=250)
    assert (found.grids, found.grids_in_band, found.communities_in_band, found.disconnected) == (2, 2, 1, 0)
    assert found.compactness == pytest.approx(4 * np.pi * 200 / 60**2)
    assert (found.moved, found.target_miss) == (100, 25)
    parted = measure(facts, np.array([0, 1, 0, 1]), NOTHING, floor=200, ceiling=250)
    assert parted.disconnected == 2


def test_a_grid_inside_another_is_an_enclave():
    units, _ = facts_of([shapely.box(x, y, x + 60, y + 60) for y in (0, 60, 120) for x in (0, 60, 120)])
    community = np.zeros(9, dtype=np.int64)
    assert enclosed(units, np.array([0, 0, 0, 0, 1, 0, 0, 0, 0]), community) == (1, 1)
    assert enclosed(units, np.array([0, 0, 0, 0, 1, 1, 0, 0, 0]), community) == (0, 0)


def test_a_street_inside_a_grid_is_no_outline():
    """Two blocks of 60 x 20 m and a street of 20 m between: 60 x 60 m; corners are a little round."""
    units, _ = facts_of([shapely.box(0, 0, 60, 20), shapely.box(0, 40, 60, 60)])
    assert closed_compactness(units, np.array([0, 0])) == pytest.approx(np.pi / 4, rel=0.03)
