"""Hexagonal cells: the one module that speaks to h3, which takes latitude before longitude."""

from collections.abc import Iterable
from dataclasses import dataclass

import h3
import numpy as np
import scipy.sparse as sp
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


@dataclass(frozen=True)
class Tiling:
    """An area in cells.

    Attributes
    ----------
    ids
        H3 index of each cell, in order.
    neighbours
        Shape (n, n), 1 where two of the cells share an edge.
    geoms
        The cells' outlines, (lon, lat).
    """

    ids: tuple[str, ...]
    neighbours: sp.csr_array
    geoms: GeometryArray


def tiling_of(area: shapely.Geometry, ids: Iterable[str] = (), *, resolution: int = RESOLUTION) -> Tiling:
    """Lay cells over an area: those whose middle is inside, and further ones that are named.

    Parameters
    ----------
    area
        Polygon or multipolygon, (lon, lat).
    ids
        Cells of the same resolution that belong to it too, such as those of points at its edge.
    """
    parts = [one for one in shapely.get_parts(area) if isinstance(one, shapely.Polygon) and not one.is_empty]
    inside = {cell for part in parts for cell in h3.polygon_to_cells(h3.geo_to_h3shape(part), resolution)}
    known = sorted(inside | set(ids))
    number = {cell: at for at, cell in enumerate(known)}
    pairs = [
        (at, number[other]) for cell, at in number.items() for other in h3.grid_ring(cell, 1) if other in number
    ]  # fmt: skip
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    neighbours = sp.csr_array((np.ones(len(pairs)), (rows, columns)), shape=(len(known), len(known)))
    outlines = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(one)]) for one in known]
    return Tiling(tuple(known), neighbours, np.array(outlines, dtype=object))
