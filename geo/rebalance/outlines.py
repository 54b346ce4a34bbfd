"""Outlines of grids for the map."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.arrays import BoolArray, GeometryArray, IntArray
from geo.lots import draw_lots
from geo.projection import to_metric
from geo.rebalance.borders import LEAST_BESIDE_M
from geo.rebalance.hairs import HAIR_M
from geo.rebalance.plan import RebalancePlan
from geo.shapes import mend_hairs

POINT_MARGIN_M = 15.0
SPREAD_M = 0.1
"""Points at one spot are set this far from it, so that each has a lot."""


def grid_frame(units: gpd.GeoDataFrame, plan: RebalancePlan) -> gpd.GeoDataFrame:
    """Draw every grid of a plan, in the CRS of the units.

    The outline is the union of the grid's units; of points, the union of their lots (`geo.lots`: every spot goes to the
    nearest point) inside the community's convex hull and 15 m around it, so that no two grids overlap. Where grids
    overlap because their units do, or hairs between its units (`hairs`) tear a grid, the units of the community are
    cleaned before: hairs are closed, and ground that two units claim goes to one of them.

    Returns
    -------
    grids
        Columns grid_id, community, households, units, in_band, compactness (null for points), geometry.
    """
    number = pd.Categorical(plan.grid_id, categories=[grid.grid_id for grid in plan.grids]).codes
    metric = to_metric(units)
    shapes_m = shapely.force_2d(metric.geometry.to_numpy())
    community = np.array([grid.community for grid in plan.grids], dtype=object)
    if (shapely.get_type_id(shapes_m) == 0).all():
        outlines = gpd.GeoSeries(_union(_lots(shapes_m, community[number]), number), crs=metric.crs).to_crs(units.crs)
    else:
        shapes = shapely.make_valid(shapely.force_2d(units.geometry.to_numpy()))
        outlines = gpd.GeoSeries(_union(shapes, number), crs=units.crs)
        torn = np.isin(community, community[_is_torn(outlines.to_crs(metric.crs).to_numpy())])
        if torn.any():
            own = torn[number]
            cleaned_m = shapely.coverage_clean(mend_hairs(shapes_m[own]), gap_width=HAIR_M)
            whole = gpd.GeoSeries(_union(cleaned_m, number[own]), crs=metric.crs).to_crs(units.crs)
            outlines[np.flatnonzero(torn)[~whole.is_empty]] = whole[~whole.is_empty].to_numpy()
    frame = gpd.GeoDataFrame(
        {
            field: [getattr(grid, field) for grid in plan.grids]
            for field in ("grid_id", "community", "households", "units", "in_band")
        },
        geometry=outlines,
    )
    frame.insert(5, "compactness", np.array([grid.compactness for grid in plan.grids], dtype=float))
    return frame


def _union(shapes: GeometryArray, number: IntArray) -> GeometryArray:
    """The union of the shapes of each number that there is, in ascending order."""
    order = np.argsort(number, kind="stable")
    groups = np.split(shapes[order], np.flatnonzero(np.diff(number[order])) + 1)
    return np.array([shapely.union_all(group) for group in groups], dtype=object)


def _is_torn(outlines_m: GeometryArray) -> BoolArray:
    """Which outlines overlap others or do not fit them, or have hairs inside over 3 m or more."""
    closed = shapely.buffer(shapely.buffer(outlines_m, HAIR_M / 2, join_style="mitre"), -HAIR_M / 2, join_style="mitre")
    has_hairs = shapely.length(outlines_m) - shapely.length(closed) >= LEAST_BESIDE_M
    return np.asarray(has_hairs | ~shapely.is_empty(shapely.coverage_invalid_edges(outlines_m)))


def _lots(points: GeometryArray, community: GeometryArray) -> GeometryArray:
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
