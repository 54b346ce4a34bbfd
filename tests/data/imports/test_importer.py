"""What an import does to the database: places, paths, grids, changes (the town of tests/data/conftest.py)."""

import json
import math
import uuid

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from data.errors import BadInputError
from data.imports.importer import import_file
from data.imports.options import ImportOptions
from data.imports.rows import INCIDENT_NAMESPACE, identity_of
from layers.errors import UnknownLayerError
from layers.pyramid import cells


def box(west, south, east, north):
    return shapely.box(114 + west / 100, 30 + south / 100, 114 + east / 100, 30 + north / 100)


def point(x, y):
    return shapely.Point(114 + x / 100, 30 + y / 100)


def ask(engine, statement, **values):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def test_areas_find_their_parents_and_make_paths(town):
    assert ask(town, "SELECT code, path::text FROM area ORDER BY path") == [
        ("D", "D"), ("S1", "D.S1"), ("C1", "D.S1.C1"), ("C2", "D.S1.C2"),
        ("S2", "D.S2"), ("C3", "D.S2.C3"), ("C4", "D.S2.C4"),
    ]  # fmt: skip


def test_rows_lie_in_the_deepest_area_and_a_shared_border_goes_to_the_lowest_code(town, importing):
    """(2, 3) is on the border of C2 and C4, (2, 2) on that of all four."""
    rows = [{"code": "P7", "name": "七", "geom": point(2, 3)}, {"code": "P8", "name": "八", "geom": point(2, 2)}]
    assert importing("station", rows).added == 2
    found = dict(ask(town, "SELECT code, path::text FROM facility"))
    assert found == {"P1": "D.S1.C2", "P2": "D.S2.C4", "P7": "D.S1.C2", "P8": "D.S1.C1"}
    assert ask(town, "SELECT path::text FROM unit WHERE code = 'UG31'") == [("D.S2.C3",)]


def test_grids_join_the_effective_plan_and_count_their_units(town):
    """G11 holds 400 + 50 households, the others 400. A square is pi/4 compact; G11 is 1 by 2 hundredths of a degree."""
    assert ask(town, "SELECT status, path::text FROM plan") == [("effective", "D")]
    assert ask(town, "SELECT floor, ceiling, target FROM grid_scheme ORDER BY id") == [(400, 800, 600), (300, 500, 400)]
    grids = ask(town, "SELECT code, path::text, households, is_effective FROM grid ORDER BY code")
    assert grids == [
        ("G11", "D.S1.C1.G11", 450, True), ("G12", "D.S1.C1.G12", 400, True), ("G21", "D.S1.C2.G21", 400, True),
        ("G31", "D.S2.C3.G31", 400, True), ("G41", "D.S2.C4.G41", 400, True),
    ]  # fmt: skip
    east_m, north_m = math.cos(math.radians(30.02)) * 1113.2, 1108.6  # a hundredth of a degree, to 0.1 %
    for code, width, height in (("G11", 1, 2), ("G41", 2, 2)):
        sides = width * east_m, height * north_m
        expected = 4 * math.pi * sides[0] * sides[1] / (2 * sum(sides)) ** 2
        assert ask(town, "SELECT compactness_ratio FROM grid WHERE code = :code", code=code)[0][0] == pytest.approx(
            expected, rel=2e-3
        )


def test_a_unit_file_moves_a_unit_to_another_grid(town, importing):
    """UX (50 households) lies in G11; the file says that it is in G12 today."""
    row = {"code": "UX", "households": 50, "grid": "G12", "geom": point(0.5, 1.5)}
    report = importing("unit", [row])
    assert (report.changed, report.unchanged) == (1, 0)
    assert ask(town, "SELECT code, households FROM grid WHERE path <@ 'D.S1.C1' ORDER BY 1") == [
        ("G11", 400),
        ("G12", 450),
    ]
    assert importing("unit", [row]).unchanged == 1
    kept = ask(town, "SELECT u.name, c.code FROM unit u JOIN compound c ON c.id = u.compound_id WHERE u.code = 'UX'")
    assert kept == [(None, "K1")], "fields that a file does not have stay as they are"


