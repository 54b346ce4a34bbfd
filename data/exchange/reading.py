"""Read an uploaded plan: which grid each unit is in, and what the file says of the grids."""

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import BadInputError
from data.exchange.unpacking import unpack
from data.exchange.writing import FACTS_FILE
from data.imports import tables, vectors
from data.imports.faults import short
from data.imports.source import Source
from data.imports.values import as_text

UNIT_NAMES = ("unit", "unit_id", "code", "楼栋编码", "单元编码")
GRID_NAMES = ("grid_id", "grid", "网格编码", "新网格编码")
MAX_ROWS = 2_000_000
MAX_CODE_CHARS, MAX_NAME_CHARS = 64, 200
_GEOPACKAGE, _ZIP = b"SQLite format 3\x00", b"PK\x03\x04"


@dataclass(frozen=True)
class UploadedPlan:
    """What a file says.

    Attributes
    ----------
    title
        Where the rows are, for messages.
    rows
        Shape (n,). Each row's number as people count it in that file.
    unit, grid
        Shape (n,). Codes as text; a grid is None where the unit has none.
    grid_names
        Names of grids by code, of those that have one.
    facts
        What the plan's own table says; empty in a CSV file.
    """

    title: str
    rows: npt.NDArray[np.int64]
    unit: npt.NDArray[np.object_]
    grid: npt.NDArray[np.object_]
    grid_names: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)


def read_plan(content: bytes) -> UploadedPlan:
    """Read a GeoPackage, a zipped Shapefile or a CSV file, known by its first bytes.

    Raises
    ------
    BadInputError
        If it cannot be read, or a unit is missing or comes twice, or a code is no code; one sentence with row, field
        and value.
    """
    if not content:
        raise BadInputError("the file is empty")
    with tempfile.TemporaryDirectory(prefix="yiwangtu-upload-") as name:
        folder = Path(name)
        if content.startswith(_GEOPACKAGE):
            plan = _read_gpkg(_put(folder / "plan.gpkg", content))
        elif content.startswith(_ZIP):
            plan = _read_zip(_put(folder / "plan.zip", content), folder)
        else:
            if b"\x00" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise BadInputError("the file is no GeoPackage, no zipped Shapefile and no CSV")
            plan = _from_tables([tables.open_csv(_put(folder / "plan.csv", content), None)])
    _check_rows(plan)
    return plan


def _put(path: Path, content: bytes) -> Path:
    """Write the upload to a file of our own name."""
    path.write_bytes(content)
    return path


def _read_gpkg(path: Path) -> UploadedPlan:
    """Read layers `unit`, `grid` and `plan`; they must be tables: a view in an uploaded file could run for ever."""
    kinds = table_kinds(path)
    if kinds.get("unit") != "table":
        raise BadInputError("the GeoPackage has no layer unit")
    if any(kinds.get(name, "table") != "table" for name in ("grid", "plan")):
        raise BadInputError("the layers grid and plan of the GeoPackage must be tables, not views")
    grids = vectors.open_vectors(path, "grid", None) if _count(path, "grid", kinds) else None
    return _from_tables([vectors.open_vectors(path, "unit", None)], grids, _facts_of(path) if "plan" in kinds else {})


def table_kinds(path: Path) -> dict[str, str]:
    """Names of a GeoPackage's tables and views."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')")
            return {str(name): str(kind) for name, kind in rows}
    except sqlite3.Error as exc:
        raise BadInputError("the GeoPackage is damaged") from exc


def _count(path: Path, name: str, kinds: dict[str, str]) -> int:
    """Count the rows of a table; 0 without it."""
    if name not in kinds:
        return 0
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            return int(file.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
    except sqlite3.Error as exc:
        raise BadInputError("the GeoPackage is damaged") from exc


def _facts_of(path: Path) -> dict[str, Any]:
    """Read the table `plan`."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT key, value FROM plan LIMIT 100").fetchall()
        return {str(key): json.loads(value) for key, value in rows}
    except (sqlite3.Error, ValueError, TypeError) as exc:
        raise BadInputError("the table plan of the GeoPackage is not as this product writes it") from exc


