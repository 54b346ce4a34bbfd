"""The staging table: rows sent by COPY, compared with what is there, merged into their table."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import csv as arrow_csv
from sqlalchemy import Connection, Table, TextClause, text

from data.imports.faults import FaultLog

NEVER_CHANGED = ("code", "id", "plan_id")  # a row's identity
READ_AT_ONCE = 5_000


@dataclass(frozen=True)
class Stage:
    """A temporary table with the columns of its target and `row`, the row in the file.

    Attributes
    ----------
    columns
        The target's columns that the file fills.
    extra
        Columns that the target lacks (`grid_id` of units).
    """

    connection: Connection
    table: Table
    columns: tuple[str, ...]
    extra: tuple[str, ...] = ()

    def create(self) -> None:
        """Make the table; it goes with the transaction."""
        listed = ", ".join(f'"{name}"' for name in self.columns)
        extra = "".join(f', NULL::bigint AS "{name}"' for name in self.extra)
        self.connection.execute(text("DROP TABLE IF EXISTS import_stage"))
        self.connection.execute(
            text(
                f'CREATE TEMP TABLE import_stage ON COMMIT DROP AS SELECT 0 AS "row", {listed}{extra} '
                f'FROM "{self.table.name}" WITH NO DATA'
            )
        )

    def load(self, rows: pd.DataFrame) -> None:
        """Send rows by COPY."""
        names = ["row", *self.columns, *self.extra]
        table = pa.table({name: _arrow(rows[name], is_geometry=name == "geom") for name in names})
        content = io.BytesIO()
        arrow_csv.write_csv(table, content, arrow_csv.WriteOptions(include_header=False, quoting_style="all_valid"))
        content.seek(0)
        listed = ", ".join(f'"{name}"' for name in names)
        raw: Any = self.connection.connection
        with raw.cursor() as cursor:
            cursor.copy_expert(f"COPY import_stage ({listed}) FROM STDIN (FORMAT csv)", content)

    def analyze(self) -> None:
        """Tell the planner how large the stage is."""
        self.connection.execute(text("ANALYZE import_stage"))

    def log_duplicates(self, log: FaultLog, column: str = "code") -> None:
        """Log every row whose code an earlier row of the file has."""
        found = self.connection.execute(
            text(
                f'SELECT "{column}"::text, array_agg("row" ORDER BY "row") FROM import_stage '
                f'WHERE "{column}" IS NOT NULL GROUP BY 1 HAVING count(*) > 1 ORDER BY min("row")'
            ),
            execution_options={"yield_per": READ_AT_ONCE},
        )
        for value, rows in found:
            later = rows[1:]
            log.add(later, column, [value] * len(later), f"is in row {rows[0]} already", kind="duplicate")

    def merge(self, key: tuple[str, ...] = ("code",)) -> tuple[set[int], set[int]]:
        """Insert what is new and update what differs.

        Returns
        -------
        added, changed
            Rows of the file.
        """
        changed = {row for (row,) in self.connection.execute(text(self.update_sql(key) + ' RETURNING s."row"'))}
        added = {row for (row,) in self.connection.execute(text(self.missing_sql(key)))}
        self.connection.execute(text(self.insert_sql(key)))
        return added, changed

    def update_sql(self, key: tuple[str, ...] = ("code",)) -> str:
        """Write the update of rows that differ."""
        return (
            f'UPDATE "{self.table.name}" t SET {self._sets()} FROM import_stage s '
            f"WHERE {_matches(key)} AND {self._differs()}"
        )

    def differing_sql(self) -> str:
        """Write the making of `import_differing`: rows that will change, as they are now, locked until they have."""
        return (
            'CREATE TEMP TABLE import_differing ON COMMIT DROP AS SELECT s."row", t.geom, t.path '
            f'FROM "{self.table.name}" t JOIN import_stage s ON {_matches(("code",))} WHERE {self._differs()} '
            "FOR UPDATE OF t"
        )

    def update_differing_sql(self) -> str:
        """Write the update of the rows in `import_differing`."""
        return (
            f'UPDATE "{self.table.name}" t SET {self._sets()} FROM import_stage s '
            f'JOIN import_differing d ON d."row" = s."row" WHERE {_matches(("code",))}'
        )

    def insert_sql(self, key: tuple[str, ...] = ("code",)) -> str:
        """Write the insert of rows that are not there; run it after the update.

        Rows are laid down along a Hilbert curve, which is how PostGIS sorts geometry: a tile reads few pages.
        """
        names = ", ".join(f'"{name}"' for name in self.columns)
        values = ", ".join(self._staged(name) for name in self.columns)
        return (
            f'INSERT INTO "{self.table.name}" ({names}) SELECT {values} FROM import_stage s '
            f'WHERE NOT EXISTS (SELECT 1 FROM "{self.table.name}" t WHERE {_matches(key)}) ORDER BY s.geom, s."row"'
        )

    def missing_sql(self, key: tuple[str, ...] = ("code",)) -> str:
        """Write the query of the rows that `insert_sql` will insert."""
        return (
            f'SELECT s."row" FROM import_stage s '
            f'WHERE NOT EXISTS (SELECT 1 FROM "{self.table.name}" t WHERE {_matches(key)})'
        )

    def new_or_differing_sql(self, key: tuple[str, ...]) -> str:
        """Write the query of the rows that a merge will insert or update."""
        return (
            f'SELECT s."row" FROM import_stage s LEFT JOIN "{self.table.name}" t ON {_matches(key)} '
            f'WHERE t."code" IS NULL OR {self._differs()}'
        )

    def _sets(self) -> str:
        """Write the assignments of an update."""
        return ", ".join(f'"{name}" = {self._staged(name)}' for name in self._changeable())

    def _differs(self) -> str:
        """Write the condition that a row of the table is not as staged."""
        old = ", ".join(f't."{name}"' for name in self._changeable())
        new = ", ".join(self._staged(name) for name in self._changeable())
        return f"({old}) IS DISTINCT FROM ({new})"

    def _changeable(self) -> list[str]:
        """List the columns that an update sets."""
        return [name for name in self.columns if name not in NEVER_CHANGED]

    def _staged(self, name: str) -> str:
        """Write a staged value: the column's default where the file is blank and the column may not be."""
        column = self.table.c[name]
        if column.nullable or column.server_default is None:
            return f's."{name}"'
        default: Any = getattr(column.server_default, "arg", None)
        written = default.text if isinstance(default, TextClause) else "'" + str(default).replace("'", "''") + "'"
        return f'coalesce(s."{name}", {written})'


def _matches(key: tuple[str, ...]) -> str:
    """Write the condition that a row of the table and a staged row are the same thing."""
    return " AND ".join(f't."{name}" = s."{name}"' for name in key)


def _arrow(values: Any, *, is_geometry: bool) -> pa.Array:
    """Make an Arrow column of a staged one."""
    if is_geometry:
        geoms = shapely.set_srid(np.asarray(values, dtype=object), 4326)
        return pa.array(shapely.to_wkb(geoms, hex=True, include_srid=True), type=pa.string())
    array = pa.Array.from_pandas(values)
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array
