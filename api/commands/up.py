"""`yiwangtu up`: database, migrations, server."""

import click

from api.main import create_app
from api.server import bind, serve, stopping_on_signals
from api.settings import Settings
from data import migrate
from data.engine import opened
from data.rules.store import store_builtin


@click.command()
def command() -> None:
    """Start everything and print the addresses."""
    settings = Settings()
    with stopping_on_signals(), bind(settings) as listener, opened(settings) as database:
        owner = database.owner_engine()
        migrate.upgrade(owner)
        with owner.begin() as connection:
            store_builtin(connection)
        owner.dispose()
        serve(create_app(settings, database), settings, listener)
