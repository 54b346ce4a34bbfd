"""Random numbers of the search kernels: the same on every machine and in every thread."""

import numpy as np
import numpy.typing as npt

from geo.compiled import compiled

__all__ = ["RandomState", "compiled", "draw", "draw_below"]

RandomState = npt.NDArray[np.uint64]
"""Shape (1,). State of the generator; a kernel that draws moves it on."""


@compiled
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


@compiled
def draw_below(state: RandomState, count: int) -> int:
    """A whole number in [0, count)."""
    return int(draw(state) * count)
