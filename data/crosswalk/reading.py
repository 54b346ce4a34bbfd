"""Read an uploaded grid layer: polygons, which are joined to the units, or a table of units and grids."""

import json
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from data.crosswalk.columns import code_column
from data.errors import BadInputError
from data.exchange.reading import read_plan, table_kinds
from data.exchange.unpacking import unpack
from data.imports.faults import short
from data.imports.source import Source
from data.imports.vectors import open_vectors
from geo.merge import GridLayer, layer_of_polygons

_GEOPACKAGE, _ZIP = b"SQLite format 3\x00", b"PK\x03\x04"


def read_layer(content: bytes, units: gpd.GeoDataFrame, *, name: str, weight: float, field: str) -> GridLayer:
    """Read a GeoPackage, GeoJSON or zipped Shapefile of polygons, or a CSV of units and grids.

    Parameters
    ----------
    units
        Units with the column code.
    field
        Column of the grids' codes in a file of polygons; "" for the first known name.

    Raises
    ------
    BadInputError
        If the file cannot be used, in one sentence with row, field and value.
    """
    if not content:
        raise BadInputError("the file is empty")
    if not (content.startswith((_GEOPACKAGE, _ZIP)) or content.lstrip()[:1] == b"{"):
        return _of_table(content, units, name, weight)
    with tempfile.TemporaryDirectory(prefix="yiwangtu-layer-") as folder:
        source = open_upload(content, Path(folder))
        grids = read_all(source)
    return layer_of_polygons(name, grids, units, code=code_column(grids, name, field), weight=weight)


def _of_table(content: bytes, units: gpd.GeoDataFrame, name: str, weight: float) -> GridLayer:
    """Read a table; units that it does not name are in no grid of the layer."""
    table = read_plan(content)
    at = pd.Index(units["code"]).get_indexer(pd.Index(table.unit))
    unknown = np.flatnonzero(at < 0)
    if len(unknown):
        raise BadInputError(
            f"layer {name}, row {table.rows[unknown[0]]}, unit: {short(table.unit[unknown[0]])} is no unit of the area"
        )
    codes = np.full(len(units), None, dtype=object)
    codes[at] = table.grid
    return GridLayer(name, codes, weight)


def open_upload(content: bytes, folder: Path) -> Source:
    """Open the one layer of polygons of a file."""
    if content.startswith(_GEOPACKAGE):
        path = folder / "layer.gpkg"
        path.write_bytes(content)
        if "view" in table_kinds(path).values():
            raise BadInputError("the GeoPackage holds a view; store its rows in a table")
        return open_vectors(path, None, None)
    if content.startswith(_ZIP):
        path = folder / "layer.zip"
        path.write_bytes(content)
        inside = folder / "parts"
        inside.mkdir()
        shapes = [one for one in unpack(path, inside) if one.suffix.lower() == ".shp"]
        if len(shapes) != 1:
            raise BadInputError(f"the zip archive holds {len(shapes)} Shapefiles, not one")
        return open_vectors(shapes[0], None, None)
    path = folder / "layer.geojson"
    path.write_bytes(content)
    try:
        json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise BadInputError("the file begins as GeoJSON but is none") from exc
    return open_vectors(path, None, None)


def read_all(source: Source) -> gpd.GeoDataFrame:
    """Read all rows."""
    if source.crs is None:
        raise BadInputError(f"{source.title} has no coordinate reference system; write one into the file")
    chunks = list(source.chunks())
    geometry = np.concatenate([one.geometry for one in chunks if one.geometry is not None])
    missing = np.flatnonzero(pd.isna(geometry))
    if len(missing):
        raise BadInputError(f"{source.title}, row {missing[0] + 1}, geometry: is missing")
    return gpd.GeoDataFrame(
        pd.concat([one.frame for one in chunks], ignore_index=True), geometry=geometry, crs=source.crs
    )
