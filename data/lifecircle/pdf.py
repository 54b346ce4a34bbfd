"""A life-circle report as PDF on A4: a map for each rule, true to scale, and the tables."""

from pathlib import Path

import geopandas as gpd
import numpy as np

from data.lifecircle.content import Report
from data.lifecircle.drawing import MET, NOT_MET, UNKNOWN, is_asking
from data.lifecircle.html import area_frame, walked_roads
from data.lifecircle.wording import (
    CAPACITY_HEADINGS,
    COMMUNITY_HEADINGS,
    MILESTONE_HEADINGS,
    PROMISE_HEADINGS,
    RULE_HEADINGS,
    UNIT_HEADINGS,
    WITHOUT_HEADINGS,
    word,
)
from data.printing.picture import Sheet, path, svg
from data.printing.typeset import chinese_font, typeset
from geo.circles import open_rows, rows_of_types
from geo.verdicts import Judgement, Verdict

ASSETS = Path(__file__).parent / "assets"
MAP_MM = (87.0, 100.0)
SMALL_MM, LARGE_MM, LOT_OF_UNITS = 0.55, 1.0, 1500


def write_pdf(report: Report, *, approval: str = "") -> bytes:
    """Write the report.

    Parameters
    ----------
    approval
        The map's approval number (审图号); without one the maps say 示意图.

    Raises
    ------
    FontMissingError
        If no Chinese font is installed; the message says how to install one.
    """
    words = word(report, approval=approval)
    sheet = Sheet.fit(area_frame(report), width_mm=MAP_MM[0], height_mm=MAP_MM[1])
    data = {
        **vars(words),
        "found": [vars(one) for one in words.found],
        "maps": [_map(report, judged, sheet, chinese_font()) for judged in report.circles.judgements],
        "community_headings": COMMUNITY_HEADINGS,
        "unit_headings": UNIT_HEADINGS,
        "capacity_headings": CAPACITY_HEADINGS,
        "promise_headings": PROMISE_HEADINGS,
        "milestone_headings": MILESTONE_HEADINGS,
        "rule_headings": RULE_HEADINGS,
        "without_headings": WITHOUT_HEADINGS,
        "colours": {"met": MET, "not_met": NOT_MET, "unknown": UNKNOWN},
    }
    return typeset(ASSETS / "page.typ", data, made_at=report.made_at)


def _map(report: Report, judged: Judgement, sheet: Sheet, font: str) -> str:
    """Draw one rule's verdicts: unknown hollow, met blue, not met red and larger, facilities as black rings."""
    spots = gpd.GeoSeries(report.units.geometry.representative_point(), crs=report.units.crs)
    dots = np.array(sheet.shapes(spots.to_frame("geometry").set_geometry("geometry")), dtype=object)
    size = SMALL_MM if len(dots) > LOT_OF_UNITS else LARGE_MM
    facilities = report.facilities[judged.rule.facility_kind]
    facilities = facilities.iloc[open_rows(facilities, rows_of_types(facilities, judged.rule.facility_types))]
    parts = [
        path(sheet.shapes(report.barriers), 'fill="#b9d7ea" stroke="#7fa8c9" stroke-width="0.2"', only=(3, 6)),
        path(sheet.shapes(walked_roads(report)), 'fill="none" stroke="#d5dade" stroke-width="0.3"'),
        path(sheet.shapes(report.communities), 'fill="none" stroke="#3d4852" stroke-width="0.3"'),
    ]
    for verdict, style, large in (
        (Verdict.UNKNOWN, f'fill="#ffffff" stroke="{UNKNOWN}" stroke-width="0.15"', 1.0),
        (Verdict.MET, f'fill="{MET}"', 1.0),
        (Verdict.NOT_MET, f'fill="{NOT_MET}"', 1.35),
    ):
        shown = dots[(judged.verdict == verdict) & is_asking(judged)]
        parts.append(path(shown.tolist(), style, point_mm=size * large))
    if len(facilities):
        rings = sheet.shapes(facilities)
        parts.append(path(rings, 'fill="#ffd166" stroke="#111111" stroke-width="0.2"', point_mm=1.2))
    return svg(sheet, parts, font)
