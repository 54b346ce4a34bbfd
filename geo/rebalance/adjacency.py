"""Which units are neighbours: a shared border, a Delaunay edge between points, or a marked bridge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError

from geo.rebalance.borders import shared_borders
from geo.rebalance.problem import BoolArray, FloatArray, IntArray
from geo.rebalance.units import Units

MIN_BORDER_M = 1.0
FLAT_RAD = 1e-4
NO_PAIRS = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Neighbours:
    """Pairs of neighbouring units of one community, each once.

    Attributes
    ----------
    pairs, border_m
        Shapes (n_pair, 2) and (n_pair,). Row positions; metres of shared border, or 1 for points.
    is_cut
        Shape (n_pair,). Whether a barrier crosses the straight line between the two inside points.
    """

    pairs: IntArray
    border_m: FloatArray
    is_cut: BoolArray


def find_neighbours(units: Units, barriers: npt.NDArray[np.object_], *, reach_m: float | None = None) -> Neighbours:
    """Find the neighbours inside each community.

    Units are neighbours when they share at least 1 m of border (points: an edge of the community's Delaunay
    triangulation, coincident points in a star). A pair is cut when the straight line between the two units'
    inside points (`units.inside_m`) touches a barrier; barriers are in the metric CRS of the units. Points farther
    apart than `reach_m`, where given, are no neighbours.
    """
    if units.is_point:
        pairs = _point_pairs(units)
        if reach_m is not None:
            gap_m = shapely.distance(units.geom_m[pairs[:, 0]], units.geom_m[pairs[:, 1]])
            pairs = pairs[gap_m <= reach_m]
        border_m = np.ones(len(pairs))
    else:
        pairs, border_m = _polygon_pairs(units)
    return Neighbours(pairs, border_m, crosses(units, barriers, pairs))


def crosses(units: Units, barriers: npt.NDArray[np.object_], pairs: IntArray) -> BoolArray:
    """Tell which straight lines between the units' inside points touch a barrier."""
    cut = np.zeros(len(pairs), dtype=bool)
    if len(barriers) and len(pairs):
        ends = np.stack([shapely.get_coordinates(units.inside_m[pairs[:, k]]) for k in (0, 1)], axis=1)
        hit = shapely.STRtree(barriers).query(shapely.linestrings(ends), predicate="intersects")[0]
        cut[hit] = True
    return cut


def components(count: int, pairs: IntArray) -> IntArray:
    """Number the connected components of a graph; shape (count,)."""
    graph = coo_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), (count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def connect(part: IntArray, pairs: IntArray) -> IntArray:
    """Number the connected components of the parts of a graph, from 0 without gaps; shape (n,) as `part`."""
    return components(len(part), pairs[part[pairs[:, 0]] == part[pairs[:, 1]]])


def _polygon_pairs(units: Units) -> tuple[IntArray, FloatArray]:
    """Pairs that share a border of at least 1 m, and its length."""
    pairs, border_m = shared_borders(units.geom_m, units.community)
    shared = border_m >= MIN_BORDER_M
    return pairs[shared], border_m[shared]


def _point_pairs(units: Units) -> IntArray:
    """Delaunay edges of each community's points; every coincident point hangs on the first one there."""
    xy = shapely.get_coordinates(units.geom_m)
    found = [NO_PAIRS]
    for community in range(len(units.communities)):
        index = np.flatnonzero(units.community == community)
        spots, first, spot = np.unique(xy[index], axis=0, return_index=True, return_inverse=True)
        chained = first[spot.ravel()] != np.arange(len(index))
        found.append(np.c_[index[first[spot.ravel()[chained]]], index[chained]])
        found.append(index[first][_triangulate(spots)])
    pairs = np.unique(np.sort(np.vstack(found), axis=1), axis=0)
    return pairs.astype(np.int64)


def _triangulate(spots: FloatArray) -> IntArray:
    """Edges of the Delaunay triangulation; all pairs of three points or fewer, a chain where all lie on a line."""
    if len(spots) <= 3:
        return np.array([(i, j) for i in range(len(spots)) for j in range(i)], dtype=np.int64).reshape(-1, 2)
    try:
        triangles = Delaunay(spots).simplices
    except QhullError:  # collinear: sorted by x, then y, neighbours in the order are neighbours on the line
        return np.stack([np.arange(len(spots) - 1), np.arange(1, len(spots))], axis=1)
    corners = spots[triangles]
    edges, angles = [], []
    for apex, left, right in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        u, v = corners[:, left] - corners[:, apex], corners[:, right] - corners[:, apex]
        angles.append(np.arctan2(np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]), (u * v).sum(axis=1)))
        edges.append(np.sort(triangles[:, [left, right]], axis=1))
    found, number = np.unique(np.vstack(edges), axis=0, return_inverse=True)
    # an edge whose two opposite angles sum to 180 degrees (a diagonal of a rectangle, a sliver on the hull) hangs
    # on rounding and on the projection; without these the shortest spanning tree, so the connection, remains
    is_sure = np.bincount(number.ravel(), np.concatenate(angles)) < np.pi - FLAT_RAD
    sure: IntArray = found[is_sure].astype(np.int64)
    return sure
