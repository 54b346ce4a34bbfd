"""Lots: two boxes in a field, by hand; and any boxes fill any field."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InvalidInputError
from geo.lots import draw_lots


def test_the_border_runs_midway_between_two_buildings() -> None:
    """Field 100 m x 40 m; houses [10, 30] and [60, 80] m: midway is x = 45, so 45 x 40 and 55 x 40 m2."""
    lots = draw_lots([shapely.box(10, 10, 30, 30), shapely.box(60, 10, 80, 30)], shapely.box(0, 0, 100, 40))
    assert shapely.area(lots) == pytest.approx([1800, 2200], rel=0.01)


def test_the_lots_of_touching_parcels_are_the_parcels() -> None:
    parcels = [shapely.box(0, 0, 50, 40), shapely.box(50, 0, 100, 40)]
    lots = draw_lots(parcels, shapely.box(0, 0, 100, 40))
    assert shapely.area(lots) == pytest.approx([2000, 2000], rel=0.02)


def test_a_unit_outside_the_area_keeps_its_own_shape() -> None:
    outside = shapely.box(500, 500, 510, 510)
    lots = draw_lots([shapely.box(10, 10, 30, 30), outside], shapely.box(0, 0, 100, 40))
    assert lots[1].equals(outside)


def test_a_unit_without_geometry_is_named() -> None:
    with pytest.raises(InvalidInputError, match="row 2"):
        draw_lots([shapely.box(0, 0, 1, 1), None], shapely.box(0, 0, 100, 40))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), min_size=1, max_size=25, unique=True))
def test_lots_fill_the_area_without_overlap(corners: list[tuple[int, int]]) -> None:
    field = shapely.box(0, 0, 200, 200)
    units = np.array([shapely.box(10 * x + 1, 10 * y + 1, 10 * x + 8, 10 * y + 7) for x, y in corners])
    lots = draw_lots(units, field)
    assert shapely.area(lots).sum() == pytest.approx(field.area)
    assert shapely.area(shapely.union_all(lots)) == pytest.approx(field.area)
