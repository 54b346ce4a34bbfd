"""Clusters in place and time, on drawn points and against DBSCAN written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InvalidInputError
from geo.hotspots.clusters import Reach, cluster, describe

REACH = Reach(radius_m=100, days=10, least=3)


def labels(points, reach=REACH):
    array = np.array(points, dtype=float).reshape(-1, 3)
    return cluster(array[:, :2], array[:, 2], reach).tolist()


def test_near_in_place_and_time():
    """Three reports 60 m and 5 days apart are one problem: sqrt(0.6² + 0.5²) = 0.78 <= 1.

    A fourth is a month later, a fifth 500 m off.
    """
    assert labels([(0, 0, 0), (60, 0, 5), (120, 0, 10), (60, 0, 40), (560, 0, 5)]) == [0, 0, 0, -1, -1]


def test_half_the_way_leaves_more_than_half_the_time():
    """At 80 m, 6 days are just within reach (0.8² + 0.6² = 1), 7 are not."""
    assert labels([(0, 0, 0), (80, 0, 6), (0, 0, 0)]) == [0, 0, 0]
    assert labels([(0, 0, 0), (80, 0, 7), (0, 0, 0)]) == [-1, -1, -1]


def test_one_address_counts_every_report():
    """Two reports of one address on one day and a third at the same place are three; two are too few."""
    assert labels([(5, 5, 3), (5, 5, 3), (5, 5, 4)]) == [0, 0, 0]
    assert labels([(5, 5, 3), (5, 5, 3)]) == [-1, -1]


def test_a_problem_that_comes_back_after_a_pause_is_another_one():
    """The same corner in two months: two clusters, the earlier one first, whatever the order of the rows."""
    early, late = [(0, 0, day) for day in (0, 2, 4)], [(0, 0, day) for day in (60, 62, 64)]
    assert labels(late + early) == [1, 1, 1, 0, 0, 0]


def test_no_points():
    assert labels([]) == []


def test_an_address_reported_for_a_year_needs_no_memory_for_its_pairs():
    """200,000 reports of one point: as pairs they would be 40 billion."""
    day = np.arange(200_000) % 365.0
    assert set(cluster(np.zeros((200_000, 2)), day, REACH).tolist()) == {0}


def written_out(points, reach):
    """DBSCAN by its definition: who is a core, which cores hang together, who is within reach of one."""
    scale = np.array([reach.radius_m, reach.radius_m, reach.days])
    scaled = points / scale
    near = np.linalg.norm(scaled[:, None] - scaled[None], axis=2) <= 1
    core = near.sum(axis=1) >= reach.least
    group = np.arange(len(points))
    for _ in points:
        for at in np.flatnonzero(core):
            group[at] = group[near[at] & core].min()
    return near, core, group


WHOLE = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), max_size=30)


@settings(deadline=None, max_examples=150)
@given(WHOLE, st.integers(2, 5), st.randoms())
def test_equals_dbscan_by_its_definition(drawn, least, random):
    """On a lattice: the same cores together, the same noise, border points with a core in reach; any order."""
    points = np.array(drawn, dtype=float).reshape(-1, 3) * [45, 45, 4]
    reach = Reach(radius_m=100, days=10, least=least)
    found = cluster(points[:, :2], points[:, 2], reach)
    near, core, group = written_out(points, reach)
    for a in range(len(points)):
        assert (found[a] == -1) == (not core[near[a]].any())
        if not core[a] and found[a] >= 0:
            assert found[a] in found[near[a] & core]
        for b in range(len(points)):
            if core[a] and core[b]:
                assert (found[a] == found[b]) == (group[a] == group[b])
    order = list(range(len(points)))
    random.shuffle(order)
    again = cluster(points[order][:, :2], points[order][:, 2], reach)
    assert again.tolist() == found[order].tolist()


def test_description():
    """Middle (20, 0), farthest 40 m; days 0 to 10: one in the first half, three in the second: it rises."""
    shape = describe(np.array([[0, 0], [0, 0], [20, 0], [60, 0.0]]), np.array([0, 8, 9, 10.0]))
    assert (shape.x_m, shape.y_m, shape.radius_m) == (20, 0, 40)
    assert (shape.first_day, shape.last_day, shape.trend) == (0, 10, "rising")


@pytest.mark.parametrize(
    ("days", "trend"),
    [
        ((0, 1, 2, 10), "falling"),
        ((0, 10), "steady"),
        ((3, 3, 3), "steady"),
        ((0, 1, 9, 10), "steady"),
        ((0, 8, 9, 10), "rising"),
    ],
)
def test_trend(days, trend):
    assert describe(np.zeros((len(days), 2)), np.array(days, dtype=float)).trend == trend


@pytest.mark.parametrize("wrong", [{"radius_m": 0}, {"days": -1}, {"radius_m": float("nan")}, {"least": 1}])
def test_a_reach_that_makes_no_sense(wrong):
    with pytest.raises(InvalidInputError):
        Reach(**wrong)


def test_points_that_are_none():
    with pytest.raises(InvalidInputError, match="not finite"):
        labels([(0, np.nan, 0)])
    with pytest.raises(InvalidInputError, match="shape"):
        cluster(np.zeros((2, 2)), np.zeros(3), REACH)
