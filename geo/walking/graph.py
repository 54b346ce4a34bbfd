"""The walking graph: streets as straight pieces between nodes, and what was found while it was built."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray, as_points
from geo.errors import InvalidInputError

JOIN_M = 1.0
"""Line ends this near another line are joined to it: drawing gaps, and T-junctions drawn without a shared vertex."""
SNAP_LIMIT_M = 50.0
"""Beyond this a place has no known way to the street: its distance is unknown, never zero (`domain.md` A3)."""
LINE_TYPES = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)
_ROUNDING_M = 1e-6
_SNAPPED_AT_ONCE = 2**16
"""Points whose candidate edges are held in memory together."""


@dataclass(frozen=True)
class WalkingGraph:
    """Streets as straight undirected edges between nodes.

    Attributes
    ----------
    node_xy
        Shape (n_node, 2), metres.
    edge_from, edge_to
        Shape (n_edge,), node indices.
    edge_length_m
        Shape (n_edge,), the straight length of each edge.
    """

    node_xy: FloatArray
    edge_from: IntArray
    edge_to: IntArray
    edge_length_m: FloatArray

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The edges as line strings, indexed in their order."""
        ends = np.stack([self.node_xy[self.edge_from], self.node_xy[self.edge_to]], axis=1)
        return shapely.STRtree(shapely.linestrings(ends))


@dataclass(frozen=True)
class Snap:
    """Where points meet the network: the nearest point on an edge.

    Attributes
    ----------
    edge
        Shape (n,), edge index; -1 where nothing lies within the limit.
    along_m
        Shape (n,), metres from the edge's `edge_from` end; NaN where not snapped.
    distance_m
        Shape (n,), straight metres from the point to the edge; NaN where not snapped.
    """

    edge: IntArray
    along_m: FloatArray
    distance_m: FloatArray

    @property
    def is_snapped(self) -> BoolArray:
        """Which points met the network."""
        met: BoolArray = self.edge >= 0
        return met


def build_walking_graph(lines: npt.ArrayLike, *, join_m: float = JOIN_M) -> WalkingGraph:
    """Make a walking graph of street lines.

    Lines that share a vertex cross there. Lines that merely cross in the plane do not (bridges). The end of a line
    within `join_m` of another line is joined to its nearest point by an edge of the gap's own length, so a walk is
    never shorter than the straight line.

    Parameters
    ----------
    lines
        LineStrings or MultiLineStrings in a projected CRS, metres. None and empty ones are left out.
    join_m
        Longest drawing gap that is closed, metres, >= 0.

    Raises
    ------
    InvalidInputError
        If a geometry is no line, a coordinate is not finite, or nothing longer than zero is left.
    """
    starts, stops, line_end = _pieces(np.asarray(lines, dtype=object))
    if len(starts) == 0:
        raise InvalidInputError("the streets hold no line to walk on")
    flat, node = np.unique(np.concatenate([starts, stops]) @ np.array([1, 1j]), return_inverse=True)
    node_xy = np.column_stack([flat.real, flat.imag])
    ends = node.reshape(2, -1)
    low, high = np.sort(ends, axis=0)
    edge_from, edge_to = np.divmod(np.unique(low * len(flat) + high), len(flat))
    return _join_ends(_graph(node_xy, edge_from, edge_to), np.unique(ends[line_end]), join_m)


def snap_points(graph: WalkingGraph, xy: npt.ArrayLike, *, limit_m: float = SNAP_LIMIT_M) -> Snap:
    """Find the nearest point on the network for each point; the lowest edge wins a tie.

    Parameters
    ----------
    graph
        The network.
    xy
        Shape (n, 2), metres in the network's CRS; a NaN point is not snapped.
    limit_m
        Farthest snap, metres; a distance equal to it still snaps.
    """
    points = as_points(xy)
    found = Snap(np.full(len(points), -1, dtype=np.int64), *np.full((2, len(points)), np.nan))
    reach_m = limit_m + _ROUNDING_M
    placed = np.flatnonzero(np.isfinite(points).all(axis=1))
    for start in range(0, len(placed), _SNAPPED_AT_ONCE):
        some = placed[start : start + _SNAPPED_AT_ONCE]
        low, high = points[some] - reach_m, points[some] + reach_m
        at, edge = graph.tree.query(shapely.box(*low.T, *high.T))
        met = _project(graph, points[some[at]], edge, reach_m)
        order = np.lexsort((edge, met.distance_m, at))
        _, first = np.unique(at[order], return_index=True)
        best = order[first]
        row = some[at[best]]
        found.edge[row], found.along_m[row] = met.edge[best], met.along_m[best]
        found.distance_m[row] = met.distance_m[best]
    return found


