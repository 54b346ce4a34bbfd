"""Walking on the street network: the graph, snapping, distances, routes.

Interface (all coordinates are metres in one projected CRS unless a function takes a GeoDataFrame):

- `build_walking_graph(lines) -> WalkingGraph`: from lines alone.
- `snap_points(graph, xy) -> Snap`: nearest point along an edge.
- `nearest_facility(graph, unit_xy, facility_xy) -> NearestFacility`: every unit to its nearest facility.
- `pairs_within(graph, demand_xy, site_xy, radius_m=...) -> Pairs`: CSR matrix demand x site, metres.
- `straight_distance(xy, targets)`: for the straight line beside the walk.
- `Pace`, `ADULT`, `ELDER`: minutes from metres.

To come, with these names: `build_network(streets, gates=None, close_gaps_m=...) -> Network` (from frames of any CRS, by
their tags; `network.graph`, `network.crs`, `network.places(frame) -> xy`, `network.report`), `graph.piece_of(snap)`,
and `walk_route(graph, start_xy, stop_xy) -> Route` (`.line`, `.distance_m`, `.reason`).
"""

from geo.walking.distances import (
    NearestFacility,
    Pairs,
    WalkReason,
    nearest_facility,
    pairs_within,
    straight_distance,
)
from geo.walking.graph import JOIN_M, SNAP_LIMIT_M, Snap, WalkingGraph, build_walking_graph, snap_points
from geo.walking.pace import ADULT, ELDER, Pace
from geo.walking.ways import walkable_streets

__all__ = [
    "ADULT",
    "ELDER",
    "JOIN_M",
    "SNAP_LIMIT_M",
    "NearestFacility",
    "Pace",
    "Pairs",
    "Snap",
    "WalkReason",
    "WalkingGraph",
    "build_walking_graph",
    "nearest_facility",
    "pairs_within",
    "snap_points",
    "straight_distance",
    "walkable_streets",
]
