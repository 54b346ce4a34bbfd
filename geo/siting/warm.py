"""Compile the siting kernels ahead of time: `python -m geo.siting.warm` leaves them on disk for later processes."""

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from geo.siting import SitingModel, siting_problem, solve_siting
from geo.siting.lagrange import price_rows
from geo.siting.savings import make_savings
from geo.siting.search import anneal, greedy, interchange, saved, value_of
from geo.siting.windows import draw_windows, find_cuts


def warm() -> None:
    """Solve a small town by every model, and take the steps that only cities need."""
    rng = np.random.default_rng(0)
    metres = cdist(rng.uniform(0, 3000, (400, 2)), rng.uniform(0, 3000, (60, 2)))
    problem = siting_problem(csr_array(metres), rng.uniform(1, 9, 400), radius_m=400)
    for model in SitingModel:
        solve_siting(problem, model=model, p=None if model is SitingModel.LSCP else 6)
    for is_flat in (False, True):
        savings = make_savings(csr_array(np.maximum(400 - metres, 0)), is_flat=is_flat)
        chosen = anneal(savings, interchange(savings, greedy(savings, 6)[0]), effort=0.01)
        _, price = price_rows(savings, 6, value_of(savings, chosen), steps=2)
    is_open = np.isin(np.arange(60), chosen)
    windows = draw_windows(savings, rng.random(len(savings.row_site)), price, 4, 0)
    find_cuts(windows, is_open.astype(np.float64), saved(savings, is_open))


if __name__ == "__main__":
    warm()
