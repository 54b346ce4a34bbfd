"""One community: its pieces, why some cannot be in the band, and the search for the best grids of the others."""

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.rebalance.board import Prices
from geo.rebalance.compiled import RandomState
from geo.rebalance.incumbents import incumbent_starts
from geo.rebalance.pieces import Piece, make_pieces
from geo.rebalance.problem import Cause, CommunityProblem, CommunitySolution, FloatArray, IntArray, Shortfall
from geo.rebalance.redraw import drawn_starts, likely_counts
from geo.rebalance.settle import Heat, Stage, settle
from geo.rebalance.sums import sum_by

REDRAW_STAGES = (Stage(40, 100, 0), Stage(8, 250, 20), Stage(3, 400, 80))
ADJUST_STAGES = (Stage(40, 100, 2), Stage(8, 400, 10), Stage(3, 2000, 20))
STARTS = 8
OUTSIDE_HOUSEHOLDS = 40.0
"""Flat price of a grid outside the band, so that one grid misses by much rather than several by little."""
LEAST_SHAPE_PRICE, SHAPE_PRICE = 0.2, 400.0
MEAN_SHAPE = 0.7
"""A grid more or less is worth it when it lifts the mean over all grids, which is about this."""
WALL_PRICE = 0.02
EVEN_PRICE, BALANCE_PRICE = 0.005, 0.5


def solve_community(problem: CommunityProblem, seed: int) -> CommunitySolution:
    """Cut one community into connected grids.

    A pure function: the same problem and seed give the same solution in any process. Atoms above the ceiling
    become grids of their own; every connected piece of the rest is cut by itself.
    """
    sequence = np.random.SeedSequence([seed, zlib.crc32(problem.community.encode())])
    band, pieces = problem.band, make_pieces(problem)
    grid, next_grid = np.empty(len(problem.households), dtype=np.int64), 0
    shortfalls: list[Shortfall] = []
    bound = 0.0
    for piece, child in zip(pieces, sequence.spawn(len(pieces)), strict=True):
        proofs = _proofs(piece)
        bound += max((proof.miss for proof in proofs), default=0.0)
        own = _solve_piece(problem, piece, np.asarray(child.generate_state(1, np.uint64), dtype=np.uint64))
        size = sum_by(own, piece.graph.households)
        if not proofs and not band.holds(size).all():
            proofs = [_Proof("not_found", 0.0, np.arange(len(own)))]
        shortfalls += [_shortfall(problem, proof.cause, piece.atoms[proof.atoms]) for proof in proofs]
        grid[piece.atoms] = own + next_grid
        next_grid += len(size)
    total_miss = float(band.miss(sum_by(grid, problem.households)).sum())
    return CommunitySolution(grid, tuple(shortfalls), total_miss, bound)


@dataclass(frozen=True)
class _Proof:
    """Why some atoms of a piece cannot be in the band, and by how many households the piece must miss at least."""

    cause: Cause
    miss: float
    atoms: IntArray


def _proofs(piece: Piece) -> list[_Proof]:
    """Why a piece cannot be wholly in the band, as far as counting and looking at each atom's neighbours can tell."""
    band, total, households = piece.band, piece.total, piece.graph.households
    everything = np.arange(len(households))
    fewest, most = band.grid_counts(total)
    if piece.is_set and total > band.ceiling:
        return [_Proof("unit_over_ceiling", total - band.ceiling, everything)]
    if total < band.floor:
        return [_Proof("total_below_floor" if piece.is_alone else "pocket_below_floor", band.floor - total, everything)]
    if fewest > most:
        miss = min(total - most * band.ceiling, fewest * band.floor - total)
        return [_Proof("no_whole_number", miss, everything)]
    lightest = np.full(len(everything), np.inf)
    for here, there in ((0, 1), (1, 0)):
        np.minimum.at(lightest, piece.pairs[:, here], households[piece.pairs[:, there]])
    excess = households + lightest - band.ceiling
    boxed = np.flatnonzero((households < band.floor) & (excess > 0))
    return [
        _Proof("boxed_in", float(min(band.floor - households[atom], excess[atom])), everything[[atom]])
        for atom in boxed
    ]


def _shortfall(problem: CommunityProblem, cause: Cause, atoms: IntArray) -> Shortfall:
    """Say which units a cause is about."""
    units = np.flatnonzero(np.isin(problem.atom, atoms))
    households = float(problem.households[atoms].sum())
    return Shortfall(cause, cause != "not_found", households, len(units), int(problem.unit[units[0]]))


def _solve_piece(problem: CommunityProblem, piece: Piece, state: RandomState) -> IntArray:
    """Cut one connected piece into grids, numbered from 0 without gaps."""
    if piece.is_set or piece.total < piece.band.floor or len(piece.atoms) == 1:
        return np.zeros(len(piece.atoms), dtype=np.int64)
    follows = problem.mode == "adjust" and problem.shape < 1
    prices = _prices(problem, piece)
    starts: list[IntArray] = []
    if (follows and piece.graph.stay.any()) or not piece.graph.is_free.all():
        starts = incumbent_starts(piece, prices, state)
    if not starts or problem.shape > 0:
        each = STARTS
        drawn = drawn_starts(piece.graph, prices, likely_counts(piece.band, piece.total), each, state)
        if piece.graph.is_free.all():
            starts += [_relabel(piece.graph.stay, plan) for plan in drawn] if follows else list(drawn)
    stages = ADJUST_STAGES if follows and problem.shape == 0 else REDRAW_STAGES
    plans, _ = settle(piece.graph, np.array(starts), prices, stages, _heat(prices), state)
    return np.unique(plans[0], return_inverse=True)[1].ravel().astype(np.int64)


def _prices(problem: CommunityProblem, piece: Piece) -> Prices:
    """Prices in households: one moved costs 1 and shape what the problem asks; in a redraw shape alone counts."""
    is_weighted = not np.array_equal(problem.workload, problem.households)
    count = likely_counts(piece.band, piece.total)[0]
    ideal = float(piece.graph.workload.sum()) / count if is_weighted else piece.band.target
    follows = problem.mode == "adjust" and problem.shape < 1
    shape = LEAST_SHAPE_PRICE + SHAPE_PRICE * problem.shape**2 / (1 - problem.shape) if follows else SHAPE_PRICE
    return Prices(
        miss=10.0,
        outside=OUTSIDE_HOUSEHOLDS,
        moved=1.0 if follows else 0.0,
        shape=shape,
        balance=shape * (BALANCE_PRICE if is_weighted else EVEN_PRICE),
        ideal=max(ideal, 1e-9),
        wall=shape * WALL_PRICE,
    )


def _heat(prices: Prices) -> Heat:
    """Temperatures that fit the prices."""
    moved = prices.moved > 0
    return Heat(
        warm=0.03 * prices.shape + 15.0 * moved,
        cold=0.003 * prices.shape + 0.5 * moved,
        miss_first=0.004 * prices.shape + 1.5 * moved,
        miss_last=0.1 * prices.shape + 10.0 * moved,
        chain_ratio=0.02 * moved,
        tree_ratio=0.3,
        grid=-(1 - MEAN_SHAPE) * prices.shape,
    )


def _relabel(stay: FloatArray, grid: IntArray) -> IntArray:
    """Give every grid the label of an incumbent it can best be matched with; the others get new labels."""
    known = stay.shape[1]
    shared = np.zeros((int(grid.max()) + 1, known))
    np.add.at(shared, grid, stay)
    label = np.arange(len(shared)) + known
    rows, columns = linear_sum_assignment(-shared)
    label[rows] = columns
    return np.asarray(label[grid], dtype=np.int64)
