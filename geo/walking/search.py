"""Shortest walks over the graph, in machine code: Dijkstra's search with a binary heap.

A place on an edge is where a search starts or ends, without cutting the edge: a search starts at both ends of the edge
with the metres to them, and reaches a place by the nearer end. Two places on one edge are measured along it as well.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.compiled import compiled

Int32Array = npt.NDArray[np.int32]
ROUNDING_M = 1e-6
"""A walk this little longer than a limit is equal to it."""


class Links(NamedTuple):
    """The graph as the search reads it: an edge is a link from each of its ends to the other.

    Attributes
    ----------
    first
        Shape (n_node + 1,), where the links of a node begin.
    node, metres, edge
        Shape (2 * n_edge,), what a link leads to, its length, and its edge.
    start, stop, edge_m
        Shape (n_edge,), the ends of the edges and their lengths.
    """

    first: Int32Array
    node: Int32Array
    metres: FloatArray
    edge: Int32Array
    start: Int32Array
    stop: Int32Array
    edge_m: FloatArray


class Places(NamedTuple):
    """Places on edges, and which of them lie on each edge.

    Attributes
    ----------
    xy
        Shape (n, 2).
    edge, along_m, snap_m
        Shape (n,), the edge (-1 = none), metres along it and to it.
    first, order
        Shapes (n_edge + 1,) and (n_snapped,): the places on edge e are `order[first[e]:first[e + 1]]`.
    """

    xy: FloatArray
    edge: IntArray
    along_m: FloatArray
    snap_m: FloatArray
    first: Int32Array
    order: Int32Array


class _Around(NamedTuple):
    """What one search around a site has met: metres (inf = not met), and the lists of what was met."""

    node_m: FloatArray
    walk_m: FloatArray
    nodes: Int32Array
    places: Int32Array
    heap_m: FloatArray
    heap: Int32Array


@compiled
def push(keys: FloatArray, nodes: Int32Array, size: int, metres: float, node: int) -> int:
    """Add a node to a heap, the nearest at 0; give its new size. An entry a link and two a start are room enough."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if keys[parent] <= metres:
            break
        keys[at], nodes[at] = keys[parent], nodes[parent]
        at = parent
    keys[at], nodes[at] = metres, node
    return size + 1


@compiled
def pop(keys: FloatArray, nodes: Int32Array, size: int) -> int:
    """Take the nearest node away from a heap; give its new size."""
    size -= 1
    metres, node = keys[size], nodes[size]
    at, child = 0, 1
    while child < size:
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= metres:
            break
        keys[at], nodes[at] = keys[child], nodes[child]
        at, child = child, 2 * child + 1
    keys[at], nodes[at] = metres, node
    return size


@compiled
def spread(links: Links, sites: Places) -> tuple[FloatArray, Int32Array]:
    """Walk from all sites at once to every node.

    Returns
    -------
    node_m, node_site
        Metres from the nearest site, its snap included (inf = no way), and which site that is (-1 = none).
    """
    node_m = np.full(len(links.first) - 1, np.inf)
    node_site = np.full(len(links.first) - 1, -1, dtype=np.int32)
    heap_m, size = np.empty(len(links.node) + 2 * len(sites.order)), 0
    heap = np.empty(len(heap_m), dtype=np.int32)
    first, links_node, links_m = links.first, links.node, links.metres
    for site in sites.order:
        on = sites.edge[site]
        along_m, rest_m = sites.along_m[site], links.edge_m[on] - sites.along_m[site]
        for node, gone_m in ((links.start[on], along_m), (links.stop[on], rest_m)):
            here_m = sites.snap_m[site] + gone_m
            if here_m < node_m[node]:
                node_m[node], node_site[node] = here_m, site
                size = push(heap_m, heap, size, here_m, node)
    while size > 0:
        here_m, here = heap_m[0], heap[0]
        size = pop(heap_m, heap, size)
        if here_m > node_m[here]:
            continue
        for link in range(first[here], first[here + 1]):
            there_m, there = here_m + links_m[link], links_node[link]
            if there_m < node_m[there]:
                node_m[there], node_site[there] = there_m, node_site[here]
                size = push(heap_m, heap, size, there_m, there)
    return node_m, node_site


