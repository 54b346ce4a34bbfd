"""Incidents in bulk: merged at once, the density pyramid and the outbox kept in the same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from data import pyramid
from data.imports.faults import FaultLog
from data.imports.stage import READ_AT_ONCE, Stage
from data.outbox import PUBLISHER_LOCK

_LARGE = 50_000
_STREAMED = {"yield_per": READ_AT_ONCE}
_TAKEN = """
SELECT s."row", s.id::text, t.code FROM import_stage s JOIN incident t ON t.id = s.id AND t.code <> s.code ORDER BY 1
"""
_MOVED = """
CREATE TEMP TABLE import_moved ON COMMIT DROP AS
SELECT geom, path, -1 AS change FROM import_differing
UNION ALL SELECT s.geom, s.path, 1 FROM import_stage s JOIN import_differing d ON d."row" = s."row"
"""
_ADDED = """
WITH added AS ({insert} RETURNING geom, path) INSERT INTO import_moved SELECT geom, path, 1 FROM added
"""
_SIZES = "SELECT (SELECT count(*) FROM ({missing}) m), (SELECT count(*) FROM incident)"
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = current_schema() AND tablename = 'incident' AND indexdef NOT LIKE 'CREATE UNIQUE%' ORDER BY 1
"""
_REFERS = """
SELECT NOT EXISTS (SELECT category FROM import_stage EXCEPT SELECT code FROM category)
AND NOT EXISTS (SELECT area_id FROM import_stage WHERE area_id IS NOT NULL EXCEPT SELECT id FROM area)
"""
_ANNOUNCE = "INSERT INTO outbox (kind, layer) VALUES ('layer', :layer)"


def log_taken(connection: Connection, log: FaultLog) -> None:
    """Log identities that belong to other incidents."""
    for row, identity, code in connection.execute(text(_TAKEN), execution_options=_STREAMED):
        log.add([row], "id", [identity], f"belongs to the incident {code}", kind="duplicate")


@contextmanager
def _at_once(stage: Stage) -> Iterator[None]:
    """Do a load that is large and at least as large as what is there without row triggers, and build indexes after it.

    Unique indexes stay. The rest is gone only inside this transaction; whoever reads
    incidents, or takes a category or an area away, waits for it to end. So what the triggers look up for each row
    (they place what has no path, and every staged row has one) is looked up for all rows, once.
    """
    connection = stage.connection
    missing, present = connection.execute(text(_SIZES.format(missing=stage.missing_sql()))).one()
    definitions = connection.execute(text(_INDEXES)).all() if missing >= max(present, _LARGE) else []
    for name, _ in definitions:
        connection.execute(text(f'DROP INDEX "{name}"'))
    is_checked = bool(definitions) and connection.execute(text(_REFERS)).scalar_one()
    if is_checked:
        connection.execute(text("ALTER TABLE incident DISABLE TRIGGER USER"))
    yield
    if is_checked:
        connection.execute(text("ALTER TABLE incident ENABLE TRIGGER USER"))
        connection.execute(text("SELECT fill_courses()"))
    for _, definition in definitions:
        connection.execute(text(definition))


def merge(stage: Stage) -> tuple[int, int]:
    """Merge staged incidents: everything stays in the database, so that memory does not grow with the file.

    Parameters
    ----------
    stage
        Holds all rows, without duplicates.

    Returns
    -------
    added, changed
        How many rows.
    """
    connection = stage.connection
    connection.execute(text("SET LOCAL yiwangtu.bulk = 'on'"))
    connection.execute(text(stage.differing_sql()))
    connection.execute(text("ANALYZE import_differing"))
    connection.execute(text(_MOVED))
    changed = connection.execute(text(stage.update_differing_sql())).rowcount
    with _at_once(stage):
        added = connection.execute(text(_ADDED.format(insert=stage.insert_sql()))).rowcount
    if added or changed:
        connection.execute(text(_ANNOUNCE), {"layer": "incident"})
    # the outbox's reader counts into the same cells: one of the two at a time
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PUBLISHER_LOCK})
    if pyramid.apply_table(connection, "import_moved"):
        connection.execute(text(_ANNOUNCE), {"layer": "incident_density"})
    connection.execute(text("SET LOCAL yiwangtu.bulk = 'off'"))
    return added, changed
