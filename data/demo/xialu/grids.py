"""The incumbent grids: well balanced when they were drawn, less so since: houses were built after that year."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from data.demo.xialu.communities import read_communities
from data.demo.xialu.compounds import Town
from data.demo.xialu.partition import FaceGraph, split_evenly, spread_out
from data.demo.xialu.streets import Network
from data.demo.xialu.terrain import Array

FLOOR, CEILING = 400, 800
GRID_COUNT = 110
LEAST_HOUSEHOLDS = 100  # no grid is drawn around fewer
WANTED_OUTSIDE_RATIO = 0.25
DRAWN_YEARS = range(1998, 2026, 2)
EXPECTED_RATIO = 0.45  # of the households of a house not yet built, when grids are drawn
ORDINALS = "一二三四五六七八九十"


@dataclass(frozen=True)
class GridPlan:
    """The incumbent plan: the year it was drawn in, and for each face the row of its grid in `grids`."""

    drawn_year: int
    face_grid: Array
    grids: gpd.GeoDataFrame


def draw_grids(network: Network, graph: FaceGraph, community: Array, town: Town) -> GridPlan:
    """Draw the grids of the year that leaves about a quarter of them outside the band today."""
    face, homes = np.array(town.face), np.array(town.households, dtype=float)
    built = np.array(town.built_year)
    count = len(network.faces)
    today = np.bincount(face, weights=homes, minlength=count)
    best: tuple[float, int, Array] | None = None
    for year in DRAWN_YEARS:
        then = np.bincount(face, weights=homes * np.where(built <= year, 1.0, EXPECTED_RATIO), minlength=count)
        grid = _divide(network, graph, community, then)
        load = np.bincount(grid, weights=today)
        is_empty = bool(load.min() < LEAST_HOUSEHOLDS)
        off = is_empty + abs(float(np.mean((load < FLOOR) | (load > CEILING))) - WANTED_OUTSIDE_RATIO)
        if best is None or off < best[0]:
            best = (off, year, grid)
    assert best is not None  # noqa: S101 - DRAWN_YEARS is not empty
    return GridPlan(best[1], *_name(network, community, best[2]))


def _divide(network: Network, graph: FaceGraph, community: Array, homes: Array) -> Array:
    """Divide every community into its number of grids; hillside follows the grid it is nearest to."""
    centre = shapely.get_coordinates(shapely.centroid(network.faces.geometry.to_numpy()))
    built_up = network.faces.is_built_up.to_numpy()
    total = np.bincount(community, weights=homes)
    counts = _allot(total)
    label, given = np.full(len(community), -1), 0
    for i, parts in enumerate(counts):
        members = np.flatnonzero((community == i) & built_up).tolist()
        for part in split_evenly(graph, members, homes, centre, parts):
            label[part] = given
            given += 1
    inside = FaceGraph(graph.count, [(a, b) for a, b in graph.edges if community[a] == community[b]])
    return spread_out(inside, label, centre)


def _allot(total: Array) -> list[int]:
    """Share `GRID_COUNT` grids out by households, one at least, by largest remainder."""
    exact = total / total.sum() * GRID_COUNT
    counts = np.maximum(1, np.floor(exact)).astype(int)
    for i in np.argsort(-(exact - counts), kind="stable")[: max(0, GRID_COUNT - int(counts.sum()))]:
        counts[i] += 1
    return [int(count) for count in counts]


def _name(network: Network, community: Array, grid: Array) -> tuple[Array, gpd.GeoDataFrame]:
    """Number the grids of each community from west to east, then north to south, and draw their polygons."""
    communities = read_communities()
    faces = network.faces.geometry.to_numpy()
    area = [shapely.coverage_union_all(faces[grid == g]) for g in range(int(grid.max()) + 1)]
    home = [int(community[grid == g][0]) for g in range(len(area))]
    order = sorted(range(len(area)), key=lambda g: (home[g], round(area[g].centroid.x), -area[g].centroid.y))
    codes, names, number = [], [], 0
    for at, g in enumerate(order):
        number = number + 1 if at and home[order[at - 1]] == home[g] else 1
        codes.append(f"{communities[home[g]].code}{number:03d}")
        names.append(f"{communities[home[g]].name}第{ORDINALS[number - 1]}网格")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    frame = gpd.GeoDataFrame(
        {"code": codes, "name": names, "community": [code[:12] for code in codes]},
        geometry=[area[g] for g in order],
        crs=network.faces.crs,
    )
    return rank[grid], frame
