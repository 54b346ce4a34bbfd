"""Exact search for the fewest households moved: closes the gap between a plan and its bound, or narrows it.

Branch and cut (SCIP). Binary variables say which atom bears which label; a label is one connected grid in the band.
What makes it quick, in order of what it is worth:

- the value of a good plan as cutoff: an atom so far from a grid's own atoms that a path of moved atoms to it costs more
  can't join that grid, and most labels of most atoms go;
- gates: a variable for "grid g reaches into incumbent grid i". A grid pays a whole path of moved atoms before it gets
  the first household behind its neighbours, while fractions of atoms would pay a fraction; cuts on gates tell the
  relaxation so;
- connection cuts found by largest flows in the fractional solutions, not only in whole ones.

References
----------
Bolusani, S. et al. (2024). The SCIP Optimization Suite 9.0. Optimization Online.
"""

import heapq
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyscipopt import Conshdlr, Model, quicksum
from pyscipopt.scip import PY_SCIP_RESULT as SCIP_RESULT
from pyscipopt.scip import Solution, Variable

from geo.rebalance.adjacency import connect
from geo.rebalance.bounds import (
    TOLERANCE,
    Counting,
    Stakes,
    count_moved,
    find_stakes,
    total_miss,
)
from geo.rebalance.dig import dig
from geo.rebalance.problem import CommunityProblem, CommunitySolution, FloatArray, IntArray
from geo.rebalance.separators import Growth, find_cuts, make_growth

EFFORT = 120_000
"""Simplex iterations spent on one community."""
MAX_LABELS = 20_000
"""Atoms times incumbent grids above which exact search is hopeless and not tried."""
ROOT_ROUNDS, NODE_ROUNDS = 40, 4
LOOSE, TIGHT = 1e-4, 1e-6


def close_gap(
    problem: CommunityProblem,
    solution: CommunitySolution,
    *,
    effort: int = EFFORT,
    time_limit_s: float | None = None,
) -> CommunitySolution:
    """Look for a plan that moves fewer households, or a proof that there is none.

    Returns a solution whose plan is the given one or moves fewer households and misses the band by no more, and whose
    bound is at least that of `lower_bound`; the plan is proven best where both are equal. Deterministic unless
    `time_limit_s` cuts it short.

    Parameters
    ----------
    effort
        Simplex iterations after which the search stops with the bound it has.
    """
    if not problem.overlap.any():
        return solution
    moved = count_moved(problem, solution.grid)
    stakes = find_stakes(problem)
    counting = Counting(problem, stakes, miss=solution.miss_households)
    bound = min(_rounded(problem, counting.bound()), moved)
    best = replace(solution, moved_households=moved, moved_bound_households=bound)
    if bound >= moved - TOLERANCE:
        return replace(best, moved_bound_households=moved)
    if counting.floor <= 0 or effort <= 0 or problem.overlap.size > MAX_LABELS:
        return best
    best = _improve(problem, best, dig(problem, stakes, solution.grid, miss=solution.miss_households, bound=bound))
    moved = count_moved(problem, best.grid)
    if bound >= moved - TOLERANCE:
        return replace(best, moved_bound_households=moved)
    search = _Search(problem, stakes, counting, cutoff=_next_below(problem, moved), miss=solution.miss_households)
    search.run(effort, time_limit_s)
    return _conclude(problem, best, search, bound)


def is_impossible(problem: CommunityProblem, *, effort: int = EFFORT) -> bool:
    """Whether no connected plan at all has every grid in the band, as far as the effort can tell.

    Atoms above the ceiling are grids of their own and out of the question.
    """
    if not problem.overlap.any() or problem.overlap.size > MAX_LABELS:
        return False
    stakes = find_stakes(problem)
    counting = Counting(problem, stakes, miss=stakes.over_miss)
    search = _Search(problem, stakes, counting, cutoff=float(problem.overlap.sum()), miss=stakes.over_miss)
    search.run(effort, None)
    return search.is_done and search.plan is None


