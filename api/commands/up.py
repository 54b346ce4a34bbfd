"""`yiwangtu up`: database, migrations, server."""

import click

from api.main import create_app
from api.server import bind, serve, stopping_on_signals
from api.settings import Settings
from data import migrate
from data.calendar.store import store_builtin_days
from data.catalogue.routing import store_builtin_routing
from data.engine import opened
from data.integrations.scopelist import store_builtin_scope
from data.rules.store import store_builtin
from data.supervision.rules import store_builtin_rules
from data.supervision.whistles import store_builtin_whistles


@click.command()
def command() -> None:
    """Start everything and print the addresses."""
    settings = Settings()
    with stopping_on_signals(), bind(settings) as listener, opened(settings) as database:
        owner = database.owner_engine()
        migrate.upgrade(owner)
        with owner.begin() as connection:
            store_builtin(connection)
            store_builtin_routing(connection)
            store_builtin_scope(connection)
            store_builtin_days(connection)
            store_builtin_rules(connection)
            store_builtin_whistles(connection)
        owner.dispose()
        serve(create_app(settings, database), settings, listener)
