"""The export formats. Each writes beside its target first, so that no half file ever has the target's name."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely
from pyarrow import compute
from pyogrio.errors import DataSourceError, FeatureError, FieldError, GeometryError

from data.errors import BadInputError
from data.exports.columns import as_text
from data.imports.mapping import short_names
from geo.arrays import GeometryArray
from layers.layer import Layer

DBF_TEXT_BYTES = 254
_EMPTY = {"point": "Point", "line": "LineString", "polygon": "Polygon", "any": "Polygon"}
_KINDS = {"Point": "Point", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}
_DBF_TYPES = {pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype()}


@dataclass(frozen=True)
class Sheet:
    """What is to be written.

    Attributes
    ----------
    table
        A column a field.
    geoms
        As many geometries, in degrees.
    crs
        How the degrees are labelled.
    """

    layer: Layer
    table: pa.Table
    geoms: GeometryArray
    crs: str
    encoding: str

    @property
    def kinds(self) -> list[str]:
        """Which kinds of geometry there are, of `_KINDS`."""
        names = {shapely.GeometryType(one).name for one in np.unique(shapely.get_type_id(self.geoms))}
        return [kind for kind in _KINDS if kind.upper() in {name.removeprefix("MULTI") for name in names}]


def suffix_of(path: Path) -> str:
    """Give a path's suffix in lower case."""
    return path.suffix.lower()


def write_gpkg(path: Path, sheet: Sheet) -> None:
    """Write a GeoPackage with one layer; times that are finer than its milliseconds go as text."""
    table = sheet.table
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and not _is_whole(table[column.name]):
            table = table.set_column(place, column.name, as_text(table[column.name]))
    _write_ogr(path, sheet, table, "GPKG", {})


def write_geojson(path: Path, sheet: Sheet) -> None:
    """Write GeoJSON with every digit of the coordinates."""
    _write_ogr(path, sheet, _times_as_text(sheet.table), "GeoJSON", {"SIGNIFICANT_FIGURES": "17"})


def write_shapefile(path: Path, sheet: Sheet) -> None:
    """Write a Shapefile with its .cpg: names of at most 10 characters (import reads them back), 1 and 0 for yes and no.

    Raises
    ------
    BadInputError
        If rows have several kinds of geometry, or a text is too long or not in the encoding.
    """
    if len(sheet.kinds) > 1:
        raise BadInputError(
            f"{sheet.layer.name} has {' and '.join(kind.lower() + 's' for kind in sheet.kinds)}; a Shapefile holds one "
            "kind of geometry; export to .gpkg"
        )
    table = _times_as_text(sheet.table)
    for place, column in enumerate(table.schema):
        if pa.types.is_boolean(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(pa.int16()))
        elif pa.types.is_date(column.type):
            table = table.set_column(place, column.name, as_text(table[column.name]))
        elif pa.types.is_string(sheet.table.schema.field(column.name).type):
            _check_dbf_text(sheet, column.name)
    shorts = short_names(sheet.layer)
    table = table.rename_columns([shorts[name] for name in table.column_names])
    kind, geoms = _one_type(sheet)
    frame = gpd.GeoDataFrame(table.to_pandas(types_mapper=_DBF_TYPES.get), geometry=geoms, crs=sheet.crs)
    with _draft(path) as draft, _gdal_errors(path):  # not by Arrow: there GDAL would have to know GBK itself
        pyogrio.write_dataframe(frame, draft, driver="ESRI Shapefile", geometry_type=kind, encoding=sheet.encoding)


def write_csv(path: Path, sheet: Sheet) -> None:
    """Write CSV: points as lon and lat, other geometry as WKT in `geom`; UTF-8 with the mark that Excel looks for."""
    frame = _times_as_text(sheet.table).to_pandas(types_mapper=pd.ArrowDtype)
    if sheet.layer.geometry_type == "point":
        frame["lon"], frame["lat"] = shapely.get_x(sheet.geoms), shapely.get_y(sheet.geoms)
    else:
        frame["geom"] = shapely.to_wkt(sheet.geoms, rounding_precision=-1)
    codec = "gb18030" if sheet.encoding == "gbk" else "utf-8-sig"
    with _draft(path) as draft:
        frame.to_csv(draft, index=False, encoding=codec, lineterminator="\n")


