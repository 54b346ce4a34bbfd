"""Codes of grids: an adjusted grid keeps the code of the incumbent it matches, a new one never takes an old code."""

import re
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.rebalance.problem import CommunityProblem, FloatArray, IntArray
from geo.rebalance.sums import sum_by

CODE = re.compile(r"[0-9]{6,}")
SERIAL_DIGITS = 3


def name_grids(
    problems: Sequence[CommunityProblem], grids: Sequence[IntArray], *, inside: FloatArray, retired: Sequence[str]
) -> list[tuple[str, ...]]:
    """Give every grid of every community a code that no other grid has.

    In `adjust` a grid keeps the code of an incumbent by the best one-to-one matching by households; where one code
    is matched in several communities the largest overlap keeps it. Other grids are numbered from the northwest: west to
    east along a row, rows from north to south, as China's standards for grid codes have it (自西向东、自北向南; DB11
    unit grids, DB6101/T 3185-2024). A row is a band of the community as high as its grids are on average. The code is
    that of the community + three digits where the community looks like a code (six digits or more), else
    `<community>-001`. No code of an incumbent grid is given to another grid.

    Parameters
    ----------
    grids
        Per community, shape (n_unit,). Grid of each of its units, numbered from 0 without gaps.
    inside
        Shape (n, 2). Inside points of all units in metres, by row position.
    retired
        Codes of all incumbent grids.
    """
    kept = _kept_codes(problems, grids)
    taken = set(retired)
    names = []
    for number, (problem, grid) in enumerate(zip(problems, grids, strict=True)):
        codes, serial = [""] * (int(grid.max()) + 1), 0
        for position in _reading_order(inside[problem.unit], grid):
            code = kept.get((number, position), "")
            while not code:
                serial += 1
                candidate = _numbered(problem.community, serial)
                code = "" if candidate in taken else candidate
            taken.add(code)
            codes[position] = code
        names.append(tuple(codes))
    return names


def match(problem: CommunityProblem, grid: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Match grids one to one with incumbents so that most households stay: grids, incumbents, households that stay.

    Parameters
    ----------
    grid
        Shape (n_atom,). Grid of each atom.
    """
    shared = np.zeros((int(grid.max()) + 1, problem.overlap.shape[1]))
    np.add.at(shared, grid, problem.overlap)
    rows, columns = linear_sum_assignment(-shared)
    return rows, columns, shared[rows, columns]


def _kept_codes(problems: Sequence[CommunityProblem], grids: Sequence[IntArray]) -> dict[tuple[int, int], str]:
    """Codes that adjusted grids keep, by community and grid."""
    found = []
    for number, (problem, grid) in enumerate(zip(problems, grids, strict=True)):
        if problem.mode == "adjust":
            of_atom = np.empty(len(problem.households), dtype=np.int64)
            of_atom[problem.atom] = grid
            for position, column, households in zip(*match(problem, of_atom), strict=True):
                if households > 0:
                    found.append((-float(households), number, int(position), problem.incumbents[column]))
    kept: dict[tuple[int, int], str] = {}
    given: set[str] = set()
    for _, number, position, code in sorted(found):
        if code not in given:
            given.add(code)
            kept[number, position] = code
    return kept


def _reading_order(xy: FloatArray, grid: IntArray) -> list[int]:
    """Grids in rows from north to south, in each row from west to east, by the mean of their units' inside points."""
    members = np.bincount(grid)
    x, y = (sum_by(grid, xy[:, axis]) / members for axis in (0, 1))
    width, height = np.ptp(x), np.ptp(y)
    rows = max(1, round(float(np.sqrt(len(members) * height / max(width, 1e-9))))) if width < 1e9 else 1
    rows = min(rows, len(members))
    row = np.minimum(((y.max() - y) / max(height, 1e-9) * rows).astype(int), rows - 1)
    return [int(position) for position in np.lexsort((y, x, row))]


def _numbered(community: str, serial: int) -> str:
    """A community's code and a serial number."""
    digits = f"{serial:0{SERIAL_DIGITS}d}"
    if not community:
        return digits
    return f"{community}{digits}" if CODE.fullmatch(community) else f"{community}-{digits}"
