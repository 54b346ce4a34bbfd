"""The density pyramid's arithmetic: which cell a point lies in, in numpy and in SQL alike.

A cell is a Web-Mercator tile `CELL_BITS` zooms deeper than the tile that shows it, so a tile holds 64 x 64 cells and
the cells of one zoom are the quarters of the next. `incident_cell` stores cells of every second zoom (each costs every
report an upsert), and under a key in which the cells of a tile follow each other: a tile reads one range of it, or two
where it joins the cells of the finer zoom four by four.
"""

import math

import numpy as np
import numpy.typing as npt

TILE_ZOOMS = range(8, 15)
CELL_BITS = 6
CELLS_OF_TILE = 1 << 2 * CELL_BITS
MAX_LAT_DEG = 85.05112877980659  # where the Mercator square ends


CELL_ZOOMS = tuple(range(TILE_ZOOMS.start + CELL_BITS, TILE_ZOOMS.stop + CELL_BITS, 2))


def cell_zoom(tile_zoom: int) -> int:
    """Give the zoom of the stored cells that a tile of this zoom reads: those it shows, or their quarters."""
    wanted = min(max(tile_zoom + CELL_BITS, CELL_ZOOMS[0]), CELL_ZOOMS[-1])
    return wanted + (wanted - CELL_ZOOMS[0]) % 2


def cells(xy: npt.NDArray[np.float64], zoom: int) -> npt.NDArray[np.int64]:
    """Find the cells of points.

    Parameters
    ----------
    xy
        Shape (n, 2), degrees, (lon, lat), finite; what lies beyond the Mercator square goes to its edge.
    zoom
        Zoom of the cells (one of `CELL_ZOOMS`), not of the tile.

    Returns
    -------
    cells
        Shape (n, 2): x from the west, y from the north, both from 0 to 2**zoom - 1.
    """
    lat = np.radians(np.clip(xy[:, 1], -MAX_LAT_DEG, MAX_LAT_DEG))
    unit = np.column_stack([(xy[:, 0] + 180.0) / 360.0, 0.5 - np.arcsinh(np.tan(lat)) / (2.0 * math.pi)])
    found: npt.NDArray[np.int64] = np.clip(np.floor(unit * 2**zoom), 0, 2**zoom - 1).astype(np.int64)
    return found


def key_sql(z: str, x: str, y: str) -> str:
    """Write the SQL of a cell's key: zoom, column and row of its tile (14 bits each), column and row in the tile (6 each)."""
    tile = f"(({z})::bigint << 40) | ((({x}) >> {CELL_BITS})::bigint << 26) | ((({y}) >> {CELL_BITS})::bigint << 12)"
    return f"{tile} | ((({x}) & 63) << {CELL_BITS}) | (({y}) & 63)"


def cell_sql(lon: str, lat: str, zoom: int) -> tuple[str, str]:
    """Write the SQL expressions of a point's cell x and y, equal to `cells`.

    Parameters
    ----------
    lon, lat
        SQL expressions in degrees, such as `ST_X(t.geom)`; never user input.
    zoom
        Zoom of the cells.
    """
    side = 2**zoom
    bounded = f"radians(least({MAX_LAT_DEG}, greatest(-{MAX_LAT_DEG}, {lat})))"
    x = f"({lon} + 180.0) / 360.0"
    y = f"0.5 - asinh(tan({bounded})) / (2.0 * pi())"
    return tuple(f"least({side - 1}, greatest(0, floor(({one}) * {side})))::integer" for one in (x, y))  # type: ignore[return-value]
