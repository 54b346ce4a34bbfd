"""One community: its pieces, why some cannot be in the band, and the search for the best grids of the others."""

import math
import time
import zlib
from dataclasses import dataclass, replace

import numpy as np

from geo.rebalance.board import Prices
from geo.rebalance.bounds import TOLERANCE, count_moved
from geo.rebalance.codes import match
from geo.rebalance.compiled import RandomState
from geo.rebalance.dig import polish
from geo.rebalance.exact import DOUBT_EFFORT, EFFORT, EFFORTS, close_gap, find_any, is_proven
from geo.rebalance.incumbents import incumbent_starts, label_as
from geo.rebalance.pieces import Piece, make_pieces
from geo.rebalance.prices import depth_of, follows, heat_of, prices_of_problem
from geo.rebalance.problem import Cause, CommunityProblem, CommunitySolution, IntArray, Shortfall
from geo.rebalance.redraw import drawn_starts, likely_counts
from geo.rebalance.scope import cut_out
from geo.rebalance.settle import settle
from geo.rebalance.sums import sum_by

COARSE_UNITS, WIDER_SHAPES = 8, (0.1, 0.3)
"""With fewer atoms a grid than that single moves lead astray: searches that pay for shape too find plans that move
fewer."""


def solve_community(
    problem: CommunityProblem, seed: int, *, effort: int = EFFORT, until: float = math.inf
) -> CommunitySolution:
    """Cut one community into connected grids.

    A pure function: the same problem and seed give the same solution in any process. Atoms above the ceiling
    become grids of their own; every connected piece of the rest is cut by itself.

    Parameters
    ----------
    effort
        Simplex iterations that exact search may spend on it.
    until
        Seconds since the epoch at which to be content with the best plan so far; only this lets the time matter.
    """
    solution = draft_community(problem, seed, until=until)
    for share in sorted({min(effort, most) for most in EFFORTS}):
        solution = settle_community(problem, solution, effort=share, until=until)
    return polish_community(problem, solution, until=until) if effort > 0 else solution


def draft_community(problem: CommunityProblem, seed: int, *, until: float = math.inf) -> CommunitySolution:
    """The best plan that the search finds, with the bounds that cost next to nothing."""
    best = _draft(problem, seed, until)
    is_coarse = len(problem.households) < COARSE_UNITS * problem.overlap.shape[1]
    if not _counts_moves(problem) or not is_coarse or is_proven(best):
        return best
    for shape in WIDER_SHAPES:
        if time.time() < until:
            other = _draft(replace(problem, shape=shape, is_thorough=False), seed, until)
            best = min(best, other, key=lambda found: (found.miss_households, found.moved_households))
    return close_gap(problem, best, effort=0)


