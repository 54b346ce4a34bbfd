"""Every siting model: drawn towns with answers by hand, brute force on tiny instances, properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from geo.errors import InvalidInputError
from geo.siting import siting_problem, solve_siting


def matrix(metres):
    """Sparse distances; None = out of reach, a zero is stored."""
    pairs = [(i, j, d) for i, row in enumerate(metres) for j, d in enumerate(row) if d is not None]
    row, site, distance = zip(*pairs, strict=True) if pairs else ((), (), ())
    return csr_array((np.array(distance, float), (row, site)), shape=(len(metres), len(metres[0])))


def line_town(homes, sites, **options):
    """Homes and sites on one street, by their metres."""
    metres = [[abs(home - site) for site in sites] for home in homes]
    return siting_problem(matrix(metres), options.pop("weight", [1] * len(homes)), **options)


def test_fewest_sites_on_a_street():
    """Homes every 100 m from 0 to 800, sites at each, radius 100: each covers 3 homes, so 3 sites at 100, 400, 700."""
    at = range(0, 900, 100)
    answer = solve_siting(line_town(at, at, radius_m=100), model="lscp")
    assert sorted(answer.site.tolist()) == [1, 4, 7]
    assert (answer.objective, answer.bound, answer.gap, answer.covered_ratio) == (3, 3, 0, 1)


def test_demand_that_no_site_reaches_is_told_of():
    """The home at 5,000 m can't be covered; the other two need one site."""
    problem = line_town([0, 50, 5000], [25], radius_m=100, weight=[2, 3, 7])
    answer = solve_siting(problem, model="lscp")
    assert (answer.objective, answer.covered_weight, answer.uncoverable_weight) == (1, 5, 7)


def test_greedy_is_not_enough():
    """The middle site covers 4 homes, the outer ones 3 each: greedy takes it and 1 home beside, 15; the best is 18."""
    reach = [[0, 9, None], [0, 9, None], [0, None, None], [None, 9, 0], [None, 9, 0], [None, None, 0]]
    problem = siting_problem(matrix(reach), [3, 3, 3, 3, 3, 3], radius_m=10)
    answer = solve_siting(problem, model="mclp", p=2)
    assert (sorted(answer.site.tolist()), answer.objective, answer.bound) == ([0, 2], 18, 18)
    assert answer.gain.tolist() == [9, 9]


def test_weights_turn_the_choice():
    """Two clusters: 3 homes of weight 1 at 0, one of 10 elders at 1,000; one site goes to the elders."""
    problem = line_town([0, 10, 20, 1000], [10, 1000], radius_m=100, weight=[1, 1, 1, 10])
    assert solve_siting(problem, model="mclp", p=1).site.tolist() == [1]


def test_the_median_of_a_street():
    """Homes at 0, 100, 1,000: the middle one has the shortest mean, (100 + 0 + 900) / 3."""
    problem = line_town([0, 100, 1000], [0, 100, 1000], radius_m=100)
    answer = solve_siting(problem, model="pmedian", p=1)
    assert (answer.site.tolist(), answer.objective) == ([1], pytest.approx(1000 / 3))
    assert answer.bound == pytest.approx(answer.objective)


def test_the_centre_of_a_street():
    """Homes at 0, 100, 1,000 and a site at 500: nobody walks more than 500; weights change nothing."""
    problem = line_town([0, 100, 1000], [0, 100, 500, 1000], radius_m=100, weight=[50, 50, 1])
    answer = solve_siting(problem, model="pcenter", p=1)
    assert (answer.site.tolist(), answer.objective, answer.bound) == ([2], 500, 500)


def test_the_centre_says_how_many_sites_it_takes():
    problem = siting_problem(matrix([[0, None], [None, 0]]), [1, 1], radius_m=10)
    with pytest.raises(InvalidInputError, match="at least 2 sites are needed"):
        solve_siting(problem, model="pcenter", p=1)


