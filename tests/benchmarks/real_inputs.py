"""Real inputs for the rebalancing benchmark, made from files that are not shipped with the project.

The folder given holds `cambridge_city.gpkg` (layers parcel, neighborhood, street_centerline, rail),
`caba_census_radios.gpkg`, `singapore_hdb_blocks_3towns.csv.gz` and `somerville_census_blocks.gpkg`; what is missing is
left out. None of them knows a grid, so an incumbent plan is drawn for each: contiguous METIS on older household counts.
"""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pymetis
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

TARGET = 600
SEED = 20250101
Instance = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]


def cambridge(folder: Path, *, streets: bool) -> Instance:
    """Parcels within neighbourhoods, with the railways as barriers, and the largest streets too when asked for."""
    source = folder / "cambridge_city.gpkg"
    parcels = gpd.read_file(source, layer="parcel").to_crs(26986)
    areas = gpd.read_file(source, layer="neighborhood").to_crs(26986)
    inside = parcels.set_geometry(parcels.geometry.representative_point())
    nearest = inside.sjoin_nearest(areas[["NAME", "geometry"]])["NAME"]
    units = _units(parcels["dwelling_units"], nearest[~nearest.index.duplicated()], parcels)
    rail = gpd.read_file(source, layer="rail").to_crs(26986)[["geometry"]]
    if not streets:
        return units, rail
    roads = gpd.read_file(source, layer="street_centerline").to_crs(26986)
    return units, pd.concat([rail, roads.loc[roads["MajorRoad"] == 1, ["geometry"]]], ignore_index=True)


def buenos_aires(folder: Path) -> Instance:
    """Census units with 347 gaps between them, within barrios."""
    radios = gpd.read_file(folder / "caba_census_radios.gpkg").to_crs(5347)
    return _units(radios["HOGARES"], radios["BARRIO"], radios), None


def singapore(folder: Path) -> Instance:
    """Towers as points, some of them at one address, within three towns."""
    blocks = pd.read_csv(folder / "singapore_hdb_blocks_3towns.csv.gz")
    blocks = blocks[blocks["residential"] == "Y"].reset_index(drop=True)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(blocks["lon"], blocks["lat"]), crs=4326).to_crs(3414)
    return _units(blocks["dwelling_units"], blocks["town"], points), None


def somerville(folder: Path) -> Instance:
    """Census blocks as points, a fifth of them empty, within counties."""
    blocks = gpd.read_file(folder / "somerville_census_blocks.gpkg")
    return _units(blocks["housing20"], blocks["geoid20"].str[:5], blocks), None


REAL: dict[str, tuple[str, Callable[[Path], Instance]]] = {
    "cambridge": ("cambridge_city.gpkg", lambda folder: cambridge(folder, streets=False)),
    "cambridge-streets": ("cambridge_city.gpkg", lambda folder: cambridge(folder, streets=True)),
    "buenos-aires": ("caba_census_radios.gpkg", buenos_aires),
    "singapore": ("singapore_hdb_blocks_3towns.csv.gz", singapore),
    "somerville": ("somerville_census_blocks.gpkg", somerville),
}


def build(name: str, folder: Path) -> Instance:
    """The units (columns unit_id, households, community, incumbent) and the barriers of a real input."""
    units, barriers = REAL[name][1](folder)
    units["incumbent"] = _incumbent(units, barriers)
    return units, barriers


def _units(households: pd.Series, community: pd.Series, places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The columns of a town."""
    ids = [f"U{i:06d}" for i in range(len(places))]
    columns = {"unit_id": ids, "households": households.to_numpy(), "community": community.to_numpy()}
    return gpd.GeoDataFrame(columns, geometry=places.geometry.to_numpy(), crs=places.crs)


def _incumbent(units: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None) -> list[str]:
    """Grids drawn for older counts: every unit 20 % up or down, every 300 m square emptied, built or as it is."""
    rng = np.random.default_rng(SEED)
    xy = shapely.get_coordinates(shapely.point_on_surface(units.geometry.to_numpy()))
    _, square = np.unique(np.floor(xy / 300), axis=0, return_inverse=True)
    change = rng.choice([0.4, 1.0, 1.8], square.max() + 1, p=[0.2, 0.6, 0.2])[square.ravel()]
    older = np.round(units["households"].to_numpy() * change * rng.uniform(0.8, 1.2, len(units))).astype(int)
    lines = None if barriers is None else shapely.STRtree(barriers.geometry.to_numpy())
    grid = np.zeros(len(units), dtype=int)
    following = 0
    for community in pd.unique(units["community"]):
        index = np.flatnonzero(units["community"] == community)
        pairs = _triangulate(xy[index])
        if lines is not None:
            links = shapely.linestrings(xy[index][pairs])
            pairs = np.delete(pairs, np.unique(lines.query(links, predicate="intersects")[0]), axis=0)
        graph = coo_matrix((np.ones(len(pairs)), pairs.T), (len(index), len(index))).tocsr()
        piece = connected_components(graph, directed=False)[1]
        for number in range(piece.max() + 1):
            own = np.flatnonzero(piece == number)
            label = _metis(graph[own][:, own], older[index[own]])
            grid[index[own]] = label + following
            following += label.max() + 1
    return [f"G{number + 1:05d}" for number in grid]


def _triangulate(xy: np.ndarray) -> np.ndarray:
    """Edges of the Delaunay triangulation; of points at one place, the later ones hang on the first."""
    spots, first, spot = np.unique(xy, axis=0, return_index=True, return_inverse=True)
    twins = np.c_[first[spot.ravel()], np.arange(len(xy))]
    triangles = first[Delaunay(spots).simplices]
    pairs = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]], twins])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _metis(graph: coo_matrix, weight: np.ndarray) -> np.ndarray:
    """Cut one connected graph into grids of about the target."""
    count = round(weight.sum() / TARGET)
    if count < 2:
        return np.zeros(len(weight), dtype=int)
    both = (graph + graph.T).tocsr()
    label = pymetis.part_graph(
        count,
        pymetis.CSRAdjacency(both.indptr, both.indices),
        vweights=weight.astype(np.int32),
        options=pymetis.Options(seed=SEED, ufactor=100, contig=1),
        recursive=False,
    ).vertex_part
    return np.unique(label, return_inverse=True)[1]
