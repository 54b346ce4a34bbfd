"""Floating catchments: how much of a capacity each place gets when all who can walk there share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from geo.arrays import FloatArray
from geo.errors import InvalidInputError

Zones = Sequence[tuple[float, float]]
"""(longest walk in metres, weight), walks rising: the weight of the first zone that is long enough counts, beyond
the last none. One zone is 2SFCA, several falling ones E2SFCA."""
LUO_QI = ((1 / 3, 1.0), (2 / 3, 0.68), (1.0, 0.22))
"""Thirds of the radius and their weights, as Luo and Qi (2009) chose them for 10, 20 and 30 minutes."""


@dataclass(frozen=True)
class Catchments:
    """What each place gets, and how crowded each site is.

    Attributes
    ----------
    access
        Shape (n_demand,), supply a head of demand within reach, >= 0; 0 where no site is.
    supply_a_head
        Shape (n_site,), supply for each head of the weighted demand around it; inf where nobody is around.
    """

    access: FloatArray
    supply_a_head: FloatArray

    def shortfall(self, demand: FloatArray, needed_a_head: float) -> FloatArray:
        """Give the demand of each place that a fair share of the supply does not reach.

        Parameters
        ----------
        demand
            Shape (n_demand,), as for `floating_catchments`.
        needed_a_head
            Supply one head needs, > 0: seats, beds, stalls a person.

        Returns
        -------
        shortfall
            Shape (n_demand,), between 0 and `demand`.
        """
        short: FloatArray = demand * np.maximum(0.0, 1.0 - self.access / needed_a_head)
        return short


def floating_catchments(distance_m: csr_array, demand: FloatArray, supply: FloatArray, *, zones: Zones) -> Catchments:
    """Share each site's supply among all demand around it, then add up for each place what it gets.

    The two-step floating catchment area method (Luo and Wang 2003; with several zones the enhanced one, Luo and Qi
    2009). Demand and supply are weighted by the same zones. The walk from a place to a site counts both ways.

    Parameters
    ----------
    distance_m
        Shape (n_demand, n_site), walking metres; what is not stored is out of reach, a stored 0 is a walk of 0 m.
    demand
        Shape (n_demand,), heads, finite, >= 0.
    supply
        Shape (n_site,), capacity, finite, >= 0.
    zones
        See `Zones`.

    Raises
    ------
    InvalidInputError
        If the zones do not rise, a weight is negative, or the shapes or numbers are wrong.
    """
    _check(distance_m, demand, supply, zones)
    until_m, weights = np.array(zones, dtype=np.float64).T
    zone = np.searchsorted(until_m, distance_m.data, side="left")
    weight = np.append(weights, 0.0)[zone]
    near = csr_array((weight, distance_m.indices, distance_m.indptr), shape=distance_m.shape)
    around = near.T @ demand
    with np.errstate(divide="ignore"):
        supply_a_head = np.where(around > 0, supply / np.where(around > 0, around, 1.0), np.inf)
    access = near @ np.where(around > 0, supply_a_head, 0.0)
    return Catchments(access, supply_a_head)


def _check(distance_m: csr_array, demand: FloatArray, supply: FloatArray, zones: Zones) -> None:
    """Refuse what has no meaning."""
    if not zones or any(not weight >= 0 for _, weight in zones):
        raise InvalidInputError("catchments need at least one zone, and weights of at least 0")
    if not zones[0][0] > 0 or any(not near[0] < far[0] for near, far in pairwise(zones)):
        raise InvalidInputError("the zones of a catchment must begin above 0 m and rise")
    if distance_m.shape != (len(demand), len(supply)):
        raise InvalidInputError(f"{len(demand)} places and {len(supply)} sites, but distances of {distance_m.shape}")
    for name, numbers in (("demand", demand), ("supply", supply)):
        faulty = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
        if len(faulty):
            row = int(faulty[0])
            raise InvalidInputError(f"row {row + 1}, {name}: {numbers[row]} must be a number of at least 0")
