"""Tokens of other systems: made, listed and revoked by the owner of the tables, for the command line.

A token belongs to an account that nobody signs in to, so that whatever the system does has a name. The token itself is
shown once; its hash is kept.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from data import accounts, audit
from data.accounts import ALL_AREAS
from data.credentials import hash_token, make_token
from data.errors import BadInputError, NotFoundError
from layers.viewer import EVERYWHERE

_LIST = text(
    "SELECT t.id, a.login AS name, t.scope, t.system, t.path::text AS path, t.created_at, t.expires_at, t.revoked_at, "
    "  t.last_used_at, a.is_active FROM api_token t JOIN account a ON a.id = t.account_id ORDER BY a.login, t.id"
)


@dataclass(frozen=True)
class Grant:
    """What a token lets a system do.

    Attributes
    ----------
    scope
        `handover` or `open311`.
    system
        `110` or `12345` of a token for hand-overs; None else.
    area
        Code of the area that it may report in; "*" is every area.
    expires_at
        When it ends.
    """

    scope: str
    system: str | None
    area: str
    expires_at: datetime


@dataclass(frozen=True)
class Token:
    """A token, without its secret."""

    id: int
    name: str
    scope: str
    system: str | None
    path: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_active: bool

    def state(self, now: datetime) -> str:
        """Name its state: active, revoked, disabled or expired."""
        if self.revoked_at is not None:
            return "revoked"
        if not self.is_active:
            return "disabled"
        return "active" if self.expires_at > now else "expired"


def create(connection: Connection, name: str, *, label: str, grant: Grant) -> str:
    """Make a token, and its account where it is new.

    Parameters
    ----------
    name
        Of the account; a system that gets a new token keeps its name.
    label
        Shown in the history of incidents where the account is new.

    Returns
    -------
    token
        Shown once.

    Raises
    ------
    BadInputError
        If scope and system do not go together, or the name is a person's account or no login.
    NotFoundError
        If there is no such area.
    """
    if (grant.scope == "handover") != (grant.system is not None):
        why = "needs the system, 110 or 12345" if grant.scope == "handover" else "does not go with a system"
        raise BadInputError(f"a token for {grant.scope} {why}")
    path = EVERYWHERE
    if grant.area != ALL_AREAS:
        found = connection.execute(text("SELECT path::text FROM area WHERE code = :code"), {"code": grant.area})
        path = found.scalar() or ""
        if not path:
            raise NotFoundError(f"there is no area with code {grant.area!r} for the token {name!r}")
    token = make_token()
    connection.execute(
        text(
            "INSERT INTO api_token (account_id, token_hash, scope, system, path, expires_at) "
            "VALUES (:account_id, :hash, :scope, :system, CAST(:path AS ltree), :expires_at)"
        ),
        {
            "account_id": _account(connection, name, label), "hash": hash_token(token), "scope": grant.scope,
            "system": grant.system, "path": path, "expires_at": grant.expires_at,
        },
    )  # fmt: skip
    audit.record(
        connection, "token.create", subject=name, scope=grant.scope, system=grant.system, area=grant.area,
        expires_at=grant.expires_at.isoformat(),
    )  # fmt: skip
    return token


def list_tokens(connection: Connection) -> tuple[Token, ...]:
    """Read all tokens, by name and age."""
    return tuple(Token(**row._mapping) for row in connection.execute(_LIST))


def revoke(connection: Connection, name: str, token_id: int | None = None) -> int:
    """Revoke the tokens of a name, or one of them; tells how many.

    Raises
    ------
    NotFoundError
        If the name has no such token that is not revoked already.
    """
    revoked = connection.execute(
        text(
            "UPDATE api_token t SET revoked_at = now() FROM account a WHERE a.id = t.account_id AND a.login = :name "
            "AND t.revoked_at IS NULL AND (CAST(:id AS bigint) IS NULL OR t.id = :id)"
        ),
        {"name": name, "id": token_id},
    ).rowcount
    if not revoked:
        which = f" with the number {token_id}" if token_id is not None else ""
        raise NotFoundError(f"{name!r} has no token{which} that could be revoked")
    audit.record(connection, "token.revoke", subject=name, count=revoked)
    return revoked


def _account(connection: Connection, name: str, label: str) -> int:
    """Find the account of a system, or make it; a person's account gets no token."""
    known = connection.execute(
        text(
            "SELECT a.id, EXISTS (SELECT 1 FROM api_token t WHERE t.account_id = a.id) AS is_system "
            "FROM account a WHERE a.login = :name FOR UPDATE"
        ),
        {"name": name},
    ).one_or_none()
    if known is None:
        return accounts.add_nobody(connection, name, label)
    if not known.is_system:
        raise BadInputError(f"{name!r} is an account that people sign in to; a token needs a name of its own")
    return int(known.id)
