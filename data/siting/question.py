"""What a siting job asks, read from PostGIS: demand, candidates on the streets, sites that stand already."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection

from data.errors import BadInputError
from data.lifecircle.town import Town, counts, read_town
from data.planning import WGS84, read_objects
from data.rules.frames import with_types
from geo.circles import rows_of_types
from geo.siting.town import street_corners
from geo.walking import SNAP_LIMIT_M, Network, build_network, snap_points

AT_CORNER_DEG = 1e-5
"""About a metre: a street that comes so near to a corner meets the others there."""
STREETS_NAMED = 2
PUBLIC_KINDS = ("station", "canteen", "elder_care")
PUBLIC_USES = ("public", "community", "school", "culture", "medical", "government")
"""Uses of units without households that count as public buildings."""


@dataclass(frozen=True)
class Candidate:
    """A place where a site may be."""

    name: str
    lon: float
    lat: float


@dataclass(frozen=True)
class Wish:
    """What was asked for; see `api.services.siting.SiteParameters`."""

    model: str
    p: int | None
    facility: str
    types: tuple[str, ...]
    radius_m: float
    weight: str
    candidates: tuple[Candidate, ...]
    propose: tuple[str, ...]
    use_existing: bool
    closed: frozenset[str]
    deliver_m: float | None
    gap: float
    time_limit_s: int
    rulebook: str
    rule: str


@dataclass(frozen=True)
class Question:
    """Everything an answer needs.

    Attributes
    ----------
    units
        Of the area, with the weight in the column `weight`: 0 where it was not counted.
    uncounted
        How many units were not counted.
    candidates
        name, source (drawn, corner, public_building); all near a street.
    existing
        code, name, is_open (false where it is closed when it counts); all near a street. Empty where none stays.
    left_out
        Names of candidates and existing sites that are off the streets.
    """

    town: Town
    wish: Wish
    network: Network
    units: gpd.GeoDataFrame
    uncounted: int
    candidates: gpd.GeoDataFrame
    existing: gpd.GeoDataFrame
    left_out: tuple[str, ...]


def read_question(connection: Connection, code: str, wish: Wish) -> Question:
    """Read an area and put candidates and existing sites on its streets.

    Raises
    ------
    NotFoundError
        If there is no such area.
    BadInputError
        If it has no unit or road, nobody is to be served, no candidate is near a street, or a site that should be
        closed is not there.
    """
    town = read_town(connection, code, farthest_m=max(wish.radius_m, wish.deliver_m or 0))
    outline = read_objects(connection, "SELECT ST_AsBinary(geom) AS geom FROM area WHERE code = :code", code=code)
    network = build_network(town.roads)
    units = town.units
    heads = counts(units[wish.weight])
    units["weight"] = pd.Series(heads).fillna(0.0)
    if not units["weight"].sum() > 0:
        raise BadInputError(f"{town.facts['name']} ({code}) has no {wish.weight}; there is nobody to be served")
    candidates, far = _near_streets(_candidates(wish, town, network, outline.geometry.iloc[0]), network)
    if candidates.empty:
        raise BadInputError(f"no candidate lies within {SNAP_LIMIT_M:g} m of a street that may be walked")
    existing, far_existing = _near_streets(_existing(wish, town), network)
    return Question(
        town=town, wish=wish, network=network, units=units, uncounted=int(pd.isna(heads).sum()), candidates=candidates,
        existing=existing, left_out=(*far, *far_existing),
    )  # fmt: skip


def _candidates(wish: Wish, town: Town, network: Network, outline: Any) -> gpd.GeoDataFrame:
    """Put given and proposed candidates together; proposed ones lie in the area."""
    drawn = [shapely.Point(one.lon, one.lat) for one in wish.candidates]
    parts = [_places([one.name for one in wish.candidates], "drawn", drawn)]
    if "corners" in wish.propose:
        corners = street_corners(network).to_crs(WGS84)
        inside = corners[corners.within(outline)]
        parts.append(_places(_corner_names(inside, town.roads), "corner", list(inside.geometry)))
    if "public_buildings" in wish.propose:
        own = [
            frame[frame["is_own"].astype(bool) & frame["is_open"]]
            for kind, frame in town.facilities.items()
            if kind in PUBLIC_KINDS and kind != wish.facility
        ]
        for frame in own:
            parts.append(_places(frame["name"].tolist(), "public_building", list(frame.geometry)))
        units = town.units
        halls = units[units["use"].isin(PUBLIC_USES) & (counts(units["households"]) == 0)]
        names = [str(address or code) for address, code in zip(halls["address"], halls["code"], strict=True)]
        parts.append(_places(names, "public_building", list(halls.geometry.representative_point())))
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=WGS84)


def _corner_names(corners: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> list[str]:
    """Call corners by the named streets that meet there, and by their number."""
    named = roads[roads["name"].notna()]
    corner, road = named.sindex.query(corners.geometry, predicate="dwithin", distance=AT_CORNER_DEG)
    meeting: dict[int, set[str]] = {}
    for at, name in zip(corner.tolist(), named["name"].iloc[road], strict=True):
        meeting.setdefault(at, set()).add(str(name))
    return ["、".join(sorted(meeting.get(at, ()))[:STREETS_NAMED]) + f"路口 {at + 1}" for at in range(len(corners))]


def _existing(wish: Wish, town: Town) -> gpd.GeoDataFrame:
    """Give the open facilities of the kind and types in and around the area, those closed when it counts marked."""
    frame = town.facilities.get(wish.facility)
    if not wish.use_existing or frame is None:
        if wish.closed:
            raise BadInputError(f"closed: there is no existing {wish.facility} to open longer")
        return gpd.GeoDataFrame({"name": [], "code": [], "is_open": []}, geometry=[], crs=WGS84)
    frame = with_types(frame)
    kept = frame.iloc[rows_of_types(frame, wish.types)]
    kept = kept[kept["is_open"]]
    strange = sorted(wish.closed - set(kept["code"]))
    if strange:
        raise BadInputError(f"closed: {strange[0]} is no open {wish.facility} in or around {town.facts['name']}")
    return gpd.GeoDataFrame(
        {"name": kept["name"].tolist(), "code": kept["code"].tolist(), "is_open": ~kept["code"].isin(wish.closed)},
        geometry=list(kept.geometry), crs=WGS84,
    )  # fmt: skip


def _places(names: list[str], source: str, geoms: list[Any]) -> gpd.GeoDataFrame:
    """Make candidates of one source."""
    return gpd.GeoDataFrame({"name": names, "source": [source] * len(names)}, geometry=geoms, crs=WGS84)


def _near_streets(frame: gpd.GeoDataFrame, network: Network) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Keep the places that can be walked to; name the others."""
    if frame.empty:
        return frame, ()
    is_near = snap_points(network.graph, network.places(frame), limit_m=SNAP_LIMIT_M).is_snapped
    return frame[is_near].reset_index(drop=True), tuple(map(str, frame.loc[~is_near, "name"]))
