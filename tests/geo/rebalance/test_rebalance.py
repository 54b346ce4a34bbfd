"""The whole engine: drawn examples whose answers follow by hand, and properties that hold for every town."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from geopandas import GeoDataFrame, GeoSeries
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, box

from geo.errors import InvalidInputError
from geo.rebalance import explain, grid_frame, rebalance, solve_community
from geo.rebalance.prepare import prepare
from geo.rebalance.problem import Band, Shortfall
from geo.rebalance.reasons import WORDS
from geo.rebalance.settle import settle
from geo.rebalance.units import read_units


def causes(plan):
    return [(s.cause, s.is_proven, s.households, s.unit) for c in plan.communities for s in c.shortfalls]


def sizes(plan):
    return sorted(grid.households for grid in plan.grids)


def test_a_strip_is_cut_into_equal_parts(squares):
    """8 x 100 in a row and exactly 200 a grid: only {01}{23}{45}{67} is connected; each part is 20 x 10 m."""
    plan = rebalance(squares([[100] * 8]), households="households", floor=200, ceiling=200)
    assert [plan.grid_id[i] == plan.grid_id[i + 1] for i in range(7)] == [True, False] * 3 + [True]
    assert plan.mean_compactness == pytest.approx(4 * np.pi * 200 / 60**2)
    assert (plan.grids_in_band, plan.households_in_band_ratio, plan.disconnected_grids) == (4, 1.0, 0)
    assert plan.moved_households is None


def test_adjust_moves_the_one_unit_it_must(squares):
    """A = 4 x 100, B = 2 x 100 in the band 200-300: one unit must leave A, and only the border unit can."""
    town = squares([[100] * 6], g=["A"] * 4 + ["B"] * 2)
    plan = rebalance(town, households="households", current="g", floor=200, ceiling=300, mode="adjust")
    assert plan.grid_id == ("A", "A", "A", "B", "B", "B")
    assert plan.moved_households == 100


def test_adjust_changes_nothing_where_all_is_well(squares):
    town = squares([[100] * 3, [100] * 3], g=list("AABABB"))
    plan = rebalance(town, households="households", current="g", floor=200, ceiling=400, mode="adjust")
    assert plan.grid_id == tuple("AABABB")
    assert plan.moved_households == 0


def test_adjust_gives_units_without_a_grid_to_their_neighbours(squares):
    town = squares([[100, 100, 10]], g=["A", "A", None])
    plan = rebalance(town, households="households", current="g", floor=200, ceiling=300, mode="adjust")
    assert plan.grid_id == ("A", "A", "A")


def test_a_disconnected_incumbent_is_made_connected(squares):
    """A lies on both sides of B; the smaller end of A joins B."""
    town = squares([[200, 100, 100, 50]], g=["A", "B", "B", "A"])
    plan = rebalance(town, households="households", current="g", floor=150, ceiling=300, mode="adjust")
    assert plan.grid_id == ("A", "B", "B", "B")


def test_a_compound_stays_whole(squares):
    """50 a square in the band 50-100 with 1, 2 one compound: {0}{12}{3} is the only plan near the target of 67."""
    town = squares([[50] * 4], compound=[None, "甲", "甲", None])
    plan = rebalance(town, households="households", compound="compound", floor=50, ceiling=100, target=67)
    assert plan.grid_id[1] == plan.grid_id[2]
    assert sizes(plan) == [50, 50, 100]
    assert plan.cut_compounds == ()


def test_a_whole_number_as_target_has_no_kernel_compiled_anew(squares):
    """That would take a minute, once for every kind of number."""
    town = squares([[50] * 4])
    plans = [rebalance(town, households="households", floor=50, ceiling=150, target=target) for target in (100, 100.0)]
    assert plans[0] == plans[1]
    assert len(settle.nopython_signatures) == 1


def test_a_compound_above_the_ceiling_is_cut_and_named(squares):
    town = squares([[60, 60]], compound=["甲", "甲"])
    plan = rebalance(town, households="households", compound="compound", floor=50, ceiling=100)
    assert sizes(plan) == [60, 60]
    assert plan.cut_compounds == ("甲",)


def test_a_compound_in_two_places_is_whole_in_each(squares):
    town = squares([[50, 50, 50]], compound=["甲", None, "甲"])
    plan = rebalance(town, households="households", compound="compound", floor=50, ceiling=100)
    assert plan.parted_compounds == ("甲",)
    assert plan.grids_in_band == len(plan.grids)


def test_a_unit_above_the_ceiling_is_a_grid_of_its_own(squares):
    """The unit of 900 also parts the two others, each of which holds the floor by itself."""
    plan = rebalance(squares([[100, 900, 100]]), households="households", floor=100, ceiling=800)
    assert sizes(plan) == [100, 100, 900]
    assert causes(plan) == [("unit_over_ceiling", True, 900, 1)]
    assert plan.communities[0].miss_households == plan.communities[0].miss_bound_households == 100
    assert "第 2 行" in explain(plan.communities[0].shortfalls[0], plan.band).text


def test_too_few_households_and_no_whole_number_are_proven(squares):
    """100 < 400; and 700 is more than one grid of 500-600 and less than two, missing by min(700 - 600, 1000 - 700)."""
    small = rebalance(squares([[50, 50]]), households="households")
    assert causes(small) == [("total_below_floor", True, 100, 0)]
    assert small.communities[0].miss_bound_households == 300
    between = rebalance(squares([[350, 350]]), households="households", floor=500, ceiling=600)
    assert causes(between) == [("no_whole_number", True, 700, 0)]
    assert between.communities[0].miss_households >= between.communities[0].miss_bound_households == 100


def test_a_compound_boxed_in_by_its_neighbours_is_proven(squares):
    """320 is below 400; with the 490 beside it 810, above 800. So the plan misses at least min(80, 10) = 10."""
    plan = rebalance(squares([[320, 490, 300]]), households="households")
    assert causes(plan) == [("boxed_in", True, 320, 0)]
    assert plan.communities[0].miss_bound_households == 10
    assert causes(rebalance(squares([[320, 480, 400]]), households="households")) == []


@pytest.mark.parametrize("cause", WORDS)
def test_every_cause_has_words(cause):
    shortfall = Shortfall(cause, is_proven=True, households=320, units=13, unit=61)
    for reason in (explain(shortfall, Band(400, 800, 600)), explain(shortfall, Band(400, 800, 600), code="B7")):
        assert all(vars(reason).values())
        assert "{" not in "".join(vars(reason).values())


def test_adjust_finds_a_plan_where_the_incumbent_leads_to_none(squares):
    """Grids A and B take turns along a row of 8 x 200; with 700-900 a grid only the halves are in the band."""
    town = squares([[200] * 8], g=list("ABABABAB"))
    plan = rebalance(town, households="households", current="g", mode="adjust", floor=700, ceiling=900)
    assert sizes(plan) == [800, 800]
    assert plan.moved_households == 800


def test_a_pocket_behind_a_barrier_says_so(squares, line):
    """Walls x = 20: 0, 1 (600) hold the band; 2, 3 (200) cannot, and no grid crosses the wall."""
    plan = rebalance(squares([[300, 300, 100, 100]]), households="households", barriers=line((20, -5), (20, 15)))
    assert causes(plan) == [("pocket_below_floor", True, 200, 2)]
    assert len({plan.grid_id[0], plan.grid_id[2]}) == 2
    assert plan.bridges == ()


def test_bridges_of_a_plan_lie_inside_its_grids(squares):
    town = squares([[300, 300]], gaps={1: 25})
    (bridge,) = rebalance(town, households="households").bridges
    assert (bridge.unit_a, bridge.unit_b, bridge.gap_m, bridge.crosses_barrier) == (0, 1, 25.0, False)
    assert rebalance(town, households="households", floor=300, ceiling=300).bridges == ()


def test_every_fault_is_named(squares):
    town = squares([[1.0, np.nan, -3.0]], c=["a", None, "b"])
    with pytest.raises(InvalidInputError) as caught:
        rebalance(town, households="households", within="c")
    for part in ("row 2, households: nan", "row 3, households: -3.0 is not a number >= 0", "row 2, c: missing"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"households": "h"}, "no column h"),
        ({"households": "households", "floor": 900}, "floor 900"),
        ({"households": "households", "target": 100}, "target 100"),
        ({"households": "households", "mode": "adjust"}, "needs the column"),
        ({"households": "households", "mode": "draw"}, "redraw or adjust"),
        ({"households": "households", "seed": -1}, "seed"),
    ],
)
def test_options_that_cannot_be_are_refused(squares, options, message):
    with pytest.raises(InvalidInputError, match=message):
        rebalance(squares([[1]]), **options)


def test_no_units_and_no_geometry_are_refused(squares):
    with pytest.raises(InvalidInputError, match="no units"):
        rebalance(squares([[1]]).iloc[:0], households="households")
    town = squares([[1, 1]])
    town.loc[1, "geometry"] = None
    with pytest.raises(InvalidInputError, match="row 2, geometry"):
        rebalance(town, households="households")


def test_no_households_at_all_make_one_grid(squares):
    plan = rebalance(squares([[0, 0]]), households="households")
    assert len(plan.grids) == 1
    assert causes(plan) == [("total_below_floor", True, 0, 0)]


def test_outlines_are_the_union_of_the_units(squares):
    town = squares([[100] * 4])
    frame = grid_frame(town, rebalance(town, households="households", floor=200, ceiling=200))
    assert frame["households"].tolist() == [200, 200]
    assert frame.geometry.area.tolist() == [200, 200]
    assert frame.crs == town.crs


def test_outlines_of_points_do_not_overlap(squares):
    town = squares([[100] * 3, [100] * 3])
    town["geometry"] = town.geometry.centroid
    plan = rebalance(town, households="households", floor=300, ceiling=300)
    frame = grid_frame(town, plan)
    assert plan.mean_compactness is None
    assert frame.geometry.union_all().area == pytest.approx(frame.geometry.area.sum())
    for position, grid_id in enumerate(plan.grid_id):
        outline = frame.set_index("grid_id").geometry[grid_id]
        assert outline.covers(town.geometry.iloc[position])


def test_outlines_of_points_keep_out_of_other_communities(squares):
    """Two rows of points 10 m apart, one within the hull of the other's margin: the line midway, y = 10, parts them."""
    town = squares([[100] * 4, [100] * 4], c=["南"] * 4 + ["北"] * 4)
    town["geometry"] = town.geometry.centroid
    frame = grid_frame(town, rebalance(town, households="households", within="c", floor=400, ceiling=400))
    south, north = frame.set_index("community").geometry[["南", "北"]]
    assert south.intersection(north).area == pytest.approx(0, abs=0.01)
    assert south.bounds[3] == pytest.approx(10, abs=0.1)
    assert north.bounds[1] == pytest.approx(10, abs=0.1)


