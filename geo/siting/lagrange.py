"""An upper limit of what p sites can save, by prices on the rows, and the limit's own favourite sites."""

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.compiled import compiled
from geo.siting.savings import Savings

STALL, SHRINK, SMALLEST = 20, 0.7, 1e-5
STEPS = 3000


def price_rows(savings: Savings, p: int, target: float, *, steps: int = STEPS) -> tuple[float, FloatArray]:
    """Lower the limit by moving prices along averaged subgradients.

    Whatever the prices u >= 0, sum(u) and the p largest sums of (s - u)+ together are a limit: each row may be saved
    once, and saving it twice costs its price.

    Parameters
    ----------
    target
        Value of a known choice; steps are measured by the distance to it.

    Returns
    -------
    bound, price
        The lowest limit, and the prices, shape (n_row,), that prove it.

    References
    ----------
    Galvao, R. D., ReVelle, C. (1996). A Lagrangean heuristic for the maximal covering location problem. European
    Journal of Operational Research 88, 114-123.
    """
    bound, price = _descend(
        savings.row_first, savings.site_first, savings.site_row, savings.site_value, savings.top, p, target, steps
    )
    return float(bound), price


def worth(savings: Savings, price: FloatArray) -> FloatArray:
    """What every site saves above the prices of its rows."""
    above = np.maximum(savings.site_value - price[savings.site_row], 0)
    total: FloatArray = np.bincount(
        np.repeat(np.arange(len(savings.site)), np.diff(savings.site_first)), above, minlength=len(savings.site)
    ).astype(np.float64)
    return total


@compiled
def _descend(  # noqa: C901, PLR0912, PLR0913, PLR0917
    row_first: IntArray,
    site_first: IntArray,
    site_row: IntArray,
    site_value: FloatArray,
    top: FloatArray,
    p: int,
    target: float,
    steps: int,
) -> tuple[float, FloatArray]:
    """Subgradient steps, halved when they stall."""
    rows, sites = len(row_first) - 1, len(site_first) - 1
    price = 0.1 * top
    best, best_price = 1e300, price.copy()
    worth = np.zeros(sites)
    slope, way = np.zeros(rows), np.zeros(rows)
    length, stalled = 1.0, 0
    for _ in range(steps):
        for j in range(sites):
            total = 0.0
            for k in range(site_first[j], site_first[j + 1]):
                total += max(site_value[k] - price[site_row[k]], 0.0)
            worth[j] = total
        favourites = np.argsort(-worth, kind="mergesort")[:p]
        limit = price.sum() + worth[favourites].sum()
        if limit < best - 1e-7 * abs(best):
            best, stalled = limit, 0
            best_price[:] = price
        else:
            stalled += 1
            if stalled >= STALL:
                length, stalled = length * SHRINK, 0
                price[:] = best_price
        if best <= target * (1 + 1e-9) or length < SMALLEST:
            break
        slope[:] = 1.0
        for j in favourites:
            for k in range(site_first[j], site_first[j + 1]):
                if site_value[k] > price[site_row[k]]:
                    slope[site_row[k]] -= 1.0
        norm = 0.0
        for i in range(rows):
            if (slope[i] > 0 and price[i] <= 0) or (slope[i] < 0 and price[i] >= top[i]):
                slope[i] = 0.0
            way[i] = 0.7 * slope[i] + 0.3 * way[i]
            norm += way[i] * way[i]
        if norm == 0.0:
            break
        step = length * (limit - target) / norm
        for i in range(rows):
            price[i] = min(max(price[i] - step * way[i], 0.0), top[i])
    return best, best_price
