"""What commands over the database share: a transaction in it, and a table loaded into it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from sqlalchemy import Connection

from data.engine import attached
from data.migrate import check_current
from data.rules.table import RuleFileError
from data.settings import DataSettings


@contextlib.contextmanager
def connected() -> Iterator[Connection]:
    """Give a transaction as the role that owns the tables, in the database of the settings.

    Raises
    ------
    DataError
        If the database is not at the newest migration.
    """
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        try:
            check_current(engine)
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


def load_file(file: Path, load: Callable[[Connection, Path], int], what: str) -> int:
    """Load a table, or say each of its faults; gives the exit code."""
    try:
        with connected() as connection:
            count = load(connection, file)
    except RuleFileError as error:
        for fault in error.faults:
            click.echo(f"yiwangtu: {file}: {fault}", err=True)
        return 2
    click.echo(f"{count} {what}")
    return 0
