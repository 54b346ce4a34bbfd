"""Chinese map datums: WGS84 and CGCS2000 to GCJ-02 ("Mars coordinates") and BD-09, and back.

GCJ-02 is what Amap, Tencent and Google's Chinese maps show: WGS84 moved some hundreds of metres by a smooth
function. BD-09 is Baidu's second shift on top of it.
"""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import shapely

from geo.arrays import BoolArray, FloatArray, GeometryArray, as_points
from geo.errors import InvalidInputError

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
DATUMS: tuple[str, ...] = get_args(Datum)

CHINA_BOUNDS_DEG = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of the box in which the shifts act, as every published implementation has it."""

_KRASOVSKY_AXIS_M = 6_378_245.0
_KRASOVSKY_ECCENTRICITY2 = 0.006_693_421_622_965_943
_BD_PI = np.pi * 3000.0 / 180.0
_BD_SHIFT_DEG = np.array([0.0065, 0.006])
_STEP_LIMIT_DEG = 1e-11  # about a micrometre: far below the 1 cm that is promised
_MAX_STEPS = 30

_Shift = Callable[[FloatArray], FloatArray]


def to_wgs84(xy: npt.ArrayLike, datum: Datum) -> FloatArray:
    """Convert points of any datum to WGS84.

    Parameters
    ----------
    xy
        Shape (n, 2), degrees, (lon, lat). NaN stays NaN.
    datum
        What the numbers are in. "wgs84" and "cgcs2000" come back as they are: the ellipsoids differ by 0.1 mm
        in the semi-minor axis, the frames (ITRF97 at epoch 2000.0, today's WGS84) by some centimetres a year
        of plate motion, under a metre in all. That is below what a phone or a street map can tell.

    Returns
    -------
    points
        Shape (n, 2), degrees, (lon, lat). Applying `from_wgs84` gives `xy` back to better than 1 mm.

    Raises
    ------
    InvalidInputError
        If the shape is not (n, 2) or the datum is unknown.

    Notes
    -----
    A point outside `CHINA_BOUNDS_DEG`, judged by its own given numbers, is not moved. Points within a shift's
    length (under 2 km) of that box's edge, all sea or abroad, are the only ones without a round trip.

    References
    ----------
    The GCJ-02 function is the one known publicly since about 2010; constants and test points agree with the
    open implementations eviltransform, coordtransform and gcoord. Cities as the map services themselves give
    them in all three datums (gcoord's fixture) are met to 0.8 m in GCJ-02, and BD-09 from GCJ-02 to 2 cm.
    """
    points = _checked(xy, datum)
    if datum == "bd09":
        points = _invert(points, _gcj02_to_bd09)
    if datum in ("bd09", "gcj02"):
        points = _invert(points, _wgs84_to_gcj02)
    return points


def from_wgs84(xy: npt.ArrayLike, datum: Datum) -> FloatArray:
    """Convert WGS84 points to another datum: the inverse of `to_wgs84`, with the same rules.

    Parameters
    ----------
    xy
        Shape (n, 2), degrees, (lon, lat) in WGS84.
    datum
        What the result shall be in.

    Raises
    ------
    InvalidInputError
        If the shape is not (n, 2) or the datum is unknown.
    """
    points = _checked(xy, datum)
    if datum in ("bd09", "gcj02"):
        points = _apply(points, _wgs84_to_gcj02)
    if datum == "bd09":
        points = _apply(points, _gcj02_to_bd09)
    return points


def convert_geometry(geoms: npt.ArrayLike, datum: Datum) -> GeometryArray:
    """Convert every vertex of shapely geometries from `datum` to WGS84.

    Parameters
    ----------
    geoms
        Geometries in degrees (lon, lat); None and empty ones stay as they are. Heights are dropped.
    datum
        What their numbers are in.

    Returns
    -------
    geoms
        New two-dimensional geometries of the same types. Edges stay straight between the moved vertices.
    """
    array = np.asarray(geoms, dtype=object)
    if datum in ("wgs84", "cgcs2000"):
        return array.copy()
    moved: GeometryArray = shapely.transform(array, lambda xy: to_wgs84(xy, datum))
    return moved


def _checked(xy: npt.ArrayLike, datum: str) -> FloatArray:
    """Give a copy of the points, or refuse the datum."""
    if datum not in DATUMS:
        raise InvalidInputError(f"datum {datum!r} is unknown; it must be one of {', '.join(DATUMS)}")
    return as_points(xy).copy()


def _inside_china(xy: FloatArray) -> BoolArray:
    """Tell which points lie in the box where the shifts act; NaN lies outside."""
    west, south, east, north = CHINA_BOUNDS_DEG
    lon, lat = xy[:, 0], xy[:, 1]
    inside: BoolArray = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _apply(xy: FloatArray, shift: _Shift) -> FloatArray:
    """Shift the points inside China."""
    inside = _inside_china(xy)
    xy[inside] = shift(xy[inside])
    return xy


def _invert(xy: FloatArray, shift: _Shift) -> FloatArray:
    """Find the points that `shift` sends to `xy`: every step shrinks the error at least fiftyfold."""
    inside = _inside_china(xy)
    target = xy[inside]
    guess = target.copy()
    for _ in range(_MAX_STEPS):
        step = target - shift(guess)
        guess += step
        if np.abs(step).max(initial=0.0) < _STEP_LIMIT_DEG:
            break
    xy[inside] = guess
    return xy


def _wgs84_to_gcj02(xy: FloatArray) -> FloatArray:
    """Add the GCJ-02 shift: sines about 105 E, 35 N in metres, made degrees on Krasovsky's ellipsoid."""
    x, y = xy[:, 0] - 105.0, xy[:, 1] - 35.0
    root = np.sqrt(np.abs(x))
    ripple = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += ripple + _waves(x, (20.0, 40.0, 150.0, 300.0))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += ripple + _waves(y, (20.0, 40.0, 160.0, 320.0))
    lat = np.radians(xy[:, 1])
    flattening = 1.0 - _KRASOVSKY_ECCENTRICITY2 * np.sin(lat) ** 2
    meridian_m = _KRASOVSKY_AXIS_M * (1.0 - _KRASOVSKY_ECCENTRICITY2) / flattening**1.5
    parallel_m = _KRASOVSKY_AXIS_M / np.sqrt(flattening) * np.cos(lat)
    shift: FloatArray = np.degrees(np.column_stack([east_m / parallel_m, north_m / meridian_m]))
    return xy + shift


def _waves(value: FloatArray, heights_m: tuple[float, float, float, float]) -> FloatArray:
    """Sum one axis's sine waves of half-lengths 1, 3, 12 and 30 degrees."""
    waves = np.sin(np.multiply.outer(np.pi * value, 1.0 / np.array([1.0, 3.0, 12.0, 30.0])))
    return np.asarray(waves @ np.array(heights_m) * (2.0 / 3.0), dtype=np.float64)


def _gcj02_to_bd09(xy: FloatArray) -> FloatArray:
    """Add Baidu's shift: a ripple in radius and angle about the origin, then a constant."""
    lon, lat = xy[:, 0], xy[:, 1]
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_PI)
    shifted: FloatArray = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + _BD_SHIFT_DEG
    return shifted
