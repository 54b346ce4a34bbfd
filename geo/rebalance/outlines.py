"""Outlines of grids for the map."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.projection import to_metric
from geo.rebalance.plan import RebalancePlan

POINT_MARGIN_M = 15.0


def grid_frame(units: gpd.GeoDataFrame, plan: RebalancePlan) -> gpd.GeoDataFrame:
    """Draw every grid of a plan, in the CRS of the units.

    The outline is the union of the grid's units; of points, the union of their Voronoi cells inside the
    community's convex hull and 15 m around it.

    Returns
    -------
    grids
        Columns grid_id, community, households, units, in_band, compactness (null for points), geometry.
    """
    number = pd.Categorical(plan.grid_id, categories=[grid.grid_id for grid in plan.grids]).codes
    metric = to_metric(units)
    shapes = shapely.force_2d(metric.geometry.to_numpy())
    if (shapely.get_type_id(shapes) == 0).all():
        community = np.array([grid.community for grid in plan.grids], dtype=object)[number]
        shapes = _cells(shapes, community)
        crs = metric.crs
    else:
        shapes, crs = shapely.make_valid(shapely.force_2d(units.geometry.to_numpy())), units.crs
    order = np.argsort(number, kind="stable")
    groups = np.split(shapes[order], np.searchsorted(number[order], np.arange(1, len(plan.grids))))
    frame = gpd.GeoDataFrame(
        {
            field: [getattr(grid, field) for grid in plan.grids]
            for field in ("grid_id", "community", "households", "units", "in_band")
        },
        geometry=[shapely.union_all(group) for group in groups],
        crs=crs,
    )
    frame.insert(5, "compactness", np.array([grid.compactness for grid in plan.grids], dtype=float))
    return frame.to_crs(units.crs)


def _cells(points: npt.NDArray[np.object_], community: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Voronoi cell of each point within its community; coincident points share one."""
    cells = np.empty(len(points), dtype=object)
    for name in pd.unique(community):
        index = np.flatnonzero(community == name)
        around = shapely.buffer(shapely.convex_hull(shapely.multipoints(points[index])), POINT_MARGIN_M)
        spots, spot = np.unique(shapely.get_coordinates(points[index]), axis=0, return_inverse=True)
        if len(spots) == 1:
            cells[index] = around
            continue
        diagram = shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=around, ordered=True)
        cells[index] = shapely.intersection(shapely.get_parts(diagram), around)[spot.ravel()]
    return cells
