"""Fewest households moved: bounds and exact search against hand-derived optima and brute force."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.rebalance import rebalance
from geo.rebalance.adjacency import connect
from geo.rebalance.bounds import count_moved, lower_bound, total_miss
from geo.rebalance.exact import close_gap, find_any
from geo.rebalance.prepare import prepare
from geo.rebalance.problem import Band, CommunitySolution, Shortfall
from geo.rebalance.separators import find_cuts, make_growth
from geo.rebalance.solve import settle_community
from geo.rebalance.units import read_units


def problem_of(town, *, floor, ceiling, current="g", compound=None, fixed=None, closed=(), barriers=None):
    units = read_units(
        town, households="households", within=None, compound=compound, current=current, inside=None, fixed=fixed
    )
    band = Band(floor, ceiling, (floor + ceiling) / 2)
    (problem,) = prepare(units, barriers=barriers, band=band, mode="adjust", closed=closed).problems
    return problem


def solution_of(problem, grid):
    grid = np.asarray(grid, dtype=np.int64)
    miss = total_miss(problem, grid)
    return CommunitySolution(grid, (), miss, 0.0, count_moved(problem, grid))


def labels(problem, solution):
    """Grids as letters of the order of their first atom."""
    names = {}
    return "".join(names.setdefault(g, "ABCDEFGH"[len(names)]) for g in solution.grid.tolist())


def all_plans(count):
    """Every way to part so many atoms, labels in order of first use."""
    plans = [[0]] if count else []
    for _ in range(count - 1):
        plans = [[*plan, label] for plan in plans for label in range(max(plan) + 2)]
    return [np.array(plan) for plan in plans]


def best_of_all(problem, miss=0.0):
    """Fewest households that any connected plan moves whose miss is no larger, by trying all plans.

    Units above the ceiling are grids of their own.
    """
    best, over = np.inf, np.flatnonzero(problem.households > problem.band.ceiling)
    for grid in all_plans(len(problem.households)):
        if (np.bincount(grid)[grid[over]] > 1).any():
            continue
        if total_miss(problem, grid) <= miss + 1e-6 and connect(grid, problem.pairs).max() == grid.max():
            best = min(best, count_moved(problem, grid))
    return best


def test_the_bound_counts_what_large_grids_give_and_small_ones_take(squares):
    """A 500, B 100 in 200-400: A gives 100, B takes 100. With B 150 still 100. A 700 alone: a new grid takes 300."""
    town = squares([[100] * 6], g=list("AAAAAB"))
    assert lower_bound(problem_of(town, floor=200, ceiling=400)) == 100
    town = squares([[100] * 5 + [150]], g=list("AAAAAB"))
    assert lower_bound(problem_of(town, floor=200, ceiling=400)) == 100
    assert lower_bound(problem_of(squares([[100] * 7], g=["A"] * 7), floor=200, ceiling=400)) == 300
    assert lower_bound(problem_of(squares([[100] * 7], g=["A"] * 7), floor=800, ceiling=900)) == np.inf


def test_a_grid_vanishes_where_that_is_cheapest(squares):
    """A 300, B 50, C 300 in 200-400: B needs 150 more, or its 50 move away."""
    town = squares([[100, 100, 100, 50, 100, 100, 100]], g=list("AAABCCC"))
    assert lower_bound(problem_of(town, floor=200, ceiling=400)) == 50


def test_a_compound_in_two_grids_moves_its_smaller_part(squares):
    town = squares([[100, 100, 60, 90, 100, 100]], g=list("AAABBB"), compound=[None, None, "甲", "甲", None, None])
    problem = problem_of(town, floor=200, ceiling=400, compound="compound")
    assert lower_bound(problem) == 60
    solution = close_gap(problem, solution_of(problem, [0, 0, 0, 1, 1]))
    assert (solution.moved_households, solution.moved_bound_households) == (60, 60)


def test_households_pass_through_the_grid_between(squares):
    """A 300 | B 200 | C 150, band 200-300, so three grids: C's 50 come from B, whose 50 come from A: 100, not 50."""
    town = squares([[50] * 13], g=list("AAAAAABBBBCCC"))
    problem = problem_of(town, floor=200, ceiling=300)
    assert lower_bound(problem) == 50
    solution = close_gap(problem, solution_of(problem, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]))
    assert (solution.moved_households, solution.moved_bound_households) == (100, 100)