def test_existing_sites_are_in_and_not_counted():
    """The site at 0 stands; with one more all four are covered only from 1,000."""
    problem = line_town([0, 50, 950, 1000], [0, 50, 1000], radius_m=60, is_existing=[True, False, False])
    answer = solve_siting(problem, model="mclp", p=1)
    assert (answer.site.tolist(), answer.objective, answer.gain.tolist()) == ([2], 4, [2])
    assert solve_siting(problem, model="lscp").objective == 1


def test_a_full_site_leaves_demand_unserved():
    """One site reaches all 30 but serves 12; the other reaches 10 and serves 100: together 12 + 10, then 20 left."""
    problem = siting_problem(matrix([[0, 5], [0, None], [0, None]]), [10, 10, 10], radius_m=9, capacity=[12, 100])
    one = solve_siting(problem, model="mclp", p=1)
    assert (one.site.tolist(), one.objective, one.covered_weight) == ([0], pytest.approx(12), pytest.approx(12))
    both = solve_siting(problem, model="lscp")
    assert (both.objective, both.covered_weight) == (2, pytest.approx(22))


def test_capacity_of_the_median():
    """Both homes live at site 0, which serves one of them: the other walks 100."""
    problem = siting_problem(matrix([[0, 100], [0, 100]]), [1, 1], radius_m=9, capacity=[1, 5])
    answer = solve_siting(problem, model="pmedian", p=2)
    assert answer.objective == pytest.approx(50)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"radius_m": 0}, "the radius is 0 m"),
        ({"radius_m": float("nan")}, "above 0"),
        ({"weight": [1, -1]}, "demand row 2: its weight is -1"),
        ({"weight": [1, np.inf]}, "demand row 2"),
        ({"weight": [1]}, "shaped"),
        ({"capacity": [0, 1]}, "site 0: its capacity is 0"),
        ({"capacity": [1]}, "capacities are shaped"),
        ({"is_existing": [True]}, "shaped"),
    ],
)
def test_faulty_input_is_refused(change, told):
    options = {"weight": [1, 1], "radius_m": 10} | change
    weight = options.pop("weight")
    with pytest.raises(InvalidInputError, match=told):
        siting_problem(matrix([[0, 5], [5, 0]]), weight, **options)


@pytest.mark.parametrize(
    ("model", "p", "told"),
    [("mclp", None, "needs p"), ("mclp", 3, "p is 3"), ("pmedian", 0, "p is 0"), ("lscp", 1, "leave out p")],
)
def test_an_impossible_p_is_refused(model, p, told):
    with pytest.raises(InvalidInputError, match=told):
        solve_siting(siting_problem(matrix([[0, 5]]), [1], radius_m=10), model=model, p=p)


def test_no_candidate_and_no_weight():
    with pytest.raises(InvalidInputError, match="no candidate"):
        solve_siting(siting_problem(matrix([[0]]), [1], radius_m=10, is_existing=[True]), model="lscp")
    nobody = siting_problem(matrix([[0, 4]]), [0], radius_m=10)
    for model, p in (("lscp", None), ("mclp", 1), ("pmedian", 1), ("pcenter", 1)):
        answer = solve_siting(nobody, model=model, p=p)
        assert (answer.objective, answer.bound, answer.covered_ratio) == (0, 0, None)


@st.composite
def towns(draw):
    """Up to 7 homes and 6 sites with few different walks, so that there are ties."""
    homes, sites = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    walk = st.one_of(st.none(), st.integers(0, 9))
    metres = draw(st.lists(st.lists(walk, min_size=sites, max_size=sites), min_size=homes, max_size=homes))
    weight = draw(st.lists(st.integers(0, 4), min_size=homes, max_size=homes))
    existing = np.array(draw(st.lists(st.booleans(), min_size=sites, max_size=sites)))
    existing[draw(st.integers(0, sites - 1))] = False
    problem = siting_problem(matrix(metres), weight, radius_m=draw(st.integers(1, 9)), is_existing=existing)
    return problem, draw(st.integers(1, int((~existing).sum())))


def walks(problem, chosen):
    """Metres from every home to the nearest open site, inf = none."""
    dense = np.full(problem.distance_m.shape, np.inf)
    dense[problem.row(), problem.distance_m.indices] = problem.distance_m.data
    is_open = problem.is_existing.copy()
    is_open[list(chosen)] = True
    return dense[:, is_open].min(axis=1, initial=np.inf)


