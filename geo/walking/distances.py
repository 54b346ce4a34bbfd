"""Walking distances: every unit to its nearest facility, and all pairs within a radius."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from geo.arrays import BoolArray, FloatArray, IntArray, as_points
from geo.errors import InvalidInputError
from geo.walking.graph import SNAP_LIMIT_M, Snap, WalkingGraph, _add_edges, _split_edges, snap_points


class WalkReason(StrEnum):
    """Why a walking distance is what it is."""

    OK = "ok"
    UNIT_WITHOUT_PLACE = "unit_without_place"
    UNIT_NOT_SNAPPED = "unit_not_snapped"
    NO_FACILITY_REACHABLE = "no_facility_reachable"


@dataclass(frozen=True)
class NearestFacility:
    """The walk from every unit to its nearest facility.

    Attributes
    ----------
    distance_m
        Shape (n_unit,), walking metres with both snap distances; NaN = unknown.
    straight_m
        Shape (n_unit,), straight metres to the facility nearest in a straight line, which may be another one and need
        not be snapped; NaN for a unit without a place, inf when there is no facility. Never above `distance_m`.
    facility
        Shape (n_unit,), index of the facility walked to; -1 where `distance_m` is unknown.
    reason
        Shape (n_unit,), values of `WalkReason`.
    facility_is_snapped
        Shape (n_facility,), which facilities are on the network at all.
    """

    distance_m: FloatArray
    straight_m: FloatArray
    facility: IntArray
    reason: npt.NDArray[np.str_]
    facility_is_snapped: BoolArray


@dataclass(frozen=True)
class Pairs:
    """The walks between demand points and sites that are no longer than a radius.

    Attributes
    ----------
    distance_m
        Shape (n_demand, n_site), sparse by rows, sorted columns: walking metres with both snap distances. A walk of
        0 m is stored as an explicit zero; what is not stored is longer than the radius, or unknown.
    demand, site
        Where both met the network. A pair is unknown, not far, when either end is not snapped (`is_snapped`) or
        the two lie on different pieces (`graph.piece_of(snap)`).
    """

    distance_m: csr_array
    demand: Snap
    site: Snap


def nearest_facility(
    graph: WalkingGraph, unit_xy: npt.ArrayLike, facility_xy: npt.ArrayLike, *, snap_limit_m: float = SNAP_LIMIT_M
) -> NearestFacility:
    """Walk every unit to its nearest facility.

    A walk is: unit, straight to the nearest point on an edge, along the edges, straight to the facility. A unit and a
    facility on the same edge are measured along it.

    Parameters
    ----------
    graph
        The network, see `build_walking_graph`.
    unit_xy, facility_xy
        Shapes (n_unit, 2) and (n_facility, 2), metres in the network's CRS; NaN = no place.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.

    Returns
    -------
    nearest
        See `NearestFacility`. Equal walks go to any one of the facilities, always the same for the same input.

    Raises
    ------
    InvalidInputError
        If a shape is wrong or the limit is not above 0.

    Notes
    -----
    One multi-source Dijkstra from all facilities (SciPy, `min_only`): O((V + E) log V) whatever their number.
    """
    if not snap_limit_m > 0:
        raise InvalidInputError(f"the snap limit is {snap_limit_m} m; it must be above 0")
    units, facilities = as_points(unit_xy), as_points(facility_xy)
    unit_snap = snap_points(graph, units, limit_m=snap_limit_m)
    facility_snap = snap_points(graph, facilities, limit_m=snap_limit_m)
    distance_m, facility = _search(graph, unit_snap, facility_snap)
    straight_m = straight_distance(units, facilities)
    distance_m = np.maximum(distance_m, straight_m)  # only rounding can have it shorter
    reachable = np.isfinite(distance_m)
    has_place = np.isfinite(units).all(axis=1)
    reason = np.select(
        [~has_place, ~unit_snap.is_snapped, ~reachable],
        [WalkReason.UNIT_WITHOUT_PLACE, WalkReason.UNIT_NOT_SNAPPED, WalkReason.NO_FACILITY_REACHABLE],
        WalkReason.OK,
    )
    return NearestFacility(
        distance_m=np.where(reachable, distance_m, np.nan),
        straight_m=straight_m,
        facility=np.where(reachable, facility, -1),
        reason=reason,
        facility_is_snapped=facility_snap.is_snapped,
    )


def pairs_within(
    graph: WalkingGraph,
    demand_xy: npt.ArrayLike,
    site_xy: npt.ArrayLike,
    *,
    radius_m: float,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> Pairs:
    """Measure the walk of every pair of a demand point and a site that is at most `radius_m` long.

    Parameters
    ----------
    graph
        The network, see `build_walking_graph`.
    demand_xy, site_xy
        Shapes (n_demand, 2) and (n_site, 2), metres in the network's CRS; NaN = no place.
    radius_m
        Longest walk to tell of, metres, > 0; a walk equal to it is told. `math.inf` tells of all.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.

    Raises
    ------
    InvalidInputError
        If a shape is wrong, or the radius or the limit is not above 0.
    """
    if not (radius_m > 0 and snap_limit_m > 0):
        raise InvalidInputError(f"the radius is {radius_m} m and the snap limit {snap_limit_m} m; both must be above 0")
    demand = snap_points(graph, demand_xy, limit_m=snap_limit_m)
    site = snap_points(graph, site_xy, limit_m=snap_limit_m)
    row, column, distance_m = [], [], []
    for number in np.flatnonzero(site.is_snapped):
        one = Snap(site.edge[[number]], site.along_m[[number]], site.distance_m[[number]])
        metres, _ = _search(graph, demand, one)
        near = np.flatnonzero(metres <= radius_m)
        row.append(near)
        column.append(np.full(len(near), number))
        distance_m.append(metres[near])
    shape = (len(demand.edge), len(site.edge))
    if not row:
        return Pairs(csr_array(shape, dtype=np.float64), demand, site)
    ends = (np.concatenate(row), np.concatenate(column))
    return Pairs(coo_array((np.concatenate(distance_m), ends), shape=shape).tocsr(), demand, site)


def straight_distance(xy: FloatArray, targets: FloatArray) -> FloatArray:
    """Straight metres from each point to its nearest target: NaN for a point without a place, inf without targets."""
    distance_m = np.full(len(xy), np.nan)
    placed = np.isfinite(xy).all(axis=1)
    targets = targets[np.isfinite(targets).all(axis=1)]
    distance_m[placed] = KDTree(targets).query(xy[placed])[0] if len(targets) else np.inf
    return distance_m


def _search(graph: WalkingGraph, units: Snap, facilities: Snap) -> tuple[FloatArray, IntArray]:
    """Give every unit's walking metres (inf or NaN = none) and the index of its facility."""
    snapped = np.flatnonzero(facilities.is_snapped)
    if len(snapped) == 0:
        return np.full(len(units.edge), np.inf), np.full(len(units.edge), -1, dtype=np.int64)
    snapped = snapped[np.lexsort((facilities.along_m[snapped], facilities.edge[snapped]))]
    edge, along_m = facilities.edge[snapped], facilities.along_m[snapped]
    foot = len(graph.node_xy) + np.arange(len(snapped))
    door = foot + len(snapped)
    full = _add_edges(_split_edges(graph, edge, along_m), foot, door, facilities.distance_m[snapped])
    node_m, _, source = dijkstra(
        _matrix(full, int(door[-1]) + 1), directed=True, indices=door, min_only=True, return_predecessors=True
    )
    before, after = _neighbours(graph, units, edge, along_m)
    ways_m = np.stack([node_m[node] + gap_m for node, gap_m in (before, after)])
    is_after = ways_m[1] < ways_m[0]
    node = np.where(is_after, after[0], before[0])
    reached = np.maximum(source[node] - door[0], 0)
    return units.distance_m + ways_m.min(axis=0), snapped[reached]


