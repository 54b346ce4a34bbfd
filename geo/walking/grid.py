"""A grid of square cells over the edges: which edges pass a place, and which edge is nearest to it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.compiled import compiled, in_threads

CELLS_AN_EDGE = 2
"""Cells of the grid for every edge: more cost memory, fewer cost time."""
Int32Array = npt.NDArray[np.int32]


class EdgeGrid(NamedTuple):
    """Straight edges by the cells they pass; kernels take it whole.

    Attributes
    ----------
    low_xy
        Shape (2,), the south-west corner.
    cell_m
        Side of a cell.
    shape
        Cells from west to east and from south to north.
    first
        Shape (n_cell + 1,), where the edges of a cell begin in `edge`; cells count by row from the south.
    edge
        Edges cell by cell, ascending in each.
    ends
        Shape (n_edge, 4), x and y of both ends of an edge.
    """

    low_xy: FloatArray
    cell_m: float
    shape: tuple[int, int]
    first: Int32Array
    edge: Int32Array
    ends: FloatArray

    @classmethod
    def build(cls, ends: FloatArray) -> "EdgeGrid":
        """Make the grid of edges, shape (n_edge, 4), at least one; cells are no shorter than the mean edge."""
        corners = ends.reshape(-1, 2)
        low_xy, high_xy = corners.min(axis=0), corners.max(axis=0)
        wide, high = high_xy - low_xy
        mean_m = float(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]).mean())
        least_m = max(wide, high) / (CELLS_AN_EDGE * len(ends) + 1)
        cell_m = float(max(np.sqrt(wide * high / (CELLS_AN_EDGE * len(ends))), mean_m, least_m, 1e-3))
        shape = (int(wide / cell_m) + 1, int(high / cell_m) + 1)
        first = np.zeros(shape[0] * shape[1] + 1, dtype=np.int32)
        empty = cls(low_xy, cell_m, shape, first, np.empty(0, dtype=np.int32), ends)
        _fill(empty, first[1:], is_counting=True)
        np.cumsum(first, out=first)
        full = empty._replace(edge=np.empty(first[-1], dtype=np.int32))
        _fill(full, first[:-1].copy(), is_counting=False)
        return full

    def nearest(self, xy: FloatArray, limit_m: float) -> tuple[IntArray, FloatArray, FloatArray]:
        """Find the edge nearest to each point, -1 for none within the limit, the metres along it and to it."""
        count = len(xy)
        edge = np.full(count, -1, dtype=np.int64)
        along_m, distance_m = np.full((2, count), np.nan)
        placed = np.flatnonzero(np.isfinite(xy).all(axis=1))
        # neighbours one after another: what one point reads is still at hand for the next
        cell = np.floor((xy[placed] - self.low_xy) / self.cell_m).clip(-1, max(self.shape))
        order = placed[np.argsort(cell[:, 1] * (max(self.shape) + 2.0) + cell[:, 0], kind="stable")]

        def work(first: int, stop: int) -> None:
            _nearest(self, xy, order[first:stop], limit_m, (edge, along_m, distance_m))

        for _ in in_threads(work, len(order)):
            pass
        return edge, along_m, distance_m


@compiled
def _fill(grid: EdgeGrid, place: Int32Array, is_counting: bool) -> None:
    """Count the edges of each cell in `place`, or put them where it says and move it on."""
    ends, shape = grid.ends, grid.shape
    for number in range(len(ends)):
        x0, y0 = (ends[number, 0] - grid.low_xy[0]) / grid.cell_m, (ends[number, 1] - grid.low_xy[1]) / grid.cell_m
        x1, y1 = (ends[number, 2] - grid.low_xy[0]) / grid.cell_m, (ends[number, 3] - grid.low_xy[1]) / grid.cell_m
        if x1 < x0:
            x0, y0, x1, y1 = x1, y1, x0, y0
        for column in range(int(x0), min(int(x1), shape[0] - 1) + 1):
            # the edge's rows within this column, a trifle more than it passes
            enter, leave = y0, y1
            if x1 - x0 > 1e-9:
                slope = (y1 - y0) / (x1 - x0)
                enter = y0 + slope * (max(column - 1e-9, x0) - x0)
                leave = y0 + slope * (min(column + 1 + 1e-9, x1) - x0)
            south = max(int(min(enter, leave) - 1e-9), 0)
            north = min(int(max(enter, leave) + 1e-9), shape[1] - 1)
            for row in range(south, north + 1):
                cell = row * shape[0] + column
                if not is_counting:
                    grid.edge[place[cell]] = number
                place[cell] += 1


@compiled
def drop(ends: FloatArray, edge: int, x: float, y: float) -> tuple[float, float]:
    """Drop a point on an edge: how far along it the foot lies, 0-1, and the square of the distance to it."""
    ax, ay = ends[edge, 0], ends[edge, 1]
    dx, dy = ends[edge, 2] - ax, ends[edge, 3] - ay
    square = dx * dx + dy * dy
    share = ((x - ax) * dx + (y - ay) * dy) / square if square > 0 else 0.0
    share = min(max(share, 0.0), 1.0)
    gx, gy = x - ax - share * dx, y - ay - share * dy
    return share, gx * gx + gy * gy


@compiled
def _nearest(
    grid: EdgeGrid, xy: FloatArray, points: IntArray, limit_m: float, found: tuple[IntArray, FloatArray, FloatArray]
) -> None:
    """Search ring after ring of cells around each point."""
    edge, along_m, distance_m = found
    for point in points:
        x, y = xy[point]
        column = int(np.floor((x - grid.low_xy[0]) / grid.cell_m))
        row = int(np.floor((y - grid.low_xy[1]) / grid.cell_m))
        inner_x, inner_y = x - grid.low_xy[0] - column * grid.cell_m, y - grid.low_xy[1] - row * grid.cell_m
        inner_m = min(inner_x, grid.cell_m - inner_x, inner_y, grid.cell_m - inner_y)
        ring = max(0, -column, column - grid.shape[0] + 1, -row, row - grid.shape[1] + 1)
        last = max(column, grid.shape[0] - 1 - column, row, grid.shape[1] - 1 - row)
        best = (limit_m * limit_m, 0.0, -1)
        while ring <= last:
            least_m = (ring - 1) * grid.cell_m + inner_m
            if least_m > 0 and least_m * least_m > best[0]:
                break
            best = _nearest_in_ring(grid, (row, column), ring, (x, y), best)
            ring += 1
        square, share, number = best
        if number >= 0:
            edge[point] = number
            along_m[point] = share * length(grid.ends, number)
            distance_m[point] = np.sqrt(square)


@compiled
def _nearest_in_ring(
    grid: EdgeGrid, at: tuple[int, int], ring: int, xy: tuple[float, float], best: tuple[float, float, int]
) -> tuple[float, float, int]:
    """Better the nearest edge (square of the distance, share along it, number); the lowest edge wins a tie."""
    least, least_share, found = best
    (columns, rows), first, edges, ends = grid.shape, grid.first, grid.edge, grid.ends
    for row in range(max(at[0] - ring, 0), min(at[0] + ring, rows - 1) + 1):
        step = 1 if abs(row - at[0]) == ring else max(2 * ring, 1)
        for column in range(at[1] - ring, at[1] + ring + 1, step):
            if column < 0 or column >= columns:
                continue
            cell = row * columns + column
            for place in range(first[cell], first[cell + 1]):
                number = edges[place]
                share, square = drop(ends, number, xy[0], xy[1])
                if square < least or (square == least and (found < 0 or number < found)):
                    least, least_share, found = square, share, number
    return least, least_share, found


@compiled
def length(ends: FloatArray, edge: int) -> float:
    """Give the length of an edge."""
    return float(np.hypot(ends[edge, 2] - ends[edge, 0], ends[edge, 3] - ends[edge, 1]))
