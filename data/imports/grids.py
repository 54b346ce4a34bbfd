"""Grids: which plan holds those of files, what later plans decided, units and figures after a merge."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.force import FORCE_LOCK
from data.imports.faults import FaultLog
from data.imports.stage import Stage
from data.planning import scheme_in_use
from geo.projection import to_metric

KEY = ("plan_id", "code")
_PLAN = """
SELECT p.id FROM plan p JOIN area a ON a.id = p.area_id
WHERE a.path = CAST(:path AS ltree) AND p.created_by = 'import' AND p.approved_by IS NULL
  AND p.status IN ('effective', 'retired')
ORDER BY p.status = 'effective' DESC, p.id DESC LIMIT 1
"""
_NEW_PLAN = """
INSERT INTO plan (scheme_id, area_id, path, name, status, effective_on, created_by)
SELECT :scheme, a.id, a.path, a.name || '现行网格', 'effective', current_date, 'import'
FROM area a WHERE a.path = CAST(:path AS ltree) RETURNING id
"""
_GONE_STAY_GONE = """
UPDATE import_stage s SET is_effective = false
FROM grid t WHERE t.plan_id = s.plan_id AND t.code = s.code AND NOT t.is_effective
"""
_DECIDED = """
CREATE TEMP TABLE import_decided ON COMMIT DROP AS
SELECT DISTINCT ON (s."row") s."row", s.code, p.name, p.effective_on FROM import_stage s
JOIN plan p ON p.status = 'effective' AND p.id <> s.plan_id AND (
  p.path @> s.path OR EXISTS (SELECT 1 FROM grid e WHERE e.plan_id = p.id AND e.area_id = s.area_id AND e.is_effective)
)
ORDER BY s."row", nlevel(p.path) DESC, p.id DESC
"""
_CHANGED = (
    'SELECT d."row", d.code, d.name, d.effective_on FROM import_decided d JOIN ({rows}) c USING ("row") ORDER BY 1'
)
_TAKEN = """
SELECT DISTINCT ON (s."row") s."row", s.code, a.name FROM import_stage s
JOIN grid g ON g.code = s.code AND g.is_effective AND g.plan_id <> s.plan_id
JOIN plan p ON p.id = g.plan_id JOIN area a ON a.id = p.area_id
WHERE NOT EXISTS (SELECT 1 FROM import_decided d WHERE d."row" = s."row") ORDER BY s."row", a.code
"""
_PLAN_GOES_ON = """
UPDATE plan p SET status = 'effective', retired_on = NULL
WHERE p.status = 'retired' AND p.id IN (SELECT plan_id FROM import_stage)
  AND EXISTS (SELECT 1 FROM grid g WHERE g.plan_id = p.id AND g.is_effective)
"""
_GIVEN = """
INSERT INTO plan_assignment AS x (plan_id, unit_id, grid_id)
SELECT g.plan_id, u.id, g.id FROM import_stage s JOIN unit u ON u.code = s.code JOIN grid g ON g.id = s.grid_id
ON CONFLICT (plan_id, unit_id) DO UPDATE SET grid_id = excluded.grid_id WHERE x.grid_id <> excluded.grid_id
RETURNING unit_id
"""
_BY_PLACE = """
INSERT INTO plan_assignment (plan_id, unit_id, grid_id)
SELECT DISTINCT ON (u.id) g.plan_id, u.id, g.id
FROM unit u JOIN grid g ON g.is_effective AND ST_Intersects(g.geom, ST_PointOnSurface(u.geom))
WHERE NOT EXISTS (
  SELECT 1 FROM plan_assignment x JOIN grid e ON e.id = x.grid_id WHERE x.unit_id = u.id AND e.is_effective
)
ORDER BY u.id, g.code
RETURNING unit_id
"""
_HOUSEHOLDS = """
UPDATE grid g SET households = c.households
FROM (
  SELECT e.id, coalesce(sum(u.households), 0)::integer AS households
  FROM grid e LEFT JOIN plan_assignment x ON x.grid_id = e.id LEFT JOIN unit u ON u.id = x.unit_id
  WHERE e.is_effective GROUP BY e.id
) c WHERE c.id = g.id AND g.households <> c.households
"""
_OUTLINES = """
SELECT id, path::text, compactness_ratio, ST_AsBinary(geom) FROM grid
WHERE is_effective AND plan_id IN (SELECT plan_id FROM import_stage) ORDER BY id
"""
_COMPACTNESS = """
UPDATE grid g SET compactness_ratio = c.ratio
FROM unnest(CAST(:ids AS bigint[]), CAST(:ratios AS float8[])) AS c (id, ratio) WHERE c.id = g.id
"""


class ImportedPlans:
    """The plan of each district that holds its imported grids, made when the first grid of a district comes in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {}

    def of(self, path: str) -> int:
        """Give the plan of the district that a path begins with."""
        district = path.split(".", 1)[0]
        if district not in self._ids:
            self._ids[district] = self._find(district)
        return self._ids[district]

    def _find(self, district: str) -> int:
        """Find the plan or make it."""
        found = self._connection.execute(text(_PLAN), {"path": district}).scalar()
        if found is None:
            values = {"path": district, "scheme": scheme_in_use(self._connection)}
            found = self._connection.execute(text(_NEW_PLAN), values).scalar_one()
        return int(found)


