"""PDF set by Typst: maps as vectors, Chinese glyphs from an installed font, part of it embedded."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from data.errors import DataError

FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "Microsoft YaHei", "SimHei",
)  # fmt: skip
"""Chinese fonts in the order wished."""


class FontMissingError(DataError):
    """No font on this machine has Chinese glyphs."""


def typeset(template: Path, data: Mapping[str, Any], *, made_at: datetime) -> bytes:
    """Set a PDF from a template; everything that is said comes as data, as `sys.inputs.data`.

    Parameters
    ----------
    template
        A .typ file; what it includes lies beside it.
    made_at
        The document's time: the same data at the same time make the same file.

    Raises
    ------
    FontMissingError
        If no Chinese font is installed; the message says how to install one.
    """
    compiler = typst.Compiler(
        template.read_bytes(), root=template.parent, font_paths=_fonts(), ignore_system_fonts=True,
        sys_inputs={"data": json.dumps({**data, "font": chinese_font()}, ensure_ascii=False)},
    )  # fmt: skip
    made = compiler.compile(format="pdf", timestamp=int(made_at.timestamp()))
    if not isinstance(made, bytes):
        raise DataError("the typesetter gave no PDF")
    return made


def chinese_font() -> str:
    """Name the installed font that Chinese is set in."""
    return choose_font(_fonts().families())


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
