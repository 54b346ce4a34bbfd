"""CSV and workbooks as chunks of text columns: the encoding found out, a row of any number refused by its number."""

import codecs
import csv
import gzip
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException
from pyarrow import csv as arrow_csv

from data.errors import BadInputError
from data.imports.faults import short
from data.imports.source import CHUNK_ROWS, Chunk, Source

BLOCK_BYTES = 2**20  # Arrow reads up to 32 blocks ahead
GATHERED_BLOCKS, GATHERED_ROWS = 8, 20_000  # a chunk is as many blocks or, if that is less, these rows and a few more
_SNIFFED_BYTES = 4 * 2**20
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {"gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030", "utf-8": "utf-8", "utf8": "utf-8"}


def open_csv(path: Path, encoding: str | None) -> Source:
    """Open a CSV file, plain or gzipped, for reading in blocks: memory does not grow with the file.

    Raises
    ------
    BadInputError
        If it is damaged, its header repeats a name, or it has no rows.
    """
    codec, assumptions = _codec(path, encoding)
    first = next(_csv_chunks(path, codec), None)
    if first is None or not len(first.rows):
        raise BadInputError(f"{path.name} has no rows")
    return Source(
        path.name, tuple(first.frame.columns), None, False, lambda: _csv_chunks(path, codec), assumptions
    )  # fmt: skip


def codec_name(encoding: str) -> str:
    """Name Python's codec for an encoding that a user may ask for; GBK is read by its superset GB 18030."""
    try:
        return _NAMES[encoding.casefold()]
    except KeyError:
        raise BadInputError(f"the encoding {encoding} is unknown; it must be utf-8 or gbk") from None