@compiled
def finish(
    links: Links, reached: tuple[FloatArray, Int32Array], units: Places, sites: Places, rows: tuple[int, int]
) -> tuple[FloatArray, IntArray]:
    """Finish the walks of the units in `rows` from the ends of their edges, or from a site on the same edge.

    Returns
    -------
    walk_m, site
        Metres with both snaps (inf = no way, or not snapped), and the site (-1 = none).
    """
    node_m, node_site = reached
    start, stop, edge_m = links.start, links.stop, links.edge_m
    unit_edge, unit_along_m, unit_snap_m, site_first = units.edge, units.along_m, units.snap_m, sites.first
    walk_m = np.full(rows[1] - rows[0], np.inf)
    chosen = np.full(rows[1] - rows[0], -1, dtype=np.int64)
    for row in range(rows[0], rows[1]):
        on, along_m = unit_edge[row], unit_along_m[row]
        if on < 0:
            continue
        best, site = node_m[start[on]] + along_m, node_site[start[on]]
        other = node_m[stop[on]] + (edge_m[on] - along_m)
        if other < best:
            best, site = other, node_site[stop[on]]
        for place in range(site_first[on], site_first[on + 1]):
            one = sites.order[place]
            direct = sites.snap_m[one] + abs(along_m - sites.along_m[one])
            if direct < best:
                best, site = direct, one
        walk_m[row - rows[0]], chosen[row - rows[0]] = best + unit_snap_m[row], site
    return walk_m, chosen


@compiled
def gather(
    links: Links, units: Places, sites: Places, radius_m: float, rows: tuple[int, int]
) -> tuple[IntArray, Int32Array, FloatArray]:
    """Search around each of the sites in `rows` as far as the radius.

    Returns
    -------
    count, unit, walk_m
        How many units each site reaches; which, site by site; and the metres with both snaps.
    """
    count = np.zeros(rows[1] - rows[0], dtype=np.int64)
    unit, walk_m, total = np.empty(1024, dtype=np.int32), np.empty(1024, dtype=np.float64), 0
    around = _Around(
        np.full(len(links.first) - 1, np.inf),
        np.full(len(units.edge), np.inf),
        np.empty(len(links.first) - 1, dtype=np.int32),
        np.empty(len(units.edge), dtype=np.int32),
        np.empty(len(links.node) + 2),
        np.empty(len(links.node) + 2, dtype=np.int32),
    )
    for site in range(rows[0], rows[1]):
        if sites.edge[site] < 0:
            continue
        met = _look_around(links, units, sites, site, radius_m + ROUNDING_M, around)
        count[site - rows[0]] = met
        while total + met > len(unit):
            unit = np.concatenate((unit, np.empty_like(unit)))
            walk_m = np.concatenate((walk_m, np.empty_like(walk_m)))
        for one in around.places[:met]:
            straight_m = np.hypot(units.xy[one, 0] - sites.xy[site, 0], units.xy[one, 1] - sites.xy[site, 1])
            unit[total] = one
            walk_m[total] = max(around.walk_m[one], straight_m)  # only rounding can have the walk shorter
            around.walk_m[one] = np.inf
            total += 1
    return count, unit[:total].copy(), walk_m[:total].copy()


@compiled
def _look_around(links: Links, units: Places, sites: Places, site: int, reach_m: float, around: _Around) -> int:
    """Search around one site; give how many units it meets. Only the nodes are forgotten afterwards."""
    node_m, seen, heap_m, heap = around.node_m, around.nodes, around.heap_m, around.heap
    # taken out of their tuples once: in the loop that would cost more than the search
    first, links_node, links_m, links_edge, unit_first = links.first, links.node, links.metres, links.edge, units.first
    nodes, size = 0, 0
    on, along_m, snap_m = sites.edge[site], sites.along_m[site], sites.snap_m[site]
    met = _meet_beside(units, sites, site, around, reach_m)
    for node, gone_m in ((links.start[on], along_m), (links.stop[on], links.edge_m[on] - along_m)):
        if snap_m + gone_m <= reach_m:
            node_m[node] = snap_m + gone_m
            around.nodes[nodes] = node
            size, nodes = push(heap_m, heap, size, snap_m + gone_m, node), nodes + 1
    while size > 0:
        here_m, here = heap_m[0], heap[0]
        size = pop(heap_m, heap, size)
        if here_m > node_m[here]:
            continue
        for link in range(first[here], first[here + 1]):
            if unit_first[links_edge[link]] < unit_first[links_edge[link] + 1]:
                met = _meet_along(links, units, around, (link, here), (here_m, reach_m), met)
            there_m, there = here_m + links_m[link], links_node[link]
            if there_m <= reach_m and there_m < node_m[there]:
                if node_m[there] == np.inf:
                    seen[nodes] = there
                    nodes += 1
                node_m[there] = there_m
                size = push(heap_m, heap, size, there_m, there)
    for node in around.nodes[:nodes]:
        node_m[node] = np.inf
    return met