def test_points_at_one_address_divide_its_ground(squares):
    """Three towers of 400 at one spot are three grids: a third each of the circle of 15 m around it."""
    town = squares([[400] * 3])
    town["geometry"] = town.geometry.iloc[0].centroid
    frame = grid_frame(town, rebalance(town, households="households"))
    assert frame.geometry.area.tolist() == pytest.approx([frame.geometry.union_all().area / 3] * 3, rel=0.05)
    assert frame.geometry.area.sum() == pytest.approx(np.pi * 15**2, rel=0.02)


@st.composite
def towns(draw):
    """A lattice of 2-5 x 3-8 squares, one or two communities, compounds, a wall over part of one border."""
    width, height = draw(st.integers(3, 8)), draw(st.integers(2, 5))
    count = width * height
    households = draw(st.lists(st.integers(0, 130), min_size=count, max_size=count))
    split = draw(st.integers(1, width))
    column = np.tile(np.arange(width), height)
    incumbent = np.minimum(column // draw(st.integers(1, 4)), draw(st.integers(0, 2)))
    wall_x, wall_rows = draw(st.integers(1, width - 1)), draw(st.integers(0, height))
    compounds = draw(st.booleans())
    return width, height, households, column, split, incumbent, wall_x, wall_rows, compounds


def lattice_links(width, height, community, wall_x, wall_rows):
    """Neighbour pairs by counting, not by geometry."""
    for j in range(height):
        for i in range(width):
            a = j * width + i
            if i + 1 < width and community[a] == community[a + 1] and not (i + 1 == wall_x and j < wall_rows):
                yield a, a + 1
            if j + 1 < height:
                yield a, a + width


def connected_parts(members, links):
    """Connected parts of some units."""
    left, parts = set(members), 0
    while left:
        parts += 1
        stack = [left.pop()]
        while stack:
            unit = stack.pop()
            for a, b in links:
                other = b if a == unit else a if b == unit else None
                if other in left:
                    left.remove(other)
                    stack.append(other)
    return parts


@settings(deadline=None, max_examples=10)
@given(towns(), st.sampled_from(["redraw", "adjust"]), st.integers(0, 3))
def test_every_plan_is_whole_connected_inside_and_repeatable(town, mode, seed):
    width, height, households, column, split, incumbent, wall_x, wall_rows, compounds = town
    community = np.where(column < split, "甲", "乙")
    frame = GeoDataFrame(
        {
            "households": households,
            "c": community,
            "g": incumbent,
            "compound": np.where(
                column % 3 == 0, [f"{c}{i // 3}" for c, i in zip(community, column, strict=True)], None
            ),
        },
        geometry=[box(i * 10, j * 10, i * 10 + 10, j * 10 + 10) for j in range(height) for i in range(width)],
        crs=4547,
    )
    wall = GeoSeries([LineString([(wall_x * 10, -1), (wall_x * 10, wall_rows * 10)])] if wall_rows else [], crs=4547)
    options = {
        "households": "households", "within": "c", "current": "g", "compound": "compound" if compounds else None,
        "barriers": wall, "floor": 150, "ceiling": 320, "mode": mode, "seed": seed,
    }  # fmt: skip
    plan = rebalance(frame, **options)

    assert len(plan.grid_id) == len(frame)
    links = list(lattice_links(width, height, community, wall_x, wall_rows))
    links += [(bridge.unit_a, bridge.unit_b) for bridge in plan.bridges]
    ids = np.array(plan.grid_id, dtype=object)
    for grid in plan.grids:
        members = np.flatnonzero(ids == grid.grid_id)
        assert connected_parts(members.tolist(), links) == 1
        assert len(set(community[members])) == 1
        assert grid.households == sum(households[m] for m in members)
        assert grid.in_band == (150 <= grid.households <= 320)
    for result in plan.communities:
        assert bool(result.shortfalls) == (result.grids_in_band < result.grids)
        assert result.miss_households >= result.miss_bound_households - 1e-9
    assert rebalance(frame, **options) == plan
    with ThreadPoolExecutor(2) as executor:
        assert rebalance(frame, executor=executor, **options) == plan


def test_a_problem_solves_the_same_after_pickling(squares):
    town = squares([[30, 70, 20, 90, 50, 60]] * 4)
    units = read_units(town, households="households", within=None, compound=None, current=None)
    (problem,) = prepare(units, barriers=None, band=Band(200, 400, 300), mode="redraw").problems
    there = solve_community(pickle.loads(pickle.dumps(problem)), 7)
    assert there.grid.tolist() == solve_community(problem, 7).grid.tolist()


def test_a_plan_does_not_depend_on_other_communities(squares):
    town = squares([[40, 80, 60, 50] * 2] * 5, c=(["a"] * 4 + ["b"] * 4) * 5)
    options = {"households": "households", "within": "c", "floor": 150, "ceiling": 300}
    whole = rebalance(town, **options)
    alone = rebalance(town[town["c"] == "b"].reset_index(drop=True), **options)
    assert tuple(g for g, c in zip(whole.grid_id, town["c"], strict=True) if c == "b") == alone.grid_id
