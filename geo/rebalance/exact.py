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
import math
import time
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
from geo.rebalance.dig import LEAST, dig
from geo.rebalance.problem import CommunityProblem, CommunitySolution, FloatArray, IntArray
from geo.rebalance.separators import Growth, find_cuts, make_growth

EFFORTS = QUICK_EFFORT, DOUBT_EFFORT, EFFORT = 2_000, 20_000, 120_000
"""Simplex iterations spent on one community in a first round, in a second, and at most. Whether it has a plan in the
band at all is asked with no more than those of the second."""
MAX_LABELS = 10_000
"""Atoms times incumbent grids above which exact search is hopeless and not tried."""
USUAL_LABELS = 1_500
"""Iterations of a program with more labels of atoms than that count for more, as they take longer."""
ROOT_ROUNDS, NODE_ROUNDS = 40, 4
HEAVY_RATIO = 0.15
"""Atoms are branched on by how often they hold this share of the floor: where the heavy ones go decides most."""
LOOSE, TIGHT = 1e-4, 1e-6


def close_gap(
    problem: CommunityProblem, solution: CommunitySolution, *, effort: int = EFFORT, until: float = math.inf
) -> CommunitySolution:
    """Look for a plan that moves fewer households, or a proof that there is none.

    Returns a solution whose plan is the given one or moves fewer households and misses the band by no more, and whose
    bound is at least that of `lower_bound`; the plan is proven best where both are equal. Deterministic unless
    `until` cuts it short.

    Parameters
    ----------
    effort
        Simplex iterations after which the search stops with the bound it has. Annealing comes before and after it
        where there are more than those of a first round.
    until
        Seconds since the epoch at which to stop with what there is.
    """
    if not problem.overlap.any():
        return solution
    moved = count_moved(problem, solution.grid)
    stakes = find_stakes(problem)
    counting = Counting(problem, stakes, miss=solution.miss_households)
    bound = min(max(_rounded(problem, counting.bound()), solution.moved_bound_households or 0.0), moved)
    best = replace(solution, moved_households=moved, moved_bound_households=bound)
    if is_proven(best):
        return replace(best, moved_bound_households=moved)
    if counting.floor <= 0 or effort <= 0 or problem.overlap.size > MAX_LABELS:
        return best
    for turn in range(2):
        if effort > QUICK_EFFORT:
            best = _dug(problem, best, share=effort / EFFORT, turn=turn, until=until)
        if turn or is_proven(best) or time.time() >= until:
            break
        cutoff = _next_below(problem, count_moved(problem, best.grid))
        search = _Search(problem, stakes, counting, cutoff=cutoff, miss=solution.miss_households)
        search.run(effort, until)
        best = _conclude(problem, best, search)
        if is_proven(best):
            break
    return best


def is_proven(solution: CommunitySolution) -> bool:
    """Whether no plan that misses the band by no more moves fewer households."""
    moved, bound = solution.moved_households, solution.moved_bound_households
    return moved is not None and bound is not None and bound >= moved - TOLERANCE


def is_impossible(problem: CommunityProblem, *, effort: int = DOUBT_EFFORT, until: float = math.inf) -> bool:
    """Whether no connected plan at all has every grid in the band, as far as the effort can tell.

    Atoms above the ceiling are grids of their own and out of the question.
    """
    if not problem.overlap.any() or problem.overlap.size > MAX_LABELS:
        return False
    stakes = find_stakes(problem)
    counting = Counting(problem, stakes, miss=stakes.over_miss)
    search = _Search(problem, stakes, counting, cutoff=np.inf, miss=stakes.over_miss)
    search.run(effort, until)
    return search.is_done and search.plan is None


def _dug(
    problem: CommunityProblem, old: CommunitySolution, *, share: float, turn: int, until: float
) -> CommunitySolution:
    """What annealing finds in its share of the usual runs."""
    moved, bound = old.moved_households or 0.0, old.moved_bound_households or 0.0
    digging = replace(
        LEAST, runs=math.ceil(LEAST.runs * min(share, 1.0) ** 2), seed=LEAST.seed + 2 * round(share * EFFORT) + turn
    )
    found = dig(problem, old.grid, gain=moved - bound, digging=digging, until=until)
    return _improve(problem, old, found, most_miss=old.miss_households)


def _conclude(problem: CommunityProblem, old: CommunitySolution, search: "_Search") -> CommunitySolution:
    """What a search has found and proven."""
    best = old
    if search.plan is not None:
        best = _improve(problem, old, search.plan, most_miss=search.miss)
        if best is old:  # what the solver calls a plan is none: claim nothing
            return old
    moved = count_moved(problem, best.grid)
    bound = max(old.moved_bound_households or 0.0, search.bound)
    return replace(best, moved_bound_households=moved if search.is_done else min(bound, moved))


def _is_whole(problem: CommunityProblem) -> bool:
    """Whether all counts are whole, so that households moved are."""
    return bool((problem.overlap == np.round(problem.overlap)).all() and problem.households.sum() % 1 == 0)


def _rounded(problem: CommunityProblem, bound: float) -> float:
    """A bound rounded up where households moved are whole."""
    return float(np.ceil(bound - TOLERANCE)) if _is_whole(problem) and np.isfinite(bound) else bound


def _next_below(problem: CommunityProblem, moved: float) -> float:
    """The most that a better plan may move."""
    return moved - 1 if _is_whole(problem) else moved - 10 * TOLERANCE


