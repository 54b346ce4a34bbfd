"""What the kernels work on: the atoms of a piece as a graph, the grids on it, and what a change of grid costs.

All functions with `compiled` or `leaf` run as machine code; their arguments are tuples of arrays that Python makes once
a piece.
"""

import math
from typing import NamedTuple

import numpy as np

from geo.rebalance.compiled import compiled, inlined, leaf
from geo.rebalance.problem import BoolArray, FloatArray, IntArray


class Graph(NamedTuple):
    """Atoms and their neighbours in compressed rows: `near[start[a]:start[a + 1]]` are the neighbours of atom a.

    `linked` is False where only a wall is shared: such neighbours have a border but do not connect. `movable` lists
    the positions in `near` of links whose atom may move. `stay` has the households of each atom in each incumbent grid;
    grids with these numbers are the incumbents.
    """

    start: IntArray
    source: IntArray
    near: IntArray
    border_m: FloatArray
    linked: BoolArray
    households: FloatArray
    workload: FloatArray
    area_m2: FloatArray
    perimeter_m: FloatArray
    xy_m: FloatArray
    stay: FloatArray
    movable: IntArray
    is_free: BoolArray
    floor: float
    ceiling: float


class Grids(NamedTuple):
    """The grid of each atom, and the sums of each grid; a grid without members is a number not in use.

    `price` is what each grid costs, after `set_prices`, as long as `shift` alone moves atoms.
    """

    of_atom: IntArray
    members: IntArray
    households: FloatArray
    workload: FloatArray
    area_m2: FloatArray
    perimeter_m: FloatArray
    price: FloatArray


class Prices(NamedTuple):
    """What things cost: a household outside the band, a grid outside, a household moved, lost shape, imbalance, a wall.

    `shape` is the price of 1 - Polsby-Popper of a grid, `balance` that of the squared relative distance to `ideal`
    workload, `wall` that of a pair of neighbours in one grid that a barrier parts.
    """

    miss: float
    outside: float
    moved: float
    shape: float
    balance: float
    ideal: float
    wall: float


class Scratch(NamedTuple):
    """Room for searches in the graph: marks, a queue, the atoms of two grids and the pairs between them."""

    mark: IntArray
    queue: IntArray
    atoms: IntArray
    order: IntArray
    parent: IntArray
    below: FloatArray
    edges: IntArray


@compiled
def make_grids(graph: Graph, of_atom: IntArray, count: int) -> Grids:
    """Sum up the grids of a plan; room for `count` grids."""
    grids = Grids(
        of_atom.copy(), np.zeros(count, np.int64), np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count),
        np.zeros(count),
    )  # fmt: skip
    refresh(graph, grids)
    return grids


@leaf
def refresh(graph: Graph, grids: Grids) -> None:
    """Sum up the grids anew."""
    for values in (grids.households, grids.workload, grids.area_m2, grids.perimeter_m):
        values[:] = 0.0
    grids.members[:] = 0
    for atom in range(len(grids.of_atom)):
        add_atom(graph, grids, atom)


@inlined
def polsby_popper(area_m2: float, perimeter_m: float) -> float:
    """Area over that of the circle with the same perimeter: 1 for a circle, at most 1, and 1 where both are 0.

    References
    ----------
    Polsby, D. D., Popper, R. D. (1991). The third criterion. Yale Law & Policy Review 9(2), 301-353.
    """
    if perimeter_m <= 0.0:
        return 1.0
    return min(1.0, 4 * math.pi * area_m2 / (perimeter_m * perimeter_m))


@inlined
def miss_of(graph: Graph, households: float) -> float:
    """Households above the ceiling or short of the floor."""
    return max(households - graph.ceiling, graph.floor - households, 0.0)


@inlined
def grid_price(
    graph: Graph, prices: Prices, households: float, workload: float, area_m2: float, perimeter_m: float
) -> float:
    """What a grid with these sums costs."""
    price = prices.shape * (1.0 - polsby_popper(area_m2, perimeter_m))
    miss = miss_of(graph, households)
    if miss > 0.0:
        price += prices.miss * miss + prices.outside
    if prices.balance > 0.0:
        away = workload / prices.ideal - 1.0
        price += prices.balance * away * away
    return price


@inlined
def price_of(graph: Graph, grids: Grids, prices: Prices, grid: int) -> float:
    """What one grid costs as it is; nothing where it is not in use."""
    if grids.members[grid] == 0:
        return 0.0
    return grid_price(
        graph, prices, grids.households[grid], grids.workload[grid], grids.area_m2[grid], grids.perimeter_m[grid]
    )


@inlined
def stay_of(graph: Graph, atom: int, grid: int) -> float:
    """Households of an atom that stay where they are when it is in this grid."""
    return graph.stay[atom, grid] if grid < graph.stay.shape[1] else 0.0


@leaf
def set_prices(graph: Graph, grids: Grids, prices: Prices) -> None:
    """Work out what each grid costs as it is."""
    for grid in range(len(grids.members)):
        grids.price[grid] = price_of(graph, grids, prices, grid)


@leaf
def total_price(graph: Graph, grids: Grids, prices: Prices) -> float:
    """What the plan costs."""
    price = 0.0
    for grid in range(len(grids.members)):
        price += price_of(graph, grids, prices, grid)
    for atom in range(len(grids.of_atom)):
        grid = grids.of_atom[atom]
        price -= prices.moved * stay_of(graph, atom, grid)
        for k in range(graph.start[atom], graph.start[atom + 1]):
            if not graph.linked[k] and grids.of_atom[graph.near[k]] == grid:
                price += 0.5 * prices.wall
    return price


