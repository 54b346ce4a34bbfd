"""Incidents in bulk: merged at once, the density pyramid and the outbox kept in the same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.imports.faults import FaultLog
from data.imports.stage import Stage
from data.outbox import PUBLISHER_LOCK
from data.pyramid import CellCounts, Points

_BATCH = 50_000
_LARGE = 50_000
_TAKEN = """
SELECT s."row", s.id::text, t.code FROM import_stage s JOIN incident t ON t.id = s.id AND t.code <> s.code ORDER BY 1
"""
_PRESENT = """
SELECT ST_X(t.geom), ST_Y(t.geom), t.path::text FROM incident t JOIN import_stage s ON s.code = t.code
"""
_SIZES = "SELECT (SELECT count(*) FROM import_stage), (SELECT count(*) FROM incident)"
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = current_schema() AND tablename = 'incident' AND indexdef NOT LIKE 'CREATE UNIQUE%' ORDER BY 1
"""
_ANNOUNCE = "INSERT INTO outbox (kind, layer) VALUES ('layer', :layer)"


def log_taken(connection: Connection, log: FaultLog) -> None:
    """Log identities that belong to other incidents."""
    for row, identity, code in connection.execute(text(_TAKEN)):
        log.add([row], "id", [identity], f"belongs to the incident {code}", kind="duplicate")


def points_of(rows: pd.DataFrame) -> Points:
    """Take the places and paths of made rows; those without a place are left out."""
    geoms = rows["geom"].to_numpy(dtype=object)
    there = ~shapely.is_missing(geoms)
    return Points(shapely.get_coordinates(geoms[there]), rows["path"].to_numpy(dtype=object)[there].tolist())


@contextmanager
def _indexes_after(connection: Connection) -> Iterator[None]:
    """Build the indexes after a load that is large and at least as large as what is there: half the time.

    Those that keep codes unique stay. The others are gone only inside this transaction; whoever reads incidents
    waits for it to end.
    """
    staged, present = connection.execute(text(_SIZES)).one()
    definitions = connection.execute(text(_INDEXES)).all() if staged >= max(present, _LARGE) else []
    for name, _ in definitions:
        connection.execute(text(f'DROP INDEX "{name}"'))
    yield
    for _, definition in definitions:
        connection.execute(text(definition))


def merge(stage: Stage, counts: CellCounts) -> tuple[int, int]:
    """Merge staged incidents.

    Parameters
    ----------
    stage
        Holds all rows, without duplicates.
    counts
        Every staged row counted in; those that were there before are counted out here.

    Returns
    -------
    added, changed
        How many rows.
    """
    connection = stage.connection
    connection.execute(text("SET LOCAL yiwangtu.bulk = 'on'"))
    present = connection.execute(text(_PRESENT), execution_options={"yield_per": _BATCH})
    for part in present.partitions():
        counts.add(Points.of((row[0], row[1], row[2]) for row in part), -1)
    changed = connection.execute(text(stage.update_sql())).rowcount
    with _indexes_after(connection):
        added = connection.execute(text(stage.insert_sql())).rowcount
    if added or changed:
        connection.execute(text(_ANNOUNCE), {"layer": "incident"})
    # the outbox's reader counts into the same cells: one of the two at a time
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PUBLISHER_LOCK})
    if counts.write(connection):
        connection.execute(text(_ANNOUNCE), {"layer": "incident_density"})
    connection.execute(text("SET LOCAL yiwangtu.bulk = 'off'"))
    return added, changed
