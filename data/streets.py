"""Street lines from a file, with the gates on them where the file knows any: OpenStreetMap's own files among them."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from data.errors import BadInputError
from data.frames import OGR_ERRORS, read_frame

OSM_SUFFIXES = (".pbf", ".osm")
_SQUARES = "osm_way_id IS NOT NULL AND other_tags LIKE '%\"highway\"=>%'"


@dataclass(frozen=True)
class Streets:
    """What people walk along.

    Attributes
    ----------
    lines
        All street lines with their columns, walkable or not; `geo.walking.ways` says which columns are read.
    gates
        Points of gates, bollards and the like with their columns; None where the file knows of none.
    """

    lines: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame | None


def read_streets(spec: str) -> Streets:
    """Read the streets of a spatial file: one layer, or an OpenStreetMap extract (`.osm.pbf`, `.osm`).

    Parameters
    ----------
    spec
        A path, or `path:layer` where no file has that whole name. Of an OpenStreetMap extract all that has a `highway`
        tag is taken: lines, and the edges of squares; with its nodes tagged `barrier` as gates.

    Raises
    ------
    BadInputError
        If the file or layer is missing or unreadable, or it holds no lines or no CRS.
    """
    path = Path(spec)
    if path.suffix.lower() not in OSM_SUFFIXES:
        return Streets(read_frame(spec), None)
    if not path.exists():
        raise BadInputError(f"there is no file {path}")
    try:
        ways = _read(path, "lines", "highway IS NOT NULL")
        squares = _read(path, "multipolygons", _SQUARES)
        gates = _read(path, "points", "barrier IS NOT NULL")
    except (*OGR_ERRORS, ValueError) as exc:
        raise BadInputError(f"{path} is damaged or no OpenStreetMap extract") from exc
    squares = squares[squares.geometry.notna()]
    squares = squares.assign(osm_id=squares["osm_way_id"], geometry=squares.geometry.boundary)
    lines = pd.concat([ways, squares[squares.columns.intersection(ways.columns)]], ignore_index=True)
    if lines.empty:
        raise BadInputError(f"{path} holds nothing with a highway tag")
    return Streets(gpd.GeoDataFrame(lines, geometry="geometry", crs=ways.crs), gates)


def _read(path: Path, layer: str, where: str) -> gpd.GeoDataFrame:
    """Read a layer of GDAL's OpenStreetMap driver; areas that the extract cuts through come without a geometry."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="pyogrio")
        return pyogrio.read_dataframe(path, layer=layer, where=where, on_invalid="ignore")
