"""Keep the density pyramid `incident_cell` true: count points into and out of its cells, all zooms at once."""

from itertools import pairwise

from sqlalchemy import Connection, text

from layers.pyramid import CELL_ZOOMS, cell_sql, key_sql

_DEEPEST = max(CELL_ZOOMS)
_MERGE = """
MERGE INTO incident_cell c USING (SELECT * FROM change ORDER BY cell, path) d ON (c.cell, c.path) = (d.cell, d.path)
WHEN MATCHED AND c.count + d.change <= 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET count = c.count + d.change
WHEN NOT MATCHED AND d.change > 0 THEN INSERT (z, x, y, path, count) VALUES (d.z, d.x, d.y, d.path, d.change)
"""
_CHANGES = """
CREATE TEMP TABLE cell_change (z smallint, x integer, y integer, path ltree, change integer) ON COMMIT DROP
"""
_DEEPEST_CHANGES = """
INSERT INTO cell_change
SELECT {z}, {x}, {y}, path, sum(change) FROM "{table}" GROUP BY 2, 3, 4 HAVING sum(change) <> 0
"""
_COARSER_CHANGES = """
INSERT INTO cell_change
SELECT :z, x >> :finer - :z, y >> :finer - :z, path, sum(change) FROM cell_change WHERE z = :finer
GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0
"""
_STAGED = f"""
WITH change AS (SELECT z, x, y, path, change, {key_sql("z", "x", "y")} AS cell FROM cell_change) {_MERGE}
"""


def merge_sql(moves: str, *, after: str = "") -> str:
    """Write the statement that counts points into and out of the pyramid, all zooms at once; for one writer at a time.

    Parameters
    ----------
    moves
        Query of (geom, path, change), some thousands of rows at most: `change` is 1 for a point that enters and -1 for
        one that leaves; what is moved or gets another path does both.
    after
        Common table expressions of which `moves` makes use, each with a comma after it.
    """
    x, y = cell_sql("ST_X(geom)", "ST_Y(geom)", _DEEPEST)
    zooms = ", ".join(f"({zoom})" for zoom in CELL_ZOOMS)
    return (
        f"WITH {after} deepest AS (SELECT {x} AS x, {y} AS y, path, sum(change)::integer AS change FROM ({moves}) m "
        "GROUP BY 1, 2, 3), "
        f"coarser AS (SELECT v.z, x >> ({_DEEPEST} - v.z) AS x, y >> ({_DEEPEST} - v.z) AS y, path, "
        f"sum(change)::integer AS change FROM deepest, (VALUES {zooms}) v (z) GROUP BY 1, 2, 3, 4), "
        f"change AS (SELECT *, {key_sql('z', 'x', 'y')} AS cell FROM coarser WHERE change <> 0) {_MERGE}"
    )


def apply_table(connection: Connection, table: str) -> int:
    """Count any number of points into and out of the pyramid without reading them into this process.

    Parameters
    ----------
    connection
        In the transaction that changes `incident`; holds the lock of the outbox's one reader.
    table
        A table of (geom, path, change): `change` is 1 for a point that enters and -1 for one that leaves.

    Returns
    -------
    cells
        How many cells changed, over all zooms.
    """
    x, y = cell_sql("ST_X(geom)", "ST_Y(geom)", _DEEPEST)
    connection.execute(text(_CHANGES))
    count = connection.execute(text(_DEEPEST_CHANGES.format(z=_DEEPEST, x=x, y=y, table=table))).rowcount
    for zoom, finer in reversed(list(pairwise(CELL_ZOOMS))):
        count += connection.execute(text(_COARSER_CHANGES), {"z": zoom, "finer": finer}).rowcount
    if count:
        connection.execute(text("ANALYZE cell_change"))
        connection.execute(text(_STAGED))
    connection.execute(text("DROP TABLE cell_change"))
    return count
