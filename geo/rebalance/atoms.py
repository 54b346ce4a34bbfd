"""Atoms: what a grid never divides. A compound, unless it alone exceeds the ceiling; else a single unit."""

from dataclasses import dataclass

import numpy as np

from geo.rebalance.adjacency import components
from geo.rebalance.problem import Band, IntArray
from geo.rebalance.sums import sum_by
from geo.rebalance.units import Units


@dataclass(frozen=True)
class Atoms:
    """The units gathered into atoms.

    Attributes
    ----------
    of_unit
        Shape (n_unit,). Atom of each unit, numbered in order of first unit.
    cut_compounds
        Positions of compounds above the ceiling, cut by unit.
    parted_compounds
        Positions of compounds whose units are not connected, or lie in several communities: every part is whole.
    """

    of_unit: IntArray
    cut_compounds: tuple[int, ...]
    parted_compounds: tuple[int, ...]


def gather_atoms(units: Units, linked: IntArray, band: Band) -> Atoms:
    """Merge the units of each compound that may stay whole, one atom a connected part of it.

    Parameters
    ----------
    linked
        Shape (n_pair, 2). Neighbouring units, bridges included, cut pairs left out.
    """
    count = len(units.households)
    named = units.compound >= 0
    total = sum_by(units.compound[named], units.households[named], len(units.compounds))
    kept = named.copy()
    kept[named] = (total <= band.ceiling)[units.compound[named]]
    a, b = linked[:, 0], linked[:, 1]
    inside = kept[a] & kept[b] & (units.compound[a] == units.compound[b]) & (units.community[a] == units.community[b])
    of_unit = components(count, linked[inside])
    parts = np.unique(np.c_[units.compound[kept], of_unit[kept]], axis=0)[:, 0]
    compound, part_count = np.unique(parts, return_counts=True)
    return Atoms(
        of_unit=of_unit,
        cut_compounds=tuple(np.flatnonzero(total > band.ceiling).tolist()),
        parted_compounds=tuple(compound[part_count > 1].tolist()),
    )
