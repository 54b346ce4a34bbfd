"""LSCP: the fewest sites that reach every row."""

from typing import TypeVar

import numpy as np
from scipy.sparse import csc_array, csr_array

from geo.arrays import BoolArray, IntArray
from geo.compiled import compiled
from geo.siting.program import Program, solve
from geo.siting.savings import beaten

NODES = 5000
Matrix = TypeVar("Matrix", csr_array, csc_array)


def cover_all(reach: csr_array, *, nodes: int = NODES, time_limit_s: float | None = None) -> tuple[IntArray, int]:
    """Find the fewest sites that reach every row: the sites, and the proven least number.

    Rows that are reached whenever another one is, and sites that another one beats, are left out first.

    Parameters
    ----------
    reach
        Shape (n_row, n_site); stored entries say who reaches whom; every row has one.
    """
    if not reach.shape[0]:
        return np.empty(0, dtype=np.int64), 0
    part, sites = _essential(csr_array((np.ones(len(reach.indices)), reach.indices, reach.indptr), shape=reach.shape))
    start = _thin(part, _greedy(part))
    if len(start) <= 1:
        return sites[start], len(start)
    is_open = np.zeros(len(sites))
    is_open[start] = 1
    program = Program(
        cost=-np.ones(len(sites)),
        col_high=np.ones(len(sites)),
        matrix=csc_array(part),
        row_low=np.ones(part.shape[0]),
        row_high=np.full(part.shape[0], np.inf),
        is_whole=np.ones(len(sites), dtype=bool),
    )
    found = solve(program, start=is_open, nodes=nodes, time_limit_s=time_limit_s)
    if found is None or found.x is None:
        return sites[start], 1
    best = np.flatnonzero(found.x > 0.5)
    best = best if len(best) < len(start) else start
    least = max(1, int(np.ceil(-found.bound - 1e-6))) if np.isfinite(found.bound) else 1
    return sites[best], min(least, len(best))


def _essential(part: csr_array) -> tuple[csr_array, IntArray]:
    """Leave out rows and sites that decide nothing, until none is left."""
    sites = np.arange(part.shape[1])
    while True:
        size = part.shape
        by_site = _sorted(part.tocsc())
        used = np.flatnonzero(~beaten(*_arrays(by_site), by_site.data, *_arrays(part)))
        part, sites = _sorted(csr_array(part[:, used])), sites[used]
        part = _sorted(csr_array(part[np.flatnonzero(~_implied(*_arrays(part), *_arrays(_sorted(part.tocsc()))))]))
        if part.shape == size:
            return part, sites


def _sorted(matrix: Matrix) -> Matrix:
    """Entries in order."""
    matrix.sort_indices()
    return matrix


def _arrays(matrix: csr_array | csc_array) -> tuple[IntArray, IntArray]:
    """Where each line begins, and its entries."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)


@compiled
def _implied(row_first: IntArray, row_site: IntArray, site_first: IntArray, site_row: IntArray) -> BoolArray:  # noqa: C901
    """Rows that hold all sites of another row; of equal rows all but the first."""
    count = len(row_first) - 1
    is_implied = np.zeros(count, dtype=np.bool_)
    for small in range(count):
        if is_implied[small]:
            continue
        rarest = row_site[row_first[small]]
        for k in range(row_first[small], row_first[small + 1]):
            j = row_site[k]
            if site_first[j + 1] - site_first[j] < site_first[rarest + 1] - site_first[rarest]:
                rarest = j
        length = row_first[small + 1] - row_first[small]
        for k in range(site_first[rarest], site_first[rarest + 1]):
            large = site_row[k]
            other = row_first[large + 1] - row_first[large]
            if large == small or is_implied[large] or other < length or (other == length and large < small):
                continue
            at, end = row_first[large], row_first[large + 1]
            inside = True
            for q in range(row_first[small], row_first[small + 1]):
                while at < end and row_site[at] < row_site[q]:
                    at += 1
                if at == end or row_site[at] != row_site[q]:
                    inside = False
                    break
            if inside:
                is_implied[large] = True
    return is_implied


def _greedy(reach: csr_array) -> IntArray:
    """Take the site that reaches most rows that are left, until none is."""
    by_site = csc_array(reach)
    left = np.ones(reach.shape[0])
    chosen = []
    while left.any():
        site = int(np.argmax(by_site.T @ left))
        chosen.append(site)
        left[by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]] = 0
    return np.array(chosen, dtype=np.int64)


def _thin(reach: csr_array, chosen: IntArray) -> IntArray:
    """Drop sites whose rows the others reach too, the last chosen first looked at last."""
    by_site = csc_array(reach)
    count = np.zeros(reach.shape[0], dtype=np.int64)
    for site in chosen:
        count[by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]] += 1
    kept = []
    for site in chosen:
        rows = by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]
        if (count[rows] > 1).all():
            count[rows] -= 1
        else:
            kept.append(site)
    return np.array(sorted(kept), dtype=np.int64)
