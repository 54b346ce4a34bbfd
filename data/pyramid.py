"""Keep the density pyramid `incident_cell` true: count points into and out of its cells, all zooms at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, text

from layers.pyramid import CELL_ZOOMS, cells

_DEEPEST = max(CELL_ZOOMS)
_BATCH = 20_000
_FEW = 100  # points
_COLUMNS = ("z", "x", "y", "path", "change")
_MERGE = """
WITH change AS (
  SELECT u.z, u.x, u.y, u.path::ltree AS path, u.change
  FROM unnest(
    CAST(:z AS smallint[]), CAST(:x AS integer[]), CAST(:y AS integer[]), CAST(:path AS text[]),
    CAST(:change AS integer[])
  ) AS u (z, x, y, path, change)
), entered AS (
  INSERT INTO incident_cell AS c (z, x, y, path, count) SELECT z, x, y, path, change FROM change WHERE change > 0
  ON CONFLICT (z, x, y, path) DO UPDATE SET count = c.count + excluded.count
), emptied AS (
  DELETE FROM incident_cell c USING change d
  WHERE (c.z, c.x, c.y, c.path) = (d.z, d.x, d.y, d.path) AND d.change < 0 AND c.count + d.change <= 0
)
UPDATE incident_cell c SET count = c.count + d.change FROM change d
WHERE (c.z, c.x, c.y, c.path) = (d.z, d.x, d.y, d.path) AND d.change < 0 AND c.count + d.change > 0
"""


@dataclass(frozen=True)
class Points:
    """Points with the path that decides who sees them.

    Attributes
    ----------
    xy
        Shape (n, 2), degrees, (lon, lat).
    paths
        n `ltree` paths; "" is outside every area.
    """

    xy: npt.NDArray[np.float64]
    paths: Sequence[str]

    @classmethod
    def of(cls, rows: Iterable[tuple[float, float, str]]) -> "Points":
        """Make points from (lon, lat, path) rows, as the outbox carries them."""
        listed = list(rows)
        xy = np.array([(lon, lat) for lon, lat, _ in listed], dtype=np.float64).reshape(-1, 2)
        return cls(xy, [path for _, _, path in listed])


class CellCounts:
    """A running count of points per deepest cell and path: memory grows with the cells touched, not with the points."""

    def __init__(self) -> None:
        self._counts = pd.DataFrame({"x": [], "y": [], "path": [], "change": []})

    def add(self, points: Points, change: int = 1) -> None:
        """Count points in (`change` 1) or out (-1)."""
        if not len(points.paths):
            return
        xy = cells(points.xy, _DEEPEST)
        fresh = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "path": list(points.paths), "change": change})
        fresh = _summed(fresh)
        self._counts = _summed(pd.concat([self._counts, fresh])) if len(self._counts) else fresh

    def write(self, connection: Connection) -> int:
        """Bring the counts of all zooms into the table and drop the cells that reach 0.

        Returns
        -------
        cells
            How many cells changed.
        """
        level = self._counts[self._counts["change"] != 0]
        changed = 0
        for zoom in sorted(CELL_ZOOMS, reverse=True):
            if zoom < _DEEPEST:
                level = _summed(level.assign(x=level["x"] // 2, y=level["y"] // 2))
                level = level[level["change"] != 0]
            changed += len(level)
            # one zoom at a time keeps memory low; all writers take rows in one order: no deadlock
            ordered = level.sort_values(["x", "y", "path"])
            for start in range(0, len(ordered), _BATCH):
                batch = ordered.iloc[start : start + _BATCH]
                values = {name: batch[name].tolist() for name in ("x", "y", "path", "change")}
                connection.execute(text(_MERGE), {"z": [zoom] * len(batch), **values})
        return changed


def apply(connection: Connection, added: Points, removed: Points) -> int:
    """Count points into and out of the pyramid, in the caller's transaction.

    Parameters
    ----------
    connection
        In a transaction that is committed with the change of `incident` itself, or by the outbox's one reader.
    added, removed
        Points that enter and leave; a moved or re-tagged point is in both.

    Returns
    -------
    cells
        How many cells changed, over all zooms.
    """
    if len(added.paths) + len(removed.paths) <= _FEW:
        return _apply_few(connection, added, removed)
    counts = CellCounts()
    counts.add(added)
    counts.add(removed, -1)
    return counts.write(connection)


def _apply_few(connection: Connection, added: Points, removed: Points) -> int:
    """Do the same for a handful of points, as live events are: data frames would take most of the time."""
    counts: Counter[tuple[int, int, int, str]] = Counter()
    for points, change in ((added, 1), (removed, -1)):
        for (x, y), path in zip(cells(points.xy, _DEEPEST).tolist(), points.paths, strict=True):
            for zoom in CELL_ZOOMS:
                shift = _DEEPEST - zoom
                counts[zoom, x >> shift, y >> shift, path] += change
    rows = sorted((*cell, change) for cell, change in counts.items() if change)
    if rows:
        columns = zip(*rows, strict=True)
        connection.execute(text(_MERGE), dict(zip(_COLUMNS, map(list, columns), strict=True)))
    return len(rows)


def _summed(counts: pd.DataFrame) -> pd.DataFrame:
    """Add up the rows of the same cell and path."""
    return counts.groupby(["x", "y", "path"], sort=False)["change"].sum().reset_index()
