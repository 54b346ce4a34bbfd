"""`yiwangtu check`: whether the database holds what it must."""

import click

from data import integrity, migrate
from data.cli import EXIT_FAILURE
from data.engine import attached
from data.photos import checking
from data.photos.store import open_store
from data.settings import DataSettings


@click.command()
@click.option("--tidy", is_flag=True, help="First take photo files away that belong to no incident.")
def command(*, tidy: bool) -> int:
    """Check histories, density, sums, photos, row-level security, migrations; exit code 1 when something is off."""
    settings = DataSettings()
    with attached(settings) as database:
        engine = database.owner_engine()
        try:
            if not migrate.is_current(engine):
                faults = ["the database is not at the newest migration; start the server once"]
            else:
                store = open_store(settings)
                with engine.begin() as connection:
                    if tidy:
                        click.echo(f"清理照片文件 photo files taken away: {checking.tidy(connection, store)}")
                    faults = [*integrity.faults(connection), *checking.faults(connection, store)]
        finally:
            engine.dispose()
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        return EXIT_FAILURE
    click.echo("检查通过 All checks passed.")
    return 0
