"""Merging grid layers, on a drawn row of eight units of 100 households and on random towns.

The row, from west to east, and three layers over it (band 200-400):

    unit    0  1  2  3  4  5  6  7
    party   A  A  A  A  B  B  B  B
    police  x  x  x  y  y  y  y  y     3 and 5 units: 500 is above the band
    civil   1  1  2  2  2  2  3  3
"""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InvalidInputError
from geo.merge import GridLayer, find_conflicts, layer_of_polygons, merge
from geo.merge.bound import moved_bound
from geo.merge.consensus import agree, agreement, labels_of_plan, unit_labels
from geo.merge.layers import encode

PARTY, POLICE, CIVIL = "AAAABBBB", "xxxyyyyy", "11222233"
SIDE_M = 100


def layer(name, codes, weight=1.0):
    return GridLayer(name, np.array([None if one in "-" else one for one in codes], dtype=object), weight)


def row(count=8, households=100, community="C"):
    return gpd.GeoDataFrame(
        {"households": [households] * count, "community": community},
        geometry=[
            shapely.box(500_000 + SIDE_M * n, 3_340_000, 500_000 + SIDE_M * (n + 1), 3_340_100) for n in range(count)
        ],
        crs=4547,
    )


def options(**more):
    return {"households": "households", "within": "community", "floor": 200, "ceiling": 400, **more}


def test_two_layers_that_differ_in_one_unit() -> None:
    """A-x and B-y are matched (300 and 400 of 800 households in common); unit 3 is A and y: the one conflict."""
    found = find_conflicts(
        [layer("party", PARTY), layer("police", POLICE)], households=np.full(8, 100.0), community=["C"] * 8
    )
    assert np.flatnonzero(found.is_conflict).tolist() == [3]
    table = {(one.grid_a, one.grid_b): (one.units, one.households, one.is_matched) for one in found.overlaps}
    assert table == {("A", "x"): (3, 300, True), ("A", "y"): (1, 100, False), ("B", "y"): (4, 400, True)}


def test_the_merged_plan_keeps_what_most_layers_say() -> None:
    """Party's own cut moves 0 + 100 + 400 (1 stays in A, 3 in B, both halves of 2 move): 500.

    Civil's moves 400 + 300. Police's own cut is out of the band. Trying all cuts of the row gives 500 as the least.
    """
    units = row()
    layers = [layer("party", PARTY), layer("police", POLICE), layer("civil", CIVIL)]
    made = merge(units, layers, **options())
    assert made.plan.grids_in_band == len(made.plan.grids)
    total = sum(one.moved_households for one in made.layers)
    assert total == best_cut(layers)[0] == 500
    assert made.moved_households == pytest.approx(total / 3)
    # police must give up 100 for the band, party and civil 400 between them: 500, so this plan is proven the best
    assert made.moved_bound_households == pytest.approx(500 / 3)


def best_cut(layers, weights=(1, 1, 1), floor=2, ceiling=4):
    """Try every cut of the row into grids of 2 to 4 units: the fewest households that move, and those cuts."""
    results = {}
    for borders in itertools.product([0, 1], repeat=7):
        plan = np.cumsum([0, *borders])
        sizes = np.bincount(plan)
        if sizes.min() >= floor and sizes.max() <= ceiling:
            results[tuple(plan.tolist())] = sum(
                weight * moved_by_trial(plan, one.code) for weight, one in zip(weights, layers, strict=True)
            )
    least = min(results.values())
    return least, [plan for plan, value in results.items() if value == least]


def moved_by_trial(plan, codes):
    """Households that move, by trying every one-to-one matching."""
    news, olds = sorted(set(plan.tolist())), sorted({one for one in codes if one is not None})
    known = [n for n, one in enumerate(codes) if one is not None]
    size = max(len(news), len(olds))
    olds += [None] * (size - len(olds))
    best = 0
    for order in itertools.permutations(olds):
        match = dict(zip(news, order, strict=False))
        best = max(best, sum(100 for n in known if match[int(plan[n])] == codes[n]))
    return 100 * len(known) - best


def test_weights_decide() -> None:
    """With a weight of 10 civil's three grids stay as they are; with 10 on party its two do."""
    layers = [layer("party", PARTY), layer("police", POLICE)]
    for heavy, wanted in (("civil", CIVIL), ("party", PARTY)):
        civil = layer("civil", CIVIL)
        weighted = [GridLayer(one.name, one.code, 10.0 if one.name == heavy else 1.0) for one in (*layers, civil)]
        made = merge(row(), weighted, **options())
        same = pd.crosstab(np.array(made.plan.grid_id), np.array(list(wanted)))
        assert ((same > 0).sum() == 1).all()
        assert {one.name: one.moved_households for one in made.layers}[heavy] == 0


def test_layers_that_agree_stay_as_they_are_and_keep_their_codes() -> None:
    """Same grids under other names: nobody moves, the bound of 0 is reached, the codes of the layer asked for stay."""
    layers = [layer("party", "AAAABBBB"), layer("police", "ppppqqqq")]
    made = merge(row(), layers, **options(codes_from="police"))
    assert (made.moved_households, made.moved_bound_households) == (0, 0)
    assert "".join(made.plan.grid_id) == "ppppqqqq"
    fresh = merge(row(), layers, **options())
    assert fresh.plan.grid_id == ("C-001",) * 4 + ("C-002",) * 4


