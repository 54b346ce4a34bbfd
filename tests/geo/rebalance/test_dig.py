"""Annealing at the least change, and what a deadline that has passed leaves of the search."""

import time
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.rebalance import rebalance, solve_community
from geo.rebalance.adjacency import connect
from geo.rebalance.bounds import count_moved, total_miss
from geo.rebalance.dig import dig, polish
from geo.rebalance.exact import close_gap, find_any
from geo.rebalance.prepare import prepare
from geo.rebalance.problem import Band, CommunitySolution
from geo.rebalance.units import read_units


def problem_of(town, *, floor, ceiling, fixed=None):
    units = read_units(town, households="households", within=None, compound=None, current="g", inside=None, fixed=fixed)
    (problem,) = prepare(units, barriers=None, band=Band(floor, ceiling, (floor + ceiling) / 2), mode="adjust").problems
    return problem


def letters(grid):
    names = {}
    return "".join(names.setdefault(g, "ABCDEFGH"[len(names)]) for g in grid.tolist())


def solution_of(problem, grid):
    grid = np.array(grid)
    return CommunitySolution(grid, (), total_miss(problem, grid), 0.0, count_moved(problem, grid))


def test_fewer_households_are_dug_out(squares):
    """A 4 x 100, B 2 x 100, band 200-300: one unit of A goes to B; the plan given makes three grids and moves 200."""
    problem = problem_of(squares([[100] * 6], g=list("AAAABB")), floor=200, ceiling=300)
    plan = np.array([0, 0, 1, 1, 2, 2])
    assert count_moved(problem, plan) == 200
    assert letters(dig(problem, plan, gain=np.inf)) == "AAABBB"


def test_of_plans_that_move_as_few_the_more_compact_one_is_taken(squares):
    """A 2 rows of 3, B the column east of it, all of 10, band 40-40: two units of A move, best the next column."""
    problem = problem_of(squares([[10] * 4, [10] * 4], g=list("AAAB") * 2), floor=40, ceiling=40)
    ragged = np.array([0, 1, 1, 1, 0, 0, 0, 1])
    assert letters(polish(problem, ragged)) == "AABB" * 2


def test_a_fixed_unit_is_not_moved_for_shape(squares):
    town = squares([[10] * 4, [10] * 4], g=list("AAAB") * 2, fixed=[0, 0, 0, 0, 0, 0, 1, 0])
    problem = problem_of(town, floor=40, ceiling=40, fixed="fixed")
    ragged = np.array([0, 1, 1, 1, 0, 0, 0, 1])
    assert letters(polish(problem, ragged)) == letters(ragged)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    households=st.lists(st.integers(0, 40), min_size=16, max_size=16),
    grids=st.lists(st.sampled_from("ABC"), min_size=16, max_size=16),
    cut=st.lists(st.integers(0, 2), min_size=16, max_size=16),
)
def test_neither_search_makes_a_plan_worse(squares, households, grids, cut):
    problem = problem_of(squares([households[:8], households[8:]], g=grids), floor=50, ceiling=120)
    plan = connect(np.array(cut), problem.pairs)
    for found in (dig(problem, plan, gain=np.inf), polish(problem, plan)):
        assert connect(found, problem.pairs).max() == found.max()
        assert total_miss(problem, found) <= total_miss(problem, plan) + 1e-6
        assert count_moved(problem, found) <= count_moved(problem, plan) + 1e-6


def test_a_passed_deadline_leaves_the_plan_and_its_bound(squares):
    """A 300 | B 200 | C 150, band 200-300: the bound that costs nothing is 50, the plan given moves 100 too many."""
    problem = problem_of(squares([[50] * 13], g=list("AAAAAABBBBCCC")), floor=200, ceiling=300)
    start = solution_of(problem, [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2])
    late = close_gap(problem, start, until=0.0)
    assert late.grid.tolist() == start.grid.tolist()
    assert (late.moved_households, late.moved_bound_households) == (150, 50)
    assert dig(problem, start.grid, gain=np.inf, until=0.0).tolist() == start.grid.tolist()
    assert polish(problem, start.grid, until=0.0).tolist() == start.grid.tolist()
    whole = solve_community(problem, 0, until=0.0)
    assert whole.miss_households == 0
    assert whole.moved_bound_households <= whole.moved_households


def test_a_deadline_during_exact_search_is_quiet(squares, capfd):
    """The solver complains on standard error when it is asked too early how much it has done."""
    rng = np.random.default_rng(3)
    town = squares(rng.integers(5, 40, (9, 9)).tolist(), g=[str(n % 9 // 2) for n in range(81)])
    problem = problem_of(town, floor=300, ceiling=420)
    plan = solve_community(problem, 0, effort=0)
    for spare_s in (0.001, 0.02):
        close_gap(problem, replace(plan, moved_bound_households=None), until=time.time() + spare_s)
        find_any(problem, until=time.time() + spare_s)
    assert capfd.readouterr().err == ""


def test_every_community_is_told_of_once(squares):
    """Three communities: one has nothing to move, one meets its bound at once, one needs exact search."""
    town = squares(
        [[50] * 13, [50] * 13, [50] * 13],
        g=[*"AAAAABBBBCCCC", *"DDDDDDDEEEFFF", *"GGGGGGHHHHIII"],
        c=["甲"] * 13 + ["乙"] * 13 + ["丙"] * 13,
    )
    seen = []
    plan = rebalance(
        town, households="households", within="c", current="g", floor=200, ceiling=300, mode="adjust",
        progress=lambda *told: seen.append(told),
    )  # fmt: skip
    assert [(done, total) for done, total, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert {name for *_, name in seen} == {"甲", "乙", "丙"}
    assert [(r.moved_households, r.moved_bound_households) for r in plan.communities] == [
        (0, 0),
        (150, 150),
        (100, 100),
    ]