def write_parquet(path: Path, sheet: Sheet) -> None:
    """Write GeoParquet."""
    frame = gpd.GeoDataFrame(sheet.table.to_pandas(types_mapper=pd.ArrowDtype), geometry=sheet.geoms, crs=sheet.crs)
    with _draft(path) as draft:
        frame.to_parquet(draft, index=False)


WRITERS: dict[str, Callable[[Path, Sheet], None]] = {
    ".gpkg": write_gpkg, ".geojson": write_geojson, ".shp": write_shapefile,
    ".csv": write_csv, ".parquet": write_parquet,
}  # fmt: skip


def _write_ogr(path: Path, sheet: Sheet, table: pa.Table, driver: str, options: dict[str, Any]) -> None:
    """Write through GDAL; every column keeps its Arrow type."""
    kind, geoms = _one_type(sheet)
    table = table.append_column("geom", pa.array(shapely.to_wkb(geoms), type=pa.binary()))
    with _draft(path) as draft, _gdal_errors(path):
        pyogrio.write_arrow(
            table, draft, layer=path.stem if driver != "GPKG" else sheet.layer.name, driver=driver,
            geometry_name="geom", geometry_type=kind, crs=sheet.crs, layer_options=options,
        )  # fmt: skip


def _one_type(sheet: Sheet) -> tuple[str, GeometryArray]:
    """Name the geometry type of a file's layer and make every line and polygon a multi one where there is one type."""
    kinds = sheet.kinds or [_EMPTY[sheet.layer.geometry_type]]
    if len(kinds) > 1:
        return "Unknown", sheet.geoms
    makers = {"LineString": shapely.MultiLineString, "Polygon": shapely.MultiPolygon}
    made = np.empty(len(sheet.geoms), dtype=object)
    made[:] = [makers[one.geom_type]([one]) if one.geom_type in makers else one for one in sheet.geoms]
    return _KINDS[kinds[0]], made


@contextmanager
def _gdal_errors(path: Path) -> Iterator[None]:
    """Turn what GDAL says into one sentence."""
    try:
        yield
    except (DataSourceError, FeatureError, FieldError, GeometryError, RuntimeError, ValueError) as exc:
        raise BadInputError(f"the output {path.name} cannot be written: {str(exc).splitlines()[0]}") from exc


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Give a name in a directory of its own beside the target; what is written there then takes the target's place."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
            yield Path(folder) / path.name
            written = sorted(Path(folder).iterdir(), key=lambda one: one.name == path.name)  # the main file last
            for one in written:
                with one.open("rb") as file:
                    os.fsync(file.fileno())
            for one in written:
                one.replace(path.parent / one.name)
    except OSError as exc:
        raise BadInputError(f"the output {path} cannot be written: {exc.strerror or exc}") from exc


def _times_as_text(table: pa.Table) -> pa.Table:
    """Write every column of times as text."""
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(place, column.name, as_text(table[column.name]))
    return table


def _is_whole(column: pa.ChunkedArray) -> bool:
    """Tell whether times have no microseconds."""
    odd = compute.sum(compute.microsecond(column)).as_py()
    return not odd


def _check_dbf_text(sheet: Sheet, name: str) -> None:
    """Refuse texts that a DBF table cannot hold."""
    for code, value in zip(sheet.table["code"].to_pylist(), sheet.table[name].to_pylist(), strict=True):
        try:
            size = len((value or "").encode(sheet.encoding))
        except UnicodeEncodeError as exc:
            raise BadInputError(
                f"{name} of {sheet.layer.name} {code} has the character {exc.object[exc.start]!r}, which GBK lacks; "
                "export with --encoding utf-8"
            ) from exc
        if size > DBF_TEXT_BYTES:
            raise BadInputError(
                f"{name} of {sheet.layer.name} {code} is {size} bytes long, more than the {DBF_TEXT_BYTES} of a "
                "Shapefile; export to .gpkg"
            )