def _pieces(lines: GeometryArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Cut lines into straight pieces: their starts, their stops, and, shape (2, n), which of these end a line."""
    lines = lines[~shapely.is_missing(lines)]
    is_line = np.isin(shapely.get_type_id(lines), LINE_TYPES)
    if not is_line.all():
        odd = lines[~is_line][0]
        raise InvalidInputError(f"a street is a {odd.geom_type}; streets must be lines")
    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    if not np.isfinite(xy).all():
        raise InvalidInputError("a street has a coordinate that is not finite")
    is_new = np.ones(len(xy), dtype=bool)
    is_new[1:] = (xy[1:] != xy[:-1]).any(axis=1) | (line[1:] != line[:-1])
    xy, line = xy[is_new], line[is_new]
    begins = np.concatenate([[True], line[1:] != line[:-1], [True]])[: len(line) + 1]
    within = ~begins[1 : len(line)]
    ends = np.stack([begins[: len(line) - 1], begins[2 : len(line) + 1]]) if len(line) else np.empty((2, 0), bool)
    return xy[:-1][within], xy[1:][within], ends[:, within]


def _graph(node_xy: FloatArray, edge_from: IntArray, edge_to: IntArray) -> WalkingGraph:
    """Measure straight edges."""
    length_m = np.hypot(*(node_xy[edge_to] - node_xy[edge_from]).T)
    return WalkingGraph(node_xy, edge_from, edge_to, length_m)


def _join_ends(graph: WalkingGraph, ends: IntArray, join_m: float) -> WalkingGraph:
    """Join line ends (node indices) to every other line within reach, by edges as long as the gaps."""
    at, edge = graph.tree.query(shapely.points(graph.node_xy[ends]), predicate="dwithin", distance=join_m)
    end = ends[at]
    is_other = (graph.edge_from[edge] != end) & (graph.edge_to[edge] != end)
    end, edge = end[is_other], edge[is_other]
    met = _project(graph, graph.node_xy[end], edge, join_m + _ROUNDING_M)
    order = np.lexsort((met.along_m, met.edge))
    split = _split_edges(graph, met.edge[order], met.along_m[order])
    foot = len(graph.node_xy) + np.arange(len(order))
    return _add_edges(split, end[order], foot, met.distance_m[order])


def _project(graph: WalkingGraph, points: FloatArray, edge: IntArray, reach_m: float) -> Snap:
    """Drop each point onto its edge; -1, or a foot farther than `reach_m`, is no snap."""
    start, stop = graph.node_xy[graph.edge_from[edge]], graph.node_xy[graph.edge_to[edge]]
    span, length_m = stop - start, graph.edge_length_m[edge]
    share = np.einsum("ij,ij->i", points - start, span) / np.where(length_m > 0, length_m, 1.0) ** 2
    share = np.clip(share, 0.0, 1.0)
    distance_m = np.hypot(*(points - start - share[:, None] * span).T)
    is_met = (edge >= 0) & (distance_m <= reach_m)
    return Snap(
        edge=np.where(is_met, edge, -1),
        along_m=np.where(is_met, share * length_m, np.nan),
        distance_m=np.where(is_met, distance_m, np.nan),
    )


def _split_edges(graph: WalkingGraph, edge: IntArray, along_m: FloatArray) -> WalkingGraph:
    """Put a new node at each place, given in order of (edge, along); node i of these gets index n_node + i."""
    node = len(graph.node_xy) + np.arange(len(edge))
    changes = np.concatenate([[True], edge[1:] != edge[:-1], [True]])[: len(edge) + 1]
    is_first, is_last = changes[:-1], changes[1:]
    before = np.where(is_first, graph.edge_from[edge], node - 1)
    before_m = np.where(is_first, 0.0, np.concatenate([[0.0], along_m])[: len(edge)])
    length_m = graph.edge_length_m[edge]
    share = along_m / np.maximum(length_m, np.finfo(float).tiny)
    start, stop = graph.node_xy[graph.edge_from[edge]], graph.node_xy[graph.edge_to[edge]]
    is_whole = np.ones(len(graph.edge_from), dtype=bool)
    is_whole[edge] = False
    parts = WalkingGraph(
        np.concatenate([graph.node_xy, start + share[:, None] * (stop - start)]),
        graph.edge_from[is_whole],
        graph.edge_to[is_whole],
        graph.edge_length_m[is_whole],
    )
    parts = _add_edges(parts, before, node, along_m - before_m)
    return _add_edges(parts, node[is_last], graph.edge_to[edge[is_last]], (length_m - along_m)[is_last])


def _add_edges(graph: WalkingGraph, start: IntArray, stop: IntArray, length_m: FloatArray) -> WalkingGraph:
    """Append edges with given lengths; rounding may not make one negative."""
    return replace(
        graph,
        edge_from=np.concatenate([graph.edge_from, start]),
        edge_to=np.concatenate([graph.edge_to, stop]),
        edge_length_m=np.concatenate([graph.edge_length_m, np.maximum(length_m, 0.0)]),
    )
