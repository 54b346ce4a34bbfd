"""Sums over groups, typed."""

import numpy as np

from geo.rebalance.problem import FloatArray, IntArray


def sum_by(group: IntArray, values: FloatArray, count: int = 0) -> FloatArray:
    """Sum values over the groups 0, 1, ..; shape (groups,), at least `count` of them."""
    return np.asarray(np.bincount(group, values, minlength=count), dtype=np.float64)
