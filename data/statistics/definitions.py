"""What the indicators and the label sets are: data in two readable files, checked when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Literal

from data.rules.table import RuleFileError, check_cell, choice, number, read_table, whole
from data.statistics.parts import PART_SQL
from layers.tables import INCIDENT_STATUSES

FOLDER = Path(__file__).parent.parent / "reference"
PART_FILE = FOLDER / "part.csv"
PART_COLUMNS = ("code", "name", "name_en", "definition", "definition_en")
INDICATOR_FILE, LABEL_FILE = FOLDER / "indicator.csv", FOLDER / "label_set.csv"
INDICATOR_COLUMNS = (
    "code", "name", "name_en", "numerator", "denominator", "direction", "good", "watch", "definition", "definition_en",
    "open_cases", "open_cases_en", "source",
)  # fmt: skip
LABEL_COLUMNS = ("code", "name", "name_en", "place", "step", "step_en", "statuses")
Grade = Literal["good", "watch", "poor"]

# what the standard asks for and nobody's records can tell
MISSING = (
    {
        "name": "漏报率",
        "name_en": "Missed",
        "reason": "漏报要由第三方抽查发现，案件记录中没有；可参考主动发现率",
        "reason_en": "what nobody reported is found by an inspection from outside, not in the records; "
        "see instead how much was found by ourselves",
    },
)


@dataclass(frozen=True)
class Part:
    """A named set of incidents in words; `parts.PART_SQL` has its condition."""

    code: str
    name: str
    name_en: str
    definition: str
    definition_en: str


@dataclass(frozen=True)
class Indicator:
    """A ratio of two parts, with what it means and where it is good.

    Attributes
    ----------
    numerator, denominator
        Codes of parts.
    is_high_good
        Whether more is better.
    good, watch
        Where the grades begin (or end, where less is better), 0-1.
    open_cases, open_cases_en
        How cases that are not closed count.
    source
        Where the grades come from.
    """

    code: str
    name: str
    name_en: str
    numerator: str
    denominator: str
    is_high_good: bool
    good: float
    watch: float
    definition: str
    definition_en: str
    open_cases: str
    open_cases_en: str
    source: str

    def grade(self, value: float | None) -> Grade | None:
        """Grade a value; None has none."""
        if value is None:
            return None
        if (value >= self.good) if self.is_high_good else (value <= self.good):
            return "good"
        return "watch" if (value >= self.watch if self.is_high_good else value <= self.watch) else "poor"


@dataclass(frozen=True)
class Step:
    """One step of a label set, and the statuses that are in it."""

    place: int
    name: str
    name_en: str
    statuses: tuple[str, ...]


@dataclass(frozen=True)
class LabelSet:
    """The life of an incident in one tradition's words; every status is in one step."""

    code: str
    name: str
    name_en: str
    steps: tuple[Step, ...]

    def step_of(self, status: str) -> Step:
        """Find the step that a status is in."""
        return next(step for step in self.steps if status in step.statuses)


@lru_cache(maxsize=4)
def read_parts(path: Path = PART_FILE) -> tuple[Part, ...]:
    """Read what the parts mean, in the order of the file; every part has a row.

    Raises
    ------
    RuleFileError
        If the file is faulty, or is not about the parts there are.
    """
    faults: list[str] = []
    lines = read_table(path, PART_COLUMNS, frozenset(PART_COLUMNS))
    for row, cells in lines:
        _check_filled(row, cells, faults)
        choice(row, "code", cells["code"], tuple(PART_SQL), faults)
    named = [cells["code"] for _, cells in lines]
    faults += [f"{code} is in {named.count(code)} rows" for code in PART_SQL if named.count(code) != 1]
    _refuse(path, faults)
    return tuple(Part(**cells) for _, cells in lines)


