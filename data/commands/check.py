"""`yiwangtu check`: whether the database holds what it must."""

import click

from data import integrity, migrate
from data.cli import EXIT_FAILURE
from data.engine import attached
from data.settings import DataSettings


@click.command()
def command() -> int:
    """Check histories, density, household sums, row-level security, migrations; exit code 1 when something is off."""
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        try:
            if not migrate.is_current(engine):
                faults = ["the database is not at the newest migration; start the server once"]
            else:
                with engine.begin() as connection:
                    faults = integrity.faults(connection)
        finally:
            engine.dispose()
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        return EXIT_FAILURE
    click.echo("检查通过 All checks passed.")
    return 0
