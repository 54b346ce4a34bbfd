"""Local search on the grids of one connected piece: single atoms move over the border, no grid ever falls apart.

Simulated annealing whose price for a miss of the band rises as it cools, so that the band is held hard at the end.

References
----------
Kirkpatrick, S., Gelatt, C. D., Vecchi, M. P. (1983). Optimization by simulated annealing. Science 220, 671-680.
Altman, M., McDonald, M. P. (2011). BARD: better automated redistricting. Journal of Statistical Software 42(4).
"""

import math
from dataclasses import dataclass

import numpy as np

from geo.rebalance.problem import Band, FloatArray, IntArray
from geo.rebalance.sums import sum_by

OUTSIDE_HOUSEHOLDS = 40.0
"""Flat price of a grid outside the band, so that one grid misses by much rather than several by little."""
CHUNKS = 40


@dataclass(frozen=True)
class Piece:
    """A connected part of a community that can be cut into grids; arrays as in `CommunityProblem`."""

    households: FloatArray
    area_m2: FloatArray
    perimeter_m: FloatArray
    pairs: IntArray
    border_m: FloatArray
    overlap: FloatArray
    incumbent: IntArray
    band: Band

    @property
    def total(self) -> float:
        """Households of the whole piece."""
        return float(self.households.sum())


@dataclass(frozen=True)
class Schedule:
    """How long and how warm an annealing is, in households; what a unit of shape is worth in households."""

    steps_per_atom: int
    warm: float
    cold: float
    miss_price: tuple[float, float]
    shape_price: float


@dataclass(frozen=True, order=True)
class Score:
    """What makes one plan better than another, first things first; smaller is better."""

    outside_households: float
    miss_households: float
    cost: float


