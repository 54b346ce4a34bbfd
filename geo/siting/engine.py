"""`solve_siting`: where to build, for every model, with value, proven bound and who is served."""

import time

import numpy as np
from scipy.sparse import csr_array

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import InvalidInputError
from geo.siting.answer import SitingAnswer, nearest_open
from geo.siting.choose import Budget, Progress, choose_sites
from geo.siting.cover import cover_all
from geo.siting.problem import SitingModel, SitingProblem
from geo.siting.savings import make_savings
from geo.siting.search import greedy
from geo.siting.shares import share_out

REACH_M = 1e-6
"""Rounding of a walk that is exactly the radius."""


def solve_siting(
    problem: SitingProblem,
    *,
    model: SitingModel | str,
    p: int | None = None,
    gap: float = 0.0,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> SitingAnswer:
    """Choose sites.

    LSCP: the fewest sites that cover all demand that can be covered. MCLP: p sites that cover most weight. p-median: p
    sites with the shortest mean walk; demand that no open site reaches counts with the longest known walk. p-center: p
    sites with the shortest longest walk of any demand. Existing sites serve too and are not counted in p. Demand
    without weight asks for nothing; demand that no site reaches is left out and told of. With capacities demand may be
    shared between sites; LSCP then serves as much as all sites together could.

    Parameters
    ----------
    p
        Sites to choose, 1 <= p <= candidates; LSCP takes none.
    gap
        Relative gap that is good enough.
    time_limit_s
        Seconds after which the best so far is taken. Without it the same input gives the same answer anywhere.
    progress
        Called with value and limit whenever one gets better (MCLP and p-median, in weight saved).

    Raises
    ------
    InvalidInputError
        If p is missing or impossible, there is no candidate, or p sites cannot reach all demand (p-center).

    References
    ----------
    Toregas, C. et al. (1971). The location of emergency service facilities. Operations Research 19, 1363-1373 (LSCP).
    Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers of the Regional Science Association
    32, 101-118 (MCLP). Hakimi, S. L. (1964). Optimum locations of switching centers. Operations Research 12, 450-459
    (p-median, p-center).
    """
    started_s = time.monotonic()
    model = SitingModel(model)
    count = _count(problem, model, p)
    budget = Budget(gap, None if time_limit_s is None else started_s + time_limit_s, progress)
    if problem.capacity is not None:
        found = _with_capacity(problem, model, count, budget)
    elif model is SitingModel.LSCP:
        found = _lscp(problem, budget)
    elif model is SitingModel.PCENTER:
        found = _pcenter(problem, count, budget)
    else:
        found = _best_p(problem, model, count, budget)
    return _answer(problem, model, *found, started_s)


def longest_m(problem: SitingProblem) -> float:
    """The longest known walk, which demand that no open site reaches counts with in the p-median."""
    return float(problem.distance_m.data.max(initial=0.0))


def _count(problem: SitingProblem, model: SitingModel, p: int | None) -> int:
    """Check p."""
    candidates = len(problem.candidates)
    if not candidates:
        raise InvalidInputError("there is no candidate site")
    if model is SitingModel.LSCP:
        if p is not None:
            raise InvalidInputError("lscp finds the number of sites itself; leave out p")
        return candidates
    if p is None:
        raise InvalidInputError(f"{model} needs p, the number of sites to choose")
    if not 1 <= p <= candidates:
        raise InvalidInputError(f"p is {p}; it must be between 1 and the number of candidates, {candidates}")
    return p


def _within(problem: SitingProblem, radius_m: float) -> csr_array:
    """Pairs at most so far apart, of demand with weight, as ones."""
    fits = (problem.distance_m.data <= radius_m + REACH_M) & (problem.weight > 0)[problem.row()]
    first = np.r_[0, np.cumsum(fits)][problem.distance_m.indptr]
    return csr_array((np.ones(fits.sum()), problem.distance_m.indices[fits], first), shape=problem.distance_m.shape)


def _lscp(problem: SitingProblem, budget: Budget, radius_m: float | None = None) -> tuple[IntArray, float, float]:
    """Fewest candidates that cover what existing sites leave."""
    reach = _within(problem, problem.radius_m if radius_m is None else radius_m)
    is_covered = (reach @ problem.is_existing.astype(float)) > 0
    part = csr_array(reach[np.flatnonzero(~is_covered)][:, problem.candidates])
    part = csr_array(part[np.flatnonzero(np.diff(part.indptr))])
    chosen, least = cover_all(part, time_limit_s=budget.left_s)
    return problem.candidates[chosen], float(len(chosen)), float(least)


def _best_p(problem: SitingProblem, model: SitingModel, p: int, budget: Budget) -> tuple[IntArray, float, float]:
    """MCLP and p-median: savings beyond what existing sites save."""
    is_flat = model is SitingModel.MCLP
    value = _savings(problem, model)
    had = _had(value, problem.is_existing)
    rest = _beyond(value, had)
    candidates = problem.candidates
    metres = csr_array(problem.distance_m[:, candidates])
    chosen, bound = choose_sites(csr_array(rest[:, candidates]), metres, p, is_flat=is_flat, budget=budget)
    chosen = candidates[chosen]
    is_open = problem.is_existing.copy()
    is_open[chosen] = True
    reached, limit = float(_had(value, is_open).sum()), float(bound + had.sum())
    limit = max(limit, reached)
    if is_flat:
        return chosen, reached, limit
    weight = problem.weight[np.diff(problem.distance_m.indptr) > 0].sum()
    longest = longest_m(problem)
    return (chosen, 0.0, 0.0) if weight == 0 else (chosen, longest - reached / weight, longest - limit / weight)


def _savings(problem: SitingProblem, model: SitingModel) -> csr_array:
    """What every pair saves: the weight within the radius, or weight times metres off the longest walk."""
    if model is not SitingModel.PMEDIAN:
        reach = _within(problem, problem.radius_m)
        reach.data = np.repeat(problem.weight, np.diff(reach.indptr))
        return reach
    saved = (longest_m(problem) - problem.distance_m.data) * problem.weight[problem.row()]
    return csr_array((saved, problem.distance_m.indices, problem.distance_m.indptr), shape=problem.distance_m.shape)


def _had(value: csr_array, is_open: BoolArray) -> FloatArray:
    """The best saving of every row among open sites."""
    best = np.zeros(value.shape[0])
    row = np.repeat(np.arange(value.shape[0]), np.diff(value.indptr))
    np.maximum.at(best, row, np.where(is_open[value.indices], value.data, 0.0))
    return best


def _beyond(value: csr_array, had: FloatArray) -> csr_array:
    """Savings above those there are."""
    more = np.maximum(value.data - np.repeat(had, np.diff(value.indptr)), 0.0)
    rest = csr_array((more, value.indices.copy(), value.indptr.copy()), shape=value.shape)
    rest.eliminate_zeros()
    return rest


def _pcenter(problem: SitingProblem, p: int, budget: Budget) -> tuple[IntArray, float, float]:
    """Bisect over the known walks: the shortest within which p candidates reach everybody."""
    asks = (problem.weight > 0) & (np.diff(problem.distance_m.indptr) > 0)
    if not asks.any():
        return problem.candidates[:p], 0.0, 0.0
    nearest_m = np.full(len(asks), np.inf)
    np.minimum.at(nearest_m, problem.row(), problem.distance_m.data)
    walks = np.unique(problem.distance_m.data[asks[problem.row()]])
    low, high, proven = int(np.searchsorted(walks, nearest_m[asks].max())), len(walks) - 1, 0
    chosen, needed, least = _lscp(problem, budget, walks[high])
    if needed > p:
        raise InvalidInputError(f"p is {p}; at least {least:g} sites are needed to reach all demand")
    proven = low
    while low < high:
        middle = (low + high) // 2
        found, needed, least = _lscp(problem, budget, walks[middle])
        if needed <= p:
            chosen, high = found, middle
        else:
            low = middle + 1
            proven = max(proven, middle + 1) if least > p else proven
    return _filled(problem, chosen, p), float(walks[high]), float(walks[min(proven, high)])


def _filled(problem: SitingProblem, chosen: IntArray, p: int) -> IntArray:
    """Choose what shortens walks most, until p sites are chosen."""
    if len(chosen) >= p:
        return chosen
    value = _savings(problem, SitingModel.PMEDIAN)
    is_open = problem.is_existing.copy()
    is_open[chosen] = True
    free = np.flatnonzero(~is_open)
    savings = make_savings(csr_array(_beyond(value, _had(value, is_open))[:, free]), is_flat=False)
    more = free[savings.site[greedy(savings, min(p - len(chosen), len(savings.site)))[0]]]
    taken = np.concatenate([chosen, more])
    return np.concatenate([taken, np.setdiff1d(free, taken)[: p - len(taken)]])


def _with_capacity(problem: SitingProblem, model: SitingModel, p: int, budget: Budget) -> tuple[IntArray, float, float]:
    """All models where sites can serve only so much."""
    if model is SitingModel.PCENTER:
        raise InvalidInputError("pcenter knows no capacities; leave them out")
    within = _pairs(problem, problem.radius_m)
    ones = np.ones(len(within))
    if model is SitingModel.MCLP:
        return _must(share_out(problem, within, value=ones, p=p, time_limit_s=budget.left_s))
    if model is SitingModel.LSCP:
        most = _must(share_out(problem, within, value=ones, time_limit_s=budget.left_s))[1]
        found = share_out(
            problem, within, value=0 * ones, site_cost=1.0, least_served=most * (1 - 1e-9), time_limit_s=budget.left_s
        )
        chosen, value, bound = _must(found)
        return chosen, -value, float(np.ceil(-bound - 1e-6))
    pairs = _pairs(problem, np.inf)
    longest = longest_m(problem)
    metres = longest - problem.distance_m.data[pairs]
    chosen, value, bound = _must(share_out(problem, pairs, value=metres, p=p, time_limit_s=budget.left_s))
    weight = problem.weight[np.diff(problem.distance_m.indptr) > 0].sum()
    return (chosen, 0.0, 0.0) if weight == 0 else (chosen, longest - value / weight, longest - bound / weight)


def _pairs(problem: SitingProblem, radius_m: float) -> IntArray:
    """Stored pairs at most so far apart, of demand with weight."""
    return np.flatnonzero((problem.distance_m.data <= radius_m + REACH_M) & (problem.weight > 0)[problem.row()])


def _must(found: tuple[IntArray, FloatArray, float, float] | None) -> tuple[IntArray, float, float]:
    """What was found; there is always something, unless the time was over first."""
    if found is None:
        raise InvalidInputError("no choice was found in the time; give more")
    chosen, _, value, bound = found
    return chosen, value, max(bound, value)


def _answer(
    problem: SitingProblem, model: SitingModel, chosen: IntArray, value: float, bound: float, started_s: float
) -> SitingAnswer:
    """Order the sites by what they add, and count who is covered."""
    site, gain = _in_order(problem, model, chosen)
    is_open = problem.is_existing.copy()
    is_open[site] = True
    nearest, nearest_m = nearest_open(problem, is_open)
    reach = _within(problem, problem.radius_m)
    covered = problem.weight[np.nan_to_num(nearest_m, nan=np.inf) <= problem.radius_m + REACH_M].sum()
    if problem.capacity is not None:
        covered = _served(problem, is_open)
    return SitingAnswer(
        model=model,
        site=site,
        gain=gain,
        objective=value,
        bound=bound,
        covered_weight=float(covered),
        total_weight=float(problem.weight.sum()),
        uncoverable_weight=float(problem.weight[np.diff(reach.indptr) == 0].sum()),
        nearest=nearest,
        nearest_m=nearest_m,
        seconds=time.monotonic() - started_s,
    )


def _served(problem: SitingProblem, is_open: BoolArray) -> float:
    """Weight that open sites can serve within the radius and their capacities."""
    pair = _pairs(problem, problem.radius_m)
    pair = pair[is_open[problem.distance_m.indices[pair]]]
    return _must(share_out(problem, pair, value=np.ones(len(pair))))[1]


def _in_order(problem: SitingProblem, model: SitingModel, chosen: IntArray) -> tuple[IntArray, FloatArray]:
    """Chosen sites in the order of greedy among them, and what each adds."""
    value = _savings(problem, model)
    rest = _beyond(value, _had(value, problem.is_existing))
    is_open = problem.is_existing.copy()
    order, gain = [], []
    left = sorted(chosen.tolist())
    by_site = rest.tocsc()
    had = np.zeros(rest.shape[0])
    while left:
        adds = []
        for j in left:
            part = slice(by_site.indptr[j], by_site.indptr[j + 1])
            adds.append(np.maximum(by_site.data[part] - had[by_site.indices[part]], 0).sum())
        best = int(np.argmax(adds))
        j = left.pop(best)
        part = slice(by_site.indptr[j], by_site.indptr[j + 1])
        had[by_site.indices[part]] = np.maximum(had[by_site.indices[part]], by_site.data[part])
        is_open[j] = True
        order.append(j)
        gain.append(adds[best])
    scale = problem.weight[np.diff(problem.distance_m.indptr) > 0].sum() if model is SitingModel.PMEDIAN else 1.0
    return np.array(order, dtype=np.int64), np.array(gain) / (scale or 1.0)
