"""Partitioners of others, given what they can be told: a connected graph, households, borders, a number of parts.

None of them knows a band, a community, a barrier or an incumbent plan, so every connected piece of a community is cut
by itself into as many grids as brings it nearest to the target, over links that no barrier crosses.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tests.benchmarks.plan_check import Facts

Array = npt.NDArray[np.generic]
SEED = 20250101
RECOM_STEPS = 200
TREE_ATTEMPTS = 1000


@dataclass(frozen=True)
class Piece:
    """One connected piece as a symmetric graph in rows (CSR): neighbours, metres of border, households."""

    first: Array
    neighbour: Array
    border_m: Array
    households: Array
    parts: int
    floor: float
    ceiling: float

    @property
    def pairs(self) -> Array:
        start = np.repeat(np.arange(len(self.households)), np.diff(self.first))
        return np.c_[start, self.neighbour][start < self.neighbour]

    def badness(self, label: Array) -> tuple[int, float, float]:
        """Parts in pieces, then households outside the band, then metres of border cut."""
        size = np.bincount(label, self.households)
        miss = np.maximum(np.maximum(size - self.ceiling, self.floor - size), 0).sum()
        start = np.repeat(np.arange(len(self.households)), np.diff(self.first))
        same = label[start] == label[self.neighbour]
        graph = coo_matrix((same[same], (start[same], self.neighbour[same])), (len(label), len(label)))
        surplus = connected_components(graph, directed=False)[0] - len(np.unique(label))
        return surplus, float(miss), float(self.border_m[~same].sum())


def cut(facts: Facts, peer: str, *, whole: bool, floor: float, ceiling: float) -> Array:
    """Let a peer cut every piece; the grid of every unit, from 0."""
    atom = _atoms(facts, ceiling) if whole else np.arange(len(facts.households))
    grid = np.empty(atom.max() + 1, dtype=int)
    following = 0
    for members, piece in _pieces(facts, atom, floor, ceiling):
        label = np.zeros(len(members), dtype=int) if piece.parts < 2 else PEERS[peer](piece)
        grid[members] = np.unique(label, return_inverse=True)[1] + following
        following += len(np.unique(label))
    return grid[atom]


def _atoms(facts: Facts, ceiling: float) -> Array:
    """Merge the connected units of each compound that fits one grid."""
    count = len(facts.households)
    named = facts.compound >= 0
    fits = np.r_[np.bincount(facts.compound[named], facts.households[named]) <= ceiling, False]
    a, b = facts.links.T
    inner = fits[facts.compound[a]] & (facts.compound[a] == facts.compound[b])
    graph = coo_matrix((np.ones(inner.sum()), (a[inner], b[inner])), (count, count))
    return connected_components(graph, directed=False)[1]


def _pieces(facts: Facts, atom: Array, floor: float, ceiling: float) -> Iterator[tuple[Array, Piece]]:
    """Every connected piece of the graph of atoms, with the atoms it holds."""
    count = int(atom.max()) + 1
    ends = atom[facts.links]
    border_m = np.r_[facts.border_m[~facts.is_crossing], np.ones(len(facts.bridges))]
    outer = ends[:, 0] != ends[:, 1]
    half = coo_matrix((border_m[outer], ends[outer].T), (count, count)).tocsr()
    graph = (half + half.T).tocsr()
    households = np.bincount(atom, facts.households, minlength=count)
    piece = connected_components(graph, directed=False)[1]
    order = np.argsort(piece, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(piece[order])) + 1):
        own = graph[members][:, members]
        total = households[members].sum()
        fewest, most = int(np.ceil(total / ceiling)), int(total // floor)
        parts = int(np.clip(round(total / ((floor + ceiling) / 2)), fewest, max(fewest, most)))
        yield (
            members,
            Piece(own.indptr, own.indices, own.data, households[members], min(parts, len(members)), floor, ceiling),
        )


def _metis(piece: Piece, seed: int, imbalance: float, *, recursive: bool = False) -> Array:
    """One run: contiguous k-way, or recursive bisection, which cannot promise connected parts."""
    import pymetis

    contiguous = {} if recursive else {"contig": 1}
    found = pymetis.part_graph(
        piece.parts,
        pymetis.CSRAdjacency(piece.first, piece.neighbour),
        vweights=piece.households.astype(np.int32),
        eweights=np.maximum(piece.border_m.round(), 1).astype(np.int32),
        options=pymetis.Options(seed=seed, ufactor=round(1000 * imbalance), **contiguous),
        recursive=recursive,
    )
    return np.array(found.vertex_part)


def metis(piece: Piece) -> Array:
    """METIS, one seed, contiguous k-way."""
    return _metis(piece, SEED, 0.1)


def metis_100(piece: Piece) -> Array:
    """METIS, 25 seeds, each k-way with three imbalances and once by recursive bisection; the best plan kept."""
    runs = [
        _metis(piece, SEED + k, imbalance, recursive=recursive)
        for k in range(25)
        for imbalance, recursive in ((0.03, False), (0.1, False), (0.3, False), (0.1, True))
    ]
    return min(runs, key=piece.badness)


def kahip(piece: Piece) -> Array:
    """KaHIP, strong."""
    import kahip as library

    label = library.kaffpa(
        piece.households.astype(int).tolist(),
        piece.first.tolist(),
        np.maximum(piece.border_m.round().astype(int), 1).tolist(),
        piece.neighbour.tolist(),
        piece.parts,
        0.1,
        True,
        SEED,
        library.STRONG,
    )[1]
    return np.array(label)


def tree(piece: Piece) -> Array:
    """GerryChain, recursive tree; the piece is left whole where no tree was found to cut it."""
    try:
        return _gerrychain(piece, 0)
    except RuntimeError:
        return np.zeros(len(piece.households), dtype=int)


def recom(piece: Piece) -> Array:
    """GerryChain, recursive tree and then 200 recombinations, the best plan on the way kept."""
    try:
        return _gerrychain(piece, RECOM_STEPS)
    except RuntimeError:
        return np.zeros(len(piece.households), dtype=int)


def _gerrychain(piece: Piece, steps: int) -> Array:
    """A recursive tree partition and a chain of recombinations from it."""
    import random
    from functools import partial

    import networkx as nx
    from gerrychain import Graph, MarkovChain, Partition, updaters
    from gerrychain.proposals import recom as recombine
    from gerrychain.tree import bipartition_tree

    graph = nx.Graph()
    graph.add_nodes_from((i, {"people": value}) for i, value in enumerate(piece.households.tolist()))
    graph.add_edges_from(piece.pairs.tolist())
    target = float(piece.households.sum()) / piece.parts
    rng = random.Random(SEED)
    spread = min(1 - piece.floor / target, piece.ceiling / target - 1)
    split = partial(bipartition_tree, max_attempts=TREE_ATTEMPTS, warn_attempts=TREE_ATTEMPTS + 1)
    start = Partition.from_random_assignment(
        Graph.from_networkx(graph),
        piece.parts,
        spread,
        "people",
        updaters={"people": updaters.Tally("people", alias="people")},
        partition_fn=partial(_tree_part, split=split),
        rng=rng,
    )
    best = _labels(start, len(piece.households))
    if steps and piece.parts > 1:
        proposal = partial(recombine, pop_col="people", pop_target=target, epsilon=spread, bipartition_tree_fn=split)
        chain = MarkovChain(proposal, [], initial_partition=start, total_steps=steps, rng=rng)
        best = min((_labels(state, len(piece.households)) for state in chain), key=piece.badness)
    return best


def _tree_part(*arguments: object, split: Callable[..., object], **options: object) -> object:
    from gerrychain.partition.initial_partition_generators import recursive_tree_part

    return recursive_tree_part(*arguments, bipartition_tree_fn=split, **options)


def _labels(partition: object, count: int) -> Array:
    """The part of every node."""
    label = np.empty(count, dtype=int)
    for number, nodes in enumerate(partition.parts.values()):
        label[[partition.graph.original_nx_node_id_for_internal_node_id(node) for node in nodes]] = number
    return label


def _spopt(piece: Piece, make: Callable[[object, object], object]) -> Array:
    """One of spopt's models on one piece; it wants a frame of attributes and neighbour weights."""
    import geopandas as gpd
    from libpysal.weights import W

    rows = np.split(piece.neighbour, piece.first[1:-1])
    weights = W({i: row.tolist() for i, row in enumerate(rows)}, silence_warnings=True)
    frame = gpd.GeoDataFrame(
        {"people": piece.households}, geometry=gpd.points_from_xy(piece.households, 0 * piece.households)
    )
    model = make(frame, weights)
    model.solve()
    return np.unique(np.asarray(model.labels_), return_inverse=True)[1]


