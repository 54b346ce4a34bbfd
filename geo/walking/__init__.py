"""Walking on the street network: the graph, snapping, distances, routes.

- `build_network(streets, gates=...) -> Network`: from a street layer of any CRS, by its columns; `network.graph`,
  `network.crs`, `network.places(frame)` and `network.report` (pieces, crossings, gaps, gates).
- `build_walking_graph(lines) -> WalkingGraph`: from lines in metres that may all be walked.
- `snap_points(graph, xy) -> Snap`: the nearest point along an edge.
- `nearest_facility(graph, unit_xy, facility_xy) -> NearestFacility`, `nearest_of_kinds`: every unit to its nearest.
- `pairs_within(graph, demand_xy, site_xy, radius_m=...) -> Pairs`: sparse matrix demand x site, metres.
- `walk_route(graph, unit_xy, facility_xy) -> Route`: the line that is walked.
- `Pace`, `ADULT`, `ELDER`: minutes from metres.

Coordinates are metres in the network's CRS unless a function takes a GeoDataFrame.
"""

from geo.pace import ADULT, ELDER, Pace
from geo.walking.build import CLOSE_GAPS_M, REPORT_GAPS_M, Gaps, build_walking_graph
from geo.walking.distances import (
    NearestFacility,
    Pairs,
    WalkReason,
    nearest_facility,
    nearest_of_kinds,
    pairs_within,
    straight_distance,
)
from geo.walking.graph import SNAP_LIMIT_M, Snap, WalkingGraph, snap_points
from geo.walking.network import Network, NetworkReport, build_network
from geo.walking.route import Route, walk_route
from geo.walking.ways import closed_gates, walkable_streets

__all__ = [
    "ADULT",
    "CLOSE_GAPS_M",
    "ELDER",
    "REPORT_GAPS_M",
    "SNAP_LIMIT_M",
    "Gaps",
    "NearestFacility",
    "Network",
    "NetworkReport",
    "Pace",
    "Pairs",
    "Route",
    "Snap",
    "WalkReason",
    "WalkingGraph",
    "build_network",
    "build_walking_graph",
    "closed_gates",
    "nearest_facility",
    "nearest_of_kinds",
    "pairs_within",
    "snap_points",
    "straight_distance",
    "walk_route",
    "walkable_streets",
]
