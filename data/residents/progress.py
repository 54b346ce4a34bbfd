"""How far a resident's report is, as everyone who holds its tracking code is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

STEPS = {
    "reported": "received", "accepted": "accepted", "assigned": "handling", "in_progress": "handling",
    "returned": "handling", "paused": "paused", "resolved": "done", "verified": "done", "closed": "closed",
    "rated": "rated", "rejected": "rejected", "reopened": "reopened", "merged": "joined",
}  # fmt: skip
"""What a resident is told of each status."""
ORDER_STEPS = {
    "assigned": "dispatched",
    "returned": "dispatched",
    "in_progress": "taken",
    "resolved": "served",
    "verified": "served",
}
"""What a resident is told of an order's statuses, where that is not the same."""


class Happening(Protocol):
    """An event of an incident."""

    @property
    def status(self) -> str:
        """What it became."""

    @property
    def detail(self) -> dict[str, Any] | None:
        """What the status does not say."""

    @property
    def at(self) -> datetime:
        """When."""


@dataclass(frozen=True)
class Step:
    """Something that happened to a report, as its sender is told."""

    key: str
    at: datetime


@dataclass(frozen=True)
class Progress:
    """How far a report is: nothing that names a person, and no note of the staff.

    Attributes
    ----------
    receipt
        Receipt number of the case: that of the one that it was joined into.
    step
        What it is now.
    steps
        Its own steps; of a joined report then those of the one that it is handled as.
    body, body_en
        Who handles it; in English where that is known.
    due_at, due_words, due_words_en
        Until when, and why then; None where there is no limit, its clock stands still or it is done.
    may_rate, may_reopen_until
        Whether the holder of the code may rate it, and until when they may say that it is not done.
    """

    receipt: str
    category: str
    category_en: str
    step: str
    steps: tuple[Step, ...]
    body: str | None
    is_joined: bool
    due_at: datetime | None
    due_words: str | None
    due_words_en: str | None
    rating: int | None
    may_rate: bool
    may_reopen_until: datetime | None
    time_zone: str
    body_en: str | None = None


def step_of(status: str, *, is_order: bool = False) -> str:
    """Name the step that a status is to a resident."""
    return (ORDER_STEPS if is_order else {}).get(status, STEPS[status])


def steps_of(events: Iterable[Happening], *, is_order: bool = False) -> tuple[Step, ...]:
    """Read a history as its reporter is told: what it became, each once in a row.

    Parameters
    ----------
    events
        In order. What only adds to a status (more time, another report joined) is no step; parting is.
    """
    found: list[Step] = []
    for event in events:
        key = "parted" if "from" in (event.detail or {}) else step_of(event.status, is_order=is_order)
        if not found or found[-1].key != key:
            found.append(Step(key, event.at))
    return tuple(found)


def joined_steps(own: Iterable[Step], kept: Iterable[Step]) -> tuple[Step, ...]:
    """Put the steps of a joined report before those of the one that it is handled as, which was received by itself."""
    return (*own, *(step for step in kept if step.key != "received"))
