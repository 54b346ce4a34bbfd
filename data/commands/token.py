"""`yiwangtu token`: what other systems ask with."""

from datetime import UTC, datetime, timedelta

import click

from data.accounts import ALL_AREAS
from data.commands.connected import connected
from data.integrations import tokens
from data.tables.integrations import SYSTEMS, TOKEN_SCOPES


@click.group("token")
def command() -> None:
    """Make, list and revoke tokens of other systems: 110, 12345, Open311 apps."""


@command.command("create")
@click.argument("name")
@click.option("--scope", required=True, type=click.Choice(TOKEN_SCOPES), help="What the token is for.")
@click.option("--system", type=click.Choice(SYSTEMS), help="Whose hand-overs, for the scope handover.")
@click.option("--area", required=True, help="Code of the area that it may report in; * is every area.")
@click.option("--days", required=True, type=click.IntRange(1, 3650), help="Days until it expires.")
@click.option("--label", help="Shown in the history of incidents; without it, NAME.")
def create(name: str, scope: str, system: str | None, area: str, days: int, label: str | None) -> None:
    """Make a token for the system NAME; it is printed once."""
    grant = tokens.Grant(scope, system, area, datetime.now(UTC) + timedelta(days=days))
    with connected() as connection:
        token = tokens.create(connection, name, label=label or name, grant=grant)
    click.echo(f"令牌至 {grant.expires_at:%Y-%m-%d} 有效，只显示一次 The token, shown once:")
    click.echo(token)


@command.command("list")
def list_all() -> None:
    """List all tokens, one a line: name, number, state, scope, area, expiry, last use."""
    with connected() as connection:
        found = tokens.list_tokens(connection)
    now = datetime.now(UTC)
    for one in found:
        scope = f"{one.scope}:{one.system}" if one.system else one.scope
        used = f"{one.last_used_at:%Y-%m-%d %H:%M}" if one.last_used_at else "-"
        click.echo(
            f"{one.name}\t#{one.id}\t{one.state(now)}\t{scope}\t{one.path or ALL_AREAS}"
            f"\t{one.expires_at:%Y-%m-%d}\t{used}"
        )


@command.command("revoke")
@click.argument("name")
@click.option("--number", type=int, help="Of one token, as the list has it; without it, all tokens of NAME.")
def revoke(name: str, number: int | None) -> None:
    """Revoke the tokens of the system NAME, at once."""
    with connected() as connection:
        count = tokens.revoke(connection, name, number)
    click.echo(f"已吊销 {count} 个令牌 revoked {count} of {name}'s tokens")
