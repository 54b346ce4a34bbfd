"""Which grids of several layers are one and the same: labels that at most one grid of each layer has.

What is wanted is the plan P that minimises the sum over layers of weight * moved(P, layer), where moved(P, layer) is
counted after the best one-to-one matching of P's grids with that layer's. A plan with its best matchings gives labels:
each grid of P, and the grid of each layer that is matched with it. The other way, labels give a price to every plan:
the households of a unit that are not under the label of the plan's grid. For the labels that the best plan itself
gives, that price is what is wanted; for any others it is no less. So it is enough to look for plan and labels
together: `agree` gives the first labels, the rebalancing engine a plan for them, `labels_of_plan` the labels that are
best for that plan, and so on in turn while the plan gets better. It ends in a plan that neither step betters, which may
not be the best of all: `geo.merge.bound` says how far from it at most.

First labels are those under which the layers agree most with each other: the households that two layers have under one
label, summed over pairs of layers with the product of their weights. With two layers this is an assignment problem,
solved exactly; with three and more it is hard in general, and is solved from several starts: take one layer's
grids as labels, match the next layer with what is there, and so on; then take out one layer at a time and match it
anew while that helps.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.arrays import FloatArray, IntArray
from geo.merge.layers import NONE, Coded

Labels = tuple[IntArray, ...]
"""One array a layer, of shape (n_grid of the layer,): the label of each of its grids, no label twice in a layer."""

EMPTY_MASS = 1e-6  # so that grids in which nobody lives are matched by their units
MOST_ROUNDS = 20


def shared_mass(a: IntArray, b: IntArray, mass: FloatArray, *, shape: tuple[int, int]) -> FloatArray:
    """Mass that each pair of grids of two layers has in common."""
    table = np.zeros(shape)
    both = (a >= 0) & (b >= 0)
    np.add.at(table, (a[both], b[both]), mass[both])
    return table


def agree(coded: Coded, households: FloatArray) -> list[Labels]:
    """Labels under which the layers agree, best first, without repeats."""
    mass = households + EMPTY_MASS
    found: dict[bytes, tuple[float, int, Labels]] = {}
    for first in range(len(coded.grid)):
        labels = _improve(coded, mass, _chain(coded, mass, first))
        key = b"|".join(one.tobytes() for one in labels)
        found.setdefault(key, (-agreement(coded, mass, labels), first, labels))
    return [labels for _, _, labels in sorted(found.values(), key=lambda item: item[:2])]


def agreement(coded: Coded, mass: FloatArray, labels: Labels) -> float:
    """Mass that two layers have under one label, summed over pairs of layers with the product of their weights."""
    of_unit = unit_labels(coded, labels)
    total = 0.0
    for a in range(len(of_unit)):
        for b in range(a):
            same = (of_unit[a] >= 0) & (of_unit[a] == of_unit[b])
            total += float(coded.weight[a] * coded.weight[b] * mass[same].sum())
    return total


def unit_labels(coded: Coded, labels: Labels) -> Labels:
    """Label of each unit in each layer, -1 where it is in no grid of it."""
    return tuple(np.r_[of_grid, NONE][grid] for grid, of_grid in zip(coded.grid, labels, strict=True))


def overlap_of(coded: Coded, households: FloatArray, labels: Labels) -> FloatArray:
    """Shape (n_unit, n_label). Weighted households that each unit has under each label."""
    count = 1 + max(int(of_grid.max(initial=-1)) for of_grid in labels)
    made = np.zeros((len(households), count))
    rows = np.arange(len(households))
    for weight, own in zip(coded.weight, unit_labels(coded, labels), strict=True):
        known = own >= 0
        np.add.at(made, (rows[known], own[known]), weight * households[known])
    return made


def labels_of_plan(coded: Coded, households: FloatArray, plan: IntArray) -> tuple[Labels, FloatArray]:
    """Labels that are best for a plan: grids matched with one grid of the plan have one label.

    Returns
    -------
    labels, moved
        Grids that are matched with none have labels of their own, shared where they agree with other layers'; and
        the households that move in each layer, shape (n_layer,).
    """
    mass = households + EMPTY_MASS
    count = int(plan.max()) + 1
    labels, moved = [], np.zeros(len(coded.grid))
    for layer, (grid, names) in enumerate(zip(coded.grid, coded.codes, strict=True)):
        rows, columns = _match(shared_mass(plan, grid, mass, shape=(count, len(names))))
        own = np.full(len(names), NONE, dtype=np.int64)
        own[columns] = rows
        labels.append(own)
        stays = (grid >= 0) & (np.r_[own, NONE][grid] == plan)
        moved[layer] = households[grid >= 0].sum() - households[stays].sum()
    return _label_rest(coded, mass, labels, count), moved


def _chain(coded: Coded, mass: FloatArray, first: int) -> Labels:
    """Take one layer's grids as labels and match the others with them, in their order."""
    labels: list[IntArray] = [np.full(len(names), NONE, dtype=np.int64) for names in coded.codes]
    labels[first] = np.arange(len(coded.codes[first]))
    count = len(coded.codes[first])
    for layer in [first, *(at for at in range(len(labels)) if at != first)][1:]:
        labels[layer], count = _placed(coded, mass, labels, layer, count)
    return tuple(labels)