def _draft(problem: CommunityProblem, seed: int, until: float) -> CommunitySolution:
    """The best plan that the search finds for the shape asked for."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(problem.community.encode())])
    band, pieces = problem.band, make_pieces(problem)
    grid, next_grid = np.empty(len(problem.households), dtype=np.int64), 0
    shortfalls: list[Shortfall] = []
    bound = 0.0
    for piece, child in zip(pieces, sequence.spawn(len(pieces)), strict=True):
        proofs = _proofs(piece)
        bound += max((proof.miss for proof in proofs), default=0.0)
        own = _solve_piece(problem, piece, np.asarray(child.generate_state(1, np.uint64), dtype=np.uint64), until)
        size = sum_by(own, piece.graph.households)
        if not proofs and not band.holds(size).all():
            proofs = [_Proof("not_found", 0.0, np.arange(len(own)))]
        shortfalls += [_shortfall(problem, proof.cause, piece.atoms[proof.atoms]) for proof in proofs]
        grid[piece.atoms] = own + next_grid
        next_grid += len(size)
    total_miss = float(band.miss(sum_by(grid, problem.households)).sum())
    moved = float(problem.overlap.sum() - match(problem, grid)[2].sum()) if problem.incumbents else None
    solution = CommunitySolution(grid, tuple(shortfalls), total_miss, bound, moved)
    return close_gap(problem, solution, effort=0) if _counts_moves(problem) else solution


def settle_community(
    problem: CommunityProblem, solution: CommunitySolution, *, effort: int, until: float = math.inf
) -> CommunitySolution:
    """Let exact search tell whether there is a plan in the band where none was found, and one that moves fewer."""
    if effort <= 0 or time.time() >= until:
        return solution
    for doubt in _doubts(solution) if effort <= DOUBT_EFFORT else ():
        solution = _settle_doubt(problem, solution, doubt, effort, until)
    if not _counts_moves(problem) or is_proven(solution):
        return solution
    solution = close_gap(problem, solution, effort=effort, until=until)
    return replace(solution, shortfalls=()) if solution.miss_households <= 0 else solution


def polish_community(
    problem: CommunityProblem, solution: CommunitySolution, *, until: float = math.inf
) -> CommunitySolution:
    """Where least change alone is asked for, the more compact plan among those that move as few households."""
    if not _counts_moves(problem) or not solution.moved_households:
        return solution
    grid = polish(problem, solution.grid, until=until)
    moved, miss = count_moved(problem, grid), float(problem.band.miss(sum_by(grid, problem.households)).sum())
    if moved > solution.moved_households + TOLERANCE or miss > solution.miss_households + TOLERANCE:
        return solution
    return replace(solution, grid=grid, moved_households=moved, miss_households=miss)


def is_open(problem: CommunityProblem, solution: CommunitySolution) -> bool:
    """Whether exact search could tell more: of a plan in the band, or of one that moves fewer households."""
    return bool(_doubts(solution)) or (_counts_moves(problem) and not is_proven(solution))


def _counts_moves(problem: CommunityProblem) -> bool:
    """Whether least change alone is asked for."""
    return problem.mode == "adjust" and problem.shape <= 0 and bool(problem.overlap.any())


def _doubts(solution: CommunitySolution) -> list[Shortfall]:
    """The pieces for which no plan in the band was found."""
    return [shortfall for shortfall in solution.shortfalls if shortfall.cause == "not_found"]


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


def _settle_doubt(
    problem: CommunityProblem, solution: CommunitySolution, doubt: Shortfall, effort: int, until: float
) -> CommunitySolution:
    """Let exact search find a plan in the band for a piece, or tell that there is none."""
    atom = problem.atom[np.flatnonzero(problem.unit == doubt.unit)[0]]
    piece = next(piece for piece in make_pieces(problem) if atom in piece.atoms)
    asked = problem if problem.overlap[piece.atoms].any() else _with_incumbent(problem, solution.grid)
    found = find_any(cut_out(asked, piece.atoms), effort=effort, until=until)
    if found.plan is not None:
        return _with_plan(problem, solution, doubt, piece, found.plan, until)
    if not found.is_done:
        return solution
    proven = replace(doubt, cause="no_connected_plan", is_proven=True)
    others = tuple(proven if shortfall is doubt else shortfall for shortfall in solution.shortfalls)
    return replace(solution, shortfalls=others)


def _with_plan(
    problem: CommunityProblem, solution: CommunitySolution, doubt: Shortfall, piece: Piece, plan: IntArray, until: float
) -> CommunitySolution:
    """The solution with a plan in the band for a piece, found by exact search and searched for shape from there on."""
    state = np.array([zlib.crc32(problem.community.encode())], dtype=np.uint64)
    start = label_as(piece.graph.stay, plan) if follows(problem) else plan
    better = _searched(problem, piece, [start], state, until)
    grid = solution.grid.copy()
    grid[piece.atoms] = grid.max() + 1 + (better if _is_in_band(piece, better) else plan)
    grid = np.unique(grid, return_inverse=True)[1].astype(np.int64)
    miss = float(problem.band.miss(sum_by(grid, problem.households)).sum())
    moved = count_moved(problem, grid) if problem.incumbents else None
    shortfalls = tuple(shortfall for shortfall in solution.shortfalls if shortfall is not doubt)
    return replace(solution, grid=grid, shortfalls=shortfalls, miss_households=miss, moved_households=moved)


def _with_incumbent(problem: CommunityProblem, grid: IntArray) -> CommunityProblem:
    """The same problem with a plan as its incumbent, which gives exact search labels to speak of."""
    count = int(grid.max()) + 1
    overlap = problem.households[:, None] * (grid[:, None] == np.arange(count))
    codes = tuple(map(str, range(count)))
    return replace(problem, overlap=overlap, incumbent=grid, incumbents=codes, closed=np.zeros(count, dtype=bool))


def _solve_piece(problem: CommunityProblem, piece: Piece, state: RandomState, until: float) -> IntArray:
    """Cut one connected piece into grids, numbered from 0 without gaps."""
    if piece.is_set or piece.total < piece.band.floor or len(piece.atoms) == 1:
        return np.zeros(len(piece.atoms), dtype=np.int64)
    plan = _searched(problem, piece, _starts(problem, piece, prices_of_problem(problem, piece), state), state, until)
    if follows(problem) and piece.graph.is_free.all() and not _is_in_band(piece, plan) and time.time() < until:
        anew = replace(problem, mode="redraw", shape=1.0, is_thorough=False)
        drawn = _searched(anew, piece, _starts(anew, piece, prices_of_problem(anew, piece), state), state, until)
        if _is_in_band(piece, drawn):
            plan = _searched(problem, piece, [label_as(piece.graph.stay, drawn)], state, until)
    return np.unique(plan, return_inverse=True)[1].ravel().astype(np.int64)


def _searched(
    problem: CommunityProblem, piece: Piece, starts: list[IntArray], state: RandomState, until: float
) -> IntArray:
    """The best plan that a search from some starts finds."""
    prices, plans = prices_of_problem(problem, piece), np.array(starts)
    for number, stage in enumerate(depth_of(problem, piece).stages):
        if number == 0 or time.time() < until:
            plans = settle(piece.graph, plans, prices, stage, heat_of(prices), state)
    best: IntArray = plans[0]
    return best


def _is_in_band(piece: Piece, plan: IntArray) -> bool:
    """Whether every grid of a plan is in the band."""
    size = sum_by(np.unique(plan, return_inverse=True)[1].ravel(), piece.graph.households)
    return bool(piece.band.holds(size).all())


def _starts(problem: CommunityProblem, piece: Piece, prices: Prices, state: RandomState) -> list[IntArray]:
    """Plans to start from: near the incumbent where it counts, drawn from nothing where shape does."""
    keeps, is_free = follows(problem) and bool(piece.graph.stay.any()), bool(piece.graph.is_free.all())
    starts = incumbent_starts(piece, prices, state) if keeps or not is_free else []
    if is_free and (problem.shape > 0 or not starts):
        counts, each = likely_counts(piece.band, piece.total), depth_of(problem, piece).starts
        drawn = drawn_starts(piece.graph, prices, counts, each, state)
        starts += [label_as(piece.graph.stay, plan) for plan in drawn] if keeps else list(drawn)
    return starts
