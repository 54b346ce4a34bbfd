"""Shapes as they are read from files: mended where no doubt is left about them, refused where there is."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely import GeometryType

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray
from geo.errors import InvalidInputError
from geo.projection import to_metric

MOST_CHANGE_RATIO = 0.001
"""A polygon that is not valid is mended where its area changes by no more than this; else its shape is in doubt."""
LEAST_AREA_M2 = 1e-6
FLAT = "is a polygon with an area of 0 m2"
FAULTS_SHOWN = 20
ROWS_SHOWN = 10
POINTS = (GeometryType.POINT,)
POLYGONS = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)


@dataclass(frozen=True)
class Shapes:
    """Geometries that can be used, but for the rows with a fault.

    Attributes
    ----------
    geom
        Shape (n,), flat: points, polygons and multipolygons, in the CRS they came in.
    mended
        Rows whose polygon was not valid, or came in a collection, and is now.
    faults
        What is wrong, by row.
    """

    geom: GeometryArray
    mended: IntArray
    faults: dict[int, str]


def read_shapes(frame: gpd.GeoDataFrame) -> Shapes:
    """Look at the geometries of a frame: polygons, or points, of which one alone may come as a MultiPoint.

    A polygon that is not valid is mended where that changes its area by no more than `MOST_CHANGE_RATIO` (rings that
    touch themselves, spikes); where it changes more (bow-ties, parts that overlap) nobody can tell what was meant.

    Parameters
    ----------
    frame
        Any frame with a CRS.
    """
    geom = np.array(shapely.force_2d(frame.geometry.to_numpy()), dtype=object)
    faults = _absent(geom)
    single = (shapely.get_type_id(geom) == GeometryType.MULTIPOINT) & (shapely.get_num_geometries(geom) == 1)
    geom[single] = shapely.get_geometry(geom[single], 0)
    whole = _without(geom, faults)
    mended = _mend(whole, faults)
    geom[mended] = whole[mended]
    faults |= _of_wrong_kind(_without(geom, faults))
    sound = np.setdiff1d(np.arange(len(geom)), list(faults))
    if len(sound):
        faults |= _without_ground(frame.set_geometry(geom, crs=frame.crs).iloc[sound], sound)
    return Shapes(geom, np.setdiff1d(mended, list(faults)), faults)


def sound_units(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, IntArray]:
    """Give a frame of units with shapes that can be used, and the rows that were mended for it.

    Raises
    ------
    InvalidInputError
        If a geometry is missing, empty, not finite, no polygon or point, without area, of another kind than the others
        or not valid in a way that leaves its shape in doubt; the message names the rows.
    """
    read = read_shapes(frame)
    refuse(geometry_faults(read))
    return frame.set_geometry(gpd.GeoSeries(read.geom, index=frame.index, crs=frame.crs)), read.mended


def mend_hairs(geom_m: GeometryArray) -> GeometryArray:
    """Mend polygons that were valid before they were projected, and now cross themselves by a hair."""
    mended = geom_m.copy()
    for row in np.flatnonzero(~shapely.is_valid(geom_m)):
        mended[row] = _polygons(geom_m[row])
    return mended


def geometry_faults(shapes: Shapes) -> list[str]:
    """Say what is wrong with shapes, in order of row; rows with one fault are told of together."""
    rows: dict[str, list[int]] = {}
    for row in sorted(shapes.faults):
        rows.setdefault(shapes.faults[row], []).append(row)
    return [f"{_named(alike)}, geometry: {text}" for text, alike in rows.items()]


def _named(rows: list[int]) -> str:
    """Name rows, the first ones by number, which a person counts from 1."""
    if len(rows) == 1:
        return f"row {rows[0] + 1}"
    more = f" and {len(rows) - ROWS_SHOWN} more" if len(rows) > ROWS_SHOWN else ""
    return f"rows {', '.join(str(row + 1) for row in rows[:ROWS_SHOWN])}{more}"


def refuse(faults: list[str]) -> None:
    """Raise all faults in one error, the first ones in words."""
    if not faults:
        return
    more = f"; and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
    raise InvalidInputError("; ".join(faults[:FAULTS_SHOWN]) + more)


def _without(geom: GeometryArray, faults: dict[int, str]) -> GeometryArray:
    """A copy with nothing where there is a fault."""
    kept = geom.copy()
    kept[list(faults)] = None
    return kept


def _absent(geom: GeometryArray) -> dict[int, str]:
    """Shapes that are not there, or nowhere."""
    missing = shapely.is_missing(geom) | shapely.is_empty(geom)
    faults = dict.fromkeys(np.flatnonzero(missing).tolist(), "missing or empty")
    return faults | _not_finite(geom, geom, "is not finite")


def _not_finite(geom: GeometryArray, placed: GeometryArray, problem: str) -> dict[int, str]:
    """Shapes with a coordinate that is no number once they are placed; the first such coordinate of each."""
    xy, owner = shapely.get_coordinates(geom, return_index=True)
    wrong = np.flatnonzero(~np.isfinite(shapely.get_coordinates(placed)).all(axis=1))[::-1]
    return {int(owner[at]): f"the coordinate ({xy[at, 0]:.10g}, {xy[at, 1]:.10g}) {problem}" for at in wrong}


def _mend(geom: GeometryArray, faults: dict[int, str]) -> IntArray:
    """Mend polygons in place where their area stays, and give their rows; tell of those that cannot be mended."""
    mended = []
    is_collection = shapely.get_type_id(geom) == GeometryType.GEOMETRYCOLLECTION
    for row in np.flatnonzero((~shapely.is_missing(geom) & ~shapely.is_valid(geom)) | is_collection):
        before = geom[row]
        if shapely.get_dimensions(before) < 2:
            continue
        after = _polygons(before)
        change = _change_ratio(before, after)
        if shapely.is_empty(after):
            faults[int(row)] = FLAT
        elif change > MOST_CHANGE_RATIO:
            limit = f"{MOST_CHANGE_RATIO:.1%}"
            faults[int(row)] = f"{_reason(before)}; mending would change its area by {change:.1%}, the limit is {limit}"
        else:
            geom[row] = after
            mended.append(row)
    return np.array(mended, dtype=np.int64)


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    """What a geometry covers, as a valid polygon or multipolygon; empty where it covers nothing."""
    made = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts([made]))
    return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), POLYGONS)])


def _change_ratio(before: shapely.Geometry, after: shapely.Geometry) -> float:
    """By what share of the larger one two areas differ."""
    return float(abs(after.area - before.area) / max(after.area, before.area, np.finfo(float).tiny))


def _reason(geometry: shapely.Geometry) -> str:
    """What GEOS says is wrong, and where: `Self-intersection at 500070 3340010`."""
    reason, _, place = str(shapely.is_valid_reason(geometry)).rstrip("]").partition("[")
    return f"{reason} at {place}" if place else "its parts overlap"


def _of_wrong_kind(geom: GeometryArray) -> dict[int, str]:
    """Shapes that are no polygons or points, and the fewer ones where there are both."""
    kind = shapely.get_type_id(geom)
    is_point, is_polygon = np.isin(kind, POINTS), np.isin(kind, POLYGONS)
    odd = np.flatnonzero((kind >= 0) & ~is_point & ~is_polygon)
    faults = {int(row): f"is a {geom[row].geom_type}, not a polygon or a point" for row in odd}
    if is_point.any() and is_polygon.any():
        fewer, name, others = (
            (is_point, "point", "polygons") if is_point.sum() <= is_polygon.sum() else (is_polygon, "polygon", "points")
        )
        text = f"is a {name} among {others}; all are polygons or all are points"
        faults |= dict.fromkeys(np.flatnonzero(fewer).tolist(), text)
    return faults


def _without_ground(frame: gpd.GeoDataFrame, rows: IntArray) -> dict[int, str]:
    """Shapes that have no place in metres, and polygons that cover no ground."""
    metric = to_metric(frame)
    geom_m: GeometryArray = metric.geometry.to_numpy()
    lost = _not_finite(frame.geometry.to_numpy(), geom_m, f"has no place in {metric.crs.name}")
    with np.errstate(invalid="ignore"):
        area_m2: FloatArray = shapely.area(geom_m)
    is_flat: BoolArray = np.isin(shapely.get_type_id(geom_m), POLYGONS) & ~(area_m2 > LEAST_AREA_M2)
    flat = dict.fromkeys(np.flatnonzero(is_flat).tolist(), FLAT)
    return {int(rows[at]): text for at, text in (flat | lost).items()}
