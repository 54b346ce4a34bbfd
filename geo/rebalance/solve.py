"""The present engine: METIS over several seeds, or the incumbent split and merged, then annealing of the borders."""

import zlib
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.rebalance.incumbents import incumbent_starts
from geo.rebalance.partition import connect, partitions
from geo.rebalance.problem import BoolArray, Cause, CommunityProblem, CommunitySolution, IntArray, Shortfall
from geo.rebalance.recombine import recombine
from geo.rebalance.search import Piece, Schedule, Score, Search
from geo.rebalance.sums import sum_by

ATTEMPTS = 24
KEPT = 2
REPAIRED, REPAIR_STEPS = 3, 800
MANY_ATOMS, FEW_STARTS = 600, 2  # a piece this large takes long: only the incumbent, and all its repairs at once
REDRAW = Schedule(steps_per_atom=50, warm=6.0, cold=0.3, miss_price=(2.0, 10.0), shape_price=200.0)
ADJUST = Schedule(steps_per_atom=120, warm=20.0, cold=0.5, miss_price=(1.5, 10.0), shape_price=30.0)


def solve_community(problem: CommunityProblem, seed: int) -> CommunitySolution:
    """Cut one community into connected grids.

    A pure function: the same problem and seed give the same solution in any process. Atoms above the ceiling
    become grids of their own; every connected piece of the rest is cut by itself.
    """
    sequence = np.random.SeedSequence([seed, zlib.crc32(problem.community.encode())])
    band = problem.band
    count = len(problem.households)
    over = problem.households > band.ceiling
    keep: BoolArray = ~np.any(over[problem.pairs], axis=1)
    piece_of = connect(np.where(over, np.arange(count), count), problem.pairs[keep])
    numbers = np.unique(piece_of)
    grid, next_grid = np.empty(count, dtype=np.int64), 0
    shortfalls: list[Shortfall] = []
    bound = 0.0
    for number, child in zip(numbers, sequence.spawn(len(numbers)), strict=True):
        atoms = np.flatnonzero(piece_of == number)
        piece = _cut_out(problem, atoms, keep)
        proofs = _proofs(piece, is_over=bool(over[atoms[0]]), is_pocket=len(numbers) > 1)
        bound += max((proof.miss for proof in proofs), default=0.0)
        own = np.zeros(len(atoms), dtype=np.int64) if over[atoms[0]] else _solve_piece(piece, child)
        size = sum_by(own, piece.households)
        if not proofs and not band.holds(size).all():
            proofs = [_Proof("not_found", 0.0, np.arange(len(atoms)))]
        shortfalls += [_shortfall(problem, proof.cause, atoms[proof.atoms]) for proof in proofs]
        grid[atoms] = own + next_grid
        next_grid += len(size)
    total_miss = float(band.miss(sum_by(grid, problem.households)).sum())
    return CommunitySolution(grid, tuple(shortfalls), total_miss, bound)


def _cut_out(problem: CommunityProblem, atoms: IntArray, keep: BoolArray) -> Piece:
    """The part of a problem that some atoms make."""
    position = np.full(len(problem.households), -1, dtype=np.int64)
    position[atoms] = np.arange(len(atoms))
    ends = position[problem.pairs]
    inner = keep & (ends >= 0).all(axis=1)
    return Piece(
        households=problem.households[atoms],
        area_m2=problem.area_m2[atoms],
        perimeter_m=problem.perimeter_m[atoms],
        pairs=ends[inner],
        border_m=problem.border_m[inner],
        overlap=problem.overlap[atoms] if problem.mode == "adjust" else np.empty((len(atoms), 0)),
        incumbent=problem.incumbent[atoms],
        band=problem.band,
    )


@dataclass(frozen=True)
class _Proof:
    """Why some atoms of a piece cannot be in the band, and by how many households the piece must miss at least."""

    cause: Cause
    miss: float
    atoms: IntArray


def _proofs(piece: Piece, *, is_over: bool, is_pocket: bool) -> list[_Proof]:
    """Why a piece cannot be wholly in the band, as far as counting and looking at each atom's neighbours can tell."""
    band, total, everything = piece.band, piece.total, np.arange(len(piece.households))
    fewest, most = band.grid_counts(total)
    if is_over:
        return [_Proof("unit_over_ceiling", total - band.ceiling, everything)]
    if total < band.floor:
        return [_Proof("pocket_below_floor" if is_pocket else "total_below_floor", band.floor - total, everything)]
    if fewest > most:
        miss = min(total - most * band.ceiling, fewest * band.floor - total)
        return [_Proof("no_whole_number", miss, everything)]
    lightest = np.full(len(everything), np.inf)
    for here, there in ((0, 1), (1, 0)):
        np.minimum.at(lightest, piece.pairs[:, here], piece.households[piece.pairs[:, there]])
    excess = piece.households + lightest - band.ceiling
    boxed = np.flatnonzero((piece.households < band.floor) & (excess > 0))
    return [
        _Proof("boxed_in", float(min(band.floor - piece.households[atom], excess[atom])), everything[[atom]])
        for atom in boxed
    ]


