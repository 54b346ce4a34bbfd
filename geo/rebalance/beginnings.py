"""Beginnings of plans, as far as the atoms to come must know them, and how they are carried on by one atom."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.rebalance.compiled import compiled
from geo.rebalance.problem import BoolArray, FloatArray, IntArray

PRICE_TOLERANCE = 0.5
"""Households moved are whole: a beginning is given up when its bound is above the cutoff by more than that."""
FNV_OFFSET, FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)

ByteArray = npt.NDArray[np.uint8]


class Beginnings(NamedTuple):
    """Labels of the first atoms, as far as later ones must know them, one row each.

    Attributes
    ----------
    part, label
        Shape (n, width). Of each place of the frontier the connected part, from 1 on by place, and the label; 0 where
        the place is empty.
    ended
        Shape (n,). The labels that no later atom may bear, as bits.
    size
        Shape (n, n_label). Households of each label where they count, else 0.
    moved, price
        Shape (n,). Households that move, and the sum of base and prices.
    before, last
        Shape (n,). The beginning without the last atom, and its label.
    """

    part: ByteArray
    label: ByteArray
    ended: IntArray
    size: npt.NDArray[np.int32]
    moved: FloatArray
    price: FloatArray
    before: npt.NDArray[np.int32]
    last: ByteArray


class Step(NamedTuple):
    """One atom more.

    Attributes
    ----------
    households
        Of the atom.
    near
        Places of its neighbours.
    place
        Shape (n_place + 1,). Where each place of the frontier is afterwards, the new atom last; -1 when it leaves.
    labels, cost, price
        Shape (n_choice,). The labels it may bear.
    later
        Shape (n_label,). Households of later atoms that may bear each label.
    later_cost, later_price
        What later atoms cost at least.
    """

    households: int
    near: IntArray
    place: IntArray
    labels: IntArray
    cost: FloatArray
    price: FloatArray
    later: IntArray
    later_cost: float
    later_price: float


class Rules(NamedTuple):
    """What is asked of grids.

    Attributes
    ----------
    cutoff
        Households that may move.
    first_new
        Labels from this on are new grids', which get them in the order in which the sweep meets them.
    floor, ceiling, must
        The band, and the labels that every plan uses.
    has_floor, has_ceiling
        Shape (n_label,). The sizes that count.
    """

    cutoff: float
    first_new: int
    floor: int
    ceiling: int
    must: BoolArray
    has_floor: BoolArray
    has_ceiling: BoolArray


def room_for(count: int, width: int, labels: int) -> Beginnings:
    """Room for so many beginnings."""
    return Beginnings(
        np.empty((count, width), np.uint8), np.empty((count, width), np.uint8), np.empty(count, np.int64),
        np.empty((count, labels), np.int32), np.empty(count), np.empty(count), np.empty(count, np.int32),
        np.empty(count, np.uint8),
    )  # fmt: skip


@compiled
def extend(now: Beginnings, step: Step, rules: Rules, then: Beginnings, table: npt.NDArray[np.int32]) -> int:
    """Give one atom more to all beginnings, each of its labels; tells how many there are, -1 without room for them.

    `table` holds the number of a beginning at the remainder of its hash, -1 where there is none.
    """
    met, width, count = len(step.place), now.part.shape[1], 0
    one = Beginnings(
        np.zeros((1, width), np.uint8), np.zeros((1, width), np.uint8), np.zeros(1, np.int64),
        np.zeros((1, now.size.shape[1]), np.int32), np.zeros(1), np.zeros(1), np.zeros(1, np.int32),
        np.zeros(1, np.uint8),
    )  # fmt: skip
    part, label, number = np.zeros(met, np.int64), np.zeros(met, np.int64), np.zeros(met + width + 2, np.int64)
    for before in range(len(now.moved)):
        newest = _newest(now.label[before], now.ended[before], rules.first_new)
        for choice in range(len(step.labels)):
            g = step.labels[choice]
            if g > newest + 1 or (now.ended[before] >> g) & 1:
                continue
            moved, price = now.moved[before] + step.cost[choice], now.price[before] + step.price[choice]
            if moved + step.later_cost > rules.cutoff or price + step.later_price > rules.cutoff + PRICE_TOLERANCE:
                continue
            for k in range(met - 1):
                part[k], label[k] = now.part[before, k], now.label[before, k]
            _join(part, label, step.near, g)
            ended = _ended(part, label, step.place, now.ended[before])
            if ended < 0 or not _is_fitting(now.size[before], g, step, rules, now.ended[before], ended, one.size[0]):
                continue
            _settle_frontier(part, label, step.place, number, one.part[0], one.label[0])
            one.ended[0], one.moved[0], one.price[0], one.before[0], one.last[0] = ended, moved, price, before, g
            count = _keep(one, then, table, count)
            if count < 0:
                return -1
    return count


@compiled
def _newest(label: ByteArray, ended: int, first_new: int) -> int:
    """The last label of a new grid that is in use; the last of the incumbents' when none is."""
    newest = first_new - 1
    for k in range(len(label)):
        newest = max(newest, label[k])
    while ended >> (newest + 1):
        newest += 1
    return newest