def _placed(coded: Coded, mass: FloatArray, labels: list[IntArray], layer: int, count: int) -> tuple[IntArray, int]:
    """Match the grids of one layer with the labels of the others; what is left has new ones."""
    profile = np.zeros((count, len(coded.codes[layer])))
    for other, of_grid in enumerate(labels):
        if other != layer:
            own = np.r_[of_grid, NONE][coded.grid[other]]
            profile += coded.weight[other] * shared_mass(own, coded.grid[layer], mass, shape=profile.shape)
    rows, columns = _match(profile)
    made = np.full(profile.shape[1], NONE, dtype=np.int64)
    made[columns] = rows
    left = np.flatnonzero(made < 0)
    made[left] = count + np.arange(len(left))
    return made, count + len(left)


def _improve(coded: Coded, mass: FloatArray, labels: Labels) -> Labels:
    """Take out one layer at a time and match it anew, while the layers come to agree more."""
    best, value = labels, agreement(coded, mass, labels)
    for _ in range(MOST_ROUNDS):
        before = value
        for layer in range(len(labels)):
            tried = list(best)
            tried[layer] = np.full(len(best[layer]), NONE, dtype=np.int64)
            count = 1 + max(int(of_grid.max(initial=-1)) for of_grid in tried)
            tried[layer], _ = _placed(coded, mass, tried, layer, count)
            now = agreement(coded, mass, tuple(tried))
            if now > value + EMPTY_MASS:
                best, value = tuple(tried), now
        if value <= before:
            break
    return _dense(best)


def _label_rest(coded: Coded, mass: FloatArray, labels: list[IntArray], count: int) -> Labels:
    """Give grids without a label labels from `count` on, by agreement with the other layers' grids without one."""
    left = tuple(
        np.where(np.r_[own, NONE][grid] >= 0, NONE, grid) for grid, own in zip(coded.grid, labels, strict=True)
    )
    rest = Coded(left, coded.codes, coded.weight)
    others = _improve(rest, mass, _chain(rest, mass, 0))
    return _dense(tuple(np.where(own >= 0, own, count + new) for own, new in zip(labels, others, strict=True)))


def _match(table: FloatArray) -> tuple[IntArray, IntArray]:
    """Match rows and columns one to one for the largest sum; pairs that share nothing are left out."""
    rows, columns = linear_sum_assignment(-table)
    kept = table[rows, columns] > 0
    return rows[kept], columns[kept]


def _dense(labels: Labels) -> Labels:
    """Number labels from 0 without gaps, in order of first appearance."""
    order: dict[int, int] = {}
    for of_grid in labels:
        for label in of_grid.tolist():
            order.setdefault(label, len(order))
    return tuple(np.array([order[label] for label in of_grid.tolist()], dtype=np.int64) for of_grid in labels)