def test_a_plan_with_a_miss_is_no_bound_for_plans_without(squares):
    """Band 200-300. North row: A 100 100 100 | C 150; south row: B 10 10 below all of A's, then B 180 below C.

        A 100 | A 100 | A 100 | C 150
        B  10 | B  10 | B  10 | B 170

    B gives C 50 at best by moving 170; A is at 300, B at 200, C at 150. C's neighbours are A's third unit (100) and
    B's last: A gives 100 to C, which moves 100 and nothing else: all in 200-300.
    """
    town = squares([[10, 10, 10, 170], [100, 100, 100, 150]], g=list("BBBB") + list("AAAC"))
    problem = problem_of(town, floor=200, ceiling=300)
    assert lower_bound(problem) == 50
    solution = close_gap(problem, solution_of(problem, [0, 0, 0, 0, 1, 1, 1, 2]))
    assert solution.moved_households == solution.moved_bound_households == best_of_all(problem, 50) == 0
    solution = close_gap(problem, solution_of(problem, [0, 0, 0, 0, 1, 1, 2, 2]))
    assert solution.moved_households == solution.moved_bound_households == best_of_all(problem) == 100


def test_a_better_plan_is_found_and_proven(squares):
    """A gives one unit to B, 100; the plan given makes three grids."""
    town = squares([[100] * 6], g=list("AAAABB"))
    problem = problem_of(town, floor=200, ceiling=300)
    start = solution_of(problem, [0, 0, 1, 1, 2, 2])
    solution = close_gap(problem, start)
    assert labels(problem, solution) == "AAABBB"
    assert (solution.moved_households, solution.moved_bound_households, solution.miss_households) == (100, 100, 0)


