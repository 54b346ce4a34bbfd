"""Verdicts, tallies and ranks on drawn streets, in metres of EPSG:4547; cells in degrees."""

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.cells import cells_of
from geo.errors import InvalidInputError
from geo.tally import rank, tally
from geo.verdicts import Reason, Rule, Verdict, judge, reach
from geo.walking import build_walking_graph

STREET = build_walking_graph([shapely.LineString([(0, 0), (1000, 0)])])


def rule(threshold_m, *, metric="walk", code="r"):
    return Rule(code, "canteen", "食堂", "households", metric, threshold_m, "示例标准")


def ask(units, facilities, threshold_m, *, metric="walk", graph=STREET, demand=None):
    found = reach(graph, np.array(units, dtype=float), np.array(facilities, dtype=float).reshape(-1, 2))
    return judge(rule(threshold_m, metric=metric), found, np.ones(len(units)) if demand is None else np.array(demand))


def test_a_street_by_hand():
    """
    A street (0,0)-(1000,0); a canteen at (500,0). Threshold 200 m on foot.

    row  place        walk              straight   verdict
    0    (300,0)      200               200        met: equal counts
    1    (299,0)      201               201        not met
    2    (500,60)     60 off the street 60         unknown
    3    (300,40)     40 + 200 = 240    203.96     not met
    4    no place     -                 -          unknown
    """
    judged = ask([(300, 0), (299, 0), (500, 60), (300, 40), (np.nan, np.nan)], [(500, 0)], 200, demand=[1, 2, 4, 8, 16])
    assert judged.verdict.tolist() == ["met", "not_met", "unknown", "not_met", "unknown"]
    np.testing.assert_allclose(judged.walk_m, [200, 201, np.nan, 240, np.nan], atol=1e-6)
    np.testing.assert_allclose(judged.straight_m, [200, 201, 60, np.hypot(200, 40), np.nan], atol=1e-6)
    np.testing.assert_allclose(judged.detour_ratio, [1, 1, np.nan, 240 / np.hypot(200, 40), np.nan])
    np.testing.assert_array_equal(judged.unserved, [0, 2, np.nan, 8, np.nan])
    assert judged.reason.tolist() == ["ok", "ok", "unit_not_snapped", "ok", "unit_without_place"]
    assert judged.facility.tolist() == [0, 0, -1, 0, -1]


def test_a_straight_rule_needs_no_street():
    """As above in a straight line: only who has no place is unknown; walks are still told."""
    judged = ask([(300, 0), (500, 60), (300, 40), (np.nan, np.nan)], [(500, 0)], 200, metric="line")
    assert judged.verdict.tolist() == ["met", "met", "not_met", "unknown"]
    assert judged.facility.tolist() == [0, 0, 0, -1]
    np.testing.assert_allclose(judged.walk_m, [200, np.nan, 240, np.nan], atol=1e-6)


def test_a_facility_off_the_streets_leaves_a_long_walk_unknown():
    """(0,0) walks 900 m to the one on the street; that at (100,80), 128 m away, may serve it at 200 m, not at 100."""
    facilities = [(900, 0), (100, 80)]
    for threshold_m, verdict, reason in ((100, "not_met", "ok"), (200, "unknown", "facility_not_snapped")):
        judged = ask([(0, 0)], facilities, threshold_m)
        assert (judged.verdict[0], judged.reason[0]) == (verdict, reason)
        assert np.isnan(judged.walk_m[0]) == (verdict == "unknown")
    assert ask([(800, 0)], facilities, 200).verdict[0] == "met"  # a walk that is short enough is beyond doubt


def test_a_facility_across_a_torn_street_leaves_a_long_walk_unknown():
    """Two streets that do not meet: 70 m apart. (0,0) walks 900 m; across the gap one stands 70 m away."""
    graph = build_walking_graph([shapely.LineString([(0, 0), (1000, 0)]), shapely.LineString([(0, 70), (90, 70)])])
    judged = ask([(0, 0), (40, 0)], [(900, 0), (0, 70)], 75, graph=graph)
    assert judged.verdict.tolist() == ["unknown", "not_met"]  # (40,0) is hypot(40, 70) = 80.6 m from it
    assert judged.reason.tolist() == ["facility_cut_off", "ok"]
    alone = ask([(0, 0)], [(0, 70)], 50, graph=graph)
    assert (alone.verdict[0], alone.reason[0]) == ("unknown", "no_facility_reachable")


def test_without_any_facility_the_rule_is_not_met_for_certain():
    judged = ask([(0, 0), (0, 90)], [], 300)
    assert judged.verdict.tolist() == ["not_met", "not_met"]
    assert judged.reason.tolist() == [Reason.NO_FACILITY] * 2
    assert np.isinf(judged.walk_m).all()
    total = tally(judged, np.zeros(2, dtype=np.int64), 1)
    assert (total.demand_not_met[0], total.unserved_longest_m[0], total.unserved_mean_m[0]) == (2, np.inf, np.inf)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(InvalidInputError, match="rule r: the threshold is 0 m; it must be above 0"):
        ask([(0, 0)], [(1, 0)], 0)
    with pytest.raises(InvalidInputError, match="row 2, households: -1 must be at least 0"):
        ask([(0, 0), (1, 0)], [(1, 0)], 5, demand=[1.0, -1.0])


