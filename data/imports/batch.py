"""Several imports described in one TOML file, as the demo has them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from data.errors import BadInputError
from data.imports.importer import import_file
from data.imports.options import ImportOptions, ImportReport

_KEYS = frozenset(
    {"layer", "source", "source_layer", "prefix", "map", "set", "constants", "where", "crs", "encoding", "repair"}
)


def run_imports(toml_path: Path, engine: Engine, data_path: Path) -> list[ImportReport]:
    """Run the `[[import]]` tables of a TOML file in order, each in a transaction of its own.

    Parameters
    ----------
    toml_path
        Each table has `layer`, `source` and, if need be, `source_layer`, `prefix`, `map` (field to column), `constants`
        or `set` (field to value), `where` (column to value or list of values), `crs`, `encoding`, `repair`.
    data_path
        A directory, in which `source` names files; or one file with several layers, of which `source` names one.

    Returns
    -------
    reports
        One a table; the last one has the errors when a table failed, and the tables after it were not run.

    Raises
    ------
    BadInputError
        If the TOML file or a source cannot be used at all.
    """
    try:
        tables = tomllib.loads(toml_path.read_text("utf-8")).get("import", [])
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as exc:
        raise BadInputError(f"{toml_path.name} cannot be read: {exc}") from exc
    reports: list[ImportReport] = []
    for place, table in enumerate(tables, 1):
        unknown = set(table) - _KEYS
        if unknown or not {"layer", "source"} <= set(table):
            said = f"unknown key {sorted(unknown)[0]}" if unknown else "layer and source are required"
            raise BadInputError(f"{toml_path.name}, import {place}: {said}")
        is_file = data_path.is_file()
        spec = str(data_path) if is_file else str(data_path / str(table["source"]))
        options = _options(table, source_layer=table["source"] if is_file else table.get("source_layer"))
        reports.append(import_file(engine, spec, table["layer"], options))
        if reports[-1].error_count:
            break
    return reports


def _options(table: Mapping[str, Any], *, source_layer: str | None) -> ImportOptions:
    """Take one table's options."""
    where = {
        column: tuple(str(one) for one in (wanted if isinstance(wanted, list) else [wanted]))
        for column, wanted in table.get("where", {}).items()
    }
    return ImportOptions(
        source_layer=source_layer, columns=table.get("map", {}), where=where, prefix=table.get("prefix", ""),
        constants={**table.get("constants", {}), **table.get("set", {})}, crs=table.get("crs"),
        encoding=table.get("encoding"), may_repair=bool(table.get("repair", False)),
    )  # fmt: skip