class Search:
    """Grids of a piece, their sizes and shapes, kept up to date move by move.

    Labels below the number of incumbent grids stand for those grids: an atom pays its households of that grid when
    it leaves it. The shape of a grid is its Polsby-Popper ratio.
    """

    def __init__(self, piece: Piece, grid: IntArray) -> None:
        self.piece = piece
        self.households: list[float] = piece.households.tolist()
        self.area: list[float] = piece.area_m2.tolist()
        self.perimeter: list[float] = piece.perimeter_m.tolist()
        self.near: list[list[tuple[int, float]]] = [[] for _ in self.households]
        for (a, b), border_m in zip(piece.pairs.tolist(), piece.border_m.tolist(), strict=True):
            self.near[a].append((b, border_m))
            self.near[b].append((a, border_m))
        self.stay = [{int(c): float(row[c]) for c in np.flatnonzero(row)} for row in piece.overlap]
        self._load(grid)

    def _load(self, grid: IntArray) -> None:
        """Take over a plan and sum up its grids."""
        piece, count = self.piece, int(grid.max()) + 1
        self.grid: list[int] = grid.tolist()
        inner = grid[piece.pairs[:, 0]] == grid[piece.pairs[:, 1]]
        inner_m = sum_by(grid[piece.pairs[inner, 0]], piece.border_m[inner], count)
        self.members: list[int] = np.bincount(grid, minlength=count).tolist()
        self.size: list[float] = sum_by(grid, piece.households, count).tolist()
        self.grid_area: list[float] = sum_by(grid, piece.area_m2, count).tolist()
        self.grid_perimeter: list[float] = (sum_by(grid, piece.perimeter_m, count) - 2 * inner_m).tolist()

    def anneal(self, schedule: Schedule, rng: np.random.Generator) -> None:
        """Move atoms at random, ever colder; end on the best grids seen at the end of a chunk."""
        chunk = max(1, schedule.steps_per_atom * len(self.grid) // CHUNKS)
        best, best_score = self.grid[:], self.score(schedule.shape_price)
        for number in range(CHUNKS):
            done = number / (CHUNKS - 1)
            temperature = schedule.warm * (schedule.cold / schedule.warm) ** done
            low, high = schedule.miss_price
            self._moves(chunk, temperature, low * (high / low) ** done, schedule.shape_price, rng)
            score = self.score(schedule.shape_price)
            if score < best_score:
                best, best_score = self.grid[:], score
        self._load(np.array(best, dtype=np.int64))

    def score(self, shape_price: float) -> Score:
        """Rate the grids as they are."""
        band = self.piece.band
        size = np.array([s for s, m in zip(self.size, self.members, strict=True) if m])
        stayed = sum(stay.get(g, 0.0) for stay, g in zip(self.stay, self.grid, strict=True))
        shape = sum(
            polsby_popper(a, p) for a, p, m in zip(self.grid_area, self.grid_perimeter, self.members, strict=True) if m
        )
        return Score(
            outside_households=round(float(size[~band.holds(size)].sum()), 6),
            miss_households=round(float(band.miss(size).sum()), 6),
            cost=-stayed + shape_price * (len(size) - shape),
        )

    def _moves(
        self, steps: int, temperature: float, miss_price: float, shape_price: float, rng: np.random.Generator
    ) -> None:
        """Propose moves at one temperature."""
        atoms = rng.integers(len(self.grid), size=steps).tolist()
        turns = rng.random(steps).tolist()
        limits = (-temperature * np.log1p(-rng.random(steps))).tolist()
        grid, near = self.grid, self.near
        for atom, turn, limit in zip(atoms, turns, limits, strict=True):
            ring = near[atom]
            if not ring:
                continue
            new = grid[ring[int(turn * len(ring))][0]]
            if new == grid[atom]:
                continue
            change, old_perimeter, new_perimeter = self._change(atom, new, miss_price, shape_price)
            if change < limit and self._may_leave(atom):
                self._move(atom, new, old_perimeter, new_perimeter)

    def _change(self, atom: int, new: int, miss_price: float, shape_price: float) -> tuple[float, float, float]:
        """Price of moving an atom into a neighbouring grid, and the two perimeters afterwards."""
        old, households, area = self.grid[atom], self.households[atom], self.area[atom]
        to_old = to_new = 0.0
        for other, border_m in self.near[atom]:
            if self.grid[other] == old:
                to_old += border_m
            elif self.grid[other] == new:
                to_new += border_m
        old_perimeter = self.grid_perimeter[old] - self.perimeter[atom] + 2 * to_old
        new_perimeter = self.grid_perimeter[new] + self.perimeter[atom] - 2 * to_new
        shape = (
            polsby_popper(self.grid_area[old] - area, old_perimeter)
            + polsby_popper(self.grid_area[new] + area, new_perimeter)
            - polsby_popper(self.grid_area[old], self.grid_perimeter[old])
            - polsby_popper(self.grid_area[new], self.grid_perimeter[new])
        )
        miss = (
            self._miss(self.size[old] - households)
            + self._miss(self.size[new] + households)
            - self._miss(self.size[old])
            - self._miss(self.size[new])
        )
        stay = self.stay[atom]
        moved = stay.get(old, 0.0) - stay.get(new, 0.0)
        return miss_price * miss + moved - shape_price * shape, old_perimeter, new_perimeter

    def _miss(self, size: float) -> float:
        """Households outside the band, with the flat price."""
        band = self.piece.band
        if size > band.ceiling:
            return size - band.ceiling + OUTSIDE_HOUSEHOLDS
        return band.floor - size + OUTSIDE_HOUSEHOLDS if size < band.floor else 0.0

    def _may_leave(self, atom: int) -> bool:
        """Tell whether an atom's grid stays connected, and not empty, without it."""
        grid, near, old = self.grid, self.near, self.grid[atom]
        wanted = {other for other, _ in near[atom] if grid[other] == old}
        if len(wanted) <= 1:
            return len(wanted) == 1
        start = min(wanted)
        wanted.discard(start)
        seen, stack = {atom, start}, [start]
        while stack and wanted:
            for other, _ in near[stack.pop()]:
                if grid[other] == old and other not in seen:
                    seen.add(other)
                    wanted.discard(other)
                    stack.append(other)
        return not wanted

    def _move(self, atom: int, new: int, old_perimeter: float, new_perimeter: float) -> None:
        """Move an atom into another grid."""
        old = self.grid[atom]
        self.grid[atom] = new
        for grid, sign, perimeter in ((old, -1, old_perimeter), (new, 1, new_perimeter)):
            self.members[grid] += sign
            self.size[grid] += sign * self.households[atom]
            self.grid_area[grid] += sign * self.area[atom]
            self.grid_perimeter[grid] = perimeter


def polsby_popper(area_m2: float, perimeter_m: float) -> float:
    """Area over that of the circle with the same perimeter: 1 for a circle, at most 1, and 1 where both are 0.

    References
    ----------
    Polsby, D. D., Popper, R. D. (1991). The third criterion. Yale Law & Policy Review 9(2), 301-353.
    """
    return min(1.0, 4 * math.pi * area_m2 / (perimeter_m * perimeter_m)) if perimeter_m > 0 else 1.0
