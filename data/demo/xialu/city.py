"""The whole sample: every layer of the contract as a table, and the GeoPackage that the import reads."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.demo.xialu.canteens import build_canteens
from data.demo.xialu.communities import area_frames
from data.demo.xialu.exchanges import build_exchanges
from data.demo.xialu.facilities import build_elder_care, build_parking, build_stations
from data.demo.xialu.incidents import IncidentMaker, Steps
from data.demo.xialu.paths import lay_paths
from data.demo.xialu.refuse import build_points, build_zones
from data.demo.xialu.residents import count_residents
from data.demo.xialu.roads import barrier_lines
from data.demo.xialu.scene import Places, Scene, set_scene
from data.demo.xialu.terrain import CRS_M, Array

DECIMALS = 7  # of a degree: about 1 cm
WALK_UP_FLOORS = 7  # houses up to so many floors were built without a lift


@dataclass(frozen=True)
class City:
    """The sample city.

    Attributes
    ----------
    layers
        Layer name -> table with the layer's fields, EPSG:4326, in the order in which they are to be imported. Lists
        are joined by ";", `attributes` is JSON text.
    steps
        Code of an incident -> what it became and when, from its report to the status that it has.
    """

    layers: dict[str, gpd.GeoDataFrame]
    steps: dict[str, Steps]


def build_city(seed: int, today: date, now: datetime) -> City:
    """Build the sample city; the same arguments give the same.

    Parameters
    ----------
    seed
        The city. Streets, houses and grids depend on it alone.
    today
        The day that opening dates are counted from.
    now
        The end of the ninety days of incidents; must have a time zone.
    """
    scene = set_scene(seed)
    places = Places(scene)
    homes = np.bincount(scene.town.face, weights=scene.town.households, minlength=len(scene.network.faces))
    residents, elders, old_elders = count_residents(np.random.default_rng([seed, 10]), scene.town)
    zones = build_zones(scene, homes)
    unit = unit_frame(scene, places, residents, elders, old_elders)
    weight = elders.astype(float)
    incidents = IncidentMaker(scene, seed).history(np.random.default_rng([seed, 16]), now)
    points = {
        "station": build_stations(np.random.default_rng([seed, 11]), scene, places, today),
        "canteen": build_canteens(np.random.default_rng([seed, 12]), scene, places, weight, today),
        "elder_care": build_elder_care(np.random.default_rng([seed, 13]), scene, places, weight),
        "parking": build_parking(np.random.default_rng([seed, 14]), scene, places, today),
        "refuse_point": build_points(np.random.default_rng([seed, 15]), scene, places, zones),
        "exchange_point": build_exchanges(np.random.default_rng([seed, 17]), scene, places, today),
        "incident": incidents.drop(columns="steps"),
    }
    layers = {
        **area_frames(scene.network, scene.community),
        "grid": scene.plan.grids,
        "compound": compound_frame(scene, places, unit),
        "unit": unit,
        "road": road_frame(scene),
        "barrier": barrier_lines(scene.terrain, scene.network.roads),
        "sorting_zone": zones.drop(columns="community"),
        **{name: gpd.GeoDataFrame(table, geometry="geometry", crs=CRS_M) for name, table in points.items()},
    }
    steps = dict(zip(incidents["code"], incidents["steps"], strict=True))
    return City({name: to_degrees(frame) for name, frame in layers.items()}, steps)


def unit_frame(scene: Scene, places: Places, residents: Array, elders: Array, old_elders: Array) -> gpd.GeoDataFrame:
    """Make the layer unit: one row a building, numbered inside its community."""
    town = scene.town
    community = [scene.communities[int(i)].code for i in places.building_community]
    number = pd.Series(community).groupby(pd.Series(community)).cumcount() + 1
    grid = scene.plan.grids.code.to_numpy()[scene.plan.face_grid[np.array(town.face)]]
    return gpd.GeoDataFrame(
        {
            "code": [f"{code}B{n:04d}" for code, n in zip(community, number, strict=True)],
            "name": _unit_names(scene),
            "community": community,
            "compound": [compound_code(c) if c >= 0 else None for c in town.compound],
            "households": town.households,
            "residents": residents,
            "residents_60": elders,
            "residents_80": old_elders,
            "floors": town.floors,
            "has_lift": np.asarray(town.floors) > WALK_UP_FLOORS,
            "use": town.use,
            "built_year": town.built_year,
            "grid": grid,
        },
        geometry=town.footprint,
        crs=CRS_M,
    )


def compound_code(row: int) -> str:
    """Give the code of a compound from its row."""
    return f"XLQ{row + 1:04d}"


def _unit_names(scene: Scene) -> list[str | None]:
    """Name buildings by compound and number, 金桂花园3栋; others have no name."""
    town = scene.town
    seen: dict[int, int] = {}
    names: list[str | None] = []
    for compound in town.compound:
        seen[compound] = seen.get(compound, 0) + 1
        names.append(f"{town.compounds[compound].name}{seen[compound]}栋" if compound >= 0 else None)
    return names


def compound_frame(scene: Scene, places: Places, unit: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make the layer compound."""
    compounds = scene.town.compounds
    return gpd.GeoDataFrame(
        {
            "code": [compound_code(row) for row in range(len(compounds))],
            "name": [compound.name for compound in compounds],
            "community": [scene.communities[int(scene.community[compound.face])].code for compound in compounds],
            "kind": [compound.kind for compound in compounds],
            "built_year": [compound.built_year for compound in compounds],
        },
        geometry=[compound.area for compound in compounds],
        crs=CRS_M,
    )


def road_frame(scene: Scene) -> gpd.GeoDataFrame:
    """Make the layer road: edges between junctions, streets first; only the expressway is not for walking."""
    roads = lay_paths(scene)
    is_expressway = roads.kind == "expressway"
    return gpd.GeoDataFrame(
        {
            "code": [f"XLD{number:05d}" for number in range(1, len(roads) + 1)],
            "name": roads.name,
            "class": roads.kind,
            "is_walkable": ~is_expressway,
            "is_barrier": is_expressway,
        },
        geometry=roads.geometry,
        crs=CRS_M,
    )


def to_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Project to longitude and latitude, rounded so that equal points stay equal; geometry comes last."""
    degrees = frame.to_crs("EPSG:4326")
    rounded = shapely.transform(degrees.geometry.to_numpy(), lambda xy: np.round(xy, DECIMALS))
    table = pd.DataFrame(degrees.drop(columns="geometry")).reset_index(drop=True)
    return gpd.GeoDataFrame(table, geometry=rounded, crs="EPSG:4326")


def write_layers(path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Write built layers as a GeoPackage, a table each; a file that is there is replaced."""
    path.unlink(missing_ok=True)
    for name, frame in layers.items():
        frame.to_file(path, layer=name, driver="GPKG")