def test_only_what_differs_is_changed_and_announced(town, importing):
    before = ask(town, "SELECT max(id) FROM outbox")[0][0]
    rows = [
        {"code": "P1", "name": "改名", "tier": "leading", "geom": point(1, 3)},
        {"code": "P2", "name": "二号", "tier": "basic", "geom": point(3, 3)},
    ]
    report = importing("station", rows)
    assert (report.added, report.changed, report.unchanged) == (0, 1, 1)
    assert ask(town, "SELECT kind, layer FROM outbox WHERE id > :id", id=before) == [("layer", "station")]
    assert ask(town, "SELECT subject, detail->>'changed' FROM audit_event ORDER BY id DESC LIMIT 1") == [
        ("station", "1")
    ]
    assert ask(town, "SELECT services FROM facility WHERE code = 'P1'") == [(["饮水", "充电", "休息"],)]


def test_what_lies_in_an_area_that_moves_in_the_tree_moves_with_it(town, importing):
    """C2 goes from S1 to S2: its grid, unit and station follow."""
    report = importing("community", [{"code": "C2", "name": "C2社区", "parent": "S2", "geom": box(0, 2, 2, 4)}])
    assert report.changed == 1
    assert ask(town, "SELECT path::text FROM grid WHERE code = 'G21'") == [("D.S2.C2.G21",)]
    assert ask(town, "SELECT path::text FROM facility WHERE code = 'P1'") == [("D.S2.C2",)]
    assert ask(town, "SELECT count(*) FROM unit WHERE path <@ 'D.S1.C2'") == [(0,)]


def test_a_prefix_goes_before_codes_and_references(town, importing):
    importing("district", [{"code": "D", "name": "另一区", "geom": box(10, 0, 14, 4)}], prefix="x")
    report = importing("community", [{"code": "C", "name": "c", "parent": "D", "geom": box(10, 0, 12, 2)}], prefix="x")
    assert report.error_count == 0
    assert ask(town, "SELECT path::text FROM area WHERE code = 'xC'") == [("xD.xC",)]


