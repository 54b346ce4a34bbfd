"""`yiwangtu webhook`: where 110 and 12345 hear what became of what they handed over."""

from pathlib import Path
from uuid import UUID

import click

from data.commands.connected import connected
from data.errors import BadInputError
from data.integrations import webhooks
from data.tables.integrations import SYSTEMS


@click.group("webhook")
def command() -> None:
    """Add, list and remove webhooks, and send again what nobody took."""


@command.command("add")
@click.argument("system", type=click.Choice(SYSTEMS))
@click.argument("url")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    help="File with the secret of the system; else one is made.",
)
def add(system: str, url: str, secret_file: Path | None) -> None:
    """Tell SYSTEM at URL from now on; a made secret is printed once."""
    secret = _read(secret_file) if secret_file else None
    with connected() as connection:
        made = webhooks.add(connection, system, url, secret)
    click.echo(f"已添加 {system} is told at {url}")
    if secret is None:
        click.echo("签名密钥只显示一次 The secret of its signatures, shown once:")
        click.echo(made)


@command.command("list")
def list_all() -> None:
    """List webhooks, one a line: number, system, address, delivered, waiting, dead; below them what was given up."""
    with connected() as connection:
        hooks, dead = webhooks.list_webhooks(connection)
    for one in hooks:
        waiting = f"waiting {one.waiting}" + (f" since {one.oldest_at:%Y-%m-%d %H:%M}" if one.oldest_at else "")
        away = f"\taway, asked again {one.away_until:%H:%M:%S}" if one.away_until else ""
        click.echo(f"#{one.id}\t{one.system}\t{one.url}\tdelivered {one.delivered}\t{waiting}\tdead {one.dead}{away}")
    for letter in dead:
        click.echo(
            f"dead\t#{letter.webhook_id}\t{letter.id}\t{letter.event}\t{letter.created_at:%Y-%m-%d %H:%M}"
            f"\t{letter.attempts} tries\t{letter.last_error}"
        )


@command.command("remove")
@click.argument("number", type=int)
def remove(number: int) -> None:
    """Remove the webhook NUMBER of the list, with what waits for it."""
    with connected() as connection:
        lost = webhooks.remove(connection, number)
    click.echo(f"已移除 removed #{number}; {lost} 条通知不再发送 events are not sent any more")


@command.command("retry")
@click.option("--event", type=click.UUID, help="Of one event that was given up; without it, all of them.")
def retry(event: UUID | None) -> None:
    """Send again what was given up."""
    with connected() as connection:
        count = webhooks.retry(connection, event)
    click.echo(f"{count} 条通知重新排队 events are queued anew")


def _read(path: Path) -> str:
    """Read a secret from a file."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} can't be read as text") from error
