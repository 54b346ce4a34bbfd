"""The local metric CRS: which zone, which frames are kept, and that metres come out true."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.errors import InvalidInputError
from geo.projection import metric_crs, to_metric


def points(*lonlat, crs=4326):
    return gpd.GeoDataFrame(geometry=[shapely.Point(p) for p in lonlat], crs=crs)


@pytest.mark.parametrize(
    ("lonlat", "epsg"),
    [
        (
            (115.0, 30.2),
            4547,
        ),  # Huangshi: the nearest meridian is 114 = 75 + 13 * 3, and 4534 + 13
        ((75.9, 39.5), 4534),  # Kashgar: 75
        ((134.9, 48.4), 4554),  # the far east: 135
        ((103.8, 1.3), 32648),  # Singapore, outside: UTM zone floor((103.8 + 180) / 6) + 1 = 48 north
        ((-71.1, 42.4), 32619),  # Cambridge
        ((-58.4, -34.6), 32721),  # Buenos Aires, south
    ],
)
def test_zone_of_a_place(lonlat, epsg):
    assert metric_crs(points(lonlat)).to_epsg() == epsg


def test_projected_metres_are_kept_and_not_copied():
    frame = points((500_000, 3_340_000), crs=4547)
    assert to_metric(frame) is frame


@pytest.mark.parametrize("epsg", [3857, 3395, 4087, 2249])
def test_stretched_world_maps_and_feet_are_not_metres(epsg):
    frame = points((-71.1, 42.4)).to_crs(epsg)
    assert metric_crs(frame).to_epsg() == 32619


@settings(deadline=None)
@given(st.floats(73.5, 135), st.floats(18, 53), st.floats(0, 360))
def test_a_kilometre_is_a_kilometre(lon, lat, azimuth):
    """Scale grows as 1 + (angle from the meridian)^2 / 2; at 1.6 degrees that is 0.39 m in a km."""
    geod = Geod(ellps="WGS84")
    lon2, lat2, _ = geod.fwd(lon, lat, azimuth, 1000.0)
    xy = shapely.get_coordinates(to_metric(points((lon, lat), (lon2, lat2))).geometry.to_numpy())
    assert np.hypot(*(xy[1] - xy[0])) == pytest.approx(1000.0, abs=0.5)


def test_what_cannot_be_projected_is_refused():
    with pytest.raises(InvalidInputError, match="no coordinate reference system"):
        metric_crs(points((1, 2), crs=None))
    with pytest.raises(InvalidInputError, match="no finite coordinates"):
        metric_crs(gpd.GeoDataFrame(geometry=[shapely.Point()], crs=4326))
    with pytest.raises(InvalidInputError, match="no longitude"):
        metric_crs(points((500_000, 3_340_000), crs=4326))
