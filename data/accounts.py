"""Accounts and what they may do where: the owner's side, for the command line and the demo.

Every function works in the caller's transaction, on a connection of the role that owns the tables.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from data import audit
from data.credentials import NO_PASSWORD, Cost, check_strength, hash_password, hash_token, make_password, make_token
from data.errors import BadInputError, NotFoundError
from data.tables.accounts import ROLES
from layers.viewer import EVERYWHERE

ALL_AREAS = "*"
ADMINISTRATORS = frozenset({"system_admin", "security_admin", "audit_admin"})
FIELD_ROLES = frozenset({"worker", "community", "street", "dispatcher"})
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_SELECT = text(
    "SELECT a.login, a.display_name, a.is_active, a.locked_until, "
    "  coalesce(array_agg(ARRAY[m.role, m.path::text, m.department] ORDER BY m.role, m.path) "
    "           FILTER (WHERE m.id IS NOT NULL), '{}') AS memberships "
    "FROM account a LEFT JOIN membership m ON m.account_id = a.id GROUP BY a.id ORDER BY a.login"
)


@dataclass(frozen=True)
class Post:
    """A role in an area, as people name it.

    Attributes
    ----------
    role
        One of `data.tables.ROLES`.
    area
        For a worker the code of a grid in force; else the code of a district, street or community, or "*" for all.
    department
        For role `department` only: whose incidents.
    """

    role: str
    area: str = ALL_AREAS
    department: str = ""


@dataclass(frozen=True)
class Membership:
    """A role in an area.

    Attributes
    ----------
    path
        The area's or grid's path; "" is everywhere.
    department
        Of role `department` only.
    """

    role: str
    path: str
    department: str = ""


@dataclass(frozen=True)
class Account:
    """An account as `yiwangtu user list` shows it."""

    login: str
    display_name: str
    is_active: bool
    locked_until: datetime | None
    memberships: tuple[Membership, ...]


def add(
    connection: Connection,
    login: str,
    *,
    name: str,
    post: Post,
    password: str | None = None,
    cost: Cost = Cost(),  # noqa: B008  frozen
) -> str:
    """Add an account with its first role.

    Parameters
    ----------
    login
        2 to 32 of a-z, 0-9, ".", "_", "-", beginning with a letter or digit.
    name
        Shown name; a post rather than a person.
    password
        One is made when it is None.

    Returns
    -------
    password
        The password, which is stored nowhere in the clear.

    Raises
    ------
    BadInputError
        If the login is taken or malformed, the password weak, or the role does not go with the area.
    NotFoundError
        If there is no such grid or area.
    """
    account_id = _insert(connection, login, name)
    _grant(connection, account_id, login, post)
    password = set_password(connection, login, password, cost=cost)
    audit.record(connection, "account.add", subject=login, name=name, **asdict(post))
    return password


def set_password(connection: Connection, login: str, password: str | None = None, *, cost: Cost = Cost()) -> str:  # noqa: B008
    """Set a new password (one is made when it is None), lift a lock and end the account's sessions."""
    account_id = _find(connection, login)
    if password is None:
        password = make_password()
    else:
        check_strength(password, login)
    connection.execute(
        text("UPDATE account SET password_hash = :hash, failed_count = 0, locked_until = NULL WHERE id = :id"),
        {"hash": hash_password(password, cost), "id": account_id},
    )
    _end_sessions(connection, account_id)
    audit.record(connection, "account.password", subject=login)
    return password


def grant(connection: Connection, login: str, post: Post) -> None:
    """Give an account one more post; giving it again changes nothing.

    Raises
    ------
    BadInputError
        If the role does not go with the area or with the account's other roles.
    NotFoundError
        If there is no such account, grid or area.
    """
    _grant(connection, _find(connection, login), login, post)
    audit.record(connection, "account.grant", subject=login, **asdict(post))


def revoke(connection: Connection, login: str, post: Post) -> None:
    """Take a post away from an account; the area or grid may have gone meanwhile.

    Raises
    ------
    NotFoundError
        If the account has no such post.
    """
    values = {
        "id": _find(connection, login), "role": post.role, "department": post.department, "area": post.area,
        "label": re.sub(r"[^A-Za-z0-9_]", "_", post.area),
    }  # fmt: skip
    found = connection.execute(
        text(
            "DELETE FROM membership WHERE account_id = :id AND role = :role AND department = :department "
            "AND CASE WHEN nlevel(path) = 0 THEN :area = '*' ELSE subpath(path, -1)::text = :label END"
        ),
        values,
    )
    if not found.rowcount:
        of = f" of {post.department!r}" if post.department else ""
        raise NotFoundError(f"account {login!r} does not have the role {post.role!r}{of} in area {post.area!r}")
    audit.record(connection, "account.revoke", subject=login, **asdict(post))


def disable(connection: Connection, login: str) -> None:
    """Let nobody sign in to an account, and end its sessions."""
    account_id = _find(connection, login)
    connection.execute(text("UPDATE account SET is_active = false WHERE id = :id"), {"id": account_id})
    _end_sessions(connection, account_id)
    audit.record(connection, "account.disable", subject=login)


def enable(connection: Connection, login: str) -> None:
    """Undo `disable`, and lift a lock."""
    account_id = _find(connection, login)
    connection.execute(
        text("UPDATE account SET is_active = true, failed_count = 0, locked_until = NULL WHERE id = :id"),
        {"id": account_id},
    )
    audit.record(connection, "account.enable", subject=login)


