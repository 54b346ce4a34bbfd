"""Export one layer to a file that imports again as the same rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from sqlalchemy import Connection, Engine, text

from data.errors import BadInputError, NotFoundError
from data.exports.columns import arrow_column
from data.exports.formats import WRITERS, Sheet, suffix_of
from layers.layer import Layer
from layers.registry import get_layer

CRS_NAMES = ("EPSG:4326", "EPSG:4490")
ENCODINGS = ("utf-8", "gbk")
_PATH_OF = """
SELECT path::text FROM area WHERE code = :code
UNION ALL (SELECT path::text FROM grid WHERE code = :code AND (is_effective OR valid_to IS NOT NULL)
  ORDER BY is_effective DESC, valid_to DESC LIMIT 1) LIMIT 1
"""


@dataclass(frozen=True)
class ExportOptions:
    """What to export.

    Attributes
    ----------
    within
        Code of an area or grid to stay inside.
    crs
        Label of the degrees: WGS84, or CGCS2000, which differs from it by centimetres.
    encoding
        Of a Shapefile's or a CSV's text.
    """

    within: str | None = None
    crs: str = "EPSG:4326"
    encoding: str = "utf-8"


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote."""

    layer: str
    path: str
    rows: int
    bytes: int


def export_file(engine: Engine, layer: str, path: Path, options: ExportOptions | None = None) -> ExportReport:
    """Export a layer, all its fields, in one consistent view of the database.

    Parameters
    ----------
    path
        Where to; the suffix is the format: .gpkg .geojson .shp .csv .parquet. An old file is replaced in one step,
        after the new one is whole (a Shapefile's parts one after another).

    Raises
    ------
    BadInputError
        If an option is unknown, or the format cannot hold a row; the message says which.
    NotFoundError
        If there is no area or grid with the code `within`.
    UnknownLayerError
        If there is no such layer.
    """
    options = options or ExportOptions()
    target = get_layer(layer)
    if target.tile_source == "cells":
        raise BadInputError(f"the layer {layer} is a density of cells; export {layer.removesuffix('_density')} instead")
    writer = WRITERS.get(suffix_of(path))
    if writer is None:
        raise BadInputError(f"the output {path.name} must end in one of {', '.join(WRITERS)}")
    if options.crs.upper() not in CRS_NAMES:
        raise BadInputError(f"the CRS {options.crs} is not one of {', '.join(CRS_NAMES)}")
    if options.encoding.casefold() not in ENCODINGS:
        raise BadInputError(f"the encoding {options.encoding} is not one of {', '.join(ENCODINGS)}")
    if not path.parent.is_dir():
        raise BadInputError(f"there is no directory {path.parent} to write to")
    with engine.connect() as connection:
        sheet = _read(connection, target, options)
    writer(path, sheet)
    return ExportReport(target.name, str(path), sheet.table.num_rows, path.stat().st_size)


def _read(connection: Connection, layer: Layer, options: ExportOptions) -> Sheet:
    """Read the layer's rows."""
    conditions = [layer.where] if layer.where else []
    values: dict[str, Any] = {}
    if options.within is not None:
        values["path"] = connection.execute(text(_PATH_OF), {"code": options.within}).scalar()
        if values["path"] is None:
            raise NotFoundError(f"there is no area or grid with the code {options.within}")
        conditions.append("t.path <@ CAST(:path AS ltree)")
    listed = ", ".join(f'{field.expression} AS "{field.name}"' for field in layer.fields)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = f'SELECT {listed}, ST_AsBinary(t.geom) FROM "{layer.table.name}" t {where} ORDER BY t.code'
    rows = connection.execute(text(statement), values).all()
    columns = list(zip(*rows, strict=True)) or [()] * (len(layer.fields) + 1)
    table = pa.table({field.name: arrow_column(field.type, columns[place]) for place, field in enumerate(layer.fields)})
    geoms = shapely.from_wkb(np.array([bytes(one) for one in columns[-1]], dtype=object))
    return Sheet(layer, table, np.asarray(geoms, dtype=object), options.crs.upper(), options.encoding.casefold())
