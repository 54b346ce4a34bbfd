"""Siting beside spopt.locate and a plain HiGHS model on the same instances: `python -m tests.benchmarks.bench_siting`.

Demand and candidates are uniform in 10 x 10 km, weights whole numbers from 1 to 100, radius 500 m, straight lines, so
that all get the same matrix. Seconds are those of the processor (user and system), from coordinates to answer; every
run is a process of its own, so that its peak memory is its own. `--large` adds the two city-size instances.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import KDTree

SIDE_M, RADIUS_M = 10_000.0, 500.0
SMALL = [
    ("mclp", 1_000, 100, 10), ("mclp", 4_000, 400, 20), ("lscp", 1_000, 200, 0), ("pmedian", 300, 60, 8),
    ("pcenter", 200, 40, 6),
]  # fmt: skip
LARGE = [("mclp", 20_000, 2_000, 100), ("mclp", 200_000, 5_000, 200)]
GAPS = {20_000: 0.005, 200_000: 0.01}
PLAIN_LIMIT_S = 60.0


def instance(demand: int, sites: int):
    """Coordinates and weights, always the same."""
    rng = np.random.default_rng(0)
    places = rng.uniform(0, SIDE_M, (demand, 2)), rng.uniform(0, SIDE_M, (sites, 2))
    return *places, rng.integers(1, 101, demand).astype(float)


def reach_m(model: str) -> float:
    """How far pairs are measured."""
    return RADIUS_M if model in ("mclp", "lscp") else 2 * SIDE_M


def sparse(demand_xy, site_xy, longest_m):
    """Pairs as a sparse matrix."""
    found = KDTree(demand_xy).sparse_distance_matrix(KDTree(site_xy), longest_m, output_type="coo_matrix")
    return csr_array(found.tocsr())


def ours(model: str, demand_xy, site_xy, weight, p: int):
    """The product."""
    from geo.siting import siting_problem, solve_siting

    problem = siting_problem(sparse(demand_xy, site_xy, reach_m(model)), weight, radius_m=RADIUS_M)
    answer = solve_siting(problem, model=model, p=p or None, gap=GAPS.get(len(weight), 0.0))
    return answer.objective, answer.bound


def spopt(model: str, demand_xy, site_xy, weight, p: int):
    """spopt.locate with HiGHS."""
    import pulp
    from scipy.spatial.distance import cdist
    from spopt.locate import LSCP, MCLP, PCenter, PMedian

    cost = cdist(demand_xy, site_xy)
    solver = pulp.HiGHS(msg=False, threads=1)
    if model == "mclp":
        made = MCLP.from_cost_matrix(cost, weight, RADIUS_M, p_facilities=p)
    elif model == "lscp":
        made = LSCP.from_cost_matrix(cost[(cost <= RADIUS_M).any(axis=1)], RADIUS_M)
    elif model == "pmedian":
        made = PMedian.from_cost_matrix(cost, weight, p_facilities=p)
    else:
        made = PCenter.from_cost_matrix(cost, p_facilities=p)
    value = made.solve(solver, results=False).problem.objective.value()
    value = value / weight.sum() if model == "pmedian" else value
    return value, value


def plain(model: str, demand_xy, site_xy, weight, p: int):
    """Maximal covering written down as it is, and given to HiGHS."""
    import highspy
    from scipy.sparse import eye_array, hstack

    reach = sparse(demand_xy, site_xy, RADIUS_M)
    reach.data[:] = -1.0
    rows, sites = reach.shape
    solver = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "time_limit": PLAIN_LIMIT_S}.items():
        solver.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_, lp.sense_ = rows + 1, sites + rows, highspy.ObjSense.kMaximize
    lp.col_cost_ = np.r_[np.zeros(sites), weight]
    lp.col_lower_, lp.col_upper_ = np.zeros(sites + rows), np.ones(sites + rows)
    lp.row_lower_, lp.row_upper_ = np.full(rows + 1, -np.inf), np.r_[np.zeros(rows), p]
    from scipy.sparse import csc_array, vstack

    matrix = csc_array(
        vstack([hstack([reach, eye_array(rows)]), csr_array(np.r_[np.ones(sites), np.zeros(rows)][None])])
    )
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    lp.integrality_ = [highspy.HighsVarType.kInteger] * sites + [highspy.HighsVarType.kContinuous] * rows
    solver.passModel(lp)
    solver.run()
    info = solver.getInfo()
    return info.objective_function_value, info.mip_dual_bound


WAYS = {"ours": ours, "spopt": spopt, "plain HiGHS": plain}


def run_one(way: str, model: str, demand: int, sites: int, p: int) -> None:
    """In a process of its own: a tiny one first, so that libraries are loaded, then the one that counts; print."""
    WAYS[way](model, *instance(50, 10), min(p, 3))
    places = instance(demand, sites)
    started_s, clock_s = time.process_time(), time.monotonic()
    value, bound = WAYS[way](model, *places, p)
    spent_s, passed_s = time.process_time() - started_s, time.monotonic() - clock_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([value, bound, spent_s, passed_s, peak_mb]))


def ways(model: str, demand: int) -> list[str]:
    """Who is asked: spopt's dense models stop at some thousands, the plain model is of maximal covering."""
    return ["ours", *(["spopt"] if demand <= 4_000 else []), *(["plain HiGHS"] if model == "mclp" else [])]


def main() -> None:
    """Run all and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--one", nargs=5)
    arguments = parser.parse_args()
    if arguments.one:
        way, model, *numbers = arguments.one
        run_one(way, model, *map(int, numbers))
        return
    print("| model, demand x sites, p | who | value | bound | gap | CPU s | clock s | peak MB |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: |")
    for model, demand, sites, p in SMALL + (LARGE if arguments.large else []):
        for way in ways(model, demand) if demand <= 20_000 else ["ours"]:
            command = [sys.executable, "-m", "tests.benchmarks.bench_siting", "--one", way, model]
            done = subprocess.run(
                [*command, str(demand), str(sites), str(p)], capture_output=True, text=True, check=True
            )
            value, bound, spent_s, passed_s, peak_mb = json.loads(done.stdout.splitlines()[-1])
            gap = abs(bound - value) / abs(value) if value else 0.0
            name = f"{model} {demand:,} x {sites:,}, {p}"
            print(
                f"| {name} | {way} | {value:,.2f} | {bound:,.2f} | {gap:.2%} | {spent_s:.2f} | {passed_s:.2f} "
                f"| {peak_mb:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