@leaf
def total_miss(graph: Graph, grids: Grids) -> tuple[float, float]:
    """Households of grids outside the band, and the sum of their misses."""
    outside, miss = 0.0, 0.0
    for grid in range(len(grids.members)):
        if grids.members[grid] > 0:
            own = miss_of(graph, grids.households[grid])
            if own > 0.0:
                outside += grids.households[grid]
                miss += own
    return outside, miss


@inlined
def change_of(graph: Graph, grids: Grids, prices: Prices, atom: int, new: int) -> tuple[float, float, float]:
    """What moving an atom into a grid costs, and the two perimeters afterwards."""
    old = grids.of_atom[atom]
    to_old, to_new, walls = 0.0, 0.0, 0
    for k in range(graph.start[atom], graph.start[atom + 1]):
        grid = grids.of_atom[graph.near[k]]
        if grid == old:
            to_old += graph.border_m[k]
            walls -= not graph.linked[k]
        elif grid == new:
            to_new += graph.border_m[k]
            walls += not graph.linked[k]
    households, workload, area_m2 = graph.households[atom], graph.workload[atom], graph.area_m2[atom]
    old_perimeter = grids.perimeter_m[old] - graph.perimeter_m[atom] + 2 * to_old
    new_perimeter = grids.perimeter_m[new] + graph.perimeter_m[atom] - 2 * to_new
    change = prices.wall * walls + prices.moved * (stay_of(graph, atom, old) - stay_of(graph, atom, new))
    change -= grids.price[old] + grids.price[new]
    change += grid_price(
        graph, prices, grids.households[new] + households, grids.workload[new] + workload,
        grids.area_m2[new] + area_m2, new_perimeter,
    )  # fmt: skip
    if grids.members[old] > 1:
        change += grid_price(
            graph, prices, grids.households[old] - households, grids.workload[old] - workload,
            grids.area_m2[old] - area_m2, old_perimeter,
        )  # fmt: skip
    return change, old_perimeter, new_perimeter


@inlined
def shift(  # noqa: PLR0913, PLR0917
    graph: Graph, grids: Grids, prices: Prices, atom: int, new: int, old_perimeter: float, new_perimeter: float
) -> None:
    """Move an atom into a grid."""
    old = grids.of_atom[atom]
    grids.of_atom[atom] = new
    grids.members[old] -= 1
    grids.members[new] += 1
    grids.households[old] -= graph.households[atom]
    grids.households[new] += graph.households[atom]
    grids.workload[old] -= graph.workload[atom]
    grids.workload[new] += graph.workload[atom]
    grids.area_m2[old] -= graph.area_m2[atom]
    grids.area_m2[new] += graph.area_m2[atom]
    grids.perimeter_m[old] = old_perimeter
    grids.perimeter_m[new] = new_perimeter
    grids.price[old] = price_of(graph, grids, prices, old)
    grids.price[new] = price_of(graph, grids, prices, new)


@inlined
def may_leave(graph: Graph, grids: Grids, scratch: Scratch, atom: int) -> bool:
    """Tell whether an atom's grid stays connected, and not empty, without it.

    A breadth-first search from one of its neighbours in the grid: it mostly meets the others in the ring around
    the atom, in a few steps, and runs through the grid only where it does not.
    """
    grid, mark, queue = grids.of_atom[atom], scratch.mark, scratch.queue
    wanted, first = 0, -1
    mark[0] += 2
    seen = mark[0]  # seen - 1: wanted, seen: reached; the marks of atoms start at 1
    for k in range(graph.start[atom], graph.start[atom + 1]):
        other = graph.near[k]
        if graph.linked[k] and grids.of_atom[other] == grid:
            wanted += 1
            first = other
            mark[other + 1] = seen - 1
    if wanted <= 1:
        return wanted == 1
    wanted -= 1
    mark[first + 1] = mark[atom + 1] = seen
    queue[0] = first
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        for k in range(graph.start[here], graph.start[here + 1]):
            other = graph.near[k]
            if graph.linked[k] and mark[other + 1] != seen and grids.of_atom[other] == grid:
                if mark[other + 1] == seen - 1:
                    wanted -= 1
                    if wanted == 0:
                        return True
                mark[other + 1] = seen
                queue[tail] = other
                tail += 1
    return False


@compiled
def make_scratch(graph: Graph) -> Scratch:
    """Room for one search; not to be shared between threads."""
    count = len(graph.households)
    return Scratch(
        np.zeros(count + 1, np.int64), np.empty(count + 1, np.int64), np.empty(count, np.int64),
        np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count), np.empty(len(graph.near), np.int64),
    )  # fmt: skip


@leaf
def sum_two(graph: Graph, grids: Grids, atoms: IntArray, a: int, b: int) -> None:
    """Sum up two grids anew, whose atoms these are."""
    for grid in (a, b):
        grids.members[grid] = 0
        grids.households[grid] = grids.workload[grid] = grids.area_m2[grid] = grids.perimeter_m[grid] = 0.0
    for atom in atoms:
        add_atom(graph, grids, atom)


@inlined
def add_atom(graph: Graph, grids: Grids, atom: int) -> None:
    """Add what an atom brings to the sums of its grid."""
    grid = grids.of_atom[atom]
    grids.members[grid] += 1
    grids.households[grid] += graph.households[atom]
    grids.workload[grid] += graph.workload[atom]
    grids.area_m2[grid] += graph.area_m2[atom]
    grids.perimeter_m[grid] += graph.perimeter_m[atom]
    for k in range(graph.start[atom], graph.start[atom + 1]):
        if grids.of_atom[graph.near[k]] == grid:
            grids.perimeter_m[grid] -= graph.border_m[k]
