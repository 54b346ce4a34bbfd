"""Outlines of grids for the map."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.lots import draw_lots
from geo.projection import to_metric
from geo.rebalance.plan import RebalancePlan

GeometryArray = npt.NDArray[np.object_]
POINT_MARGIN_M = 15.0
SPREAD_M = 0.1
"""Points at one spot are set this far from it, so that each has a lot."""


def grid_frame(units: gpd.GeoDataFrame, plan: RebalancePlan) -> gpd.GeoDataFrame:
    """Draw every grid of a plan, in the CRS of the units.

    The outline is the union of the grid's units; of points, the union of their lots (`geo.lots`: every spot goes to the
    nearest point) inside the community's convex hull and 15 m around it, so that no two grids overlap.

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
        shapes = _lots(shapes, community)
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


def _lots(points: GeometryArray, community: npt.NDArray[np.object_]) -> GeometryArray:
    """Lot of each point, clipped to what lies around its community; points at one spot divide its lot."""
    names, number = np.unique(community.astype(str), return_inverse=True)
    around = np.array([shapely.convex_hull(shapely.multipoints(points[number == k])) for k in range(len(names))])
    around = shapely.buffer(around, POINT_MARGIN_M)
    lots = draw_lots(_spread(points), shapely.union_all(around))
    return np.asarray(shapely.intersection(lots, around[number]))


def _spread(points: GeometryArray) -> GeometryArray:
    """Points of which those at one spot stand on a small circle around it."""
    xy = shapely.get_coordinates(points)
    _, spot, members = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    spot = spot.ravel()
    order = np.argsort(spot, kind="stable")
    place = np.empty(len(xy))
    place[order] = np.arange(len(xy)) - (np.cumsum(members) - members)[spot[order]]
    turn = 2 * np.pi * place / members[spot]
    radius_m = np.where(members[spot] > 1, SPREAD_M, 0.0)
    return np.asarray(shapely.points(xy + radius_m[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)))