def test_without_effort_the_plan_stays_and_has_a_bound(squares):
    town = squares([[50] * 13], g=list("AAAAAABBBBCCC"))
    problem = problem_of(town, floor=200, ceiling=300)
    start = solution_of(problem, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    solution = close_gap(problem, start, effort=0)
    assert solution.grid.tolist() == start.grid.tolist()
    assert (solution.moved_households, solution.moved_bound_households) == (100, 50)


def test_a_fixed_unit_stays_though_that_costs_more(squares):
    """B 100, A 300, C 50 in a row, band 100-300. A's end goes to C, 100; if it is fixed, C joins A whose other end goes
    to B, 50 + 100."""
    town = squares([[100, 100, 100, 100, 50]], g=list("BAAAC"), fixed=[False, False, False, True, False])
    start = [0, 0, 1, 1, 1]
    problem = problem_of(town, floor=100, ceiling=300)
    assert close_gap(problem, solution_of(problem, start)).moved_households == 100
    problem = problem_of(town, floor=100, ceiling=300, fixed="fixed")
    solution = close_gap(problem, solution_of(problem, start))
    assert solution.moved_households == solution.moved_bound_households == 150


def test_no_incumbent_is_left_as_it_is(squares):
    town = squares([[100] * 4], g=[None] * 4)
    problem = problem_of(town, floor=200, ceiling=200)
    start = CommunitySolution(np.array([0, 0, 1, 1]), (), 0.0, 0.0)
    assert close_gap(problem, start) is start


@st.composite
def tiny_towns(draw):
    """A lattice of at most 8 squares with up to three incumbent grids, compounds and a band."""
    width = draw(st.integers(2, 4))
    count = width * 2
    households = draw(st.lists(st.sampled_from([0, 5, 10, 20, 30]), min_size=count, max_size=count))
    grids = draw(st.lists(st.sampled_from(["A", "B", "C", None]), min_size=count, max_size=count))
    compounds = draw(st.lists(st.sampled_from(["甲", None, None]), min_size=count, max_size=count))
    floor = draw(st.sampled_from([15, 20, 30]))
    return width, households, grids, compounds, floor, draw(st.sampled_from([floor, floor + 10, 2 * floor]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(town=tiny_towns(), seed=st.integers(0, 5))
def test_bounds_hold_and_exact_search_meets_brute_force(squares, town, seed):
    width, households, grids, compounds, floor, ceiling = town
    frame = squares([households[:width], households[width:]], g=grids, compound=compounds)
    problem = problem_of(frame, floor=floor, ceiling=ceiling, compound="compound")
    rng = np.random.default_rng(seed)
    over = problem.households > ceiling
    start = np.where(over, 3 + np.arange(len(over)), rng.integers(0, 3, len(over)))
    start = connect(start, problem.pairs)
    start = np.unique(start, return_inverse=True)[1]
    given_plan = solution_of(problem, start)
    assert lower_bound(problem, miss_households=given_plan.miss_households) <= best_of_all(
        problem, given_plan.miss_households
    )
    solution = close_gap(problem, given_plan)
    if solution is given_plan:
        assert not problem.overlap.any()
        return
    best = best_of_all(problem, solution.miss_households)
    assert solution.moved_bound_households <= best <= solution.moved_households
    assert connect(solution.grid, problem.pairs).max() == solution.grid.max()
    assert total_miss(problem, solution.grid) <= given_plan.miss_households + 1e-6
    if given_plan.miss_households < floor and not over.any():
        assert solution.moved_bound_households == solution.moved_households == best


def test_a_cut_parts_the_far_end_of_a_path():
    """0 - 1 - 2 with shares 1, 0.2, 0.8: 2 gets at most 0.2 through 1."""
    growth = make_growth([[1], [0, 2], [1]], 3)
    (cut,) = find_cuts(growth, np.array([1.0, 0.2, 0.8]), np.zeros(3), 0, tolerance=1e-6)
    assert (cut.at, cut.separator.tolist()) == (2, [1])
    assert find_cuts(growth, np.array([1.0, 0.8, 0.8]), np.zeros(3), 0, tolerance=1e-6) == []


def test_a_gate_is_reached_but_not_passed():
    """0 - 1, 2 - 3, gate 4 before 1 and 2: 3 and 2 are cut off although the gate touches both sides."""
    growth = make_growth([[1], [0, 4], [3, 4], [2], [1, 2]], 4)
    cuts = find_cuts(growth, np.array([1.0, 1.0, 0.5, 0.5, 1.0]), np.zeros(5), 0, tolerance=1e-6)
    assert [(cut.separator.tolist()) for cut in cuts] == [[]]
    assert find_cuts(growth, np.array([1.0, 0.5, 0.0, 0.0, 0.5]), np.zeros(5), 0, tolerance=1e-6) == []


def test_roots_feed_a_new_grid():
    """0 - 1 - 2: roots of 0.5 at both ends carry 0.5 of each end; the middle's 1 is fed by both."""
    growth = make_growth([[1], [0, 2], [1]], 3)
    share, root = np.array([0.5, 1.0, 0.5]), np.array([0.5, 0.0, 0.5])
    assert find_cuts(growth, share, root, -1, tolerance=1e-6) == []
    (cut,) = find_cuts(growth, share, np.array([0.5, 0.0, 0.1]), -1, tolerance=1e-6)
    assert (cut.at, cut.separator.tolist(), cut.roots.tolist()) == (1, [0], [1, 2])


def test_a_plan_that_misses_the_band_is_compared_with_such_plans_only(squares):
    """A 300 | B 100 with floor 200 and ceiling 250: misses 150; moving 100 from A to B misses nothing."""
    town = squares([[100, 100, 100, 100]], g=list("AAAB"))
    problem = problem_of(town, floor=200, ceiling=250)
    solution = close_gap(problem, solution_of(problem, [0, 0, 0, 1]))
    assert solution.moved_households == solution.moved_bound_households == 0
    other = close_gap(problem, replace(solution_of(problem, [0, 0, 1, 1]), miss_households=0.0))
    assert other.moved_households == other.moved_bound_households == 100


def test_no_connected_plan_is_proven(squares):
    """Cross: a middle of 100 with four arms of 100, band 150-250. Five arms and middle, 500, make two or three grids by
    count, but every grid needs the middle; with a second middle it can be done."""
    cross = squares([[None, 100, None], [100, 100, 100], [None, 100, None]], g=list("AABBB"))
    assert (nothing := find_any(problem_of(cross, floor=150, ceiling=250))).is_done
    assert nothing.plan is None
    ladder = squares([[100, 100, 100], [100, 100, 100]], g=list("AABABB"))
    problem = problem_of(ladder, floor=150, ceiling=250)
    plan = find_any(problem).plan
    assert total_miss(problem, plan) == 0
    assert connect(plan, problem.pairs).max() == plan.max()


def test_a_proof_that_there_is_no_plan_is_told(squares):
    cross = squares([[None, 100, None], [100, 100, 100], [None, 100, None]], g=list("AABBB"))
    plan = rebalance(cross, households="households", current="g", floor=150, ceiling=250, mode="adjust")
    assert [(s.cause, s.is_proven, s.units) for c in plan.communities for s in c.shortfalls] == [
        ("no_connected_plan", True, 5)
    ]


def test_heavy_units_go_where_light_ones_can_connect_them(squares):
    """Band 200-300. A has 240 and 40, B 180 and 10: B needs 10 and the 40 between them is the least that can join.

    A 240 | A 40 | B 180
                   B  10
    """
    town = squares([[None, None, 10], [240, 40, 180]], g=list("BAAB"))
    problem = problem_of(town, floor=200, ceiling=300)
    solution = close_gap(problem, solution_of(problem, [0, 0, 0, 0]))
    assert solution.moved_households == 0  # one grid of 470 misses as much as A 280 and B 190 miss, and more
    solution = close_gap(problem, solution_of(problem, [1, 0, 1, 1]))
    assert labels(problem, solution) == "ABAA"
    assert (solution.moved_households, solution.moved_bound_households) == (40, 40)


def test_a_pocket_below_the_floor_leaves_the_bound_of_the_rest(squares, line):
    """A 300 | B 200 | C 150 in 200-300 moves 100; a wall parts two units of 25 in D, a grid of their own that
    moves nothing; that they are 150 short of the floor is no licence for the others to miss it."""
    town = squares([[50] * 13 + [25, 25]], g=list("AAAAAABBBBCCCDD"))
    problem = problem_of(town, floor=200, ceiling=300, barriers=line((130, -5), (130, 15)))
    start = solution_of(problem, [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3])
    assert start.miss_households == 200
    solution = close_gap(problem, replace(start, miss_households=150.0))
    assert (solution.moved_households, solution.moved_bound_households) == (100, 100)


def test_a_locked_grid_out_of_the_band_leaves_the_bound_of_the_rest(squares):
    """L 100 is locked, 100 short; A 300 gives 100 to B 100, in 200-300, which is all that must move."""
    town = squares([[100] * 5], g=list("LAAAB"))
    problem = problem_of(town, floor=200, ceiling=300, closed=["L"])
    solution = close_gap(problem, solution_of(problem, [0, 1, 1, 2, 2]))
    assert solution.miss_households == 100
    assert (solution.moved_households, solution.moved_bound_households) == (100, 100)


@pytest.mark.parametrize("mode", ["redraw", "adjust"])
def test_a_plan_that_exact_search_alone_finds_is_taken(squares, mode):
    """A ladder of six hundreds, band 150-250: what misses it and is in doubt becomes three grids of two."""
    problem = replace(problem_of(squares([[100] * 3] * 2, g=list("AABABB")), floor=150, ceiling=250), mode=mode)
    doubt = Shortfall("not_found", False, 600.0, 6, 0)
    found = settle_community(problem, replace(solution_of(problem, [0] * 6), shortfalls=(doubt,)), effort=20_000)
    assert found.shortfalls == ()
    assert (found.miss_households, np.bincount(found.grid).tolist()) == (0, [2, 2, 2])
    assert connect(found.grid, problem.pairs).max() == 2
    assert found.moved_households == count_moved(problem, found.grid)


def test_a_community_below_the_floor_is_one_grid_and_its_smaller_part_moves(squares):
    """A 5 | B 5 with a floor of 15 is one grid whatever is done: five move, which needs no search to be proven."""
    problem = problem_of(squares([[5, 5]], g=list("AB")), floor=15, ceiling=15)
    assert lower_bound(problem, miss_households=5.0) == 5
    solution = close_gap(problem, solution_of(problem, [0, 0]), effort=0)
    assert solution.moved_households == solution.moved_bound_households == 5
