"""Make the walking graph of street lines: where they meet, where they pass over each other, where they nearly meet.

Two lines meet
- where they share a vertex, unless both pass through it on different layers (a bridge drawn over a street's vertex);
- where one ends on the other;
- where they cross at grade without a vertex: both of one grade, and neither a bridge, a tunnel nor a barrier;
- where one ends within `close_gaps_m` of the other: the gap becomes an edge of its own length.
Every edge is straight, so no walk is shorter than the straight line.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.arrays import BoolArray, FloatArray, IntArray, as_points
from geo.errors import InvalidInputError
from geo.walking.graph import WalkingGraph, snap_points
from geo.walking.grid import EdgeGrid
from geo.walking.lines import SAME_M, Standing, cut_lines
from geo.walking.meeting import crossings, edges_near, ways_round

CLOSE_GAPS_M = 1.0
"""Drawing gaps up to this are closed: T-junctions drawn without a shared vertex, ends that nearly meet."""
REPORT_GAPS_M = 10.0
"""Gaps up to this are told of."""
GATE_REACH_M = 2.0
"""A gate farther than this from every street stands at none."""
DETOUR = 3.0
"""A gap is one only where the way round is longer than this many times its length."""


@dataclass(frozen=True)
class Gaps:
    """Where a street ends near another one without meeting it.

    Attributes
    ----------
    from_xy, to_xy
        Shape (n, 2), the end and the nearest point of the other street, metres in the graph's CRS.
    length_m
        Shape (n,).
    is_closed
        Shape (n,), which gaps the graph steps over.
    parts
        Shape (n,), which gaps lie between two pieces that hang together in no other way.
    """

    from_xy: FloatArray
    to_xy: FloatArray
    length_m: FloatArray
    is_closed: BoolArray
    parts: BoolArray


@dataclass(frozen=True)
class Built:
    """A walking graph, and what was found while it was built.

    Attributes
    ----------
    graph
        The graph.
    gaps
        Small gaps, closed or not, in the order of their ends.
    crossing_xy
        Shape (n, 2), where lines cross at grade without sharing a vertex; the graph has a node there.
    gate_is_at_street
        Shape (n_gate,), which closed gates stand at a street and so cut it.
    """

    graph: WalkingGraph
    gaps: Gaps
    crossing_xy: FloatArray
    gate_is_at_street: BoolArray


@dataclass(frozen=True)
class _Draft:
    """Edges in the making; where each comes from stays known."""

    node_xy: FloatArray
    start: IntArray
    stop: IntArray
    line: IntArray

    @property
    def degree(self) -> IntArray:
        """How many edges end at each node."""
        return np.bincount(np.concatenate([self.start, self.stop]), minlength=len(self.node_xy))

    def graph(self) -> WalkingGraph:
        """Measure the edges."""
        return WalkingGraph.of(self.node_xy, self.start, self.stop)

    def tidied(self) -> "_Draft":
        """Drop edges from a node to itself and all but the first of those between the same nodes."""
        low, high = np.minimum(self.start, self.stop), np.maximum(self.start, self.stop)
        kept = np.flatnonzero(low < high)
        _, first = np.unique(low[kept] * len(self.node_xy) + high[kept], return_index=True)
        kept = kept[first]
        return replace(self, start=low[kept], stop=high[kept], line=self.line[kept])

    def cut(self, edge: IntArray, share: FloatArray, node: IntArray) -> "_Draft":
        """Cut edges at nodes: `share` is how far along its edge each lies, 0-1, in any order."""
        order = np.lexsort((share, edge))
        edge, node = edge[order], node[order]
        changes = np.ones(len(edge) + 1, dtype=bool)
        changes[1:-1] = edge[1:] != edge[:-1]
        before = np.where(changes[:-1], self.start[edge], np.roll(node, 1))
        is_last = changes[1:]
        is_whole = np.ones(len(self.start), dtype=bool)
        is_whole[edge] = False
        return replace(
            self,
            start=np.concatenate([self.start[is_whole], before, node[is_last]]),
            stop=np.concatenate([self.stop[is_whole], node, self.stop[edge[is_last]]]),
            line=np.concatenate([self.line[is_whole], self.line[edge], self.line[edge[is_last]]]),
        )

    def along(self, edge: IntArray, share: FloatArray) -> FloatArray:
        """Give the points that far along edges."""
        start, stop = self.node_xy[self.start[edge]], self.node_xy[self.stop[edge]]
        point: FloatArray = start + share[:, None] * (stop - start)
        return point


def build_walking_graph(
    lines: npt.ArrayLike, *, standing: Standing | None = None, close_gaps_m: float = CLOSE_GAPS_M
) -> WalkingGraph:
    """Make a walking graph of street lines that may all be walked; see `build` for the rules.

    Parameters
    ----------
    lines, standing, close_gaps_m
        See `build`.

    Raises
    ------
    InvalidInputError
        See `build`.
    """
    return build(lines, standing=standing, close_gaps_m=close_gaps_m, report_gaps_m=close_gaps_m).graph


def build(
    lines: npt.ArrayLike,
    *,
    standing: Standing | None = None,
    closed_gates_xy: npt.ArrayLike = (),
    close_gaps_m: float = CLOSE_GAPS_M,
    report_gaps_m: float = REPORT_GAPS_M,
) -> Built:
    """Make a walking graph of street lines and tell what was found.

    Parameters
    ----------
    lines
        LineStrings or MultiLineStrings in a projected CRS, metres. None and empty ones are left out.
    standing
        How the lines stand over each other; None: all on the ground.
    closed_gates_xy
        Shape (n_gate, 2), where nobody passes: the street is cut there, and may be walked up to it from both sides.
    close_gaps_m
        Longest gap that is stepped over, metres, >= 0. Beyond 1 m only from ends that hang loose.
    report_gaps_m
        Longest gap that is told of, metres, >= `close_gaps_m`.

    Raises
    ------
    InvalidInputError
        If a geometry is no line, a coordinate is not finite or far off, nothing longer than zero is left, or a
        limit is below 0.
    """
    if not 0 <= close_gaps_m <= report_gaps_m:
        raise InvalidInputError(
            f"gaps are closed up to {close_gaps_m} m and told of up to {report_gaps_m} m; both must be at least 0, and "
            "the second no less than the first"
        )
    lines = np.asarray(lines, dtype=object)
    standing = standing or Standing.flat(len(lines))
    pieces = cut_lines(lines, standing.layer)
    draft = _Draft(pieces.node_xy, pieces.start, pieces.stop, pieces.line).tidied()
    draft, crossing_xy = _meet(draft, standing, pieces.is_line_end, pieces.is_apart)
    draft, gaps = _close(draft, standing, pieces.is_line_end, (close_gaps_m, report_gaps_m))
    draft, is_at_street = _shut(draft, as_points(closed_gates_xy))
    return Built(_in_order(draft), gaps, crossing_xy, is_at_street)


def _grid(draft: _Draft) -> EdgeGrid:
    """Put the edges in a grid."""
    return EdgeGrid.build(np.hstack([draft.node_xy[draft.start], draft.node_xy[draft.stop]]))


def _meet(draft: _Draft, standing: Standing, is_line_end: BoolArray, is_apart: BoolArray) -> tuple[_Draft, FloatArray]:
    """Join edges where they touch, and where they cross at grade; give the crossings."""
    grid, degree = _grid(draft), draft.degree
    grade = np.where(standing.is_barrier, -1, standing.grade)[draft.line]
    node_grade = np.full(len(draft.node_xy), -1)
    np.maximum.at(node_grade, np.concatenate([draft.start, draft.stop]), np.tile(grade, 2))

    used = np.flatnonzero(degree)
    node, edge, share, _ = edges_near(grid, draft.node_xy, used, (draft.start, draft.stop), SAME_M)
    length_m = np.hypot(*(draft.node_xy[draft.stop[edge]] - draft.node_xy[draft.start[edge]]).T)
    at_end = np.minimum(share, 1 - share) * length_m <= SAME_M
    end = np.where(share < 0.5, draft.start[edge], draft.stop[edge])
    is_level = (node_grade[node] >= 0) & (node_grade[node] == np.where(at_end, node_grade[end], grade[edge]))
    is_same = at_end & ~is_apart[node] & ~is_apart[end] & (is_level | is_line_end[node] | is_line_end[end])
    is_on = ~at_end & (is_level | (degree[node] == 1))

    one, other, one_share, other_share = crossings(grid, SAME_M)
    is_level = (grade[one] >= 0) & (grade[one] == grade[other])
    one, other, one_share, other_share = one[is_level], other[is_level], one_share[is_level], other_share[is_level]
    point = draft.along(one, one_share)
    key = np.column_stack([np.rint(point / SAME_M), grade[one]])
    _, first, number = np.unique(key, axis=0, return_index=True, return_inverse=True)
    crossing = len(draft.node_xy) + number.ravel()

    draft = replace(draft, node_xy=np.concatenate([draft.node_xy, point[first]]))
    draft = draft.cut(
        np.concatenate([edge[is_on], one, other]),
        np.concatenate([share[is_on], one_share, other_share]),
        np.concatenate([node[is_on], crossing, crossing]),
    )
    return _merged(draft, node[is_same], end[is_same]).tidied(), point[first]


def _merged(draft: _Draft, node: IntArray, other: IntArray) -> _Draft:
    """Make pairs of nodes one: the lowest of each group stays."""
    if len(node) == 0:
        return draft
    size = len(draft.node_xy)
    pairs = coo_array((np.ones(len(node), dtype=np.int8), (node, other)), shape=(size, size)).tocsr()
    _, group = connected_components(pairs, directed=False)
    _, lowest = np.unique(group, return_index=True)
    return replace(draft, start=lowest[group[draft.start]], stop=lowest[group[draft.stop]])


def _close(
    draft: _Draft, standing: Standing, is_line_end: BoolArray, limits_m: tuple[float, float]
) -> tuple[_Draft, Gaps]:
    """Find the gaps between line ends and other lines; step over the short ones."""
    graph, degree = draft.graph(), draft.degree
    is_loose = degree == 1
    ends = np.flatnonzero(np.pad(is_line_end, (0, len(degree) - len(is_line_end))) & (degree > 0))
    node, edge, share, length_m = edges_near(
        graph.grid, graph.node_xy, ends, (draft.start, draft.stop), max(limits_m[1], 1e-9)
    )
    near = (length_m <= CLOSE_GAPS_M) | is_loose[node]
    near &= _may_join(draft, standing, node, edge, share)
    node, edge, share, length_m = node[near], edge[near], share[near], length_m[near]
    along_m = share * graph.edge_length_m[edge]
    round_m = ways_round(graph.links, node, edge, along_m, DETOUR * length_m)
    far = np.flatnonzero(~np.isfinite(round_m))
    far = far[np.lexsort((edge[far], length_m[far], node[far]))]
    nearest = far[np.unique(node[far], return_index=True)[1]]
    node, edge, share, length_m = node[nearest], edge[nearest], share[nearest], length_m[nearest]
    foot_xy = draft.along(edge, share)
    gaps = Gaps(
        from_xy=draft.node_xy[node],
        to_xy=foot_xy,
        length_m=length_m,
        is_closed=length_m <= limits_m[0],
        parts=graph.node_piece[node] != graph.node_piece[draft.start[edge]],
    )
    joined = np.flatnonzero(gaps.is_closed)
    node, edge, share = node[joined], edge[joined], share[joined]
    at_end = np.minimum(share, 1 - share) * graph.edge_length_m[edge] <= SAME_M
    foot = np.where(share < 0.5, draft.start[edge], draft.stop[edge])
    foot[~at_end] = len(draft.node_xy) + np.arange(np.count_nonzero(~at_end))
    line = draft.line[edge]
    draft = replace(draft, node_xy=np.concatenate([draft.node_xy, foot_xy[joined][~at_end]]))
    draft = draft.cut(edge[~at_end], share[~at_end], foot[~at_end])
    draft = replace(
        draft,
        start=np.concatenate([draft.start, node]),
        stop=np.concatenate([draft.stop, foot]),
        line=np.concatenate([draft.line, line]),
    )
    return draft.tidied(), gaps


def _may_join(draft: _Draft, standing: Standing, node: IntArray, edge: IntArray, share: FloatArray) -> BoolArray:
    """Tell which ends may be joined to which edges: of one grade, or where a bridge or tunnel comes to the ground."""
    grade, degree = standing.grade[draft.line], draft.degree
    node_grade = np.full(len(draft.node_xy), -1)
    np.maximum.at(node_grade, np.concatenate([draft.start, draft.stop]), np.tile(grade, 2))
    lands = (node_grade[node] < 0) & (degree[node] == 1)
    on_ground = (grade[edge] >= 0) & ((grade[edge] == node_grade[node]) | lands)
    end = np.where(share < 0.5, draft.start[edge], draft.stop[edge])
    is_end = ((share == 0) | (share == 1)) & (degree[end] == 1)
    allowed: BoolArray = on_ground | is_end
    return allowed


def _shut(draft: _Draft, gates_xy: FloatArray) -> tuple[_Draft, BoolArray]:
    """Cut the streets at closed gates: every edge that comes to one ends there by itself."""
    if len(gates_xy) == 0:
        return draft, np.zeros(0, dtype=bool)
    graph = draft.graph()
    snap = snap_points(graph, gates_xy, limit_m=GATE_REACH_M)
    at = np.flatnonzero(snap.is_snapped)
    edge, share = snap.edge[at], snap.along_m[at] / graph.edge_length_m[snap.edge[at]]
    near_end = np.minimum(share, 1 - share) * graph.edge_length_m[edge] <= SAME_M
    shut = np.where(share < 0.5, draft.start[edge], draft.stop[edge])[near_end]
    foot = len(draft.node_xy) + np.arange(np.count_nonzero(~near_end))
    inner, inner_share = edge[~near_end], share[~near_end]
    draft = replace(draft, node_xy=np.concatenate([draft.node_xy, draft.along(inner, inner_share)]))
    draft = draft.cut(inner, inner_share, foot).tidied()
    is_shut = np.zeros(len(draft.node_xy), dtype=bool)
    is_shut[shut], is_shut[foot] = True, True
    ends = np.concatenate([draft.start, draft.stop])
    held = np.flatnonzero(is_shut[ends])
    node_xy = np.concatenate([draft.node_xy, draft.node_xy[ends[held]]])
    ends[held] = len(draft.node_xy) + np.arange(len(held))
    start, stop = ends.reshape(2, -1)
    return replace(draft, node_xy=node_xy, start=start, stop=stop), snap.is_snapped


def _in_order(draft: _Draft) -> WalkingGraph:
    """Number nodes and edges so that neighbours in the plane are neighbours in memory; unused nodes go."""
    used = np.flatnonzero(draft.degree)
    order = used[np.argsort(_curve(draft.node_xy[used]), kind="stable")]
    number = np.empty(len(draft.node_xy), dtype=np.int64)
    number[order] = np.arange(len(order))
    start, stop = np.sort(number[np.stack([draft.start, draft.stop])], axis=0)
    by_start = np.lexsort((stop, start))
    return WalkingGraph.of(draft.node_xy[order], start[by_start], stop[by_start])


def _curve(xy: FloatArray) -> IntArray:
    """Give each point's place on a Z-order curve of 2^20 x 2^20 cells."""
    low_xy = xy.min(axis=0)
    widest_m = max(float((xy.max(axis=0) - low_xy).max()), SAME_M)
    cell = ((xy - low_xy) / widest_m * (2**20 - 1)).astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        cell = (cell | (cell << np.uint64(shift))) & np.uint64(mask)
    place: IntArray = (cell[:, 0] | (cell[:, 1] << np.uint64(1))).astype(np.int64)
    return place
