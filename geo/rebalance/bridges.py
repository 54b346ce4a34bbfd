"""Bridges: marked neighbour pairs of units that do not touch, so that a gap in the drawing is no gap in the plan."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from geo.rebalance.adjacency import NO_PAIRS, Neighbours, components, crosses
from geo.rebalance.problem import BoolArray, FloatArray, IntArray
from geo.rebalance.streets import GAP_M
from geo.rebalance.units import Units

NEAREST = 8


@dataclass(frozen=True)
class Bridges:
    """Pairs of units joined although they share no border.

    Attributes
    ----------
    pairs, gap_m
        Shapes (n, 2) and (n,). Row positions; metres between the two geometries.
    is_cut
        Shape (n,). Whether the bridge crosses a barrier: only where a single unit, or a piece in which nobody lives,
        has no other way out.
    """

    pairs: IntArray
    gap_m: FloatArray
    is_cut: BoolArray


def build_bridges(units: Units, neighbours: Neighbours, barriers: npt.NDArray[np.object_]) -> Bridges:
    """Join the connected pieces of each community across gaps that no barrier explains.

    Pieces are what `neighbours` connects without crossing a barrier, across streets too. Between two pieces of one
    community whose units do not face each other across a barrier, the shortest link that crosses no barrier becomes a
    bridge when it is at most `GAP_M` long or a shortest spanning tree of the pieces needs it. A unit that has no
    neighbour at all then, and a piece in which nobody lives, is joined to the nearest unit, even across a barrier.
    """
    piece = components(len(units.households), neighbours.pairs[~neighbours.is_cut])
    if len(np.unique(piece)) == len(units.communities):
        return Bridges(NO_PAIRS, np.empty(0), np.empty(0, dtype=bool))
    pairs, gap_m = _links(units, piece)
    walled = _walled(piece, neighbours)
    allowed = ~crosses(units, barriers, pairs) & ~np.isin(_piece_pair(piece, pairs), walled)
    pairs, gap_m = _shortest(piece, pairs[allowed], gap_m[allowed])
    needed = _spanning(piece, pairs, gap_m) | (gap_m <= GAP_M)
    pairs, gap_m = pairs[needed], gap_m[needed]
    lone_pairs, lone_gap_m = _rescue(units, np.vstack([neighbours.pairs[~neighbours.is_cut], pairs]))
    pairs, gap_m = np.vstack([pairs, lone_pairs]), np.r_[gap_m, lone_gap_m]
    return Bridges(pairs, gap_m, crosses(units, barriers, pairs))


def shortest_tree(piece: IntArray, pairs: IntArray, gap_m: FloatArray) -> tuple[IntArray, FloatArray]:
    """Keep the shortest links that connect the pieces as far as all links do, and their metres."""
    pairs, gap_m = _shortest(piece, pairs, gap_m)
    needed = _spanning(piece, pairs, gap_m)
    return pairs[needed], gap_m[needed]


def _links(units: Units, piece: IntArray) -> tuple[IntArray, FloatArray]:
    """Candidate links: every unit to its nearest units of other pieces of its community, with metres."""
    found, inside = [NO_PAIRS], shapely.get_coordinates(units.inside_m)
    for community in range(len(units.communities)):
        index = np.flatnonzero(units.community == community)
        if len(np.unique(piece[index])) > 1:
            found.extend(_community_links(units.geom_m, inside, piece, index))
    pairs = np.unique(np.sort(np.vstack(found), axis=1), axis=0)
    return pairs, shapely.distance(units.geom_m[pairs[:, 0]], units.geom_m[pairs[:, 1]])


def _community_links(
    geom_m: npt.NDArray[np.object_], inside: FloatArray, piece: IntArray, index: IntArray
) -> list[IntArray]:
    """Links to units within reach, and from each piece to the nearest units outside it however far they are."""
    tree = shapely.STRtree(geom_m[index])
    a, b = tree.query(geom_m[index], predicate="dwithin", distance=GAP_M)
    near = np.c_[index[a], index[b]]
    found = [near[piece[near[:, 0]] != piece[near[:, 1]]]]
    for number in np.unique(piece[index]):
        own, other = index[piece[index] == number], index[piece[index] != number]
        if len(own) > len(other):
            continue
        far = shapely.STRtree(geom_m[other])
        x, y = far.query_nearest(geom_m[own], all_matches=False)
        found.append(np.c_[own[x], other[y]])
        centre = inside[own].mean(axis=0)
        ring = other[np.argsort(np.hypot(*(inside[other] - centre).T), kind="stable")[:NEAREST]]
        found.append(np.c_[np.repeat(own[:1], len(ring)), ring] if len(own) == 1 else NO_PAIRS)
    return found


def _piece_pair(piece: IntArray, pairs: IntArray) -> IntArray:
    """One number for the two pieces that a pair joins."""
    ends = np.sort(piece[pairs], axis=1)
    return np.asarray(ends[:, 0] * (piece.max() + 1) + ends[:, 1])


def _walled(piece: IntArray, neighbours: Neighbours) -> IntArray:
    """Pairs of pieces whose units touch, but only across a barrier."""
    return np.unique(_piece_pair(piece, neighbours.pairs[neighbours.is_cut]))


def _shortest(piece: IntArray, pairs: IntArray, gap_m: FloatArray) -> tuple[IntArray, FloatArray]:
    """Keep the shortest link between two pieces, the first one among equals."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0], gap_m))
    _, first = np.unique(_piece_pair(piece, pairs[order]), return_index=True)
    chosen = np.sort(order[first])
    return pairs[chosen], gap_m[chosen]


