"""Hexagonal cells: the one module that speaks to h3, which takes latitude before longitude."""

from dataclasses import dataclass

import h3
import numpy as np
import shapely

from geo.arrays import FloatArray, GeometryArray, IntArray
from geo.errors import InvalidInputError

RESOLUTION = 9
"""H3 resolution used unless another is asked for: a cell of about 0.1 km², 200 m from its middle to a corner."""
COARSEST, FINEST = 5, 12


@dataclass(frozen=True)
class Cells:
    """The cells that points lie in.

    Attributes
    ----------
    ids
        H3 index of each cell, in order.
    group
        Shape (n_point,), which of `ids` each point lies in; -1 without a place.
    geoms
        The cells' outlines, (lon, lat).
    resolution
        H3 resolution, 0-15.
    """

    ids: tuple[str, ...]
    group: IntArray
    geoms: GeometryArray
    resolution: int


def cells_of(lon_lat: FloatArray, *, resolution: int = RESOLUTION) -> Cells:
    """Find the cell of every point.

    Parameters
    ----------
    lon_lat
        Shape (n, 2), degrees; NaN = no place.
    resolution
        5 to 12.

    Raises
    ------
    InvalidInputError
        If the resolution is out of range.
    """
    if not COARSEST <= resolution <= FINEST:
        raise InvalidInputError(f"the H3 resolution is {resolution}; it must be {COARSEST} to {FINEST}")
    rows = np.flatnonzero(np.isfinite(lon_lat).all(axis=1))
    found = [h3.latlng_to_cell(lat, lon, resolution) for lon, lat in lon_lat[rows].tolist()]
    ids, number = np.unique(np.array(found, dtype=str), return_inverse=True)
    group = np.full(len(lon_lat), -1, dtype=np.int64)
    group[rows] = number
    outlines = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(one)]) for one in ids.tolist()]
    return Cells(tuple(ids.tolist()), group, np.array(outlines, dtype=object), resolution)
