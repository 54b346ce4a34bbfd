"""Shared borders of polygons: by equal segments where the vertices coincide, by intersection where they may not.

Two polygons that are drawn with the same vertices share whole segments, which sorting finds at a small part of the cost
of intersecting them. A border whose vertices differ leaves segments without a twin on both sides, and polygons that
overlap lie on the same side of a segment: only such polygons are intersected. What no other polygon has may run beside
another's outline (`hairs`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.rebalance.hairs import Segments, beside
from geo.rebalance.problem import BoolArray, FloatArray, IntArray
from geo.rebalance.sums import sum_by

SPREAD = np.uint64(0x9E3779B97F4A7C15)
FOLD = np.uint64(0xBF58476D1CE4E5B9)
LEAST_BESIDE_M = 3.0
"""Outlines that part at a corner run beside each other for half a metre or two."""
Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Borders:
    """Pairs of polygons with a common border.

    Attributes
    ----------
    pairs
        Shape (n_pair, 2). Pairs a < b in ascending order.
    touch_m
        Shape (n_pair,). Metres of line that both boundaries have.
    border_m
        Shape (n_pair,). And what runs beside the other's outline where that is `LEAST_BESIDE_M` or more.
    """

    pairs: IntArray
    touch_m: FloatArray
    border_m: FloatArray


def shared_borders(geom_m: Geometries, group: IntArray) -> Borders:
    """Find pairs of polygons of one group whose boundaries share a line or run beside each other, and how far.

    Parameters
    ----------
    geom_m
        Shape (n,). Valid polygons or multipolygons in metres.
    group
        Shape (n,). Only polygons of one group are paired.
    """
    twins = _twins(geom_m, group)
    rest = np.flatnonzero(twins.is_open)
    a, b = shapely.STRtree(geom_m[rest]).query(geom_m[rest], predicate="intersects")
    a, b = rest[a], rest[b]
    keep = (a < b) & (group[a] == group[b])
    slow = np.c_[a, b][keep]
    boundary = np.empty(len(geom_m), dtype=object)
    used = np.unique(slow)
    boundary[used] = shapely.boundary(geom_m[used])
    slow_m = shapely.length(shapely.intersection(boundary[slow[:, 0]], boundary[slow[:, 1]]))
    known = ~np.isin(_numbers(twins.pairs, len(geom_m)), _numbers(slow, len(geom_m)))
    near, near_m = beside(twins.alone, group)
    found = np.vstack([twins.pairs, slow, near])
    pairs, number = np.unique(_numbers(found, len(geom_m)), return_inverse=True)
    touch_m = sum_by(number, np.r_[twins.border_m * known, slow_m, 0 * near_m], len(pairs))
    beside_m = sum_by(number, np.r_[twins.border_m, 0 * slow_m, near_m], len(pairs)) - touch_m
    border_m = touch_m + np.where(beside_m >= LEAST_BESIDE_M, beside_m, 0)
    found = np.stack(np.divmod(pairs, len(geom_m)), axis=1)
    return Borders(found[border_m > 0], touch_m[border_m > 0], border_m[border_m > 0])


def _numbers(pairs: IntArray, count: int) -> IntArray:
    """One number for each pair."""
    return np.asarray(pairs[:, 0] * count + pairs[:, 1])


@dataclass(frozen=True)
class _Twins:
    """Pairs with equal segments and their length; who has a segment without a twin; the segments that no other has."""

    pairs: IntArray
    border_m: FloatArray
    is_open: BoolArray
    alone: Segments


def _twins(geom_m: Geometries, group: IntArray) -> _Twins:
    """Find the segments that exactly two polygons of a group have, on either side of it."""
    start, end, owner, is_right, is_open = _segments(geom_m)
    is_turned = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[is_turned], end[is_turned] = end[is_turned], start[is_turned]
    is_right ^= is_turned
    place = _mixed(start) * np.uint64(3) + _mixed(end)
    key = place + group[owner].astype(np.uint64) * FOLD
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    size = np.diff(np.r_[first, len(key)])
    one, two = order[first[size == 2]], order[first[size == 2] + 1]
    is_same = (start[one] == start[two]).all(axis=1) & (end[one] == end[two]).all(axis=1)
    is_same &= (group[owner[one]] == group[owner[two]]) & (is_right[one] != is_right[two])
    one, two = one[is_same], two[is_same]
    is_alone = np.ones(len(key), dtype=bool)
    is_alone[one] = is_alone[two] = False
    is_open[owner[is_alone]] = True
    ends = np.sort(np.c_[owner[one], owner[two]], axis=1)
    pairs, number = np.unique(_numbers(ends, len(geom_m)), return_inverse=True)
    border_m = sum_by(number, np.hypot(*(start[one] - end[one]).T), len(pairs))
    # beyond a segment that another group has as well lies that group's ground: nothing of the own group runs there
    alone = np.flatnonzero(is_alone)
    _, number, size = np.unique(place[alone], return_inverse=True, return_counts=True)
    alone = alone[size[number] == 1]
    start, end, owner, turned = start[alone], end[alone], owner[alone], is_right[alone, None]
    free = Segments(np.where(turned, end, start), np.where(turned, start, end), owner)
    return _Twins(np.stack(np.divmod(pairs, len(geom_m)), axis=1), border_m, is_open, free)


def _segments(geom_m: Geometries) -> tuple[FloatArray, FloatArray, IntArray, BoolArray, BoolArray]:
    """Segments of all rings: ends, polygon, whether that lies to the right; and who has parts that are no polygons."""
    parts, owner = shapely.get_parts(geom_m, return_index=True)
    is_polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    is_odd = np.zeros(len(geom_m), dtype=bool)
    is_odd[owner[~is_polygon]] = True
    rings, part = shapely.get_rings(parts[is_polygon], return_index=True)
    is_hole = np.r_[False, part[1:] == part[:-1]][: len(part)]
    is_right = shapely.is_ccw(rings) == is_hole
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    of_ring = ring[:-1][inner]
    return xy[:-1][inner], xy[1:][inner], owner[is_polygon][part[of_ring]].astype(np.int64), is_right[of_ring], is_odd


def _mixed(xy: FloatArray) -> npt.NDArray[np.uint64]:
    """Coordinates as one well spread number; -0 is 0."""
    bits = np.ascontiguousarray(xy + 0.0).view(np.uint64)
    mixed = (bits[:, 0] * SPREAD) ^ (bits[:, 0] >> np.uint64(29))
    mixed = (mixed + bits[:, 1]) * FOLD
    return np.asarray(mixed ^ (mixed >> np.uint64(32)))
