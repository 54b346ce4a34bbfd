"""Where street edges come near each other without a shared vertex: plain geometry, in machine code."""

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.compiled import compiled
from geo.walking.grid import EdgeGrid, drop
from geo.walking.search import Links, pop, push


@compiled
def edges_near(
    grid: EdgeGrid, node_xy: FloatArray, nodes: IntArray, ends: tuple[IntArray, IntArray], reach_m: float
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Find all edges within reach of nodes, but for the nodes' own edges.

    Parameters
    ----------
    grid
        The edges by place.
    node_xy, nodes
        Places of all nodes, and which of them to ask about.
    ends
        Start and stop node of every edge.
    reach_m
        Longest distance.

    Returns
    -------
    node, edge, share, distance_m
        Pair by pair; `share` is how far along the edge the nearest point lies, 0-1.
    """
    count = 0
    node, edge = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64)
    share, distance_m = np.empty(1024), np.empty(1024)
    last_asked = np.full(len(grid.ends), -1, dtype=np.int32)
    for asked, number in enumerate(nodes):
        x, y = node_xy[number]
        west, east = _cells(x - grid.low_xy[0], reach_m, grid.cell_m, grid.shape[0])
        south, north = _cells(y - grid.low_xy[1], reach_m, grid.cell_m, grid.shape[1])
        for row in range(south, north + 1):
            for column in range(west, east + 1):
                cell = row * grid.shape[0] + column
                for one in grid.edge[grid.first[cell] : grid.first[cell + 1]]:
                    if last_asked[one] == asked or ends[0][one] == number or ends[1][one] == number:
                        continue
                    last_asked[one] = asked
                    along, square = drop(grid.ends, one, x, y)
                    if square > reach_m * reach_m:
                        continue
                    if count == len(node):
                        node, edge = np.concatenate((node, node)), np.concatenate((edge, edge))
                        share, distance_m = np.concatenate((share, share)), np.concatenate((distance_m, distance_m))
                    node[count], edge[count], share[count], distance_m[count] = number, one, along, np.sqrt(square)
                    count += 1
    return node[:count], edge[:count], share[:count], distance_m[:count]


@compiled
def _cells(offset_m: float, reach_m: float, cell_m: float, count: int) -> tuple[int, int]:
    """Give the first and last cell, of one axis, that a place's surroundings touch."""
    low, high = int((offset_m - reach_m) / cell_m - 1e-9), int((offset_m + reach_m) / cell_m + 1e-9)
    return min(max(low, 0), count - 1), min(max(high, 0), count - 1)


@compiled
def crossings(grid: EdgeGrid, near_end_m: float) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Find the pairs of edges that cross farther than `near_end_m` from all four ends; a pair may come twice.

    Returns
    -------
    first, second, first_share, second_share
        The edges, and how far along each the crossing lies, 0-1.
    """
    count = 0
    one, other = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64)
    share, other_share = np.empty(1024), np.empty(1024)
    for cell in range(len(grid.first) - 1):
        here = grid.edge[grid.first[cell] : grid.first[cell + 1]]
        for place in range(len(here)):
            for edge in here[:place]:
                at, at_other = _cross(grid.ends, edge, here[place], near_end_m)
                if at < 0:
                    continue
                if count == len(one):
                    one, other = np.concatenate((one, one)), np.concatenate((other, other))
                    share, other_share = np.concatenate((share, share)), np.concatenate((other_share, other_share))
                one[count], other[count], share[count], other_share[count] = edge, here[place], at, at_other
                count += 1
    return one[:count], other[:count], share[:count], other_share[:count]


@compiled
def _cross(ends: FloatArray, one: int, other: int, near_end_m: float) -> tuple[float, float]:
    """Tell how far along each of two edges they cross, 0-1; -1 where they do not."""
    ax, ay = ends[one, 2] - ends[one, 0], ends[one, 3] - ends[one, 1]
    bx, by = ends[other, 2] - ends[other, 0], ends[other, 3] - ends[other, 1]
    turn = ax * by - ay * bx
    if turn == 0.0:
        return -1.0, -1.0
    dx, dy = ends[other, 0] - ends[one, 0], ends[other, 1] - ends[one, 1]
    at, at_other = (dx * by - dy * bx) / turn, (dx * ay - dy * ax) / turn
    margin, margin_other = near_end_m / np.hypot(ax, ay), near_end_m / np.hypot(bx, by)
    is_inside = margin < at < 1 - margin and margin_other < at_other < 1 - margin_other
    return (at, at_other) if is_inside else (-1.0, -1.0)


@compiled
def ways_round(links: Links, node: IntArray, edge: IntArray, along_m: FloatArray, reach_m: FloatArray) -> FloatArray:
    """Walk from each node to a point along an edge, as far as its reach; inf where that is not far enough."""
    walk_m = np.full(len(node), np.inf)
    node_m = np.full(len(links.first) - 1, np.inf)
    nodes = np.empty(len(node_m) + 1, dtype=np.int32)
    heap_m, heap = np.empty(len(links.node) + 1), np.empty(len(links.node) + 1, dtype=np.int32)
    for number in range(len(node)):
        node_m[node[number]], nodes[0] = 0.0, node[number]
        seen, size = 1, push(heap_m, heap, 0, 0.0, node[number])
        while size > 0:
            here_m, here = heap_m[0], heap[0]
            size = pop(heap_m, heap, size)
            for link in range(links.first[here], links.first[here + 1]):
                there_m, there = here_m + links.metres[link], links.node[link]
                if there_m <= reach_m[number] and there_m < node_m[there]:
                    nodes[seen] = there
                    seen += node_m[there] == np.inf
                    node_m[there] = there_m
                    size = push(heap_m, heap, size, there_m, there)
        over = edge[number]
        rest_m = links.edge_m[over] - along_m[number]
        walk_m[number] = min(node_m[links.start[over]] + along_m[number], node_m[links.stop[over]] + rest_m)
        for seen_node in nodes[:seen]:
            node_m[seen_node] = np.inf
    return np.where(walk_m <= reach_m, walk_m, np.inf)
