"""Alembic's entry: migrate over the connection that `data.migrate` hands in."""

from alembic import context

import data.tables  # noqa: F401  (registers the non-layer tables)
from layers.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
