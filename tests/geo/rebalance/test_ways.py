"""The ways to the fewest households moved, each by itself against brute force: relaxation, sweep, branch and cut."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from geo.rebalance.adjacency import connect
from geo.rebalance.bounds import Counting, count_moved, find_stakes, total_miss
from geo.rebalance.frontier import sweep
from geo.rebalance.labels import Labelling
from geo.rebalance.order import find_order
from geo.rebalance.program import branch_and_cut
from geo.rebalance.relaxation import relax, unpriced
from tests.geo.rebalance.test_exact import all_plans, problem_of

PLENTY = 10_000_000


def labelling_of(problem, cutoff):
    stakes = find_stakes(problem)
    return Labelling(problem, stakes, Counting(problem, stakes, miss=0.0), cutoff=cutoff, miss=0.0)


def swept(labelling, relaxation, most=PLENTY):
    return sweep(labelling, relaxation, find_order(labelling).atoms, most, math.inf)


def is_plan(problem, grid):
    grid = np.unique(grid, return_inverse=True)[1]
    return total_miss(problem, grid) <= 1e-6 and connect(grid, problem.pairs).max() == grid.max()


def ways(labelling):
    """What each way finds."""
    return {
        "branch and cut": branch_and_cut(labelling, PLENTY, math.inf),
        "sweep": swept(labelling, relax(labelling, PLENTY, math.inf))[0],
        "sweep without prices": swept(labelling, unpriced(labelling))[0],
    }


@st.composite
def towns(draw):
    """A lattice of at most 8 squares with two or three incumbent grids, some squares heavy, and a band."""
    width, height = draw(st.sampled_from([(2, 2), (3, 2), (7, 1), (4, 2)]))
    count = width * height
    households = draw(st.lists(st.sampled_from([0, 3, 5, 10, 10, 20, 30]), min_size=count, max_size=count))
    grids = draw(st.lists(st.sampled_from(["A", "B", "C"]), min_size=count, max_size=count))
    floor = draw(st.sampled_from([15, 20, 30]))
    return width, households, grids, floor, floor + draw(st.sampled_from([5, 15, 30]))


def drawn(squares, width, households, grids, floor, ceiling):
    rows = [households[k : k + width] for k in range(0, len(households), width)]
    return problem_of(squares(rows, g=grids), floor=floor, ceiling=ceiling)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(town=towns())
def test_every_way_meets_brute_force(squares, town):
    problem = drawn(squares, *town)
    plans = [plan for plan in all_plans(len(problem.households)) if is_plan(problem, plan)]
    assume(plans)
    best = min(count_moved(problem, plan) for plan in plans)
    labelling = labelling_of(problem, best)
    assert labelling.is_possible
    assert relax(labelling, PLENTY, math.inf).bound <= best + 1e-6
    for name, found in ways(labelling).items():
        assert found.is_done, name
        assert is_plan(problem, found.plan), name
        assert count_moved(problem, np.unique(found.plan, return_inverse=True)[1]) == best, name
    if best == 0:
        return
    below = labelling_of(problem, best - 1)
    for name, found in ways(below).items() if below.is_possible else ():
        assert found.is_done, name
        assert found.plan is None, name


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(town=towns(), slack=st.integers(0, 10))
def test_prices_are_a_bound_for_every_plan_however_it_is_labelled(squares, town, slack):
    problem = drawn(squares, *town)
    plans = [plan for plan in all_plans(len(problem.households)) if is_plan(problem, plan)]
    assume(plans)
    labelling = labelling_of(problem, min(count_moved(problem, plan) for plan in plans) + slack)
    relaxation, everyone = relax(labelling, PLENTY, math.inf), np.arange(len(problem.households))
    known, count = problem.overlap.shape[1], len(labelling.labels)
    for plan in plans:
        for names in permutations(range(count), int(plan.max()) + 1):
            new = sorted(name for name in names if name >= known)
            labels = np.array(names)[plan]
            is_kept = labelling.must <= set(names) and new == list(range(known, known + len(new)))
            if is_kept and labelling.allowed[everyone, labels].all():
                moved = labelling.cost[everyone, labels].sum()
                assert relaxation.base + relaxation.price[everyone, labels].sum() <= moved + 1e-6


def test_paths_of_two_grids_do_not_cross(squares):
    """Units of 30 that stay where they are: A's in the west and in the east, B's in the south and in the north.

    Between them 1 each. In the cross the middle alone joins two of a kind: A takes it, B is in two parts. With a column
    more in the east B goes round, over three of A's that lie there.
    """
    cross = squares([[1, 30, 1], [30, 1, 30], [1, 30, 1]], g=list("ABAAAAABA"), fixed=[False, True] * 4 + [False])
    wide = squares(
        [[1, 30, 1, 1], [30, 1, 30, 1], [1, 30, 1, 1]],
        g=list("ABBAAAAAABBA"),
        fixed=[False, True, False, False, True, False, True, False, False, True, False, False],
    )
    for name, found in ways(labelling_of(problem_of(cross, floor=60, ceiling=70, fixed="fixed"), 1e3)).items():
        assert (found.is_done, found.plan) == (True, None), name
    for name, found in ways(labelling_of(problem_of(wide, floor=60, ceiling=70, fixed="fixed"), 1e3)).items():
        assert (found.is_done, found.bound) == (True, 3), name
        assert labels_of(found.plan) == "ABBBAAABABBB", name


def labels_of(plan):
    return "".join("ABC"[g] for g in plan)


def test_sizes_count_once_they_are_missed(squares):
    """A 50 50 | B 10 with a floor of 40: the divisible bound is 30, but whole units move 50 or nothing."""
    problem = problem_of(squares([[50, 50, 10]], g=list("AAB")), floor=40, ceiling=80)
    found, _ = swept(*[labelling := labelling_of(problem, 1e3), relax(labelling, PLENTY, math.inf)])
    assert (found.is_done, found.bound, labels_of(found.plan)) == (True, 50, "ABB")


def test_a_sweep_gives_up_when_there_is_too_much(squares):
    problem = problem_of(squares([[10] * 4] * 4, g=list("AABB") * 4), floor=70, ceiling=90)
    labelling = labelling_of(problem, 60.0)
    found, seen = swept(labelling, unpriced(labelling), most=50)
    assert (found.is_done, found.plan) == (False, None)
    assert seen <= 50


@pytest.mark.parametrize("height", [1, 3, 5])
def test_an_order_has_a_narrow_frontier(squares, height):
    """A strip is swept along its length; a set heavy unit comes first."""
    rows = [[1] * 12 for _ in range(height)]
    rows[0][4] = 30
    problem = problem_of(squares(rows, g=["A"] * 6 * height + ["B"] * 6 * height), floor=40, ceiling=100)
    labelling = labelling_of(problem, 1e3)
    labelling.allowed[4] = False
    labelling.allowed[4, 0] = True
    order = find_order(labelling).atoms
    assert sorted(order) == list(range(12 * height))
    assert order[0] == 4
    widths = [
        sum(any(order.tolist().index(v) > k for v in labelling.near[u]) for u in order[1 : k + 1])
        for k in range(1, len(order))
    ]
    assert max(widths) <= height + 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(town=towns())
def test_whether_there_is_a_plan_at_all_is_told_by_either_way(squares, town):
    problem = drawn(squares, *town)
    has_plan = any(is_plan(problem, plan) for plan in all_plans(len(problem.households)))
    labelling = labelling_of(problem, math.inf)
    for found in (branch_and_cut(labelling, PLENTY, math.inf), swept(labelling, unpriced(labelling))[0]):
        assert found.is_done
        assert (found.plan is not None) == has_plan
        assert found.plan is None or is_plan(problem, found.plan)
