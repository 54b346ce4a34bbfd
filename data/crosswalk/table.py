"""Crosswalk tables: which grid every unit was in, layer by layer, and which it is in now."""

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.errors import BadInputError

CROSSWALK_COLUMNS = ("unit", "layer", "old_code", "new_code", "households")


def crosswalk_csv(rows: Iterable[Sequence[object]]) -> bytes:
    """Write rows of `CROSSWALK_COLUMNS` as CSV: UTF-8 with the mark that Excel looks for; no code as nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CROSSWALK_COLUMNS)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    BadInputError
        If the folder is missing or read-only.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
            draft = Path(folder) / path.name
            with draft.open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
            draft.replace(path)
    except OSError as exc:
        raise BadInputError(f"the output {path} cannot be written: {exc.strerror or exc}") from exc
