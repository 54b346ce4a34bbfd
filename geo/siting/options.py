"""What may be done beside building: a site that stands is open longer, or delivers."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from geo.arrays import BoolArray, FloatArray
from geo.errors import InvalidInputError


class OptionKind(StrEnum):
    """What is done."""

    OPEN_LONGER = "open_longer"
    DELIVER = "deliver"


@dataclass(frozen=True)
class SitingOption:
    """One thing to do at one site that stands, and the demand not served today that it would serve."""

    kind: OptionKind
    site: int
    weight: float


def weigh_options(
    distance_m: csr_array,
    weight: npt.ArrayLike,
    *,
    radius_m: float,
    is_open: npt.ArrayLike,
    deliver_m: float | None = None,
) -> list[SitingOption]:
    """Weigh "open longer" and "deliver from here" for every site that stands, most served first.

    Parameters
    ----------
    distance_m
        Shape (n_demand, n_site), sparse: walks to the sites that stand, at least up to the radius and `deliver_m`.
    weight
        Shape (n_demand,), >= 0.
    is_open
        Shape (n_site,), whether a site is open at the hours that count.
    deliver_m
        Longest way of a delivery, metres, > 0; None = no deliveries.

    Returns
    -------
    options
        Those that serve somebody new: opening a closed site longer serves whoever walks to it and to no open one;
        delivering from an open site serves whoever lies within `deliver_m` of it and walks to no open one.
    """
    matrix, given = csr_array(distance_m), np.asarray(weight, dtype=np.float64)
    opened = np.asarray(is_open, dtype=bool)
    for name, length_m in (("radius", radius_m), ("way of a delivery", deliver_m)):
        if length_m is not None and not length_m > 0:
            raise InvalidInputError(f"the {name} is {length_m} m; it must be above 0")
    row = np.repeat(np.arange(len(given)), np.diff(matrix.indptr))
    walks = matrix.data <= radius_m + 1e-6
    served = np.zeros(len(given), dtype=bool)
    served[row[walks & opened[matrix.indices]]] = True
    left = np.where(served, 0.0, given)
    found = _sum(OptionKind.OPEN_LONGER, matrix, left[row], walks & ~opened[matrix.indices])
    if deliver_m is not None:
        reached = (matrix.data <= deliver_m + 1e-6) & opened[matrix.indices]
        found += _sum(OptionKind.DELIVER, matrix, left[row], reached)
    return sorted(found, key=lambda option: (-option.weight, option.kind, option.site))


def _sum(kind: OptionKind, matrix: csr_array, weight: FloatArray, counts: BoolArray) -> list[SitingOption]:
    """Options of one kind that serve somebody."""
    total = np.bincount(matrix.indices[counts], weight[counts], minlength=matrix.shape[1])
    return [SitingOption(kind, int(site), float(total[site])) for site in np.flatnonzero(total > 0)]
