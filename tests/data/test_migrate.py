"""Migrations run up and down, and leave what the table declarations say."""

import warnings

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlalchemy.exc import SAWarning

from data import migrate
from layers.tables import metadata


def test_the_database_is_what_the_declarations_say(owner_engine: Engine) -> None:
    with owner_engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # ltree is unknown to reflection
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = [one for one in compare_metadata(context, metadata) if not _is_expected(one)]
    assert differences == []


def _is_expected(difference: tuple) -> bool:
    """PostGIS's own table, and indexes, which live in SQL files."""
    return difference[0] == "remove_index" or (
        difference[0] == "remove_table" and difference[1].name == "spatial_ref_sys"
    )


def test_down_and_up_again(clean: Engine) -> None:
    migrate.downgrade(clean, "base")
    assert not migrate.is_current(clean)
    migrate.upgrade(clean)
    assert migrate.is_current(clean)