def _codec(path: Path, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    """Find the encoding: as asked, by its mark, else UTF-8 if the beginning is, else GBK."""
    with _opened(path) as file:
        try:
            head = file.read(_SNIFFED_BYTES)
        except (OSError, EOFError) as exc:
            raise BadInputError(f"{path.name} is damaged: {exc}") from exc
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, ()
    if encoding:
        return codec_name(encoding), ()
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "gb18030", (f"{path.name} is not UTF-8; it is read as GBK",)
    return "utf-8", ()


def _opened(path: Path) -> IO[bytes]:
    """Open a file's bytes, unpacked."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _csv_chunks(path: Path, codec: str) -> Iterator[Chunk]:
    """Read a CSV block by block."""
    total = path.stat().st_size
    row = 2  # the header is row 1
    with path.open("rb") as packed:
        file: Any = gzip.GzipFile(fileobj=packed) if path.suffix.lower() == ".gz" else packed
        reader = _csv_reader(path, file, codec)
        while batches := _gathered(path, reader, codec):
            part = pa.Table.from_batches(batches)
            rows = np.arange(row, row + part.num_rows)
            row += part.num_rows
            yield Chunk(rows, part.to_pandas(), None, min(packed.tell() / total, 1.0))


def _gathered(path: Path, reader: arrow_csv.CSVStreamingReader, codec: str) -> list[pa.RecordBatch]:
    """Read blocks until they are enough for a chunk, or there are no more."""
    batches: list[pa.RecordBatch] = []
    try:
        while len(batches) < GATHERED_BLOCKS and sum(batch.num_rows for batch in batches) < GATHERED_ROWS:
            batches.append(reader.read_next_batch())
    except StopIteration:
        pass
    except (pa.ArrowInvalid, UnicodeError, OSError, EOFError) as exc:
        raise _damaged(path, codec, exc) from exc
    return batches


def _csv_reader(path: Path, file: Any, codec: str) -> arrow_csv.CSVStreamingReader:
    """Start reading, every column as text."""
    header = _header(path, codec)
    try:
        return arrow_csv.open_csv(
            file,
            arrow_csv.ReadOptions(
                block_size=BLOCK_BYTES, encoding=codec, column_names=header, skip_rows=1, use_threads=False
            ),
            arrow_csv.ParseOptions(newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except (pa.ArrowInvalid, UnicodeError, OSError, EOFError) as exc:
        raise _damaged(path, codec, exc) from exc


def _header(path: Path, codec: str) -> list[str]:
    """Read the names of the columns and refuse a repeated or an endless header."""
    with _opened(path) as file:
        head = file.read(BLOCK_BYTES)
    name_codec = "utf-8-sig" if codec == "utf-8" else codec
    text = io.TextIOWrapper(io.BytesIO(head), name_codec, errors="replace", newline="")
    try:
        header = [name.strip() for name in next(csv.reader(text), [])]
    except csv.Error as exc:
        raise BadInputError(f"{path.name} has no header that can be read: {exc}") from exc
    repeated = {name for name in header if header.count(name) > 1 and name} if len(header) < 5000 else set(header)
    if repeated:
        raise BadInputError(f"{path.name} has more than one column {short(sorted(repeated)[0])}")
    return [name or f"column_{place}" for place, name in enumerate(header, 1)]


def _damaged(path: Path, codec: str, error: BaseException) -> BadInputError:
    """Say what is wrong with a CSV file."""
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, UnicodeError) or "UTF8" in message or "UTF-8" in message:
        shown = "GBK" if codec == "gb18030" else codec.upper()
        return BadInputError(
            f"{path.name} is not {shown} text throughout; say --encoding gbk or utf-8, or save it anew"
        )
    if "straddling" in message:
        return BadInputError(f"{path.name} has a row longer than {BLOCK_BYTES // 2**20} MB")
    if "Empty CSV" in message:
        return BadInputError(f"{path.name} has no rows")
    return BadInputError(f"{path.name} cannot be read as CSV: {short(message.removeprefix('CSV parse error: '))}")


def open_workbook(path: Path, sheet: str | None) -> Source:
    """Open one sheet of an XLSX workbook.

    Raises
    ------
    BadInputError
        If it is no workbook, or has no such sheet, or the sheet has no rows.
    """
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as exc:
        raise BadInputError(f"{path.name} is no XLSX workbook that can be read") from exc
    names = book.sheetnames
    book.close()
    if sheet is not None and sheet not in names:
        raise BadInputError(f"{path.name} has no sheet {sheet}; it has {', '.join(names)}")
    chosen = sheet or names[0]
    first = next(_sheet_chunks(path, chosen), None)
    if first is None:
        raise BadInputError(f"{path.name} (sheet {chosen}) has no rows")
    assumed = (f"the first sheet, {chosen}, of {len(names)} is read",) if sheet is None and len(names) > 1 else ()
    return Source(
        f"{path.name}:{chosen}", tuple(first.frame.columns), None, False, lambda: _sheet_chunks(path, chosen), assumed
    )  # fmt: skip


def _sheet_chunks(path: Path, sheet: str) -> Iterator[Chunk]:
    """Read a sheet in chunks; empty lines are skipped but counted."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        lines = enumerate(book[sheet].iter_rows(values_only=True), 1)
        header = next((line for _, line in lines), ())
        names = ["" if name is None else str(name).strip() for name in header]
        repeated = sorted({name for name in names if name and names.count(name) > 1})
        if repeated:
            raise BadInputError(f"{path.name} (sheet {sheet}) has more than one column {short(repeated[0])}")
        kept = [place for place, name in enumerate(names) if name]
        filled = ((row, line) for row, line in lines if any(cell is not None for cell in line))
        total = max(book[sheet].max_row or 1, 1)
        while part := list(itertools.islice(filled, CHUNK_ROWS)):
            data = {names[place]: [line[place] if place < len(line) else None for _, line in part] for place in kept}
            frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in data.items()})
            rows = np.array([row for row, _ in part])
            yield Chunk(rows, frame, None, min(float(rows[-1]) / total, 1.0))
    finally:
        book.close()
