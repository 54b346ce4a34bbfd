"""The best p sites: prices and greedy first, then annealing and cuts, then exact search on what is left."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from geo.arrays import FloatArray, IntArray
from geo.compiled import in_threads
from geo.siting.exact import search_savings
from geo.siting.lagrange import price_rows, worth
from geo.siting.relax import Relaxed, tighten
from geo.siting.savings import Savings, keep_sites, make_savings
from geo.siting.search import SEED, anneal, greedy, interchange, value_of

PROVEN = 1e-9
"""Relative gap at which a choice counts as proven."""
EXACT_ENTRIES = 60_000
"""Savings up to which exact search is tried."""
RELAX_ENTRIES = 600_000
"""Savings up to which the linear relaxation is solved."""
ROUNDS = 4
"""Rounds of cuts."""
USED = 0.01
"""Fraction from which a site of the relaxation is used."""
SEEDS, SHORT = 4, 0.5
"""Annealings a round, and how long each is."""
Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class Budget:
    """When to stop: a gap that is good enough, a moment; and who is told of value and limit."""

    gap: float = 0.0
    until_s: float | None = None
    progress: Progress | None = None

    @property
    def left_s(self) -> float | None:
        """Seconds left, None = any number."""
        return None if self.until_s is None else max(self.until_s - time.monotonic(), 0.0)


class _Search:
    """A choice and a limit that only get better."""

    def __init__(self, savings: Savings, p: int, budget: Budget) -> None:
        self.savings, self.p, self.budget = savings, p, budget
        self.chosen, self.value = np.arange(min(p, len(savings.site))), -1.0
        self.bound = float(savings.top.sum())
        self.is_whole = bool(savings.is_flat and (savings.top == np.rint(savings.top)).all())

    def offer(self, chosen: IntArray) -> None:
        """Take a choice if it saves more."""
        value = value_of(self.savings, chosen)
        if value > self.value:
            self.chosen, self.value = chosen, value
        self.lower(self.bound)

    def lower(self, bound: float) -> None:
        """Take a limit if it is lower; rounding may not bring it below the value."""
        if self.is_whole and math.isfinite(bound):
            bound = math.floor(bound + 1e-6 * max(1.0, abs(bound) * 1e-6))
        self.bound = max(min(bound, self.bound), self.value)
        if self.budget.progress:
            self.budget.progress(self.value, self.bound)

    @property
    def is_done(self) -> bool:
        """Whether value and limit are near enough, or the time is over."""
        near = self.bound - self.value <= max(self.budget.gap, PROVEN) * abs(self.value)
        return near or self.budget.left_s == 0.0

    def drop(self, price: FloatArray, limit: float) -> None:
        """Leave out sites that no better choice can hold: with them the limit falls below the value."""
        have = worth(self.savings, price)
        last = np.sort(have)[-self.p]
        kept = np.flatnonzero(limit + np.minimum(have - last, 0) >= self.value * (1 - PROVEN))
        kept = np.union1d(kept, self.chosen)
        if len(kept) < len(self.savings.site):
            self.chosen = np.searchsorted(kept, self.chosen)
            self.savings = keep_sites(self.savings, kept)


def choose_sites(
    value: csr_array, metres: csr_array, p: int, *, is_flat: bool, budget: Budget
) -> tuple[IntArray, float]:
    """Choose p sites that save most together.

    Parameters
    ----------
    value
        Shape (n_row, n_site), savings >= 0.
    metres
        Same shape, metres of every saving.

    Returns
    -------
    sites, bound
        Columns, p of them (the lowest ones where the choice is free), and the proven limit of what p sites save.
    """
    search = _Search(make_savings(value, is_flat=is_flat), p, budget)
    _run(search, metres)
    sites = search.savings.site[search.chosen]
    spare = np.setdiff1d(np.arange(value.shape[1]), sites)[: p - len(sites)]
    return np.concatenate([sites, spare]), search.bound


def _run(search: _Search, metres: csr_array) -> None:
    """Stage by stage, until value and limit meet."""
    if search.p >= len(search.savings.site):
        search.offer(np.arange(len(search.savings.site)))
        search.lower(search.value)
        return
    search.offer(interchange(search.savings, greedy(search.savings, search.p)[0]))
    if search.is_done:
        return
    limit, price = price_rows(search.savings, search.p, search.value)
    search.lower(limit)
    if search.savings.is_flat and not search.is_done:
        search.offer(interchange(search.savings, anneal(search.savings, search.chosen)))
    if search.is_done:
        return
    search.drop(price, limit)
    relaxed = _tighten(search, metres) if search.savings.is_flat else None
    if search.is_done or len(search.savings.row_site) > EXACT_ENTRIES:
        return
    cuts = relaxed.cuts if relaxed else ()
    found, bound = search_savings(search.savings, search.p, search.chosen, cuts=cuts, time_limit_s=search.budget.left_s)
    search.offer(found)
    search.lower(bound)


def _tighten(search: _Search, metres: csr_array) -> Relaxed | None:
    """Lower the limit by cuts, and anneal in between among the sites that the tightened relaxation uses."""
    savings = search.savings
    if len(savings.row_site) > RELAX_ENTRIES:
        return None
    now = None
    for turn, now in enumerate(tighten(savings, savings.metres(metres), search.p, rounds=ROUNDS)):
        search.lower(now.bound)
        if search.is_done:
            break
        for found in _anneal_used(search, now.x, turn) if turn else []:
            search.offer(found)
        if search.is_done:
            break
    return now


def _anneal_used(search: _Search, x: FloatArray, turn: int) -> list[IntArray]:
    """Anneal with several random numbers, one a thread, among sites with a fraction worth the name."""
    kept = np.union1d(np.flatnonzero(x >= USED), search.chosen)
    part, start = keep_sites(search.savings, kept), np.searchsorted(kept, search.chosen)

    def work(first: int, stop: int) -> list[IntArray]:
        return [anneal(part, start, seed=SEED + 1 + turn * SEEDS + seed, effort=SHORT) for seed in range(first, stop)]

    rounds = in_threads(work, SEEDS, least=1)
    return [interchange(search.savings, kept[chosen]) for several in rounds for chosen in several]
