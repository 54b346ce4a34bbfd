"""Search as people type it: Chinese, pinyin with or without all its letters, English."""

import unicodedata
from collections.abc import Iterable

from pypinyin import Style, lazy_pinyin

MARK = "|"
"""Parts the words of a thing: nobody's query goes over it."""


def normal(text: str) -> str:
    """Write a text as searches compare it: full-width letters as plain ones, small, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().replace(MARK, " ").split())


def keys_of(spelled: Iterable[str | None], plain: Iterable[str | None]) -> str:
    """Make what is searched of one thing, each word once.

    Parameters
    ----------
    spelled
        Texts that are found by their characters, their pinyin (`xialu`) and its initials (`xl`).
    plain
        Texts that are found by their characters alone.
    """
    found: dict[str, None] = {}
    for text in spelled:
        if text:
            found |= dict.fromkeys((normal(text), spelled_out(text), _pinyin(text, Style.FIRST_LETTER)))
    found |= dict.fromkeys(normal(text) for text in plain if text)
    return MARK.join(word for word in found if word)


def matches(keys: str, query: str) -> bool:
    """Tell whether every word of a query is somewhere in a thing's keys."""
    return all(word in keys for word in normal(query).split())


def spelled_out(text: str) -> str:
    """Spell a text in pinyin without tones and spaces; what is no Chinese stays."""
    return _pinyin(text, Style.NORMAL)


def _pinyin(text: str, style: Style) -> str:
    """Spell a text in a style."""
    return normal("".join(lazy_pinyin(text, style=style))).replace(" ", "")
