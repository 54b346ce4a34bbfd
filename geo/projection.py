"""The local metric CRS of a frame: metres are measured there, never in degrees."""

import geopandas as gpd
import numpy as np
from pyproj import CRS

from geo.errors import InvalidInputError

CHINA_BOUNDS_DEG = (73.0, 3.4, 135.5, 53.6)
"""West, south, east, north: where CGCS2000 3-degree zones are defined."""
FIRST_ZONE_EPSG, FIRST_MERIDIAN_DEG, ZONE_WIDTH_DEG, ZONE_COUNT = 4534, 75.0, 3.0, 21
STRETCHED_METHODS = ("Pseudo Mercator", "Mercator (variant", "Equidistant Cylindrical")
"""Projection methods of world maps: metres of their plane are not metres on the ground."""


def metric_crs(frame: gpd.GeoDataFrame) -> CRS:
    """Choose the CRS in which this frame's distances and areas are metres.

    A projected CRS in metres is kept, except the world-wide ones (Web Mercator and its like) whose metres are
    stretched away from the equator. Everything else gets the zone of its centre: CGCS2000 3-degree
    Gauss-Krueger inside China (EPSG:4534 at 75 E to EPSG:4554 at 135 E, no zone prefix), UTM elsewhere.

    Parameters
    ----------
    frame
        Any frame with a CRS and at least one geometry that is not empty.

    Raises
    ------
    InvalidInputError
        If the frame has no CRS, no coordinates, or coordinates that are not finite.
    """
    if frame.crs is None:
        raise InvalidInputError("the frame has no coordinate reference system")
    if _is_local_metric(frame.crs):
        return CRS(frame.crs)
    degrees = frame.geometry if frame.crs.equals(CRS.from_epsg(4326), True) else frame.geometry.to_crs(4326)
    west, south, east, north = degrees.total_bounds
    if not np.isfinite([west, south, east, north]).all():
        raise InvalidInputError("the frame has no finite coordinates")
    lon_deg, lat_deg = (west + east) / 2, (south + north) / 2
    if not (-180 <= lon_deg <= 180 and -90 <= lat_deg <= 90):
        raise InvalidInputError(f"the centre ({lon_deg:g}, {lat_deg:g}) is no longitude and latitude in degrees")
    return CRS.from_epsg(_zone_epsg(float(lon_deg), float(lat_deg)))


def to_metric(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Copy a frame into its local metric CRS (see `metric_crs`); one already there is returned as it is."""
    crs = metric_crs(frame)
    return frame if frame.crs == crs else frame.to_crs(crs)


def _is_local_metric(crs: CRS) -> bool:
    """Tell whether a CRS is projected, in metres, and not a stretched world map."""
    if not crs.is_projected or any(axis.unit_conversion_factor != 1 for axis in crs.axis_info[:2]):
        return False
    operation = (crs.sub_crs_list[0] if crs.is_compound else crs).coordinate_operation
    method = operation.method_name if operation else ""
    return not any(name in method for name in STRETCHED_METHODS)


def _zone_epsg(lon_deg: float, lat_deg: float) -> int:
    """Find the EPSG code of the CGCS2000 zone or the WGS 84 UTM zone that holds a place."""
    west, south, east, north = CHINA_BOUNDS_DEG
    if west <= lon_deg <= east and south <= lat_deg <= north:
        zone = round((lon_deg - FIRST_MERIDIAN_DEG) / ZONE_WIDTH_DEG)
        return FIRST_ZONE_EPSG + min(max(zone, 0), ZONE_COUNT - 1)
    zone = min(int((lon_deg + 180) // 6) + 1, 60)
    return (32600 if lat_deg >= 0 else 32700) + zone
