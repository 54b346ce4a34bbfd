"""Good choices of p sites: greedy, interchange, annealing over swaps with neighbours. Budgets are counts of steps."""

import math

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.compiled import compiled
from geo.siting.savings import Savings

SEED = 20250101
ANNEAL_WORK = 1.2e9
"""Rows looked at by one annealing; about 3 s."""
ANNEAL_STEPS = 4_000_000
HOT, COLD = 0.1, 0.005
"""First and last temperature, in shares of what a chosen site saves on average."""
FAR = 0.05
"""Share of swaps with any site, not a neighbour."""


def greedy(savings: Savings, p: int) -> tuple[IntArray, FloatArray]:
    """Choose what adds most, p times over (the first of equals); sites and what each added."""
    return _greedy(savings.row_first, savings.site_first, savings.site_row, savings.site_value, p)


def interchange(savings: Savings, chosen: IntArray, *, passes: int = 100) -> IntArray:
    """Swap a chosen site for another while that saves more.

    References
    ----------
    Whitaker, R. A. (1983). A fast algorithm for the greedy interchange for large-scale clustering and median location
    problems. INFOR 21, 95-108.
    """
    is_open = np.zeros(len(savings.site), dtype=bool)
    is_open[chosen] = True
    _interchange(
        savings.row_first, savings.row_site, savings.row_value, savings.site_first, savings.site_row,
        savings.site_value, is_open, passes,
    )  # fmt: skip
    return np.flatnonzero(is_open)


def anneal(savings: Savings, chosen: IntArray, *, seed: int = SEED, effort: float = 1.0) -> IntArray:
    """Swap at random with neighbours, downhill less and less often (flat savings only); the best choice met."""
    count, p = len(savings.site), len(chosen)
    if not 0 < p < count:
        return chosen
    touched = 2 * len(savings.site_row) / count
    steps = int(effort * min(ANNEAL_STEPS, ANNEAL_WORK / max(touched, 1.0)))
    mean = value_of(savings, chosen) / p
    found: IntArray = _anneal(
        savings.row_first, savings.row_site, savings.site_first, savings.site_row, savings.top, chosen, steps,
        (HOT * mean, COLD * mean), np.array([seed], dtype=np.uint64),
    )  # fmt: skip
    return np.sort(found)


def value_of(savings: Savings, chosen: IntArray) -> float:
    """What a choice saves."""
    is_open = np.zeros(len(savings.site), dtype=bool)
    is_open[chosen] = True
    return float(saved(savings, is_open).sum())


def saved(savings: Savings, is_open: BoolArray) -> FloatArray:
    """What every row saves with these sites open."""
    if not savings.rows:
        return np.empty(0)
    best: FloatArray = np.maximum.reduceat(
        np.where(is_open[savings.row_site], savings.row_value, 0.0), savings.row_first[:-1]
    )
    return best


@compiled
def _greedy(
    row_first: IntArray, site_first: IntArray, site_row: IntArray, site_value: FloatArray, p: int
) -> tuple[IntArray, FloatArray]:
    """Lazy greedy: what a site adds only falls, so most are not looked at again."""
    sites = len(site_first) - 1
    best = np.zeros(len(row_first) - 1)
    gain = np.zeros(sites)
    fresh = np.full(sites, -1, dtype=np.int64)
    for j in range(sites):
        for k in range(site_first[j], site_first[j + 1]):
            gain[j] += site_value[k]
        fresh[j] = 0
    chosen, added = np.empty(p, dtype=np.int64), np.empty(p)
    for q in range(p):
        while True:
            j = int(np.argmax(gain))
            if fresh[j] == q:
                break
            total = 0.0
            for k in range(site_first[j], site_first[j + 1]):
                total += max(site_value[k] - best[site_row[k]], 0.0)
            gain[j], fresh[j] = total, q
        chosen[q], added[q] = j, gain[j]
        gain[j] = -1.0
        for k in range(site_first[j], site_first[j + 1]):
            best[site_row[k]] = max(best[site_row[k]], site_value[k])
    return chosen, added


@compiled
def _best_two(
    row_first: IntArray, row_site: IntArray, row_value: FloatArray, is_open: BoolArray, i: int
) -> tuple[int, float, float]:
    """The open site that saves a row most, what it saves, and what the next saves."""
    first, most, next_most = -1, 0.0, 0.0
    for k in range(row_first[i], row_first[i + 1]):
        if is_open[row_site[k]]:
            if row_value[k] > most:
                first, next_most, most = row_site[k], most, row_value[k]
            elif row_value[k] > next_most:
                next_most = row_value[k]
    return first, most, next_most


