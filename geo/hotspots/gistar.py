"""Getis-Ord Gi*: cells whose neighbourhood holds more than chance would give, with a correction for many tests."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtr

from geo.arrays import FloatArray, IntArray
from geo.errors import InvalidInputError

FALSE_SHARE = 0.05
FEWEST_CELLS = 30  # below it the normal distribution is no fair judge


@dataclass(frozen=True)
class Hotspots:
    """How far each cell's neighbourhood is from the mean.

    Attributes
    ----------
    z
        Shape (n,), standard deviations; 0 where all counts are equal.
    p
        Two-sided, by the normal distribution.
    q
        Benjamini and Hochberg's adjusted p: of all cells with q <= 0.05 at most 5 % are marked falsely, on average.
    kind
        1 hot, -1 cold, 0 neither, at a q of at most 0.05.
    """

    z: FloatArray
    p: FloatArray
    q: FloatArray
    kind: IntArray


def gi_star(count: FloatArray, neighbours: sp.csr_array, *, false_share: float = FALSE_SHARE) -> Hotspots:
    """Judge every cell with its neighbours (Getis and Ord 1992; Ord and Ord 1995, formula 14).

    Parameters
    ----------
    count
        Shape (n,), what is counted in each cell; cells without anything belong here too.
    neighbours
        Shape (n, n), 1 where two cells are neighbours; the cell itself is added.
    false_share
        Share of false marks that is put up with, 0-1.

    Raises
    ------
    InvalidInputError
        If the shapes differ, a count is not finite, or there are fewer than 30 cells.
    """
    n = len(count)
    if neighbours.shape != (n, n):
        raise InvalidInputError(f"{n} counts and neighbours of shape {neighbours.shape} do not fit")
    if not np.isfinite(count).all():
        raise InvalidInputError("a count is not finite")
    if n < FEWEST_CELLS:
        raise InvalidInputError(f"there are {n} cells; hot spots are told from {FEWEST_CELLS} on")
    around = (neighbours + sp.eye_array(n, format="csr") > 0).astype(np.float64).tocsr()
    total = np.asarray(around.sum(axis=1)).ravel()
    mean, spread = float(count.mean()), float(count.std())
    wide = spread * np.sqrt(np.maximum(n * total - total**2, 0.0) / (n - 1))
    above = around @ count - mean * total
    z = np.divide(above, wide, out=np.zeros(n), where=wide > 1e-12 * max(1.0, abs(mean)))
    p = 2 * ndtr(-np.abs(z))
    q = adjusted(p)
    kind = np.where(q <= false_share, np.sign(z), 0).astype(np.int64)
    return Hotspots(z, p, q, kind)


def adjusted(p: FloatArray) -> FloatArray:
    """Adjust p for many tests (Benjamini and Hochberg 1995): the smallest false share at which each would be marked."""
    order = np.argsort(p, kind="stable")[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return q
