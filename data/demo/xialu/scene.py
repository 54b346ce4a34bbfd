"""The still part of the sample, in metres: ground, streets, houses, areas, grids. It depends on the seed alone."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Point

from data.demo.xialu.blocks import Block, plan_blocks
from data.demo.xialu.communities import Community, face_graph, read_communities, share_out
from data.demo.xialu.compounds import Town, build_town
from data.demo.xialu.grids import GridPlan, draw_grids
from data.demo.xialu.streets import Network, build_network
from data.demo.xialu.terrain import Array, Terrain, draw_terrain

NUMBER_EVERY_M = 12.0


@dataclass(frozen=True)
class Scene:
    """Everything that does not change with the day; `community` gives each face its row in `communities`."""

    terrain: Terrain
    network: Network
    blocks: list[Block]
    town: Town
    communities: list[Community]
    community: Array
    plan: GridPlan


def set_scene(seed: int) -> Scene:
    """Build the city of a seed; each step has its own stream, so that a change in one leaves the others alone."""
    terrain = draw_terrain(np.random.default_rng([seed, 1]))
    network = build_network(np.random.default_rng([seed, 2]), terrain)
    blocks = plan_blocks(np.random.default_rng([seed, 3]), terrain, network)
    town = build_town(np.random.default_rng([seed, 4]), blocks)
    graph = face_graph(terrain, network)
    households = np.bincount(town.face, weights=town.households, minlength=len(network.faces))
    community = share_out(network, graph, households)
    return Scene(
        terrain, network, blocks, town, read_communities(), community, draw_grids(network, graph, community, town)
    )


class Places:
    """Answers where things are: doors of buildings, addresses, the community of a point."""

    def __init__(self, scene: Scene) -> None:
        streets = scene.network.roads[~scene.network.roads.kind.isin(["expressway", "path", "footway"])]
        self.streets = streets.geometry.to_numpy()
        self.street_names: list[str] = streets.name.tolist()
        self.street_kinds: list[str] = streets.kind.tolist()
        self.footprints = np.array(scene.town.footprint)
        self.building_community = scene.community[np.array(scene.town.face)]
        self._tree = shapely.STRtree(self.streets)
        self._faces = shapely.STRtree(scene.network.faces.geometry.to_numpy())
        self._face_community = scene.community

    def door(self, building: int) -> Point:
        """Give the point of a building's wall that is nearest to a street."""
        footprint = self.footprints[building]
        street = self.streets[self._tree.nearest(footprint)]
        return Point(shapely.shortest_line(footprint, street).coords[0])

    def address(self, place: Point) -> str:
        """Name the nearest street with a house number counted along it."""
        i = int(self._tree.nearest(place))
        number = int(shapely.line_locate_point(self.streets[i], place) / NUMBER_EVERY_M) * 2 + 1 + i % 2
        return f"{self.street_names[i]}{number}号"

    def street(self, place: Point) -> str:
        """Name the nearest street."""
        return self.street_names[int(self._tree.nearest(place))]

    def community(self, place: Point) -> int | None:
        """Give the row of the community a point lies in, or None outside the district."""
        faces = self._faces.query(place, predicate="intersects")
        return int(self._face_community[faces.min()]) if len(faces) else None