def test_a_code_of_any_layer_is_never_given_anew() -> None:
    layers = [layer("party", ["C-001"] * 4 + ["C-003"] * 4), layer("police", PARTY)]
    assert set(merge(row(), layers, **options()).plan.grid_id) == {"C-002", "C-004"}


def test_units_that_a_layer_does_not_know_move_freely() -> None:
    """Police knows the western half only, as one grid of 400: party's plan moves nobody there."""
    made = merge(row(), [layer("party", PARTY), layer("police", "xxxx----")], **options())
    assert [one.moved_households for one in made.layers] == [0, 0]
    assert made.layers[1].households == 400


def test_communities_are_never_crossed() -> None:
    """Both layers have one grid over the border of two communities; the plan has not."""
    units = row()
    units["community"] = ["W"] * 3 + ["E"] * 5
    made = merge(units, [layer("party", "AABBBBCC"), layer("police", "AAABBBCC")], **options())
    assert all(units.groupby(list(made.plan.grid_id))["community"].nunique() == 1)
    assert made.plan.disconnected_grids == 0


def test_the_bound_of_two_layers_is_half_their_distance() -> None:
    """Party and police differ in 100 households: any plan moves 100 in one or other, half of it each on average."""
    coded = encode([layer("party", PARTY), layer("police", POLICE)], 8)
    assert moved_bound(coded, np.full(8, 100.0), np.zeros(2)) == pytest.approx(50)


def test_three_layers_share_the_bound_by_pairs() -> None:
    """Distances: party-police 100, party-civil 400, police-civil 300 (x-1, y-2 stay): (100 + 400 + 300) / 2 / 3."""
    layers = [layer("party", PARTY), layer("police", POLICE), layer("civil", CIVIL)]
    assert moved_bound(encode(layers, 8), np.full(8, 100.0), np.zeros(3)) == pytest.approx(400 / 3)


def test_polygons_are_joined_by_the_inside_point() -> None:
    """Unit 2 lies 60 % in the western polygon; unit 7 outside both; a code in two polygons is one grid."""
    west = shapely.box(500_000, 3_339_000, 500_260, 3_341_000)
    parts = [shapely.box(500_260, 3_339_000, 500_500, 3_341_000), shapely.box(500_500, 3_339_000, 500_700, 3_341_000)]
    grids = gpd.GeoDataFrame({"code": ["W", "E", "E"]}, geometry=[west, *parts], crs=4547).to_crs(4326)
    joined = layer_of_polygons("party", grids, row(), code="code")
    assert joined.code.tolist() == ["W", "W", "W", "E", "E", "E", "E", None]


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([layer("a", PARTY)], "a merge needs two layers at least, not 1"),
        ([layer("a", PARTY), layer("a", POLICE)], "two layers are named a"),
        ([layer("a", PARTY), layer("b", POLICE, 0)], "layer b, weight: 0 is not > 0"),
        ([layer("a", PARTY), layer("b", "xxx")], "layer b has 3 codes for 8 units"),
        ([layer("a", PARTY), layer("b", "--------")], "layer b has no unit in any grid"),
    ],
)
def test_faulty_layers_are_named(layers, said) -> None:
    with pytest.raises(InvalidInputError) as caught:
        merge(row(), layers, **options())
    assert str(caught.value) == said


codes = st.lists(st.sampled_from("abc-"), min_size=8, max_size=8).filter(lambda one: set(one) != {"-"})


@given(st.lists(codes, min_size=2, max_size=3), st.lists(st.integers(0, 200), min_size=8, max_size=8))
@settings(max_examples=60, deadline=None)
def test_labels_are_one_to_one_and_the_bound_holds(drawn, households) -> None:
    """Whatever the layers: no label twice in a layer, agreement as counted, and no plan is below the bound."""
    coded = encode([layer(str(n), one) for n, one in enumerate(drawn)], 8)
    size = np.array(households, dtype=float)
    for labels in agree(coded, size):
        assert all(len(set(one.tolist())) == len(one) for one in labels)
        assert all(own.shape == (8,) for own in unit_labels(coded, labels))
        assert agreement(coded, size, labels) <= agreement(coded, size + 1, labels)
    for plan in (np.arange(8) // 4, np.arange(8) // 3, np.zeros(8, dtype=np.int64)):
        labels, moved = labels_of_plan(coded, size, plan)
        assert all(len(set(one.tolist())) == len(one) for one in labels)
        assert (moved >= 0).all()
        assert coded.weight @ moved >= moved_bound(coded, size, np.zeros(len(drawn))) - 1e-3


@given(st.lists(codes, min_size=2, max_size=3))
@settings(max_examples=12, deadline=None)
def test_the_merge_is_a_plan_in_the_band_and_no_better_than_the_best(drawn) -> None:
    """A row of eight units of 100 can always be cut into the band; nothing beats the best of all cuts."""
    layers = [layer(str(n), one) for n, one in enumerate(drawn)]
    made = merge(row(), layers, **options())
    assert made.plan.grids_in_band == len(made.plan.grids)
    assert made.plan.disconnected_grids == 0
    total = sum(one.moved_households for one in made.layers)
    best = best_cut(layers, weights=[1] * len(layers))[0]
    assert total >= best >= len(layers) * made.moved_bound_households - 1e-6
    plan = pd.factorize(np.array(made.plan.grid_id))[0]
    assert [moved_by_trial(plan, one.code) for one in layers] == [one.moved_households for one in made.layers]
