"""Street lines cut into straight pieces, with the places where they share a vertex numbered."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray
from geo.errors import InvalidInputError

SAME_M = 1e-3
"""Vertices this near each other are one place."""
LONGEST_M = 2.0e6
"""Streets that stretch farther hold a wrong coordinate."""
LINE_TYPES = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)


@dataclass(frozen=True)
class Standing:
    """How the street lines stand over each other.

    Attributes
    ----------
    layer
        Shape (n_line,), whole numbers. Lines that pass through one vertex on different layers do not meet there.
    grade
        Shape (n_line,), whole numbers. Lines of one grade, 0 or more, are at one height wherever they are; a bridge
        or tunnel (-1) is so only at its ends.
    is_barrier
        Shape (n_line,), which lines are crossed only where a vertex is shared.
    """

    layer: IntArray
    grade: IntArray
    is_barrier: BoolArray

    @classmethod
    def flat(cls, count: int) -> "Standing":
        """All lines on the ground."""
        return cls(np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool))


@dataclass(frozen=True)
class Pieces:
    """Straight pieces of lines between numbered places.

    Attributes
    ----------
    node_xy
        Shape (n_node, 2).
    start, stop, line
        Shape (n_piece,), the nodes at the ends of a piece and the line it is of.
    is_line_end
        Shape (n_node,), where a line ends.
    is_apart
        Shape (n_node,), which nodes lie over or under another one and are not to be joined with it.
    """

    node_xy: FloatArray
    start: IntArray
    stop: IntArray
    line: IntArray
    is_line_end: BoolArray
    is_apart: BoolArray


def cut_lines(lines: npt.ArrayLike, layer: IntArray) -> Pieces:
    """Cut lines at their vertices.

    Parameters
    ----------
    lines
        LineStrings or MultiLineStrings in a projected CRS, metres. None and empty ones are left out.
    layer
        Shape (n_line,), see `Standing`.

    Raises
    ------
    InvalidInputError
        If a geometry is no line, a coordinate is not finite or far off, or nothing longer than zero is left.
    """
    xy, line, part = _vertices(np.asarray(lines, dtype=object))
    whole = np.rint((xy - xy.min(axis=0)) / SAME_M).astype(np.int64)
    _, first, node = np.unique(whole[:, 0] * 2**32 + whole[:, 1], return_index=True, return_inverse=True)
    is_new = np.ones(len(node), dtype=bool)
    is_new[1:] = (node[1:] != node[:-1]) | (part[1:] != part[:-1])
    node, line, part = node[is_new], line[is_new], part[is_new]
    begins = np.ones(len(part) + 1, dtype=bool)
    begins[1:-1] = part[1:] != part[:-1]
    is_long = ~(begins[:-1] & begins[1:])
    if not is_long.any():
        raise InvalidInputError("the streets hold no line to walk on: none is longer than 0 m")
    is_end = begins[:-1] | begins[1:]
    node, apart = _set_apart(node, layer[line], is_end, len(first))
    is_line_end = np.zeros(len(first) + len(apart), dtype=bool)
    is_line_end[node[is_end & is_long]] = True
    is_apart = np.zeros(len(is_line_end), dtype=bool)
    is_apart[apart], is_apart[len(first) :] = True, True
    goes_on = ~begins[1:-1]
    return Pieces(
        node_xy=xy[np.concatenate([first, first[apart]])],
        start=node[:-1][goes_on],
        stop=node[1:][goes_on],
        line=line[:-1][goes_on],
        is_line_end=is_line_end,
        is_apart=is_apart,
    )


def _vertices(lines: GeometryArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Take the vertices, with the number of their line and of their part of it."""
    given = np.flatnonzero(~shapely.is_missing(lines))
    is_line = np.isin(shapely.get_type_id(lines[given]), LINE_TYPES)
    if not is_line.all():
        row = given[~is_line][0]
        raise InvalidInputError(f"streets row {row + 1} is a {lines[row].geom_type}; streets must be lines")
    parts, owner = shapely.get_parts(lines[given], return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    if len(xy) == 0:
        raise InvalidInputError("the streets hold no line to walk on")
    line = given[owner[part]]
    odd = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(odd):
        raise InvalidInputError(f"streets row {line[odd[0]] + 1} has a coordinate that is not finite")
    widest_m = float(np.ptp(xy, axis=0).max())
    if widest_m > LONGEST_M:
        raise InvalidInputError(
            f"the streets stretch over {widest_m / 1000:,.0f} km (at most {LONGEST_M / 1000:,.0f} km); "
            "a coordinate or the coordinate reference system is wrong"
        )
    return xy, line, part


def _set_apart(node: IntArray, layer: IntArray, is_end: BoolArray, count: int) -> tuple[IntArray, IntArray]:
    """Number the vertices anew where lines pass through one place on several layers; give the places set apart.

    A line that ends there stays on its own layer if a line passes on it, else on the lowest.
    """
    low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(low, node[~is_end], layer[~is_end])
    np.maximum.at(high, node[~is_end], layer[~is_end])
    node = node.copy()
    apart: list[int] = []
    numbers: dict[tuple[int, int], int] = {}
    stacked = np.flatnonzero((low < high)[node])
    for vertex in stacked[~is_end[stacked]]:
        key = (node[vertex], layer[vertex])
        if layer[vertex] != low[node[vertex]] and key not in numbers:
            numbers[key] = count + len(apart)
            apart.append(node[vertex])
    for vertex in stacked:
        node[vertex] = numbers.get((node[vertex], layer[vertex]), node[vertex])
    return node, np.array(apart, dtype=np.int64)
