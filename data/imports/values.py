"""Column values by field type: text, numbers, yes and no, dates, lists, objects, from whatever a file holds."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.imports.faults import FaultLog
from layers.layer import Field

BoolArray = npt.NDArray[np.bool_]
MAX_TEXT_CHARS = 10_000
PLACEHOLDERS = ("<Null>", "<null>", "<NULL>")  # as ArcGIS writes a missing value into text
MAX_INTEGER = 2**31 - 1
YES = ("true", "t", "yes", "y", "1", "是", "有")
NO = ("false", "f", "no", "n", "0", "否", "无")
TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d%H%M%S", "%m/%d/%Y %I:%M:%S %p",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日",
)  # fmt: skip
_ZONED = r"(?:Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
_ROUNDED = r"^\d(?:\.\d+)?[eE]\+?\d+$"


@dataclass(frozen=True)
class Column:
    """One field's values in a chunk: as the file has them, and which rows they are."""

    field: Field
    raw: pd.Series
    rows: npt.NDArray[np.int64]
    log: FaultLog

    def fault(self, mask: BoolArray, problem: str, kind: str) -> None:
        """Log an error for the rows of a mask."""
        if mask.any():
            self.log.add(self.rows[mask], self.field.name, self.raw[mask], problem, kind=kind)


def convert(column: Column) -> pd.Series:
    """Convert one field's column and log what does not fit.

    Returns
    -------
    values
        Nullable values of the field's type, index from 0: text, integer, number and boolean as pandas has them;
        dates and times as text (see `parse_times`); lists and objects as PostgreSQL reads them.
    """
    texts = _without_placeholders(column, as_text(column.raw))
    _check_text(column, texts)
    values = CONVERTERS[column.field.type](column, texts)
    if column.field.is_required:
        column.fault(texts.isna().to_numpy(), "is missing", "missing")
    return values


def as_text(raw: pd.Series) -> pd.Series:
    """Write any column as stripped text, blanks as missing: 12.0 is "12", a long code keeps all its digits."""
    if isinstance(raw.dtype, pd.StringDtype):
        texts = raw
    elif pd.api.types.is_float_dtype(raw.dtype):
        texts = raw.map(_number_text, na_action="ignore")
    elif pd.api.types.is_datetime64_any_dtype(raw.dtype):
        texts = raw.map(lambda one: one.isoformat(), na_action="ignore")
    else:
        texts = raw.map(_object_text, na_action=None)
    texts = texts.astype("str").str.strip().reset_index(drop=True)
    return texts.mask(texts == "")


def _without_placeholders(column: Column, texts: pd.Series) -> pd.Series:
    """Take the word that desktop GIS writes for a missing value as missing, and say so."""
    is_placeholder = texts.isin(PLACEHOLDERS)
    mask = is_placeholder.to_numpy(dtype=bool)
    if mask.any():
        problem = "stands for a missing value and is read as one"
        column.log.add(
            column.rows[mask], column.field.name, column.raw[mask], problem, kind="placeholder", severity="warning"
        )
    return texts.mask(is_placeholder)


def parse_times(column: Column, zones: npt.NDArray[np.object_]) -> pd.Series:
    """Read times as UTC; one without a zone is local time of the row's area.

    Parameters
    ----------
    column
        Times in ISO 8601 or one of `TIME_FORMATS`.
    zones
        Name of each row's time zone.
    """
    texts = as_text(column.raw)
    given = texts.notna().to_numpy()
    zoned = texts.str.contains(_ZONED, regex=True).fillna(False).to_numpy(dtype=bool) & given
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    if zoned.any():
        found[zoned] = _utc(pd.to_datetime(texts[zoned], format="ISO8601", errors="coerce", utc=True))
    naive = _parse_naive(texts.mask(zoned))
    for zone in set(zones[naive.notna().to_numpy()]):
        mine = naive.notna().to_numpy() & (zones == zone)
        local = naive[mine].dt.tz_localize(zone, ambiguous=np.ones(mine.sum(), dtype=bool), nonexistent="shift_forward")
        found[mine] = _utc(local.dt.tz_convert("UTC"))
    column.fault(given & found.isna().to_numpy(), "is no date and time", "not_a_time")
    return found


def _utc(times: pd.Series) -> pd.Series:
    """Give times the one resolution that the database has."""
    return times.astype("datetime64[us, UTC]")


def _parse_naive(texts: pd.Series) -> pd.Series:
    """Read local times, trying one format after another on what is left."""
    found = pd.to_datetime(texts, format="ISO8601", errors="coerce").astype("datetime64[us]")
    for pattern in TIME_FORMATS:
        left = (found.isna() & texts.notna()).to_numpy()
        if not left.any():
            break
        found[left] = pd.to_datetime(texts[left], format=pattern, errors="coerce").astype("datetime64[us]")
    return found


