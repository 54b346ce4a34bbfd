"""Lots: the ground around each unit, so that buildings that do not touch become neighbours and grids leave no gap."""

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import InvalidInputError

GeometryArray = npt.NDArray[np.object_]
STEP_M = 6.0
"""Spacing of the points that stand for a unit's outline."""
INSET_M = 0.3
"""Outlines are drawn in by this much, so that two units that touch do not share points."""
JITTER_M = 0.005


def draw_lots(geom_m: npt.ArrayLike, area_m: shapely.Geometry, *, step_m: float = STEP_M) -> GeometryArray:
    """Divide an area among units: every spot goes to the unit whose outline is nearest.

    The Voronoi diagram of points along the outlines, merged by unit and clipped to the area. Along a border that two
    units share the result follows it to about `INSET_M`; between units apart it runs midway.

    Parameters
    ----------
    geom_m
        Shape (n,), points or polygons of the units, in metres.
    area_m
        The area (a community), in the same metric CRS.
    step_m
        Spacing of outline points, metres; smaller is truer and slower.

    Returns
    -------
    lots
        Shape (n,), polygons that together fill the area; a unit of which no part is nearest (one that lies outside
        the area, or repeats another) keeps its own geometry.

    Raises
    ------
    InvalidInputError
        If a unit has no geometry; the message names its row, counted from 1.
    """
    units: GeometryArray = np.asarray(geom_m, dtype=object)
    empty = np.flatnonzero(shapely.is_missing(units) | shapely.is_empty(units))
    if len(empty):
        raise InvalidInputError(f"unit row {empty[0] + 1} has no geometry, so it has no lot")
    if len(units) == 0:
        return units
    # a border that was sound in degrees may cross itself by a hair in metres
    area_m = shapely.make_valid(area_m, method="structure", keep_collapsed=False)
    points, owner = _outline_points(units, step_m)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=area_m))
    inside = shapely.STRtree(cells).query(points, predicate="intersects")
    cell_owner = np.full(len(cells), -1)
    cell_owner[inside[1][::-1]] = owner[inside[0][::-1]]
    return _merge(units, cells, cell_owner, area_m)


def _outline_points(units: GeometryArray, step_m: float) -> tuple[GeometryArray, npt.NDArray[np.int64]]:
    """Distinct points along the outlines, and whose they are; the first unit wins a shared spot."""
    inset = np.where(shapely.area(units) > 0, shapely.buffer(units, -INSET_M, join_style="mitre"), units)
    inset = np.where(shapely.is_empty(inset), shapely.point_on_surface(units), inset)
    xy, owner = shapely.get_coordinates(shapely.segmentize(inset, step_m), return_index=True)
    _, first = np.unique(np.round(xy, 3), axis=0, return_index=True)
    first.sort()
    # GEOS draws wrong cells for points on one circle, such as the corners of a rectangle: move each by some millimetres
    moved = xy[first] + np.random.default_rng(0).uniform(-JITTER_M, JITTER_M, (len(first), 2))
    return shapely.points(moved), owner[first]


def _merge(
    units: GeometryArray, cells: GeometryArray, owner: npt.NDArray[np.int64], area_m: shapely.Geometry
) -> GeometryArray:
    """Union the cells of each unit, clipped to the area."""
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(units) + 1))
    whole = np.array(
        [shapely.union_all(cells[order[bounds[i] : bounds[i + 1]]]) for i in range(len(units))], dtype=object
    )
    shapely.prepare(area_m)
    crossing = ~shapely.contains_properly(area_m, whole)
    whole[crossing] = shapely.intersection(whole[crossing], area_m)
    parts = np.array([_polygons(lot) for lot in whole], dtype=object)
    return np.where(shapely.is_empty(parts), units, parts)


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    """Keep what has an area of an intersection."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = shapely.get_parts(geometry)
    return shapely.union_all(parts[shapely.area(parts) > 0])
