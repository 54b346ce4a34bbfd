"""Walking distances of the public map: on the server from public places, on the device from where one stands."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from pyproj import Transformer
from sqlalchemy import Connection

from data.planning import read_roads
from data.publicmap.places import Row
from geo.arrays import FloatArray
from geo.pace import Pace
from geo.walking import Network, Snap, build_network, pairs_within, snap_points, walkable_streets

WGS84 = "EPSG:4326"
MICRO = 1e6
CM = 100


@dataclass(frozen=True)
class Walks:
    """The streets of a district, and where its places meet them.

    Attributes
    ----------
    network
        None where no street is known.
    places
        Row of each place by `kind/code`.
    snap
        Where the places meet the streets.
    """

    network: Network | None
    places: Mapping[str, int]
    snap: Snap | None

    def metres_from(self, lon: float, lat: float) -> dict[str, float]:
        """Measure the walks from a point to all places; one to which no way is known is left out."""
        if self.network is None or self.snap is None:
            return {}
        origin = self.network.places(_points([lon], [lat]), "origin")
        found = pairs_within(self.network.graph, self.snap, origin, radius_m=math.inf)
        known = found.is_known(np.arange(len(self.places)), 0)
        metres = found.distance_m.toarray()[:, 0]
        return {key: float(metres[row]) for key, row in self.places.items() if known[row]}

    def answer(self, paces: Mapping[str, Pace], *, snap_limit_m: float) -> dict[str, Any]:
        """Code the streets for the device, so that it can search them without telling anybody where it is.

        Returns
        -------
        nodes
            Longitude and latitude of each node in 1e-6 degrees, as differences from the node before.
        edges
            For each edge in the order of its start: the difference of its start from that of the edge before, and how
            far its other end lies from its start in the list of nodes.
        lengths_cm
            Of each edge.
        places
            By `kind/code`: edge, centimetres along it from its start, centimetres from it. What is off the streets is
            not there.
        snap_limit_m
            Farthest that a point may be from a street.
        pace
            Metres a minute of adults and elders, and where these are from.
        """
        coded: dict[str, Any] = {"nodes": [], "edges": [], "lengths_cm": [], "places": {}}
        if self.network is not None and self.snap is not None:
            coded = _code(self.network, self.snap, self.places)
        adult, elder = paces["adult"], paces["elder"]
        return {
            **coded,
            "snap_limit_m": snap_limit_m,
            "pace": {
                "adult_m_per_min": adult.metres_a_minute,
                "elder_m_per_min": elder.metres_a_minute,
                "source": f"adult: {adult.source}; elder: {elder.source}",
            },
        }


def read_walks(connection: Connection, path: str, places: Sequence[Row], *, snap_limit_m: float) -> Walks:
    """Build the streets of a district and let its places meet them.

    Parameters
    ----------
    path
        Of the district.
    places
        With `kind`, `code`, `lon` and `lat`.
    snap_limit_m
        Farthest that a place may be from a street, metres.
    """
    by_key = {f"{one['kind']}/{one['code']}": row for row, one in enumerate(places)}
    roads = read_roads(connection, path)
    if roads.empty or not places or not walkable_streets(roads).any():
        return Walks(None, by_key, None)
    network = build_network(roads)
    points = _points([one["lon"] for one in places], [one["lat"] for one in places])
    return Walks(network, by_key, snap_points(network.graph, network.places(points), limit_m=snap_limit_m))


def _points(lon: Sequence[float], lat: Sequence[float]) -> gpd.GeoDataFrame:
    """Make points of degrees."""
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=WGS84)


def _code(network: Network, snap: Snap, places: Mapping[str, int]) -> dict[str, Any]:
    """Write nodes, edges and places as small whole numbers."""
    graph = network.graph
    order = np.lexsort((graph.edge_to, graph.edge_from))
    place_of = np.empty_like(order)
    place_of[order] = np.arange(len(order))
    start, stop = graph.edge_from[order], graph.edge_to[order]
    lon, lat = Transformer.from_crs(network.crs, WGS84, always_xy=True).transform(*graph.node_xy.T)
    degrees = np.rint(np.column_stack([lon, lat]) * MICRO).astype(np.int64)
    edges = np.column_stack([np.diff(start, prepend=0), stop - start])
    return {
        "nodes": np.diff(degrees, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel().tolist(),
        "edges": edges.ravel().tolist(),
        "lengths_cm": _centimetres(graph.edge_length_m[order]),
        "places": {
            key: [int(place_of[snap.edge[row]]), *_centimetres(np.array([snap.along_m[row], snap.distance_m[row]]))]
            for key, row in places.items()
            if snap.edge[row] >= 0
        },
    }


def _centimetres(metres: FloatArray) -> list[int]:
    """Round metres to whole centimetres."""
    found: list[int] = np.rint(metres * CM).astype(np.int64).tolist()
    return found
