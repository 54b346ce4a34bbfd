"""The raster index against the database's own answer: the first polygon that `ST_Intersects` the point."""

import numpy as np
import shapely
from sqlalchemy import Engine, text

from geo.tagging import PolygonIndex

FIRST_HOLDER = text(
    """
    select p.row, coalesce(min(g.row), -1)
    from unnest(cast(:points as geometry[])) with ordinality as p(geom, row)
    left join unnest(cast(:polygons as geometry[])) with ordinality as g(geom, row) on ST_Intersects(g.geom, p.geom)
    group by p.row order by p.row
    """
)


def as_array(geometries: np.ndarray) -> str:
    """Write geometries as a PostgreSQL array of hex WKB."""
    return "{" + ":".join(shapely.to_wkb(geometries, hex=True)) + "}"


def test_tags_are_those_of_st_intersects(owner_engine: Engine):
    """A city of Voronoi cells with every ninth missing and a late blanket; random points and all corners."""
    rng = np.random.default_rng(7)
    corner, square = np.array([114.0, 30.0]), shapely.box(114, 30, 115, 31)
    cells = shapely.voronoi_polygons(shapely.multipoints(rng.random((60, 2)) + corner), extend_to=square)
    city = shapely.intersection(shapely.get_parts(cells), square)
    polygons = np.append(np.delete(city, slice(None, None, 9)), shapely.box(114.2, 30.2, 114.8, 30.8))
    points = np.concatenate([rng.uniform(-0.1, 1.1, (2000, 2)) + corner, shapely.get_coordinates(polygons)])
    values = {"points": as_array(shapely.points(points)), "polygons": as_array(polygons)}
    with owner_engine.connect() as connection:
        rows = connection.execute(FIRST_HOLDER, values).all()
    expected = [polygon - 1 if polygon > 0 else -1 for _, polygon in rows]
    assert len(set(expected)) > 40
    assert PolygonIndex.build(polygons).tag(points).tolist() == expected
