"""The walking graph: straight edges between nodes, and where places meet it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.arrays import BoolArray, FloatArray, IntArray, as_points
from geo.errors import InvalidInputError
from geo.walking.grid import EdgeGrid
from geo.walking.search import ROUNDING_M, Links, Places

SNAP_LIMIT_M = 50.0
"""Beyond this a place has no known way to the street: its distance is unknown, never zero (`domain.md` A3)."""


@dataclass(frozen=True)
class WalkingGraph:
    """Streets as straight undirected edges between nodes.

    Attributes
    ----------
    node_xy
        Shape (n_node, 2), metres.
    edge_from, edge_to
        Shape (n_edge,), node indices; no edge joins a node to itself, and no two join the same nodes.
    edge_length_m
        Shape (n_edge,), the straight length of each edge.
    """

    node_xy: FloatArray
    edge_from: IntArray
    edge_to: IntArray
    edge_length_m: FloatArray

    @classmethod
    def of(cls, node_xy: FloatArray, edge_from: IntArray, edge_to: IntArray) -> "WalkingGraph":
        """Measure straight edges between nodes."""
        return cls(node_xy, edge_from, edge_to, np.hypot(*(node_xy[edge_to] - node_xy[edge_from]).T))

    @cached_property
    def grid(self) -> EdgeGrid:
        """The edges by place."""
        return EdgeGrid.build(np.hstack([self.node_xy[self.edge_from], self.node_xy[self.edge_to]]))

    @cached_property
    def links(self) -> Links:
        """The edges by node, as the search reads them."""
        ends = np.concatenate([self.edge_from, self.edge_to])
        order = np.argsort(ends, kind="stable")
        edge = order % len(self.edge_from)
        first = np.zeros(len(self.node_xy) + 1, dtype=np.int32)
        np.cumsum(np.bincount(ends, minlength=len(self.node_xy)), out=first[1:])
        return Links(
            first=first,
            node=np.concatenate([self.edge_to, self.edge_from])[order].astype(np.int32),
            metres=self.edge_length_m[edge],
            edge=edge.astype(np.int32),
            start=self.edge_from.astype(np.int32),
            stop=self.edge_to.astype(np.int32),
            edge_m=self.edge_length_m,
        )

    @cached_property
    def node_piece(self) -> IntArray:
        """Shape (n_node,), which connected piece each node is in; 0 is the one with the longest streets."""
        size = len(self.node_xy)
        ends = (np.ones(len(self.edge_from), dtype=np.int8), (self.edge_from, self.edge_to))
        count, found = connected_components(coo_array(ends, shape=(size, size)).tocsr(), directed=False)
        length_m = np.bincount(found[self.edge_from], self.edge_length_m, minlength=count)
        rank = np.empty(count, dtype=np.int64)
        rank[np.argsort(-length_m, kind="stable")] = np.arange(count)
        piece: IntArray = rank[found]
        return piece

    @cached_property
    def piece_length_m(self) -> FloatArray:
        """Shape (n_piece,), metres of street in each connected piece, the longest first."""
        length_m: FloatArray = np.bincount(self.node_piece[self.edge_from], self.edge_length_m).astype(np.float64)
        return length_m


@dataclass(frozen=True)
class Snap:
    """Where points meet the network: the nearest point on an edge.

    Attributes
    ----------
    xy
        Shape (n, 2), the points themselves.
    edge
        Shape (n,), edge index; -1 where nothing lies within the limit.
    along_m
        Shape (n,), metres from the edge's `edge_from` end; NaN where not snapped.
    distance_m
        Shape (n,), straight metres from the point to the edge; NaN where not snapped.
    piece
        Shape (n,), the connected piece of the graph, 0 the longest; -1 where not snapped. Between two pieces there is
        no way.
    """

    xy: FloatArray
    edge: IntArray
    along_m: FloatArray
    distance_m: FloatArray
    piece: IntArray

    @property
    def is_snapped(self) -> BoolArray:
        """Which points met the network."""
        met: BoolArray = self.edge >= 0
        return met

    @property
    def has_place(self) -> BoolArray:
        """Which points are somewhere at all."""
        somewhere: BoolArray = np.asarray(np.isfinite(self.xy).all(axis=1))
        return somewhere

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Snap":
        """Take some of the points."""
        return Snap(self.xy[rows], self.edge[rows], self.along_m[rows], self.distance_m[rows], self.piece[rows])

    def foot_xy(self, graph: WalkingGraph) -> FloatArray:
        """Shape (n, 2), the points on the edges; NaN where not snapped."""
        start, stop = graph.node_xy[graph.edge_from[self.edge]], graph.node_xy[graph.edge_to[self.edge]]
        share = self.along_m / np.maximum(graph.edge_length_m[self.edge], np.finfo(float).tiny)
        foot: FloatArray = start + share[:, None] * (stop - start)
        return foot

    def places(self, graph: WalkingGraph, *, in_order: bool = True) -> Places:
        """Give the places as the search reads them; only where it asks who is on an edge are they put in order."""
        if not in_order:
            nothing = np.empty(0, dtype=np.int32)
            return Places(self.xy, self.edge, self.along_m, self.distance_m, nothing, nothing)
        on = np.flatnonzero(self.is_snapped)
        edge = self.edge[on]
        first = np.zeros(len(graph.edge_from) + 1, dtype=np.int32)
        np.cumsum(np.bincount(edge, minlength=len(graph.edge_from)), out=first[1:])
        order = on[np.argsort(edge, kind="stable")].astype(np.int32)
        return Places(self.xy, self.edge, self.along_m, self.distance_m, first, order)


def snap_points(graph: WalkingGraph, xy: npt.ArrayLike | Snap, *, limit_m: float = SNAP_LIMIT_M) -> Snap:
    """Find the nearest point on the network for each point; the lowest edge wins a tie.

    Parameters
    ----------
    graph
        The network.
    xy
        Shape (n, 2), metres in the network's CRS; a NaN point is not snapped. A `Snap` on this graph is given back as
        it is, whatever the limit: points that are asked about often are snapped once.
    limit_m
        Farthest snap, metres, > 0; a distance equal to it still snaps.

    Raises
    ------
    InvalidInputError
        If the shape is wrong or the limit is not above 0.
    """
    if isinstance(xy, Snap):
        return xy
    if not limit_m > 0:
        raise InvalidInputError(f"the snap limit is {limit_m} m; it must be above 0")
    points = as_points(xy)
    edge, along_m, distance_m = graph.grid.nearest(points, limit_m + ROUNDING_M)
    piece = np.where(edge >= 0, graph.node_piece[graph.edge_from[edge]], -1)
    return Snap(points, edge, along_m, distance_m, piece)
