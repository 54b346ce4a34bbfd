"""Sharing out faces into connected parts of like weight: recursive halving, then moves over the borders."""

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from data.demo.xialu.terrain import Array

Edges = list[tuple[int, int]]


class FaceGraph:
    """Which faces are neighbours; a part is a set of face numbers."""

    def __init__(self, count: int, edges: Edges) -> None:
        self.count = count
        self.edges = edges
        self.neighbours: list[list[int]] = [[] for _ in range(count)]
        for a, b in edges:
            self.neighbours[a].append(b)
            self.neighbours[b].append(a)

    def pieces(self, members: Iterable[int]) -> list[list[int]]:
        """Give the connected pieces of a set of faces, each sorted, in order of their first face."""
        left, pieces = set(members), []
        for start in sorted(left):
            if start not in left:
                continue
            left.discard(start)
            piece, front = [start], [start]
            while front:
                found = [b for a in front for b in self.neighbours[a] if b in left]
                front = sorted(set(found))
                left.difference_update(front)
                piece += front
            pieces.append(sorted(piece))
        return pieces


def join_pieces(graph: FaceGraph, spare: Edges) -> FaceGraph:
    """Add spare edges (neighbours across a barrier) only where the graph would be in pieces without them."""
    edges = list(graph.edges)
    while True:
        matrix = csr_array((np.ones(len(edges)), np.array(edges).T.reshape(2, -1)), shape=(graph.count, graph.count))
        count, label = connected_components(matrix, directed=False)
        extra = [(a, b) for a, b in spare if label[a] != label[b]]
        if count == 1 or not extra:
            return FaceGraph(graph.count, edges)
        edges += extra


def split_evenly(graph: FaceGraph, members: list[int], weight: Array, centre: Array, parts: int) -> list[list[int]]:
    """Divide connected faces into `parts` connected sets of about equal weight."""
    if parts <= 1 or len(members) <= 1:
        return [members]
    few = parts // 2
    first, second = _halve(graph, members, weight, centre, few / parts)
    if not first or not second:
        return [members]
    pair = split_evenly(graph, first, weight, centre, few) + split_evenly(graph, second, weight, centre, parts - few)
    return balance(graph, pair, weight)


def _halve(
    graph: FaceGraph, members: list[int], weight: Array, centre: Array, share: float
) -> tuple[list[int], list[int]]:
    """Cut across the long axis at a share of the weight; stray pieces go to the other side."""
    spread = centre[members] - centre[members].mean(axis=0)
    axis = np.linalg.svd(spread, full_matrices=False)[2][0]
    axis = axis if axis[0] >= 0 else -axis
    order = [members[i] for i in np.argsort(spread @ axis, kind="stable")]
    running = np.cumsum(weight[order] + 1e-6)
    at = int(np.searchsorted(running, running[-1] * share)) + 1
    first, second = set(order[: min(at, len(order) - 1)]), set(order[min(at, len(order) - 1) :])
    for _ in range(4):
        for side, other in ((first, second), (second, first)):
            for stray in _strays(graph, side, weight):
                side.difference_update(stray)
                other.update(stray)
    return sorted(first), sorted(second)


def _strays(graph: FaceGraph, side: set[int], weight: Array) -> list[list[int]]:
    """List the pieces of a side but its heaviest."""
    pieces = sorted(graph.pieces(side), key=lambda piece: (weight[piece].sum(), len(piece)))
    return pieces[:-1]


def balance(graph: FaceGraph, parts: list[list[int]], weight: Array, rounds: int = 40) -> list[list[int]]:
    """Move faces over borders while that evens out the weights and leaves every part connected."""
    sets = [set(part) for part in parts]
    owner = {face: i for i, part in enumerate(sets) for face in part}
    load = [float(weight[sorted(part)].sum()) for part in sets]
    for _ in range(rounds):
        moved = False
        for face in sorted(owner):
            home = owner[face]
            near = sorted({owner[b] for b in graph.neighbours[face] if b in owner} - {home})
            gains = [(load[home] - load[to] - weight[face], -to) for to in near]
            if not gains or max(gains)[0] <= 0 or weight[face] == 0 or len(sets[home]) == 1:
                continue
            if len(graph.pieces(sets[home] - {face})) > 1:
                continue
            to = -max(gains)[1]
            sets[home].discard(face)
            sets[to].add(face)
            load[home] -= float(weight[face])
            load[to] += float(weight[face])
            owner[face] = to
            moved = True
        if not moved:
            break
    return [sorted(part) for part in sets]


def spread_out(graph: FaceGraph, label: Array, centre: Array) -> Array:
    """Give every unlabelled face (-1) the label of the labelled face nearest to it through neighbours."""
    edges = np.array(graph.edges)
    length = np.hypot(*(centre[edges[:, 0]] - centre[edges[:, 1]]).T)
    matrix = csr_array((length, edges.T), shape=(graph.count, graph.count))
    sources = np.flatnonzero(label >= 0)
    _, _, nearest = dijkstra(matrix, directed=False, indices=sources, min_only=True, return_predecessors=True)
    spread: Array = np.where(nearest >= 0, label[nearest], -1)
    return spread
