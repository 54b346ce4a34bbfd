"""Spatial files in and out of the file-to-file commands: a reader, and a writer that leaves no half file."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from data.errors import BadInputError

OGR_ERRORS = (CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError)


def read_frame(spec: str, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read one layer of a spatial file.

    Parameters
    ----------
    spec
        A path, or `path:layer` where no file has that whole name.
    layer
        The layer to read; wins over the one in `spec`. Without either, the first spatial layer.

    Returns
    -------
    frame
        All rows in file order with an index from 0, and a CRS; `frame.attrs["layer"]` names the layer read.

    Raises
    ------
    BadInputError
        If the file or layer is missing or unreadable, or it has no rows, no geometry or no CRS.
    """
    path, named = _split_spec(spec)
    layer = _choose_layer(path, layer or named)
    try:
        with np.errstate(invalid="ignore"):  # coordinates that are no numbers: whoever uses the rows refuses them
            frame = pyogrio.read_dataframe(path, layer=layer)
    except (*OGR_ERRORS, ValueError) as exc:
        raise BadInputError(f"{path} (layer {layer}) is damaged and cannot be read") from exc
    if not isinstance(frame, gpd.GeoDataFrame):
        raise BadInputError(f"{path} (layer {layer}) has no geometry")
    if frame.crs is None:
        raise BadInputError(f"{path} (layer {layer}) has no coordinate reference system; write one into the file")
    if frame.empty:
        raise BadInputError(f"{path} (layer {layer}) has no rows")
    frame.attrs["layer"] = layer
    return frame


def write_layers(path: str | os.PathLike[str], layers: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Write frames as the layers of one new GeoPackage, whole or not at all.

    The layers are written to a temporary file beside `path`, which then takes its place in one step; an old
    file of that name stays as it was until then, and for good if anything fails.

    Parameters
    ----------
    path
        The GeoPackage to make or replace; its folder must exist.
    layers
        Layer name to frame, in the order they should appear.

    Raises
    ------
    BadInputError
        If the folder is missing or read-only, or a column cannot be stored in a GeoPackage.
    """
    target = Path(path)
    check_output(target)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.stem}-", dir=target.parent) as folder:
            draft = Path(folder) / target.name
            for name, frame in layers.items():
                pyogrio.write_dataframe(frame, draft, layer=name, driver="GPKG", append=draft.exists())
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            draft.replace(target)
    except OSError as exc:
        raise BadInputError(f"the output {target} cannot be written: {exc.strerror or _one_line(exc)}") from exc
    except (*OGR_ERRORS, ValueError, TypeError, NotImplementedError) as exc:
        raise BadInputError(f"the output {target} cannot be written: {_one_line(exc)}") from exc


def check_output(path: str | os.PathLike[str], inputs: Iterable[str] = ()) -> None:
    """Refuse an output that could not be written, before any work is done for it.

    Parameters
    ----------
    path
        The GeoPackage to make or replace.
    inputs
        What is read, as `read_frame` takes it; writing over one of these would lose its other layers.

    Raises
    ------
    BadInputError
        If the name does not end in .gpkg, the folder is missing, or the output is an input.
    """
    target = Path(path)
    if target.suffix.lower() != ".gpkg":
        raise BadInputError(f"the output {target} must end in .gpkg")
    if not target.parent.is_dir():
        raise BadInputError(f"the output {target} cannot be written: there is no folder {target.parent}")
    for spec in inputs if target.exists() else ():
        if _split_spec(spec)[0].samefile(target):
            raise BadInputError(f"the output {target} is an input too; choose another name")


def _split_spec(spec: str) -> tuple[Path, str | None]:
    """Take `path:layer` apart, unless a file has the whole name."""
    path, colon, layer = spec.rpartition(":")
    has_layer = not Path(spec).exists() and bool(colon and path) and "/" not in layer
    whole = Path(path if has_layer else spec)
    if not whole.exists():
        raise BadInputError(f"there is no file {whole}")
    return whole, (layer or None) if has_layer else None


def _choose_layer(path: Path, layer: str | None) -> str:
    """Name the layer to read: the one asked for, or the first spatial one."""
    try:
        found = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    except OGR_ERRORS as exc:
        raise BadInputError(f"{path} is damaged or no spatial file") from exc
    names = ", ".join(name for name, _ in found)
    if layer is not None:
        if layer not in [name for name, _ in found]:
            raise BadInputError(f"{path} has no layer {layer}; it has: {names}")
        return layer
    spatial = [name for name, kind in found if kind is not None]
    if not spatial:
        raise BadInputError(f"{path} has no spatial layer; it has: {names or 'nothing'}")
    return spatial[0]


def _one_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].split("; It might")[0]
