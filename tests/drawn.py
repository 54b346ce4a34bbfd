"""Towns drawn in metres about (0, 0), put on the map and into files."""

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

OFFSET = np.array([500_000.0, 3_340_000.0])  # in EPSG:4547, about 114.0 E, 30.2 N


def frame(shapes, **columns):
    """Put shapes drawn about (0, 0) on the map."""
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + OFFSET)
    return gpd.GeoDataFrame(columns, geometry=moved, crs=4547)


def write(path, layer, rows):
    """Add a layer to a GeoPackage, in degrees."""
    pyogrio.write_dataframe(rows.to_crs(4326), path, layer=layer, driver="GPKG", append=path.exists())