def _conclude(problem: CommunityProblem, old: CommunitySolution, search: "_Search", bound: float) -> CommunitySolution:
    """What a search has found and proven."""
    best = old
    if search.plan is not None:
        best = _improve(problem, old, search.plan)
        if best is old:  # what the solver calls a plan is none: claim nothing
            return old
    moved = count_moved(problem, best.grid)
    return replace(best, moved_bound_households=moved if search.is_done else min(max(bound, search.bound), moved))


def _is_whole(problem: CommunityProblem) -> bool:
    """Whether all counts are whole, so that households moved are."""
    return bool((problem.overlap == np.round(problem.overlap)).all() and problem.households.sum() % 1 == 0)


def _rounded(problem: CommunityProblem, bound: float) -> float:
    """A bound rounded up where households moved are whole."""
    return float(np.ceil(bound - TOLERANCE)) if _is_whole(problem) and np.isfinite(bound) else bound


def _next_below(problem: CommunityProblem, moved: float) -> float:
    """The most that a better plan may move."""
    return moved - 1 if _is_whole(problem) else moved - 10 * TOLERANCE


def _improve(problem: CommunityProblem, old: CommunitySolution, labels: IntArray) -> CommunitySolution:
    """Take a found plan if it holds from scratch: every grid connected, no larger miss, fewer households moved."""
    grid = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    moved, miss = count_moved(problem, grid), total_miss(problem, grid)
    is_connected = int(connect(grid, problem.pairs).max()) == int(grid.max())
    if not is_connected or miss > old.miss_households + TOLERANCE:
        return old
    if moved >= count_moved(problem, old.grid) - TOLERANCE:
        return old
    return replace(old, grid=grid, moved_households=moved, miss_households=miss)


class _Search:
    """One community as a mixed-integer program, and the search of it.

    Labels below the number of incumbent grids are theirs; those above are new grids, needed only when every incumbent
    label is in use.
    """

    def __init__(
        self, problem: CommunityProblem, stakes: Stakes, counting: Counting, *, cutoff: float, miss: float
    ) -> None:
        self.problem, self.cutoff = problem, cutoff
        self.plan: IntArray | None = None
        self.bound, self.is_done = -np.inf, False
        self.near: list[list[int]] = [[] for _ in problem.households]
        for a, b in problem.pairs.tolist():
            self.near[a].append(b)
            self.near[b].append(a)
        self.spare = max(miss - stakes.over_miss, 0.0)
        self._find_labels(stakes, counting)

    def _find_labels(self, stakes: Stakes, counting: Counting) -> None:
        """Which labels must be used, how many new grids there may be, and which atoms each label may have."""
        problem, known = self.problem, self.problem.overlap.shape[1]
        open_labels, limit = counting.labels, self.cutoff + TOLERANCE
        news = 0
        while len(open_labels) + news < counting.most and counting.bound(grids=len(open_labels) + news + 1) <= limit:
            news += 1
        self.labels = [*range(known), *range(known, known + news)]
        self.cost = np.hstack([stakes.cost, np.repeat(stakes.had[:, None], news, axis=1)])
        held = problem.fixed & (problem.incumbent >= 0)
        self.allowed = np.hstack([stakes.allowed, np.repeat(~held[:, None], news, axis=1)])
        self.closed = np.r_[problem.closed, np.zeros(news, dtype=bool)]
        self.must = {
            int(g)
            for g in open_labels
            if counting.bound(gone=int(g)) > limit or bool((held & (problem.incumbent == g)).any())
        }
        excess = self.cost - stakes.least[:, None]
        base = float(stakes.least.sum())
        for g in open_labels.tolist():
            if counting.bound(gone=g, grids=len(open_labels)) > limit:
                own = np.flatnonzero(problem.overlap[:, g] > 0)
                reach = _cheapest_paths(self.near, own, excess[:, g])
                taken = _cheapest_paths(self.near, own, self.cost[:, g])
                is_near = base + reach <= limit
                if stakes.over_miss == 0:
                    is_near &= counting.bound_taking(g, taken) <= limit
                self.allowed[:, g] &= is_near | (held & (problem.incumbent == g))
        self.is_possible = bool(self.allowed.any(axis=1).all())

    def run(self, effort: int, time_limit_s: float | None) -> None:
        """Search until done or the effort is spent."""
        if not self.is_possible:
            self.is_done = True
            return
        program = _Program(self)
        model = program.model
        model.setObjlimit(self.cutoff + (0.5 if _is_whole(self.problem) else TOLERANCE))
        if time_limit_s is not None:
            model.setParam("limits/time", time_limit_s)
        handler = Connection(program, effort)
        model.includeConshdlr(
            handler, "connection", "every grid is connected", sepapriority=1000, enfopriority=-10, chckpriority=-10,
            sepafreq=1, propfreq=-1, eagerfreq=-1, maxprerounds=0, needscons=False,
        )  # fmt: skip
        model.optimizeNogil()
        self.is_done = model.getStatus() in ("optimal", "infeasible")
        self.bound = _rounded(self.problem, float(model.getDualbound()))
        self.effort = handler.spent()
        self.nodes = model.getNTotalNodes()
        if model.getNSols() and model.getSolObjVal(model.getBestSol()) <= self.cutoff + TOLERANCE:
            best = model.getBestSol()
            values = [{g: model.getSolVal(best, v) for g, v in of_atom.items()} for of_atom in program.bears]
            self.plan = np.array([max(of_atom, key=lambda g: of_atom[g]) for of_atom in values], dtype=np.int64)


