"""Many rules at once and shared capacities, on a drawn street in EPSG:4547."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array

from geo.catchment import LUO_QI, floating_catchments
from geo.circles import judge_rules, rows_of_types, share_capacity
from geo.errors import InvalidInputError
from geo.verdicts import Rule
from geo.walking import build_network

OFFSET = np.array([500_000.0, 3_340_000.0])


def points(*places, **columns):
    moved = [shapely.Point(np.array(place) + OFFSET) for place in places]
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(moved, crs=4547))


def rule(code, kind, threshold_m, demand="households", types=()):
    return Rule(code, kind, kind, demand, "walk", threshold_m, "示例标准", facility_types=types)


NETWORK = build_network(
    gpd.GeoDataFrame(geometry=[shapely.LineString([OFFSET, OFFSET + np.array([1000, 0])])], crs=4547)
)
UNITS = points((0, 0), (300, 0), (600, 0))
CANTEENS = points((0, 0), (400, 0))
BINS = points((0, 0), (500, 0), (600, 0), type=["litter_bin", "drop_point", "litter_bin"])


def test_each_rule_its_kind_its_types_and_its_demand():
    """Canteens: walks 0, 100, 200. Drop points: row 1 of the refuse points, walks 500, 200, 100."""
    rules = [
        rule("c", "canteen", 150, "residents_60"), rule("d", "refuse_point", 150, types=("drop_point",)),
        rule("any", "refuse_point", 150), rule("s", "primary_school", 500),
    ]  # fmt: skip
    found = judge_rules(
        NETWORK, UNITS, {"canteen": CANTEENS, "refuse_point": BINS}, rules=rules,
        demand={"households": np.array([10.0, 20, 30])},
    )  # fmt: skip
    verdicts = [judged.verdict.tolist() for judged in found.judgements]
    assert verdicts == [["met", "met", "not_met"], ["not_met", "not_met", "met"], ["met", "not_met", "met"]]
    assert found.judgements[1].facility.tolist() == [1, 1, 1]
    assert found.judgements[0].facility.tolist() == [0, 1, 1]
    assert np.isnan(found.judgements[0].demand).all()  # nobody told the residents of 60 and over
    assert [one.code for one in found.without_data] == ["s"]
    assert [one.facilities for one in found.reaches] == [2, 1, 3]


def test_what_is_not_open_does_not_serve_and_what_nobody_knows_is_not_judged():
    """
    The canteen at 400 is closed: 300 and 600 walk to 0. With both closed nobody is served, for certain. Of collection
    stations none is known among the refuse points, and of canteens none at all: nothing is said.
    """
    rules = [rule("c", "canteen", 350), rule("d", "refuse_point", 150, types=("collection_station",))]
    for is_open, verdicts in (([True, False], ["met", "met", "not_met"]), ([False, False], ["not_met"] * 3)):
        frames = {"canteen": CANTEENS.assign(is_open=is_open), "refuse_point": BINS}
        found = judge_rules(NETWORK, UNITS, frames, rules=rules, demand={})
        assert [judged.verdict.tolist() for judged in found.judgements] == [verdicts]
        assert [one.code for one in found.without_data] == ["d"]
    assert found.judgements[0].reason.tolist() == ["no_facility"] * 3
    none = judge_rules(NETWORK, UNITS, {"canteen": CANTEENS.iloc[:0]}, rules=rules[:1], demand={})
    assert none.judgements == ()


def test_types_count_only_where_they_are_told():
    assert rows_of_types(CANTEENS, ("big",)).tolist() == [0, 1]
    assert rows_of_types(BINS, ()).tolist() == [0, 1, 2]


@pytest.mark.parametrize("method", ["2sfca", "e2sfca"])
def test_capacity_is_that_of_the_catchments_on_the_same_walks(method):
    """Walks are |x - y| on this street; 300 m is exactly the radius for two pairs and counts."""
    units, sites = points((0, 0), (100, 0), (300, 0), (600, 0), (950, 0)), points((0, 0), (300, 0), (900, 0))
    demand, supply = np.array([5.0, np.nan, 20, 40, 10]), np.array([30.0, 50, np.nan])
    circles = judge_rules(NETWORK, units, {}, rules=[], demand={})
    found = share_capacity(circles, sites, supply=supply, demand=demand, radius_m=300, method=method)
    walk_m = np.abs(np.subtract.outer([0, 100, 300, 600, 950], [0, 300, 900])).astype(float)
    at = np.argwhere(walk_m <= 300)
    matrix = csr_array((walk_m[tuple(at.T)], tuple(at.T)), shape=walk_m.shape)
    zones = [(300.0, 1.0)] if method == "2sfca" else [(share * 300, weight) for share, weight in LUO_QI]
    expected = floating_catchments(matrix, np.nan_to_num(demand), np.nan_to_num(supply), zones=zones)
    np.testing.assert_allclose(found.access, expected.access, atol=1e-9)
    np.testing.assert_allclose(found.supply_a_head, expected.supply_a_head, atol=1e-9)
    if method == "2sfca":  # 30 seats for 5 + 20 heads, 50 for 5 + 20 + 40
        assert found.access[0] == pytest.approx(30 / 25 + 50 / 65)
    with pytest.raises(InvalidInputError, match="the radius is 0 m"):
        share_capacity(circles, sites, supply=supply, demand=demand, radius_m=0)
