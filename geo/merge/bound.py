"""How few households any merged plan can move.

Let d(P, L) be the households that change grid from layer L to plan P after the best matching: the fewest households to
take away so that P and L are the same partition of the rest. That is a metric on partitions (the transfer distance), so
d(P, A) + d(P, B) >= d(A, B) for any two layers, whatever the plan; units that one of the two layers has in no grid are
left out of d(A, B), which only makes it less. The least weighted sum of the d(P, L) under these inequalities is a
linear program with a variable a layer. What the band alone asks of a layer, `geo.rebalance.bounds` knows.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog

from geo.arrays import FloatArray
from geo.merge.consensus import shared_mass
from geo.merge.layers import Coded


def moved_bound(coded: Coded, households: FloatArray, least: FloatArray) -> float:
    """A proven lower bound of the weighted sum of households that move, over all plans of these units.

    Parameters
    ----------
    least
        Shape (n_layer,). Fewest households that must move in each layer, whatever becomes of the others.
    """
    count = len(coded.grid)
    rows, right = [], []
    for b in range(count):
        for a in range(b):
            shape = (len(coded.codes[a]), len(coded.codes[b]))
            table = shared_mass(coded.grid[a], coded.grid[b], households, shape=shape)
            stays = table[linear_sum_assignment(-table)].sum()
            row = np.zeros(count)
            row[[a, b]] = -1
            rows.append(row)
            right.append(stays - table.sum())
    found = linprog(
        coded.weight,
        A_ub=np.array(rows),
        b_ub=np.array(right),
        bounds=[(float(one), None) for one in least],
        method="highs",
    )
    return float(coded.weight @ np.asarray(found.x, dtype=np.float64))