@dataclass(frozen=True)
class _Field:
    """What the cuts of one grid need: its graph, the variable of each node, the atoms from the middle outwards."""

    growth: Growth
    variables: list[Variable]
    atoms: IntArray
    central: IntArray
    roots: list[Variable]


class _Program:
    """The variables and rows of a search."""

    def __init__(self, search: _Search) -> None:
        self.search = search
        self.model = Model()
        self.model.hideOutput()
        for name, value in {
            "misc/usesymmetry": 0,
            "separating/maxstallroundsroot": 10,
            "separating/maxstallrounds": 2,
            "randomization/randomseedshift": 0,
            "misc/catchctrlc": False,
        }.items():
            self.model.setParam(name, value)
        allowed, cost = search.allowed, search.cost
        self.bears: list[dict[int, Variable]] = [
            {g: self.model.addVar(vtype="B", obj=float(cost[u, g])) for g in np.flatnonzero(row).tolist()}
            for u, row in enumerate(allowed)
        ]
        for of_atom in self.bears:
            self.model.addCons(quicksum(of_atom.values()) == 1)
        self.used: dict[int, Variable] = {}
        self.gates: list[dict[int, Variable]] = [{} for _ in search.labels]
        self._add_sizes()
        self.fields = {g: self._field(g) for g in search.labels if not search.closed[g] and allowed[:, g].any()}

    def _add_sizes(self) -> None:
        """Every open label is used by one grid in the band, or not at all."""
        search, model = self.search, self.model
        problem, known = search.problem, search.problem.overlap.shape[1]
        band, misses = problem.band, []
        for g in search.labels:
            atoms = np.flatnonzero(search.allowed[:, g]).tolist()
            if search.closed[g] or not atoms:
                continue
            used = self.used[g] = model.addVar(vtype="B", lb=float(g in search.must))
            size = quicksum(float(problem.households[u]) * self.bears[u][g] for u in atoms)
            top = quicksum(
                float(problem.households[u] - band.ceiling) * self.bears[u][g]
                for u in atoms
                if problem.households[u] > band.ceiling
            )
            low, high = model.addVar(lb=0, ub=search.spare), model.addVar(lb=0, ub=search.spare)
            misses += [low, high]
            model.addCons(size + low >= band.floor * used)
            model.addCons(size - high - top <= band.ceiling * used)
            if g not in search.must:
                for u in atoms:
                    model.addCons(self.bears[u][g] <= used)
                if g >= known:  # a new grid only when no incumbent label is left
                    for other in range(g):
                        if other in self.used:
                            model.addCons(used <= self.used[other])
            self._add_gates(g, atoms)
        model.addCons(quicksum(misses) <= search.spare)

    def _add_gates(self, g: int, atoms: list[int]) -> None:
        """Whether a grid holds any atom of another incumbent grid."""
        incumbent = self.search.problem.incumbent
        for i in sorted({int(incumbent[u]) for u in atoms} - {g, -1}):
            gate = self.gates[g][i] = self.model.addVar(vtype="B")
            for u in atoms:
                if incumbent[u] == i:
                    self.model.addCons(self.bears[u][g] <= gate)

    def _field(self, g: int) -> _Field:
        """The graph of what one grid may become."""
        search, problem = self.search, self.search.problem
        atoms = np.flatnonzero(search.allowed[:, g])
        place = {u: k for k, u in enumerate(atoms.tolist())}
        rows = [[place[v] for v in search.near[u] if v in place] for u in place]
        for i in self.gates[g]:
            behind = [place[u] for u in place if problem.incumbent[u] == i]
            for k in behind:
                rows[k].append(len(rows))
            rows.append(behind)
        if g < problem.overlap.shape[1]:
            outside = np.flatnonzero(problem.overlap[:, g] <= 0)
            depth = _cheapest_paths(search.near, outside, problem.households)
            depth[problem.overlap[:, g] <= 0] = -1
            roots = []
        else:
            depth = problem.households
            roots = [self.model.addVar(vtype="B") for _ in place]
            for root, u in zip(roots, place, strict=True):
                self.model.addCons(root <= self.bears[u][g])
            self.model.addCons(quicksum(roots) == self.used[g])
        central = np.lexsort((atoms, -np.minimum(depth[atoms], problem.households.sum())))
        variables = [self.bears[u][g] for u in place] + list(self.gates[g].values())
        return _Field(make_growth(rows, len(atoms)), variables, atoms, central, roots)


