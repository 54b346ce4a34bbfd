"""Streets between units: the ground between them is shared out, so that lots face each other across a street.

Parcels and blocks are often drawn without the streets. A grid then looks like a heap of islands: whether two blocks
face each other over 120 m or meet at a corner makes no difference to its outline. So the gaps are closed: every spot
between units, up to 40 m from side to side, goes to the nearest unit. What that makes of areas, outlines and borders
follows from the Delaunay triangles of points along the outlines; no geometry is cut.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import Delaunay, QhullError

from geo.rebalance.hairs import HAIR_M
from geo.rebalance.problem import BoolArray, FloatArray, IntArray
from geo.rebalance.sums import sum_by

GAP_M = 40.0
"""The widest street across which units face each other."""
STEP_M = 5.0
"""Spacing of the points along an outline."""
ROUNDING = 1e-6


@dataclass(frozen=True)
class Streets:
    """What closing the gaps adds to the units.

    Attributes
    ----------
    pairs, border_m
        Shapes (n_pair, 2) and (n_pair,). Pairs a < b that meet in a gap, each once, and the length of the line midway.
    area_m2
        Shape (n_unit,). Ground that each unit gains.
    outer_m
        Shape (n_unit,). By how much its outline towards the outside grows: what closes the ends of a street less what
        lies along it.
    """

    pairs: IntArray
    border_m: FloatArray
    area_m2: FloatArray
    outer_m: FloatArray


@dataclass(frozen=True)
class _Edges:
    """Edges of the triangles in the gaps, each as often as it has such triangles.

    Attributes
    ----------
    ends
        Shape (n_edge, 2). The units at its two ends.
    length_m, half_m
        Its length, and the part of the line midway between its ends that lies towards the triangle.
    outer_m
        What it adds to the outline towards the outside: its length where it closes a gap, less it where it lies on a
        unit's outline, nothing between two triangles.
    """

    ends: IntArray
    length_m: FloatArray
    half_m: FloatArray
    outer_m: FloatArray


def close_streets(geom_m: npt.NDArray[np.object_], group: IntArray, chosen: IntArray) -> Streets:
    """Share out the gaps between the polygons of some groups.

    A spot is in a gap where no circle 40 m wide that covers it is free of the group's units (the closing of
    mathematical morphology; of points along the outlines it is the union of the Delaunay triangles whose circumcircle
    is no wider). The border of two units in a gap is their Voronoi edge there: from each triangle half its edge times
    the cotangent of the angle opposite.

    Parameters
    ----------
    geom_m, group
        Shape (n_unit,). Valid polygons in metres, and the group of each.
    chosen
        The groups whose gaps are closed.

    References
    ----------
    Edelsbrunner, H., Kirkpatrick, D. G., Seidel, R. (1983). On the shape of a set of points in the plane. IEEE
    Transactions on Information Theory 29(4), 551-559.
    """
    if len(chosen):
        shapely.prepare(geom_m)
    tree = shapely.STRtree(geom_m if len(chosen) else [])
    found = [_edges(geom_m, np.flatnonzero(group == number), tree) for number in chosen.tolist()]
    ends = np.vstack([np.empty((0, 2), dtype=np.int64), *(edges.ends for edges in found)])
    length_m, half_m, outer_m = (
        np.concatenate([np.empty(0), *(getattr(edges, name) for edges in found)])
        for name in ("length_m", "half_m", "outer_m")
    )
    between = ends[:, 0] != ends[:, 1]
    pairs, number = np.unique(np.sort(ends[between], axis=1), axis=0, return_inverse=True)
    both = ends.T.ravel()
    return Streets(
        pairs=pairs.reshape(-1, 2),
        border_m=np.maximum(sum_by(number.ravel(), half_m[between], len(pairs)), 0),
        area_m2=sum_by(both, np.tile(half_m * length_m / 4, 2), len(geom_m)),
        outer_m=sum_by(both, np.tile(outer_m / 2, 2), len(geom_m)),
    )


def _edges(geom_m: npt.NDArray[np.object_], index: IntArray, tree: shapely.STRtree) -> _Edges:
    """Edges of one group's triangles in gaps; `tree` holds the units of all groups."""
    xy_m, owner = _outline_points(geom_m[index])
    try:
        mesh = Delaunay(xy_m - xy_m[:1])
    except (QhullError, ValueError):  # of polygons that lie on each other hardly any outline is free
        return _Edges(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0), np.empty(0))
    corners = mesh.simplices.astype(np.int64)
    sides_m = xy_m[corners[:, [2, 0, 1]]] - xy_m[corners[:, [1, 2, 0]]]
    in_gap = _in_gap(xy_m, corners, sides_m, tree)
    sides_m, corners = sides_m[in_gap], corners[in_gap]
    following, before = np.roll(sides_m, -1, axis=1), np.roll(sides_m, 1, axis=1)
    cotangent = -(following * before).sum(axis=2) / np.abs(_cross(following, before))
    length_m = np.hypot(sides_m[:, :, 0], sides_m[:, :, 1]).ravel()
    tips = np.stack([corners[:, [1, 2, 0]].ravel(), corners[:, [2, 0, 1]].ravel()], axis=1)
    is_rim = ~np.r_[in_gap, False][mesh.neighbors[in_gap]].ravel()
    outer_m = np.where(is_rim, length_m, 0.0)
    ends = index[owner[tips]]
    middle = shapely.points(xy_m[tips[is_rim]].mean(axis=1))
    off_m = shapely.distance(geom_m[ends[is_rim]], middle[:, None]).min(axis=1)
    outer_m[is_rim] *= np.where(off_m < length_m[is_rim] / 4, -1, 1)  # from side to side it would be half the length
    return _Edges(ends, length_m, length_m * cotangent.ravel() / 2, outer_m)


def _outline_points(geom_m: npt.NDArray[np.object_]) -> tuple[FloatArray, IntArray]:
    """Points along those parts of the outlines beside which no other unit's outline runs, and whose they are."""
    parts, of_part = shapely.get_parts(geom_m, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy_m, ring = shapely.get_coordinates(shapely.segmentize(rings, STEP_M), return_index=True)
    is_first = np.r_[True, ring[1:] != ring[:-1]]  # the first point of a ring is its last one too
    xy_m, owner = xy_m[~is_first], of_part[of_ring[ring[~is_first]]]
    unit, point = shapely.STRtree(shapely.points(xy_m)).query(geom_m, predicate="dwithin", distance=HAIR_M)
    is_free = np.ones(len(xy_m), dtype=bool)
    is_free[point[owner[point] != unit]] = False
    return xy_m[is_free], owner[is_free]


def _in_gap(xy_m: FloatArray, corners: IntArray, sides_m: FloatArray, tree: shapely.STRtree) -> BoolArray:
    """Which triangles lie in a gap: their circumcircle is narrow enough, and their middle in no unit."""
    twice_m2 = np.abs(_cross(sides_m[:, 0], sides_m[:, 1]))
    product_m3 = np.hypot(sides_m[:, :, 0], sides_m[:, :, 1]).prod(axis=1)
    found: BoolArray = product_m3 <= GAP_M * (1 + ROUNDING) * twice_m2  # a diameter is product / twice the area
    middle = shapely.points(xy_m[corners[found]].mean(axis=1))
    point, unit = tree.query(middle)
    in_unit = np.zeros(len(middle), dtype=bool)
    in_unit[point[shapely.intersects(tree.geometries[unit], middle[point])]] = True
    found[found] = ~in_unit
    return found


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product of vectors in the plane."""
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
