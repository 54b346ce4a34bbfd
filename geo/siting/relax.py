"""The linear relaxation of coverage, and its tightening by window cuts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array, eye_array, hstack, vstack

from geo.arrays import FloatArray
from geo.siting.program import Program, solve
from geo.siting.savings import Savings
from geo.siting.windows import Cut, draw_windows, find_cuts

POINTS_FROM = 2000
"""Rows from which interior points are quicker than the simplex method."""
DRAWS = 3
"""Drawings of windows looked at in one round."""
ROWS_A_WINDOW = 36


@dataclass(frozen=True)
class Relaxed:
    """A solved relaxation: the limit it proves, fractions of sites, prices of rows, and its cuts."""

    bound: float
    x: FloatArray
    price: FloatArray
    cuts: tuple[Cut, ...]


def coverage_program(savings: Savings, p: int, cuts: tuple[Cut, ...] = (), *, is_whole: bool = False) -> Program:
    """Write coverage as a program: sites first, then rows; row i is covered by at most the sites that reach it."""
    rows, sites = savings.rows, len(savings.site)
    ones = np.ones(len(savings.row_site))
    reach = csr_array((-ones, savings.row_site, savings.row_first), shape=(rows, sites))
    all_sites = csr_array(np.r_[np.ones(sites), np.zeros(rows)][None, :])
    blocks = [hstack([reach, eye_array(rows)]), all_sites, *([_cut_rows(savings, cuts)] if cuts else [])]
    high = np.r_[np.zeros(rows), p, [cut.alpha for cut in cuts]]
    return Program(
        cost=np.r_[np.zeros(sites), savings.top],
        col_high=np.ones(sites + rows),
        matrix=csc_array(vstack(blocks)),
        row_low=np.full(len(high), -np.inf),
        row_high=high,
        is_whole=np.r_[np.ones(sites, bool), np.zeros(rows, bool)] if is_whole else None,
    )


def tighten(savings: Savings, metres: FloatArray, p: int, *, rounds: int) -> Iterator[Relaxed]:
    """Solve the relaxation, add what windows forbid, solve again; give every limit.

    Parameters
    ----------
    metres
        Shape (n_entry,), of every saving by row.
    rounds
        How often cuts are looked for.
    """
    now = _relax(savings, p, ())
    if now is None:
        return
    first_price = now.price
    yield now
    for turn in range(rounds):
        covered = savings.top * np.minimum(_reached(savings, now.x), 1.0)
        found: list[Cut] = []
        for draw in range(DRAWS):
            count = max(1, savings.rows // ROWS_A_WINDOW)
            found += find_cuts(draw_windows(savings, metres, first_price, count, turn * DRAWS + draw), now.x, covered)
        after = _relax(savings, p, (*now.cuts, *found)) if found else None
        if after is None:
            return
        now = after
        yield now


def _relax(savings: Savings, p: int, cuts: tuple[Cut, ...]) -> Relaxed | None:
    """Solve with these cuts; those that do not bind are left out of the result."""
    found = solve(coverage_program(savings, p, cuts), by_points=savings.rows > POINTS_FROM)
    if found is None or found.x is None or found.row_price is None:
        return None
    price, cut_price = found.row_price[: savings.rows], found.row_price[savings.rows + 1 :]
    binding = tuple(cut for cut, rate in zip(cuts, cut_price, strict=True) if rate > 0)
    x = np.clip(found.x[: len(savings.site)], 0.0, 1.0)
    bound = _proven(savings, p, price, list(zip(cuts, cut_price, strict=True)))
    return Relaxed(bound, x, np.minimum(price, savings.top), binding)


def _proven(savings: Savings, p: int, price: FloatArray, cuts: list[tuple[Cut, float]]) -> float:
    """The limit that prices >= 0 of rows and cuts prove, however near they are to the best prices."""
    left = savings.top - price
    worth = np.bincount(
        savings.row_site, np.repeat(price, np.diff(savings.row_first)), minlength=len(savings.site)
    ).astype(np.float64)
    total = 0.0
    for cut, rate in cuts:
        left[cut.row] -= rate * savings.top[cut.row]
        worth[cut.site] += rate * cut.mu
        total += rate * cut.alpha
    return float(total + np.maximum(left, 0.0).sum() + np.maximum(np.sort(worth)[-p:], 0.0).sum())


def _reached(savings: Savings, x: FloatArray) -> FloatArray:
    """Sum of fractions that reach each row."""
    total: FloatArray = np.add.reduceat(x[savings.row_site], savings.row_first[:-1])
    return total


def _cut_rows(savings: Savings, cuts: tuple[Cut, ...]) -> csr_array:
    """Cuts as rows of the program."""
    member = [np.r_[cut.site, len(savings.site) + cut.row] for cut in cuts]
    value = [np.r_[-cut.mu, savings.top[cut.row]] for cut in cuts]
    first = np.r_[0, np.cumsum([len(one) for one in member])]
    shape = (len(cuts), len(savings.site) + savings.rows)
    return csr_array((np.concatenate(value), np.concatenate(member), first), shape=shape)
