"""Cutting a connected part of a community in two, along a straight line or at an edge of a random spanning tree.

Two neighbouring grids cut anew are what moves of single atoms reach only by a long detour.

References
----------
DeFord, D., Duchin, M., Solomon, J. (2021). Recombination: a family of Markov chains for redistricting. Harvard Data
Science Review 3(1).
"""

import math

import numpy as np

from geo.rebalance.board import Graph, Grids, Prices, Scratch, grid_price, miss_of, sum_two
from geo.rebalance.compiled import RandomState, compiled, draw, draw_below, leaf
from geo.rebalance.problem import IntArray

NOT_CUT = 1e300
BY_PRICE = -1.0
TREE_NOISE = 1e-3


@compiled
def gather(grids: Grids, scratch: Scratch, a: int, b: int) -> IntArray:
    """The atoms of two grids."""
    count = 0
    for atom in range(len(grids.of_atom)):
        if grids.of_atom[atom] == a or grids.of_atom[atom] == b:
            scratch.atoms[count] = atom
            count += 1
    return scratch.atoms[:count]


@leaf
def is_connected(graph: Graph, grids: Grids, first: int, count: int, scratch: Scratch) -> bool:
    """Tell whether a grid with so many atoms, one of which is given, is connected."""
    mark, queue, grid = scratch.mark, scratch.queue, grids.of_atom[first]
    mark[0] += 2
    seen = mark[0]
    queue[0] = first
    mark[first + 1] = seen
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        for k in range(graph.start[here], graph.start[here + 1]):
            other = graph.near[k]
            if graph.linked[k] and mark[other + 1] != seen and grids.of_atom[other] == grid:
                mark[other + 1] = seen
                queue[tail] = other
                tail += 1
    return tail == count


@leaf
def are_connected(graph: Graph, grids: Grids, atoms: IntArray, a: int, b: int, scratch: Scratch) -> bool:
    """Tell whether two grids, whose atoms these are, are both connected and neither is empty."""
    first_a, first_b, count = -1, -1, 0
    for atom in atoms:
        if grids.of_atom[atom] == a:
            first_a = atom
            count += 1
        else:
            first_b = atom
    if first_a < 0 or first_b < 0:
        return False
    return is_connected(graph, grids, first_a, count, scratch) and is_connected(
        graph, grids, first_b, len(atoms) - count, scratch
    )


@leaf
def merge(graph: Graph, grids: Grids, atoms: IntArray, a: int, b: int) -> None:
    """Put all these atoms into grid b, with its sums; grid a is empty then."""
    for atom in atoms:
        grids.of_atom[atom] = b
    sum_two(graph, grids, atoms, a, b)


@leaf
def line_cut(  # noqa: PLR0913, PLR0917 (one pass over the atoms)
    graph: Graph, grids: Grids, prices: Prices, atoms: IntArray, a: int, b: int, angle: float, share: float,
    scratch: Scratch,
) -> float:  # fmt: skip
    """Cut atoms by a straight line of a given direction where it is cheapest, the part before it becomes grid a.

    With a share (0-1), where that share of the households lies before it. Reads the sums of all these atoms from grid b
    (`merge`) and writes `of_atom` alone; gives the price. The parts need not be connected (`are_connected`).
    """
    count, order = len(atoms), scratch.order
    sort_along(graph, atoms, math.cos(angle), math.sin(angle), scratch)
    for atom in atoms:
        grids.of_atom[atom] = b
    households, workload, area_m2 = grids.households[b], grids.workload[b], grids.area_m2[b]
    before = after = 0.0
    after = grids.perimeter_m[b]
    own = own_load = own_m2 = 0.0
    best, best_count = NOT_CUT, 0
    for i in range(count - 1):
        atom = order[i]
        to_a = to_b = 0.0
        for k in range(graph.start[atom], graph.start[atom + 1]):
            grid = grids.of_atom[graph.near[k]]
            if grid == a:
                to_a += graph.border_m[k]
            elif grid == b:
                to_b += graph.border_m[k]
        grids.of_atom[atom] = a
        own += graph.households[atom]
        own_load += graph.workload[atom]
        own_m2 += graph.area_m2[atom]
        before += graph.perimeter_m[atom] - 2 * to_a
        after -= graph.perimeter_m[atom] - 2 * to_b
        if share >= 0.0:
            price = abs(own - share * households)
        else:
            price = grid_price(graph, prices, own, own_load, own_m2, before)
            price += grid_price(graph, prices, households - own, workload - own_load, area_m2 - own_m2, after)
        if price < best:
            best, best_count = price, i + 1
    for i in range(best_count, count):
        grids.of_atom[order[i]] = b
    return best


@leaf
def sort_along(graph: Graph, atoms: IntArray, east: float, north: float, scratch: Scratch) -> None:
    """Put atoms into `order` as they come in a direction, by Shell's sort; `below` is how far each lies along it."""
    order, along, count = scratch.order, scratch.below, len(atoms)
    for i in range(count):
        order[i] = atoms[i]
        along[atoms[i]] = graph.xy_m[atoms[i], 0] * east + graph.xy_m[atoms[i], 1] * north
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            atom, j = order[i], i
            while j >= gap and along[order[j - gap]] > along[atom]:
                order[j] = order[j - gap]
                j -= gap
            order[j] = atom
        gap //= 3


