"""Sites with a limited capacity: demand may be shared between sites, no site serves more than it can."""

import numpy as np
from scipy.sparse import csc_array, csr_array, hstack, vstack

from geo.arrays import FloatArray, IntArray
from geo.siting.problem import SitingProblem
from geo.siting.program import Program, solve

NODES = 5000


def share_out(  # noqa: PLR0913
    problem: SitingProblem,
    pair: IntArray,
    *,
    value: FloatArray,
    site_cost: float = 0.0,
    p: int | None = None,
    least_served: float = 0.0,
    time_limit_s: float | None = None,
) -> tuple[IntArray, FloatArray, float, float] | None:
    """Open candidates and share demand between open sites so that value less the cost of sites is largest.

    Parameters
    ----------
    pair
        Stored pairs of `problem.distance_m` over which demand may go.
    value
        Shape (n_pair,), value of one unit of weight that goes over a pair.
    site_cost
        Cost of a candidate.
    p
        How many candidates at most; None = any number.
    least_served
        Weight that has to be served at least.

    Returns
    -------
    sites, flow, value, bound
        Chosen candidates, weight over every pair, the value reached and its proven limit; None = there is no way.
    """
    count, sites = len(problem.weight), len(problem.is_existing)
    room = np.full(sites, problem.weight.sum()) if problem.capacity is None else problem.capacity
    room = np.minimum(room, problem.weight.sum())
    row, site, pairs = problem.row()[pair], problem.distance_m.indices[pair], len(pair)
    flows = np.arange(pairs)
    weight = np.minimum(problem.weight[row], room[site])
    of_demand = csr_array((np.ones(pairs), (row, flows)), shape=(count, pairs))
    of_site = csr_array((np.ones(pairs), (site, flows)), shape=(sites, pairs))
    of_pair = csr_array((np.ones(pairs), (flows, flows)), shape=(pairs, pairs))
    none = csr_array((count, sites))
    cap = csr_array((-room, (np.arange(sites), np.arange(sites))), shape=(sites, sites))
    pair_cap = csr_array((-weight, (flows, site)), shape=(pairs, sites))
    chosen_row = csr_array((~problem.is_existing).astype(float)[None, :])
    matrix = vstack(
        [
            hstack([none, of_demand]),
            hstack([cap, of_site]),
            hstack([pair_cap, of_pair]),
            hstack([chosen_row, csr_array((1, pairs))]),
            hstack([csr_array((1, sites)), csr_array(np.ones((1, pairs)))]),
        ]
    )
    high = np.r_[problem.weight, np.zeros(sites + pairs), sites if p is None else p, np.inf]
    low = np.full(len(high), -np.inf)
    low[-1] = least_served
    program = Program(
        cost=np.r_[np.where(problem.is_existing, 0.0, -site_cost), value],
        col_high=np.r_[np.ones(sites), weight],
        matrix=csc_array(matrix),
        row_low=low,
        row_high=high,
        is_whole=np.r_[np.ones(sites, dtype=bool), np.zeros(pairs, dtype=bool)],
    )
    found = solve(program, nodes=NODES, time_limit_s=time_limit_s)
    if found is None or found.x is None:
        return None
    chosen = np.flatnonzero((found.x[:sites] > 0.5) & ~problem.is_existing)
    return chosen, np.maximum(found.x[sites:], 0.0), found.value, found.bound
