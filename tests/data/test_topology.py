"""A stored plan is a topology without faults: no gap, no overlap, no sliver, the same border from both sides."""

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from data.assigned import read_assigned, redraw, store_assigned
from data.drafts import Base, insert_plan
from data.lots import ensure_drawn
from data.planning import find_area

SIZE = 0.008  # degrees: about 800 m
UNITS = 40
ZIGZAG = [(0, 0), (0.4, 0.1), (0.45, 0.6), (0.8, 0.55), (1, 1)]


def draw_city(connection: Connection, seed: int) -> None:
    """Six communities of a street with crooked common borders, forty small buildings in each, two at one place."""
    rng = np.random.default_rng(seed)
    lower = shapely.LineString([(x * 3, 1 + 0.2 * np.sin(5 * x)) for x in np.linspace(0, 1, 40)])
    lines = [lower, *(shapely.LineString([(n + 0.2 * y, 2 * y) for _, y in ZIGZAG]) for n in (1, 2))]
    box = shapely.box(0, 0, 3, 2)
    pieces = shapely.get_parts(shapely.polygonize([shapely.union_all([box.boundary, *lines])]))
    pieces = [shapely.affinity.affine_transform(one, [SIZE, 0, 0, SIZE, 115, 30]) for one in pieces]
    whole = shapely.union_all(pieces)
    area = text(
        "INSERT INTO area (level, code, name, geom, path) VALUES (:level, :code, :code, "
        "ST_Multi(ST_GeomFromWKB(:geom, 4326)), CAST(:path AS ltree))"
    )
    unit = text(
        "INSERT INTO unit (code, area_id, households, geom, path) "
        "SELECT :code, id, 20, ST_GeomFromWKB(:geom, 4326), path FROM area WHERE code = :community"
    )
    connection.execute(area, {"level": "street", "code": "S", "path": "S", "geom": shapely.to_wkb(whole)})
    for number, piece in enumerate(pieces):
        code = f"C{number}"
        connection.execute(
            area, {"level": "community", "code": code, "path": f"S.{code}", "geom": shapely.to_wkb(piece)}
        )  # fmt: skip
        west, south, east, north = piece.bounds
        spots: list[shapely.Point] = []
        while len(spots) < UNITS - 1:
            spot = shapely.Point(rng.uniform(west, east), rng.uniform(south, north))
            if piece.contains(spot.buffer(0.0002)):
                spots.append(spot)
        spots.append(spots[0])
        for place, spot in enumerate(spots):
            half = 0.00008 if place % 3 else 0  # some are points
            shape = shapely.box(spot.x - half, spot.y - half, spot.x + half, spot.y + half) if half else spot
            values = {"code": f"{code}U{place:02}", "community": code, "geom": shapely.to_wkb(shape)}
            connection.execute(unit, values)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_plan_of_any_assignment_is_a_topology_without_faults(clean: Engine, seed: int) -> None:
    """PostGIS's own check finds no error, and the faces are the pieces of the grids: none is a gap or a sliver."""
    with clean.connect() as connection:
        draw_city(connection, seed)
        area = find_area(connection, "S")
        ensure_drawn(connection, area)
        scheme = connection.execute(text("SELECT id FROM grid_scheme ORDER BY id LIMIT 1")).scalar_one()
        base = Base(None, scheme, {}, 0, {}, {"grids": [], "units": []}, (400, 800))
        plan_id = insert_plan(connection, area, base, name="drawn", by=None, status="draft")
        assigned = read_assigned(connection, plan_id, area.path)
        units = assigned.units
        number = np.random.default_rng(seed).integers(0, 3, len(units)) + 3 * units["community"].str[1:].astype(int)
        grids = [(f"G{one:02}", f"C{one // 3}") for one in range(18)]
        store_assigned(connection, plan_id, grids, units["id"].to_numpy(), number.to_numpy(dtype=np.int64))
        figures = redraw(connection, read_assigned(connection, plan_id, area.path))
        assert figures.households.sum() == 20 * 6 * UNITS
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis_topology"))
        connection.execute(text("SELECT topology.CreateTopology('checked', 4326, 0)"))
        connection.execute(
            text(
                "SELECT topology.ST_CreateTopoGeo('checked', "
                "(SELECT ST_Collect(geom) FROM public.grid WHERE plan_id = :id))"
            ),
            {"id": plan_id},
        )
        assert connection.execute(text("SELECT * FROM topology.ValidateTopology('checked')")).all() == []
        faces = connection.execute(text("SELECT count(*) FROM checked.face WHERE face_id > 0")).scalar_one()
        rows = connection.execute(text("SELECT ST_AsBinary(geom) FROM grid WHERE plan_id = :id"), {"id": plan_id})
        outlines = shapely.from_wkb([bytes(row[0]) for row in rows])
        pieces = shapely.get_parts(outlines)
        assert faces == len(pieces)
        assert shapely.get_num_interior_rings(shapely.union_all(outlines)) == 0
        whole = shapely.from_wkb(
            bytes(connection.execute(text("SELECT ST_AsBinary(geom) FROM area WHERE code = 'S'")).scalar())
        )
        assert shapely.union_all(outlines).symmetric_difference(whole).area < 1e-5 * whole.area
        connection.rollback()


def test_two_units_at_one_place_each_have_ground(clean: Engine) -> None:
    with clean.connect() as connection:
        draw_city(connection, 0)
        area = find_area(connection, "S")
        ensure_drawn(connection, area)
        rows = connection.execute(
            text("SELECT u.code, ST_AsBinary(l.geom) FROM unit_lot l JOIN unit u ON u.id = l.unit_id ORDER BY 1")
        ).all()
        lots = shapely.from_wkb([bytes(row[1]) for row in rows])
        assert len(lots) == 6 * UNITS
        assert not shapely.is_empty(lots).any()
        assert shapely.is_valid(lots).all()
        connection.rollback()
