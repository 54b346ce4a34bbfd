"""Pieces: the connected parts of a community that are cut into grids one by one, ready for the kernels."""

from dataclasses import dataclass

import numpy as np

from geo.rebalance.adjacency import connect
from geo.rebalance.board import Graph
from geo.rebalance.problem import Band, BoolArray, CommunityProblem, FloatArray, IntArray


@dataclass(frozen=True)
class Piece:
    """A connected part of a community.

    Attributes
    ----------
    atoms
        Shape (n_atom,). Its atoms, by position in the problem.
    pairs
        Shape (n_pair, 2). Its neighbour pairs, by position in `atoms`.
    graph
        The same for the kernels.
    incumbent
        Shape (n_atom,). Incumbent grid of each atom, -1 for none.
    is_set
        Whether nothing is to be decided: an atom above the ceiling, or a grid that is closed.
    is_alone
        Whether it is the whole community.
    """

    atoms: IntArray
    pairs: IntArray
    graph: Graph
    incumbent: IntArray
    band: Band
    is_set: bool
    is_alone: bool

    @property
    def total(self) -> float:
        """Households of the whole piece."""
        return float(self.graph.households.sum())


def make_pieces(problem: CommunityProblem) -> list[Piece]:
    """Take a community apart: atoms above the ceiling, closed grids, and what they leave connected."""
    own, piece_of = part(problem)
    keep: BoolArray = own[problem.pairs[:, 0]] == own[problem.pairs[:, 1]]
    numbers = np.unique(piece_of)
    home = _home(problem, piece_of, len(numbers))
    return [
        _cut_out(problem, np.flatnonzero(piece_of == number), keep, home == number, own=own, alone=len(numbers) == 1)
        for number in numbers
    ]


def part(problem: CommunityProblem) -> tuple[IntArray, IntArray]:
    """Number the pieces; also what sets one apart: an atom above the ceiling, a closed grid, -1 for all others.

    Returns
    -------
    own, piece
        Shapes (n_atom,).
    """
    own = np.full(len(problem.households), -1, dtype=np.int64)
    over = np.flatnonzero(problem.households > problem.band.ceiling)
    own[over] = len(problem.incumbents) + np.arange(len(over))
    if problem.closed.any():
        locked = problem.fixed & np.r_[problem.closed, False][problem.incumbent]
        own[locked] = problem.incumbent[locked]
    return own, connect(own - own.min(initial=0), problem.pairs)


def _home(problem: CommunityProblem, piece_of: IntArray, count: int) -> IntArray:
    """The piece with most households of each incumbent grid: only there can it live on."""
    shared = np.zeros((count, len(problem.incumbents)))
    np.add.at(shared, piece_of, problem.overlap)
    return np.asarray(shared.argmax(axis=0))


def _cut_out(
    problem: CommunityProblem, atoms: IntArray, keep: BoolArray, is_home: BoolArray, *, own: IntArray, alone: bool
) -> Piece:
    """The part of a problem that some atoms make."""
    position = np.full(len(problem.households), -1, dtype=np.int64)
    position[atoms] = np.arange(len(atoms))
    ends, walls = position[problem.pairs], position[problem.wall_pairs]
    inner, walled = keep & (ends >= 0).all(axis=1), (walls >= 0).all(axis=1)
    overlap = problem.overlap[atoms] * is_home
    incumbent = problem.incumbent[atoms]
    return Piece(
        atoms=atoms,
        pairs=ends[inner],
        graph=make_graph(
            problem, atoms, ends[inner], walls[walled],
            borders_m=(problem.border_m[inner], problem.wall_border_m[walled]),
            overlap=overlap,
        ),
        incumbent=np.where((incumbent >= 0) & np.r_[is_home, False][incumbent], incumbent, -1),
        band=problem.band,
        is_set=bool(own[atoms[0]] >= 0),
        is_alone=alone,
    )  # fmt: skip


def make_graph(
    problem: CommunityProblem,
    atoms: IntArray,
    pairs: IntArray,
    walls: IntArray,
    *,
    borders_m: tuple[FloatArray, FloatArray],
    overlap: FloatArray,
) -> Graph:
    """Both directions of every pair in compressed rows, those that connect and those that a barrier parts."""
    source = np.concatenate([pairs[:, 0], pairs[:, 1], walls[:, 0], walls[:, 1]])
    near = np.concatenate([pairs[:, 1], pairs[:, 0], walls[:, 1], walls[:, 0]])
    border_m = np.concatenate([borders_m[0], borders_m[0], borders_m[1], borders_m[1]])
    linked = np.arange(len(source)) < 2 * len(pairs)
    order = np.lexsort((near, source))
    source, linked, is_free = source[order], linked[order], ~problem.fixed[atoms]
    return Graph(
        start=np.searchsorted(source, np.arange(len(atoms) + 1)).astype(np.int64),
        source=source,
        near=near[order],
        border_m=border_m[order],
        linked=linked,
        households=problem.households[atoms],
        workload=problem.workload[atoms],
        area_m2=problem.area_m2[atoms],
        perimeter_m=problem.perimeter_m[atoms],
        xy_m=np.ascontiguousarray(problem.inside_xy_m[atoms]),
        stay=np.ascontiguousarray(overlap),
        movable=np.flatnonzero(linked & is_free[source]),
        is_free=is_free,
        floor=float(problem.band.floor),
        ceiling=float(problem.band.ceiling),
    )
