"""A notice's maps as SVG for paper."""

import geopandas as gpd
import shapely

from data.notice.drawing import MOVED, NEW_BORDER, Drawing
from data.printing.picture import Sheet, path, svg, text

LARGEST_LABEL_MM, SMALLEST_LABEL_MM = 2.5, 1.15


def fit(drawing: Drawing, *, width_mm: float, height_mm: float) -> Sheet:
    """Fit a notice's area into a box."""
    frame = drawing.communities if len(drawing.communities) else drawing.after
    return Sheet.fit(frame, width_mm=width_mm, height_mm=height_mm)


def draw_state(drawing: Drawing, grids: gpd.GeoDataFrame, sheet: Sheet, font: str) -> str:
    """Draw one state of the grids."""
    shapes = sheet.shapes(grids)
    parts = [path([shape], f'fill="{fill}"') for shape, fill in zip(shapes, grids["fill"], strict=True)]
    parts += [_base(drawing, sheet), path(shapes, f'fill="none" stroke="{NEW_BORDER}" stroke-width="0.22"')]
    parts += [_border(drawing, sheet), _labels(shapes, grids, font)]
    return svg(sheet, parts, font)


def draw_difference(drawing: Drawing, sheet: Sheet, font: str) -> str:
    """Draw old borders dashed, new borders whole, and the buildings that change."""
    after, before = sheet.shapes(drawing.after), sheet.shapes(drawing.before)
    parts = [
        path(after, 'fill="#f4f6f8"'),
        _base(drawing, sheet),
        path(after, f'fill="none" stroke="{NEW_BORDER}" stroke-width="0.3"'),
        path(before, f'fill="none" stroke="{MOVED}" stroke-width="0.3" stroke-dasharray="1.2 0.9"'),
        _border(drawing, sheet),
        path(sheet.shapes(drawing.changed), f'fill="{MOVED}" stroke="#7a2200" stroke-width="0.12"'),
        _labels(after, drawing.after, font),
    ]
    return svg(sheet, parts, font)


def _base(drawing: Drawing, sheet: Sheet) -> str:
    """Water and other barriers, roads."""
    barriers, roads = sheet.shapes(drawing.barriers), sheet.shapes(drawing.roads)
    return (
        path(barriers, 'fill="#b9d7ea" stroke="#7fa8c9" stroke-width="0.25"', only=(3, 6))
        + path(barriers, 'fill="none" stroke="#7fa8c9" stroke-width="0.5"', only=(1, 5))
        + path(roads, 'fill="none" stroke="#ffffff" stroke-width="0.45"')
    )


def _border(drawing: Drawing, sheet: Sheet) -> str:
    """Borders of communities."""
    return path(sheet.shapes(drawing.communities), 'fill="none" stroke="#3d4852" stroke-width="0.45"')


def _labels(shapes: list[shapely.Geometry], grids: gpd.GeoDataFrame, font: str) -> str:
    """Write each grid's short name and households, as large as the grid allows; nothing where that is too small."""
    made = []
    for shape, label, households in zip(shapes, grids["label"], grids["households"], strict=True):
        if shape.is_empty:
            continue
        lines = (str(label), f"{households}户")
        widest = max(sum(1.0 if ord(one) > 255 else 0.58 for one in line) for line in lines)
        room = 2 * shapely.length(shapely.maximum_inscribed_circle(shape, 0.2)) / max(widest, 2.2)
        size = min(LARGEST_LABEL_MM, room)
        if size < SMALLEST_LABEL_MM:
            continue
        spot = shapely.get_coordinates(shapely.maximum_inscribed_circle(shape, 0.2))[0]
        for number, line in enumerate(lines):
            weight = 700 if number == 0 else 400
            made.append(text(spot[0], spot[1] + (number * 1.12 - 0.12) * size, line, size, font, weight))
    return "".join(made)
