"""Incidents in bulk: merged at once, the density pyramid and the outbox kept in the same transaction."""

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from data.imports.faults import FaultLog
from data.imports.stage import Stage
from data.pyramid import CellCounts, Points

_BATCH = 50_000
_TAKEN = """
SELECT s."row", s.id::text, t.code FROM import_stage s JOIN incident t ON t.id = s.id AND t.code <> s.code ORDER BY 1
"""
_PRESENT = """
SELECT ST_X(t.geom), ST_Y(t.geom), t.path::text FROM incident t JOIN import_stage s ON s.code = t.code
"""
_ANNOUNCE = "INSERT INTO outbox (kind, layer) VALUES ('layer', :layer)"


def log_taken(connection: Connection, log: FaultLog) -> None:
    """Log identities that belong to other incidents."""
    for row, identity, code in connection.execute(text(_TAKEN)):
        log.add([row], "id", [identity], f"belongs to the incident {code}", kind="duplicate")


def points_of(rows: pd.DataFrame) -> Points:
    """Take the places and paths of made rows; those without a place are left out."""
    there = np.array([one is not None for one in rows["geom"]], dtype=bool)
    xy = np.array([(one.x, one.y) for one in rows["geom"][there]], dtype=np.float64).reshape(-1, 2)
    return Points(xy, rows["path"][there].tolist())


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
    added = connection.execute(text(stage.insert_sql())).rowcount
    if added or changed:
        connection.execute(text(_ANNOUNCE), {"layer": "incident"})
    if counts.write(connection):
        connection.execute(text(_ANNOUNCE), {"layer": "incident_density"})
    connection.execute(text("SET LOCAL yiwangtu.bulk = 'off'"))
    return added, changed
