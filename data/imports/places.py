"""Where rows lie: areas and grids that are in the database, by code and by location."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.imports.periods import NOWHERE, Indexed, Periods
from geo.arrays import FloatArray, IntArray

HOME_ZONE = "Asia/Shanghai"
_AREAS = """
SELECT id, code, level, path::text, time_zone, NULL AS grid_code, ST_AsBinary(geom), NULL::timestamp, NULL::timestamp
FROM area WHERE level = ANY (:levels) ORDER BY nlevel(path) DESC, code
"""
_GRIDS = """
SELECT g.area_id, g.code, 'grid', g.path::text, a.time_zone, g.code, ST_AsBinary(g.geom),
  g.starts_at AT TIME ZONE 'UTC', g.ends_at AT TIME ZONE 'UTC'
FROM grid g JOIN area a ON a.id = g.area_id WHERE g.is_effective OR g.valid_to IS NOT NULL ORDER BY g.code, g.id
"""


@dataclass(frozen=True)
class Places:
    """Areas, and grids before them, in the order in which they claim a point: the deepest, then the lowest code.

    Attributes
    ----------
    ids
        `area.id` of each place; of a grid, its community's.
    codes, levels, paths, zones, grid_codes
        What is known of each place; `grid_codes` is None for areas. One more entry at the end stands for nowhere, so
        that index -1 can be looked up.
    by_code
        Area code to index.
    always
        The places without a time at which they begin or end, all but some grids.
    periods
        The others, None when there are none.
    """

    ids: npt.NDArray[np.object_]
    codes: npt.NDArray[np.object_]
    levels: npt.NDArray[np.object_]
    paths: npt.NDArray[np.object_]
    zones: npt.NDArray[np.object_]
    grid_codes: npt.NDArray[np.object_]
    by_code: dict[str, int]
    always: Indexed
    periods: Periods | None = None

    def tag(self, xy: FloatArray) -> IntArray:
        """Find the place of each point, -1 where it lies in none; grids that begin or end do not count."""
        return self.always.tag(xy)

    def tag_at(self, xy: FloatArray, times: "pd.Series[pd.Timestamp]", found: IntArray) -> IntArray:
        """Find the place of each point at its time, as the database's trigger `place_incident` does.

        Parameters
        ----------
        times
            UTC.
        found
            What `tag` found for the points.
        """
        if self.periods is None:
            return found
        dated = self.periods.tag(xy, times)
        is_before = (dated != NOWHERE) & ((found == NOWHERE) | (dated < found))
        return np.where(is_before, dated, found)

    def find(self, codes: npt.NDArray[np.object_], prefix: str) -> IntArray:
        """Find areas by code, with the prefix or as written; -1 where there is none."""
        found = (self.by_code.get(prefix + str(one), self.by_code.get(str(one), NOWHERE)) for one in codes)
        return np.fromiter(found, dtype=np.int64, count=len(codes))

    def __len__(self) -> int:
        """How many places there are."""
        return len(self.ids) - 1


def load_places(connection: Connection, levels: tuple[str, ...], *, with_grids: bool = False) -> Places:
    """Load the areas of some levels, and the grids that are or were in force."""
    rows = list(connection.execute(text(_GRIDS))) if with_grids else []
    rows += connection.execute(text(_AREAS), {"levels": list(levels)})
    listed = [tuple(row) for row in rows]
    polygons = shapely.from_wkb(np.array([bytes(row[6]) for row in listed], dtype=object))
    nowhere = (None, None, None, "", HOME_ZONE, None)
    columns = [np.array([row[place] for row in [*listed, nowhere]], dtype=object) for place in range(6)]
    by_code = {row[1]: place for place, row in enumerate(listed) if row[5] is None}
    ids, codes, levels_, paths, zones, grid_codes = columns
    starts, ends = (np.array([row[place] for row in listed], dtype="datetime64[us]") for place in (7, 8))
    is_always = np.isnat(starts) & np.isnat(ends)
    always, dated = np.flatnonzero(is_always), np.flatnonzero(~is_always)
    periods = Periods(dated, polygons[dated], starts[dated], ends[dated]) if len(dated) else None
    undated = Indexed.of(polygons[always], always)
    return Places(ids, codes, levels_, paths, zones, grid_codes, by_code, undated, periods)


def inside_points(geoms: npt.NDArray[np.object_]) -> FloatArray:
    """Give a point on each geometry that says where it lies; NaN where there is no geometry."""
    if (shapely.get_type_id(geoms) == shapely.GeometryType.POINT).all():
        return np.column_stack([shapely.get_x(geoms), shapely.get_y(geoms)])
    points = shapely.point_on_surface(geoms)
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)])


def label(code: str) -> str:
    """Make an `ltree` label of a code."""
    return re.sub(r"[^A-Za-z0-9_]", "_", code)


def join(path: str, code: str) -> str:
    """Put a code under a path."""
    return f"{path}.{label(code)}" if path else label(code)
