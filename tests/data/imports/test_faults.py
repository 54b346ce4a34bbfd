"""Faults row by row: each says the row, the field, the value and what is wrong; with any error nothing is written."""

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from data.imports.faults import MAX_KEPT, FaultLog, short
from data.imports.importer import import_file


def box(west, south, east, north):
    return shapely.box(114 + west / 100, 30 + south / 100, 114 + east / 100, 30 + north / 100)


def point(x, y):
    return shapely.Point(114 + x / 100, 30 + y / 100)


def faults(report):
    return [(one.row, one.field, one.value, one.kind, one.severity) for one in report.faults]


def facility_codes(engine):
    with engine.connect() as connection:
        return connection.execute(text("SELECT code FROM facility ORDER BY code")).scalars().all()


def test_every_fault_of_a_table_is_listed_with_its_line(town, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "code,name,tier,status,capacity,is_accessible,opens_on,community,attributes,lon,lat\n"
        "a,甲,best,open,12,yes,2026-01-01,,,114.01,30.01\n"
        "b,,basic,open,1.5,perhaps,soon,,,114.01,30.01\n"
        "c,丙,basic,open,-1,1,2026/2/3,C9,,114.01,30.01\n"
        'd,丁,basic,open,many,0,,,"[1]",114.01,30.01\n'
        "e,戊,basic,open,,,,,,,30.01\n"
        "f,己,basic,open,,,,,,30.01,114.01\n"
        "g,庚,basic,open,,,,,,116,30.01\n"
        "a,辛,basic,open,,,,,,114.01,30.01\n"
        "P1,壬,basic,open,,,,C3,,114.01,30.01\n"
        "4.20204E+11,癸,basic,open,,,,,,x,30.01\n",
        "utf-8",
    )
    before = facility_codes(town)
    report = import_file(town, str(path), "station")
    assert sorted(faults(report), key=str) == sorted(
        [
            (2, "tier", "best", "choice", "error"),
            (3, "name", "", "missing", "error"),
            (3, "capacity", "1.5", "not_whole", "error"),
            (3, "is_accessible", "perhaps", "not_boolean", "error"),
            (3, "opens_on", "soon", "not_a_date", "error"),
            (4, "capacity", "-1", "out_of_range", "error"),
            (4, "community", "C9", "unknown", "error"),
            (5, "capacity", "many", "not_a_number", "error"),
            (5, "attributes", "[1]", "not_json", "error"),
            (6, "geometry", "", "missing", "error"),
            (7, "geometry", "(30.01, 114.01)", "out_of_range", "error"),
            (8, "geometry", "", "outside", "error"),
            (9, "code", "a", "duplicate", "error"),
            (10, "community", "C3", "elsewhere", "warning"),
            (11, "code", "4.20204E+11", "rounded", "error"),
            (11, "lon", "x", "not_a_number", "error"),
            (11, "geometry", "", "missing", "error"),
        ],
        key=str,
    )
    said = {(one.row, one.field): one.problem for one in report.faults}
    assert said[2, "tier"] == "is not one of basic, standard, leading"
    assert said[4, "capacity"] == "is not between 0 and 100000"
    assert "look swapped" in said[7, "geometry"]
    assert said[9, "code"] == "is in row 2 already"
    assert facility_codes(town) == before


@pytest.mark.parametrize(
    ("layer", "extra", "geom", "kind"),
    [
        ("unit", {"households": 1, "compound": "K9"}, point(1, 1), ("compound", "unknown")),
        ("unit", {"households": 1, "grid": "G9"}, point(1, 1), ("grid", "unknown")),
        ("unit", {"households": 5001}, point(1, 1), ("households", "out_of_range")),
        ("unit", {"households": 1}, shapely.LineString([(114, 30), (114.01, 30)]), ("geometry", "type")),
        ("community", {"name": "c", "parent": "S9"}, box(0, 0, 1, 1), ("parent", "unknown")),
        ("community", {"name": "c"}, box(8, 8, 9, 9), ("geometry", "outside")),
        ("district", {"name": "d", "time_zone": "Mars/North"}, box(8, 8, 9, 9), ("time_zone", "unknown")),
        ("road", {"name": "r"}, box(0, 0, 1, 1), ("geometry", "type")),
        ("station", {"name": "s"}, shapely.MultiPoint([(114, 30), (114.01, 30)]), ("geometry", "type")),
        ("sorting_zone", {"name": "z"}, shapely.Polygon(), ("geometry", "missing")),
    ],
)
def test_what_a_row_may_not_be(town, importing, layer, extra, geom, kind):
    report = importing(layer, [{"code": "new", **extra, "geom": geom}])
    assert [(one.field, one.kind) for one in report.faults] == [kind]
    assert not report.is_written