def ward(piece: Piece) -> Array:
    """spopt, Ward."""
    from spopt.region import WardSpatial

    return _spopt(piece, lambda frame, weights: WardSpatial(frame, weights, ["people"], piece.parts))


def skater(piece: Piece) -> Array:
    """spopt, SKATER."""
    from spopt.region import Skater

    return _spopt(piece, lambda frame, weights: Skater(frame, weights, ["people"], piece.parts))


def max_p(piece: Piece) -> Array:
    """spopt, Max-P with the floor as threshold, ten constructions in place of 99, which take minutes."""
    from spopt.region import MaxPHeuristic

    np.random.seed(SEED % 2**32)
    return _spopt(
        piece,
        lambda frame, weights: MaxPHeuristic(frame, weights, ["people"], "people", piece.floor, 2, 10),
    )


PEERS: dict[str, Callable[[Piece], Array]] = {
    "METIS": metis,
    "METIS, best of 100": metis_100,
    "KaHIP strong": kahip,
    "GerryChain tree": tree,
    "GerryChain ReCom": recom,
    "spopt Ward": ward,
    "spopt SKATER": skater,
    "spopt Max-P": max_p,
}
SMALL_ONLY = ("spopt Ward", "spopt SKATER", "spopt Max-P")
"""So slow, or so far from the band, that only a single community is asked of them."""


def distribution(peer: str) -> str:
    """The module a peer comes in."""
    return {"METIS": "pymetis", "KaHIP": "kahip", "GerryChain": "gerrychain", "spopt": "spopt"}[
        peer.split()[0].strip(",")
    ]


def load(peer: str) -> None:
    """Import a peer's module, so that nobody's seconds are those of importing."""
    importlib.import_module({"spopt": "spopt.region"}.get(distribution(peer), distribution(peer)))