def _improve(
    problem: CommunityProblem, old: CommunitySolution, labels: IntArray, *, most_miss: float
) -> CommunitySolution:
    """Take a found plan if it holds from scratch: every grid connected, no larger miss, fewer households moved."""
    grid = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    moved, miss = count_moved(problem, grid), total_miss(problem, grid)
    is_connected = int(connect(grid, problem.pairs).max()) == int(grid.max())
    if not is_connected or miss > most_miss + TOLERANCE:
        return old
    if moved >= count_moved(problem, old.grid) - TOLERANCE:
        return old
    return replace(old, grid=grid, moved_households=moved, miss_households=miss)


class _Search:
    """One community as a mixed-integer program, and the search of it.

    Labels below the number of incumbent grids are theirs, and a grid that bears one keeps some household of it; all
    other grids bear the labels above. Without a cutoff, labels are but names, and all of the incumbents' come first.
    """

    def __init__(
        self, problem: CommunityProblem, stakes: Stakes, counting: Counting, *, cutoff: float, miss: float
    ) -> None:
        self.problem, self.cutoff, self.miss = problem, cutoff, miss
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
        limit, is_cut = self.cutoff + TOLERANCE, math.isfinite(self.cutoff)
        news = 0 if is_cut else max(counting.most - len(counting.labels), 0)
        while is_cut and news < counting.most and counting.bound(strange=news + 1) <= limit:
            news += 1
        self.labels = [*range(known), *range(known, known + news)]
        self.cost = np.hstack([stakes.cost, np.repeat(stakes.had[:, None], news, axis=1)])
        held = problem.fixed & (problem.incumbent >= 0)
        self.allowed = np.hstack([stakes.allowed, np.repeat(~held[:, None], news, axis=1)])
        self.closed = np.r_[problem.closed, np.zeros(news, dtype=bool)]
        self.own = {
            int(g): np.flatnonzero((problem.overlap[:, g] > 0) | (held & (problem.incumbent == g)))
            for g in counting.labels
            if is_cut
        }
        self.must = {
            int(g)
            for g in counting.labels
            if counting.bound(gone=int(g)) > limit or bool((held & (problem.incumbent == g)).any())
        }
        excess = self.cost - stakes.least[:, None]
        base = float(stakes.least.sum())
        for g, own in self.own.items():
            reach = _cheapest_paths(self.near, own, excess[:, g])
            is_near = base + reach <= limit
            if stakes.over_miss == 0:
                is_near &= counting.bound_taking(g, _cheapest_paths(self.near, own, self.cost[:, g])) <= limit
            self.allowed[:, g] &= is_near | (held & (problem.incumbent == g))
        self.is_possible = bool(self.allowed.any(axis=1).all())

    def run(self, effort: int, until: float) -> None:
        """Search until done, or the effort is spent, or the time has come."""
        if not self.is_possible:
            self.is_done = True
            return
        program = _Program(self)
        model = program.model
        if math.isfinite(self.cutoff):
            model.setObjlimit(self.cutoff + (0.5 if _is_whole(self.problem) else TOLERANCE))
        if math.isfinite(until):
            model.setParam("timing/clocktype", 2)  # the clock on the wall
            model.setParam("limits/time", max(until - time.time(), 0.0))
        handler = Connection(program, effort)
        model.includeConshdlr(
            handler, "connection", "every grid is connected", sepapriority=1000, enfopriority=-10, chckpriority=-10,
            sepafreq=1, propfreq=-1, eagerfreq=-1, maxprerounds=0, needscons=False,
        )  # fmt: skip
        model.optimizeNogil()
        self.is_done = model.getStatus() in ("optimal", "infeasible")
        self.bound = _rounded(self.problem, float(model.getDualbound()))
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
        heavy = HEAVY_RATIO * search.problem.band.floor
        for of_atom, households in zip(self.bears, search.problem.households.tolist(), strict=True):
            self.model.addCons(quicksum(of_atom.values()) == 1)
            for variable in of_atom.values():
                self.model.chgVarBranchPriority(variable, int(households / heavy))
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
                for other in range(known if search.own else 0, g):
                    if g >= known and other in self.used:
                        model.addCons(used <= self.used[other])
            if g in search.own:
                model.addCons(quicksum(self.bears[u][g] for u in search.own[g] if g in self.bears[u]) >= used)
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
            roots = self._add_roots(g, atoms)
        central = np.lexsort((atoms, -np.minimum(depth[atoms], problem.households.sum())))
        variables = [self.bears[u][g] for u in place] + list(self.gates[g].values())
        return _Field(make_growth(rows, len(atoms)), variables, atoms, central, roots)

    def _add_roots(self, g: int, atoms: IntArray) -> list[Variable]:
        """Which atom is the root of a new grid: its heaviest, so that there is one way only to name it."""
        model, households = self.model, self.search.problem.households
        roots = {u: model.addVar(vtype="B") for u in atoms.tolist()}
        above: Any = 0.0
        for u in sorted(roots, key=lambda u: (-households[u], u)):
            here = model.addVar(lb=0, ub=1)
            model.addCons(here == above + roots[u])
            model.addCons(roots[u] <= self.bears[u][g])
            model.addCons(self.bears[u][g] <= here)
            above = here
        model.addCons(above == self.used[g])
        return list(roots.values())


class Connection(Conshdlr):
    """Tells SCIP which plans are connected and cuts off those that are not, whole or fractional."""

    def __init__(self, program: _Program, effort: int) -> None:
        self.program, self.effort = program, effort
        self.weight = max(float(program.search.allowed.sum()) / USUAL_LABELS, 1.0)
        self.rounds: dict[int, int] = {}
        self.everything = [v for field in program.fields.values() for v in [*field.variables, *field.roots]]

    def spent(self) -> float:
        """Simplex iterations so far, those of large programs counted for more."""
        return self.weight * float(self.model.getNLPIterations() + self.model.getNStrongbranchLPIterations())

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
