"""A rulebook as a CSV file: read with one sentence for every fault, and written so that it reads the same."""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.errors import BadInputError
from geo.verdicts import BINDINGS, CONFIDENCES, DEMANDS, LEVELS, METRICS, Rule

BUILTIN_FILE = Path(__file__).parent.parent / "reference" / "standard_rule.csv"
RULE_COLUMNS = (
    "code", "facility_kind", "facility_types", "facility_name", "demand", "metric", "threshold_m", "level", "binding",
    "standard", "edition", "clause", "confidence", "note", "note_en",
)  # fmt: skip
REQUIRED = frozenset({"code", "facility_kind", "facility_name", "demand", "metric", "threshold_m", "binding",
                      "standard", "confidence"})  # fmt: skip
FARTHEST_M = 20_000.0
LONGEST_TEXT = 500
MOST_RULES = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


class RuleFileError(BadInputError):
    """A file of rules has faults; `faults` says each in a sentence."""

    def __init__(self, path: Path, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        shown = "; ".join(faults[:5])
        more = f"; and {len(faults) - 5} more faults" if len(faults) > 5 else ""
        super().__init__(f"{path}: {shown}{more}")


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read a file of rules.

    Parameters
    ----------
    path
        CSV with the columns `RULE_COLUMNS` in any order, in UTF-8 or GB 18030; row 1 holds their names.

    Raises
    ------
    RuleFileError
        If the file or a row is faulty; each sentence names the row, the field, the value and the limit.
    """
    lines = read_table(path, RULE_COLUMNS, REQUIRED)
    faults: list[str] = []
    rules = [rule for row, cells in lines if (rule := _rule(row, cells, faults)) is not None]
    first: dict[str, int] = {}
    for row, cells in lines:
        code = cells["code"]
        if code in first:
            faults.append(f"row {row}, code: {code} names the rule of row {first[code]} too")
        first.setdefault(code, row)
    if not lines:
        faults.append("there is no rule below the column names")
    if len(lines) > MOST_RULES:
        faults.append(f"there are {len(lines)} rules; at most {MOST_RULES} are read")
    if faults:
        raise RuleFileError(path, faults)
    return tuple(rules)


def read_table(path: Path, columns: Sequence[str], required: frozenset[str]) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV file as (row number, cells); row 1 is the one with the names. Empty rows are left out.

    Raises
    ------
    RuleFileError
        If the file is missing, no text, or a column is missing or unknown.
    """
    text = _text(path)
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    names = [(name or "").strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    faults = [f"row 1: there is no column {name}" for name in columns if name in required and name not in names]
    faults += [f"row 1: the column {name} is unknown" for name in names if name not in columns]
    faults += [f"row 1: the column {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if faults:
        raise RuleFileError(path, faults)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        for number, cells in enumerate(reader, start=2):
            if cells.get(""):
                raise RuleFileError(path, [f"row {number}: it has more cells than row 1 has names"])
            filled = {name: (cells.get(name) or "").strip() for name in columns}
            if any(filled.values()):
                rows.append((number, filled))
    except csv.Error as error:
        raise RuleFileError(path, [f"it is no CSV table ({error})"]) from error
    return rows


def rules_csv(rules: Sequence[Rule]) -> bytes:
    """Write rules as CSV: UTF-8 with the mark that Excel looks for."""
    return _table(rules).encode("utf-8-sig")


def digest(rules: Sequence[Rule]) -> str:
    """Give the SHA-256 of what the rules say, 64 hexadecimal digits."""
    return hashlib.sha256(_table(rules).encode()).hexdigest()


def cells_of(rule: Rule) -> dict[str, str]:
    """Write a rule as the cells of a row."""
    cells: dict[str, Any] = {name: getattr(rule, name) for name in RULE_COLUMNS}
    cells |= {
        "facility_types": ";".join(rule.facility_types),
        "threshold_m": f"{rule.threshold_m:.10g}",
        "level": "" if rule.level is None else str(rule.level),
    }
    return cells


def _table(rules: Sequence[Rule]) -> str:
    """Write the table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, RULE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells_of(rule) for rule in rules)
    return out.getvalue()


def _text(path: Path) -> str:
    """Read a file as text: UTF-8, or GB 18030 as Excel writes it in China."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadInputError(f"{path} is no text in UTF-8 or GB 18030")


def _rule(row: int, cells: dict[str, str], faults: list[str]) -> Rule | None:
    """Make a rule of a row, or say what is wrong with it."""
    found = len(faults)
    for name in RULE_COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in REQUIRED)
    for name in ("code", "facility_kind"):
        if cells[name] and not _NAME.fullmatch(cells[name]):
            faults.append(
                f"row {row}, {name}: {cells[name]} must be 1 to 60 letters, digits, dots, dashes and underscores"
            )
    demand = choice(row, "demand", cells["demand"], DEMANDS, faults)
    metric = choice(row, "metric", cells["metric"], METRICS, faults)
    binding = choice(row, "binding", cells["binding"], BINDINGS, faults)
    confidence = choice(row, "confidence", cells["confidence"], CONFIDENCES, faults)
    level = choice(row, "level", cells["level"], ("", *map(str, LEVELS)), faults)
    threshold_m = number(row, "threshold_m", cells["threshold_m"], (0.0, FARTHEST_M), faults)
    if len(faults) > found:
        return None
    return Rule(
        code=cells["code"], facility_kind=cells["facility_kind"], facility_name=cells["facility_name"], demand=demand,
        metric=metric, threshold_m=threshold_m, standard=cells["standard"], binding=binding, confidence=confidence,
        level=int(level) if level else None, edition=cells["edition"], clause=cells["clause"],
        facility_types=tuple(one.strip() for one in cells["facility_types"].split(";") if one.strip()),
        note=cells["note"], note_en=cells["note_en"],
    )  # fmt: skip


def check_cell(row: int, name: str, value: str, faults: list[str], *, is_required: bool) -> None:
    """Note a cell that is empty and must not be, or too long."""
    if is_required and not value:
        faults.append(f"row {row}, {name}: it is empty and must not be")
    if len(value) > LONGEST_TEXT:
        faults.append(f"row {row}, {name}: it has {len(value)} characters; at most {LONGEST_TEXT} are kept")


def choice(row: int, name: str, value: str, allowed: Sequence[str], faults: list[str]) -> Any:
    """Take a cell that must be one of a few words; an empty one has been noted where it must not be."""
    if value and value not in allowed:
        faults.append(f"row {row}, {name}: {value} must be one of {', '.join(one for one in allowed if one)}")
    return value


def number(row: int, name: str, value: str, limits: tuple[float, float], faults: list[str]) -> float:
    """Take a cell that must be a number above the first limit and at most the second."""
    above, most = limits
    try:
        found = float(value or "nan")
    except ValueError:
        found = float("nan")
    if value and not above < found <= most:
        faults.append(f"row {row}, {name}: {value} must be a number above {above:g} and at most {most:g}")
    return found


def whole(row: int, name: str, value: str, most: int, faults: list[str]) -> int | None:
    """Take a cell that must be a whole number from 1 on; None where it is empty or has been noted as wrong."""
    if value and not (value.isascii() and value.isdecimal() and 1 <= int(value[:12]) <= most):
        faults.append(f"row {row}, {name}: {value} must be a whole number from 1 to {most}")
        return None
    return int(value) if value else None