@lru_cache(maxsize=4)
def read_indicators(path: Path = INDICATOR_FILE) -> tuple[Indicator, ...]:
    """Read indicators.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    found = []
    for row, cells in read_table(path, INDICATOR_COLUMNS, frozenset(INDICATOR_COLUMNS)):
        _check_filled(row, cells, faults)
        for name in ("numerator", "denominator"):
            choice(row, name, cells[name], tuple(PART_SQL), faults)
        choice(row, "direction", cells["direction"], ("high", "low"), faults)
        good, watch = (number(row, name, cells[name], (0.0, 1.0), faults) for name in ("good", "watch"))
        is_high_good = cells["direction"] == "high"
        if (good < watch) if is_high_good else (good > watch):
            side = "at most" if is_high_good else "at least"
            faults.append(f"row {row}, watch: {cells['watch']} must be {side} {cells['good']}")
        named = {name: cells[name] for name in INDICATOR_COLUMNS if name not in ("direction", "good", "watch")}
        found.append(Indicator(**named, is_high_good=is_high_good, good=good, watch=watch))
    _refuse(path, faults)
    return tuple(found)


def city_indicators(path: Path | None) -> tuple[Indicator, ...]:
    """Read a city's own file of indicators, with its thresholds; without one, what comes with the product.

    Raises
    ------
    RuleFileError
        If the file is faulty, or does not have each of the product's indicators once and as the same ratio.
    """
    if path is None:
        return read_indicators()
    own = read_indicators(path)
    ratios = [(one.code, one.numerator, one.denominator, one.is_high_good) for one in own]
    faults = []
    for one in read_indicators():
        ratio, direction = (one.code, one.numerator, one.denominator), "high" if one.is_high_good else "low"
        if ratios.count((*ratio, one.is_high_good)) != 1:
            parts = f"{one.numerator} by {one.denominator}, direction {direction}"
            faults.append(f"{one.code} must be in one row, as {parts}")
    unknown = sorted({one.code for one in own} - {one.code for one in read_indicators()})
    faults += [f"{code} is no indicator" for code in unknown]
    _refuse(path, faults)
    return own


@lru_cache(maxsize=4)
def read_label_sets(path: Path = LABEL_FILE) -> tuple[LabelSet, ...]:
    """Read label sets.

    Raises
    ------
    RuleFileError
        If the file is faulty, or a set leaves out a status or has it twice.
    """
    faults: list[str] = []
    lines = []
    for row, cells in read_table(path, LABEL_COLUMNS, frozenset(LABEL_COLUMNS)):
        _check_filled(row, cells, faults)
        statuses = tuple(cells["statuses"].split())
        for status in statuses:
            choice(row, "statuses", status, INCIDENT_STATUSES, faults)
        place = whole(row, "place", cells["place"], len(INCIDENT_STATUSES), faults) or 0
        lines.append((cells, Step(place, cells["step"], cells["step_en"], statuses)))
    found = []
    for code, group in groupby(lines, key=lambda line: line[0]["code"]):
        listed = list(group)
        steps = tuple(step for _, step in listed)
        faults += _uneven(code, steps)
        found.append(LabelSet(code, listed[0][0]["name"], listed[0][0]["name_en"], steps))
    _refuse(path, faults)
    return tuple(found)


def _uneven(code: str, steps: Sequence[Step]) -> list[str]:
    """Say which statuses a set leaves out or has twice, and whether its steps follow each other."""
    named = [status for step in steps for status in step.statuses]
    faults = [f"{code}: the status {one} is in no step" for one in INCIDENT_STATUSES if one not in named]
    faults += [
        f"{code}: the status {one} is in {named.count(one)} steps" for one in sorted({*named}) if named.count(one) > 1
    ]
    if [step.place for step in steps] != list(range(1, len(steps) + 1)):
        faults.append(f"{code}: its places must be 1 to {len(steps)}, in order")
    return faults


def _check_filled(row: int, cells: dict[str, str], faults: list[str]) -> None:
    """Note empty cells."""
    for name, value in cells.items():
        check_cell(row, name, value, faults, is_required=True)


def _refuse(path: Path, faults: Sequence[str]) -> None:
    """Refuse a file with faults."""
    if faults:
        raise RuleFileError(path, faults)
