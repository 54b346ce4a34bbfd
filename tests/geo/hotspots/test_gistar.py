"""Gi* against hand-derived values and against PySAL's esda on the same input."""

import numpy as np
import pytest
import scipy.sparse as sp
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.cells import cells_of, tiling_of
from geo.errors import InvalidInputError
from geo.hotspots.gistar import adjusted, gi_star


def row_of(n):
    """Cells in a row: each has the one before and the one after for neighbours."""
    return sp.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1]).tocsr()


def test_one_busy_stretch_by_hand():
    """40 cells in a row, three of them (10-12) with 10 each, the rest 0.

    mean = 30/40 = 0.75, variance = 300/40 - 0.5625 = 6.9375. Cell 11 and its two neighbours hold 30 where 2.25 are
    expected; sqrt(6.9375 * (40*3 - 9) / 39) = 4.44355; z = 27.75 / 4.44355 = 6.24501.
    """
    count = np.zeros(40)
    count[10:13] = 10
    found = gi_star(count, row_of(40))
    assert found.z[11] == pytest.approx(27.75 / np.sqrt(6.9375 * 111 / 39), rel=1e-12)
    assert found.z[11] == pytest.approx(6.24501, abs=1e-4)
    assert np.flatnonzero(found.kind == 1).tolist() == [10, 11, 12]
    assert (found.kind >= 0).all()


def test_nothing_stands_out_where_all_are_alike():
    found = gi_star(np.full(36, 3.0), row_of(36))
    assert found.z.tolist() == [0.0] * 36
    assert not found.kind.any()


def test_adjusted_by_hand():
    """p = 0.01, 0.02, 0.03, 0.5 of four: 0.04, 0.04, 0.04, 0.5 (each p * 4 / rank, never above a later one)."""
    assert adjusted(np.array([0.02, 0.5, 0.01, 0.03])) == pytest.approx([0.04, 0.5, 0.04, 0.04])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 50), min_size=30, max_size=60))
def test_equals_pysal(counts):
    """The same z and p as esda.G_Local(star=True, binary weights), wherever the counts differ at all."""
    esda = pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    y = np.array(counts, dtype=float)
    if y.std() == 0:
        return
    n = len(y)
    w = libpysal.weights.W({i: [j for j in (i - 1, i + 1) if 0 <= j < n] for i in range(n)}, silence_warnings=True)
    peer = esda.G_Local(y, w, transform="B", permutations=0, star=True, island_weight=0)
    ours = gi_star(y, row_of(n))
    assert ours.z == pytest.approx(peer.Zs, abs=1e-9)
    assert ours.p == pytest.approx(2 * peer.p_norm, abs=1e-9)


def test_what_cannot_be_judged():
    with pytest.raises(InvalidInputError, match="from 30 on"):
        gi_star(np.ones(29), row_of(29))
    with pytest.raises(InvalidInputError, match="not finite"):
        gi_star(np.full(30, np.nan), row_of(30))
    with pytest.raises(InvalidInputError, match="do not fit"):
        gi_star(np.ones(31), row_of(30))


def test_an_area_in_cells():
    """A box of about 4 km²: its cells touch, nobody is a neighbour of itself, and a cell at its edge may be added."""
    box = shapely.box(114.99, 30.19, 115.01, 30.21)
    tiling = tiling_of(box)
    neighbours = tiling.neighbours.toarray()
    assert 30 < len(tiling.ids) < 60
    assert (neighbours == neighbours.T).all()
    assert not neighbours.diagonal().any()
    assert neighbours.sum(axis=1).max() == 6
    touching = shapely.intersects(tiling.geoms[:, None], tiling.geoms[None]) & ~np.eye(len(tiling.ids), dtype=bool)
    assert (touching == (neighbours == 1)).all()
    outside = cells_of(np.array([[115.02, 30.2]])).ids
    assert len(tiling_of(box, outside).ids) == len(tiling.ids) + 1
    assert tiling_of(shapely.MultiPolygon([box]), resolution=8).ids < tiling.ids
