"""Where photos are kept: the interface, and the directory that is the default."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from data.errors import DataError
from data.settings import DataSettings

SUFFIX = ".jpg"
UNFINISHED = ".new"
FOLDER = "photos"


class PhotoStoreError(DataError):
    """The store can't be reached, or does not take a photo."""


@dataclass(frozen=True)
class Kept:
    """A photo in a store.

    Attributes
    ----------
    name
        SHA-256 of its bytes.
    age_s
        Since when it is there, seconds.
    """

    name: str
    size_bytes: int
    age_s: float


class PhotoStore(Protocol):
    """Keeps photos by the SHA-256 of their bytes; the same bytes twice are one."""

    def put(self, content: bytes) -> str:
        """Keep a photo; when this returns its name it is on disk."""

    def get(self, name: str) -> bytes | None:
        """Read a photo; None if it is not there."""

    def kept(self) -> Iterator[Kept]:
        """List all photos, in no order."""

    def remove(self, name: str) -> None:
        """Take a photo away."""


def open_store(settings: DataSettings) -> PhotoStore:
    """Open the store of the settings.

    Raises
    ------
    PhotoStoreError
        If the settings of an S3 service can't be used.
    """
    if settings.photo_url:
        from data.photos.s3 import S3Store

        return S3Store(settings)
    return DiskStore(settings.data_dir / FOLDER)


class DiskStore:
    """Photos as files of a directory: written beside, flushed to the disk, then given their name.

    Parameters
    ----------
    directory
        Made when the first photo comes.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, content: bytes) -> str:
        """Keep a photo; when this returns its name it is on disk, whatever becomes of this process.

        Raises
        ------
        PhotoStoreError
            If the disk does not take it.
        """
        name = hashlib.sha256(content).hexdigest()
        path = self._path(name)
        try:
            if path.exists() and path.stat().st_size == len(content):
                os.utime(path)  # young again: nobody takes it for a leftover
            else:
                self._write(path, content)
            _flush(path.parent)
        except OSError as error:
            raise PhotoStoreError(f"the disk does not take the photo: {error.strerror}") from error
        return name

    def get(self, name: str) -> bytes | None:
        """Read a photo; None if it is not there."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def kept(self) -> Iterator[Kept]:
        """List all photos, in no order."""
        now = time.time()
        for path in self._directory.glob(f"??/*{SUFFIX}"):
            found = path.stat()
            yield Kept(path.stem, found.st_size, now - found.st_mtime)

    def remove(self, name: str) -> None:
        """Take a photo away."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        """Spread photos over folders: no folder of a city holds more than some thousand."""
        return self._directory / name[:2] / f"{name}{SUFFIX}"

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file as a whole or not at all."""
        for folder in (self._directory, path.parent):
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                _flush(folder.parent)
        beside = path.with_name(f"{path.stem}-{secrets.token_hex(4)}{UNFINISHED}")
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def _flush(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
