"""What of a community is in question: not its units above the ceiling, closed grids and pockets below the floor.

Each of these is a grid of its own, whatever the rest does, and misses the band by what it has too many or too few.
"""

from dataclasses import dataclass, replace

import numpy as np

from geo.rebalance.pieces import part
from geo.rebalance.problem import CommunityProblem, FloatArray, IntArray
from geo.rebalance.sums import sum_by


@dataclass(frozen=True)
class Scope:
    """The part of a community in question, as a problem by itself.

    Attributes
    ----------
    problem
        That part, with the incumbent grids that it has units of, but for closed ones.
    atoms
        Shape (n_atom,). Its atoms, by position in the community.
    rest
        Shape (n_atom of the community,). The set grid of each atom that is not in question, -1 for the others.
    miss
        Households by which the set grids miss the band.
    least
        Fewest households that move in the set grids, and those that leave closed ones.
    """

    problem: CommunityProblem
    atoms: IntArray
    rest: IntArray
    miss: float
    least: float

    def complete(self, grid: IntArray) -> IntArray:
        """A plan of the whole community from one of the part in question."""
        whole = self.rest.copy()
        whole[self.atoms] = grid + self.rest.max(initial=-1) + 1
        return whole


def find_scope(problem: CommunityProblem, *, most_miss: float) -> Scope:
    """Leave out what is set: pieces that are one grid by the rules, or too small for one.

    Of plans that miss the band by `most_miss` at most: with a floor to spare, what is too small for one may be two.
    """
    own, piece_of = part(problem)
    total = sum_by(piece_of, problem.households)
    is_set = (own >= 0) | (total < problem.band.floor)[piece_of]
    if not is_set.any():
        return Scope(problem, np.arange(len(is_set)), np.full(len(is_set), -1), 0.0, 0.0)
    pieces, rest = np.unique(np.where(is_set, piece_of, -1), return_inverse=True)
    rest = rest.ravel() - int(pieces[0] < 0)
    atoms = np.flatnonzero(~is_set)
    miss = float(problem.band.miss(sum_by(rest[is_set], problem.households[is_set])).sum())
    moved = problem.overlap.sum(axis=1) - _most_kept(problem)
    least = float(moved[is_set].sum())
    if most_miss - miss < problem.band.floor:
        together = problem.overlap[is_set].sum() - _kept_together(problem.overlap[is_set], rest[is_set])
        least = max(least, float(together))
    least += float(problem.overlap[np.ix_(~is_set, problem.closed)].sum())
    return Scope(cut_out(problem, atoms), atoms, rest, miss, least)


def _kept_together(overlap: FloatArray, grid: IntArray) -> float:
    """Most households that set grids leave where they are, each by one label."""
    kept = np.zeros((int(grid.max()) + 1, overlap.shape[1]))
    np.add.at(kept, grid, overlap)
    return float(kept.max(axis=1, initial=0.0).sum())


def _most_kept(problem: CommunityProblem) -> FloatArray:
    """Most households of each atom that any label leaves where they are."""
    held = problem.fixed & (problem.incumbent >= 0)
    kept = problem.overlap.max(axis=1, initial=0.0)
    kept[held] = problem.overlap[held, problem.incumbent[held]]
    return np.asarray(kept)


def cut_out(problem: CommunityProblem, atoms: IntArray) -> CommunityProblem:
    """The part of a community that some atoms make, and their incumbent grids."""
    place = np.full(len(problem.households), -1, dtype=np.int64)
    place[atoms] = np.arange(len(atoms))
    ends, walls, of_unit = place[problem.pairs], place[problem.wall_pairs], place[problem.atom]
    inner, walled, is_kept = (ends >= 0).all(axis=1), (walls >= 0).all(axis=1), of_unit >= 0
    incumbent = problem.incumbent[atoms]
    known = np.flatnonzero(problem.overlap[atoms].any(axis=0) & ~problem.closed)
    known = np.union1d(known, incumbent[incumbent >= 0])
    column = np.full(len(problem.incumbents) + 1, -1, dtype=np.int64)
    column[known] = np.arange(len(known))
    return replace(
        problem,
        unit=problem.unit[is_kept],
        atom=of_unit[is_kept],
        households=problem.households[atoms],
        area_m2=problem.area_m2[atoms],
        perimeter_m=problem.perimeter_m[atoms],
        pairs=ends[inner],
        border_m=problem.border_m[inner],
        wall_pairs=walls[walled],
        wall_border_m=problem.wall_border_m[walled],
        inside_xy_m=problem.inside_xy_m[atoms],
        overlap=problem.overlap[np.ix_(atoms, known)],
        incumbent=column[incumbent],
        incumbents=tuple(problem.incumbents[grid] for grid in known),
        workload=problem.workload[atoms],
        fixed=problem.fixed[atoms],
        closed=problem.closed[known],
    )
