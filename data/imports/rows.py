"""Rows of a file as rows of a table: fields converted, codes looked up, places found, faults logged."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import available_timezones

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.imports.faults import FaultLog
from data.imports.mapping import ATTRIBUTES, Mapped, importable
from data.imports.options import ImportOptions
from data.imports.periods import NOWHERE
from data.imports.places import Places, inside_points, join
from data.imports.shapes import Reprojection, check, geometries
from data.imports.source import Chunk
from data.imports.values import Column, as_text, convert, parse_times
from geo.arrays import FloatArray, GeometryArray, IntArray
from layers.layer import Field, Layer

ObjectArray = npt.NDArray[np.object_]
INCIDENT_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "yiwangtu/incident")
LOCATED = ("compound", "unit", "grid", "facility")  # tables whose rows must lie in an area
_UNPLACED = -2  # no geometry: said already
CLOCKS_MAY_DIFFER = pd.Timedelta(days=1)
_LAST_STEPS = ("resolved_at", "closed_at")


@dataclass(frozen=True)
class Known:
    """What the database knows that rows refer to.

    Attributes
    ----------
    places
        Areas that rows may lie in; for incidents with the grids.
    compounds, grids
        Code to id; of grids, those of the effective plans.
    categories
        Codes of incident categories.
    plan_of
        Gives the plan of the imported grids of a path's district, made when it is missing.
    """

    places: Places
    compounds: Mapping[str, int] = field(default_factory=dict)
    grids: Mapping[str, int] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()
    plan_of: Callable[[str], int] | None = None


@dataclass(frozen=True)
class RowMaker:
    """Makes table rows of chunks."""

    layer: Layer
    mapped: Mapped
    options: ImportOptions
    reprojection: Reprojection
    known: Known
    log: FaultLog

    @property
    def table(self) -> str:
        """The table's name."""
        return str(self.layer.table.name)

    def make(self, chunk: Chunk) -> pd.DataFrame:
        """Make the rows of one chunk: a column `row` and the columns of the table; what is faulty is missing."""
        raw_geoms = geometries(chunk, self.mapped, self.log)
        geoms = self.reprojection.convert(raw_geoms)
        geoms = check(geoms, chunk.rows, self.layer, self.log, may_repair=self.options.may_repair)
        columns = {one.name: self._column(one, chunk) for one in importable(self.layer)}
        given = {name: column for name, column in columns.items() if column is not None}
        values = {name: convert(column) for name, column in given.items() if column.field.type != "datetime"}
        values["code"] = self._prefixed(values["code"])
        out: dict[str, object] = {"row": chunk.rows, "geom": geoms}
        out |= {name: series for name, series in values.items() if name in self.layer.table.c}
        out |= {name: np.full(len(chunk.rows), value, dtype=object) for name, value in self.layer.constants}
        xy = inside_points(geoms)
        at = self._place(chunk, xy, values, out)
        times = {name: column for name, column in given.items() if column.field.type == "datetime"}
        out |= {name: parse_times(column, self.known.places.zones[at]) for name, column in times.items()}
        if self.table == "incident":
            self._place_incident(chunk, xy, at, out)
        self._finish(chunk, values, out, raw_geoms)
        return pd.DataFrame(out)

    def _column(self, one: Field, chunk: Chunk) -> Column | None:
        """Take a field's column or constant, None when the file does not speak of it."""
        if one.name in self.mapped.constants:
            raw = pd.Series([self.mapped.constants[one.name]] * len(chunk.rows), dtype=object)
        elif one.name in self.mapped.columns:
            raw = chunk.frame[self.mapped.columns[one.name]]
        else:
            return None
        return Column(one, raw, chunk.rows, self.log)

    def _prefixed(self, codes: pd.Series) -> pd.Series:
        """Put the prefix before the codes."""
        return self.options.prefix + codes if self.options.prefix else codes

    def _place(
        self, chunk: Chunk, xy: FloatArray, values: dict[str, pd.Series], out: dict[str, object]
    ) -> IntArray:  # fmt: skip
        """Find each row's area and write the columns that say it; an incident's are written when its time is known."""
        places = self.known.places
        found = places.tag(xy)
        missing_geometry = np.isnan(xy[:, 0])
        if self.table == "area":
            return self._place_area(chunk, np.where(missing_geometry, _UNPLACED, found), values, out)
        at = found
        if self.table in LOCATED:
            at = self._given("community", chunk, values, found)
            self._say_elsewhere(chunk, at, found)
            self._say_outside(chunk, (at == NOWHERE) & ~missing_geometry, severity="error")
            out["area_id"] = places.ids[at]
        out["path"] = places.paths[at]
        return at

    def _place_incident(self, chunk: Chunk, xy: FloatArray, found: IntArray, out: dict[str, object]) -> None:
        """Find the grid that was in force when each incident was reported, else its area."""
        places = self.known.places
        reported: pd.Series = out["reported_at"]  # type: ignore[assignment]
        at = places.tag_at(xy, reported, found)
        self._say_outside(chunk, (at == NOWHERE) & ~np.isnan(xy[:, 0]), severity="warning")
        out["path"], out["area_id"], out["grid_code"] = places.paths[at], places.ids[at], places.grid_codes[at]

    def _place_area(
        self, chunk: Chunk, found: IntArray, values: dict[str, pd.Series], out: dict[str, object]
    ) -> IntArray:
        """Find each area's parent, and its path and time zone from it."""
        places = self.known.places
        if self.layer.name == "district":
            at = np.full(len(chunk.rows), NOWHERE)
            self._check_zones(chunk, values)
        else:
            at = self._given("parent", chunk, values, found)
            self._say_outside(chunk, at == NOWHERE, severity="error")
            at = np.where(at == _UNPLACED, NOWHERE, at)
            out["time_zone"] = places.zones[at]
        out["parent_id"] = places.ids[at]
        codes = values["code"].fillna("")
        out["path"] = [join(path, code) for path, code in zip(places.paths[at], codes, strict=True)]
        return at

    def _check_zones(self, chunk: Chunk, values: dict[str, pd.Series]) -> None:
        """Refuse a time zone that is none."""
        if "time_zone" in values:
            zones = values["time_zone"]
            wrong = (zones.notna() & ~zones.isin(available_timezones())).to_numpy()
            problem = "is no time zone such as Asia/Shanghai"
            self.log.add(chunk.rows[wrong], "time_zone", zones[wrong], problem, kind="unknown")

    def _given(self, name: str, chunk: Chunk, values: dict[str, pd.Series], found: IntArray) -> IntArray:
        """Look up the areas that the file names; the location decides where it names none."""
        if name not in values:
            return found
        codes = values[name]
        named = codes.notna().to_numpy()
        at = found.copy()
        at[named] = self.known.places.find(codes[named].to_numpy(dtype=object), self._reference_prefix(name))
        unknown = named & (at == NOWHERE)
        self.log.add(chunk.rows[unknown], name, codes[unknown], "is no known area", kind="unknown")
        at[unknown] = found[unknown]  # said once: not outside as well
        return at

    def _reference_prefix(self, name: str) -> str:
        """Codes of the file get the prefix, constants of the caller stay as written."""
        return "" if name in self.mapped.constants else self.options.prefix

    def _say_elsewhere(self, chunk: Chunk, at: IntArray, found: IntArray) -> None:
        """Warn where the file names an area that the row does not lie in."""
        paths = self.known.places.paths
        differs = (at != found) & (found != NOWHERE)
        for place in np.flatnonzero(differs):
            if not f"{paths[found[place]]}.".startswith(f"{paths[at[place]]}."):
                said = f"is given, but the row lies in {self.known.places.codes[found[place]]}"
                value = self.known.places.codes[at[place]]
                self.log.add([chunk.rows[place]], "community", [value], said, kind="elsewhere", severity="warning")

    def _say_outside(self, chunk: Chunk, mask: npt.NDArray[np.bool_], *, severity: str) -> None:
        """Log rows that lie in no known area."""
        rows = chunk.rows[mask]
        problem = "lies in no known area" if len(self.known.places) else "lies in no known area: import areas first"
        self.log.add(rows, "geometry", [None] * len(rows), problem, kind="outside", severity=severity)  # type: ignore[arg-type]

    def _finish(self, chunk: Chunk, values: dict[str, pd.Series], out: dict[str, object], raw: GeometryArray) -> None:
        """Add what only some tables have."""
        if self.table == "unit":
            self._refer("compound", self.known.compounds, chunk, values, out)
            self._refer("grid", self.known.grids, chunk, values, out)
        elif self.table == "grid":
            self._finish_grid(values, out)
        elif self.table == "facility" and self.mapped.attributes:
            out[ATTRIBUTES] = self._attributes(chunk, values)
        elif self.table == "incident":
            self._finish_incident(chunk, values, out, raw)

    def _refer(
        self, name: str, known: Mapping[str, int], chunk: Chunk, values: dict[str, pd.Series], out: dict[str, object]
    ) -> None:
        """Look up the ids of codes."""
        if name not in values:
            return
        prefix = self._reference_prefix(name)
        codes = values[name]
        ids = codes.map(lambda code: known.get(prefix + code, known.get(code)), na_action="ignore")
        unknown = (codes.notna() & ids.isna()).to_numpy()
        self.log.add(chunk.rows[unknown], name, codes[unknown], f"is no known {name}", kind="unknown")
        out[f"{name}_id"] = ids.astype("Int64")

    def _finish_grid(self, values: dict[str, pd.Series], out: dict[str, object]) -> None:
        """Put a grid under its community and into the plan of the imported grids of its district."""
        paths: ObjectArray = np.asarray(out["path"], dtype=object)
        assert self.known.plan_of is not None  # noqa: S101  (given for the table grid)
        out["plan_id"] = [self.known.plan_of(path) if path else None for path in paths]
        out["path"] = [join(path, code) for path, code in zip(paths, values["code"].fillna(""), strict=True)]
        out["is_effective"] = True

    def _attributes(self, chunk: Chunk, values: dict[str, pd.Series]) -> pd.Series:
        """Gather mapped columns into the attributes' object; a blank cell has no key."""
        start = values.get(ATTRIBUTES, pd.Series([None] * len(chunk.rows), dtype=object))
        objects = [json.loads(one) if isinstance(one, str) else {} for one in start]
        for key, column in self.mapped.attributes.items():
            for made, value in zip(objects, _plain(chunk.frame[column]), strict=True):
                if value is not None:
                    made[key] = value
        return pd.Series([json.dumps(one, ensure_ascii=False) for one in objects], dtype=object)

    def _finish_incident(
        self, chunk: Chunk, values: dict[str, pd.Series], out: dict[str, object], raw: GeometryArray
    ) -> None:
        """Give incidents an identity, check their category and the order of their times."""
        category = values["category"]
        unknown = (category.notna() & ~category.isin(self.known.categories)).to_numpy()
        self.log.add(chunk.rows[unknown], "category", category[unknown], "is no known category", kind="unknown")
        out["id"] = self._identities(chunk, values)
        if self.reprojection.datum != "wgs84":
            out["datum"] = self.reprojection.datum
            xy = inside_points(raw)
            out["original_lon"], out["original_lat"] = xy[:, 0], xy[:, 1]
        for name in ("due_at", *_LAST_STEPS):
            self._check_order(name, chunk, out)

    def _check_order(self, name: str, chunk: Chunk, out: dict[str, object]) -> None:
        """Log steps before the report: clocks differ by seconds (a warning), not by a day (an error)."""
        reported, later = out.get("reported_at"), out.get(name)
        if not (isinstance(reported, pd.Series) and isinstance(later, pd.Series)):
            return
        early = (later < reported).to_numpy(dtype=bool)
        wrong = early & (later < reported - CLOCKS_MAY_DIFFER).to_numpy(dtype=bool) & (name in _LAST_STEPS)
        column = self.mapped.columns.get(name)
        raw = chunk.frame[column] if column else later
        self.log.add(chunk.rows[wrong], name, raw[wrong], "is more than a day before reported_at", kind="early")
        slightly = early & ~wrong
        self.log.add(
            chunk.rows[slightly], name, raw[slightly], "is before reported_at", kind="early", severity="warning"
        )  # fmt: skip

    def _identities(self, chunk: Chunk, values: dict[str, pd.Series]) -> ObjectArray:
        """Take the file's UUIDs, or make each from its code."""
        codes = values["code"].fillna("").to_numpy(dtype=object)
        given = values["id"].to_numpy(dtype=object) if "id" in values else np.full(len(codes), None, dtype=object)
        made = np.empty(len(codes), dtype=object)
        wrong = np.zeros(len(codes), dtype=bool)
        for place, (one, code) in enumerate(zip(given, codes, strict=True)):
            if not isinstance(one, str):
                made[place] = identity_of(code)
                continue
            try:
                made[place] = str(uuid.UUID(one))
            except ValueError:
                wrong[place] = True
        self.log.add(chunk.rows[wrong], "id", given[wrong], "is no UUID", kind="not_a_uuid")
        return made


def identity_of(code: str) -> str:
    """Make an incident's identity from its code: its version-5 UUID, written four times faster than by `uuid`."""
    digits = hashlib.sha1(INCIDENT_NAMESPACE.bytes + code.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def _plain(raw: pd.Series) -> list[object]:
    """Give cells as JSON values: numbers and booleans of typed columns as they are, anything else as text."""
    if pd.api.types.is_bool_dtype(raw.dtype):
        return [None if pd.isna(one) else bool(one) for one in raw]
    if pd.api.types.is_numeric_dtype(raw.dtype):
        return [None if pd.isna(one) else (int(one) if float(one).is_integer() else float(one)) for one in raw]
    typed = [one if isinstance(one, int | float) and one == one else None for one in raw]  # noqa: PLR0124
    texts = [one if isinstance(one, str) else None for one in as_text(raw)]
    return [text if value is None else value for value, text in zip(typed, texts, strict=True)]
