"""Starts for the least change: the incumbent grids made connected, then split and merged where the band asks for it."""

import numpy as np

from geo.rebalance.partition import bisect, connect
from geo.rebalance.problem import IntArray
from geo.rebalance.search import Piece
from geo.rebalance.sums import sum_by

MAX_STARTS = 8


class Draft:
    """Grids of a piece that can be merged and split; labels below the number of incumbents stand for these."""

    def __init__(self, piece: Piece, grid: IntArray, seed: int) -> None:
        self.piece, self.grid, self.seed = piece, grid.copy(), seed

    def sizes(self) -> dict[int, float]:
        """Households of each grid, by label."""
        size = sum_by(self.grid, self.piece.households)
        return {int(label): float(size[label]) for label in np.unique(self.grid)}

    def merge(self, label: int) -> None:
        """Merge a grid with its smallest neighbour under the label of the larger one."""
        a, b = self.grid[self.piece.pairs].T
        around = np.union1d(b[(a == label) & (b != label)], a[(b == label) & (a != label)])
        if not len(around):
            return
        size = self.sizes()
        other = min(around.tolist(), key=lambda g: (size[g], g))
        kept = max((label, other), key=lambda g: (g < self.piece.overlap.shape[1], size[g], -g))
        self.grid[(self.grid == label) | (self.grid == other)] = kept

    def split(self, label: int) -> None:
        """Split off the smallest part of a grid that leaves both parts in the band, if there is one."""
        band, size = self.piece.band, self.sizes()[label]
        atoms = np.flatnonzero(self.grid == label)
        position = np.full(len(self.grid), -1)
        position[atoms] = np.arange(len(atoms))
        ends = position[self.piece.pairs]
        inner = (ends >= 0).all(axis=1)
        share = min(max(band.floor * 1.03, size - band.ceiling * 0.97) / size, 0.5) if size > 0 else 0.5
        part = bisect(
            self.piece.households[atoms], ends[inner], self.piece.border_m[inner], share_ratio=share, seed=self.seed
        )
        weight = sum_by(part, self.piece.households[atoms])
        new = max(int(self.grid.max()) + 1, self.piece.overlap.shape[1])
        for number in np.argsort(-weight, kind="stable")[1:]:
            self.grid[atoms[part == number]] = new
            new += 1

    def fit_count(self) -> None:
        """Merge the smallest or split the largest until the number of grids can be in the band by count."""
        fewest, most = self.piece.band.grid_counts(self.piece.total)
        for _ in range(len(self.grid)):
            size = self.sizes()
            if len(size) > max(most, 1):
                self.merge(min(size, key=lambda g: (size[g], g)))
            elif len(size) < min(fewest, len(self.grid)) and fewest <= most:
                self.split(max(size, key=lambda g: (size[g], -g)))
                if len(self.sizes()) == len(size):
                    return
            else:
                return


def incumbent_starts(piece: Piece, seed: int) -> list[IntArray]:
    """Plans near the incumbent, without repeats: as it is, and with its too large grids split, its too small merged."""
    base = _connected_incumbent(piece, seed)
    size = Draft(piece, base, seed).sizes()
    large = [g for g, s in size.items() if s > piece.band.ceiling and s >= 2 * piece.band.floor]
    small = [g for g, s in size.items() if s < piece.band.floor]
    recipes: list[tuple[list[int], list[int]]] = [([], []), (large, small), (large, []), ([], small)]
    recipes += [([g], []) for g in large] + [([], [g]) for g in small]
    starts: dict[bytes, IntArray] = {}
    for split, merge in recipes:
        draft = Draft(piece, base, seed)
        for label in merge:
            if label in draft.sizes():
                draft.merge(label)
        for label in split:
            if label in draft.sizes():
                draft.split(label)
        draft.fit_count()
        starts.setdefault(draft.grid.tobytes(), draft.grid)
    return list(starts.values())[:MAX_STARTS]


def _connected_incumbent(piece: Piece, seed: int) -> IntArray:
    """The incumbent plan with every grid connected: the largest part keeps the label, small other parts are merged."""
    known = piece.overlap.shape[1]
    part = connect(piece.incumbent, piece.pairs)
    weight = sum_by(part, piece.households) + np.bincount(part) * 1e-6
    label_of_part = np.full(len(weight), -1)
    label_of_part[part] = piece.incumbent
    grid_of_part, new = np.empty(len(weight), dtype=np.int64), known
    taken: set[int] = set()
    extra = []
    for number in np.argsort(-weight, kind="stable").tolist():
        label = int(label_of_part[number])
        if label < 0 or label in taken:
            label, new = new, new + 1
            extra.append(label)
        taken.add(label)
        grid_of_part[number] = label
    draft = Draft(piece, grid_of_part[part], seed)
    for label in reversed(extra):
        if draft.sizes().get(label, piece.band.floor) < piece.band.floor / 2:
            draft.merge(label)
    return draft.grid
