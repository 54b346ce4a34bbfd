"""Open a file of any supported format as chunks of rows, and say what had to be assumed about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS

from data.errors import BadInputError
from geo.arrays import GeometryArray

CHUNK_ROWS = 50_000


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file.

    Attributes
    ----------
    rows
        Each row's number as people count it in that file.
    frame
        The columns as read, index from 0.
    geometry
        Shapely geometries of the file's own CRS; None where the place is in columns.
    done_ratio
        How much of the file has been read, 0-1.
    """

    rows: npt.NDArray[np.int64]
    frame: pd.DataFrame
    geometry: GeometryArray | None
    done_ratio: float

    def keep(self, mask: npt.NDArray[np.bool_]) -> "Chunk":
        """Keep some of the rows."""
        geometry = None if self.geometry is None else self.geometry[mask]
        return Chunk(self.rows[mask], self.frame[mask].reset_index(drop=True), geometry, self.done_ratio)


@dataclass(frozen=True)
class Source:
    """An opened file.

    Attributes
    ----------
    title
        The file's name and layer, for people.
    columns
        Attribute columns, the geometry left out.
    crs
        What the file says its coordinates are in.
    has_geometry
        Whether rows carry geometry, not columns that tell the place.
    assumptions
        What was assumed while opening.
    chunks
        Starts reading; every call reads from the beginning.
    """

    title: str
    columns: tuple[str, ...]
    crs: CRS | None
    has_geometry: bool
    chunks: Callable[[], Iterator[Chunk]]
    assumptions: tuple[str, ...] = field(default=())


def from_frame(path: Path, frame: pd.DataFrame) -> Source:
    """Make a source of a table that is in memory."""
    attributes = pd.DataFrame(frame)
    geometry, crs = None, None
    if isinstance(frame, gpd.GeoDataFrame):
        geometry, crs = np.asarray(frame.geometry.array, dtype=object), frame.crs
        attributes = attributes.drop(columns=frame.geometry.name)
    attributes = attributes.reset_index(drop=True)

    def chunks() -> Iterator[Chunk]:
        yield Chunk(np.arange(1, len(attributes) + 1), attributes, geometry, 1.0)

    return Source(path.name, tuple(map(str, attributes.columns)), crs, geometry is not None, chunks)


def split_spec(spec: str) -> tuple[Path, str | None]:
    """Take `path:layer` apart, unless a file has the whole name."""
    whole = Path(spec)
    path, colon, layer = spec.rpartition(":")
    if not whole.exists() and colon and path and "/" not in layer:
        whole = Path(path)
    else:
        layer = ""
    if not whole.exists():
        raise BadInputError(f"there is no file {whole}")
    return whole, layer or None


def suffix_of(path: Path) -> str:
    """Give a file's suffix in lower case, `.csv.gz` as one."""
    name = path.name.lower()
    return ".csv.gz" if name.endswith(".csv.gz") else path.suffix.lower()
