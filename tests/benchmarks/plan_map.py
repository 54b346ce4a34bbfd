"""Draw a plan as a picture, to be looked at: what no figure tells, the eye sees."""

from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import shapely

mpl.use("Agg")
from matplotlib import pyplot as plt

CLOSE_M, POINTS_APART_M = 12.0, 150.0
COLOURS = plt.get_cmap("Set3")


def draw(
    path: Path, units: gpd.GeoDataFrame, grid: npt.NDArray[np.int64], barriers: gpd.GeoDataFrame | None,
    band: tuple[float, float],
) -> None:  # fmt: skip
    """Colour the units by grid; outlines with the streets closed (of points hulls); red outside the band."""
    size = np.bincount(grid, units["households"])
    is_out = (size < band[0]) | (size > band[1])
    is_point = bool((shapely.get_type_id(units.geometry.to_numpy()) == 0).all())
    geometry = shapely.buffer(shapely.make_valid(units.geometry.to_numpy()), CLOSE_M, quad_segs=2)
    wide = np.array([shapely.union_all(geometry[grid == number]) for number in range(len(size))])
    wide = shapely.convex_hull(wide) if is_point else wide
    outline = shapely.buffer(wide, -CLOSE_M + 0.1, quad_segs=2)
    outline = np.where(shapely.is_empty(outline) | is_point, wide, outline)  # slivers shrink to nothing
    colour = _colour(outline, POINTS_APART_M if is_point else 2 * CLOSE_M)
    figure, axes = plt.subplots(figsize=(16, 16))
    units.plot(ax=axes, color=COLOURS(colour[grid] % 12), edgecolor="white", linewidth=0.1, markersize=24)
    gpd.GeoSeries(outline[~is_out]).plot(ax=axes, facecolor="none", edgecolor="black", linewidth=0.8)
    if is_out.any():
        gpd.GeoSeries(outline[is_out]).plot(ax=axes, facecolor="none", edgecolor="red", linewidth=1.6, hatch="//")
    west, south, east, north = units.total_bounds
    if barriers is not None:
        barriers.plot(ax=axes, color="magenta", linewidth=1.5)
    for place, households in zip(shapely.point_on_surface(outline), size, strict=True):
        axes.annotate(f"{households:.0f}", (place.x, place.y), fontsize=6, ha="center", clip_on=True)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_axis_off()
    figure.savefig(path, dpi=100, bbox_inches="tight")
    plt.close(figure)


def _colour(outline: npt.NDArray[np.object_], apart_m: float) -> npt.NDArray[np.int64]:
    """A number for every outline that none of its neighbours has."""
    a, b = shapely.STRtree(outline).query(outline, predicate="dwithin", distance=apart_m)
    colour = np.full(len(outline), -1)
    for number in np.argsort(-np.bincount(a, minlength=len(outline)), kind="stable"):
        taken = set(colour[b[a == number]].tolist())
        colour[number] = next(k for k in range(len(outline) + 1) if k not in taken)
    return colour
