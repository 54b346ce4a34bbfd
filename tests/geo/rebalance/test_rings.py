"""Holes and enclaves on a lattice of 10 m squares, counted by hand."""

import numpy as np
import pytest

from geo.rebalance.adjacency import find_neighbours
from geo.rebalance.rings import Rings, count_rings
from geo.rebalance.units import read_units

CASES = {
    "three strips": (["AAABBBCCC"] * 3, Rings(0, 0)),
    "B inside A": (["AAA", "ABA", "AAA"], Rings(1, 1)),
    "B and C inside A": (["AAAA", "ABCA", "AAAA"], Rings(1, 0)),
    "a chain of rings": (["AAAAA", "ABBBA", "ABCBA", "ABBBA", "AAAAA"], Rings(2, 1)),
    "B on the rim": (["AAA", "ABA", "ABA"], Rings(0, 0)),
}


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES.keys())
def test_holes_and_enclaves(squares, rows, expected):
    town = squares([[1] * len(row) for row in rows])
    units = read_units(town, households="households", within=None, compound=None, current=None)
    near = find_neighbours(units, np.empty(0, dtype=object))
    grid = np.unique(list("".join(rows)), return_inverse=True)[1]
    assert count_rings(units.community, grid, near) == expected
