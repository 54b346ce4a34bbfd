"""What is asked: demand with weights, sites, the walk between them, and what holds already."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import InvalidInputError


class SitingModel(StrEnum):
    """What the best choice of sites is."""

    LSCP = "lscp"
    MCLP = "mclp"
    PMEDIAN = "pmedian"
    PCENTER = "pcenter"


@dataclass(frozen=True)
class SitingProblem:
    """Demand and sites; make one with `siting_problem`.

    Attributes
    ----------
    distance_m
        Shape (n_demand, n_site), sparse, sorted: metres of every known pair. What is not stored is out of reach.
    weight
        Shape (n_demand,), >= 0.
    radius_m
        Longest walk that covers.
    is_existing
        Shape (n_site,), sites that stand already: always in, never counted in p.
    capacity
        Shape (n_site,), weight a site can serve, inf without limit; None = no site has a limit.
    """

    distance_m: csr_array
    weight: FloatArray
    radius_m: float
    is_existing: BoolArray
    capacity: FloatArray | None

    @property
    def candidates(self) -> IntArray:
        """Sites that may be chosen."""
        return np.flatnonzero(~self.is_existing)

    def row(self) -> IntArray:
        """Demand of every stored pair."""
        return np.repeat(np.arange(len(self.weight)), np.diff(self.distance_m.indptr))


def siting_problem(
    distance_m: csr_array,
    weight: npt.ArrayLike,
    *,
    radius_m: float,
    is_existing: npt.ArrayLike | None = None,
    capacity: npt.ArrayLike | None = None,
) -> SitingProblem:
    """Check and gather what is asked.

    Parameters
    ----------
    distance_m
        Shape (n_demand, n_site), sparse: metres of the pairs that are known, stored zeros included.
    weight
        Shape (n_demand,), finite, >= 0: residents, households.
    radius_m
        Longest walk that covers, metres, > 0; a walk equal to it does.
    is_existing
        Shape (n_site,), sites that stand already (else none does).
    capacity
        Shape (n_site,), > 0, inf without limit; an existing site may be full (0).

    Raises
    ------
    InvalidInputError
        If a shape differs, or a value is out of range.
    """
    matrix = csr_array(distance_m)
    matrix.sort_indices()
    weights = np.asarray(weight, dtype=np.float64)
    existing = np.zeros(matrix.shape[1], bool) if is_existing is None else np.asarray(is_existing, dtype=bool)
    room = None if capacity is None else np.asarray(capacity, dtype=np.float64)
    _check(matrix, weights, existing, radius_m)
    if room is not None:
        _check_capacity(room, existing)
        room = None if np.isinf(room).all() else room
    return SitingProblem(matrix, weights, float(radius_m), existing, room)


def _check(matrix: csr_array, weight: FloatArray, existing: BoolArray, radius_m: float) -> None:
    """Refuse shapes that differ and numbers that cannot be."""
    if not (radius_m > 0 and not math.isnan(radius_m)):
        raise InvalidInputError(f"the radius is {radius_m} m; it must be above 0")
    if weight.shape != (matrix.shape[0],) or existing.shape != (matrix.shape[1],):
        raise InvalidInputError(
            f"distances are shaped {matrix.shape}, weights {weight.shape}, existing marks {existing.shape}; "
            "they must be (n_demand, n_site), (n_demand,), (n_site,)"
        )
    wrong = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
    if len(wrong):
        raise InvalidInputError(f"demand row {wrong[0] + 1}: its weight is {weight[wrong[0]]}; it must be at least 0")
    if len(matrix.data) and not (np.isfinite(matrix.data).all() and matrix.data.min() >= 0):
        raise InvalidInputError("a distance is negative or not finite")


def _check_capacity(room: FloatArray, existing: BoolArray) -> None:
    """Refuse capacities that serve nobody."""
    if room.shape != existing.shape:
        raise InvalidInputError(f"capacities are shaped {room.shape}; they must be {existing.shape}")
    wrong = np.flatnonzero(np.isnan(room) | (room < 0) | ((room == 0) & ~existing))
    if len(wrong):
        raise InvalidInputError(f"site {wrong[0]}: its capacity is {room[wrong[0]]:g}; it must be above 0")
