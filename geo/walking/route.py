"""The way itself: the line that is walked between two places."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import InvalidInputError
from geo.walking.distances import WalkReason
from geo.walking.graph import SNAP_LIMIT_M, Snap, WalkingGraph, snap_points
from geo.walking.search import trace


@dataclass(frozen=True)
class Route:
    """A walk from one place to another.

    Attributes
    ----------
    line
        From the unit straight to the street, along the streets, straight to the facility, in the graph's CRS; its
        length is `distance_m`. None where there is no known way.
    distance_m
        Walking metres with both snap distances; NaN = unknown.
    snap_m
        The straight metres at the unit and at the facility; NaN where not snapped.
    reason
        Why the distance is what it is; the unit is the start.
    """

    line: shapely.LineString | None
    distance_m: float
    snap_m: tuple[float, float]
    reason: WalkReason


def walk_route(
    graph: WalkingGraph,
    unit_xy: npt.ArrayLike,
    facility_xy: npt.ArrayLike,
    *,
    snap_limit_m: float = SNAP_LIMIT_M,
) -> Route:
    """Find the shortest walk from one unit to one facility.

    Parameters
    ----------
    graph
        The network, see `build_network` and `build_walking_graph`.
    unit_xy, facility_xy
        Shape (2,), metres in the network's CRS; NaN = no place.
    snap_limit_m
        Farthest a place may lie from the network, metres, > 0.

    Returns
    -------
    route
        See `Route`; its metres are those of `nearest_facility` and `pairs_within` for the same two places.

    Raises
    ------
    InvalidInputError
        If a place is not two numbers or the limit is not above 0.
    """
    given = [np.asarray(unit_xy, dtype=np.float64), np.asarray(facility_xy, dtype=np.float64)]
    if any(place.shape != (2,) for place in given):
        raise InvalidInputError(f"a route needs two points of two numbers, not {[place.shape for place in given]}")
    ends = snap_points(graph, np.stack(given), limit_m=snap_limit_m)
    snap_m = (float(ends.distance_m[0]), float(ends.distance_m[1]))
    reason = _reason(ends)
    if reason is not WalkReason.OK:
        return Route(None, np.nan, snap_m, reason)
    nodes = np.empty(0, dtype=np.int64)
    if ends.edge[0] != ends.edge[1]:
        _, nodes = trace(graph.links, ends.places(graph))
    foot_xy = ends.foot_xy(graph)
    xy = np.concatenate([ends.xy[:1], foot_xy[:1], graph.node_xy[nodes], foot_xy[1:], ends.xy[1:]])
    is_new = np.append(True, (np.diff(xy, axis=0) != 0).any(axis=1))
    line = shapely.LineString(xy[is_new] if is_new.sum() > 1 else xy[:2])
    return Route(line, float(line.length), snap_m, WalkReason.OK)


def _reason(ends: Snap) -> WalkReason:
    """Say why there is no way, or that there is one."""
    if not ends.has_place[0]:
        return WalkReason.UNIT_WITHOUT_PLACE
    if not ends.is_snapped[0]:
        return WalkReason.UNIT_NOT_SNAPPED
    if not ends.is_snapped[1]:
        return WalkReason.FACILITY_NOT_SNAPPED
    if ends.piece[0] != ends.piece[1]:
        return WalkReason.NO_FACILITY_REACHABLE
    return WalkReason.OK
