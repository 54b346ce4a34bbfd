"""`yiwangtu user`: accounts and what they may do where."""

import contextlib
import getpass
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy import Connection

from data import accounts
from data.accounts import ALL_AREAS, Post
from data.credentials import Cost
from data.engine import attached
from data.errors import BadInputError
from data.settings import DataSettings
from data.tables.accounts import ROLES

_login = click.argument("login")
_role = click.option("--role", required=True, type=click.Choice(ROLES), help="What the account may do.")
_area = click.option(
    "--area", default=ALL_AREAS, show_default="everywhere",
    help="Code of a district, street or community; of a grid for a worker; * is everywhere.",
)  # fmt: skip
_department = click.option("--department", default="", help="Name of the department, for the role department.")
_prompt = click.option("--prompt", "asks", is_flag=True, help="Ask for the password instead of making one.")


@click.group()
def command() -> None:
    """Add accounts, give and take roles, make tokens for wall screens."""


@command.command()
@_login
@click.option("--name", required=True, help="Shown name; a post rather than a person.")
@_role
@_area
@_department
@_prompt
def add(login: str, name: str, asks: bool, **post: str) -> None:
    """Add an account with a role in an area; a made password is printed once."""
    password = _ask_password() if asks else None
    with _opened() as (connection, cost):
        made = accounts.add(connection, login, name=name, post=Post(**post), password=password, cost=cost)
    click.echo(f"账号已添加 added account {login}")
    _tell(made, asks)


@command.command()
@_login
@_prompt
def passwd(login: str, asks: bool) -> None:
    """Set a new password, lift a lock, end the account's sessions."""
    password = _ask_password() if asks else None
    with _opened() as (connection, cost):
        made = accounts.set_password(connection, login, password, cost=cost)
    click.echo(f"密码已更改 changed the password of {login}")
    _tell(made, asks)


@command.command()
@_login
@_role
@_area
@_department
def grant(login: str, **post: str) -> None:
    """Give an account one more role in an area."""
    with _opened() as (connection, _):
        accounts.grant(connection, login, Post(**post))
    click.echo(f"已授权 {login} is now {post['role']} in {post['area']}")


@command.command()
@_login
@_role
@_area
@_department
def revoke(login: str, **post: str) -> None:
    """Take a role in an area away from an account."""
    with _opened() as (connection, _):
        accounts.revoke(connection, login, Post(**post))
    click.echo(f"已撤销 {login} is no longer {post['role']} in {post['area']}")


@command.command()
@_login
def disable(login: str) -> None:
    """Let nobody sign in to an account, and end its sessions."""
    with _opened() as (connection, _):
        accounts.disable(connection, login)
    click.echo(f"已停用 disabled {login}")


@command.command()
@_login
def enable(login: str) -> None:
    """Undo disable, and lift a lock after wrong passwords."""
    with _opened() as (connection, _):
        accounts.enable(connection, login)
    click.echo(f"已启用 enabled {login}")


@command.command()
@_login
@click.option("--name", default="指挥大屏", show_default=True, help="Shown name of a new account.")
@_area
@click.option("--days", type=click.IntRange(1, 3650), help="Days until the token expires; without it, it does not.")
def kiosk(login: str, name: str, area: str, days: int | None) -> None:
    """Make a token for a wall screen (and its account, where it is new); the token is printed once."""
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with _opened() as (connection, _):
        token = accounts.add_kiosk(connection, login, name=name, area=area, expires_at=expires_at)
    click.echo("令牌只显示一次 The token, shown once:")
    click.echo(token)


@command.command(name="list")
def list_all() -> None:
    """List all accounts, one a line: login, state, name, roles."""
    with _opened() as (connection, _):
        found = accounts.list_accounts(connection)
    now = datetime.now(UTC)
    for one in found:
        is_locked = one.locked_until is not None and one.locked_until > now
        state = "disabled" if not one.is_active else "locked" if is_locked else "active"
        roles = ", ".join(
            f"{post.role}@{post.path or ALL_AREAS}" + (f"({post.department})" if post.department else "")
            for post in one.memberships
        )
        click.echo(f"{one.login}\t{state}\t{one.display_name}\t{roles or '-'}")


@contextlib.contextmanager
def _opened() -> Iterator[tuple[Connection, Cost]]:
    """Give a transaction of the owner on the database, and today's cost of a password."""
    settings = DataSettings()
    with attached(settings) as database:
        engine = database.owner_engine()
        try:
            with engine.begin() as connection:
                yield connection, Cost.of(settings)
        finally:
            engine.dispose()


def _ask_password() -> str:
    """Ask twice for a password, unseen."""
    first = getpass.getpass("密码 Password: ")
    if getpass.getpass("再次输入 Again: ") != first:
        raise BadInputError("the two passwords differ")
    return first


def _tell(password: str, was_asked: bool) -> None:
    """Show a made password once."""
    if not was_asked:
        click.echo("密码只显示一次 The password, shown once:")
        click.echo(password)
