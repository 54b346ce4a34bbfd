"""Empties the database between tests.

TRUNCATE makes a new file for each of some 400 tables and indexes (0.2-0.6 s); a test fills a dozen of them with a few
rows, which are deleted in a hundredth of a second. What has grown large is truncated after all.
"""

import time

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from data import migrate

LARGE_BYTES = 2_000_000
PATIENCE_S = 30
HELD = " UNION ALL ".join(
    f"SELECT '{name}', pg_relation_size('\"{name}\"') WHERE EXISTS (SELECT FROM \"{name}\")"
    for name in migrate.emptied()
)
RESTART = """
SELECT setval(s.seqrelid, s.seqstart, false)
FROM pg_sequence s JOIN pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
WHERE d.refobjid = ANY (CAST(:names AS regclass[])) AND pg_sequence_last_value(s.seqrelid) IS NOT NULL
"""


def empty(connection: Connection) -> None:
    """Leave the database as `data.migrate.empty_tables` does, sooner."""
    names = [f'"{name}"' for name in migrate.emptied()]
    _lock(connection, names)
    held = connection.execute(text(HELD)).all()
    if any(size > LARGE_BYTES for _, size in held):
        migrate.empty_tables(connection)
        return
    connection.execute(text("SET LOCAL session_replication_role = replica"))  # no trigger, no order of foreign keys
    for name, _ in held:
        connection.execute(text(f'DELETE FROM "{name}"'))
    connection.execute(text("SET LOCAL session_replication_role = origin"))
    connection.execute(text(RESTART), {"names": names})


def _lock(connection: Connection, names: list[str]) -> None:
    """Lock all tables or none, until whoever still uses one is done.

    Waiting for one while holding others would be a deadlock with a server whose background work reads them in its own
    order; PostgreSQL would end one of the two.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with connection.begin_nested():
                connection.execute(text(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE NOWAIT"))
            return
        except OperationalError as exc:
            if not isinstance(exc.orig, LockNotAvailable) or time.monotonic() > end:
                raise
        connection.execute(text("SELECT pg_sleep(0.005)"))
