"""The array types that `geo` speaks in, and the one check every list of points goes through."""

import numpy as np
import numpy.typing as npt

from geo.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
GeometryArray = npt.NDArray[np.object_]


def as_points(xy: npt.ArrayLike) -> FloatArray:
    """Take anything array-like as float64 points of shape (n, 2).

    Raises
    ------
    InvalidInputError
        If the shape is any other; an empty list is (0, 2).
    """
    points = np.asarray(xy, dtype=np.float64)
    if points.size == 0:
        return points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InvalidInputError(f"points are shaped {points.shape}; they must be shaped (n, 2)")
    return points