@compiled
def _meet_beside(units: Places, sites: Places, site: int, around: _Around, reach_m: float) -> int:
    """Meet the units on the site's own edge, along it; give how many they are."""
    met, on = 0, sites.edge[site]
    for place in range(units.first[on], units.first[on + 1]):
        one = units.order[place]
        direct_m = sites.snap_m[site] + abs(units.along_m[one] - sites.along_m[site]) + units.snap_m[one]
        met = _meet(around, met, one, direct_m, reach_m)
    return met


@compiled
def _meet_along(
    links: Links, units: Places, around: _Around, at: tuple[int, int], metres: tuple[float, float], met: int
) -> int:
    """Meet the units on a link from its node, which is so many metres away; give how many are met so far."""
    (link, here), (here_m, reach_m) = at, metres
    over = links.edge[link]
    is_start = links.start[over] == here
    for place in range(units.first[over], units.first[over + 1]):
        one = units.order[place]
        along_m = units.along_m[one] if is_start else links.edge_m[over] - units.along_m[one]
        met = _meet(around, met, one, here_m + along_m + units.snap_m[one], reach_m)
    return met


@compiled
def _meet(around: _Around, met: int, one: int, there_m: float, reach_m: float) -> int:
    """Note a walk to a unit if it is the shortest so far; give how many are met so far."""
    if there_m > reach_m or there_m >= around.walk_m[one]:
        return met
    if around.walk_m[one] == np.inf:
        around.places[met] = one
        met += 1
    around.walk_m[one] = there_m
    return met


@compiled
def trace(links: Links, ends: Places) -> tuple[float, IntArray]:
    """Walk from place 0 to place 1, two places with an edge each, by way of at least one node.

    Returns
    -------
    walk_m, nodes
        The metres with both snaps, inf when there is no way; the nodes passed, in order.
    """
    node_m = np.full(len(links.first) - 1, np.inf)
    before = np.full(len(links.first) - 1, -1, dtype=np.int32)
    heap_m, size = np.empty(len(links.node) + 2), 0
    heap = np.empty(len(heap_m), dtype=np.int32)
    first, links_node, links_m = links.first, links.node, links.metres
    on, along_m = ends.edge[0], ends.along_m[0]
    for node, gone_m in ((links.start[on], along_m), (links.stop[on], links.edge_m[on] - along_m)):
        node_m[node] = ends.snap_m[0] + gone_m
        size = push(heap_m, heap, size, node_m[node], node)
    goal, rest_m = ends.edge[1], ends.along_m[1]
    best, last = np.inf, -1
    while size > 0 and heap_m[0] < best:
        here_m, here = heap_m[0], heap[0]
        size = pop(heap_m, heap, size)
        if here_m > node_m[here]:
            continue
        for node, left_m in ((links.start[goal], rest_m), (links.stop[goal], links.edge_m[goal] - rest_m)):
            if node == here and here_m + left_m + ends.snap_m[1] < best:
                best, last = here_m + left_m + ends.snap_m[1], here
        for link in range(first[here], first[here + 1]):
            there_m, there = here_m + links_m[link], links_node[link]
            if there_m < node_m[there]:
                node_m[there], before[there] = there_m, here
                size = push(heap_m, heap, size, there_m, there)
    if last < 0:
        return best, np.empty(0, dtype=np.int64)
    way = [last]
    while before[way[-1]] >= 0:
        way.append(before[way[-1]])
    return best, np.array(way[::-1], dtype=np.int64)
