"""Walking distances: every unit to its nearest facility, and all pairs within a radius."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array
from scipy.spatial import KDTree

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.compiled import in_threads
from geo.errors import InvalidInputError
from geo.walking.graph import SNAP_LIMIT_M, Snap, WalkingGraph, snap_points
from geo.walking.search import finish, gather, spread

_SITES_A_THREAD = 16


class WalkReason(StrEnum):
    """Why a walking distance is what it is."""

    OK = "ok"
    UNIT_WITHOUT_PLACE = "unit_without_place"
    UNIT_NOT_SNAPPED = "unit_not_snapped"
    NO_FACILITY_REACHABLE = "no_facility_reachable"
    FACILITY_NOT_SNAPPED = "facility_not_snapped"
    """Of one pair only: `walk_route` knows which facility is meant."""


_REASONS = np.array(
    [WalkReason.OK, WalkReason.NO_FACILITY_REACHABLE, WalkReason.UNIT_NOT_SNAPPED, WalkReason.UNIT_WITHOUT_PLACE],
    dtype=np.str_,
)


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
        Shape (n_unit,), values of `WalkReason`. "No facility reachable" means that none is on the unit's piece of the
        network.
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
        Shape (n_demand, n_site), sparse by rows, columns ascending: walking metres with both snap distances. A walk of
        0 m is stored as an explicit zero (never call `eliminate_zeros`); what is not stored is longer than the radius,
        or unknown.
    demand, site
        Where both met the network.
    """

    distance_m: csr_array
    demand: Snap
    site: Snap

    def is_known(self, demand: npt.ArrayLike, site: npt.ArrayLike) -> BoolArray:
        """Tell whether there is a way at all between demand points and sites, given by index.

        A known pair that is not stored is longer than the radius; an unknown one has an end that is not snapped, or
        its ends lie on different pieces of the network.
        """
        piece = self.demand.piece[np.asarray(demand)]
        known: BoolArray = (piece >= 0) & (piece == self.site.piece[np.asarray(site)])
        return known


def nearest_facility(
    graph: WalkingGraph,
    unit_xy: npt.ArrayLike | Snap,
    facility_xy: npt.ArrayLike | Snap,
    *,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> NearestFacility:
    """Walk every unit to its nearest facility.

    A walk is: unit, straight to the nearest point on an edge, along the edges, straight to the facility. A unit and a
    facility on the same edge are measured along it.

    Parameters
    ----------
    graph
        The network, see `build_network` and `build_walking_graph`.
    unit_xy, facility_xy
        Shapes (n_unit, 2) and (n_facility, 2), metres in the network's CRS; NaN = no place. Or what `snap_points` gave
        for them.
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
    One Dijkstra search from all facilities at once: O((V + E) log V) whatever their number. Facilities do not cut the
    edges they stand on; see `geo.walking.search`.
    """
    units = snap_points(graph, unit_xy, limit_m=snap_limit_m)
    facilities = snap_points(graph, facility_xy, limit_m=snap_limit_m)
    distance_m, facility = _walk(graph, units, facilities)
    straight_m = straight_distance(units.xy, facilities.xy)
    distance_m = np.maximum(distance_m, straight_m)  # only rounding can have it shorter
    reachable = facility >= 0
    known = np.where(reachable, 0, np.where(units.is_snapped, 1, np.where(units.has_place, 2, 3)))
    return NearestFacility(
        distance_m=np.where(reachable, distance_m, np.nan),
        straight_m=straight_m,
        facility=facility,
        reason=_REASONS[known],
        facility_is_snapped=facilities.is_snapped,
    )


def nearest_of_kinds(
    graph: WalkingGraph,
    unit_xy: npt.ArrayLike | Snap,
    facilities: Mapping[str, npt.ArrayLike],
    *,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> dict[str, NearestFacility]:
    """Walk every unit to its nearest facility of each kind; the units are snapped once.

    Parameters
    ----------
    graph, unit_xy, snap_limit_m
        See `nearest_facility`.
    facilities
        For each kind its points, shape (n, 2); `facility` of the answer counts within the kind.
    """
    units = snap_points(graph, unit_xy, limit_m=snap_limit_m)
    return {
        kind: nearest_facility(graph, units, facility_xy, snap_limit_m=snap_limit_m)
        for kind, facility_xy in facilities.items()
    }


def pairs_within(
    graph: WalkingGraph,
    demand_xy: npt.ArrayLike | Snap,
    site_xy: npt.ArrayLike | Snap,
    *,
    radius_m: float,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> Pairs:
    """Measure the walk of every pair of a demand point and a site that is at most `radius_m` long.

    Parameters
    ----------
    graph
        The network, see `build_network` and `build_walking_graph`.
    demand_xy, site_xy
        Shapes (n_demand, 2) and (n_site, 2), metres in the network's CRS; NaN = no place. Or what `snap_points` gave
        for them.
    radius_m
        Longest walk to tell of, metres, > 0; a walk equal to it (to a micrometre) is told. `math.inf` tells of all.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.

    Raises
    ------
    InvalidInputError
        If a shape is wrong, or the radius or the limit is not above 0.

    Notes
    -----
    One Dijkstra search around each site, no farther than the radius; 12 bytes a pair. Walks are symmetric: give the
    side with fewer points as the sites.
    """
    if not radius_m > 0:
        raise InvalidInputError(f"the radius is {radius_m} m; it must be above 0")
    demand = snap_points(graph, demand_xy, limit_m=snap_limit_m)
    site = snap_points(graph, site_xy, limit_m=snap_limit_m)
    links, demand_places, site_places = graph.links, demand.places(graph), site.places(graph)

    def work(first: int, stop: int) -> tuple[IntArray, npt.NDArray[np.int32], FloatArray]:
        return gather(links, demand_places, site_places, radius_m, (first, stop))

    parts = list(in_threads(work, len(site.edge), least=_SITES_A_THREAD))
    first = np.concatenate([[0], *(part[0] for part in parts)]).cumsum()
    row, distance_m = np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts])
    shape = (len(demand.edge), len(site.edge))
    return Pairs(csc_array((distance_m, row, first), shape=shape).tocsr(), demand, site)


def straight_distance(xy: FloatArray, targets: FloatArray) -> FloatArray:
    """Straight metres from each point to its nearest target: NaN for a point without a place, inf without targets."""
    distance_m = np.full(len(xy), np.nan)
    placed = np.isfinite(xy).all(axis=1)
    targets = targets[np.isfinite(targets).all(axis=1)]
    distance_m[placed] = KDTree(targets).query(xy[placed], workers=-1)[0] if len(targets) else np.inf
    return distance_m


def _walk(graph: WalkingGraph, units: Snap, facilities: Snap) -> tuple[FloatArray, IntArray]:
    """Give every unit's walking metres (inf = none) and the index of its facility (-1 = none)."""
    links, unit_places, facility_places = graph.links, units.places(graph, in_order=False), facilities.places(graph)
    reached = spread(links, facility_places)

    def work(first: int, stop: int) -> tuple[FloatArray, IntArray]:
        return finish(links, reached, unit_places, facility_places, (first, stop))

    parts = list(in_threads(work, len(units.edge)))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
