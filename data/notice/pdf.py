"""A notice as PDF on A4, set by Typst: maps as vectors, Chinese glyphs from an installed font, part of it embedded."""

import json
from functools import lru_cache
from pathlib import Path

import typst

from data.errors import DataError
from data.notice.content import Notice
from data.notice.drawing import draw
from data.notice.picture import Sheet, draw_difference, draw_state
from data.notice.wording import BLANK, CHANGED_HEADINGS, GRID_HEADINGS, Terms, word

ASSETS = Path(__file__).parent / "assets"
FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "Microsoft YaHei", "SimHei",
)  # fmt: skip
"""Chinese fonts in the order wished."""
PAIR_MM, WIDE_MM = (87.0, 96.0), (178.0, 190.0)


class FontMissingError(DataError):
    """No font on this machine has Chinese glyphs."""


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
    fonts = _fonts()
    font = choose_font(fonts.families())
    words = word(notice, approval=approval, terms=terms)
    drawing = draw(notice)
    pair = Sheet.fit(drawing, width_mm=PAIR_MM[0], height_mm=PAIR_MM[1])
    wide = Sheet.fit(drawing, width_mm=WIDE_MM[0], height_mm=WIDE_MM[1])
    data = {
        **vars(words),
        "font": font,
        "grid_headings": GRID_HEADINGS,
        "changed_headings": CHANGED_HEADINGS,
        "before": draw_state(drawing, drawing.before, pair, font),
        "after": draw_state(drawing, drawing.after, pair, font),
        "difference": draw_difference(drawing, wide, font),
    }
    compiler = typst.Compiler(
        (ASSETS / "page.typ").read_bytes(), root=ASSETS, font_paths=fonts, ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )  # fmt: skip
    made = compiler.compile(format="pdf", timestamp=int(notice.facts["created_at"].timestamp()))
    if not isinstance(made, bytes):
        raise DataError("the typesetter gave no PDF")
    return made


def choose_font(families: list[str]) -> str:
    """Choose a font with Chinese glyphs among those installed."""
    for name in FONTS:
        if name in families:
            return name
    raise FontMissingError(
        "no font with Chinese glyphs is installed; install one, such as with: apt-get install fonts-noto-cjk"
    )


@lru_cache
def _fonts() -> typst.Fonts:
    """Find the fonts of the system, once."""
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=False)
