"""Bring a database to the newest schema with Alembic, and say where it stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

import data.tables  # noqa: F401  (registers the tables that are no layer)
from data.errors import DataError
from layers.tables import metadata

EXTENSIONS = ("postgis", "ltree")
_BROUGHT = ("grid_scheme", "office_hour")


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Create the extensions and run every migration up to `revision` in one transaction.

    Parameters
    ----------
    engine
        Of the role that owns the tables; it must be allowed to create the extensions where they are missing.
    revision
        Alembic's name of the target.
    """
    with engine.begin() as connection:
        for extension in EXTENSIONS:
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Undo migrations down to `revision` ("base" undoes all) in one transaction."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def emptied() -> list[str]:
    """List every table but grid schemes and office hours, the first of which the migrations bring."""
    return [table.name for table in metadata.sorted_tables if table.name not in _BROUGHT]


def empty_tables(connection: Connection) -> None:
    """Empty the tables that `emptied` lists, and begin their numbers anew."""
    names = ", ".join(f'"{name}"' for name in emptied())
    connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


def is_current(engine: Engine) -> bool:
    """Tell whether the database stands at the newest migration."""
    with engine.connect() as connection:
        heads = ScriptDirectory.from_config(_config(None)).get_heads()
        return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


def check_current(engine: Engine) -> None:
    """Refuse a database that is not at the newest migration.

    Raises
    ------
    DataError
        If it is not.
    """
    if not is_current(engine):
        raise DataError("the database is not at the newest migration; start the server once (yiwangtu up)")


def _config(connection: object) -> Config:
    """Make Alembic's configuration in memory: no ini file to find."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
