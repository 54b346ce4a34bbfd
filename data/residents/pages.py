"""The pages of residents' reports as HTML that needs no script: the form, the receipt, the progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2

from data.residents.progress import Progress
from data.residents.words import LANGUAGES, RATINGS, local_time, say, step_name

ASSETS = Path(__file__).parent / "assets"
FIELDS = ("category", "words", "where", "phone", "photos", "place")
TONES = {"closed": "good", "rated": "good", "rejected": "bad", "paused": "warn", "reopened": "warn"}


@dataclass(frozen=True)
class Reading:
    """How a page is read: its language, whether large, whether the city is a sample, whether it is an order's."""

    lang: str = "zh"
    is_elder: bool = False
    is_sample: bool = False
    is_order: bool = False

    @property
    def title(self) -> str:
        """What a page is for: to report a matter, or to order a service of volunteers."""
        return say(self.lang, "order" if self.is_order else "title")


@dataclass(frozen=True)
class Form:
    """What the form offers.

    Attributes
    ----------
    key
        Of this report.
    place, grid, community
        Where a QR code led to: the code, the grid's code if it is one, the community's name.
    communities
        Code and name, where no QR code led here.
    categories
        Group name, and its members as code and name.
    """

    key: str
    place: str
    grid: str
    community: str
    communities: Sequence[tuple[str, str]]
    categories: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    most_photos: int
    photo_mb: int
    contact_days: int


def render_form(
    reading: Reading, form: Form, values: Mapping[str, str], faults: Sequence[tuple[str, str]], *, has_photos: bool
) -> str:
    """Write the form.

    Parameters
    ----------
    values
        What was typed before: `category`, `words`, `where`, `phone`, `place`.
    faults
        Field and sentence, of what can't be used.
    has_photos
        Whether photos were chosen, which a page can't choose again.
    """
    own = {"category": "order_kind", "words": "order_words", "where": "order_where"} if reading.is_order else {}
    names = {field: say(reading.lang, own.get(field) or field) for field, _ in faults if field in FIELDS}
    filled = {name: values.get(name, "") for name in FIELDS if name != "photos"}
    query = {"place": form.place} if form.place else {}
    other_kind = urlencode({**query, **({} if reading.is_order else {"kind": "order"}), "lang": reading.lang})
    query |= {"kind": "order"} if reading.is_order else {}
    return _render(
        "report.html", reading, f"/public/report?{urlencode(query)}", **vars(form), values=filled, faults=faults,
        names=names, wrong={field for field, _ in faults}, has_photos=has_photos, is_order=reading.is_order,
        title=reading.title, label=lambda field: say(reading.lang, own.get(field) or field),
        other_kind=f"/public/report?{other_kind}",
    )  # fmt: skip


def render_receipt(reading: Reading, key: str, code: str, receipt: str, *, is_new: bool, address: str) -> str:
    """Write what the sender keeps: the tracking code, and the address where it is asked for."""
    return _render(
        "receipt.html", reading, "/public/track?", key=key, code=code, receipt=receipt, is_new=is_new, address=address
    )


def render_progress(
    reading: Reading, code: str, progress: Progress, values: Mapping[str, str], *, said: str = "", tone: str = "good"
) -> str:
    """Write how far a report is, with what its holder may answer."""
    lang, zone = reading.lang, progress.time_zone
    until = progress.may_reopen_until
    return _render(
        "track.html", reading, "/public/track?", code=code, progress=progress, said=said, tone=tone,
        body=progress.body if lang == "zh" else progress.body_en or progress.body,
        category=progress.category if lang == "zh" else progress.category_en,
        due=progress.due_words if lang == "zh" else progress.due_words_en,
        state_tone=TONES.get(progress.step, "info"), step_name=partial(step_name, lang),
        steps=[
            (step_name(lang, step.key), local_time(lang, step.at, zone), step.at.isoformat()) for step in progress.steps
        ],
        ratings=[(number, names[LANGUAGES.index(lang)]) for number, names in enumerate(RATINGS, 1)],
        reopen_until=until and local_time(lang, until, zone),
        values={name: values.get(name, "") for name in ("to", "rating", "note")},
    )  # fmt: skip


def render_question(reading: Reading, code: str = "", said: str = "") -> str:
    """Write the form that asks for a tracking code."""
    return _render("track.html", reading, "/public/track?", code=code, progress=None, said=said, tone="bad")


def _render(name: str, reading: Reading, own: str, **values: Any) -> str:
    """Fill a template, with the way to the same page in the other language."""
    other = "en" if reading.lang == "zh" else "zh"
    elder = "&elder=1" if reading.is_elder else ""
    return _template(name).render(
        **values, lang=reading.lang, is_elder=reading.is_elder, is_sample=reading.is_sample, other=other,
        other_href=f"{own}&lang={other}{elder}".replace("?&", "?"), say=partial(say, reading.lang),
    )  # fmt: skip


@lru_cache
def _template(name: str) -> jinja2.Template:
    """Load a page's template."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return made.get_template(name)
