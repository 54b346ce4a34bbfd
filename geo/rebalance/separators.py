"""Connection cuts: an atom is in a grid only with enough of every set of atoms that parts it from the grid's core.

For one grid, x is the share of each atom in it (an LP solution). If x[u] + x[core] - 1 exceeds the largest flow from
the core to u through atoms of capacity x, a smallest separator S gives a cut that every connected grid obeys and x does
not: x[u] + x[core] - sum x[S] <= 1. With roots instead of a core: x[u] <= sum x[S] + sum root[C], C the side of u.

References
----------
Fischetti, M., Leitner, M., Ljubić, I., Luipersbeck, M., Monaci, M., Resch, M., Salvagnin, D., Sinnl, M. (2017).
Thinning out Steiner trees. Mathematical Programming Computation 9, 203-229.
Validi, H., Buchanan, A., Lykhovyd, E. (2022). Imposing contiguity constraints in political districting models.
Operations Research 70(2), 867-892.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.rebalance.compiled import compiled
from geo.rebalance.problem import BoolArray, FloatArray, IntArray

EPSILON = 1e-9
SideArray = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Growth:
    """Where one grid may grow: its possible atoms as a graph, then its gates.

    A gate stands for a set of atoms (those of another incumbent grid): it is reached when one of them is, and nothing
    is reached through it.

    Attributes
    ----------
    start, near, back
        Compressed rows; `back` is the position of the same pair seen from its other end.
    is_gate
        Shape (n_node,).
    """

    start: IntArray
    near: IntArray
    back: IntArray
    is_gate: BoolArray


@dataclass(frozen=True)
class Cut:
    """One violated cut: node `at` is in the grid only with enough of `separator`, or of `roots` on its own side."""

    at: int
    separator: IntArray
    roots: IntArray


def make_growth(rows: list[list[int]], atoms: int) -> Growth:
    """Put neighbour lists into compressed rows; nodes from `atoms` on are gates."""
    start = np.r_[0, np.cumsum([len(row) for row in rows])].astype(np.int64)
    near = np.array([node for row in rows for node in row], dtype=np.int64)
    source = np.repeat(np.arange(len(rows)), np.diff(start))
    place = {pair: k for k, pair in enumerate(zip(source.tolist(), near.tolist(), strict=True))}
    back = np.array([place[b, a] for a, b in zip(source.tolist(), near.tolist(), strict=True)], dtype=np.int64)
    return Growth(start, near, back, np.arange(len(rows)) >= atoms)


def find_cuts(growth: Growth, share: FloatArray, root: FloatArray, core: int, *, tolerance: float) -> list[Cut]:
    """Cuts that shares violate by more than the tolerance, one a part of the grid that is short of flow.

    Parameters
    ----------
    root
        Shape (n_node,). How much of the grid's root each atom is; zeros with a core.
    core
        The atom the grid grows from, -1 for none.
    """
    size = len(share)
    at = np.empty(size, dtype=np.int64)
    side = np.zeros((size, size), dtype=np.int8)
    found = _find(growth.start, growth.near, growth.back, growth.is_gate, share, root, core, tolerance, at, side)
    return [Cut(int(at[k]), np.flatnonzero(side[k] == 1), np.flatnonzero(side[k] == 2)) for k in range(found)]


@compiled
def _find(  # noqa: C901, PLR0912, PLR0913, PLR0917 (arrays for compiled code)
    start: IntArray,
    near: IntArray,
    back: IntArray,
    is_gate: BoolArray,
    share: FloatArray,
    root: FloatArray,
    core: int,
    tolerance: float,
    at: IntArray,
    side: SideArray,
) -> int:
    """Go through the nodes by falling share, and cut those that too little flow reaches."""
    size = len(share)
    is_source = np.zeros(size, np.bool_)
    slack = 0.0
    if core >= 0:
        slack = 1.0 - share[core]
        _spread(start, near, is_gate, share < 1.0 - 1e-7, core, is_source)
    order = np.argsort(-share)
    done = np.zeros(size, np.bool_)
    through, along, fed = np.zeros(size), np.zeros(len(near)), np.zeros(size)
    found = 0
    for k in range(size):
        node = order[k]
        need = share[node] - slack
        if need <= tolerance:
            break
        if is_source[node] or done[node] or root[node] >= need - tolerance:
            continue
        through[:], along[:], fed[:] = 0.0, 0.0, 0.0
        if _flow(start, near, back, is_gate, share, root, is_source, node, need - tolerance, through, along, fed):
            continue
        wall = _wall(start, near, is_gate, share, is_source, node, through, along)
        if wall[node] or (core >= 0 and wall[core]):
            continue
        inner = np.zeros(size, np.bool_)
        _spread(start, near, is_gate, wall, node, inner)
        if core >= 0:
            if inner[core]:
                continue
            _keep_beside(start, near, wall, inner)
            outer = np.zeros(size, np.bool_)
            _spread(start, near, is_gate, wall, core, outer)
            _keep_beside(start, near, wall, outer)
        left = need
        for v in range(size):
            side[found, v] = 0
            if inner[v]:
                done[v] = True
            if wall[v]:
                side[found, v] = 1
                left -= share[v]
            elif core < 0 and inner[v] and not is_gate[v]:
                side[found, v] = 2
                left -= root[v]
        if left > tolerance / 2:
            at[found] = node
            found += 1
    return found


@compiled
def _spread(
    start: IntArray,
    near: IntArray,
    is_gate: BoolArray,
    is_shut: BoolArray,
    origin: int,
    seen: BoolArray,
) -> None:
    """Mark what can be reached from a node without entering shut nodes or gates."""
    stack = [origin]
    seen[origin] = True
    while len(stack) > 0:
        node = stack.pop()
        for e in range(start[node], start[node + 1]):
            other = near[e]
            if not seen[other] and not is_shut[other] and not is_gate[other]:
                seen[other] = True
                stack.append(other)


@compiled
def _keep_beside(
    start: IntArray,
    near: IntArray,
    wall: BoolArray,
    region: BoolArray,
) -> None:
    """Drop the wall's nodes that do not touch a region."""
    for v in range(len(wall)):
        if wall[v]:
            touches = False
            for e in range(start[v], start[v + 1]):
                touches = touches or region[near[e]]
            wall[v] = touches