def check_decided(stage: Stage, log: FaultLog) -> None:
    """Keep what plans of the workbench decided: a file puts no replaced grid back in force and changes none there.

    A row that is as it was imported changes nothing; any other is refused where another plan than that of the imported
    grids is in force. From here to the end of the transaction no plan comes into force.
    """
    connection = stage.connection
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FORCE_LOCK})
    connection.execute(text(_GONE_STAY_GONE))
    connection.execute(text(_DECIDED))
    for row, code, name, day in connection.execute(text(_CHANGED.format(rows=stage.new_or_differing_sql(KEY)))):
        since = f" since {day}" if day else ""
        said = f"lies where the plan {name} is in force{since}; import the change as a draft of a plan there instead"
        log.add([row], "code", [code], said, kind="decided")
    for row, code, name in connection.execute(text(_TAKEN)):
        log.add([row], "code", [code], f"is a grid of {name} already; say --prefix", kind="duplicate")


def go_on(connection: Connection) -> None:
    """Take up a district's imported plan again that was replaced everywhere, when it has grids in force anew."""
    connection.execute(text(_PLAN_GOES_ON))


def assign_units(connection: Connection, *, has_given: bool) -> set[int]:
    """Put units into the grids that the file names, and units of no grid into the one they lie in.

    Returns
    -------
    units
        Ids of the units that came into another grid.
    """
    moved: set[int] = set()
    for statement in (_GIVEN, _BY_PLACE) if has_given else (_BY_PLACE,):
        moved.update(unit for (unit,) in connection.execute(text(statement)))
    return moved


def count_households(connection: Connection) -> None:
    """Sum the households of each effective grid's units."""
    connection.execute(text(_HOUSEHOLDS))


def measure_compactness(connection: Connection) -> None:
    """Measure imported grids in force: Polsby-Popper, 4 pi area / perimeter squared, in the district's metric CRS."""
    rows = connection.execute(text(_OUTLINES)).all()
    if not rows:
        return
    frame = pd.DataFrame(
        {
            "id": [row[0] for row in rows],
            "district": [row[1].split(".", 1)[0] for row in rows],
            "old": np.array([row[2] for row in rows], dtype=np.float64),
        }
    )
    geoms = gpd.GeoSeries(shapely.from_wkb([bytes(row[3]) for row in rows]), crs=4326)
    ratios = np.empty(len(frame))
    for _, part in frame.groupby("district"):
        metric = to_metric(gpd.GeoDataFrame(geometry=geoms.iloc[part.index]))
        ratios[part.index] = 4 * np.pi * metric.area / metric.length**2
    differs = ~np.isclose(ratios, frame["old"], rtol=1e-9, atol=0)
    if differs.any():
        connection.execute(
            text(_COMPACTNESS), {"ids": frame["id"][differs].tolist(), "ratios": ratios[differs].tolist()}
        )  # fmt: skip
