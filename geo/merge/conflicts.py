"""Where layers conflict: units whose grids are not one and the same under the best matching, and who overlaps whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.merge.consensus import agree, unit_labels
from geo.merge.layers import NONE, GridLayer, encode


@dataclass(frozen=True)
class Overlap:
    """Households and units that a grid of one layer and a grid of another have in common."""

    community: str
    layer_a: str
    grid_a: str
    layer_b: str
    grid_b: str
    units: int
    households: float
    is_matched: bool


@dataclass(frozen=True)
class Conflicts:
    """Where layers conflict.

    Attributes
    ----------
    is_conflict
        Shape (n_unit,). Whether the unit's grids in the layers, where it is in one, have more than one label.
    is_unknown
        Shape (n_unit,). Whether some layer has the unit in no grid.
    label
        Shape (n_unit, n_layer). Number of the label in the unit's community, -1 where it is in no grid.
    overlaps
        Every pair of grids of two layers with units in common; matched ones have one label.
    """

    is_conflict: BoolArray
    is_unknown: BoolArray
    label: IntArray
    overlaps: tuple[Overlap, ...]


def find_conflicts(layers: Sequence[GridLayer], *, households: FloatArray, community: Sequence[object]) -> Conflicts:
    """Match the layers' grids community by community and tell what disagrees.

    Parameters
    ----------
    households
        Shape (n_unit,).
    community
        Shape (n_unit,). Name of each unit's community.
    """
    coded = encode(layers, len(households))
    label = np.full((len(households), len(layers)), NONE, dtype=np.int64)
    overlaps: list[Overlap] = []
    names, number = np.unique(np.array([str(one) for one in community], dtype=object), return_inverse=True)
    for at, name in enumerate(names):
        units = np.flatnonzero(number == at)
        part = coded.part(units)
        labels = agree(part, households[units])[0]
        label[units] = np.stack(unit_labels(part, labels), axis=1)
        for b in range(len(layers)):
            for a in range(b):
                own, other = part.grid[a], part.grid[b]
                both = (own >= 0) & (other >= 0)
                pairs, which = np.unique(np.stack([own[both], other[both]], axis=1), axis=0, return_inverse=True)
                size = np.bincount(which.ravel(), households[units][both], minlength=len(pairs))
                count = np.bincount(which.ravel(), minlength=len(pairs))
                overlaps += [
                    Overlap(
                        str(name), layers[a].name, part.codes[a][i], layers[b].name, part.codes[b][j], int(count[k]),
                        float(size[k]), bool(labels[a][i] == labels[b][j]),
                    )
                    for k, (i, j) in enumerate(pairs.tolist())
                ]  # fmt: skip
    top, low = label.max(axis=1), np.where(label >= 0, label, np.iinfo(np.int64).max).min(axis=1)
    is_conflict: BoolArray = (top >= 0) & (top != low)
    return Conflicts(is_conflict, np.asarray((label < 0).any(axis=1)), label, tuple(overlaps))
