"""Take an uploaded archive apart without trusting it: names, sizes and ratios are checked before a byte is written."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from data.errors import BadInputError
from data.imports.faults import short

MAX_ENTRIES = 64
MAX_UNPACKED_BYTES = 500_000_000
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".json")
_BLOCK = 1 << 20


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack the parts of Shapefiles, all into one folder.

    Raises
    ------
    BadInputError
        If the archive is damaged or encrypted, holds too much, or a name in it leads out of it or comes twice.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [one for one in opened.infolist() if not one.is_dir()]
            _check(entries)
            left = MAX_UNPACKED_BYTES
            kept = [one for one in entries if PurePosixPath(one.filename).suffix.lower() in PARTS]
            made = []
            for entry in kept:
                path = folder / PurePosixPath(entry.filename).name
                left -= _copy(opened, entry, path, left)
                made.append(path)
            return made
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as exc:
        raise BadInputError("the zip archive is damaged or encrypted and cannot be unpacked") from exc


def _check(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse what an archive of a plan never holds."""
    if len(entries) > MAX_ENTRIES:
        raise BadInputError(f"the zip archive holds {len(entries)} files, more than {MAX_ENTRIES}")
    total = sum(one.file_size for one in entries)
    if total > MAX_UNPACKED_BYTES:
        raise BadInputError(
            f"the zip archive unpacks to {total // 1_000_000} MB, more than {MAX_UNPACKED_BYTES // 1_000_000} MB"
        )
    seen: set[str] = set()
    for one in entries:
        parts = PurePosixPath(one.filename).parts
        is_link = stat.S_ISLNK(one.external_attr >> 16)
        if one.filename.startswith("/") or ".." in parts or "\\" in one.filename or ":" in one.filename or is_link:
            raise BadInputError(f"the zip archive holds {short(one.filename)!r}, a name that leads out of it")
        name = parts[-1].lower()
        if name in seen:
            raise BadInputError(f"the zip archive holds two files named {short(name)!r}")
        seen.add(name)


def _copy(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, limit: int) -> int:
    """Unpack one file, counting what really comes out of it."""
    size = 0
    with opened.open(entry) as source, path.open("wb") as target:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > limit:
                raise BadInputError(f"the zip archive unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB")
            target.write(block)
    return size
