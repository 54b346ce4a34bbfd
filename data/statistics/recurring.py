"""Problems that come back in a place: clusters of like incidents in place and time, and cells with too many of them."""

from collections import Counter
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.errors import BadInputError
from data.statistics.question import Question
from geo.arrays import FloatArray, GeometryArray
from geo.cells import RESOLUTION, cells_of, tiling_of
from geo.hotspots.clusters import Reach, Shape, cluster, describe
from geo.hotspots.gistar import FEWEST_CELLS, Hotspots, gi_star
from geo.projection import to_metric

MOST_INCIDENTS = 200_000
MOST_CLUSTERS = 500
# joined reports tell of the same thing again, rejected ones of none; those without a place share a grid's middle
_READ = """
SELECT t.incident_id::text AS id, i.code, ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, t.category, t.path::text AS path,
  NOT t.is_closed AS is_open, (t.reported_at AT TIME ZONE :zone)::date AS day
FROM case_course t JOIN incident i ON i.id = t.incident_id
WHERE {condition} AND t.status NOT IN ('rejected', 'merged') AND i.is_placed
ORDER BY t.reported_at, t.incident_id LIMIT :most
"""
_SHAPE = text(
    "SELECT ST_AsBinary(geom) FROM (SELECT geom, 0 AS turn FROM area WHERE path = CAST(:path AS ltree) UNION ALL "
    "(SELECT geom, 1 FROM grid WHERE path = CAST(:path AS ltree) AND (is_effective OR valid_to IS NOT NULL) "
    "ORDER BY is_effective DESC, valid_to DESC LIMIT 1)) s ORDER BY turn LIMIT 1"
)


@dataclass(frozen=True)
class Search:
    """What counts as coming back.

    Attributes
    ----------
    reach
        How near in place and time, and how many.
    resolution
        H3 resolution of the cells; finer where the place has fewer than 30 of them.
    """

    reach: Reach
    resolution: int = RESOLUTION