def _spanning(piece: IntArray, pairs: IntArray, gap_m: FloatArray) -> BoolArray:
    """Links of a shortest spanning forest of the pieces."""
    count = int(piece.max()) + 1
    ends = np.sort(piece[pairs], axis=1)
    # rank instead of length: a zero gap must not vanish from the sparse matrix, and ties break by order
    rank = np.empty(len(pairs))
    rank[np.lexsort((pairs[:, 1], pairs[:, 0], gap_m))] = np.arange(1, len(pairs) + 1)
    tree = minimum_spanning_tree(coo_matrix((rank, (ends[:, 0], ends[:, 1])), (count, count)).tocsr())
    return np.isin(rank, tree.data)


def _rescue(units: Units, linked: IntArray) -> tuple[IntArray, FloatArray]:
    """Link units without any neighbour, and pieces where nobody lives, to the nearest unit, over barriers too.

    A piece without households can never be a grid in the band, and nobody's worker changes when it joins one.
    """
    found: dict[tuple[int, int], float] = {}
    while True:
        own = np.array(list(found), dtype=np.int64).reshape(-1, 2)
        piece = components(len(units.households), np.vstack([linked, own]))
        needy = (np.bincount(piece) == 1) | (np.bincount(piece, units.households) == 0)
        links = [_nearest_outside(units, piece, int(number)) for number in np.flatnonzero(needy)]
        fresh = dict(filter(None, links))
        if not fresh:
            return own, np.array(list(found.values()), dtype=float)
        found.update(fresh)


def _nearest_outside(units: Units, piece: IntArray, number: int) -> tuple[tuple[int, int], float] | None:
    """The shortest way from a piece to another unit of its community, None when it is all of it."""
    own = np.flatnonzero(piece == number)
    others = np.flatnonzero((units.community == units.community[own[0]]) & (piece != number))
    if not len(others):
        return None
    (start, end), gap_m = shapely.STRtree(units.geom_m[others]).query_nearest(
        units.geom_m[own], return_distance=True, all_matches=False
    )
    best = int(np.argmin(gap_m))
    a, b = int(own[start[best]]), int(others[end[best]])
    return (min(a, b), max(a, b)), float(gap_m[best])
