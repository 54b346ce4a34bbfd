"""Which grid goes on as which: by code, then one to one by most households that stay."""

import numpy as np
import pandas as pd

from geo import assignment


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
    (new, news), (old, olds), (community, _) = (
        pd.factorize(rest[name], sort=True) for name in ("after", "before", "community")
    )
    pairs = assignment.match_grids(community, rest["households"].to_numpy(dtype=np.int64), new, old)
    return found | {str(news[n]): str(olds[o]) for n, o in pairs.items()}
