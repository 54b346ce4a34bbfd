"""The walking network of a street layer in any CRS: its graph, the places of other layers on it, and its faults."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from geo.arrays import FloatArray
from geo.errors import InvalidInputError
from geo.projection import metric_crs
from geo.walking.build import CLOSE_GAPS_M, REPORT_GAPS_M, Gaps, build
from geo.walking.graph import WalkingGraph
from geo.walking.ways import closed_gates, standing, walkable_streets

FAR_M = 10_000.0
"""When every place is farther than this from every street, one of the two is in the wrong CRS."""
_LIKE_DEGREES = 360.0
_SHORT_M = 1.0


@dataclass(frozen=True)
class NetworkReport:
    """What was found while a network was built.

    Attributes
    ----------
    streets, streets_walked
        Lines in all, and those that may be walked.
    nodes, edges
        Size of the graph.
    piece_length_m
        Metres of street in each connected piece, the longest first. Between pieces there is no way.
    crossing_xy
        Shape (n, 2), the nodes where lines cross on the ground without sharing a vertex, metres in the network's CRS.
    gates_closed, gates_off_street
        Closed gates that cut a street, and those that stand at none.
    gaps
        Where a street ends near another one without meeting it.
    """

    streets: int
    streets_walked: int
    nodes: int
    edges: int
    piece_length_m: FloatArray
    crossing_xy: FloatArray
    gates_closed: int
    gates_off_street: int
    gaps: Gaps

    @property
    def crossings_made(self) -> int:
        """How many nodes were made where lines cross without sharing a vertex."""
        return len(self.crossing_xy)

    @property
    def pieces(self) -> int:
        """How many pieces the network is in."""
        return len(self.piece_length_m)

    @property
    def length_m(self) -> float:
        """Metres of street that may be walked."""
        return float(self.piece_length_m.sum())

    @property
    def main_ratio(self) -> float:
        """Share of all metres that the longest piece has, 0-1."""
        return float(self.piece_length_m[0]) / self.length_m


@dataclass(frozen=True)
class Network:
    """A walking graph, the CRS it is measured in, and its report."""

    graph: WalkingGraph
    crs: CRS
    report: NetworkReport

    def places(self, frame: gpd.GeoDataFrame, name: str = "places") -> FloatArray:
        """Give the places of a layer in the network's CRS: a point inside each geometry, its entrance if it is a point.

        Parameters
        ----------
        frame
            Points, lines or polygons, any CRS.
        name
            What messages call them.

        Returns
        -------
        xy
            Shape (n, 2), metres; NaN for no geometry, an empty one, or one that is nowhere in this CRS.

        Raises
        ------
        InvalidInputError
            If the frame has no CRS, or all its places are farther than 10 km from all the streets.
        """
        if frame.crs is None:
            raise InvalidInputError(f"the {name} have no coordinate reference system")
        inside = shapely.point_on_surface(frame.geometry.to_crs(self.crs).to_numpy())
        xy: FloatArray = np.column_stack([shapely.get_x(inside), shapely.get_y(inside)])
        xy[~np.isfinite(xy).all(axis=1)] = np.nan
        self._check_near(xy, name)
        return xy

    def _check_near(self, xy: FloatArray, name: str) -> None:
        """Refuse places that are all far from the streets' surroundings."""
        placed = xy[np.isfinite(xy).all(axis=1)]
        low_xy, high_xy = self.graph.node_xy.min(axis=0), self.graph.node_xy.max(axis=0)
        away_m = np.hypot(*np.maximum(np.maximum(low_xy - placed, placed - high_xy), 0).T)
        if len(placed) and away_m.min() > FAR_M:
            raise InvalidInputError(
                f"the {name} are {away_m.min() / 1000:,.0f} km or more from all streets (at most {FAR_M / 1000:g} km); "
                "one of the two files is of another place or in the wrong coordinate reference system"
            )


def build_network(
    streets: gpd.GeoDataFrame,
    *,
    gates: gpd.GeoDataFrame | None = None,
    close_gaps_m: float = CLOSE_GAPS_M,
    report_gaps_m: float | None = None,
) -> Network:
    """Make the walking network of a street layer.

    Parameters
    ----------
    streets
        Lines, any CRS, with whatever columns they have; `geo.walking.ways` says which are read.
    gates
        Points on the streets, any CRS; those that `geo.walking.ways.closed_gates` calls closed cut them.
    close_gaps_m
        Longest gap between a street's end and another street that is stepped over, metres, >= 0.
    report_gaps_m
        Longest gap that the report tells of; None is 10 m, or `close_gaps_m` if that is more.

    Raises
    ------
    InvalidInputError
        If a frame has no CRS, no street can be walked, one that can is no line, or the coordinates do not fit the CRS.
    """
    for name, frame in (("streets", streets), ("gates", gates)):
        if frame is not None and frame.crs is None:
            raise InvalidInputError(f"the {name} have no coordinate reference system")
    is_walked = walkable_streets(streets)
    walked = streets[is_walked]
    if walked.empty:
        raise InvalidInputError(f"none of the {len(streets)} street lines may be walked")
    crs = metric_crs(walked)
    _check_metres(walked)
    gates_xy = np.empty((0, 2))
    if gates is not None:
        gates_xy = _points(gates[closed_gates(gates)].geometry.to_crs(crs))
    lines = np.where(is_walked, streets.geometry.to_crs(crs).to_numpy(), None)  # rows keep their numbers
    built = build(
        lines,
        standing=standing(streets),
        closed_gates_xy=gates_xy,
        close_gaps_m=close_gaps_m,
        report_gaps_m=max(REPORT_GAPS_M, close_gaps_m) if report_gaps_m is None else report_gaps_m,
    )
    graph = built.graph
    report = NetworkReport(
        streets=len(streets),
        streets_walked=int(is_walked.sum()),
        nodes=len(graph.node_xy),
        edges=len(graph.edge_from),
        piece_length_m=graph.piece_length_m,
        crossing_xy=built.crossing_xy,
        gates_closed=int(built.gate_is_at_street.sum()),
        gates_off_street=int((~built.gate_is_at_street).sum()),
        gaps=built.gaps,
    )
    return Network(graph, crs, report)


def _points(geometry: gpd.GeoSeries) -> FloatArray:
    """Take one point of each geometry."""
    inside = shapely.point_on_surface(geometry.to_numpy())
    return np.column_stack([shapely.get_x(inside), shapely.get_y(inside)])


def _check_metres(streets: gpd.GeoDataFrame) -> None:
    """Refuse degrees that are labelled as metres: then a whole street is shorter than a step."""
    bounds = streets.geometry.total_bounds
    if not (streets.crs.is_projected and np.isfinite(bounds).all() and np.abs(bounds).max() <= _LIKE_DEGREES):
        return
    longest_m = float(streets.geometry.length.max())
    if 0 < longest_m < _SHORT_M:
        raise InvalidInputError(
            f"no street is longer than {longest_m:.2g} m in {streets.crs.name}; the coordinates look like degrees, so "
            "the coordinate reference system is wrong"
        )
