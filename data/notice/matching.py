"""Which grid goes on as which: by code, then one to one by most households that stay."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment


def match_grids(units: pd.DataFrame) -> dict[str, str]:
    """Match new grids with old ones: new code to old code.

    A new grid with the code of an old one is that one. The others are matched within each community so that most
    households stay; one that keeps nobody is matched with none.

    Parameters
    ----------
    units
        Columns community, households, before, after (None without).
    """
    known = units[units["before"].notna() & units["after"].notna()]
    kept = set(known["before"]) & set(known["after"])
    found = {code: code for code in kept}
    rest = known[~known["before"].isin(kept) & ~known["after"].isin(kept)]
    for _, rows in rest.groupby("community", sort=True):
        new, news = pd.factorize(rows["after"], sort=True)
        old, olds = pd.factorize(rows["before"], sort=True)
        shared = np.zeros((len(news), len(olds)))
        np.add.at(shared, (new, old), rows["households"].to_numpy(dtype=float))
        pairs = zip(*linear_sum_assignment(-shared), strict=True)
        found |= {str(news[int(n)]): str(olds[int(o)]) for n, o in pairs if shared[n, o] > 0}
    return found
