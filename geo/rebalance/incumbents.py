"""Starts for the least change: the incumbent grids made connected, with one or two dissolved, split, or both."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.rebalance.adjacency import connect
from geo.rebalance.board import Graph, Prices, make_grids, make_scratch, sum_two
from geo.rebalance.compiled import RandomState, compiled, draw, leaf
from geo.rebalance.cuts import BY_PRICE, NOT_CUT, are_connected, gather, line_cut, merge, pair_price, tree_cut
from geo.rebalance.pieces import Piece
from geo.rebalance.problem import FloatArray, IntArray
from geo.rebalance.sums import sum_by

CANDIDATES = 4
"""This many of the smallest grids are dissolved, and of the largest split, each alone and with each other."""
LINES, TREES = 12, 6


def incumbent_starts(piece: Piece, prices: Prices, state: RandomState) -> list[IntArray]:
    """Plans near the incumbent, without repeats, that have a number of grids the households can fill.

    Labels below the number of incumbents stand for these, others for new grids.
    """
    base = connected_incumbent(piece)
    starts: dict[bytes, IntArray] = {}
    for gone, cut in _recipes(piece, base):
        plan = base
        for label in gone:
            plan = dissolve(piece.graph, plan, label)
        for label in cut:
            plan = split(piece.graph, plan, label, new_label(piece, plan), prices, state)
        plan = fit_count(piece, plan, prices, state)
        starts.setdefault(plan.tobytes(), plan)
    return list(starts.values())


def label_as(stay: FloatArray, grid: IntArray) -> IntArray:
    """Give every grid the label of an incumbent it can best be matched with; the others get new labels."""
    known = stay.shape[1]
    shared = np.zeros((int(grid.max()) + 1, known))
    np.add.at(shared, grid, stay)
    label = np.arange(len(shared)) + known
    rows, columns = linear_sum_assignment(-shared)
    label[rows] = columns
    return np.asarray(label[grid], dtype=np.int64)


def new_label(piece: Piece, plan: IntArray) -> int:
    """A label that no grid has."""
    return max(int(plan.max()) + 1, int(piece.graph.stay.shape[1]))


def _recipes(piece: Piece, base: IntArray) -> Iterator[tuple[list[int], list[int]]]:
    """Which grids are dissolved and which are split."""
    size = sum_by(base, piece.graph.households)
    labels = np.unique(base)
    held = set(base[~piece.graph.is_free].tolist())
    order = labels[np.argsort(size[labels], kind="stable")].tolist()
    gone: list[list[int]] = [[], *([g] for g in order if g not in held)][: CANDIDATES + 1]
    cut: list[list[int]] = [[], *([g] for g in order[::-1])][: CANDIDATES + 1]
    if len(order) == 1:
        gone = [[]]
    over = [g for g in order if size[g] >= 2 * piece.band.floor and size[g] > piece.band.ceiling]
    under = [g for g in order if size[g] < piece.band.floor and g not in held][: len(order) - 1]
    yield [], []
    yield under, over
    yield [], over
    yield under, []
    for here, there in product(gone, cut):
        if here != there:
            yield here, there


def fit_count(piece: Piece, plan: IntArray, prices: Prices, state: RandomState) -> IntArray:
    """Dissolve the smallest or split the largest until the number of grids can be in the band by count."""
    fewest, most = piece.band.grid_counts(piece.total)
    held = set(plan[~piece.graph.is_free].tolist())
    for _ in range(len(plan)):
        size = sum_by(plan, piece.graph.households)
        labels = np.unique(plan)
        loose = [g for g in labels.tolist() if g not in held]
        if len(labels) > max(most, 1) and loose:
            plan = dissolve(piece.graph, plan, min(loose, key=lambda g: (size[g], g)))
        elif len(labels) < min(fewest, len(plan)) and fewest <= most:
            largest = max(labels.tolist(), key=lambda g: (size[g], -g))
            after = split(piece.graph, plan, largest, new_label(piece, plan), prices, state)
            if (after == plan).all():
                return plan
            plan = after
        else:
            return plan
    return plan


def connected_incumbent(piece: Piece) -> IntArray:
    """The incumbent plan with every grid connected: the largest part keeps the label, small others dissolve."""
    graph, known = piece.graph, piece.graph.stay.shape[1]
    part = connect(piece.incumbent, piece.pairs)
    weight = sum_by(part, graph.households) + np.bincount(part) * 1e-6 + np.bincount(part, ~graph.is_free) * 1e6
    label_of_part = np.full(len(weight), -1)
    label_of_part[part] = piece.incumbent
    grid_of_part, new = np.empty(len(weight), dtype=np.int64), known
    taken: set[int] = set()
    extra = []
    for number in np.argsort(-weight, kind="stable").tolist():
        label = int(label_of_part[number])
        if label < 0 or label in taken:
            label, new = new, new + 1
            extra.append(label)
        taken.add(label)
        grid_of_part[number] = label
    plan = np.asarray(grid_of_part[part])
    for label in reversed(extra):
        if graph.households[plan == label].sum() < piece.band.floor / 2:
            plan = dissolve(graph, plan, label)
    return plan


@compiled
def dissolve(graph: Graph, of_atom: IntArray, label: int) -> IntArray:
    """Give the atoms of a grid one by one to the neighbour with fewest households; as it was where there is none."""
    plan = of_atom.copy()
    size = np.zeros(plan.max() + 1)
    for atom in range(len(plan)):
        size[plan[atom]] += graph.households[atom]
    hand_out(graph, plan, size, label)
    return plan


@leaf
def hand_out(graph: Graph, plan: IntArray, size: FloatArray, label: int) -> None:
    """Give the atoms of a grid away as `dissolve` does; `size` is the households of each grid."""
    while True:
        best, best_grid, best_border = -1, -1, -1.0
        for atom in range(len(plan)):
            if plan[atom] != label:
                continue
            for k in range(graph.start[atom], graph.start[atom + 1]):
                grid = plan[graph.near[k]]
                if grid == label or not graph.linked[k]:
                    continue
                is_smaller = best < 0 or size[grid] < size[best_grid]
                if is_smaller or (grid == best_grid and graph.border_m[k] > best_border):
                    best, best_grid, best_border = atom, grid, graph.border_m[k]
        if best < 0:
            return
        plan[best] = best_grid
        size[best_grid] += graph.households[best]


@compiled
def split(graph: Graph, of_atom: IntArray, label: int, new: int, prices: Prices, state: RandomState) -> IntArray:
    """Split a grid where it is cheapest, by lines or trees; as it was where it has a single atom."""
    scratch = make_scratch(graph)
    grids = make_grids(graph, of_atom, max(new, of_atom.max()) + 1)
    atoms = gather(grids, scratch, label, label).copy()
    best, plan = NOT_CUT, of_atom.copy()
    if len(atoms) < 2:
        return plan
    for attempt in range(LINES + TREES):
        a, b = (label, new) if attempt % 2 == 0 else (new, label)
        if attempt < LINES:
            angle = 6.283185307179586 * (attempt // 2 + draw(state)) / (LINES // 2)
            merge(graph, grids, atoms, a, b)
            line_cut(graph, grids, prices, atoms, a, b, angle, BY_PRICE, scratch)
        else:
            tree_cut(graph, grids, prices, atoms, a, b, BY_PRICE, scratch, state)
        if not are_connected(graph, grids, atoms, a, b, scratch):
            continue
        sum_two(graph, grids, atoms, a, b)
        price = pair_price(graph, grids, prices, atoms, a, b)
        for atom in atoms:
            if not graph.is_free[atom] and grids.of_atom[atom] != label:
                price = NOT_CUT
        if price < best:
            best = price
            plan[:] = grids.of_atom
    return plan
