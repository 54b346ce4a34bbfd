"""Write a plan as bytes of a GeoPackage, a zipped Shapefile or a CSV equivalence file."""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from data.errors import BadInputError
from data.exchange.sheet import PlanSheet

DBF_TEXT_BYTES = 254
FACTS_FILE = "plan.json"
_TYPES = {"households": "Int64", "units": "Int64", "in_band": "boolean", "compact": "Float64"}


def write_gpkg(sheet: PlanSheet) -> bytes:
    """Write the layers `unit` (with grid_id) and `grid`, and the table `plan` with what else belongs to the plan."""
    facts = pd.DataFrame(
        {"key": list(sheet.facts), "value": [json.dumps(v, ensure_ascii=False) for v in sheet.facts.values()]}
    )
    with tempfile.TemporaryDirectory(prefix="yiwangtu-plan-") as folder:
        path = Path(folder) / "plan.gpkg"
        for name, frame in (("unit", sheet.units), ("grid", sheet.grids)):
            frame = _typed(frame)
            kind = "MultiPolygon" if name == "grid" else "Unknown"
            pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=path.exists(), geometry_type=kind,
                                    promote_to_multi=name == "grid")  # fmt: skip
        pyogrio.write_dataframe(facts, path, layer="plan", driver="GPKG", append=True)
        return path.read_bytes()


def write_shapefile(sheet: PlanSheet) -> bytes:
    """Write a zip of `unit.shp` (points in `unit_point.shp`), `grid.shp`, each with a UTF-8 .cpg, and plan.json.

    Raises
    ------
    BadInputError
        If a text is longer than a Shapefile holds; the message names the row, the field and the limit.
    """
    is_point = shapely.get_type_id(sheet.units.geometry.to_numpy()) == 0
    parts = {"unit": sheet.units[~is_point], "unit_point": sheet.units[is_point], "grid": sheet.grids}
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="yiwangtu-plan-") as folder:
        for name, frame in parts.items():
            if len(frame) or name == "grid":
                _check_dbf_text(name, frame)
                _write_shp(Path(folder) / f"{name}.shp", frame, "Point" if name == "unit_point" else "Polygon")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.write(path, path.name)
            archive.writestr(FACTS_FILE, json.dumps(sheet.facts, ensure_ascii=False))
    return packed.getvalue()


def write_csv(sheet: PlanSheet) -> bytes:
    """Write the equivalence file: a row a unit, its grid and the grid's name; UTF-8 with the mark for Excel."""
    table = pd.DataFrame(sheet.units.drop(columns=sheet.units.geometry.name)).rename(
        columns={"code": "unit", "grid_id": "grid"}
    )
    table["grid_name"] = table["grid"].map(dict(zip(sheet.grids["grid_id"], sheet.grids["name"], strict=True)))
    columns = ["unit", "grid", "grid_name", "name", "households", "community", "compound"]
    return table[columns].to_csv(index=False, lineterminator="\n").encode("utf-8-sig")


WRITERS: dict[str, tuple[Callable[[PlanSheet], bytes], str, str]] = {
    "gpkg": (write_gpkg, ".gpkg", "application/geopackage+sqlite3"),
    "shp": (write_shapefile, ".zip", "application/zip"),
    "csv": (write_csv, ".csv", "text/csv; charset=utf-8"),
}
"""Format to writer, suffix and media type."""


def _typed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give every column the type that the file should have, whatever the rows."""
    made = frame.copy()
    for column in frame.columns.drop(frame.geometry.name):
        made[column] = frame[column].astype(_TYPES.get(column, "str"))
    return made


def _write_shp(path: Path, frame: gpd.GeoDataFrame, kind: str) -> None:
    """Write one Shapefile; yes and no as 1 and 0."""
    typed = _typed(frame)
    if "in_band" in typed:
        typed["in_band"] = typed["in_band"].astype("Int16")
    pyogrio.write_dataframe(typed, path, driver="ESRI Shapefile", geometry_type=kind, encoding="utf-8")
    path.with_suffix(".cpg").write_text("UTF-8", "ascii")


def _check_dbf_text(name: str, frame: gpd.GeoDataFrame) -> None:
    """Refuse texts that a DBF table cannot hold."""
    key = frame.columns[0]
    for column in frame.columns.drop(frame.geometry.name):
        if column in _TYPES:
            continue
        sizes = np.array([len(str(one).encode()) if one is not None else 0 for one in frame[column]], dtype=np.int64)
        for at in np.flatnonzero(sizes > DBF_TEXT_BYTES)[:1]:
            raise BadInputError(
                f"{column} of {name} {frame[key].iloc[at]} is {sizes[at]} bytes long, more than the {DBF_TEXT_BYTES} "
                "of a Shapefile; export to .gpkg"
            )
