"""Polygons that lie side by side: no overlap, no sliver between them, and the same points on both sides of a border."""

import numpy as np
import shapely

from geo.arrays import GeometryArray

SNAP_M = 0.001
SLIVER_M = 0.05
"""A gap narrower than this is no gap but a rounding of the input."""
DETAIL_M = 1.0
"""Bends of a border smaller than about this are straightened."""
SPOT_M = 1.0
"""Radius of the ground of a unit that has none: one at the place of another, or a point outside the area."""
_M_PER_DEG = 111_320.0


def clean_lots(lots_m: GeometryArray) -> GeometryArray:
    """Make the lots of one community lie side by side, with plain borders; its outer border stays as it is.

    Parameters
    ----------
    lots_m
        Shape (n,), in metres, as `geo.lots.draw_lots` gives them. Points become small discs. Where lots overlap the
        ground goes to the smaller one, so that one of two units at one place keeps its own outline.

    Returns
    -------
    lots_m
        Shape (n,), polygons and multipolygons, none of them empty.
    """
    shapes = shapely.force_2d(lots_m)
    is_flat = shapely.area(shapes) == 0
    shapes = np.where(is_flat, shapely.buffer(shapes, SPOT_M, quad_segs=2), shapes)
    clean = shapely.coverage_clean(shapes, gap_width=SLIVER_M, snapping_distance=SNAP_M, merge_strategy="min_area")
    plain = shapely.coverage_simplify(clean, DETAIL_M, simplify_boundary=False)
    kept = np.where(shapely.is_empty(plain) | ~shapely.is_valid(plain), clean, plain)
    return np.asarray(np.where(shapely.is_empty(kept), shapes, kept), dtype=object)


def match_borders(outlines: GeometryArray) -> GeometryArray:
    """Make outlines of grids (degrees) lie side by side across communities too, for a topology without faults.

    Communities are cut separately, so a corner on one side of their common border is not a point of the other side's
    outline yet; it becomes one. Slivers of some centimetres go to a neighbour. Empty outlines stay empty.
    """
    filled = np.flatnonzero(~shapely.is_empty(outlines))
    found = outlines.copy()
    if len(filled):
        clean = shapely.coverage_clean(
            outlines[filled], gap_width=SLIVER_M / _M_PER_DEG, snapping_distance=SNAP_M / _M_PER_DEG
        )
        found[filled] = np.where(shapely.is_empty(clean), outlines[filled], clean)
    return found
