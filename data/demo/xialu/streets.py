"""Streets by cutting: the main roads make superblocks, each is cut in two until blocks have their zone's size.

The result is one planar graph: faces (blocks with half of the streets around them, and pieces of hillside) tile the
outline without gap or overlap, and roads meet only at shared vertices.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import Voronoi
from shapely.geometry import LineString, Point, Polygon
from shapely.ops import split

from data.demo.xialu.names import street_names
from data.demo.xialu.roads import EXPRESSWAY, lay_roads
from data.demo.xialu.terrain import CRS_M, Array, Terrain

GRID_M = 0.05  # every vertex of the plan lies on this lattice, so that neighbours share their vertices
COLLECTOR_ABOVE_M2 = 150_000.0
JOIN_WITHIN_M = 42.0
HILL_CELL_M = 330.0


@dataclass(frozen=True)
class Network:
    """The street plan in metres: `roads` (edges between junctions) and `faces` (polygons that tile the outline)."""

    roads: gpd.GeoDataFrame
    faces: gpd.GeoDataFrame


def target_area_m2(terrain: Terrain, face: Polygon) -> float:
    """Give the block size wanted at a place: small in the old town, large by the works and at the rim."""
    place = face.representative_point()
    zone = zone_of(terrain, place)
    area_m2 = {"old": 24_000.0, "works": 34_000.0, "new": 43_000.0, "west": 40_000.0, "park": 80_000.0}[zone]
    if shapely.distance(terrain.rail, place) < 260:
        area_m2 *= 1.5
    if shapely.distance(terrain.built_up.exterior, place) < 260:
        area_m2 *= 1.5
    return area_m2


def zone_of(terrain: Terrain, place: Point) -> str:
    """Name the part of the city a point lies in: old, works, new, west or park (the industrial park)."""
    if _east_of(terrain, "团结路", place) > 0:
        return "new"
    if _east_of(terrain, "胜利路", place) > 0:
        return "works"
    if _north_of(terrain, "青铜大道", place) < 0 and place.y < terrain.roads["青铜大道"][1].coords[0][1] + 260:
        return "park"
    return "old" if _east_of(terrain, "长岭路", place) > 0 else "west"


def _east_of(terrain: Terrain, road: str, place: Point) -> float:
    """Metres a point lies east of a north-south road (continued straight beyond its ends)."""
    line = np.array(terrain.roads[road][1].coords)
    return float(place.x - np.interp(place.y, line[:, 1], line[:, 0]))


def _north_of(terrain: Terrain, road: str, place: Point) -> float:
    """Metres a point lies north of a west-east road."""
    line = np.array(terrain.roads[road][1].coords)
    return float(place.y - np.interp(place.x, line[:, 0], line[:, 1]))


def build_network(rng: np.random.Generator, terrain: Terrain) -> Network:
    """Draw all streets and give the planar graph they make."""
    skeleton = [line for _, line in terrain.roads.values()]
    bounds = [terrain.built_up.exterior, terrain.rail, terrain.river]
    noded = shapely.union_all([*skeleton, *bounds], grid_size=GRID_M)
    superblocks = [
        face
        for face in shapely.get_parts(shapely.polygonize([noded]))
        if terrain.built_up.contains(face.representative_point())
    ]
    cutter = _Cutter(rng, terrain)
    for face in superblocks:
        cutter.cut(face)
    return _assemble(rng, terrain, cutter.lines)


class _Cutter:
    """Cuts faces in two along new streets and remembers the streets and where they end."""

    def __init__(self, rng: np.random.Generator, terrain: Terrain) -> None:
        self.rng, self.terrain = rng, terrain
        self.lines: list[tuple[str, LineString]] = []
        self.ends: list[tuple[float, float]] = []

    def cut(self, face: Polygon) -> None:
        """Cut a face until its pieces have the size wanted there."""
        if face.area < target_area_m2(self.terrain, face) * self.rng.uniform(0.85, 1.6):
            return
        for _ in range(4):
            street = self._propose(face)
            if street is None:
                continue
            pieces = list(split(face, _lengthened(street)).geoms)
            if len(pieces) == 2 and min(piece.area for piece in pieces) > 0.28 * face.area:
                kind = "collector" if face.area > COLLECTOR_ABOVE_M2 else "local"
                self.lines.append((kind, street))
                self.ends += [street.coords[0], street.coords[-1]]
                for piece in pieces:
                    self.cut(piece)
                return

    def _propose(self, face: Polygon) -> LineString | None:
        """Draw one street across the face, at a right angle to its long side, a little bent."""
        corners = np.array(shapely.minimum_rotated_rectangle(face).exterior.coords)
        sides = np.diff(corners[:3], axis=0)
        lengths = np.hypot(*sides.T)
        long = int(lengths[1] > lengths[0])
        along = sides[long] / lengths[long]
        angle = self.rng.normal(0.0, 0.05)
        across = np.array([-along[1] * np.cos(angle) - along[0] * np.sin(angle), 0.0])
        across[1] = along[0] * np.cos(angle) - along[1] * np.sin(angle)
        centre = corners[0] + sides[1 - long] / 2 + sides[long] / 2
        middle = centre + along * lengths[long] * self.rng.uniform(-0.13, 0.13)
        reach = lengths[1 - long] + 50.0
        chord = LineString([middle - across * reach, middle + across * reach]).intersection(face)
        if chord.geom_type != "LineString" or chord.length < 40:
            return None
        first, last = (self._join(face, np.array(end)) for end in (chord.coords[0], chord.coords[-1]))
        return self._bend(face, first, last)

    def _join(self, face: Polygon, end: Array) -> Array:
        """Move a street's end onto a junction near it, so that streets go on across one another."""
        if not self.ends:
            return end
        ends = np.array(self.ends)
        distance_m = np.hypot(*(ends - end).T)
        nearest = int(distance_m.argmin())
        on_face = shapely.distance(face.exterior, Point(ends[nearest])) < 1e-6
        return np.asarray(ends[nearest]) if distance_m[nearest] < JOIN_WITHIN_M and on_face else end

    def _bend(self, face: Polygon, first: Array, last: Array) -> LineString | None:
        """Join two points of the border by a slightly bent street that stays inside the face."""
        chord = last - first
        length_m = float(np.hypot(*chord))
        if length_m < 40:
            return None
        normal = np.array([-chord[1], chord[0]]) / length_m
        bow_m = self.rng.normal(0.0, 0.018) * length_m
        share = np.linspace(0.0, 1.0, max(2, round(length_m / 70)) + 1)[:, None]
        points = first + share * chord + np.sin(np.pi * share) * bow_m * normal
        points[0], points[-1] = first, last
        street = LineString(points)
        inner = LineString(
            [street.interpolate(2.0), street.interpolate(length_m / 2), street.interpolate(length_m - 2)]
        )
        return street if face.buffer(-0.5).contains(inner) else None


