"""Recombination: two neighbouring grids are merged and cut anew at an edge of a random spanning tree.

Where compounds stay whole, atoms are large and single moves are stuck; cutting two grids anew gets past that.

References
----------
DeFord, D., Duchin, M., Solomon, J. (2021). Recombination: a family of Markov chains for redistricting. Harvard Data
Science Review 3(1).
"""

import numpy as np

from geo.rebalance.problem import Band, FloatArray, IntArray
from geo.rebalance.search import OUTSIDE_HOUSEHOLDS, Piece
from geo.rebalance.sums import sum_by

WARM, COLD = 80.0, 2.0
FROM_OUTSIDE_RATIO = 0.7


def recombine(piece: Piece, grid: IntArray, *, count: int, steps: int, rng: np.random.Generator) -> IntArray:
    """Look for `count` grids in the band; stops as soon as all are.

    Parameters
    ----------
    grid
        Shape (n_atom,). Connected grids numbered from 0 without gaps; where they are fewer than `count` (METIS
        leaves parts empty when atoms are large), the largest are cut first.
    """
    band, pairs = piece.band, piece.pairs
    grid = _cut_largest(piece, grid, count, rng)
    price = _prices(band, sum_by(grid, piece.households))
    best, best_price = grid.copy(), float(price.sum())
    for step in range(steps):
        borders = grid[pairs[grid[pairs[:, 0]] != grid[pairs[:, 1]]]]
        if best_price == 0 or not len(borders):
            break
        urgent = borders[(price[borders] > 0).any(axis=1)]
        choices = urgent if len(urgent) and rng.random() < FROM_OUTSIDE_RATIO else borders
        a, b = choices[rng.integers(len(choices))]
        atoms = np.flatnonzero((grid == a) | (grid == b))
        side, size = _cut_tree(piece, atoms, rng)
        after = _prices(band, size)
        temperature = WARM * (COLD / WARM) ** (step / steps)
        if after.sum() - price[a] - price[b] < -temperature * np.log1p(-rng.random()):
            grid[atoms] = np.where(side, b, a)
            price[[a, b]] = after
            if price.sum() < best_price:
                best, best_price = grid.copy(), float(price.sum())
    return best


def _cut_largest(piece: Piece, grid: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Cut the grid with most households, of those with several atoms, until there are enough grids."""
    grid = grid.copy()
    for new in range(int(grid.max()) + 1, min(count, len(grid))):
        size = sum_by(grid, piece.households)
        size[np.bincount(grid) < 2] = -1
        atoms = np.flatnonzero(grid == size.argmax())
        grid[atoms[_cut_tree(piece, atoms, rng)[0]]] = new
    return grid


def _prices(band: Band, size: FloatArray) -> FloatArray:
    """Miss of the band, with the flat price of being outside."""
    return band.miss(size) + OUTSIDE_HOUSEHOLDS * ~band.holds(size)


def _cut_tree(piece: Piece, atoms: IntArray, rng: np.random.Generator) -> tuple[np.ndarray, FloatArray]:
    """Cut a random spanning tree of connected atoms where it is cheapest: who is beyond the cut, and both sizes."""
    position = np.full(len(piece.households), -1, dtype=np.int64)
    position[atoms] = np.arange(len(atoms))
    ends = position[piece.pairs]
    ends = ends[(ends >= 0).all(axis=1)]
    order, parent = _random_tree(len(atoms), ends[rng.permutation(len(ends))].tolist())
    weight = piece.households[atoms].tolist()
    for atom in reversed(order[1:]):
        weight[parent[atom]] += weight[atom]
    total = weight[order[0]]
    below = np.array([weight[atom] for atom in order[1:]])
    price = _prices(piece.band, below) + _prices(piece.band, total - below)
    cut = int(rng.choice(np.flatnonzero(price <= price.min() + 1e-9)))
    beyond = np.zeros(len(atoms), dtype=bool)
    beyond[order[1 + cut]] = True
    for atom in order[2 + cut :]:
        beyond[atom] = beyond[parent[atom]] or beyond[atom]
    return beyond, np.array([total - below[cut], below[cut]])


def _random_tree(count: int, edges: list[list[int]]) -> tuple[list[int], list[int]]:
    """Kruskal's tree of shuffled edges: its atoms from the root outwards, and the parent of each."""
    leader = list(range(count))

    def find(atom: int) -> int:
        while leader[atom] != atom:
            leader[atom] = leader[leader[atom]]
            atom = leader[atom]
        return atom

    near: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        root_a, root_b = find(a), find(b)
        if root_a != root_b:
            leader[root_a] = root_b
            near[a].append(b)
            near[b].append(a)
    order, parent = [0], [-1] * count
    for atom in order:
        for other in near[atom]:
            if other != parent[atom]:
                parent[other] = atom
                order.append(other)
    return order, parent
