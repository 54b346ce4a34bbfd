"""Which street lines may be walked."""

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.arrays import BoolArray
from geo.errors import InvalidInputError

CLASS_COLUMNS = ("class", "highway", "fclass", "kind_detail", "kind", "railway")
"""Where street files keep the class: ours, OpenStreetMap's, Geofabrik's, Tilezen's (two columns), OSM rail."""

UNWALKABLE_CLASSES = frozenset(
    {
        "expressway", "motorway", "motorway_link", "trunk", "trunk_link", "raceway", "bus_guideway", "busway",
        "construction", "proposed", "abandoned", "rail", "railway", "subway", "light_rail", "narrow_gauge", "tram",
        "monorail", "funicular", "ferry", "aerialway", "river", "canal",
        "快速路", "高速公路", "高速", "铁路", "地铁", "轨道交通",
    }
)  # fmt: skip
"""Classes without a way on foot. A trunk road in a Chinese city is a closed 快速路."""

_YES = frozenset({"1", "true", "yes", "y", "t", "是", "1.0"})
_NO = frozenset({"0", "false", "no", "n", "f", "否", "0.0"})


def walkable_streets(streets: gpd.GeoDataFrame) -> BoolArray:
    """Tell which lines of a street layer may be walked.

    A column `is_walkable` decides where it says yes or no; elsewhere `foot` = no and a class of
    `UNWALKABLE_CLASSES` in any of `CLASS_COLUMNS` forbid it; a line that says nothing is walkable.

    Parameters
    ----------
    streets
        Street lines with whatever columns they have. Column names are compared without case.

    Returns
    -------
    is_walkable
        Shape (n_street,).

    Raises
    ------
    InvalidInputError
        If `is_walkable` holds a value that is neither yes, no nor empty; the message names the row.
    """
    columns = {str(name).lower(): name for name in streets.columns}
    walkable = np.ones(len(streets), dtype=bool)
    for name in CLASS_COLUMNS:
        if name in columns:
            walkable &= ~_words(streets[columns[name]]).isin(UNWALKABLE_CLASSES).to_numpy()
    if "foot" in columns:
        walkable &= ~_words(streets[columns["foot"]]).isin(_NO).to_numpy()
    if "is_walkable" in columns:
        said = _words(streets[columns["is_walkable"]])
        yes, no = said.isin(_YES).to_numpy(), said.isin(_NO).to_numpy()
        odd = np.flatnonzero(~yes & ~no & (said != "").to_numpy())
        if len(odd):
            raise InvalidInputError(
                f"streets row {odd[0]}, is_walkable: {said.iloc[odd[0]]}; it must be true, false or empty"
            )
        walkable = np.where(yes, True, np.where(no, False, walkable))
    return walkable


def _words(column: pd.Series) -> pd.Series:
    """Read any column as lower-case words; nothing is the empty word."""
    return column.astype(object).where(column.notna(), "").astype(str).str.strip().str.lower()