def _number_text(value: float) -> str:
    """Write a number without a needless fraction."""
    return str(int(value)) if np.isfinite(value) and value == int(value) else repr(float(value))


def _object_text(value: object) -> str:
    """Write one cell of a workbook or a database column as text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else _number_text(float(value))
    if isinstance(value, list | tuple | dict | np.ndarray):
        plain = value.tolist() if isinstance(value, np.ndarray) else value
        return json.dumps(plain, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _check_text(column: Column, texts: pd.Series) -> None:
    """Refuse what no text column can hold."""
    given = texts.fillna("")
    column.fault(given.str.contains("\x00", regex=False).to_numpy(dtype=bool), "holds a NUL character", "not_text")
    too_long = (given.str.len() > MAX_TEXT_CHARS).to_numpy(dtype=bool)
    column.fault(too_long, f"is longer than {MAX_TEXT_CHARS} characters", "too_long")
    if column.field.name == "code":
        rounded = given.str.contains(_ROUNDED, regex=True).to_numpy(dtype=bool)
        column.fault(rounded, "is a code that a spreadsheet has rounded; store codes as text", "rounded")


def _text(column: Column, texts: pd.Series) -> pd.Series:
    """Check a text against the field's choices."""
    choices = column.field.choices
    if choices:
        known = {choice.casefold(): choice for choice in choices}
        chosen = texts.map(lambda one: known.get(one.casefold()), na_action="ignore")
        wrong = (texts.notna() & chosen.isna()).to_numpy()
        column.fault(wrong, f"is not one of {', '.join(choices)}", "choice")
        return chosen
    return texts


def _number(column: Column, texts: pd.Series) -> pd.Series:
    """Read numbers and check their range."""
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    wrong = (texts.notna() & ~np.isfinite(numbers)).to_numpy()
    column.fault(wrong, "is no number", "not_a_number")
    low, high = column.field.minimum, column.field.maximum
    outside = np.zeros(len(numbers), dtype=bool)
    if low is not None:
        outside |= (numbers < low).to_numpy()
    if high is not None:
        outside |= (numbers > high).to_numpy()
    column.fault(outside & ~wrong, f"is not between {low or 0:g} and {high or np.inf:g}", "out_of_range")
    return numbers.mask(wrong | outside)


def _integer(column: Column, texts: pd.Series) -> pd.Series:
    """Read whole numbers."""
    numbers = _number(column, texts)
    broken = (numbers.notna() & (numbers != numbers.round())).to_numpy()
    column.fault(broken, "is not a whole number", "not_whole")
    huge = (numbers.abs() > MAX_INTEGER).to_numpy()
    column.fault(huge, f"is larger than {MAX_INTEGER}", "out_of_range")
    return numbers.mask(broken | huge).astype("Int64")


def _boolean(column: Column, texts: pd.Series) -> pd.Series:
    """Read yes and no in the spellings of `YES` and `NO`."""
    known = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    values = texts.str.casefold().map(known).astype("boolean")
    column.fault((texts.notna() & values.isna()).to_numpy(), "is neither true nor false", "not_boolean")
    return values


def _date(column: Column, texts: pd.Series) -> pd.Series:
    """Read dates; a time of day after one is dropped."""
    found = _parse_naive(texts)
    column.fault((texts.notna() & found.isna()).to_numpy(), "is no date such as 2026-05-01", "not_a_date")
    days: pd.Series = found.dt.strftime("%Y-%m-%d")
    return days


def _list(column: Column, texts: pd.Series) -> pd.Series:
    """Read a list separated by semicolons, or a JSON list, and write it as a PostgreSQL array."""
    return texts.map(_array, na_action="ignore")


def _array(text: str) -> str:
    """Write one PostgreSQL array."""
    items: list[Any] = text.replace("；", ";").split(";")
    if text.startswith("["):
        with contextlib.suppress(ValueError):
            items = json.loads(text)
    cleaned = (str(item).strip().replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in cleaned if item) + "}"


def _json(column: Column, texts: pd.Series) -> pd.Series:
    """Read JSON objects and write them plainly."""
    objects = texts.map(_json_object, na_action="ignore")
    column.fault((texts.notna() & objects.isna()).to_numpy(), "is no JSON object", "not_json")
    return objects


def _json_object(text: str) -> str | None:
    """Parse one JSON object, None when it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else None


CONVERTERS: dict[str, Callable[[Column, pd.Series], pd.Series]] = {
    "text": _text, "integer": _integer, "number": _number, "boolean": _boolean,
    "date": _date, "list": _list, "json": _json,
}  # fmt: skip