def covered(problem, chosen):
    return problem.weight[walks(problem, chosen) <= problem.radius_m].sum()


def choices(problem, p):
    return itertools.combinations(problem.candidates.tolist(), p)


@settings(max_examples=80, deadline=None)
@given(towns())
def test_mclp_equals_brute_force(town):
    problem, p = town
    answer = solve_siting(problem, model="mclp", p=p)
    best = max(covered(problem, chosen) for chosen in choices(problem, p))
    assert answer.objective == answer.bound == best == covered(problem, answer.site) == answer.covered_weight
    assert answer.gain.sum() == best - covered(problem, [])
    assert (np.diff(answer.gain) <= 0).all()
    assert len(set(answer.site.tolist())) == p
    assert not problem.is_existing[answer.site].any()


@settings(max_examples=80, deadline=None)
@given(towns())
def test_lscp_equals_brute_force(town):
    problem, _ = town
    answer = solve_siting(problem, model="lscp")
    most = covered(problem, problem.candidates)
    counts = range(len(problem.candidates) + 1)
    best = next(k for k in counts if any(covered(problem, chosen) == most for chosen in choices(problem, k)))
    assert answer.objective == answer.bound == best == len(answer.site)
    assert covered(problem, answer.site) == most


@settings(max_examples=80, deadline=None)
@given(towns())
def test_the_p_median_equals_brute_force(town):
    problem, p = town
    answer = solve_siting(problem, model="pmedian", p=p)
    is_reached = np.diff(problem.distance_m.indptr) > 0
    weight = problem.weight[is_reached]
    longest = problem.distance_m.data.max(initial=0)

    def mean(chosen):
        return (np.minimum(walks(problem, chosen)[is_reached], longest) * weight).sum() / (weight.sum() or 1)

    best = min(mean(chosen) for chosen in choices(problem, p))
    assert answer.objective == pytest.approx(best, abs=1e-9)
    assert answer.bound == pytest.approx(best, abs=1e-6)
    assert mean(answer.site) == pytest.approx(best, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(towns())
def test_the_p_center_equals_brute_force(town):
    problem, p = town
    asks = (problem.weight > 0) & (np.diff(problem.distance_m.indptr) > 0)
    best = min(walks(problem, chosen)[asks].max(initial=0) for chosen in choices(problem, p))
    if np.isinf(best):
        with pytest.raises(InvalidInputError, match="are needed"):
            solve_siting(problem, model="pcenter", p=p)
        return
    answer = solve_siting(problem, model="pcenter", p=p)
    assert answer.objective == answer.bound == best == walks(problem, answer.site)[asks].max(initial=0)
    assert len(answer.site) == p


@settings(max_examples=40, deadline=None)
@given(towns(), st.lists(st.integers(1, 12), min_size=6, max_size=6))
def test_capacities_only_take_away(town, room):
    problem, p = town
    limited = siting_problem(
        problem.distance_m, problem.weight, radius_m=problem.radius_m, is_existing=problem.is_existing,
        capacity=room[: len(problem.is_existing)],
    )  # fmt: skip
    answer, free = (solve_siting(one, model="mclp", p=p) for one in (limited, problem))
    assert answer.objective <= free.objective + 1e-6
    assert answer.objective <= answer.bound + 1e-6
    sites = np.r_[answer.site, np.flatnonzero(problem.is_existing)]
    assert answer.covered_weight <= min(covered(problem, answer.site), np.array(room)[sites].sum()) + 1e-6


@settings(max_examples=40, deadline=None)
@given(towns())
def test_a_site_more_covers_no_less_and_walks_no_more(town):
    problem, p = town
    if p == len(problem.candidates):
        return
    for model, sign in (("mclp", 1), ("pmedian", -1)):
        fewer, more = (solve_siting(problem, model=model, p=count).objective for count in (p, p + 1))
        assert sign * more >= sign * fewer - 1e-9
