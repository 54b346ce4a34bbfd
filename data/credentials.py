"""Passwords (Argon2id) and random tokens: made, stored as hashes only, checked."""

import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from data.errors import BadInputError
from data.settings import DataSettings

NO_PASSWORD = "!"  # noqa: S105  stored for accounts that nobody can sign in to with a password
PASSWORD_LENGTHS = (10, 200)
LOGIN_WORD = 4  # shorter logins come up in passwords by chance
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without i, l, o, 0, 1, which people misread
_GROUPS, _GROUP_LENGTH = 4, 5


@dataclass(frozen=True)
class Cost:
    """How dear one Argon2id hash is.

    Attributes
    ----------
    memory_kib
        Memory, KiB.
    passes
        Passes over it.
    lanes
        Parallel lanes.
    """

    memory_kib: int = 65536
    passes: int = 3
    lanes: int = 4

    @classmethod
    def of(cls, settings: DataSettings) -> "Cost":
        """Read the cost from the settings."""
        return cls(settings.password_memory_kib, settings.password_passes, settings.password_lanes)


def hash_password(password: str, cost: Cost) -> str:
    """Hash a password with a fresh salt; the answer carries salt and cost."""
    return _hasher(cost).hash(password)


def password_fits(password_hash: str, password: str, cost: Cost) -> bool:
    """Tell whether a password is the hashed one; without a usable hash, take as long and say no."""
    is_usable = password_hash.startswith("$argon2")
    try:
        fits = _hasher(cost).verify(password_hash if is_usable else _dummy_hash(cost), password)
    except (VerificationError, InvalidHashError):
        return False
    return fits and is_usable


def needs_rehash(password_hash: str, cost: Cost) -> bool:
    """Tell whether a hash was made at another cost than today's."""
    return _hasher(cost).check_needs_rehash(password_hash)


def make_password() -> str:
    """Make a password of about 99 random bits that people can read to each other."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def check_strength(password: str, login: str) -> None:
    """Refuse a password that is too short, too long, one repeated character, or contains the login."""
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise BadInputError(f"the password has {len(password)} characters; it must have {shortest} to {longest}")
    if len(set(password)) < 4:
        raise BadInputError("the password repeats fewer than 4 different characters; choose a more varied one")
    if len(login) >= LOGIN_WORD and login in password.lower():
        raise BadInputError(f"the password contains the login {login!r}; choose one that does not")


def make_token() -> str:
    """Make a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Hash a token for storage; random tokens need no salt and no cost."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4)
def _hasher(cost: Cost) -> PasswordHasher:
    """Make the hasher of a cost."""
    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)


@lru_cache(maxsize=4)
def _dummy_hash(cost: Cost) -> str:
    """Make the hash that passwords for unknown accounts are compared with."""
    return _hasher(cost).hash(secrets.token_urlsafe(16))
