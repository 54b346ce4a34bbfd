"""Any assignment of units to grids, measured, drawn, and matched with another one."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray
from geo.projection import to_metric
from geo.rebalance.adjacency import components
from geo.rebalance.sums import sum_by


@dataclass(frozen=True)
class Ground:
    """Units with the lots around them and their neighbours.

    Attributes
    ----------
    households, community
        Shape (n_unit,). Households, and the number of the unit's community.
    lots
        Shape (n_unit,). EPSG:4326.
    pairs, border_m, is_open
        Neighbouring units by position, metres of common border, and whether a grid may connect across it.
    """

    households: IntArray
    community: IntArray
    lots: GeometryArray
    pairs: IntArray
    border_m: FloatArray
    is_open: BoolArray


@dataclass(frozen=True)
class GridFigures:
    """Figures of grids, each of shape (n_grid,).

    Attributes
    ----------
    compactness
        Polsby-Popper ratio, 0-1; 0 of a grid without units.
    pieces
        Connected parts; 1 of a connected grid.
    """

    units: IntArray
    households: IntArray
    compactness: FloatArray
    pieces: IntArray


def measure(ground: Ground, grid: IntArray, count: int) -> GridFigures:
    """Measure the grids of an assignment.

    Parameters
    ----------
    grid
        Shape (n_unit,). Number of each unit's grid, -1 where it has none.
    count
        Number of grids.
    """
    has = grid >= 0
    ends = grid[ground.pairs]
    inner = (ends[:, 0] == ends[:, 1]) & (ends[:, 0] >= 0)
    lots_m = _metric(ground.lots)
    area_m2 = sum_by(grid[has], shapely.area(lots_m)[has], count)
    perimeter_m = sum_by(grid[has], shapely.length(lots_m)[has], count)
    perimeter_m -= 2 * sum_by(ends[inner, 0], ground.border_m[inner], count)
    part = components(len(grid), ground.pairs[inner & ground.is_open]) if len(grid) else grid
    pieces = np.unique(np.c_[grid[has], part[has]], axis=0)[:, 0]
    return GridFigures(
        units=np.bincount(grid[has], minlength=count),
        households=sum_by(grid[has], ground.households[has].astype(float), count).round().astype(np.int64),
        compactness=np.minimum(4 * np.pi * area_m2 / np.maximum(perimeter_m, 1e-9) ** 2, 1.0),
        pieces=np.bincount(pieces, minlength=count),
    )


def _metric(lots: GeometryArray) -> GeometryArray:
    """Bring lots into their metric CRS."""
    if not len(lots):
        return lots
    found: GeometryArray = to_metric(gpd.GeoDataFrame(geometry=lots, crs=4326)).geometry.to_numpy()
    return found


def outlines(ground: Ground, grid: IntArray, count: int) -> GeometryArray:
    """Merge the lots of each grid; empty polygons for grids without units."""
    order = np.argsort(grid, kind="stable")
    bounds = np.searchsorted(grid[order], np.arange(count + 1))
    lots = ground.lots[order]
    merged = [shapely.coverage_union_all(lots[bounds[one] : bounds[one + 1]]) for one in range(count)]
    return np.array([shapely.MultiPolygon() if shapely.is_empty(one) else one for one in merged], dtype=object)


def match_grids(community: IntArray, households: IntArray, new: IntArray, old: IntArray) -> dict[int, int]:
    """Match new grids with old ones, one to one in each community, so that most households stay: new to old.

    Parameters
    ----------
    community, households, new, old
        Shape (n_unit,). Of each unit; -1 where it has no new or no old grid.
    """
    known = (new >= 0) & (old >= 0)
    found: dict[int, int] = {}
    for one in np.unique(community[known]):
        rows = np.flatnonzero(known & (community == one))
        news, row = np.unique(new[rows], return_inverse=True)
        olds, column = np.unique(old[rows], return_inverse=True)
        shared = np.zeros((len(news), len(olds)))
        np.add.at(shared, (row, column), households[rows])
        pairs = zip(*linear_sum_assignment(-shared), strict=True)
        found |= {int(news[a]): int(olds[b]) for a, b in pairs if shared[a, b] > 0}
    return found