@compiled
def _interchange(  # noqa: C901, PLR0912, PLR0913, PLR0917
    row_first: IntArray,
    row_site: IntArray,
    row_value: FloatArray,
    site_first: IntArray,
    site_row: IntArray,
    site_value: FloatArray,
    is_open: BoolArray,
    passes: int,
) -> None:
    """Best swap for each site that comes in, in order, until a whole pass finds none."""
    rows, sites = len(row_first) - 1, len(site_first) - 1
    server, most, second = np.empty(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows)
    loss, change = np.zeros(sites), np.zeros(sites)
    for i in range(rows):
        server[i], most[i], second[i] = _best_two(row_first, row_site, row_value, is_open, i)
        if server[i] >= 0:
            loss[server[i]] += most[i] - second[i]
    total = most.sum()
    for _ in range(passes):
        swaps = 0
        for new in range(sites):
            if is_open[new]:
                continue
            gain = 0.0
            for k in range(site_first[new], site_first[new + 1]):
                i = site_row[k]
                if site_value[k] > most[i]:
                    gain += site_value[k] - most[i]
                    if server[i] >= 0:
                        change[server[i]] += most[i] - second[i]
                elif site_value[k] > second[i] and server[i] >= 0:
                    change[server[i]] += site_value[k] - second[i]
            old, least = -1, 1e300
            for j in range(sites):
                if is_open[j] and loss[j] - change[j] < least:
                    old, least = j, loss[j] - change[j]
            for k in range(site_first[new], site_first[new + 1]):
                if server[site_row[k]] >= 0:
                    change[server[site_row[k]]] = 0.0
            if gain - least <= 1e-9 * total:
                continue
            swaps += 1
            is_open[new], is_open[old] = True, False
            for j in (new, old):
                for k in range(site_first[j], site_first[j + 1]):
                    i = site_row[k]
                    if server[i] >= 0:
                        loss[server[i]] -= most[i] - second[i]
                    server[i], most[i], second[i] = _best_two(row_first, row_site, row_value, is_open, i)
                    if server[i] >= 0:
                        loss[server[i]] += most[i] - second[i]
            loss[old] = 0.0
        if swaps == 0:
            break


@compiled
def _random(state: np.ndarray) -> float:
    """A number in [0, 1), by SplitMix64."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 1.1102230246251565e-16


@compiled
def _anneal(  # noqa: C901, PLR0912, PLR0913, PLR0917
    row_first: IntArray,
    row_site: IntArray,
    site_first: IntArray,
    site_row: IntArray,
    weight: FloatArray,
    start: IntArray,
    steps: int,
    heat: tuple[float, float],
    state: np.ndarray,
) -> IntArray:
    """Metropolis over swaps; a neighbour is a random site of a random row of the site that leaves."""
    sites, p = len(site_first) - 1, len(start)
    chosen, is_open = start.copy(), np.zeros(sites, dtype=np.bool_)
    cover = np.zeros(len(row_first) - 1, dtype=np.int32)
    for j in start:
        is_open[j] = True
        for k in range(site_first[j], site_first[j + 1]):
            cover[site_row[k]] += 1
    best_chosen, value, best = chosen.copy(), 0.0, 0.0
    cooling = math.log(heat[1] / heat[0])
    for step in range(steps):
        place = int(_random(state) * p)
        old = chosen[place]
        size = site_first[old + 1] - site_first[old]
        if size == 0 or _random(state) < FAR:
            new = int(_random(state) * sites)
        else:
            i = site_row[site_first[old] + int(_random(state) * size)]
            new = row_site[row_first[i] + int(_random(state) * (row_first[i + 1] - row_first[i]))]
        if is_open[new]:
            continue
        change = 0.0
        for k in range(site_first[old], site_first[old + 1]):
            i = site_row[k]
            cover[i] -= 1
            if cover[i] == 0:
                change -= weight[i]
        for k in range(site_first[new], site_first[new + 1]):
            i = site_row[k]
            if cover[i] == 0:
                change += weight[i]
            cover[i] += 1
        if change >= 0 or _random(state) < math.exp(change / (heat[0] * math.exp(cooling * step / steps))):
            is_open[old], is_open[new], chosen[place] = False, True, new
            value += change
            if value > best + 1e-9:
                best = value
                best_chosen[:] = chosen
        else:
            for k in range(site_first[new], site_first[new + 1]):
                cover[site_row[k]] -= 1
            for k in range(site_first[old], site_first[old + 1]):
                cover[site_row[k]] += 1
    return best_chosen
