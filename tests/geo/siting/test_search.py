"""Larger instances: value and bound hold whatever was proven; cuts, prices and presolve keep the optimum."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from geo.siting import siting_problem, solve_siting
from geo.siting.lagrange import price_rows
from geo.siting.options import OptionKind, weigh_options
from geo.siting.relax import tighten
from geo.siting.savings import make_savings, merge_rows
from geo.siting.search import anneal, greedy, interchange, value_of
from geo.siting.windows import draw_windows, find_cuts


def random_town(demand, sites, radius_m, seed=0):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 1000, (demand, 2)), rng.uniform(0, 1000, (sites, 2))
    pairs = KDTree(places[0]).sparse_distance_matrix(KDTree(places[1]), radius_m, output_type="coo_matrix")
    return siting_problem(csr_array(pairs.tocsr()), rng.integers(1, 20, demand), radius_m=radius_m)


def coverage(problem):
    value = problem.distance_m.copy()
    value.data = problem.weight[problem.row()]
    return make_savings(value, is_flat=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_a_cut_holds_for_every_whole_choice(seed, p):
    """Fractions that are all equal cover too much; no cut they lead to may forbid a choice of whole sites."""
    problem = random_town(40, 8, 350, seed)
    savings = coverage(problem)
    x = np.full(len(savings.site), 0.4)
    windows = draw_windows(savings, savings.metres(problem.distance_m), savings.top / 2, 2, seed)
    reached = np.add.reduceat(x[savings.row_site], savings.row_first[:-1])
    cuts = find_cuts(windows, x, savings.top * np.minimum(reached, 1))
    for chosen in itertools.chain.from_iterable(itertools.combinations(range(len(x)), k) for k in range(len(x) + 1)):
        is_open = np.zeros(len(x))
        is_open[list(chosen)] = 1
        is_covered = np.add.reduceat(is_open[savings.row_site], savings.row_first[:-1]) > 0
        for cut in cuts:
            weight = (savings.top * is_covered)[cut.row].sum()
            assert weight <= cut.alpha + cut.mu @ is_open[cut.site] + 1e-6


def test_cuts_lower_the_limit_and_never_below_the_best():
    problem = random_town(400, 60, 200)
    savings = coverage(problem)
    limits = [step.bound for step in tighten(savings, savings.metres(problem.distance_m), 8, rounds=3)]
    best = solve_siting(problem, model="mclp", p=8)
    assert best.gap == 0
    assert limits[-1] < limits[0] - 1
    assert min(limits) >= best.objective - 1e-6


def test_prices_prove_a_limit_and_steps_only_improve():
    problem = random_town(300, 50, 150)
    savings = coverage(problem)
    first = greedy(savings, 7)[0]
    swapped = interchange(savings, first)
    annealed = anneal(savings, swapped, effort=0.01)
    values = [value_of(savings, chosen) for chosen in (first, swapped, annealed)]
    assert values == sorted(values)
    limit, price = price_rows(savings, 7, values[-1])
    best = solve_siting(problem, model="mclp", p=7)
    assert best.gap == 0
    assert values[-1] <= best.objective <= limit + 1e-6
    assert (price >= 0).all()
    np.testing.assert_array_equal(anneal(savings, swapped, effort=0.01), annealed)


def test_value_and_bound_hold_where_nothing_is_proven():
    """An instance above exact search, stopped at a gap of 5 %: an honest bracket, the same every time."""
    problem = random_town(3000, 300, 60)
    one, two = (solve_siting(problem, model="mclp", p=30, gap=0.05) for _ in range(2))
    assert one.objective <= one.bound
    assert one.gap <= 0.05
    assert one.site.tolist() == two.site.tolist()
    assert (one.objective, one.bound) == (two.objective, two.bound)
    assert one.objective == one.covered_weight


def test_rows_alike_are_merged_and_beaten_sites_dropped():
    """Rows 0 and 2 save at sites 0 and 1, together 3; row 1 at all three; site 2 is beaten by both, site 1 equals 0."""
    value = csr_array(np.array([[1.0, 1, 0], [5, 5, 5], [2, 2, 0], [0, 0, 0]]))
    merged, stands = merge_rows(value)
    assert sorted(map(tuple, merged.toarray().tolist())) == [(3, 3, 0), (5, 5, 5)]
    assert sorted(stands.tolist()) == [0, 1]
    savings = make_savings(value, is_flat=True)
    assert savings.site.tolist() == [0]
    assert savings.row_value.sum() == 8


def test_a_time_limit_of_nothing_gives_a_choice_with_an_honest_bound():
    problem = random_town(500, 80, 120)
    answer = solve_siting(problem, model="mclp", p=8, time_limit_s=0)
    assert len(answer.site) == 8
    assert answer.objective <= answer.bound


def test_open_longer_and_deliver():
    """Site 0 is open and covers home 0; 1 is closed and would cover home 1; home 2 is 30 m from 0, in no walk of 10."""
    metres = csr_array(np.array([[5.0, 8, 0], [0, 9, 0], [30, 0, 0]]))
    found = weigh_options(metres, [1, 2, 4], radius_m=10, is_open=[True, False, True], deliver_m=50)
    assert [(one.kind, one.site, one.weight) for one in found] == [
        (OptionKind.DELIVER, 0, 4), (OptionKind.OPEN_LONGER, 1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("model", ["lscp", "pmedian", "pcenter"])
def test_other_models_prove_middle_sizes(model):
    problem = random_town(150, 40, 300 if model == "lscp" else 2000)
    answer = solve_siting(problem, model=model, p=None if model == "lscp" else 5)
    assert answer.gap <= 1e-6