def _neighbours(
    graph: WalkingGraph, units: Snap, edge: IntArray, along_m: FloatArray
) -> tuple[tuple[IntArray, FloatArray], tuple[IntArray, FloatArray]]:
    """Find the nodes before and after each unit on its edge once facilities split it, with the metres to them."""
    length_m = np.maximum(graph.edge_length_m, np.finfo(float).tiny)
    place = edge * 2.0 + along_m / length_m[edge]
    next_at = np.searchsorted(place, units.edge * 2.0 + units.along_m / length_m[units.edge], side="right")
    foot = len(graph.node_xy)
    padded_edge = np.concatenate([[-2], edge, [-2]])
    padded_m = np.concatenate([[0.0], along_m, [0.0]])
    has_before = padded_edge[next_at] == units.edge
    has_after = padded_edge[next_at + 1] == units.edge
    before = np.where(has_before, foot + next_at - 1, graph.edge_from[units.edge])
    after = np.where(has_after, foot + next_at, graph.edge_to[units.edge])
    before_m = np.where(has_before, padded_m[next_at], 0.0)
    after_m = np.where(has_after, padded_m[next_at + 1], graph.edge_length_m[units.edge])
    return (before, np.abs(units.along_m - before_m)), (after, np.abs(after_m - units.along_m))


def _matrix(graph: WalkingGraph, size: int) -> csr_array:
    """Make SciPy's adjacency matrix, both ways, the shortest of parallel edges; zero lengths are stored."""
    low = np.minimum(graph.edge_from, graph.edge_to)
    high = np.maximum(graph.edge_from, graph.edge_to)
    order = np.lexsort((graph.edge_length_m, high, low))
    low, high, length_m = low[order], high[order], graph.edge_length_m[order]
    is_first = np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])])
    low, high, length_m = low[is_first], high[is_first], length_m[is_first]
    ends = (np.concatenate([low, high]), np.concatenate([high, low]))
    return csr_array((np.tile(length_m, 2), ends), shape=(size, size))
