"""GeoPackage, GeoJSON, Shapefile and GeoParquet: layers chosen, a Shapefile's encoding found out."""

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyproj import CRS

from data.errors import BadInputError
from data.imports.source import CHUNK_ROWS, Chunk, Source
from data.imports.tables import codec_name

_CODE_PAGES = {
    **dict.fromkeys(("utf-8", "utf8", "65001"), "utf-8"),
    **dict.fromkeys(("gbk", "gb2312", "gb18030", "936", "cp936", "ansi 936"), "gb18030"),
}
OGR_ERRORS = (
    CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, RuntimeError, ValueError,
)  # fmt: skip


def open_vectors(path: Path, layer: str | None, encoding: str | None) -> Source:
    """Open one layer of a file that GDAL reads.

    Raises
    ------
    BadInputError
        If the file is damaged, or has no such layer, or the layer has no rows or no geometry.
    """
    chosen, assumed = _choose_layer(path, layer)
    codec, assumed_codec = _codec(path, encoding)
    title = path.name if path.suffix.lower() != ".gpkg" else f"{path.name}:{chosen}"
    try:
        info = _quietly(pyogrio.read_info, path, layer=chosen, encoding=codec, force_feature_count=True)
    except (*OGR_ERRORS, UnicodeError) as exc:
        raise _unreadable(path, codec, exc) from exc
    if info["geometry_type"] is None:
        raise BadInputError(f"{title} has no geometry")
    count = int(info["features"])
    if count == 0:
        raise BadInputError(f"{title} has no rows")

    def chunks() -> Iterator[Chunk]:
        for start in range(0, count, CHUNK_ROWS):
            frame = _read(path, chosen, codec, start)
            rows = np.arange(start + 1, start + 1 + len(frame))
            attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True)
            geometry = np.asarray(frame.geometry.array, dtype=object)
            yield Chunk(rows, attributes, geometry, min((start + len(frame)) / count, 1.0))

    crs = CRS(info["crs"]) if info["crs"] else None
    return Source(title, tuple(map(str, info["fields"])), crs, True, chunks, (*assumed, *assumed_codec))


def read_parquet(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoParquet file whole."""
    try:
        frame = gpd.read_parquet(path)
    except (pa.ArrowException, ValueError, OSError) as exc:
        raise BadInputError(f"{path.name} is no GeoParquet file that can be read") from exc
    if frame.empty:
        raise BadInputError(f"{path.name} has no rows")
    return frame


def _choose_layer(path: Path, layer: str | None) -> tuple[str, tuple[str, ...]]:
    """Name the layer to read: the one asked for, or the first spatial one."""
    try:
        found = [(str(name), kind) for name, kind in _quietly(pyogrio.list_layers, path)]
    except OGR_ERRORS as exc:
        raise BadInputError(f"{path.name} is damaged or no {path.suffix} file") from exc
    names = [name for name, _ in found]
    if layer is not None:
        if layer not in names:
            raise BadInputError(f"{path.name} has no layer {layer}; it has {', '.join(names)}")
        return layer, ()
    spatial = [name for name, kind in found if kind is not None]
    if not spatial:
        raise BadInputError(f"{path.name} has no layer with geometry")
    assumed = (f"the first layer, {spatial[0]}, of {len(spatial)} is read",) if len(spatial) > 1 else ()
    return spatial[0], assumed


def _read(path: Path, layer: str, codec: str | None, start: int) -> gpd.GeoDataFrame:
    """Read some features."""
    try:
        return _quietly(
            pyogrio.read_dataframe, path, layer=layer, encoding=codec, skip_features=start, max_features=CHUNK_ROWS,
            on_invalid="ignore", datetime_as_string=True,
        )  # fmt: skip
    except (*OGR_ERRORS, UnicodeError) as exc:
        raise _unreadable(path, codec, exc) from exc


def _quietly(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call into GDAL without its warnings: what matters of them is checked row by row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def _unreadable(path: Path, codec: str | None, error: BaseException) -> BadInputError:
    """Say in one sentence why GDAL cannot read a file."""
    if isinstance(error, UnicodeError):
        return BadInputError(f"{path.name} is not {codec or 'UTF-8'} text throughout; say --encoding gbk or utf-8")
    return BadInputError(f"{path.name} is damaged: reading stops at a feature that is not there or cut off")


def _codec(path: Path, encoding: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Find a Shapefile's encoding: as asked, as its .cpg says, else UTF-8 if every text is, else GBK."""
    if path.suffix.lower() != ".shp":
        return None, ()
    if encoding:
        return codec_name(encoding), ()
    for label in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if label.exists():
            said = label.read_text("ascii", errors="replace").strip().casefold()
            return _CODE_PAGES.get(said), ()  # None: GDAL knows the others
    table = path.with_suffix(".dbf")
    if not table.exists():
        raise BadInputError(f"{path.name} has no {table.name} beside it")
    is_utf8 = all(_is_utf8(text) for text in _dbf_texts(table.read_bytes()))
    codec, shown = ("utf-8", "UTF-8") if is_utf8 else ("gb18030", "GBK")
    return codec, (f"{path.name} has no .cpg; its text is read as {shown}",)


def _dbf_texts(content: bytes) -> Iterator[bytes]:
    """Give the bytes of every text field of a DBF table."""
    if len(content) < 32:
        return
    count, header_size, record_size = struct.unpack_from("<IHH", content, 4)
    spans, offset = [], 1
    for place in range(32, header_size - 1, 32):
        if content[place : place + 1] in (b"\r", b""):
            break
        kind, length = content[place + 11 : place + 12], content[place + 16]
        if kind == b"C":
            spans.append((offset, offset + length))
        offset += length
    for record in range(count):
        base = header_size + record * record_size
        for start, end in spans:
            yield content[base + start : base + end].rstrip(b" \x00")


def _is_utf8(text: bytes) -> bool:
    """Tell whether bytes are UTF-8; a character cut off at a field's end does not count against it."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and len(text) >= 250
    return True
