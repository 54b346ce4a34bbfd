"""Exact search (branch and cut) for the best p sites, where the problem is small enough or has become so."""

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting.program import Program, solve
from geo.siting.relax import coverage_program
from geo.siting.savings import Savings
from geo.siting.search import saved
from geo.siting.windows import Cut

NODES = 5000
"""Branches after which exact search stops with the bound it has."""


def search_savings(
    savings: Savings, p: int, chosen: IntArray, *, cuts: tuple[Cut, ...] = (), time_limit_s: float | None = None
) -> tuple[IntArray, float]:
    """Look for the best p sites from a known choice: the best choice found, and the proven limit."""
    is_open = np.zeros(len(savings.site), dtype=bool)
    is_open[chosen] = True
    if savings.is_flat:
        program = coverage_program(savings, p, cuts, is_whole=True)
        start = np.r_[is_open.astype(float), (saved(savings, is_open) > 0).astype(float)]
    else:
        program, start = _shares_program(savings, p), _shares_start(savings, is_open)
    found = solve(program, start=start, nodes=NODES, time_limit_s=time_limit_s)
    if found is None or found.x is None:
        return chosen, np.inf
    return np.flatnonzero(found.x[: len(savings.site)] > 0.5), found.bound


def _shares_program(savings: Savings, p: int) -> Program:
    """Write unequal savings as a program: sites first, then a share for every saving of a row."""
    rows, sites, entries = savings.rows, len(savings.site), len(savings.row_site)
    entry = np.arange(entries)
    row = np.repeat(np.arange(rows), np.diff(savings.row_first))
    once = csr_array((np.ones(entries), (row, sites + entry)), shape=(rows, sites + entries))
    place = (np.r_[entry, entry], np.r_[savings.row_site, sites + entry])
    only_open = csr_array((np.r_[-np.ones(entries), np.ones(entries)], place), shape=(entries, sites + entries))
    all_sites = csr_array(np.r_[np.ones(sites), np.zeros(entries)][None, :])
    high = np.r_[np.ones(rows), np.zeros(entries), p]
    return Program(
        cost=np.r_[np.zeros(sites), savings.row_value],
        col_high=np.ones(sites + entries),
        matrix=csc_array(vstack([once, only_open, all_sites])),
        row_low=np.full(len(high), -np.inf),
        row_high=high,
        is_whole=np.r_[np.ones(sites, bool), np.zeros(entries, bool)],
    )


def _shares_start(savings: Savings, is_open: BoolArray) -> FloatArray:
    """The point of a choice: every row takes the whole of its best saving."""
    value = np.where(is_open[savings.row_site], savings.row_value, 0.0)
    row = np.repeat(np.arange(savings.rows), np.diff(savings.row_first))
    order = np.lexsort((-value, row))
    share = np.zeros(len(value))
    best = order[savings.row_first[:-1]]
    share[best] = value[best] > 0
    point: FloatArray = np.r_[is_open.astype(float), share]
    return point
