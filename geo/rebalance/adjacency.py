"""Which units are neighbours: a shared border, a street between, a Delaunay edge between points, or a marked bridge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError

from geo.rebalance.borders import shared_borders
from geo.rebalance.problem import BoolArray, FloatArray, IntArray
from geo.rebalance.streets import close_streets
from geo.rebalance.sums import sum_by
from geo.rebalance.units import Units

MIN_BORDER_M = 1.0
FLAT_RAD = 1e-4
FENCE, LEAST_REACH = 1.5, 2.0
"""Edges between points beyond this many interquartile ranges, and this many medians, are jumps."""
NO_PAIRS = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Neighbours:
    """Pairs of neighbouring units of one community, each once, and the ground of the units.

    Attributes
    ----------
    pairs, border_m
        Shapes (n_pair, 2) and (n_pair,). Row positions; metres of border, shared, beside each other or midway in a
        street; 1 for points.
    touch_m
        Shape (n_pair,). Metres of it that are shared; 0 where the two do not touch.
    is_cut
        Shape (n_pair,). Whether a barrier crosses the straight line between the two inside points.
    area_m2, perimeter_m
        Shape (n_unit,). Of each unit with its half of the streets around it; of points 1 and the number of neighbours.
    """

    pairs: IntArray
    border_m: FloatArray
    touch_m: FloatArray
    is_cut: BoolArray
    area_m2: FloatArray
    perimeter_m: FloatArray


def find_neighbours(units: Units, barriers: npt.NDArray[np.object_], *, reach_m: float | None = None) -> Neighbours:
    """Find the neighbours inside each community.

    Units are neighbours when they share at least 1 m of border or run beside each other within `hairs.HAIR_M` over at
    least `borders.LEAST_BESIDE_M`, or where that does not connect all units of the community, when they face each other
    over at least 1 m across a gap of at most `streets.GAP_M` (points: an edge of the community's Delaunay
    triangulation, coincident points in a star). A pair is cut when the straight line between the two units'
    inside points (`units.inside_m`) touches a barrier; barriers are in the metric CRS of the units. Points farther
    apart than `reach_m` are no neighbours; where it is not given, each community's own edges say what is far: more
    than one and a half interquartile ranges above the third quartile, and more than twice the median.

    References
    ----------
    Tukey, J. W. (1977). Exploratory Data Analysis. Addison-Wesley, section 2C (outer values beyond the fences).
    """
    if units.is_point:
        pairs = _point_pairs(units)
        pairs = pairs[_is_near(units, pairs, reach_m)]
        one = np.ones(len(pairs))
        count = len(units.households)
        degree = np.bincount(pairs.ravel(), minlength=count).astype(float)
        return Neighbours(pairs, one, one, crosses(units, barriers, pairs), np.ones(count), degree)
    return _polygon_neighbours(units, barriers)


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


def _polygon_neighbours(units: Units, barriers: npt.NDArray[np.object_]) -> Neighbours:
    """Pairs that touch, and where not all of a community's units do, pairs across a street."""
    count = len(units.households)
    found = shared_borders(units.geom_m, units.community)
    is_border = found.border_m >= MIN_BORDER_M
    touching, touch_m = found.pairs[is_border], found.touch_m[is_border]
    home, piece_count = np.unique(_community_of_pieces(units, touching), return_counts=True)
    streets = close_streets(units.geom_m, units.community, home[piece_count > 1])
    pairs, number = np.unique(np.vstack([touching, streets.pairs]), axis=0, return_inverse=True)
    touch_m = np.r_[np.where(touch_m >= MIN_BORDER_M, touch_m, 0), np.zeros(len(streets.pairs))]
    border_m = np.r_[found.border_m[is_border], streets.border_m]
    touch_m, border_m = (sum_by(number.ravel(), values, len(pairs)) for values in (touch_m, border_m))
    perimeter_m = shapely.length(units.geom_m) + streets.outer_m
    perimeter_m += sum_by(streets.pairs.ravel(), np.repeat(streets.border_m, 2), count)
    perimeter_m = np.maximum(perimeter_m, sum_by(pairs.ravel(), np.repeat(border_m, 2), count))  # rounded corners
    kept = border_m >= MIN_BORDER_M
    pairs = pairs[kept]
    is_cut = crosses(units, barriers, pairs)
    area_m2 = shapely.area(units.geom_m) + streets.area_m2
    return Neighbours(pairs, border_m[kept], touch_m[kept], is_cut, area_m2, perimeter_m)


def _community_of_pieces(units: Units, pairs: IntArray) -> IntArray:
    """The community of every part of units that touch."""
    _, first = np.unique(components(len(units.households), pairs), return_index=True)
    return units.community[first]


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


def _is_near(units: Units, pairs: IntArray, reach_m: float | None) -> BoolArray:
    """Which edges between points are within reach: the one given, or what is usual in their community."""
    length_m = shapely.distance(units.geom_m[pairs[:, 0]], units.geom_m[pairs[:, 1]])
    if reach_m is not None:
        return np.asarray(length_m <= reach_m)
    is_near = np.ones(len(pairs), dtype=bool)
    community = units.community[pairs[:, 0]]
    for number in np.unique(community[length_m > 0]):
        own = community == number
        low, middle, high = np.quantile(length_m[own & (length_m > 0)], [0.25, 0.5, 0.75])
        is_near[own] = length_m[own] <= max(high + FENCE * (high - low), LEAST_REACH * middle)
    return is_near


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
