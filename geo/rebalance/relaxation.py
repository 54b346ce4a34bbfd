"""A linear relaxation of the least change of a community, and the prices of labels that it gives.

With a multiplier for each row, what a plan moves is at least a base and a price for every label that an atom bears: a
bound that adds up atom by atom, so that parts of plans have one too.

References
----------
Geoffrion, A. M. (1974). Lagrangean relaxation for integer programming. Mathematical Programming Study 2, 82-114.
Huangfu, Q., Hall, J. A. J. (2018). Parallelizing the dual revised simplex method. Mathematical Programming Computation
10(1), 119-142.
"""

import math
import time
from dataclasses import dataclass, replace

import highspy
import numpy as np

from geo.rebalance.formulation import Columns, Formulation, Row
from geo.rebalance.labels import Labelling
from geo.rebalance.problem import FloatArray

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Relaxation:
    """What any plan moves at least: a base and the prices of the labels of its atoms.

    Attributes
    ----------
    bound
        Households that every plan moves at least; infinite when there is none.
    base
        See above.
    price
        Shape (n_atom, n_label). Infinite for labels that an atom may not bear.
    spent
        Effort, in simplex iterations.
    """

    bound: float
    base: float
    price: FloatArray
    spent: float


def unpriced(labelling: Labelling) -> Relaxation:
    """No bound at all, and every label for nothing."""
    return Relaxation(-np.inf, 0.0, np.where(labelling.allowed, 0.0, np.inf), 0.0)


def relax(labelling: Labelling, effort: float, until: float) -> Relaxation:
    """Solve the relaxation with all connection cuts that its solutions violate, or as many as effort and time allow.

    The prices hold for every plan with these labels, in the band and connected, however its grids are labelled.
    """
    formulation, spent = Formulation(labelling, keeps_own=False), 0.0
    solver = _load(formulation.columns, formulation.rows)
    while True:
        solver.setOptionValue("simplex_iteration_limit", math.ceil(max(effort - spent, 1) / labelling.weigh(1)))
        solver.run()
        spent += labelling.weigh(solver.getInfo().simplex_iteration_count)
        status = solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            bound = np.inf if status == highspy.HighsModelStatus.kInfeasible else -np.inf
            return replace(unpriced(labelling), bound=bound, spent=spent)
        x = np.array(solver.getSolution().col_value)
        cuts = [
            cut
            for field in formulation.fields
            for cut in field.violated(x[field.columns], x[field.roots], tolerance=TOLERANCE)
        ]
        if not cuts or spent >= effort or time.time() >= until:
            return _read(solver, formulation, x, spent)
        _append(solver, cuts)


def _load(columns: Columns, rows: list[Row]) -> highspy.Highs:
    """A solver with the variables and rows."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in {"output_flag": False, "threads": 1, "random_seed": 0}.items():
        solver.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_col_ = len(columns.cost)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = columns.cost, columns.low, columns.high
    solver.passModel(lp)
    _append(solver, rows)
    return solver


def _append(solver: highspy.Highs, rows: list[Row]) -> None:
    """Give the solver more rows."""
    counts = [len(row.columns) for row in rows]
    solver.addRows(
        len(rows),
        np.array([row.low for row in rows]),
        np.array([row.high for row in rows]),
        sum(counts),
        np.r_[0, np.cumsum(counts)[:-1]].astype(np.int32),
        np.array([column for row in rows for column in row.columns], dtype=np.int32),
        np.array([factor for row in rows for factor in row.factors]),
    )


def _read(solver: highspy.Highs, formulation: Formulation, x: FloatArray, spent: float) -> Relaxation:
    """Base and prices: those of variables that are no labels count at their cheapest."""
    columns, value = formulation.columns, float(solver.getInfo().objective_function_value)
    reduced = np.array(solver.getSolution().col_dual)
    price = np.full(formulation.labelling.allowed.shape, np.inf)
    is_label = np.zeros(len(reduced), dtype=bool)
    for u, of_atom in enumerate(formulation.bears):
        for g, column in of_atom.items():
            price[u, g] = reduced[column]
            is_label[column] = True
    cheapest = np.minimum(reduced * np.array(columns.low), reduced * np.array(columns.high))[~is_label]
    base = value - float(reduced @ x) + float(cheapest.sum())
    return Relaxation(value, base, price, spent)