def test_columns_are_found_by_title_or_as_the_caller_says(town, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(
        "编码,名称,面积,床,经度,纬度,关\n007,甲,3.5,12,114.005,30.005,否\n008,乙,4,,114.035,30.035,是\n", "gbk"
    )
    options = ImportOptions(
        columns={"capacity": "床", "attributes.area_m2": "面积"},
        constants={"tier": "home_point"},
        where={"关": ("否",)},
    )
    report = import_file(town, str(path), "elder_care", options)
    assert report.added == 1
    assert report.assumptions[0] == "p.csv is not UTF-8; it is read as GBK"
    assert "WGS84 are assumed" in report.assumptions[1]
    assert ask(town, "SELECT code, name, tier, capacity, attributes, kind FROM facility WHERE code = '007'") == [
        ("007", "甲", "home_point", 12, {"area_m2": "3.5"}, "elder_care")
    ]


def test_incidents_get_grid_identity_and_cells(town):
    rows = ask(town, "SELECT code, path::text, grid_code, status, source, id::text FROM incident ORDER BY code")
    assert rows == [
        ("20260501-1", "D.S1.C1.G11", "G11", "closed", "resident", str(uuid.uuid5(INCIDENT_NAMESPACE, "20260501-1"))),
        ("20260501-2", "D.S2.C4.G41", "G41", "reported", "worker", str(uuid.uuid5(INCIDENT_NAMESPACE, "20260501-2"))),
    ]
    x, y = cells(np.array([[114.005, 30.005]]), 14)[0].tolist()
    found = ask(town, "SELECT path::text, count FROM incident_cell WHERE z = 14 AND x = :x AND y = :y", x=x, y=y)
    assert found == [("D.S1.C1.G11", 1)]
    assert ask(town, "SELECT layer, count(*) FROM outbox WHERE layer LIKE 'incident%' GROUP BY 1 ORDER BY 1") == [
        ("incident", 1), ("incident_density", 1),
    ]  # fmt: skip


def test_a_time_without_a_zone_is_local(town, importing):
    """20:00 in Shanghai is 12:00 UTC; in a district of New York's zone, summer, 08:30 PM is 00:30 UTC the next day."""
    local = "SELECT reported_at AT TIME ZONE 'UTC' FROM incident WHERE code = :code"
    assert ask(town, local, code="20260501-2")[0][0].isoformat() == "2026-05-01T12:00:00"
    importing("district", [{"code": "N", "name": "n", "time_zone": "America/New_York", "geom": box(10, 0, 14, 4)}])
    row = {"code": "i", "category": "E01", "title": "t", "reported_at": "07/04/2026 08:30:00 PM", "geom": point(11, 1)}
    assert importing("incident", [row]).error_count == 0
    assert ask(town, local, code="i")[0][0].isoformat() == "2026-07-05T00:30:00"


def test_an_incident_that_moves_leaves_its_cell(town, importing):
    row = {
        "code": "20260501-2",
        "category": "E01",
        "title": "占道",
        "reported_at": "2026-05-01 20:00",
        "geom": point(0.5, 0.5),
    }
    assert importing("incident", [row]).changed == 1
    assert ask(town, "SELECT path::text, count FROM incident_cell WHERE z = 20") == [("D.S1.C1.G11", 2)]


def test_gcj02_points_come_back_to_wgs84_and_keep_their_numbers(town, importing):
    """In Wuhan GCJ-02 lies about 520 m east and 270 m south of WGS84."""
    row = {"code": "g", "category": "E01", "title": "t", "reported_at": "2026-05-01", "geom": point(1, 1)}
    assert importing("incident", [row], crs="gcj02").error_count == 0
    lon, lat, datum, original = ask(
        town, "SELECT ST_X(geom), ST_Y(geom), datum, original_lon FROM incident WHERE code = 'g'"
    )[0]
    assert (datum, original) == ("gcj02", 114.01)
    assert (114.01 - lon) * 96_400 == pytest.approx(520, abs=30)
    assert (lat - 30.01) * 110_900 == pytest.approx(270, abs=30)


def test_identities_are_version_5_uuids_of_the_code():
    for code in ("", "20260501-1", "受理-1"):
        assert identity_of(code) == str(uuid.uuid5(INCIDENT_NAMESPACE, code))


def test_a_large_load_keeps_its_spatial_indexes(town, tmp_path):
    """60,000 rows go through several chunks; the file again is one chunk of changes fewer than none."""
    path = tmp_path / "many.csv"
    rng = np.random.default_rng(1)
    xy = rng.uniform((114, 30), (114.04, 30.04), (60_000, 2))
    lines = [f"m{n},E01,t,2026-05-01T00:00:00Z,{x!r},{y!r}" for n, (x, y) in enumerate(xy.tolist())]
    path.write_text("code,category,title,reported_at,lon,lat\n" + "\n".join(lines) + "\n", "utf-8")
    indexes = (
        "SELECT indexname FROM pg_indexes WHERE tablename = 'incident' AND indexdef LIKE '%USING gist%' ORDER BY 1"
    )
    before = ask(town, indexes)
    assert len(before) > 2
    seen = []
    report = import_file(town, str(path), "incident", on_progress=lambda rows, ratio: seen.append((rows, ratio)))
    assert (report.added, report.faults) == (60_000, ())
    assert seen[-1] == (60_000, 1.0)
    assert len(seen) > 1
    assert ask(town, indexes) == before
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'incident'::regclass AND tgenabled = 'D'"
    assert ask(town, triggers) == [(0,)]
    assert ask(town, "SELECT sum(count) FROM incident_cell WHERE z = 20") == [(60_002,)]
    differing = (
        "SELECT count(*) FROM incident i JOIN LATERAL ("
        "  SELECT g.path, g.code FROM grid g WHERE g.is_effective AND ST_Intersects(g.geom, i.geom) "
        "  ORDER BY g.code LIMIT 1"
        ") l ON true WHERE l.path <> i.path OR l.code <> i.grid_code"
    )
    assert ask(town, differing) == [(0,)]
    assert import_file(town, str(path), "incident").unchanged == 60_000


def test_a_layer_that_is_computed_or_unknown_is_refused(town, tmp_path):
    with pytest.raises(BadInputError, match="computed by the product"):
        import_file(town, str(tmp_path), "service_gap")
    with pytest.raises(UnknownLayerError, match="there is no layer 'gird'"):
        import_file(town, str(tmp_path), "gird")


def test_a_report_is_plain_data(town, importing):
    report = importing("station", [{"code": "P1", "name": "x", "geom": None}])
    plain = json.loads(json.dumps(report.to_json(), ensure_ascii=False))
    assert plain["error_count"] == 1
    assert plain["faults"][0]["problem"] == "is missing"
    assert report.summary == "station: 1 rows read, 1 errors, nothing written"
