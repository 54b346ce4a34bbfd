"""Communities and street-level units: the real names and codes on invented, connected, like-sized areas."""

import csv
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from data.demo.xialu.partition import FaceGraph, join_pieces, split_evenly, spread_out
from data.demo.xialu.streets import Network
from data.demo.xialu.terrain import Array, Terrain

DISTRICT = {"code": "420204", "name": "下陆区", "name_en": "Xialu District"}
STREETS = {  # code -> zone of the plan, English name
    "420204004": ("new", "Tuanchengshan Subdistrict"),
    "420204005": ("works", "Xinxialu Subdistrict"),
    "420204006": ("old", "Laoxialu Subdistrict"),
    "420204007": ("west", "Dongfangshan Subdistrict"),
    "420204401": ("park", "Changleshan Industrial Park"),
}
LEAST_BORDER_M = 5.0
BRIDGE_REACH_M = 30.0
SUFFIXES = ("居民委员会", "居委会")


@dataclass(frozen=True)
class Community:
    """One official community and the faces it has in the plan."""

    code: str
    name: str
    name_en: str
    street_code: str
    street_name: str


def read_communities() -> list[Community]:
    """Read the 38 official communities; 居委会 is left off the names, as on a map."""
    path = Path(__file__).parent / "communities.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        name = row["name"]
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        found.append(Community(row["code"], name, row["name_en"], row["street_code"], row["street_name"]))
    return found


def face_graph(terrain: Terrain, network: Network) -> FaceGraph:
    """Join faces with a common border; across railway or river only beside a crossing, unless cut off otherwise."""
    faces = network.faces.geometry.to_numpy()
    a, b = shapely.STRtree(faces).query(faces, predicate="intersects")
    a, b = a[a < b], b[a < b]
    border = shapely.intersection(faces[a], faces[b])
    wide = shapely.length(border) > 0
    a, b, border = a[wide], b[wide], border[wide]
    barrier = shapely.union(terrain.rail, terrain.river)
    middle = shapely.line_interpolate_point(shapely.get_geometry(shapely.line_merge(border), 0), 0.5, normalized=True)
    along = shapely.dwithin(middle, barrier, 0.5)
    roads = network.roads[network.roads.kind != "path"].geometry
    crossings = shapely.union_all(roads[roads.intersects(barrier)].intersection(barrier).to_numpy())
    shut = (along & ~shapely.dwithin(border, crossings, BRIDGE_REACH_M)) | (shapely.length(border) < LEAST_BORDER_M)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    open_pairs = [pair for pair, closed in zip(pairs, shut, strict=True) if not closed]
    spare = [pair for pair, closed in zip(pairs, shut, strict=True) if closed]
    return join_pieces(FaceGraph(len(faces), open_pairs), spare)


def share_out(network: Network, graph: FaceGraph, households: Array) -> Array:
    """Give each face the row number of its community in `read_communities()`.

    Built-up faces are divided zone by zone into communities of like household counts, numbered west to east; hillside
    goes to the community it is nearest to.
    """
    communities = read_communities()
    centre = shapely.get_coordinates(shapely.centroid(network.faces.geometry.to_numpy()))
    label = np.full(len(network.faces), -1)
    for street, members in _zones(network, graph).items():
        rows = [i for i, community in enumerate(communities) if community.street_code == street]
        parts = split_evenly(graph, members, households, centre, len(rows))
        parts.sort(key=lambda part: float(centre[part, 0].mean()))
        for row, part in zip(rows, parts, strict=True):
            label[part] = row
    return spread_out(graph, label, centre)


def _zones(network: Network, graph: FaceGraph) -> dict[str, list[int]]:
    """List the built-up faces of each street-level unit; stray pieces of a zone join the zone beside them."""
    zone = network.faces.zone.where(network.faces.is_built_up, "").to_numpy(dtype=object)
    for name in ("park", "old", "west", "works", "new"):
        pieces = sorted(graph.pieces(np.flatnonzero(zone == name).tolist()), key=len)
        for piece in pieces[:-1]:
            beside = sorted({zone[b] for a in piece for b in graph.neighbours[a]} - {"", name})
            zone[piece] = beside[0] if beside else name
    return {code: np.flatnonzero(zone == name).tolist() for code, (name, _) in STREETS.items()}


OUTLINE_SOURCE = "区界 © OpenStreetMap contributors (ODbL)"


def area_frames(network: Network, label: Array) -> dict[str, gpd.GeoDataFrame]:
    """Build the layers district, street and community from the faces of each community."""
    communities = read_communities()
    faces = network.faces.geometry.to_numpy()
    area = [shapely.coverage_union_all(faces[label == i]) for i in range(len(communities))]
    crs = network.faces.crs
    community = gpd.GeoDataFrame(
        {
            "code": [c.code for c in communities],
            "name": [c.name for c in communities],
            "name_en": [c.name_en for c in communities],
            "parent": [c.street_code for c in communities],
            "is_sample": True,
        },
        geometry=area,
        crs=crs,
    )
    names = {c.street_code: c.street_name for c in communities}
    street = gpd.GeoDataFrame(
        {
            "code": list(STREETS),
            "name": [names[code] for code in STREETS],
            "name_en": [name_en for _, name_en in STREETS.values()],
            "parent": DISTRICT["code"],
            "is_sample": True,
        },
        geometry=[shapely.coverage_union_all(community.geometry[community.parent == code]) for code in STREETS],
        crs=crs,
    )
    whole = shapely.coverage_union_all(street.geometry.to_numpy())
    district = gpd.GeoDataFrame(
        {**{k: [v] for k, v in DISTRICT.items()}, "is_sample": True, "source": OUTLINE_SOURCE},
        geometry=[whole],
        crs=crs,
    )
    return {"district": district, "street": street, "community": community}
