"""Linear and mixed-integer programs, given to HiGHS.

References
----------
Huangfu, Q., Hall, J. A. J. (2018). Parallelizing the dual revised simplex method. Mathematical Programming Computation
10, 119-142.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csc_array

from geo.arrays import BoolArray, FloatArray
from geo.errors import GeoError

NEAR = 1e-4
"""Accuracy of interior points: limits are worked out from their prices anew, so that a near solution proves as well."""


class SolverError(GeoError):
    """The solver gave up on a program that has a solution."""


@dataclass(frozen=True)
class Program:
    """Maximise cost x, subject to row_low <= matrix x <= row_high and 0 <= x <= col_high.

    Attributes
    ----------
    cost, col_high
        Shape (n_col,).
    matrix
        Shape (n_row, n_col).
    row_low, row_high
        Shape (n_row,), infinite where there is no limit.
    is_whole
        Shape (n_col,), which variables are whole numbers; None = none.
    """

    cost: FloatArray
    col_high: FloatArray
    matrix: csc_array
    row_low: FloatArray
    row_high: FloatArray
    is_whole: BoolArray | None = None


@dataclass(frozen=True)
class Solved:
    """The best point found, its value and the proven limit; `x` is None where none was found."""

    x: FloatArray | None
    value: float
    bound: float
    row_price: FloatArray | None


def solve(
    program: Program,
    *,
    start: FloatArray | None = None,
    nodes: int | None = None,
    gap: float = 0.0,
    time_limit_s: float | None = None,
    by_points: bool = False,
) -> Solved | None:
    """Solve a program; None = it has no solution.

    Parameters
    ----------
    start
        A known point, whole where it has to be.
    nodes
        Branches after which the best point so far is taken.
    gap
        Relative gap at which the search may stop.
    by_points
        Whether a linear program is solved by interior points, nearly (large ones), or by the simplex method.
    """
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, bool | int | float | str] = {
        "output_flag": False, "threads": 1, "parallel": "off", "random_seed": 0, "mip_rel_gap": gap,
        "mip_abs_gap": 1e-9 if gap == 0 else 1e-6, "solver": "ipm" if by_points else "choose",
    }  # fmt: skip
    if by_points:
        options |= {"run_crossover": "off", "ipm_optimality_tolerance": NEAR}
    if nodes is not None:
        options["mip_max_nodes"] = nodes
    if time_limit_s is not None:
        options["time_limit"] = max(time_limit_s, 0.0)
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(_as_highs(program))
    if start is not None:
        given = highspy.HighsSolution()
        given.col_value = start.tolist()
        solver.setSolution(given)
    solver.run()
    return _read(solver, program)


def _as_highs(program: Program) -> highspy.HighsLp:
    """Hand over the arrays."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.matrix.shape
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, np.zeros(lp.num_col_), program.col_high
    lp.row_lower_, lp.row_upper_ = program.row_low, program.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = program.matrix.indptr
    lp.a_matrix_.index_ = program.matrix.indices
    lp.a_matrix_.value_ = program.matrix.data
    if program.is_whole is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[bool(whole)] for whole in program.is_whole]
    return lp


def _read(solver: highspy.Highs, program: Program) -> Solved | None:
    """What came out."""
    status = solver.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None
    info, solution = solver.getInfo(), solver.getSolution()
    is_optimal = status == highspy.HighsModelStatus.kOptimal
    if program.is_whole is None:
        if not is_optimal and not solution.dual_valid:
            return Solved(None, -np.inf, np.inf, None)
        value = float(info.objective_function_value)
        return Solved(np.array(solution.col_value), value, value, np.abs(np.array(solution.row_dual)))
    if status == highspy.HighsModelStatus.kSolveError:
        raise SolverError("the solver failed on this program")
    has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x = np.array(solution.col_value) if has_point else None
    value = float(info.objective_function_value) if has_point else -np.inf
    return Solved(x, value, float(info.mip_dual_bound), None)