def test_codes_belong_to_one_layer_and_one_path(town, importing):
    taken = importing("canteen", [{"code": "P1", "name": "c", "geom": point(1, 1)}])
    assert taken.faults[0].problem == "is the code of a station already; say --prefix"
    rows = [{"code": code, "name": code, "geom": box(8 + n, 8, 9 + n, 9)} for n, code in enumerate(("x-1", "x_1"))]
    assert importing("district", rows).faults[0].problem.startswith("differs from x-1 only in characters")


def test_invalid_polygons_are_refused_with_the_place_or_repaired_with_what_changed(town, importing):
    """A bow tie crosses itself at (1, 1); its two triangles remain, and they cancel out in its signed area of zero."""
    bow = shapely.Polygon([(114, 30), (114.02, 30.02), (114.02, 30), (114, 30.02)])
    row = [{"code": "Z9", "name": "z", "geom": bow}]
    refused = importing("sorting_zone", row)
    assert faults(refused) == [(1, "geometry", "Self-intersection[114.01 30.01]", "invalid", "error")]
    repaired = importing("sorting_zone", row, may_repair=True)
    assert (repaired.added, repaired.faults[0].severity) == (1, "warning")
    assert repaired.faults[0].problem.endswith("its area changes by 100.00%, its parts from 1 to 2")
    with town.connect() as connection:
        area = connection.execute(text("SELECT ST_Area(geom) FROM sorting_zone WHERE code = 'Z9'")).scalar_one()
    assert area == pytest.approx(2 * 0.02 * 0.01 / 2)


def test_a_polygon_without_area_cannot_be_repaired(town, importing):
    flat = shapely.Polygon([(114, 30), (114.01, 30), (114.02, 30)])
    report = importing("sorting_zone", [{"code": "Z9", "name": "z", "geom": flat}], may_repair=True)
    assert [(one.row, one.problem) for one in report.faults] == [(1, "is not valid and cannot be repaired")]
    assert not report.is_written


def test_incident_faults(town, importing):
    good = {"category": "E01", "title": "t", "reported_at": "2026-05-01T08:00:00Z", "geom": point(1, 1)}
    rows = [
        {**good, "code": "1", "category": "E99"},
        {**good, "code": "2", "reported_at": "yesterday"},
        {**good, "code": "3", "closed_at": "2026-04-30T07:59:59Z"},
        {**good, "code": "4", "due_at": "2026-04-30T08:00:00Z"},
        {**good, "code": "5", "status": "done"},
        {**good, "code": "6", "rating": 6},
        {**good, "code": "7", "id": "not-a-uuid"},
        {**good, "code": "8", "geom": point(50, 50)},
        {**good, "code": "9", "closed_at": "2026-05-01T07:59:51Z"},
    ]
    fields = sorted({name for row in rows for name in row} - {"geom"})
    report = importing("incident", [{**dict.fromkeys(fields), **row} for row in rows])
    assert sorted((row, field, kind, severity) for row, field, _, kind, severity in faults(report)) == [
        (1, "category", "unknown", "error"),
        (2, "reported_at", "not_a_time", "error"),
        (3, "closed_at", "early", "error"),
        (4, "due_at", "early", "warning"),
        (5, "status", "choice", "error"),
        (6, "rating", "out_of_range", "error"),
        (7, "id", "not_a_uuid", "error"),
        (8, "geometry", "outside", "warning"),
        (9, "closed_at", "early", "warning"),
    ]


def test_faults_are_kept_up_to_a_bound_and_all_counted():
    log = FaultLog()
    log.add(range(MAX_KEPT + 5), "f", [None] * (MAX_KEPT + 5), "is {value}", kind="k", severity="warning")
    assert len(log.kept) == MAX_KEPT
    assert log.counts["warning", "k", "f"] == MAX_KEPT + 5
    assert log.error_count == 0


def test_values_are_shown_on_one_short_line():
    assert short("a\n b") == "a b"
    assert short(np.nan) == short(None) == ""
    assert len(short("长" * 10_000_000)) == 60


def test_a_placeholder_is_a_missing_value_and_said_so(town, tmp_path):
    path = tmp_path / "b.csv"
    path.write_text('code,name,kind,geom\nX1,<Null>,river,"LINESTRING (114.01 30.01, 114.02 30.02)"\n', "utf-8")
    report = import_file(town, str(path), "barrier")
    assert faults(report) == [(2, "name", "<Null>", "placeholder", "warning")]
    assert report.added == 1
    with town.connect() as connection:
        assert connection.execute(text("SELECT name FROM barrier WHERE code = 'X1'")).scalar_one() is None