@compiled
def _flow(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 (one algorithm, compiled)
    start: IntArray,
    near: IntArray,
    back: IntArray,
    is_gate: BoolArray,
    share: FloatArray,
    root: FloatArray,
    is_source: BoolArray,
    sink: int,
    need: float,
    through: FloatArray,
    along: FloatArray,
    fed: FloatArray,
) -> bool:
    """Push flow to a node by shortest augmenting paths; tell whether as much as needed arrives.

    Node v is split into an entry v and an exit size + v with capacity share[v] between them.
    """
    size = len(share)
    parent, edge = np.empty(2 * size, np.int64), np.empty(2 * size, np.int64)
    queue = np.empty(2 * size, np.int64)
    total = 0.0
    while total < need:
        parent[:] = -2
        head, tail = 0, 0
        for v in range(size):
            if is_source[v]:
                parent[size + v] = -1
                queue[tail] = size + v
                tail += 1
            elif root[v] - fed[v] > EPSILON:
                parent[v] = -1
                queue[tail] = v
                tail += 1
        while head < tail and parent[sink] == -2:
            here = queue[head]
            head += 1
            if here < size:
                if is_gate[here]:
                    continue
                if share[here] - through[here] > EPSILON and parent[size + here] == -2:
                    parent[size + here] = here
                    queue[tail] = size + here
                    tail += 1
                for e in range(start[here], start[here + 1]):
                    there = size + near[e]
                    if not is_gate[near[e]] and along[back[e]] > EPSILON and parent[there] == -2:
                        parent[there], edge[there] = here, back[e]
                        queue[tail] = there
                        tail += 1
            else:
                v = here - size
                if through[v] > EPSILON and parent[v] == -2:
                    parent[v] = here
                    queue[tail] = v
                    tail += 1
                for e in range(start[v], start[v + 1]):
                    there = near[e]
                    if not is_source[there] and parent[there] == -2:
                        parent[there], edge[there] = here, e
                        queue[tail] = there
                        tail += 1
        if parent[sink] == -2:
            return False
        push, here = share[sink], sink
        while parent[here] != -1:
            before = parent[here]
            if before < size and here == size + before:
                push = min(push, share[before] - through[before])
            elif before >= size and here == before - size:
                push = min(push, through[here])
            elif before < size:
                push = min(push, along[edge[here]])
            here = before
        if here < size:
            push = min(push, root[here] - fed[here])
            fed[here] += push
        here = sink
        while parent[here] != -1:
            before = parent[here]
            if before < size and here == size + before:
                through[before] += push
            elif before >= size and here == before - size:
                through[here] -= push
            elif before < size:
                along[edge[here]] -= push
            else:
                along[edge[here]] += push
            here = before
        total += push
    return True


@compiled
def _wall(  # noqa: PLR0913, PLR0917 (arrays for compiled code)
    start: IntArray,
    near: IntArray,
    is_gate: BoolArray,
    share: FloatArray,
    is_source: BoolArray,
    sink: int,
    through: FloatArray,
    along: FloatArray,
) -> BoolArray:
    """The smallest separator nearest to the sink: nodes whose exit can still send there, but whose entry cannot."""
    size = len(share)
    can = np.zeros(2 * size, np.bool_)
    can[sink] = True
    stack = [sink]
    while len(stack) > 0:
        here = stack.pop()
        if here < size:
            for e in range(start[here], start[here + 1]):
                v = size + near[e]
                if not is_gate[near[e]] and not can[v]:
                    can[v] = True
                    stack.append(v)
            if through[here] > EPSILON and not can[size + here]:
                can[size + here] = True
                stack.append(size + here)
        else:
            v = here - size
            if not is_source[v] and share[v] - through[v] > EPSILON and not can[v]:
                can[v] = True
                stack.append(v)
            for e in range(start[v], start[v + 1]):
                if along[e] > EPSILON and not can[near[e]]:
                    can[near[e]] = True
                    stack.append(near[e])
    wall = np.zeros(size, np.bool_)
    for v in range(size):
        wall[v] = not is_gate[v] and can[size + v] and not can[v]
    return wall
