"""The pyramid in PostGIS: points in and out, SQL cells equal numpy cells."""

import numpy as np
import pytest
from sqlalchemy import text

from data import pyramid
from layers.pyramid import CELL_ZOOMS, cell_sql, cells

HERE, THERE = (114.97, 30.2), (114.99, 30.21)


def move(connection, added, removed):
    """Count (lon, lat, path) points in and out; how many cells changed."""
    rows = [(*point, 1) for point in added] + [(*point, -1) for point in removed]
    listed = ", ".join(f"({lon!r}, {lat!r}, '{path}'::ltree, {change})" for lon, lat, path, change in rows)
    moves = (
        "SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom, path, change "
        f"FROM (VALUES {listed}) v (lon, lat, path, change)"
    )
    return connection.execute(text(pyramid.merge_sql(moves))).rowcount


def counts(engine):
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT z, x, y, path::text, count FROM incident_cell ORDER BY 1, 2, 3, 4"))
        return {tuple(row[:4]): row[4] for row in rows}


@pytest.mark.usefixtures("clean")
def test_points_enter_and_leave(owner_engine):
    """Two points here under one path, one under another; one of the two moves there; then all leave."""
    with owner_engine.begin() as connection:
        move(connection, [(*HERE, "d.a"), (*HERE, "d.a"), (*HERE, "d.b")], [])
    full = counts(owner_engine)
    assert len(full) == 2 * len(CELL_ZOOMS)
    for zoom in CELL_ZOOMS:
        x, y = cells(np.array([HERE]), zoom)[0].tolist()
        assert (full[zoom, x, y, "d.a"], full[zoom, x, y, "d.b"]) == (2, 1)
    with owner_engine.begin() as connection:
        move(connection, [(*THERE, "d.a")], [(*HERE, "d.a")])
    x, y = cells(np.array([HERE]), 20)[0].tolist()
    assert counts(owner_engine)[20, x, y, "d.a"] == 1
    assert sum(count for key, count in counts(owner_engine).items() if key[0] == 20) == 3
    with owner_engine.begin() as connection:
        move(connection, [], [(*THERE, "d.a"), (*HERE, "d.a"), (*HERE, "d.b")])
    assert counts(owner_engine) == {}


def test_a_point_that_moves_within_its_cell_changes_nothing(owner_engine):
    near = (HERE[0] + 1e-9, HERE[1])
    with owner_engine.begin() as connection:
        assert move(connection, [(*near, "d")], [(*HERE, "d")]) == 0


def test_sql_finds_the_same_cells(owner_engine):
    rng = np.random.default_rng(7)
    xy = np.column_stack([rng.uniform(-180, 180, 500), rng.uniform(-90, 90, 500)])
    with owner_engine.connect() as connection:
        for zoom in (14, 20):
            x, y = cell_sql("p.lon", "p.lat", zoom)
            rows = connection.execute(
                text(
                    f"SELECT {x}, {y} FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) "
                    "WITH ORDINALITY AS p (lon, lat, n) ORDER BY n"
                ),
                {"lon": xy[:, 0].tolist(), "lat": xy[:, 1].tolist()},
            ).all()
            assert [tuple(row) for row in rows] == [tuple(one) for one in cells(xy, zoom).tolist()]