@dataclass(frozen=True)
class Cluster:
    """One problem that came back.

    Attributes
    ----------
    place
        Path of the grid or area that holds most of its incidents.
    shape
        Its middle, how wide it is, and whether it grows; days since 1970.
    ids
        Its incidents, the earliest first.
    """

    category: str
    place: str
    lon: float
    lat: float
    shape: Shape
    open_count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A hexagon and how far its neighbourhood is from the mean."""

    id: str
    geom: shapely.Polygon
    n: int
    z: float
    p: float
    q: float
    kind: int


@dataclass(frozen=True)
class Recurring:
    """What was found.

    Attributes
    ----------
    clusters
        Those with most incidents first; at most 500, of `cluster_count`.
    cells
        Of the whole place; () where it has too few to tell.
    names
        Path of a place or code of a category to its name and English name.
    """

    search: Search
    incident_count: int
    clustered_count: int
    cluster_count: int
    clusters: tuple[Cluster, ...]
    cells: tuple[Cell, ...]
    resolution: int
    names: dict[str, tuple[str, str | None]]


def find(connection: Connection, question: Question, search: Search) -> Recurring:
    """Find what comes back, of the incidents that the transaction may see; the same rows give the same answer.

    Clusters are of one category each, in metres of a local projection and days of the place's own calendar.

    Raises
    ------
    BadInputError
        If more than 200,000 incidents are asked about.
    """
    rows = connection.execute(
        text(_READ.format(condition=question.condition)),
        {**question.values, "zone": question.time_zone, "most": MOST_INCIDENTS + 1},
    ).all()
    if len(rows) > MOST_INCIDENTS:
        raise BadInputError(
            f"{question.name} has more than {MOST_INCIDENTS:,} incidents from {question.first_day} to "
            f"{question.last_day}; choose fewer days or a smaller area"
        )
    frame = pd.DataFrame(rows, columns=["id", "code", "lon", "lat", "category", "path", "is_open", "day"])
    clusters = _clusters(frame, search.reach)
    kept = clusters[:MOST_CLUSTERS]
    cells, resolution = _cells(connection, question, frame, search.resolution)
    return Recurring(
        search, len(frame), sum(len(one.ids) for one in clusters), len(clusters), kept, cells, resolution,
        _names(connection, kept),
    )  # fmt: skip


def _clusters(frame: pd.DataFrame, reach: Reach) -> tuple[Cluster, ...]:
    """Find the clusters of each category, those with most incidents first."""
    if frame.empty:
        return ()
    xy_m = _metres(frame[["lon", "lat"]].to_numpy(dtype=np.float64))
    day = np.array([one.toordinal() for one in frame["day"]], dtype=np.float64) - 719_163  # days since 1970
    found = []
    for category, at in sorted(frame.groupby("category").indices.items()):
        label = cluster(xy_m[at], day[at], reach)
        for number in range(int(label.max(initial=-1)) + 1):
            members = at[label == number]
            found.append(_cluster(frame, members, xy_m, day, str(category)))
    return tuple(sorted(found, key=lambda one: (-len(one.ids), one.shape.first_day, one.category, one.ids[0])))


def _cluster(frame: pd.DataFrame, members: np.ndarray, xy_m: FloatArray, day: FloatArray, category: str) -> Cluster:
    """Describe one cluster."""
    rows = frame.iloc[members]
    paths = Counter(rows["path"])
    place = min(paths, key=lambda path: (-paths[path], path))
    return Cluster(
        category, place, float(rows["lon"].mean()), float(rows["lat"].mean()), describe(xy_m[members], day[members]),
        int(rows["is_open"].sum()), tuple(rows["id"]),
    )  # fmt: skip


def _metres(lon_lat: FloatArray) -> FloatArray:
    """Put degrees into metres."""
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon_lat[:, 0], lon_lat[:, 1]), crs=4326)
    points = to_metric(frame).geometry
    return np.column_stack([points.x.to_numpy(), points.y.to_numpy()])


def _cells(
    connection: Connection, question: Question, frame: pd.DataFrame, resolution: int
) -> tuple[tuple[Cell, ...], int]:
    """Count incidents by cell over the whole place, judge each with its neighbours; a small place has finer cells."""
    content = connection.execute(_SHAPE, {"path": question.path}).scalar()
    if content is None or frame.empty:
        return (), resolution
    area = shapely.from_wkb(bytes(content))
    points = frame[["lon", "lat"]].to_numpy(dtype=np.float64)
    for finer in range(resolution, resolution + 3):
        held = cells_of(points, resolution=finer)
        tiling = tiling_of(area, held.ids, resolution=finer)
        if len(tiling.ids) >= FEWEST_CELLS:
            break
    else:
        return (), resolution
    number = {one: at for at, one in enumerate(tiling.ids)}
    counts = np.bincount([number[held.ids[group]] for group in held.group.tolist()], minlength=len(tiling.ids))
    judged = gi_star(counts.astype(np.float64), tiling.neighbours)
    return _told(tiling.ids, tiling.geoms, counts, judged), finer


def _told(ids: tuple[str, ...], geoms: GeometryArray, counts: np.ndarray, judged: Hotspots) -> tuple[Cell, ...]:
    """Make the cells."""
    columns = (counts, judged.z, judged.p, judged.q, judged.kind)
    rows = zip(ids, geoms.tolist(), *(column.tolist() for column in columns), strict=True)
    return tuple(Cell(*row) for row in rows)


def _names(connection: Connection, clusters: tuple[Cluster, ...]) -> dict[str, tuple[str, str | None]]:
    """Read the names of the clusters' categories and places, and of the areas above these."""
    paths = {
        ".".join(parts[:n]) for one in clusters for parts in [one.place.split(".")] for n in range(1, len(parts) + 1)
    }
    found = connection.execute(
        text(
            "SELECT path::text AS key, name, name_en FROM area WHERE path::text = ANY (:paths) UNION ALL "
            "SELECT DISTINCT ON (path) path::text, coalesce(name, code), NULL FROM grid "
            "WHERE path::text = ANY (:paths) "
            "UNION ALL SELECT code, name, name_en FROM category WHERE code = ANY (:codes)"
        ),
        {"paths": sorted(paths), "codes": sorted({one.category for one in clusters})},
    )
    return {row.key: (row.name, row.name_en) for row in found}
