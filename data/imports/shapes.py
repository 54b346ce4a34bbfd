"""Geometry of a file: brought to EPSG:4326, checked, given the one form in which equal shapes are equal."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely import GeometryType

from data.errors import BadInputError
from data.imports.faults import FaultLog
from data.imports.mapping import Mapped
from data.imports.source import Chunk
from data.imports.values import as_text
from geo.arrays import BoolArray, FloatArray, GeometryArray
from geo.datum import DATUMS, convert_geometry
from layers.layer import Layer

WGS84 = CRS.from_epsg(4326)
ALIKE_EPSG = (4326, 4490)  # CGCS2000 degrees differ from WGS84 by centimetres: taken as they are
_POINTS = (GeometryType.POINT, GeometryType.MULTIPOINT)
_LINES = (GeometryType.LINESTRING, GeometryType.MULTILINESTRING)
_POLYGONS = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)
_ALLOWED = {"point": _POINTS, "line": _LINES, "polygon": _POLYGONS}
_ANY = {"unit": (*_POLYGONS, *_POINTS), "parking": (*_POLYGONS, *_POINTS), "barrier": (*_LINES, *_POLYGONS)}


@dataclass(frozen=True)
class Reprojection:
    """How a file's coordinates become WGS84 degrees.

    Attributes
    ----------
    convert
        From the file's geometries to degrees.
    datum
        The datum of the degrees, kept with incidents.
    assumptions
        What was assumed about the CRS.
    """

    convert: Callable[[GeometryArray], GeometryArray]
    datum: str
    assumptions: tuple[str, ...] = ()


def choose_reprojection(wanted: str | None, said: CRS | None, sample: GeometryArray) -> Reprojection:
    """Decide what the coordinates are in: as the caller says, as the file says, else degrees if they can be.

    Parameters
    ----------
    wanted
        `EPSG:n` or a datum's name.
    said
        The file's own CRS.
    sample
        Some of the file's geometries.

    Raises
    ------
    BadInputError
        If the CRS is unknown, contradicts the file, or is missing where the numbers are no degrees.
    """
    if wanted and wanted.casefold() in DATUMS:
        return _by_datum(wanted.casefold(), said)
    if wanted:
        crs = _parse_crs(wanted)
        notes = () if said is None or said == crs else (f"the file says {said.name}; it is read as {wanted} as asked",)
        return Reprojection(_transformation(crs), "wgs84", notes)
    if said is not None:
        return Reprojection(_transformation(said), "wgs84", (f"coordinates are in {said.name}, as the file says",))
    odd = _no_degrees(sample)
    if odd is not None:
        raise BadInputError(
            f"the file does not say its coordinate reference system and ({odd[0]:g}, {odd[1]:g}) is no longitude and "
            "latitude; say --crs EPSG:n"
        )
    note = "the file does not say its coordinate reference system; longitude and latitude in WGS84 are assumed"
    return Reprojection(_transformation(WGS84), "wgs84", (note,))


def geometries(chunk: Chunk, mapped: Mapped, log: FaultLog) -> GeometryArray:
    """Give a chunk's geometries: its own, or made of its columns; None where there is none."""
    if chunk.geometry is not None:
        return chunk.geometry
    if mapped.wkt is not None:
        texts = as_text(chunk.frame[mapped.wkt])
        found = shapely.from_wkt(texts.astype(object).where(texts.notna(), None).to_numpy(), on_invalid="ignore")
        broken = texts.notna().to_numpy() & shapely.is_missing(found)
        log.add(chunk.rows[broken], "geometry", texts[broken], "is no WKT", kind="not_wkt")
        return np.asarray(found, dtype=object)
    columns = []
    for column in (mapped.lon, mapped.lat):
        texts = as_text(chunk.frame[column])
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        broken = texts.notna().to_numpy() & ~np.isfinite(numbers)
        log.add(chunk.rows[broken], str(column), texts[broken], "is no number", kind="not_a_number")
        columns.append(np.where(np.isfinite(numbers), numbers, np.nan))
    xy = np.column_stack(columns)
    found = np.full(len(xy), None, dtype=object)
    there = np.isfinite(xy).all(axis=1)
    found[there] = shapely.points(xy[there])
    return found


