"""A notice as PDF on A4, set by Typst: maps as vectors, Chinese glyphs from an installed font, part of it embedded."""

from pathlib import Path

from data.notice.content import Notice
from data.notice.drawing import draw
from data.notice.picture import draw_difference, draw_state, fit
from data.notice.wording import BLANK, CHANGED_HEADINGS, GRID_HEADINGS, Terms, word
from data.printing.typeset import chinese_font, typeset

ASSETS = Path(__file__).parent / "assets"
PAIR_MM, WIDE_MM = (87.0, 96.0), (178.0, 190.0)


def write_pdf(notice: Notice, *, approval: str = "", terms: Terms = BLANK) -> bytes:
    """Write the notice.

    Parameters
    ----------
    approval
        The map's approval number (审图号); without one the maps say 示意图.
    terms
        How residents can answer.

    Raises
    ------
    FontMissingError
        If no Chinese font is installed; the message says how to install one.
    """
    font = chinese_font()
    words = word(notice, approval=approval, terms=terms)
    drawing = draw(notice)
    pair = fit(drawing, width_mm=PAIR_MM[0], height_mm=PAIR_MM[1])
    wide = fit(drawing, width_mm=WIDE_MM[0], height_mm=WIDE_MM[1])
    data = {
        **vars(words),
        "grid_headings": GRID_HEADINGS,
        "changed_headings": CHANGED_HEADINGS,
        "before": draw_state(drawing, drawing.before, pair, font),
        "after": draw_state(drawing, drawing.after, pair, font),
        "difference": draw_difference(drawing, wide, font),
    }
    return typeset(ASSETS / "page.typ", data, made_at=notice.facts["created_at"])
