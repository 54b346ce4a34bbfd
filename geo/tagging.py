"""Tag points with the polygon they are in: a raster answers for most points, exact tests for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray, as_points
from geo.errors import InvalidInputError

CELLS_A_POLYGON = 2048
MIN_CELLS, MAX_CELLS = 2**14, 2**22
"""The raster has about 2,048 cells a polygon within these limits: boundary cells stay few, memory under 20 MB."""

_OUTSIDE = -1
_EDGE = 1e-5
"""How near a border (in cells) makes a cell a boundary cell: far above rounding, far below what costs anything."""
_POLYGON_TYPES = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


@dataclass(frozen=True)
class PolygonIndex:
    """Polygons prepared for tagging many points; make it with `build`.

    A point on a border is inside, as in PostGIS `ST_Intersects`. Where several polygons hold a point (a shared
    border, an overlap) the one first in order wins.

    Attributes
    ----------
    polygons
        Shape (n_polygon,), prepared.
    origin, scale
        Shape (2,), lower left corner of the raster and cells per unit of length along x and y.
    label
        Shape (rows, columns). A cell no border touches has its polygon or -1; any other has -2 - k, where k is its
        place in `first`.
    first, candidate, is_sure
        Candidates of boundary cell k, in order: `candidate[first[k]:first[k + 1]]`; a sure one holds the whole cell.
    """

    polygons: GeometryArray
    origin: FloatArray
    scale: FloatArray
    label: npt.NDArray[np.int32]
    first: IntArray
    candidate: IntArray
    is_sure: BoolArray

    @classmethod
    def build(cls, polygons: Sequence[object] | GeometryArray) -> "PolygonIndex":
        """Index polygons.

        Parameters
        ----------
        polygons
            Polygons and MultiPolygons in any CRS, lon/lat included (edges are straight in those coordinates, as
            PostGIS geometry has them). None and empty ones hold no point.

        Raises
        ------
        InvalidInputError
            If a geometry is no polygon or not valid; the message names the first such rows.

        Notes
        -----
        Cells that no border touches are gathered into connected regions (a border never runs between two of them),
        and one point decides a region. Cells that a border touches keep the polygons they have to be tested with.
        """
        array = np.array(polygons, dtype=object)
        _check(array)
        corners = shapely.get_coordinates(array)
        if len(corners) == 0:
            corners = np.array([[0.0, 0.0], [1.0, 1.0]])
        low = corners.min(axis=0)
        extent = corners.max(axis=0) - low
        cells = min(max(CELLS_A_POLYGON * len(array), MIN_CELLS), MAX_CELLS)
        side = int(np.sqrt(cells))
        scale = side / extent
        origin = low - 1.0 / scale  # one free cell around, so that border points keep clear of the raster's edge
        shape = (side + 2, side + 2)
        cell, polygon = _border_cells(array, origin, scale, shape)
        tree = shapely.STRtree(array)
        label = _label_regions(tree, origin, scale, shape, cell)
        boundary, first, candidate, is_sure = _candidates(tree, origin, scale, cell, polygon, shape)
        label.ravel()[boundary] = -2 - np.arange(len(boundary))
        shapely.prepare(array)
        shapely.intersects(array, shapely.point_on_surface(array))  # GEOS's lazy index now: threads may share it
        return cls(array, origin, scale, label, first, candidate, is_sure)

    def tag(self, xy: npt.ArrayLike) -> IntArray:
        """Find the polygon of each point.

        Parameters
        ----------
        xy
            Shape (n, 2), in the polygons' CRS.

        Returns
        -------
        polygon
            Shape (n,), index of the first polygon that holds the point; -1 = none (also for NaN).
        """
        points = as_points(xy)
        with np.errstate(invalid="ignore"):
            column, row = np.floor((points - self.origin) * self.scale).T
            rows, columns = self.label.shape
            inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found = np.full(len(points), _OUTSIDE, dtype=np.int64)
        at = np.flatnonzero(inside)
        found[at] = self.label[row[at].astype(np.int32), column[at].astype(np.int32)]
        unsure = np.flatnonzero(found < _OUTSIDE)
        found[unsure] = self._test(points[unsure], -2 - found[unsure])
        return found

    def _test(self, points: FloatArray, boundary: IntArray) -> IntArray:
        """Test points of boundary cells with their candidates, first to last."""
        found = np.full(len(points), _OUTSIDE, dtype=np.int64)
        left = np.arange(len(points))
        turn = self.first[boundary]
        last = self.first[boundary + 1]
        while len(left):
            has_more = turn < last
            left, turn, last = left[has_more], turn[has_more], last[has_more]
            candidate = self.candidate[turn]
            holds = self.is_sure[turn]
            doubtful = np.flatnonzero(~holds)
            x, y = points[left[doubtful]].T
            holds[doubtful] = shapely.intersects_xy(self.polygons[candidate[doubtful]], x, y)
            found[left[holds]] = candidate[holds]
            left, turn, last = left[~holds], turn[~holds] + 1, last[~holds]
        return found


def _check(polygons: GeometryArray) -> None:
    """Refuse what is no valid polygon."""
    missing = shapely.is_missing(polygons)
    is_polygon = np.isin(shapely.get_type_id(polygons), _POLYGON_TYPES)
    if (rows := np.flatnonzero(~missing & ~is_polygon)).size:
        raise InvalidInputError(f"row {rows[0] + 1}, geometry: {polygons[rows[0]].geom_type}; it must be a polygon")
    if (rows := np.flatnonzero(~missing & ~shapely.is_valid(polygons))).size:
        why = shapely.is_valid_reason(polygons[rows[0]])
        raise InvalidInputError(f"row {rows[0] + 1}, geometry: not valid ({why}); {rows.size} such rows in all")


def _border_cells(
    polygons: GeometryArray, origin: FloatArray, scale: FloatArray, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """List the cells that each polygon's border touches, as unique (flat cell, polygon) pairs in order."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    place = (xy - origin) * scale
    follows = ring[1:] == ring[:-1]
    start, stop, owner = place[:-1][follows], place[1:][follows], owner[part[ring[:-1][follows]]]
    marks, owners = [start], [owner]
    for axis in (0, 1):
        segment, mark = _crossings(start, stop, axis)
        marks.append(mark)
        owners.append(owner[segment])
    mark, owner = np.concatenate(marks), np.concatenate(owners)
    low, high = np.floor(mark - _EDGE).astype(np.int64), np.floor(mark + _EDGE).astype(np.int64)
    columns = np.stack([low[:, 0], high[:, 0], low[:, 0], high[:, 0]])
    rows = np.stack([low[:, 1], low[:, 1], high[:, 1], high[:, 1]])
    count = max(len(polygons), 1)
    cell, polygon = np.divmod(_distinct(((rows * shape[1] + columns) * count + owner).ravel()), count)
    return cell, polygon