def check(
    geoms: GeometryArray, rows: npt.NDArray[np.int64], layer: Layer, log: FaultLog, *, may_repair: bool
) -> GeometryArray:
    """Check geometries in degrees and give those that pass in their one form; None where one does not.

    Points are single points, lines are MultiLineStrings and polygons MultiPolygons in layers of one kind, the simplest
    type in layers of several; polygons start at their lowest vertex and run counter-clockwise.
    """
    geoms = np.asarray(shapely.force_2d(geoms), dtype=object)

    def refuse(mask: BoolArray, values: object, problem: str, kind: str) -> None:
        if mask.any():
            shown = np.broadcast_to(np.asarray(values, dtype=object), mask.shape)[mask]
            log.add(rows[mask], "geometry", shown, problem, kind=kind)
            geoms[mask] = None

    gone = shapely.is_missing(geoms) | shapely.is_empty(geoms)
    refuse(gone, None, "is missing", "missing")
    geoms = _single_points(geoms)
    types = shapely.get_type_id(geoms)
    allowed = _ANY[layer.name] if layer.geometry_type == "any" else _ALLOWED[layer.geometry_type]
    kinds = np.array([GeometryType(one).name.lower() if one >= 0 else "" for one in range(-1, 8)], dtype=object)
    fits = np.isin(types, [int(one) for one in allowed if one != GeometryType.MULTIPOINT])
    refuse(
        (types >= 0) & ~fits, kinds[types + 1], f"does not fit the layer, whose geometry is {_named(allowed)}", "type"
    )
    refuse(_not_finite(geoms), None, "has coordinates that are not finite", "not_finite")
    _refuse_outside(geoms, shapely.bounds(geoms), refuse)
    geoms = _valid(geoms, rows, log, may_repair=may_repair, refuse=refuse)
    return _one_form(geoms, is_multi=layer.geometry_type in ("line", "polygon"))


def _not_finite(geoms: GeometryArray) -> BoolArray:
    """Tell which geometries have a coordinate that is NaN or infinite."""
    xy, owner = shapely.get_coordinates(geoms, return_index=True)
    found = np.zeros(len(geoms), dtype=bool)
    found[owner[~np.isfinite(xy).all(axis=1)]] = True
    return found


def _named(allowed: tuple[GeometryType, ...]) -> str:
    """Name the kinds of geometry for people."""
    kinds = {_POINTS: "points", _LINES: "lines", _POLYGONS: "polygons"}
    return " or ".join(name for group, name in kinds.items() if group[0] in allowed)


def _refuse_outside(geoms: GeometryArray, bounds: FloatArray, refuse: Callable[..., None]) -> None:
    """Refuse coordinates that are no longitude and latitude."""
    west, south, east, north = bounds.T
    present = ~shapely.is_missing(geoms)
    outside = present & ((west < -180) | (east > 180) | (south < -90) | (north > 90))
    swapped = outside & (np.abs(west) <= 90) & (np.abs(east) <= 90) & (np.abs(south) <= 180) & (np.abs(north) <= 180)
    shown = np.array([f"({x:g}, {y:g})" for x, y in zip(east, north, strict=True)], dtype=object)
    limit = "longitude is -180 to 180, latitude -90 to 90"
    refuse(swapped, shown, f"lies off the earth ({limit}); longitude and latitude look swapped", "out_of_range")
    refuse(outside & ~swapped, shown, f"lies off the earth ({limit})", "out_of_range")


def _single_points(geoms: GeometryArray) -> GeometryArray:
    """Make points of MultiPoints with one point."""
    single = (shapely.get_type_id(geoms) == GeometryType.MULTIPOINT) & (shapely.get_num_geometries(geoms) == 1)
    if single.any():
        geoms[single] = shapely.get_geometry(geoms[single], 0)
    return geoms