class Connection(Conshdlr):
    """Tells SCIP which plans are connected and cuts off those that are not, whole or fractional."""

    def __init__(self, program: _Program, effort: int) -> None:
        self.program, self.effort = program, effort
        self.rounds: dict[int, int] = {}
        self.everything = [v for field in program.fields.values() for v in [*field.variables, *field.roots]]

    def spent(self) -> int:
        """Simplex iterations so far."""
        return int(self.model.getNLPIterations() + self.model.getNStrongbranchLPIterations())

    def _shares(self, solution: Solution | None, variables: list[Variable]) -> FloatArray:
        """Values of variables, whole where they nearly are."""
        share = np.clip([self.model.getSolVal(solution, v) for v in variables], 0.0, 1.0)
        return np.where(share > 1 - TOLERANCE, 1.0, np.where(share < TOLERANCE, 0.0, share))

    def _is_connected(self, solution: Solution | None) -> bool:
        """Whether every grid of a whole solution is connected."""
        for field in self.program.fields.values():
            count = len(field.atoms)
            inside = self._shares(solution, field.variables[:count]) > 0.5
            start, near = field.growth.start, field.growth.near
            members = np.flatnonzero(inside).tolist()
            seen, stack = set(members[:1]), members[:1]
            while stack:
                node = stack.pop()
                for other in near[start[node] : start[node + 1]].tolist():
                    if other < count and inside[other] and other not in seen:
                        seen.add(other)
                        stack.append(other)
            if len(seen) < len(members):
                return False
        return True

    def _separate(self, *, tolerance: float, force: bool) -> int:
        """Add the cuts that the present relaxation violates."""
        return sum(self._separate_field(field, tolerance, force=force) for field in self.program.fields.values())

    def _separate_field(self, field: _Field, tolerance: float, *, force: bool) -> int:
        """Add the violated cuts of one grid."""
        share = self._shares(None, field.variables)
        count = len(field.atoms)
        root, core = np.zeros(len(share)), -1
        is_whole = bool(((share[:count] == 0) | (share[:count] == 1)).all())
        if field.roots and not is_whole:
            root[:count] = self._shares(None, field.roots)
        else:
            core = int(field.central[np.argmax(share[field.central])])
        cuts = find_cuts(field.growth, share, root, core, tolerance=tolerance)
        for cut in cuts:
            terms = [(field.variables[cut.at], 1.0)] + [(field.variables[v], -1.0) for v in cut.separator]
            terms += [(field.variables[core], 1.0)] if core >= 0 else [(field.roots[v], -1.0) for v in cut.roots]
            self._add_row(terms, 1.0 if core >= 0 else 0.0, force=force)
        return len(cuts)

    def _add_row(self, terms: list[tuple[Variable, float]], limit: float, *, force: bool) -> None:
        """Add one row, sum of terms <= limit."""
        row = self.model.createEmptyRowUnspec("cut", lhs=None, rhs=limit, local=False, removable=True)
        self.model.cacheRowExtensions(row)
        for variable, factor in terms:
            self.model.addVarToRow(row, variable, factor)
        self.model.flushRowExtensions(row)
        self.model.addCut(row, forcecut=force)
        self.model.addPoolCut(row)
        self.model.releaseRow(row)

    def conscheck(self, constraints: Any, solution: Solution, *_: Any) -> dict[str, Any]:
        """Accept connected plans only."""
        return {"result": SCIP_RESULT.FEASIBLE if self._is_connected(solution) else SCIP_RESULT.INFEASIBLE}

    def consenfolp(self, *_: Any) -> dict[str, Any]:
        """Cut off a whole relaxation that is not connected."""
        if self._is_connected(None):
            return {"result": SCIP_RESULT.FEASIBLE}
        added = self._separate(tolerance=TIGHT, force=True)
        return {"result": SCIP_RESULT.SEPARATED if added else SCIP_RESULT.INFEASIBLE}

    def consenfops(self, *_: Any) -> dict[str, Any]:
        """Leave pseudo solutions to branching."""
        return {"result": SCIP_RESULT.INFEASIBLE}

    def conssepalp(self, *_: Any) -> dict[str, Any]:
        """Cut off a fractional relaxation, a few rounds a node."""
        if self.spent() > self.effort:
            self.model.interruptSolve()
            return {"result": SCIP_RESULT.DIDNOTRUN}
        node = self.model.getCurrentNode().getNumber()
        done = self.rounds[node] = self.rounds.get(node, 0) + 1
        if done > (ROOT_ROUNDS if node == 1 else NODE_ROUNDS):
            return {"result": SCIP_RESULT.DIDNOTRUN}
        added = self._separate(tolerance=LOOSE, force=False)
        return {"result": SCIP_RESULT.SEPARATED if added else SCIP_RESULT.DIDNOTFIND}

    def conslock(self, constraint: Any, locktype: Any, positive: int, negative: int) -> None:
        """Every variable may break connection either way."""
        for variable in self.everything:
            self.model.addVarLocksType(variable, locktype, positive + negative, positive + negative)


def _cheapest_paths(near: list[list[int]], origins: IntArray, weight: FloatArray) -> FloatArray:
    """Least sum of node weights on a path from any origin to each atom, both ends counted."""
    reach = np.full(len(near), np.inf)
    heap = [(float(weight[u]), int(u)) for u in origins]
    for cost, u in heap:
        reach[u] = cost
    heapq.heapify(heap)
    while heap:
        cost, u = heapq.heappop(heap)
        if cost > reach[u]:
            continue
        for v in near[u]:
            if cost + weight[v] < reach[v]:
                reach[v] = cost + weight[v]
                heapq.heappush(heap, (float(reach[v]), v))
    return reach
