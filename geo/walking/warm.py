"""Compile the walking kernels ahead of time: `python -m geo.walking.warm` leaves them on disk for later processes."""

import geopandas as gpd
import numpy as np
import shapely

from geo.walking import build_network, nearest_facility, pairs_within, walk_route


def warm() -> None:
    """Walk a drawn town with a crossing, a bridge, a gap and a gate, so that every kernel is compiled."""
    lines = [[(0, 0), (90, 0)], [(30, -40), (30, 40)], [(60, -40), (60, 40)], [(90.5, 0), (90.5, 80)]]
    streets = gpd.GeoDataFrame({"bridge": ["", "", "yes", ""]}, geometry=list(map(shapely.LineString, lines)), crs=4547)
    gates = gpd.GeoDataFrame({"access": ["no"]}, geometry=[shapely.Point(30, 30)], crs=4547)
    graph = build_network(streets, gates=gates).graph
    places = np.array([(0.0, 5.0), (30.0, -40.0), (90.5, 80.0)])
    nearest_facility(graph, places, places[1:])
    pairs_within(graph, places, places[1:], radius_m=200)
    walk_route(graph, places[0], places[2])


if __name__ == "__main__":
    warm()
