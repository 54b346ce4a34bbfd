"""Compile the search kernels ahead of time: `python -m geo.rebalance.warm` leaves them on disk for later processes."""

import geopandas as gpd
import shapely

from geo.rebalance.engine import rebalance


def warm() -> None:
    """Cut a drawn town of 8 x 8 squares in every mode, compounds free and whole, so that every kernel is compiled."""
    squares = [shapely.box(10 * x, 10 * y, 10 * x + 10, 10 * y + 10) for y in range(8) for x in range(8)]
    columns = {"households": 10, "now": [n % 8 // 2 for n in range(64)], "compound": [str(n // 3) for n in range(64)]}
    town = gpd.GeoDataFrame(columns, geometry=squares, crs=4547)
    for mode in ("redraw", "adjust"):
        for compound in (None, "compound"):
            rebalance(
                town, households="households", current="now", compound=compound, floor=100, ceiling=150, mode=mode
            )


if __name__ == "__main__":
    warm()