def _crossings(start: FloatArray, stop: FloatArray, axis: int) -> tuple[IntArray, FloatArray]:
    """Give the points where segments cross the raster's lines of one axis, and whose segment each is.

    Between two neighbours of {ends, crossings} a segment stays in one cell, and comes nearest to its sides at those
    two points: marking the cells around them (within `_EDGE`) misses none.
    """
    low = np.minimum(start[:, axis], stop[:, axis])
    high = np.maximum(start[:, axis], stop[:, axis])
    first = np.ceil(low).astype(np.int64)
    count = np.maximum(np.floor(high).astype(np.int64) - first + 1, 0)
    segment = np.repeat(np.arange(len(start)), count)
    line = first[segment] + np.arange(len(segment)) - np.repeat(np.cumsum(count) - count, count)
    span = stop[segment] - start[segment]
    share = (line - start[segment, axis]) / np.where(span[:, axis] == 0, 1.0, span[:, axis])
    mark = start[segment] + np.clip(share, 0.0, 1.0)[:, None] * span
    mark[:, axis] = line
    return segment, mark


def _label_regions(
    tree: shapely.STRtree, origin: FloatArray, scale: FloatArray, shape: tuple[int, int], border: IntArray
) -> npt.NDArray[np.int32]:
    """Label the cells no border touches: one test for each connected region of them."""
    is_free = np.ones(shape, dtype=bool)
    is_free.ravel()[border] = False
    region, count = ndimage.label(is_free)
    sample = np.zeros(count + 1, dtype=np.int64)
    sample[region.ravel()] = np.arange(region.size, dtype=np.int32)  # any cell of a region will do: the last one
    sample = sample[1:]  # region 0 is the border
    owner = np.full(count + 1, _OUTSIDE, dtype=np.int32)
    at, polygon = tree.query(_centres(sample, origin, scale, shape), predicate="intersects")
    order = np.argsort(-polygon, kind="stable")
    owner[region.ravel()[sample[at[order]]]] = polygon[order]  # the lowest polygon is written last
    label: npt.NDArray[np.int32] = owner[region]
    return label


def _candidates(
    tree: shapely.STRtree,
    origin: FloatArray,
    scale: FloatArray,
    cell: IntArray,
    polygon: IntArray,
    shape: tuple[int, int],
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """List each boundary cell's candidates in order, up to the first one that holds the whole cell."""
    boundary = _distinct(cell)
    count = max(len(tree.geometries), 1)
    at, holder = tree.query(_centres(boundary, origin, scale, shape), predicate="intersects")
    touched = cell * count + polygon
    sure = np.setdiff1d(boundary[at] * count + holder, touched, assume_unique=True)
    pair = np.concatenate([touched, sure])
    is_sure = np.repeat([False, True], [len(touched), len(sure)])
    order = np.argsort(pair)
    pair, is_sure = pair[order], is_sure[order]
    first = np.searchsorted(pair, np.append(boundary, shape[0] * shape[1]) * count)
    return boundary, first, pair % count, is_sure


def _distinct(values: IntArray) -> IntArray:
    """Sort and drop repeats; NumPy's own `unique` hashes, which takes ten times as long here."""
    ordered = np.sort(values)
    is_new = np.ones(len(ordered), dtype=bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_new]


def _centres(cell: IntArray, origin: FloatArray, scale: FloatArray, shape: tuple[int, int]) -> GeometryArray:
    """Give the centres of flat cells as points."""
    row, column = np.divmod(cell, shape[1])
    centres: GeometryArray = shapely.points((np.column_stack([column, row]) + 0.5) / scale + origin)
    return centres
