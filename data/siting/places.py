"""Candidates out of an uploaded file: points or buildings of any CRS, or a table with lon and lat."""

import csv
import io
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np

from data.crosswalk.reading import open_upload, read_all
from data.errors import BadInputError
from data.imports.faults import short
from data.rules.frames import lon_lat
from data.siting.question import Candidate

MOST_PLACES = 5000
NAMES = ("name", "名称", "code", "编码", "id")
LONGEST_NAME = 100
_BINARY = (b"SQLite format 3\x00", b"PK\x03\x04")


def read_places(content: bytes) -> list[Candidate]:
    """Read candidates: GeoPackage, GeoJSON, zipped Shapefile, or CSV with the columns lon and lat (and name).

    Raises
    ------
    BadInputError
        If the file cannot be used, in one sentence with row, field and value.
    """
    if not content.strip():
        raise BadInputError("the file is empty")
    is_vector = content.startswith(_BINARY) or content.lstrip()[:1] == b"{"
    places = _of_vectors(content) if is_vector else _of_table(content)
    if not places:
        raise BadInputError("the file holds no place")
    if len(places) > MOST_PLACES:
        raise BadInputError(f"the file holds {len(places):,} places; at most {MOST_PLACES:,} can be weighed")
    return places


def _of_vectors(content: bytes) -> list[Candidate]:
    """Read points, or a point inside of each other shape."""
    with tempfile.TemporaryDirectory(prefix="yiwangtu-places-") as folder:
        frame: gpd.GeoDataFrame = read_all(open_upload(content, Path(folder)))
    column = next((name for name in NAMES if name in frame.columns), None)
    given = frame[column].tolist() if column else [None] * len(frame)
    return [
        _candidate(row, name, lon, lat)
        for row, (name, (lon, lat)) in enumerate(zip(given, lon_lat(frame).tolist(), strict=True), start=1)
    ]


def _of_table(content: bytes) -> list[Candidate]:
    """Read a table."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [(name or "").strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    missing = [name for name in ("lon", "lat") if name not in columns]
    if missing:
        raise BadInputError(f"row 1: there is no column {missing[0]}; a table of places has lon, lat and name")
    column = next((name for name in NAMES if name in columns), None)
    return [
        _candidate(row, cells.get(column) if column else None, _degrees(row, "lon", cells), _degrees(row, "lat", cells))
        for row, cells in enumerate(reader, start=2)
    ]


def _degrees(row: int, name: str, cells: dict[str, str]) -> float:
    """Take a coordinate."""
    try:
        return float(cells.get(name) or "")
    except ValueError:
        raise BadInputError(f"row {row}, {name}: {short(cells.get(name))} is no number of degrees") from None


def _candidate(row: int, name: object, lon: float, lat: float) -> Candidate:
    """Check a place; one without a name is called by its row."""
    if not (np.isfinite([lon, lat]).all() and abs(lon) <= 180 and abs(lat) <= 90):
        raise BadInputError(f"row {row}: {lon:g}, {lat:g} is no place on Earth (degrees of longitude and latitude)")
    called = str(name).strip() if name is not None and str(name).strip() not in ("", "nan", "None") else str(row)
    return Candidate(called[:LONGEST_NAME], round(lon, 7), round(lat, 7))
