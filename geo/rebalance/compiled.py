"""Random numbers of the search kernels: the same on every machine and in every thread."""

from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt

from geo.compiled import Kernel, compiled

__all__ = ["RandomState", "compiled", "draw", "draw_below", "inlined", "leaf"]

RandomState = npt.NDArray[np.uint64]
"""Shape (1,). State of the generator; a kernel that draws moves it on."""
_LEAF: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


def leaf(function: Kernel) -> Kernel:
    """Compile a kernel that makes no array and returns none: numbers alone, by value or into arrays it is given.

    Such a kernel need not count references to the arrays it reads. Counting them took two fifths of the search, since
    every array taken out of a tuple is counted twice with a locked instruction. What makes an array is refused.
    """
    return cast(Kernel, numba.njit(cache=True, **_LEAF)(function))


def inlined(function: Kernel) -> Kernel:
    """A leaf whose code is put in the place of each call, for what is called at every step.

    A call copies the tuples it is given, two hundred words: that takes longer than to look at an atom's neighbours.
    """
    return cast(Kernel, numba.njit(inline="always", **_LEAF)(function))


@inlined
def draw(state: RandomState) -> float:
    """A number in [0, 1), by SplitMix64.

    References
    ----------
    Steele, G. L., Lea, D., Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA 2014, 453-472.
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 1.1102230246251565e-16


@inlined
def draw_below(state: RandomState, count: int) -> int:
    """A whole number in [0, count)."""
    return int(draw(state) * count)
