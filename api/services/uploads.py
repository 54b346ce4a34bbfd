"""Photos that come in parts: what has come stays on disk, and the sender goes on from there."""

import base64
import binascii
import hashlib
import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from api.errors import ConflictError, InvalidRequestError, TooLargeError, TooManyRequestsError

FOLDER = "uploads"
MOST_OPEN = 60  # unfinished photos of one account
KEPT_S = 3 * 86_400
WRITTEN_AT_ONCE = 262_144
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True)
class Part:
    """What a sender says of the bytes that follow.

    Attributes
    ----------
    offset
        Where in the photo they begin.
    length
        Of the whole photo, bytes.
    digest
        `Repr-Digest` of the whole photo (RFC 9530), `sha-256=:…:`; None if the sender gives none.
    """

    offset: int
    length: int
    digest: str | None = None


class Uploads:
    """Unfinished photos, each in a file that only its account adds to.

    A second sender of the same photo does no harm: bytes are written where they belong.

    Parameters
    ----------
    directory
        Of the data directory; one server writes there.
    limit_bytes
        Largest photo.
    """

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory, self._limit_bytes = directory / FOLDER, limit_bytes

    def offset(self, account_id: int, incident_id: UUID, photo_id: UUID) -> int:
        """Tell how many bytes of a photo have come."""
        path = self._path(account_id, incident_id, photo_id)
        return path.stat().st_size if path.exists() else 0

    async def add(self, path: Path, part: Part, stream: AsyncIterator[bytes]) -> int:
        """Write what comes, as far as it comes: a sender that is cut off has not sent in vain.

        Returns
        -------
        offset
            How many bytes of the photo are there now.

        Raises
        ------
        ConflictError
            If bytes before these are missing; `more` has the offset to go on from.
        InvalidRequestError
            If more comes than the photo's length.
        """
        handle = await run_in_threadpool(_open, path, part)
        at, waiting = part.offset, bytearray()
        try:
            async for chunk in stream:
                waiting += chunk
                if at + len(waiting) > part.length:
                    why = f"more bytes came than Upload-Length {part.length}"
                    raise InvalidRequestError(why, (("Upload-Length", why),))
                if len(waiting) >= WRITTEN_AT_ONCE:
                    at += await run_in_threadpool(os.pwrite, handle, bytes(waiting), at)
                    waiting.clear()
        finally:
            if at + len(waiting) <= part.length:
                os.pwrite(handle, bytes(waiting), at)
            size = os.fstat(handle).st_size
            os.close(handle)
        return size

    def begin(self, account_id: int, incident_id: UUID, photo_id: UUID, part: Part) -> Path:
        """Give the file of a photo.

        Raises
        ------
        InvalidRequestError
            If offset, length and digest make no sense.
        TooLargeError
            If the photo is too large.
        TooManyRequestsError
            If the account has too many unfinished photos.
        """
        if not 0 <= part.offset <= part.length or part.length < 1:
            why = f"Upload-Offset {part.offset} must lie in 0 to Upload-Length {part.length}"
            raise InvalidRequestError(why, (("Upload-Offset", why),))
        if part.length > self._limit_bytes:
            raise TooLargeError(f"The photo is larger than {self._limit_bytes // 1_000_000} MB.")
        if part.digest is not None:
            _digest_of(part.digest)
        path = self._path(account_id, incident_id, photo_id)
        if not path.exists():
            self._forget_old()
            path.parent.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in path.parent.iterdir()) >= MOST_OPEN:
                raise TooManyRequestsError(f"{MOST_OPEN} photos of this account are unfinished; send them first", 3600)
        return path

    def _forget_old(self) -> None:
        """Take away what nobody has gone on with for three days."""
        for path in self._directory.glob("*/*"):
            if path.stat().st_mtime < time.time() - KEPT_S:
                path.unlink(missing_ok=True)

    def _path(self, account_id: int, incident_id: UUID, photo_id: UUID) -> Path:
        """Name the file of an account's photo."""
        return self._directory / str(account_id) / f"{incident_id}-{photo_id}"


def read_whole(path: Path, part: Part) -> bytes:
    """Read a photo that has come whole.

    Raises
    ------
    InvalidRequestError
        If its digest is another than the sender says; what has come is thrown away.
    """
    content = path.read_bytes()
    if part.digest is not None and hashlib.sha256(content).digest() != _digest_of(part.digest):
        path.unlink(missing_ok=True)
        why = "the photo came damaged (Repr-Digest differs); send it again from its beginning"
        raise InvalidRequestError(why, (("Repr-Digest", why),))
    return content


def _open(path: Path, part: Part) -> int:
    """Open a photo's file, if nothing is missing before the bytes to come."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    size = os.fstat(handle).st_size
    if size > part.length:  # left by another photo under this id
        os.ftruncate(handle, 0)
        size = 0
    if part.offset > size:
        os.close(handle)
        raise ConflictError(f"{size} bytes have come, not {part.offset}; go on from there", more={"offset": size})
    return handle


def _digest_of(header: str) -> bytes:
    """Read a `Repr-Digest`."""
    found = _DIGEST.fullmatch(header.strip())
    try:
        if found:
            return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        pass
    why = "Repr-Digest must be sha-256=:…: with the base64 of 32 bytes"
    raise InvalidRequestError(why, (("Repr-Digest", why),))