def _valid(
    geoms: GeometryArray, rows: npt.NDArray[np.int64], log: FaultLog, *, may_repair: bool, refuse: Callable[..., None]
) -> GeometryArray:
    """Refuse invalid geometries with the reason, or repair them and say what changed."""
    broken = ~shapely.is_missing(geoms) & ~shapely.is_valid(geoms)
    if not broken.any():
        return geoms
    reasons = np.full(len(geoms), None, dtype=object)
    reasons[broken] = [_rounded(reason) for reason in shapely.is_valid_reason(geoms[broken])]
    if not may_repair:
        refuse(broken, reasons, "is not valid; repair it or say --repair", "invalid")
        return geoms
    for place in np.flatnonzero(broken):
        before = geoms[place]
        after = _repaired(before)
        if after is None:
            log.add([rows[place]], "geometry", [reasons[place]], "is not valid and cannot be repaired", kind="invalid")
            geoms[place] = None
            continue
        area = abs(after.area - before.area) / max(after.area, before.area, np.finfo(float).tiny)
        parts = f"{shapely.get_num_geometries(before)} to {shapely.get_num_geometries(after)}"
        said = f"was not valid and is repaired; its area changes by {area:.2%}, its parts from {parts}"
        log.add([rows[place]], "geometry", [reasons[place]], said, kind="repaired", severity="warning")
        geoms[place] = after
    return geoms


def _rounded(reason: str) -> str:
    """Shorten the coordinates in GEOS's reason."""
    return re.sub(r"(-?\d+\.\d{6})\d+", r"\1", reason)


def _repaired(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """Make a geometry valid and keep the parts of its own dimension."""
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(geometry, method="structure")))
    dimension = shapely.get_dimensions(geometry)
    kept = [part for part in parts if shapely.get_dimensions(part) == dimension]
    if not kept:
        return None
    return (
        kept[0] if len(kept) == 1 else (shapely.MultiPolygon(kept) if dimension == 2 else shapely.MultiLineString(kept))
    )


def _one_form(geoms: GeometryArray, *, is_multi: bool) -> GeometryArray:
    """Give every geometry the one form of its shape."""
    types = shapely.get_type_id(geoms)
    polygon = np.isin(types, [int(one) for one in _POLYGONS])
    if polygon.any():
        geoms[polygon] = shapely.orient_polygons(shapely.normalize(geoms[polygon]))
    multi = np.isin(types, [int(GeometryType.MULTIPOLYGON), int(GeometryType.MULTILINESTRING)])
    if is_multi:
        for kind, make in (
            (GeometryType.POLYGON, shapely.multipolygons),
            (GeometryType.LINESTRING, shapely.multilinestrings),
        ):
            for place in np.flatnonzero(types == kind):
                geoms[place] = make([geoms[place]])
    else:
        single = multi & (shapely.get_num_geometries(geoms) == 1)
        if single.any():
            geoms[single] = shapely.get_geometry(geoms[single], 0)
    return geoms


def _by_datum(datum: str, said: CRS | None) -> Reprojection:
    """Read degrees of a named datum."""
    if said is not None and not said.is_geographic:
        raise BadInputError(f"the file is in {said.name}, in metres; {datum} is for degrees")
    notes = () if said is None else (f"the file says {said.name}; it is read as {datum} as asked",)
    if datum == "wgs84":
        return Reprojection(_transformation(WGS84), datum)
    return Reprojection(lambda geoms: convert_geometry(geoms, datum), datum, notes)  # type: ignore[arg-type]


def _parse_crs(wanted: str) -> CRS:
    """Read `EPSG:n`."""
    try:
        return CRS.from_user_input(wanted.upper())
    except CRSError:
        raise BadInputError(f"the CRS {wanted} is unknown; say EPSG:n, {', '.join(DATUMS)}") from None


def _transformation(crs: CRS) -> Callable[[GeometryArray], GeometryArray]:
    """Make the conversion from a CRS to WGS84 degrees."""
    if crs.is_geographic and crs.to_epsg(min_confidence=70) in ALIKE_EPSG:
        return lambda geoms: np.array(geoms, dtype=object)
    transformer = Transformer.from_crs(crs, WGS84, always_xy=True)

    def convert(geoms: GeometryArray) -> GeometryArray:
        flat = shapely.force_2d(geoms)
        moved: GeometryArray = shapely.transform(
            flat, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])) if len(xy) else xy
        )
        return moved

    return convert


def _no_degrees(sample: GeometryArray) -> tuple[float, float] | None:
    """Find coordinates that are no degrees, even swapped."""
    bounds = shapely.bounds(sample)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    odd = bounds[(np.abs(bounds) > 180).any(axis=1)]
    return (float(odd[0, 0]), float(odd[0, 1])) if len(odd) else None
