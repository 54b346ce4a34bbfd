"""Contiguous partitions of a weighted graph by METIS, over several seeds.

References
----------
Karypis, G., Kumar, V. (1998). A fast and high quality multilevel scheme for partitioning irregular graphs. SIAM
Journal on Scientific Computing 20(1), 359-392.
"""

from collections.abc import Iterator

import numpy as np
import pymetis

from geo.rebalance.adjacency import components
from geo.rebalance.problem import FloatArray, IntArray

IMBALANCE_PERMILLE = (30, 100, 200, 300)
"""Tight balance fits the band, loose balance gives better shapes: tried in turn."""


def partitions(
    households: FloatArray, pairs: IntArray, border_m: FloatArray, *, count: int, attempts: int, seed: int
) -> Iterator[IntArray]:
    """Yield contiguous partitions of a connected graph into `count` parts; shape (n,) each.

    A part that METIS leaves disconnected is taken apart, so there may be more than `count` parts, numbered
    from 0 without gaps.
    """
    n = len(households)
    if count <= 1 or n <= count:
        yield np.arange(n) if 1 < n <= count else np.zeros(n, dtype=np.int64)
        return
    graph = _Graph(households, pairs, border_m)
    for attempt in range(attempts):
        imbalance = IMBALANCE_PERMILLE[attempt % len(IMBALANCE_PERMILLE)]
        yield connect(graph.cut(count, None, imbalance=imbalance, seed=seed + attempt), pairs)


def bisect(households: FloatArray, pairs: IntArray, border_m: FloatArray, *, share_ratio: float, seed: int) -> IntArray:
    """Cut a connected graph in two, the second part with about this share (0-1) of the households."""
    if len(households) < 2:
        return np.zeros(len(households), dtype=np.int64)
    shares = [1 - share_ratio, share_ratio]
    return connect(_Graph(households, pairs, border_m).cut(2, shares, imbalance=30, seed=seed), pairs)


def connect(part: IntArray, pairs: IntArray) -> IntArray:
    """Number the connected components of the parts, from 0 without gaps."""
    return components(len(part), pairs[part[pairs[:, 0]] == part[pairs[:, 1]]])


class _Graph:
    """A graph as METIS wants it: both directions of each pair in compressed rows, whole-numbered weights."""

    def __init__(self, households: FloatArray, pairs: IntArray, border_m: FloatArray) -> None:
        both = np.vstack([pairs, pairs[:, ::-1]])
        order = np.lexsort((both[:, 1], both[:, 0]))
        starts = np.searchsorted(both[order, 0], np.arange(len(households) + 1))
        self.adjacency = pymetis.CSRAdjacency(starts, np.ascontiguousarray(both[order, 1]))
        self.households = np.rint(10 * households).astype(np.int64)
        self.border_dm = np.maximum(np.rint(10 * np.r_[border_m, border_m]), 1).astype(np.int64)[order]

    def cut(self, count: int, shares: list[float] | None, *, imbalance: int, seed: int) -> IntArray:
        """Cut into parts, k-way and contiguous, weighted by shared border."""
        result = pymetis.part_graph(
            count,
            adjacency=self.adjacency,
            vweights=self.households,
            eweights=self.border_dm,
            tpwgts=shares,
            recursive=False,
            options=pymetis.Options(contig=1, ufactor=imbalance, seed=seed % (2**31 - 1), numbering=0),
        )
        return np.asarray(result.vertex_part, dtype=np.int64)
