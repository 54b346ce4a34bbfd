"""A report's key, which only its sender has, and what is made from it: the report's id and its tracking code.

The device (or the page) makes the key, a UUIDv7, once a report; the server keeps none. So the same report sent again is
known again and gets the same code, and nobody who reads the database or an incident's id can make the code.
"""

import hashlib
import secrets
import unicodedata
from datetime import datetime
from uuid import UUID

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""31 signs without 0, O, 1, I and L, which people misread; 31 is prime, which the check sign needs."""
LENGTH = 11
"""Signs before the check sign: 54 bits."""
_GROUP = 4


def make_key(now: datetime) -> UUID:
    """Make a key: a UUIDv7 of this millisecond with 74 random bits."""
    stamp = int(now.timestamp() * 1000) << 80
    return _as_version_7(stamp | secrets.randbits(80))


def report_id(key: UUID) -> UUID:
    """Make the id of the report that a key stands for: a UUIDv7 of the same millisecond, its random part hashed."""
    mixed = int.from_bytes(_digest("id", key)[:16], "big")
    return _as_version_7((key.int >> 80) << 80 | (mixed & ((1 << 80) - 1)))


def tracking_code(key: UUID) -> str:
    """Make the tracking code that belongs to a key, as `XXXX-XXXX-XXXX`."""
    number = int.from_bytes(_digest("code", key), "big")
    signs = []
    for _ in range(LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[rest])
    written = "".join(signs)
    return spaced(written + _check_sign(written))


def read_code(typed: str) -> str | None:
    """Read a code as people type it: any case, spaces and dashes, full-width signs.

    Returns
    -------
    code
        As `tracking_code` writes it; None if it can't be one. One wrong sign, or two that changed places, are always
        found.
    """
    signs = "".join(one for one in unicodedata.normalize("NFKC", typed).upper() if one.isalnum())
    if len(signs) != LENGTH + 1 or not set(signs) <= set(ALPHABET) or _check_sign(signs[:-1]) != signs[-1]:
        return None
    return spaced(signs)


def code_hash(code: str) -> str:
    """Hash a code for storage; a random one of 54 bits behind a throttle needs no salt and no cost."""
    return hashlib.sha256(code.encode()).hexdigest()


def spaced(signs: str) -> str:
    """Write a code in groups of four."""
    return "-".join(signs[at : at + _GROUP] for at in range(0, len(signs), _GROUP))


def _as_version_7(bits: int) -> UUID:
    """Write version and variant into 128 bits."""
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def _check_sign(signs: str) -> str:
    """Make the last sign: with it the sum of place times sign, places from 1, is a multiple of 31."""
    total = sum(place * ALPHABET.index(sign) for place, sign in enumerate(signs, 1))
    prime = len(ALPHABET)
    return ALPHABET[-total * pow(len(signs) + 1, -1, prime) % prime]


def _digest(purpose: str, key: UUID) -> bytes:
    """Hash a key for one purpose."""
    return hashlib.sha256(f"yiwangtu {purpose} {key}".encode()).digest()
