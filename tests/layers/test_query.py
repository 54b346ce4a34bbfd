"""Tile and list SQL: who shares a tile, what is guarded, and that indexes are used under row-level security."""

import pytest
from sqlalchemy import Engine

from data.scope import scoped
from layers.layer import Layer
from layers.query import ItemQuery, item_sql, scope_key, sight, tile_sql
from layers.registry import LAYERS, get_layer
from layers.viewer import ANONYMOUS, Viewer

CHIEF = Viewer(1, frozenset({"dispatcher"}), ("",), ("",))
WEST = Viewer(2, frozenset({"dispatcher"}), ("D1",), ("D1",))
EAST = Viewer(3, frozenset({"dispatcher"}), ("D2",), ("D2",))
PLANNER = Viewer(4, frozenset({"planner"}), ("D1",), ("D1",))
ROWS = [layer for layer in LAYERS if layer.tile_source == "rows"]
TILE = {"z": 15, "x": 26852, "y": 13505, "features": 1000}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_tiles_are_shared_only_between_equals(layer: Layer) -> None:
    """Two scopes share a tile only where every field of it is everyone's."""
    is_everyones = layer.scope == "public" and layer.tile_source == "rows"
    assert (scope_key(layer, WEST) == scope_key(layer, EAST)) == is_everyones
    assert (scope_key(layer, ANONYMOUS) == scope_key(layer, WEST)) == is_everyones
    assert scope_key(layer, WEST) == scope_key(layer, Viewer(2, frozenset({"dispatcher"}), ("D1",), ("D1",)))


def test_case_fields_need_a_case_role() -> None:
    """A planner sees that an incident is there, not what was written about it."""
    incident = get_layer("incident")
    words = {"title", "description"}
    assert not words & set(sight(incident, PLANNER).fields)
    assert "category_name" in sight(incident, PLANNER).fields
    assert words <= set(sight(incident, WEST).fields)


@pytest.mark.parametrize("layer", ROWS, ids=lambda layer: layer.name)
@pytest.mark.parametrize("viewer", [CHIEF, WEST], ids=["unscoped", "scoped"])
def test_tiles_use_the_spatial_index(layer: Layer, viewer: Viewer, app_engine: Engine) -> None:
    """PostgreSQL may use the index although row-level security hides rows (the operator is leakproof)."""
    with scoped(app_engine, viewer) as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_indexscan = off")  # else an empty table's other index is as good
        plan = connection.exec_driver_sql("EXPLAIN " + tile_sql(layer, sight(layer, viewer), 15), TILE).scalars().all()
    assert any(f"ix_{layer.table.name}_geom_3857" in line for line in plan), "\n".join(plan)


@pytest.mark.parametrize("layer", ROWS, ids=lambda layer: layer.name)
def test_lists_use_the_spatial_index(layer: Layer, app_engine: Engine) -> None:
    """A box is looked up, not searched for."""
    sql = item_sql(layer, sight(layer, WEST), ItemQuery(boxes=1))
    box = {"west": 115.0, "south": 30.2, "east": 115.001, "north": 30.201, "limit": 10}
    with scoped(app_engine, WEST) as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_indexscan = off")  # else an empty table's primary key is as good
        plan = connection.exec_driver_sql("EXPLAIN " + sql, box).scalars().all()
    assert any(f"ix_{layer.table.name}_geom" in line for line in plan), "\n".join(plan)


@pytest.mark.parametrize("z", range(0, 21))
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_tile_query_runs(layer: Layer, z: int, app_engine: Engine) -> None:
    """Every zoom of every layer is valid SQL, also over empty tables and at the corner of the world."""
    with scoped(app_engine, CHIEF) as connection:
        for x in (0, 2**z - 1):
            values = {"z": z, "x": x, "y": x, "features": 10}
            assert connection.exec_driver_sql(tile_sql(layer, sight(layer, CHIEF), z), values).scalar() is not None


@pytest.mark.parametrize("z", [0, 5, 11, 15, 16, 20])
def test_points_lie_in_tiles_where_postgis_puts_them(z: int, app_engine: Engine) -> None:
    """The arithmetic of points agrees with ST_AsMVTGeom to the last unit, inside the tile and in its margin."""
    sql = tile_sql(get_layer("incident"), sight(get_layer("incident"), CHIEF), z)
    shape = sql.partition("FROM (SELECT ")[2].partition(" AS geom")[0]
    assert "ST_AsMVTGeom" not in shape
    envelope = "ST_TileEnvelope(%(z)s, %(x)s, %(y)s)"
    x, y = int((114.96 / 360 + 0.5) * 2**z), int(0.412 * 2**z)
    places = (
        f"SELECT ST_SetSRID(ST_MakePoint(ST_XMin(e) + i / 61.0 * w, ST_YMin(e) + j / 61.0 * w), 3857) AS geom_3857 "
        f"FROM (SELECT e, ST_XMax(e) - ST_XMin(e) AS w FROM (SELECT {envelope} AS e) o) o, "
        "generate_series(0, 61) i, generate_series(0, 61) j"
    )
    differing = (
        f"SELECT count(*), count(*) FILTER (WHERE ST_AsText({shape}) IS DISTINCT FROM "
        f"ST_AsText(ST_AsMVTGeom(t.geom_3857, {envelope}, 4096, 64, true))) FROM ({places}) t"
    )
    with scoped(app_engine, CHIEF) as connection:
        assert connection.exec_driver_sql(differing, {"z": z, "x": x, "y": y}).one() == (62 * 62, 0)