def test_totals_and_ranks_by_hand():
    """
    Canteen at (0,0), 100 m. Units at 50 (A, 10 heads), 200 (A, 30), 400 (A, 10), 60 (B, 20), off the street (B, 5),
    300 (B, not counted), 90 off (C, 7): A has 40 of 50 unserved, mean (200 * 30 + 400 * 10) / 40 = 250, farthest 400;
    B 0 of 20 known, 5 unknown, 1 unit not counted; of C nothing is known.
    """
    units = [(50, 0), (200, 0), (400, 0), (60, 0), (60, 90), (300, 0), (70, 90)]
    judged = ask(units, [(0, 0)], 100, demand=[10, 30, 10, 20, 5, np.nan, 7])
    group = np.array([0, 0, 0, 1, 1, 1, 2])
    found = tally(judged, group, 3)
    assert found.units.tolist() == [3, 3, 1]
    assert found.units_met.tolist() == [1, 1, 0]
    assert found.units_not_met.tolist() == [2, 1, 0]
    assert found.units_unknown.tolist() == [0, 1, 1]
    assert found.units_uncounted.tolist() == [0, 1, 0]
    assert found.demand.tolist() == [50, 25, 7]
    assert found.demand_met.tolist() == [10, 20, 0]
    assert found.demand_not_met.tolist() == [40, 0, 0]
    assert found.demand_unknown.tolist() == [0, 5, 7]
    np.testing.assert_allclose(found.unserved_ratio, [0.8, 0, np.nan])
    np.testing.assert_allclose(found.met_ratio, [0.2, 0.8, 0])
    np.testing.assert_allclose(found.unserved_mean_m, [250, np.nan, np.nan], atol=1e-6)
    np.testing.assert_allclose(found.unserved_longest_m, [400, 300, np.nan], atol=1e-6)
    # a second rule, 500 m, meets everyone that is known: A 0.4 on the mean, B 0, C unknown and last
    easy = tally(ask(units, [(0, 0)], 500, demand=[10, 30, 10, 20, 5, np.nan, 7]), group, 3)
    ranking = rank([found, easy])
    assert ranking.order.tolist() == [0, 1, 2]
    np.testing.assert_allclose(ranking.score, [0.4, 0, np.nan])
    outside = tally(judged, np.array([-1, 0, -1, -1, -1, -1, -1]), 1)
    assert (outside.units[0], outside.demand_not_met[0]) == (1, 30)


def test_equal_shares_are_ranked_by_unserved_demand():
    """Both groups have all unserved: 3 heads come before 2, whatever their number."""
    judged = ask([(500, 0), (600, 0)], [(0, 0)], 100, demand=[2, 3])
    assert rank([tally(judged, np.array([0, 1]), 2)]).order.tolist() == [1, 0]
    with pytest.raises(InvalidInputError, match="no rule to rank by"):
        rank([])
    with pytest.raises(InvalidInputError, match="groups must be -1 to 0"):
        tally(judged, np.array([0, 1]), 1)
    with pytest.raises(InvalidInputError, match="2 units are judged"):
        tally(judged, np.array([0]), 1)


spots = st.tuples(st.integers(-100, 1100), st.integers(-90, 90))


@settings(max_examples=60)
@given(
    units=st.lists(spots, min_size=1, max_size=8),
    facilities=st.lists(spots, max_size=5),
    threshold_m=st.integers(1, 900),
    longer_m=st.integers(1, 500),
    metric=st.sampled_from(["walk", "line"]),
)
def test_unknown_is_neither_and_a_longer_threshold_never_serves_fewer(units, facilities, threshold_m, longer_m, metric):
    demand = np.arange(1.0, len(units) + 1)
    judged = ask(units, facilities, threshold_m, metric=metric, demand=demand)
    assert (np.isnan(judged.measured_m) == (judged.verdict == Verdict.UNKNOWN)).all()
    known = judged.verdict != Verdict.UNKNOWN
    assert ((judged.measured_m[known] <= threshold_m) == (judged.verdict[known] == Verdict.MET)).all()
    one = tally(judged, np.zeros(len(units), dtype=np.int64), 1)
    assert one.demand[0] == one.demand_met[0] + one.demand_not_met[0] + one.demand_unknown[0] == demand.sum()
    is_met = judged.verdict == Verdict.MET
    further = ask(units, facilities, threshold_m + longer_m, metric=metric, demand=demand)
    assert (further.verdict[is_met] == Verdict.MET).all()
    # what a longer threshold calls not met, a shorter one does not call met or unknown
    assert (judged.verdict[further.verdict == Verdict.NOT_MET] == Verdict.NOT_MET).all()


def test_cells_are_those_of_h3_in_lon_lat():
    """Two places in one cell, one in another, one nowhere."""
    lon_lat = np.array([[115.0, 30.2], [115.0001, 30.2001], [115.02, 30.2], [np.nan, np.nan]])
    cells = cells_of(lon_lat, resolution=8)
    assert set(cells.ids) == {h3.latlng_to_cell(30.2, 115.0, 8), h3.latlng_to_cell(30.2, 115.02, 8)}
    assert cells.group[0] == cells.group[1] != cells.group[2]
    assert cells.group[3] == -1
    for place, group in zip(lon_lat[:3], cells.group[:3], strict=True):
        assert cells.geoms[group].contains(shapely.Point(place))
    with pytest.raises(InvalidInputError, match="the H3 resolution is 4; it must be 5 to 12"):
        cells_of(lon_lat, resolution=4)
    assert cells_of(np.empty((0, 2))).ids == ()
