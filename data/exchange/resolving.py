"""Hold an uploaded plan against the units that there are."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import BadInputError
from data.exchange.reading import UploadedPlan
from data.imports.faults import short


@dataclass(frozen=True)
class Assignment:
    """Which grid each unit of an area is in.

    Attributes
    ----------
    grids, communities
        Codes of the grids that have units, in order, and of the community each lies in.
    grid_of_unit
        Shape (n_unit,). Position in `grids`, -1 where a unit has no grid yet.
    """

    grids: tuple[str, ...]
    communities: tuple[str, ...]
    grid_of_unit: npt.NDArray[np.int64]


def resolve(units: gpd.GeoDataFrame, uploaded: UploadedPlan, *, within: str) -> Assignment:
    """Find every row's unit, and every unit's row.

    Parameters
    ----------
    units
        All units of the area that lie in a community: columns code, community.
    within
        Code of the area, for messages.

    Raises
    ------
    BadInputError
        If a row's unit is not of the area, a unit of the area has no row, or a grid has units of two communities.
    """
    position = pd.Index(units["code"]).get_indexer(pd.Index(uploaded.unit))
    unknown = np.flatnonzero(position < 0)
    if len(unknown):
        more = f", nor {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise BadInputError(
            f"{uploaded.title}, row {uploaded.rows[unknown[0]]}, unit: {short(uploaded.unit[unknown[0]])} is no unit "
            f"of {within}{more}"
        )
    lacking = np.setdiff1d(np.arange(len(units)), position)
    if len(lacking):
        raise BadInputError(
            f"{uploaded.title} lacks {len(lacking)} of the {len(units)} units of {within}, the first is "
            f"{units['code'].iloc[lacking[0]]}; give every unit, with an empty grid where it has none"
        )
    grid = np.empty(len(units), dtype=object)
    grid[position] = uploaded.grid
    number, codes = pd.factorize(grid, use_na_sentinel=True)
    order = np.argsort(codes.astype(str), kind="stable") if len(codes) else np.empty(0, dtype=np.int64)
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes))
    number = np.where(number >= 0, rank[number] if len(codes) else -1, -1).astype(np.int64)
    names = tuple(str(codes[at]) for at in order)
    return Assignment(names, _communities(units, uploaded, number, names, position), number)


def _communities(
    units: gpd.GeoDataFrame, uploaded: UploadedPlan, number: npt.NDArray[np.int64], names: tuple[str, ...],
    position: npt.NDArray[np.intp],
) -> tuple[str, ...]:  # fmt: skip
    """Give the community of each grid; a grid lies in one."""
    community = units["community"].to_numpy(dtype=object)
    found: list[str | None] = [None] * len(names)
    for row, at in zip(uploaded.rows.tolist(), position.tolist(), strict=True):
        grid = int(number[at])
        if grid < 0:
            continue
        if found[grid] is None:
            found[grid] = community[at]
        elif found[grid] != community[at]:
            raise BadInputError(
                f"{uploaded.title}, row {row}, grid: {short(names[grid])} has units of {found[grid]} and of "
                f"{community[at]}; a grid lies in one community"
            )
    return tuple(str(one) for one in found)
