"""Refuse sorting: model areas in three streets with drop points, litter bins along the streets, collection stations."""

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Point

from data.demo.xialu.scene import Places, Scene
from data.demo.xialu.terrain import CRS_M, Array

ZONE_STREETS = {"420204004": 2, "420204005": 2, "420204006": 1}  # street code -> communities made a model area
BUILDINGS_A_DROP_POINT = 6
BIN_EVERY_M = {"arterial": 320.0, "collector": 520.0}
COLLECTION_STATIONS = 12


def build_zones(scene: Scene, households: Array) -> gpd.GeoDataFrame:
    """Make the built-up part of the largest communities of three streets sorting zones; the last is planned."""
    faces = scene.network.faces
    total = np.bincount(scene.community, weights=households, minlength=len(scene.communities))
    rows: list[dict[str, Any]] = []
    for street, count in ZONE_STREETS.items():
        own = [i for i, community in enumerate(scene.communities) if community.street_code == street]
        for i in sorted(sorted(own, key=lambda i: -float(total[i]))[:count]):
            inside = (scene.community == i) & faces.is_built_up.to_numpy()
            pieces = shapely.get_parts(shapely.coverage_union_all(faces.geometry.to_numpy()[inside]))
            name = scene.communities[i].name.removesuffix("社区")
            rows.append({"name": f"{name}垃圾分类示范片区", "community": i, "geometry": max(pieces, key=shapely.area)})
    for number, row in enumerate(rows, start=1):
        row["code"] = f"XLZ{number:02d}"
        row["status"] = "planned" if number == len(rows) else "active"
    return gpd.GeoDataFrame(rows, crs=CRS_M)


def build_points(rng: np.random.Generator, scene: Scene, places: Places, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Place drop points at the compounds of each zone, litter bins along main streets, and collection stations."""
    rows = _drop_points(rng, scene, places, zones)
    rows += _litter_bins(rng, scene, places)
    rows += _collection_stations(rng, scene, places)
    for number, row in enumerate(rows, start=1):
        row["code"] = f"XLR{number:04d}"
    frame = pd.DataFrame(rows)
    frame["capacity"] = pd.array([None] * len(frame), dtype="Int64")
    return frame


def _row(places: Places, scene: Scene, place: Point, name: str, **attributes: Any) -> dict[str, Any]:
    """Write one refuse point."""
    community = places.community(place)
    return {
        "code": "",
        "name": name,
        "name_en": None,
        "community": scene.communities[community].code if community is not None else None,
        "tier": None,
        "status": "open",
        "opens_on": None,
        "address": places.address(place),
        "phone": None,
        "hours": "Mo-Su 06:30-09:00,17:30-20:30" if attributes["kind"] == "drop_point" else None,
        "services": None,
        "is_accessible": True,
        "attributes": json.dumps({"sample": True, **attributes}, ensure_ascii=False),
        "geometry": place,
    }


def _drop_points(
    rng: np.random.Generator, scene: Scene, places: Places, zones: gpd.GeoDataFrame
) -> list[dict[str, Any]]:
    """Give each compound in a zone one drop point for every six buildings, at the door of a building."""
    town = scene.town
    compound = np.array(town.compound)
    rows = []
    for zone, community in zip(zones.code, zones.community, strict=True):
        inside = (places.building_community == community) & (compound >= 0)
        for c in np.unique(compound[inside]):
            members = np.flatnonzero(compound == c)
            count = -(-len(members) // BUILDINGS_A_DROP_POINT)
            for n, building in enumerate(sorted(rng.choice(members, count, replace=False)), start=1):
                name = f"{town.compounds[c].name}{n}号投放点"
                rows.append(_row(places, scene, places.door(int(building)), name, kind="drop_point", zone=zone))
    return rows


def _litter_bins(rng: np.random.Generator, scene: Scene, places: Places) -> list[dict[str, Any]]:
    """Set a litter bin on the pavement about every so many metres of main streets."""
    rows = []
    for street, kind, name in zip(places.streets, places.street_kinds, places.street_names, strict=True):
        if kind not in BIN_EVERY_M or street.length < 60:
            continue
        for _ in range(rng.poisson(street.length / BIN_EVERY_M[kind])):
            at = street.interpolate(rng.uniform(0.15, 0.85), normalized=True)
            place = Point(at.x + rng.uniform(-7, 7), at.y + rng.uniform(-7, 7))
            rows.append(_row(places, scene, place, f"{name}果皮箱", kind="litter_bin"))
    return rows


def _collection_stations(rng: np.random.Generator, scene: Scene, places: Places) -> list[dict[str, Any]]:
    """Put collection stations by works and shops, spread over the city."""
    candidates = [i for i, kind in enumerate(scene.town.kind) if kind in {"industry", "commerce"}]
    chosen = sorted(rng.choice(candidates, COLLECTION_STATIONS, replace=False))
    doors = [places.door(int(building)) for building in chosen]
    return [_row(places, scene, door, f"{places.street(door)}垃圾收集站", kind="collection_station") for door in doors]