@compiled
def _join(part: IntArray, label: IntArray, near: IntArray, g: int) -> None:
    """Put the new atom, in the last place, into one part with its neighbours of the same label."""
    new = len(part) - 1
    own = len(part) + 1  # no other part has this number
    part[new], label[new] = own, g
    for k in near:
        if label[k] == g and part[k] != own:
            old = part[k]
            for other in range(new):
                if part[other] == old:
                    part[other] = own


@compiled
def _ended(part: IntArray, label: IntArray, place: IntArray, ended: int) -> int:
    """The labels that have ended when some atoms leave the frontier; -1 where a grid would be in two parts for good."""
    for k in range(len(part)):
        if place[k] >= 0:
            continue
        stays = other = False
        for j in range(len(part)):
            if part[j] == part[k]:
                stays = stays or place[j] >= 0
            elif label[j] == label[k]:
                other = True
        if not stays:
            if other:
                return -1
            ended |= 1 << label[k]
    return ended


@compiled
def _is_fitting(  # noqa: PLR0913, PLR0917 (arrays for compiled code)
    size: npt.NDArray[np.int32], g: int, step: Step, rules: Rules, before: int, ended: int,
    then: npt.NDArray[np.int32],
) -> bool:  # fmt: skip
    """Whether the sizes that count can still be in the band; `then` is the least that must be known of them.

    A size that can't miss the band any more counts as the least that it may be.
    """
    for q in range(len(size)):
        has_floor, has_ceiling = rules.has_floor[q], rules.has_ceiling[q]
        then[q] = 0
        if (before >> q) & 1 or not (has_floor or has_ceiling):
            continue
        own = size[q] + (step.households if q == g else 0)
        if has_ceiling and own > rules.ceiling:
            return False
        if (ended >> q) & 1:
            if has_floor and own < rules.floor:
                return False
            continue
        if has_floor and (own > 0 or rules.must[q]) and own + step.later[q] < rules.floor:
            return False
        then[q] = own
        if (not has_floor or own >= rules.floor) and (not has_ceiling or own + step.later[q] <= rules.ceiling):
            then[q] = rules.floor if has_floor else 0
    return True


@compiled
def _settle_frontier(
    part: IntArray, label: IntArray, place: IntArray, number: IntArray, parts: ByteArray, labels: ByteArray
) -> None:
    """Write down who stays, parts numbered in order of their places."""
    parts[:] = 0
    labels[:] = 0
    number[:] = 0
    parts_so_far = 0
    for k in range(len(part)):  # places keep their order
        if place[k] >= 0:
            if number[part[k]] == 0:
                parts_so_far += 1
                number[part[k]] = parts_so_far
            parts[place[k]] = number[part[k]]
            labels[place[k]] = label[k]


@compiled
def _keep(one: Beginnings, then: Beginnings, table: npt.NDArray[np.int32], count: int) -> int:
    """Add a beginning, or let it take the place of its equal if it moves fewer; the count, -1 without room."""
    width, mask = then.part.shape[1], np.uint64(len(table) - 1)
    code = FNV_OFFSET
    for k in range(width):
        code = (code ^ np.uint64(one.part[0, k]) ^ (np.uint64(one.label[0, k]) << np.uint64(8))) * FNV_PRIME
    code = (code ^ np.uint64(one.ended[0])) * FNV_PRIME
    for q in range(then.size.shape[1]):
        code = (code ^ np.uint64(one.size[0, q])) * FNV_PRIME
    at = (code ^ (code >> np.uint64(29))) & mask
    while True:
        found = table[np.int64(at)]
        if found < 0:
            if count >= len(then.moved):
                return -1
            table[np.int64(at)] = count
            _write(one, then, count)
            return count + 1
        if _is_equal(one, then, found, width):
            is_better = one.moved[0] < then.moved[found]
            if is_better or (one.moved[0] == then.moved[found] and one.price[0] < then.price[found]):
                _write(one, then, found)
            return count
        at = (at + np.uint64(1)) & mask


@compiled
def _is_equal(one: Beginnings, then: Beginnings, at: int, width: int) -> bool:
    """Whether later atoms can't tell the two apart."""
    for k in range(width):
        if then.part[at, k] != one.part[0, k] or then.label[at, k] != one.label[0, k]:
            return False
    for q in range(then.size.shape[1]):
        if then.size[at, q] != one.size[0, q]:
            return False
    return bool(then.ended[at] == one.ended[0])


@compiled
def _write(one: Beginnings, then: Beginnings, at: int) -> None:
    """Put a beginning into a row."""
    then.part[at], then.label[at], then.size[at] = one.part[0], one.label[0], one.size[0]
    then.ended[at], then.moved[at], then.price[at] = one.ended[0], one.moved[0], one.price[0]
    then.before[at], then.last[at] = one.before[0], one.last[0]