def _read_zip(path: Path, folder: Path) -> UploadedPlan:
    """Read `unit*.shp` and `grid.shp`; with one Shapefile alone, that one is the units."""
    inside = folder / "parts"
    inside.mkdir()
    parts = unpack(path, inside)
    shapes = sorted(one for one in parts if one.suffix.lower() == ".shp")
    units = [one for one in shapes if one.stem.lower() in ("unit", "unit_point")] or (
        shapes if len(shapes) == 1 else []
    )
    if not units:
        raise BadInputError("the zip archive has no unit.shp")
    grid = next((one for one in shapes if one.stem.lower() == "grid" and one not in units), None)
    facts: dict[str, Any] = {}
    noted = next((one for one in parts if one.name.lower() == FACTS_FILE), None)
    if noted is not None:
        try:
            facts = dict(json.loads(noted.read_text("utf-8")))
        except (ValueError, TypeError) as exc:
            raise BadInputError(f"{FACTS_FILE} in the zip archive is not as this product writes it") from exc
    return _from_tables(
        [vectors.open_vectors(one, None, None) for one in units],
        vectors.open_vectors(grid, None, None) if grid is not None and _has_rows(grid) else None,
        facts,
    )


def _has_rows(path: Path) -> bool:
    """Tell whether a Shapefile has a record: its header is 100 bytes long."""
    return path.stat().st_size > 100


def _from_tables(units: list[Source], grids: Source | None = None, facts: dict[str, Any] | None = None) -> UploadedPlan:
    """Gather codes and names from opened tables."""
    rows, unit, grid = [], [], []
    names: dict[str, str] = {}
    for source in units:
        for row, frame in _chunks(source):
            rows.append(row)
            unit.append(_codes(frame, UNIT_NAMES, source))
            grid.append(_codes(frame, GRID_NAMES, source))
            if "grid_name" in frame:
                names |= _names(grid[-1], as_text(frame["grid_name"]).to_numpy(dtype=object))
    if grids is not None:
        for _, frame in _chunks(grids):
            if "name" in frame:
                names |= _names(_codes(frame, GRID_NAMES, grids), as_text(frame["name"]).to_numpy(dtype=object))
    title = units[0].title
    return UploadedPlan(title, np.concatenate(rows), np.concatenate(unit), np.concatenate(grid), names, facts or {})


def _chunks(source: Source) -> Iterator[tuple[npt.NDArray[np.int64], pd.DataFrame]]:
    """Read a table, up to so many rows."""
    for chunk in source.chunks():
        if len(chunk.rows) and int(chunk.rows[-1]) > MAX_ROWS:
            raise BadInputError(f"{source.title} has more than {MAX_ROWS} rows")
        yield chunk.rows, chunk.frame


def _codes(frame: pd.DataFrame, known: tuple[str, ...], source: Source) -> npt.NDArray[np.object_]:
    """Read the column that has one of the known names, blanks as None."""
    found = next((name for name in known if name in frame), None)
    if found is None:
        raise BadInputError(
            f"{source.title} has no column {known[0]} (or {', '.join(known[1:])}); it has {', '.join(source.columns)}"
        )
    texts = as_text(frame[found])
    codes: npt.NDArray[np.object_] = texts.astype(object).where(texts.notna(), None).to_numpy(dtype=object)
    return codes


def _names(codes: npt.NDArray[np.object_], names: npt.NDArray[np.object_]) -> dict[str, str]:
    """Names by code, where both are given."""
    return {c: n for c, n in zip(codes, names, strict=True) if c is not None and isinstance(n, str)}


def _check_rows(plan: UploadedPlan) -> None:
    """Refuse the first row that cannot be used."""
    seen: dict[str, int] = {}
    for row, unit, grid in zip(plan.rows.tolist(), plan.unit, plan.grid, strict=True):
        if unit is None:
            raise BadInputError(f"{plan.title}, row {row}, unit: is missing")
        if unit in seen:
            raise BadInputError(
                f"{plan.title}, row {row}, unit: {short(unit)} comes a second time, after row {seen[unit]}"
            )
        if grid is not None and (len(grid) > MAX_CODE_CHARS or not grid.isprintable()):
            raise BadInputError(
                f"{plan.title}, row {row}, grid: {short(grid)} is longer than {MAX_CODE_CHARS} characters or not "
                "printable"
            )
        seen[unit] = row
    for code, name in plan.grid_names.items():
        if len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise BadInputError(
                f"{plan.title}, grid {short(code)}, name: {short(name)} is longer than {MAX_NAME_CHARS} characters or "
                "not printable"
            )
