"""What each face of the street plan is used for: housing of some kind, works, schools, shops, green, or nothing yet."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry import Point, Polygon

from data.demo.xialu.roads import HALF_WIDTH_M
from data.demo.xialu.streets import Network
from data.demo.xialu.terrain import Array, Terrain

SMALLEST_BLOCK_M2 = 2_500.0
LARGEST_BLOCK_M2 = 120_000.0  # a larger one is a park
HOUSING = ("commodity", "old", "work_unit", "resettlement", "village", "single")
HOUSING_SHARE: dict[str, tuple[float, ...]] = {  # a zone's housing, in the order of HOUSING
    "new": (0.66, 0.10, 0.06, 0.14, 0.0, 0.04),
    "works": (0.24, 0.26, 0.36, 0.06, 0.0, 0.08),
    "old": (0.10, 0.34, 0.18, 0.04, 0.02, 0.32),
    "west": (0.16, 0.16, 0.08, 0.22, 0.24, 0.14),
    "park": (0.0, 0.0, 0.0, 0.55, 0.45, 0.0),
}
PUBLIC_USE = ("school", "office", "commerce", "hospital", "park")
PUBLIC_SHARE = (0.22, 0.24, 0.30, 0.03, 0.21)


@dataclass(frozen=True)
class Block:
    """One block: what can be built on (metres), where it lies, and what it is for."""

    face: int
    area: Polygon
    zone: str
    use: str
    appeal: float


def plan_blocks(rng: np.random.Generator, terrain: Terrain, network: Network) -> list[Block]:
    """Take the streets off each built-up face and give it a use."""
    faces = network.faces[network.faces.is_built_up]
    areas = _without_streets(terrain, network.roads, faces)
    swell = _Swell(rng)
    blocks = []
    for face, area, zone in zip(faces.index, areas, faces.zone, strict=True):
        place = area.representative_point() if not area.is_empty else faces.geometry[face].representative_point()
        appeal = _appeal(terrain, swell, place)
        if area.area < SMALLEST_BLOCK_M2 or area.area > LARGEST_BLOCK_M2:
            use = "park"
        else:
            use = _choose_use(rng, terrain, swell, zone, place)
        blocks.append(Block(int(face), area, zone, use, appeal))
    return blocks


def _without_streets(terrain: Terrain, roads: gpd.GeoDataFrame, faces: gpd.GeoDataFrame) -> list[Polygon]:
    """Cut road space, railway strip, river and a rim out of each face; the largest piece is the block."""
    space = list(shapely.buffer(roads.geometry.to_numpy(), roads.kind.map(HALF_WIDTH_M).to_numpy()))
    space += [terrain.rail_space.buffer(8), terrain.river_space.buffer(12), terrain.lake.buffer(25)]
    tree = shapely.STRtree(space)
    blocks = []
    for face in faces.geometry:
        taken = shapely.union_all([space[i] for i in sorted(tree.query(face, predicate="intersects"))])
        pieces = shapely.get_parts(face.difference(taken).buffer(-4).buffer(3).simplify(0.4))
        blocks.append(max(pieces, key=shapely.area) if len(pieces) else Polygon())
    return blocks


class _Swell:
    """A smooth random field over the city, about 0 +- 1, so that like uses lie together."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._wave = rng.uniform(0.0025, 0.0085, (10, 2)) * rng.choice([-1.0, 1.0], (10, 2))
        self._phase = rng.uniform(0.0, 2 * np.pi, 10)

    def at(self, place: Point, shift: float = 0.0) -> float:
        """Read the field at a place; `shift` gives an independent-looking second field."""
        xy: Array = np.array([place.x, place.y]) + shift
        return float(np.sin(self._wave @ xy + self._phase * (1 + shift)).sum() / np.sqrt(5.0))


def _appeal(terrain: Terrain, swell: _Swell, place: Point) -> float:
    """Say how early a place was built on: near main roads, far from the rim and the railway, by the lake."""
    main = min(line.distance(place) for kind, line in terrain.roads.values() if kind == "arterial")
    rim = terrain.built_up.exterior.distance(place)
    rail = terrain.rail.distance(place)
    lake = terrain.lake.distance(place)
    return float(
        0.55 * swell.at(place)
        - main / 700
        + min(rim, 700) / 500
        + min(rail, 350) / 500
        + 0.9 * max(0.0, 1 - lake / 900)
    )


def _choose_use(rng: np.random.Generator, terrain: Terrain, swell: _Swell, zone: str, place: Point) -> str:
    """Choose a use from the zone, the railway, the rim and chance."""
    rail = terrain.rail.distance(place)
    rim = terrain.built_up.exterior.distance(place)
    works = {"park": 0.3, "works": 0.12, "west": 0.12, "old": 0.05, "new": 0.03}[zone]
    works += 0.45 * (rail < 280) * (zone in {"works", "west"}) + 0.22 * (swell.at(place, 7.0) > 0.9)
    if rng.random() < works:
        return "industry"
    if rng.random() < (0.13 if zone != "park" else 0.05):
        return str(rng.choice(PUBLIC_USE, p=PUBLIC_SHARE))
    share = np.array(HOUSING_SHARE[zone])
    if rim < 220 and zone != "new":
        share = share * np.array([0.4, 0.4, 0.5, 1.5, 4.0, 0.6])
    return str(rng.choice(HOUSING, p=share / share.sum()))