def add_kiosk(connection: Connection, login: str, *, name: str, area: str, expires_at: datetime | None = None) -> str:
    """Make a token for a wall screen, and its account (role `screen`, no password) where it is new.

    Returns
    -------
    token
        Shown once; only its hash is stored. Disabling the account ends all its tokens.
    """
    known = connection.execute(text("SELECT id FROM account WHERE login = :login"), {"login": login}).scalar()
    account_id = known or _insert(connection, login, name)
    _grant(connection, account_id, login, Post("screen", area))
    token = make_token()
    connection.execute(
        text("INSERT INTO kiosk_token (token_hash, account_id, expires_at) VALUES (:hash, :id, :expires_at)"),
        {"hash": hash_token(token), "id": account_id, "expires_at": expires_at},
    )
    audit.record(connection, "account.kiosk", subject=login, area=area)
    return token


def add_nobody(connection: Connection, login: str, name: str) -> int:
    """Add an account that nobody signs in to, under whose name another system acts; gives its key.

    Raises
    ------
    BadInputError
        If the login is taken or malformed.
    """
    account_id = _insert(connection, login, name)
    audit.record(connection, "account.add", subject=login, name=name)
    return account_id


def list_accounts(connection: Connection) -> tuple[Account, ...]:
    """Read all accounts, by login."""
    return tuple(
        Account(
            row.login, row.display_name, row.is_active, row.locked_until,
            tuple(Membership(*membership) for membership in row.memberships),
        )
        for row in connection.execute(_SELECT)
    )  # fmt: skip


def is_login(login: str) -> bool:
    """Tell whether a text could be a login."""
    return _LOGIN.fullmatch(login) is not None


def _insert(connection: Connection, login: str, name: str) -> int:
    """Add the account's row, without a password."""
    if not is_login(login):
        raise BadInputError(
            f"login {login!r} can't be used; it must be 2 to 32 of a-z, 0-9, '.', '_', '-' after a letter or digit"
        )
    if not 1 <= len(name.strip()) <= 100:
        raise BadInputError(f"the name of account {login!r} has {len(name.strip())} characters; it must have 1 to 100")
    account_id = connection.execute(
        text(
            "INSERT INTO account (login, display_name, password_hash) VALUES (:login, :name, :hash) "
            "ON CONFLICT (login) DO NOTHING RETURNING id"
        ),
        {"login": login, "name": name.strip(), "hash": NO_PASSWORD},
    ).scalar()
    if account_id is None:
        raise BadInputError(f"there is an account {login!r} already")
    return int(account_id)


def _find(connection: Connection, login: str) -> int:
    """Find and lock an account, so that two changes of its roles can't pass each other."""
    account_id = connection.execute(
        text("SELECT id FROM account WHERE login = :login FOR UPDATE"), {"login": login}
    ).scalar()
    if account_id is None:
        raise NotFoundError(f"there is no account {login!r}")
    return int(account_id)


def _membership(connection: Connection, post: Post) -> Membership:
    """Check that role, area and department go together, and find the path."""
    role, area = post.role, post.area
    if role not in ROLES:
        raise BadInputError(f"there is no role {role!r}; roles are {', '.join(ROLES)}")
    if (role == "department") != bool(post.department):
        why = "needs the department's name" if role == "department" else "does not go with a department"
        raise BadInputError(f"role {role!r} {why}")
    if role in ADMINISTRATORS and area != ALL_AREAS:
        raise BadInputError(f"role {role!r} is not for one area; its area must be '*', not {area!r}")
    if role == "worker" and area == ALL_AREAS:
        raise BadInputError("a worker's area must be the code of a grid, not '*'")
    return Membership(role, _path(connection, role, area), post.department)


def _path(connection: Connection, role: str, area: str) -> str:
    """Find the path of a grid in force, an area, or everywhere."""
    if area == ALL_AREAS:
        return EVERYWHERE
    kind, source = ("grid in force", "grid WHERE is_effective AND") if role == "worker" else ("area", "area WHERE")
    path = connection.execute(text(f"SELECT path::text FROM {source} code = :code"), {"code": area}).scalar()
    if path is None:
        raise NotFoundError(f"there is no {kind} with code {area!r} for the role {role!r}")
    return str(path)


def _grant(connection: Connection, account_id: int, login: str, post: Post) -> None:
    """Add a membership, if it goes with those the account has."""
    membership = _membership(connection, post)
    rows = connection.execute(
        text("SELECT role, path::text, department FROM membership WHERE account_id = :id"), {"id": account_id}
    )
    _refuse_mixture(login, membership, [Membership(*row) for row in rows])
    connection.execute(
        text(
            "INSERT INTO membership (account_id, role, path, department) "
            "VALUES (:id, :role, CAST(:path AS ltree), :department) ON CONFLICT DO NOTHING"
        ),
        {"id": account_id, **asdict(membership)},
    )


def _refuse_mixture(login: str, new: Membership, held: Iterable[Membership]) -> None:
    """Refuse roles that one account can't hold together.

    A transaction knows its roles and its areas, not which role holds where. So only the roles that do the same work at
    different levels may be mixed; otherwise one role's powers would reach into the other's areas.
    """
    for one in held:
        if one.role != new.role and not {one.role, new.role} <= FIELD_ROLES:
            raise BadInputError(
                f"account {login!r} has the role {one.role!r}, which can't be held together with {new.role!r}; "
                "use another account"
            )
        if one.department != new.department:
            raise BadInputError(
                f"account {login!r} belongs to {one.department!r} and can't belong to {new.department!r} too; "
                "use another account"
            )


def _end_sessions(connection: Connection, account_id: int) -> None:
    """End an account's sessions."""
    connection.execute(text("DELETE FROM session WHERE account_id = :id"), {"id": account_id})
