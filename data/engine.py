"""SQLAlchemy engines: the owner's for migrations and the command line, the app's for everything a user asks."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import URL, Engine, create_engine, make_url

from data import cluster as private
from data.settings import DataSettings

SHORTEST_IDLE_S = 60.0


@dataclass(frozen=True)
class Database:
    """The two addresses of one database.

    Attributes
    ----------
    owner_url
        As the role that owns the tables: migrations, imports, the command line.
    app_url
        As a role that owns no table: what the server connects as; row-level security applies to it.
    """

    owner_url: URL
    app_url: URL

    def owner_engine(self) -> Engine:
        """Make an engine for the command line: a few connections, no time limit."""
        return create_engine(self.owner_url, pool_size=2, max_overflow=2, hide_parameters=True)

    def app_engine(self, *, pool_size: int, statement_timeout_s: float) -> Engine:
        """Make the server's engine: a bounded pool, every statement bounded in time.

        A transaction may wait as long for what is computed in between, and at least a minute: jobs draw lots there.
        """
        limit_ms, idle_ms = int(statement_timeout_s * 1000), int(max(statement_timeout_s, SHORTEST_IDLE_S) * 1000)
        options = f"-c statement_timeout={limit_ms} -c idle_in_transaction_session_timeout={idle_ms}"
        if self.app_url.username == self.owner_url.username:
            options += f" -c role={private.APP_ROLE}"
        return create_engine(
            self.app_url, pool_size=pool_size, max_overflow=0, pool_timeout=10, hide_parameters=True,
            connect_args={"options": options, "application_name": "yiwangtu"},
        )  # fmt: skip


@contextlib.contextmanager
def opened(settings: DataSettings) -> Iterator[Database]:
    """Give the database for the length of a `with` block: the configured PostGIS, else the private cluster, started."""
    if settings.database_url is not None:
        owner = make_url(settings.database_url.get_secret_value()).set(drivername="postgresql+psycopg2")
        app = settings.app_database_url
        yield Database(owner, make_url(app.get_secret_value()).set(drivername="postgresql+psycopg2") if app else owner)
        return
    with private.running(private.locate(settings.data_dir)) as cluster:
        yield Database(cluster.url(), cluster.url(private.APP_ROLE))


def attached(settings: DataSettings) -> contextlib.AbstractContextManager[Database]:
    """Give the database to a command: the one that a running `yiwangtu up` has open, else `opened`."""
    if settings.database_url is None:
        cluster = private.locate(settings.data_dir)
        if private.answers(cluster):
            return contextlib.nullcontext(Database(cluster.url(), cluster.url(private.APP_ROLE)))
    return opened(settings)
