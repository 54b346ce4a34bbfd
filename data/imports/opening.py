"""Open a file of any supported format."""

from data.errors import BadInputError
from data.imports import tables, vectors
from data.imports.source import Source, from_frame, split_spec, suffix_of

SUFFIXES = (".gpkg", ".geojson", ".json", ".shp", ".csv", ".csv.gz", ".xlsx", ".parquet")


def open_source(spec: str, *, layer: str | None = None, encoding: str | None = None) -> Source:
    """Open a file.

    Parameters
    ----------
    spec
        A path, or `path:layer` where no file has that whole name.
    layer
        Layer or sheet; wins over the one in `spec`.
    encoding
        `utf-8` or `gbk`; found out otherwise.

    Raises
    ------
    BadInputError
        If the file cannot be read; the message says why in one sentence.
    """
    path, named = split_spec(spec)
    suffix = suffix_of(path)
    if path.is_dir():
        raise BadInputError(f"{path} is a directory, not a file")
    if suffix not in SUFFIXES:
        raise BadInputError(f"{path.name} is of no known format; known are {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise BadInputError(f"{path.name} is empty")
    if suffix in (".csv", ".csv.gz"):
        return tables.open_csv(path, encoding)
    if suffix == ".xlsx":
        return tables.open_workbook(path, layer or named)
    if suffix == ".parquet":
        return from_frame(path, vectors.read_parquet(path))
    return vectors.open_vectors(path, layer or named, encoding)
