"""Field values as Arrow columns: one type a field whatever the rows, lists and objects as text that imports again."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

TYPES = {
    "text": pa.string(), "integer": pa.int32(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"), "list": pa.string(), "json": pa.string(),
}  # fmt: skip


def arrow_column(kind: str, values: Sequence[Any]) -> pa.Array:
    """Make the column of one field from the database's values."""
    writers: dict[str, Callable[[Any], Any]] = {"list": list_text, "json": json_text, "text": str}
    write = writers.get(kind)
    given = [None if one is None else write(one) if write else one for one in values]
    return pa.array(given, type=TYPES[kind])


def list_text(items: list[str]) -> str | None:
    """Join a list with semicolons; as JSON where an item would not survive that."""
    plain = ";".join(items)
    if any(";" in item or "；" in item or item.strip() != item or not item for item in items) or plain.startswith("["):
        return json.dumps(items, ensure_ascii=False)
    return plain or None


def json_text(value: Any) -> str:
    """Write a JSON object on one line."""
    return json.dumps(value, ensure_ascii=False)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write dates and times as ISO 8601 text, for formats that have no such type or hold less of it."""
    return pa.chunked_array([[None if one is None else one.isoformat() for one in column.to_pylist()]], pa.string())