def _shortfall(problem: CommunityProblem, cause: Cause, atoms: IntArray) -> Shortfall:
    """Say which units a cause is about."""
    units = np.flatnonzero(np.isin(problem.atom, atoms))
    households = float(problem.households[atoms].sum())
    return Shortfall(cause, cause != "not_found", households, len(units), int(problem.unit[units[0]]))


def _solve_piece(piece: Piece, sequence: np.random.SeedSequence) -> IntArray:
    """Cut one connected piece into grids, numbered from 0 without gaps."""
    if piece.total < piece.band.floor or len(piece.households) == 1:
        return np.zeros(len(piece.households), dtype=np.int64)
    rng = np.random.default_rng(sequence)
    found = _adjust(piece, rng) if piece.overlap.any() else []
    if not found or found[0][0].outside_households > 0:
        bare = replace(piece, overlap=np.empty((len(piece.households), 0)))
        drawn = [_relabel(piece, grid) for _, grid in _redraw(bare, rng)]
        rated = sorted(((_rate(piece, grid, ADJUST), grid) for grid in drawn), key=lambda item: item[0])
        found += _anneal_best(rated, piece, ADJUST, rng, kept=KEPT) if piece.overlap.any() else rated
    best = min(found, key=lambda item: item[0])[1]
    return np.unique(best, return_inverse=True)[1].ravel().astype(np.int64)


def _relabel(piece: Piece, grid: IntArray) -> IntArray:
    """Give every grid the label of an incumbent it can best be matched with; the others get new labels."""
    known = piece.overlap.shape[1]
    if not known:
        return grid
    shared = np.zeros((int(grid.max()) + 1, known))
    np.add.at(shared, grid, piece.overlap)
    label = np.arange(len(shared)) + known
    rows, columns = linear_sum_assignment(-shared)
    label[rows] = columns
    return np.asarray(label[grid], dtype=np.int64)


def _adjust(piece: Piece, rng: np.random.Generator) -> list[tuple[Score, IntArray]]:
    """Best plans found from the incumbent, best first."""
    starts = incumbent_starts(piece, int(rng.integers(2**31 - 1)))
    kept = len(starts) if len(piece.households) <= MANY_ATOMS else FEW_STARTS
    return _anneal_best([(_rate(piece, start, ADJUST), start) for start in starts], piece, ADJUST, rng, kept=kept)


def _redraw(piece: Piece, rng: np.random.Generator) -> list[tuple[Score, IntArray]]:
    """Best plans found from METIS, with the number of grids nearest the target that works; best first."""
    fewest, most = piece.band.grid_counts(piece.total)
    ideal = piece.total / piece.band.target
    counts = sorted(range(min(fewest, max(most, 1)), max(fewest, most) + 1), key=lambda k: (abs(k - ideal), k))[:3]
    found: list[tuple[Score, IntArray]] = []
    for count in counts:
        seed = int(rng.integers(2**31 - 1))
        parts = partitions(piece.households, piece.pairs, piece.border_m, count=count, attempts=ATTEMPTS, seed=seed)
        rated = sorted(((_rate(piece, part, REDRAW), part) for part in parts), key=lambda item: item[0])
        if rated[0][0].outside_households > 0:
            rated = _repair(rated[:REPAIRED], piece, count, rng)
        found += _anneal_best(rated, piece, REDRAW, rng, kept=KEPT)
        found.sort(key=lambda item: item[0])
        if found[0][0].outside_households == 0:
            break
    return found


def _repair(
    rated: list[tuple[Score, IntArray]], piece: Piece, count: int, rng: np.random.Generator
) -> list[tuple[Score, IntArray]]:
    """Recombine plans that are not in the band until one is; best first."""
    found = []
    for _, grid in rated:
        repaired = recombine(piece, grid, count=count, steps=REPAIR_STEPS, rng=rng)
        found.append((_rate(piece, repaired, REDRAW), repaired))
        if found[-1][0].outside_households == 0:
            break
    return sorted(found, key=lambda item: item[0])


def _rate(piece: Piece, grid: IntArray, schedule: Schedule) -> Score:
    """Rate a plan as it is."""
    return Search(piece, grid).score(schedule.shape_price)


def _anneal_best(
    rated: list[tuple[Score, IntArray]], piece: Piece, schedule: Schedule, rng: np.random.Generator, *, kept: int
) -> list[tuple[Score, IntArray]]:
    """Anneal the first few plans; best first."""
    found = []
    for _, grid in rated[:kept]:
        search = Search(piece, grid)
        search.anneal(schedule, rng)
        found.append((search.score(schedule.shape_price), np.array(search.grid, dtype=np.int64)))
    return sorted(found, key=lambda item: item[0])
