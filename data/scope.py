"""Transactions in which row-level security knows who asks."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text

from layers.viewer import Viewer

_SET = text(
    "SELECT set_config(name, value, true) "
    "FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS s (name, value)"
)


@contextlib.contextmanager
def scoped(engine: Engine, viewer: Viewer) -> Iterator[Connection]:
    """Open a transaction as one viewer; the settings end with it.

    Parameters
    ----------
    engine
        The app's engine, of a role that owns no table.
    viewer
        Who asks.
    """
    with engine.begin() as connection:
        set_viewer(connection, viewer)
        yield connection


def set_viewer(connection: Connection, viewer: Viewer) -> None:
    """Tell row-level security who asks, for the rest of the transaction."""
    settings = viewer.settings()
    connection.execute(_SET, {"names": list(settings), "values": list(settings.values())})