@leaf
def tree_cut(  # noqa: C901, PLR0913, PLR0917 (one pass up the tree, one down)
    graph: Graph, grids: Grids, prices: Prices, atoms: IntArray, a: int, b: int, share: float, scratch: Scratch,
    state: RandomState,
) -> float:  # fmt: skip
    """Cut connected atoms at the edge of a random spanning tree that misses the band, or a share, least.

    Writes `of_atom` alone, not the sums; gives the miss in households. Always connected.
    """
    count = len(atoms)
    for i in range(count):
        grids.of_atom[atoms[i]] = b
    grow_tree(graph, grids, atoms, b, scratch, state)
    below, order = scratch.below, scratch.order
    for i in range(count - 1, 0, -1):
        below[scratch.parent[order[i]]] += below[order[i]]
    total = below[order[0]]
    best, cut, is_flipped = NOT_CUT, -1, False
    for i in range(1, count):
        own = below[order[i]]
        flipped = False
        if share >= 0.0:
            miss, other = abs(own - share * total), abs(total - own - share * total)
            if other < miss:
                miss, flipped = other, True
        else:
            miss = miss_of(graph, own) + miss_of(graph, total - own)
            flipped = draw(state) < 0.5
        miss += TREE_NOISE * draw(state)
        if miss < best:
            best, cut, is_flipped = miss, order[i], flipped
    if cut < 0:
        return NOT_CUT
    for i in range(count):
        atom = order[i]
        inside = atom == cut or (i > 0 and atom != cut and grids.of_atom[scratch.parent[atom]] == a)
        grids.of_atom[atom] = a if inside else b
    if is_flipped:
        for i in range(count):
            grids.of_atom[atoms[i]] = b if grids.of_atom[atoms[i]] == a else a
    return best


@leaf
def grow_tree(graph: Graph, grids: Grids, atoms: IntArray, grid: int, scratch: Scratch, state: RandomState) -> None:
    """Grow a random spanning tree of a connected grid: `order` from the root outwards, parents and own households."""
    mark, edges, order = scratch.mark, scratch.edges, scratch.order
    mark[0] += 2
    seen = mark[0]
    root = atoms[draw_below(state, len(atoms))]
    mark[root + 1] = seen
    order[0] = root
    scratch.parent[root] = -1
    scratch.below[root] = graph.households[root]
    done, waiting, here = 1, 0, root
    while True:
        for k in range(graph.start[here], graph.start[here + 1]):
            if graph.linked[k] and grids.of_atom[graph.near[k]] == grid and mark[graph.near[k] + 1] != seen:
                edges[waiting] = k
                waiting += 1
        found = False
        while waiting > 0 and not found:
            pick = draw_below(state, waiting)
            k = edges[pick]
            waiting -= 1
            edges[pick] = edges[waiting]
            found = mark[graph.near[k] + 1] != seen
        if not found:
            return
        here = graph.near[k]
        mark[here + 1] = seen
        scratch.parent[here] = graph.source[k]
        scratch.below[here] = graph.households[here]
        order[done] = here
        done += 1


@compiled
def draw_plan(graph: Graph, grids: Grids, prices: Prices, count: int, scratch: Scratch, state: RandomState) -> None:
    """Cut the whole piece into `count` connected grids of about equal households, by lines in random directions."""
    room = np.zeros(count, np.int64)
    room[0] = count
    grids.of_atom[:] = 0
    used = 1
    while used < count:
        grid = 0
        for other in range(used):
            if room[other] > room[grid]:
                grid = other
        if room[grid] <= 1:
            break
        part = room[grid] // 2
        atoms = gather(grids, scratch, grid, grid)
        if len(atoms) < 2:
            room[grid] = 1
            continue
        share = part / room[grid]
        is_cut = False
        merge(graph, grids, atoms, used, grid)
        for _ in range(4):
            line_cut(graph, grids, prices, atoms, used, grid, draw(state) * 2 * math.pi, share, scratch)
            is_cut = are_connected(graph, grids, atoms, used, grid, scratch)
            if is_cut:
                break
        if not is_cut:
            tree_cut(graph, grids, prices, atoms, used, grid, share, scratch, state)
        room[used] = part
        room[grid] -= part
        used += 1


@leaf
def pair_price(graph: Graph, grids: Grids, prices: Prices, atoms: IntArray, a: int, b: int) -> float:
    """What two grids cost, with walls inside and households moved; their atoms are given."""
    price = 0.0
    for grid in (a, b):
        if grids.members[grid] > 0:
            price += grid_price(
                graph,
                prices,
                grids.households[grid],
                grids.workload[grid],
                grids.area_m2[grid],
                grids.perimeter_m[grid],
            )
    for atom in atoms:
        grid = grids.of_atom[atom]
        if grid < graph.stay.shape[1]:
            price -= prices.moved * graph.stay[atom, grid]
        if prices.wall > 0.0:
            for k in range(graph.start[atom], graph.start[atom + 1]):
                if not graph.linked[k] and grids.of_atom[graph.near[k]] == grid:
                    price += 0.5 * prices.wall
    return price