def _lengthened(street: LineString) -> LineString:
    """Reach 1 m over both ends, so that a cut is clean in floating point."""
    points = np.array(street.coords)
    for end, inner in ((0, 1), (-1, -2)):
        outward = points[end] - points[inner]
        points[end] += outward / np.hypot(*outward)
    return LineString(points)


def _hill_lines(rng: np.random.Generator, terrain: Terrain) -> list[LineString]:
    """Divide the empty hillside into cells, so that communities can share it out."""
    west, south, east, north = terrain.outline.bounds
    xs, ys = np.arange(west - 900, east + 901, HILL_CELL_M), np.arange(south - 900, north + 901, HILL_CELL_M)
    points = np.array([(x, y) for x in xs for y in ys]) + rng.uniform(-0.42, 0.42, (len(xs) * len(ys), 2)) * HILL_CELL_M
    diagram = Voronoi(points)
    edges = [LineString(diagram.vertices[pair]) for pair in diagram.ridge_vertices if min(pair) >= 0]
    hills = terrain.outline.difference(terrain.built_up)
    return [piece for piece in shapely.get_parts(shapely.intersection(edges, hills)) if piece.length > 0]


def _assemble(rng: np.random.Generator, terrain: Terrain, cuts: list[tuple[str, LineString]]) -> Network:
    """Node every line once, then read off the faces and the road edges."""
    names = street_names(rng, len(cuts))
    sources = [(name, kind, line) for name, (kind, line) in terrain.roads.items()]
    sources.append((EXPRESSWAY, "expressway", terrain.expressway))
    sources += [(name, kind, line) for name, (kind, line) in zip(names, cuts, strict=True)]
    borders = [terrain.outline.exterior, terrain.built_up.exterior, terrain.rail, terrain.river]
    lines = [line for _, _, line in sources] + borders + _hill_lines(rng, terrain)
    noded = shapely.union_all(lines, grid_size=GRID_M)
    outline = terrain.outline.buffer(1.0)
    polygons = [f for f in shapely.get_parts(shapely.polygonize([noded])) if outline.contains(f)]
    faces = gpd.GeoDataFrame(geometry=polygons, crs=CRS_M)
    inner = faces.representative_point()
    faces["is_built_up"] = inner.within(terrain.built_up)
    faces["zone"] = [zone_of(terrain, place) for place in inner]
    return Network(lay_roads(rng, terrain, sources, noded), faces)
