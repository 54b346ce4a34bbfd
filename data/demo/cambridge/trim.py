"""Make `cambridge.gpkg` from the city's collected open data: fewer layers and columns, shorter coordinates, no repair.

    python trim.py CAMBRIDGE_CITY.gpkg [OUT.gpkg]

Two columns are added, nothing is corrected: `row_id` names the row in the source layer where it has no name of its
own, `in_city` says whether the row's inside point lies in the city boundary.
"""

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

GeometryArray = NDArray[np.object_]
DECIMALS = 6  # of a degree: about 10 cm, finer than the source's survey
KEPT = {  # layer -> columns kept
    "city_boundary": [],
    "neighborhood": ["N_HOOD", "NAME"],
    "parcel": ["ML", "dwelling_units", "use", "stories", "year_built"],
    "street_centerline": ["ID", "Street", "MajorRoad"],
    "rail": ["TYPE", "GRADE"],
    "water": ["TYPE", "NAME"],
    "parking_lot": ["TYPE"],
    "municipal_parking": ["SiteName", "ML", "Type", "Address"],
    "litter_barrel": ["LOCATION", "TYPE"],
    "library": ["SITE_NAME", "ADDRESS"],
    "community_asset": ["AssetType", "Organization", "Neighborhood", "Address"],
    "elderly_facility": ["SITE_NAME", "PUBLICPRIV", "OWNER", "ADDRESS"],
}
ROW_ID = {  # layers without a column that names the row -> what its numbers begin with
    "city_boundary": "city",
    "rail": "rail",
    "water": "water",
    "parking_lot": "lot",
    "litter_barrel": "barrel",
    "library": "library",
    "community_asset": "asset",
    "elderly_facility": "elderly",
}
TOLERANCE_DEG = {  # vertices this near to a straight line go; elsewhere 1e-6, the grain of the rounding
    "city_boundary": 0.0,
    "neighborhood": 0.0,
    "street_centerline": 2e-6,
    "rail": 5e-6,
    "water": 5e-6,
    "parking_lot": 1.5e-5,
}
ENVELOPE = slice(8, 40)  # of a GeoPackage geometry with a box of x and y
IN_CITY = ("parcel", "parking_lot")


def trim(source: Path, target: Path) -> None:
    """Copy the layers of `KEPT`; the target is replaced."""
    target.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-01-01T00:00:00.000Z"})  # the same file every time
    (city,) = shorten(gpd.read_file(source, layer="city_boundary").geometry.to_numpy(), 0.0)
    for layer, columns in KEPT.items():
        frame = gpd.read_file(source, layer=layer)
        kept = frame[[*columns, "geometry"]].copy()
        if layer in ROW_ID:
            kept.insert(0, "row_id", [f"{ROW_ID[layer]}-{number}" for number in range(1, len(kept) + 1)])
        shapes = shorten(frame.geometry.to_numpy(), TOLERANCE_DEG.get(layer, 1e-6))
        if layer in IN_CITY:
            inside = shapely.within(shapely.point_on_surface(shapes), city)
            kept.insert(len(kept.columns) - 1, "in_city", np.where(inside, "yes", "no"))
        kept["geometry"] = shapes
        kept.to_file(target, layer=layer, driver="GPKG", SPATIAL_INDEX="NO")
    drop_envelopes(target)


def drop_envelopes(path: Path) -> None:
    """Take the optional bounding boxes out of the geometries and the free pages out of the file: a tenth of it."""
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT table_name FROM gpkg_contents").fetchall():
            rows = database.execute(f'SELECT fid, geom FROM "{table}"').fetchall()
            bare = [(_without_envelope(blob), fid) for fid, blob in rows]
            database.executemany(f'UPDATE "{table}" SET geom = ? WHERE fid = ?', bare)
        database.commit()
        database.execute("VACUUM")


def _without_envelope(blob: bytes) -> bytes:
    """Clear the three bits that say what box there is, and leave the box out."""
    has_xy_box = (blob[3] >> 1) & 0b111 == 1
    return blob[:3] + bytes([blob[3] & 0b11110001]) + blob[4:8] + blob[ENVELOPE.stop :] if has_xy_box else blob


def shorten(shapes: GeometryArray, tolerance_deg: float) -> GeometryArray:
    """Thin valid shapes, then round all; a shape that is invalid, or would be by it, keeps all its vertices."""
    valid = shapely.is_valid(shapes)
    thin = np.where(valid, shapely.simplify(shapes, tolerance_deg), shapes)
    short = shapely.remove_repeated_points(shapely.transform(thin, lambda xy: np.round(xy, DECIMALS)))
    kept: GeometryArray = np.where(shapely.is_valid(short) == valid, short, shapes)
    return kept


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, nargs="?", default=Path(__file__).with_name("cambridge.gpkg"))
    arguments = parser.parse_args()
    trim(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
