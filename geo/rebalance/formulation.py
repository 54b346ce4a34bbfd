"""The least change of a community as variables and rows, for whichever solver.

Binary variables say which atom bears which label. Gates are variables for "grid g reaches into incumbent grid i": a
grid pays a whole path of moved atoms before it gets the first household behind its neighbours, while fractions of atoms
would pay a fraction; cuts on gates tell a relaxation so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from geo.rebalance.bounds import TOLERANCE
from geo.rebalance.labels import HEAVY_RATIO, Labelling, cheapest_paths
from geo.rebalance.problem import FloatArray, IntArray
from geo.rebalance.separators import Growth, find_cuts, make_growth


@dataclass(frozen=True)
class Row:
    """low <= sum of factor × variable <= high."""

    columns: list[int]
    factors: list[float]
    low: float
    high: float


@dataclass
class Columns:
    """Variables, by number: what they cost, their range, whether they are whole, how early they are branched on."""

    cost: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    is_whole: list[bool] = field(default_factory=list)
    priority: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Field:
    """What the cuts of one grid need.

    Attributes
    ----------
    growth
        The graph of what the grid may become: its possible atoms, then its gates.
    columns
        Shape (n_node,). The variable of each node.
    atoms
        Shape (n_atom of the field,). The atoms that the first nodes are.
    central
        Nodes of atoms, from the middle outwards.
    roots
        Shape (n_atom of the field,). Of a new grid, variables that say which atom is its root; else empty.
    """

    growth: Growth
    columns: IntArray
    atoms: IntArray
    central: IntArray
    roots: IntArray

    def violated(self, share: FloatArray, root_share: FloatArray, *, tolerance: float) -> Iterator[Row]:
        """Rows that every connected grid obeys and these values of `columns` and `roots` do not."""
        share = _nearly_whole(share)
        count = len(self.atoms)
        root, core = np.zeros(len(share)), -1
        is_whole = bool(((share[:count] == 0) | (share[:count] == 1)).all())
        if len(self.roots) and not is_whole:
            root[:count] = _nearly_whole(root_share)
        else:
            core = int(self.central[np.argmax(share[self.central])])
        for cut in find_cuts(self.growth, share, root, core, tolerance=tolerance):
            minus = self.columns[cut.separator].tolist()
            if core >= 0:
                columns = [int(self.columns[cut.at]), *minus, int(self.columns[core])]
                yield Row(columns, [1.0, *[-1.0] * len(minus), 1.0], -np.inf, 1.0)
            else:
                minus += self.roots[cut.roots].tolist()
                yield Row([int(self.columns[cut.at]), *minus], [1.0, *[-1.0] * len(minus)], -np.inf, 0.0)


def _nearly_whole(share: FloatArray) -> FloatArray:
    """Values between 0 and 1, whole where they nearly are."""
    share = np.clip(share, 0.0, 1.0)
    return np.where(share > 1 - TOLERANCE, 1.0, np.where(share < TOLERANCE, 0.0, share))


class Formulation:
    """Variables and rows of a community; its grids are connected by the cuts of `fields`.

    Parameters
    ----------
    keeps_own
        Whether a grid that bears the label of an incumbent one has to keep a household of it. Every plan can be
        labelled so; left out, the rows hold for every labelling of it.

    Attributes
    ----------
    bears
        Of each atom, the variables of the labels that it may bear.
    """

    def __init__(self, labelling: Labelling, *, keeps_own: bool = True) -> None:
        self.labelling, self._keeps_own = labelling, keeps_own
        self.columns, self.rows = Columns(), list[Row]()
        households, allowed = labelling.problem.households, labelling.allowed
        step = HEAVY_RATIO * labelling.problem.band.floor
        self.bears = [
            {
                g: self._add(cost=float(labelling.cost[u, g]), priority=int(households[u] / step))
                for g in np.flatnonzero(row).tolist()
            }
            for u, row in enumerate(allowed)
        ]
        for of_atom in self.bears:
            self._limit(of_atom.values(), low=1.0, high=1.0)
        self._used: dict[int, int] = {}
        self._gates: list[dict[int, int]] = [{} for _ in labelling.labels]
        self._add_sizes()
        self.fields = [self._field(g) for g in labelling.labels if allowed[:, g].any()]

    def _add(
        self, *, cost: float = 0.0, low: float = 0.0, high: float = 1.0, is_whole: bool = True, priority: int = 0
    ) -> int:
        """Add a variable; its number."""
        columns = self.columns
        columns.cost.append(cost)
        columns.low.append(low)
        columns.high.append(high)
        columns.is_whole.append(is_whole)
        columns.priority.append(priority)
        return len(columns.cost) - 1

    def _limit(
        self, plus: Iterable[int], minus: Iterable[int] = (), *, low: float = -np.inf, high: float = np.inf
    ) -> None:
        """Add a row: low <= sum of variables - sum of others <= high."""
        plus, minus = list(plus), list(minus)
        self.rows.append(Row(plus + minus, [1.0] * len(plus) + [-1.0] * len(minus), low, high))

    def _add_sizes(self) -> None:
        """Every open label is used by one grid in the band, or not at all."""
        labelling, problem = self.labelling, self.labelling.problem
        known, band, misses = problem.overlap.shape[1], problem.band, list[int]()
        for g in labelling.labels:
            atoms = np.flatnonzero(labelling.allowed[:, g]).tolist()
            if not atoms:
                continue
            used = self._used[g] = self._add(low=float(g in labelling.must))
            members, households = [self.bears[u][g] for u in atoms], problem.households[atoms].tolist()
            low, high = (self._add(high=labelling.miss, is_whole=False) for _ in range(2))
            misses += [low, high]
            self.rows.append(Row([*members, low, used], [*households, 1.0, -band.floor], 0.0, np.inf))
            self.rows.append(Row([*members, high, used], [*households, -1.0, -band.ceiling], -np.inf, 0.0))
            if g not in labelling.must:
                for member in members:
                    self._limit([member], [used], high=0.0)
                for other in range(known if labelling.own else 0, g):
                    if g >= known and other in self._used:
                        self._limit([used], [self._used[other]], high=0.0)
            if self._keeps_own and g in labelling.own:
                self._limit([self.bears[u][g] for u in labelling.own[g] if g in self.bears[u]], [used], low=0.0)
            self._add_gates(g, atoms)
        self._limit(misses, high=labelling.miss)

    def _add_gates(self, g: int, atoms: list[int]) -> None:
        """Whether a grid holds any atom of another incumbent grid."""
        incumbent = self.labelling.problem.incumbent
        for i in sorted({int(incumbent[u]) for u in atoms} - {g, -1}):
            gate = self._gates[g][i] = self._add()
            for u in atoms:
                if incumbent[u] == i:
                    self._limit([self.bears[u][g]], [gate], high=0.0)

    def _field(self, g: int) -> Field:
        """The graph of what one grid may become."""
        labelling, problem = self.labelling, self.labelling.problem
        atoms = np.flatnonzero(labelling.allowed[:, g])
        place = {u: k for k, u in enumerate(atoms.tolist())}
        rows = [[place[v] for v in labelling.near[u] if v in place] for u in place]
        for i in self._gates[g]:
            behind = [place[u] for u in place if problem.incumbent[u] == i]
            for k in behind:
                rows[k].append(len(rows))
            rows.append(behind)
        if g < problem.overlap.shape[1]:
            outside = np.flatnonzero(problem.overlap[:, g] <= 0)
            depth = cheapest_paths(labelling.near, outside, problem.households)
            depth[problem.overlap[:, g] <= 0] = -1
            roots = []
        else:
            depth = problem.households
            roots = self._add_roots(g, atoms)
        central = np.lexsort((atoms, -np.minimum(depth[atoms], problem.households.sum())))
        columns = [self.bears[u][g] for u in place] + list(self._gates[g].values())
        as_array = (np.array(numbers, dtype=np.int64) for numbers in (columns, atoms, central, roots))
        return Field(make_growth(rows, len(atoms)), *as_array)

    def _add_roots(self, g: int, atoms: IntArray) -> list[int]:
        """Which atom is the root of a new grid: its heaviest, so that there is one way only to name it."""
        households = self.labelling.problem.households
        roots, above = {u: self._add() for u in atoms.tolist()}, list[int]()
        for u in sorted(roots, key=lambda u: (-households[u], u)):
            here = self._add(is_whole=False)
            self._limit([here], [*above, roots[u]], low=0.0, high=0.0)
            self._limit([roots[u]], [self.bears[u][g]], high=0.0)
            self._limit([self.bears[u][g]], [here], high=0.0)
            above = [here]
        self._limit(above, [self._used[g]], low=0.0, high=0.0)
        return list(roots.values())
