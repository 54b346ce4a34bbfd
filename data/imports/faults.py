"""What is wrong with a file: faults row by row, bounded in memory, counted in full."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
MAX_KEPT = 100_000
MAX_SHOWN_CHARS = 60


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one row.

    Attributes
    ----------
    row
        The row as people count it in that file: the line of a table (its header is row 1), else the feature from 1.
    field
        Field of the layer, or `geometry`.
    value
        The value as the file has it, shortened.
    kind
        Short stable name by which faults are counted, such as `missing` or `out_of_range`.
    """

    row: int
    field: str
    value: str
    problem: str
    kind: str
    severity: Severity


class FaultLog:
    """Collects faults: the first `MAX_KEPT` whole, all of them counted."""

    def __init__(self) -> None:
        self.kept: list[Fault] = []
        self.counts: Counter[tuple[Severity, str, str]] = Counter()

    def add(
        self, rows: Iterable[int], field: str, values: Iterable[object], problem: str, *, kind: str,
        severity: Severity = "error",
    ) -> None:  # fmt: skip
        """Log one problem of many rows; `{value}` in the problem stands for each row's value."""
        for row, value in zip(rows, values, strict=True):
            self.counts[severity, kind, field] += 1
            if len(self.kept) < MAX_KEPT:
                shown = short(value)
                said = problem.replace("{value}", shown)
                self.kept.append(Fault(int(row), field, shown, said, kind, severity))

    @property
    def error_count(self) -> int:
        """How many errors there are, kept or not."""
        return sum(count for (severity, _, _), count in self.counts.items() if severity == "error")


def short(value: object) -> str:
    """Write a value for a message: one line of at most `MAX_SHOWN_CHARS` characters."""
    text = "" if value is None or value != value else str(value)  # noqa: PLR0124  (NaN alone is not itself)
    text = " ".join(text[: 2 * MAX_SHOWN_CHARS].split())
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
