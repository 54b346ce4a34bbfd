"""Maps as SVG for paper: true to scale, in millimetres, north up, with a scale bar."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from geo.arrays import FloatArray
from geo.projection import metric_crs

MARGIN_RATIO = 0.02
POINT_MM = 0.9
BAR_MM = 30.0


@dataclass(frozen=True)
class Sheet:
    """Where the map lies on the paper.

    Attributes
    ----------
    west_m, north_m
        Upper left corner.
    mm_a_m
        Millimetres on paper for a metre.
    """

    crs: CRS
    west_m: float
    north_m: float
    mm_a_m: float
    width_mm: float
    height_mm: float

    @classmethod
    def fit(cls, frame: gpd.GeoDataFrame, *, width_mm: float, height_mm: float) -> "Sheet":
        """Fit a frame into a box; the sheet is as wide as the box and as high as it must be."""
        crs = metric_crs(frame)
        west, south, east, north = frame.to_crs(crs).total_bounds.tolist()
        wide, high = max(east - west, 1.0), max(north - south, 1.0)
        mm_a_m = min(width_mm / wide, height_mm / high) / (1 + 2 * MARGIN_RATIO)
        made_mm = min(height_mm, high * mm_a_m * (1 + 2 * MARGIN_RATIO))
        west_m = (west + east) / 2 - width_mm / mm_a_m / 2
        return cls(crs, west_m, (north + south) / 2 + made_mm / mm_a_m / 2, mm_a_m, width_mm, made_mm)

    def shapes(self, frame: gpd.GeoDataFrame) -> list[shapely.Geometry]:
        """Shapes of a frame in millimetres on the paper, y downwards."""

        def place(xy: FloatArray) -> FloatArray:
            return np.column_stack([xy[:, 0] - self.west_m, self.north_m - xy[:, 1]]) * self.mm_a_m

        return list(shapely.transform(shapely.force_2d(frame.to_crs(self.crs).geometry.to_numpy()), place))


def svg(sheet: Sheet, parts: Iterable[str], font: str) -> str:
    """Put a picture together: frame, contents, scale bar, arrow to the north."""
    wide, high = f"{sheet.width_mm:.2f}", f"{sheet.height_mm:.2f}"
    frame = f'<rect width="{wide}" height="{high}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}mm" height="{high}mm" viewBox="0 0 {wide} {high}">'
        f'<clipPath id="frame">{frame}/></clipPath><g clip-path="url(#frame)" stroke-linejoin="round">'
        f'{frame} fill="#fbfbf9"/>{"".join(parts)}{_bar(sheet, font)}{_arrow(sheet, font)}</g>'
        f'{frame} fill="none" stroke="#9aa4ae" stroke-width="0.3"/></svg>'
    )


def path(
    shapes: Iterable[shapely.Geometry], style: str, *, only: tuple[int, ...] | None = None, point_mm: float = POINT_MM
) -> str:
    """Write shapes as one path; points as small discs."""
    parts = [part for shape in shapes for part in _flat(shape)]
    steps = "".join(_steps(part, point_mm) for part in parts if only is None or shapely.get_type_id(part) in only)
    return f'<path d="{steps}" fill-rule="evenodd" {style}/>' if steps else ""


def _flat(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Take collections apart, to the last."""
    parts = shapely.get_parts(shape)
    return list(shapely.get_parts(parts)) if len(parts) else []


def _steps(part: shapely.Geometry, point_mm: float) -> str:
    """Write one point, line or polygon as path commands."""
    kind = shapely.get_type_id(part)
    if kind == 0:
        r = point_mm / 2
        return f"M{part.x - r:.2f} {part.y:.2f}a{r} {r} 0 1 0 {point_mm} 0a{r} {r} 0 1 0 -{point_mm} 0Z"
    if kind == 1:
        return _line(shapely.get_coordinates(part))
    if kind != 3:
        return ""
    rings = [part.exterior, *part.interiors]
    return "".join(_line(shapely.get_coordinates(ring)[:-1]) + "Z" for ring in rings if not ring.is_empty)


def _line(xy: FloatArray) -> str:
    """Write coordinates as path commands."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in xy.tolist())


def text(x: float, y: float, line: str, size: float, font: str, weight: int = 400) -> str:
    """Write a line of text around its middle, with a white edge that keeps it readable."""
    shared = (
        f'x="{x:.2f}" y="{y:.2f}" font-family="{escape(font)}" font-size="{size:.2f}" font-weight="{weight}" '
        'text-anchor="middle"'
    )
    said = escape(line)
    edge = f'fill="none" stroke="#ffffff" stroke-opacity="0.75" stroke-width="{size * 0.22:.2f}"'
    return f"<text {shared} {edge}>{said}</text>" + f'<text {shared} fill="#12263f">{said}</text>'


def _bar(sheet: Sheet, font: str) -> str:
    """Draw a scale bar of a round length."""
    longest = BAR_MM / sheet.mm_a_m
    power = 10 ** np.floor(np.log10(longest))
    length = float(max(step * power for step in (1, 2, 5) if step * power <= longest))
    x, y, wide = 3.0, sheet.height_mm - 3.0, length * sheet.mm_a_m
    said = f"{length / 1000:g} 千米" if length >= 1000 else f"{length:g} 米"
    return (
        f'<path d="M{x} {y - 1.2}V{y}H{x + wide:.2f}V{y - 1.2}" fill="none" stroke="#12263f" stroke-width="0.35"/>'
        + text(x + wide / 2, y - 0.9, said, 2.2, font)
    )


def _arrow(sheet: Sheet, font: str) -> str:
    """Draw an arrow to the north."""
    x, y = sheet.width_mm - 5.0, 8.0
    arrow = f'<path d="M{x} {y - 4}L{x + 1.6} {y + 2}L{x} {y + 0.8}L{x - 1.6} {y + 2}Z" fill="#12263f"/>'
    return arrow + text(x, y + 4.8, "北", 2.4, font, 700)
