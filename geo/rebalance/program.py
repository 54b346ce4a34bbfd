"""Branch and cut (SCIP) for the plan of a community that moves fewest households, connection cuts added on the way.

The cuts are found by largest flows in the fractional solutions, not only in whole ones.

References
----------
Bolusani, S. et al. (2024). The SCIP Optimization Suite 9.0. Optimization Online.
"""

import math
import time
from typing import Any

import numpy as np
from pyscipopt import Conshdlr, Model, quicksum
from pyscipopt.scip import PY_SCIP_RESULT as SCIP_RESULT
from pyscipopt.scip import Solution, Variable

from geo.rebalance.bounds import TOLERANCE, is_whole, rounded
from geo.rebalance.formulation import Field, Formulation, Row
from geo.rebalance.labels import Labelling, Outcome
from geo.rebalance.problem import FloatArray, IntArray

ROOT_ROUNDS, NODE_ROUNDS = 40, 4
HOPE_NODES, HOPELESS_RATIO = 300, 0.8
"""A tree of so many nodes of which this share and more is still to be searched grows faster than it can be searched."""
LOOSE, TIGHT = 1e-4, 1e-6
SETTINGS = {
    "misc/usesymmetry": 0,
    "separating/maxstallroundsroot": 10,
    "separating/maxstallrounds": 2,
    "randomization/randomseedshift": 0,
    "misc/catchctrlc": False,
}


def branch_and_cut(labelling: Labelling, effort: float, until: float) -> Outcome:
    """Search until done, or the effort is spent, or there is no hope, or the time has come."""
    formulation, model = Formulation(labelling), Model()
    model.hideOutput()
    for name, value in SETTINGS.items():
        model.setParam(name, value)
    variables = _load(model, formulation)
    if math.isfinite(labelling.cutoff):
        model.setObjlimit(labelling.cutoff + (0.5 if is_whole(labelling.problem) else TOLERANCE))
    if math.isfinite(until):
        model.setParam("timing/clocktype", 2)  # the clock on the wall
        model.setParam("limits/time", max(until - time.time(), 0.0))
    handler = Connection(formulation, variables, effort)
    model.includeConshdlr(
        handler, "connection", "every grid is connected", sepapriority=1000, enfopriority=-10, chckpriority=-10,
        sepafreq=1, propfreq=-1, eagerfreq=-1, maxprerounds=0, needscons=False,
    )  # fmt: skip
    model.optimizeNogil()
    is_done, plan = model.getStatus() in ("optimal", "infeasible"), None
    bound = rounded(labelling.problem, float(model.getDualbound()))
    if model.getNSols() and model.getSolObjVal(model.getBestSol()) <= labelling.cutoff + TOLERANCE:
        best = model.getBestSol()
        values = [{g: model.getSolVal(best, variables[k]) for g, k in one.items()} for one in formulation.bears]
        plan = np.array([max(of_atom, key=lambda g: of_atom[g]) for of_atom in values], dtype=np.int64)
    spent = handler.seen
    handler.let_go()
    return Outcome(plan, bound, is_done, spent)


def _load(model: Model, formulation: Formulation) -> list[Variable]:
    """Give the solver the variables and rows."""
    columns = formulation.columns
    variables = [
        model.addVar(vtype="B" if whole else "C", obj=cost, lb=low, ub=high)
        for cost, low, high, whole in zip(columns.cost, columns.low, columns.high, columns.is_whole, strict=True)
    ]
    for variable, priority in zip(variables, columns.priority, strict=True):
        if priority:
            model.chgVarBranchPriority(variable, priority)
    for row in formulation.rows:
        terms = quicksum(f * variables[k] for k, f in zip(row.columns, row.factors, strict=True))
        if row.low == row.high:
            model.addCons(terms == row.low)
        else:
            model.addCons(terms <= row.high if np.isfinite(row.high) else terms >= row.low)
    return variables


class Connection(Conshdlr):
    """Tells SCIP which plans are connected and cuts off those that are not, whole or fractional."""

    def __init__(self, formulation: Formulation, variables: list[Variable], effort: float) -> None:
        self.fields, self.variables, self.effort = formulation.fields, variables, effort
        self.labelling = formulation.labelling
        self.rounds: dict[int, int] = {}
        self.seen = 0.0  # effort at the last look: asked later, or too early, the solver complains

    def let_go(self) -> None:
        """Free the solver's memory: the model and its handler hold each other, and it would wait for the collector."""
        self.model.freeProb()
        del self.variables
        self.model = None

    def spent(self) -> float:
        """Effort so far."""
        return self.labelling.weigh(self.model.getNLPIterations() + self.model.getNStrongbranchLPIterations())

    def _is_hopeless(self) -> bool:
        """Whether the tree grows with nearly every node."""
        nodes = self.model.getNNodes()
        return bool(nodes >= HOPE_NODES and self.model.getNNodesLeft() >= HOPELESS_RATIO * nodes)

    def _values(self, solution: Solution | None, columns: IntArray) -> FloatArray:
        """Values of variables."""
        return np.array([self.model.getSolVal(solution, self.variables[k]) for k in columns], dtype=float)

    def _is_connected(self, solution: Solution | None) -> bool:
        """Whether every grid of a whole solution is connected."""
        for field in self.fields:
            count = len(field.atoms)
            inside = self._values(solution, field.columns[:count]) > 0.5
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
        return sum(self._separate_field(field, tolerance, force=force) for field in self.fields)

    def _separate_field(self, field: Field, tolerance: float, *, force: bool) -> int:
        """Add the violated cuts of one grid."""
        share, roots = self._values(None, field.columns), self._values(None, field.roots)
        rows = list(field.violated(share, roots, tolerance=tolerance))
        for row in rows:
            self._add_row(row, force=force)
        return len(rows)

    def _add_row(self, cut: Row, *, force: bool) -> None:
        """Add one row."""
        row = self.model.createEmptyRowUnspec("cut", lhs=None, rhs=cut.high, local=False, removable=True)
        self.model.cacheRowExtensions(row)
        for column, factor in zip(cut.columns, cut.factors, strict=True):
            self.model.addVarToRow(row, self.variables[column], factor)
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
        self.seen = self.spent()
        if self.seen > self.effort or self._is_hopeless():
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
        for field in self.fields:
            for column in [*field.columns.tolist(), *field.roots.tolist()]:
                variable = self.variables[column]
                self.model.addVarLocksType(variable, locktype, positive + negative, positive + negative)
