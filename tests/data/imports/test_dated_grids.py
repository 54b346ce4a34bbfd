"""An import puts each incident into the grid that was in force on its day, as the trigger does with a single report."""

from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from data.imports.importer import import_file

CORNER = np.array([114.0, 30.0])
DAYS = ("2026-03-01", "2026-03-02", "2026-03-05", "2026-04-01")
AREA = text(
    "INSERT INTO area (level, code, name, source, geom, path, time_zone) VALUES ('district', :code, :code, 'drawn', "
    "ST_Multi(ST_GeomFromText(:geom, 4326)), CAST(:code AS ltree), :zone)"
)
PLAN = text(
    "INSERT INTO plan (scheme_id, area_id, path, name, status) SELECT s.id, a.id, a.path, 'p', 'effective' "
    "FROM area a, (SELECT min(id) AS id FROM grid_scheme) s WHERE a.code = :area RETURNING id"
)
GRID = text(
    "INSERT INTO grid (plan_id, code, area_id, path, geom, is_effective, valid_from, valid_to) "
    "SELECT :plan, :code, a.id, a.path || :code, ST_Multi(ST_GeomFromText(:geom, 4326)), :is_effective, :first, :end "
    "FROM area a WHERE a.code = :area"
)
SINGLE = text(
    "INSERT INTO incident (id, code, category, title, reported_at, geom) VALUES (gen_random_uuid(), :code, 'E01', 't', "
    "CAST(:at AS timestamptz), ST_SetSRID(ST_MakePoint(:x, :y), 4326))"
)
PLACED = "SELECT code, path::text, area_id, grid_code FROM incident ORDER BY code"


@pytest.fixture
def two_cities(clean):
    """W (by the clock of Shanghai) is the west half of a square, E (New York's) the east half."""
    with clean.begin() as connection:
        connection.execute(text("INSERT INTO category (code, name) VALUES ('E01', '市容')"))
        for code, zone, west in (("W", "Asia/Shanghai", 0), ("E", "America/New_York", 2)):
            square = box(west, 0, west + 2, 4)
            connection.execute(AREA, {"code": code, "zone": zone, "geom": square.wkt})
    return clean


def box(west, south, east, north):
    return shapely.box(114 + west / 100, 30 + south / 100, 114 + east / 100, 30 + north / 100)


def add_grids(engine, grids):
    """Add grids (code, area, geom, first, end); without an end they are in force, whatever the first day."""
    with engine.begin() as connection:
        for number, (code, area, geom, first, end) in enumerate(grids):
            plan = connection.execute(PLAN, {"area": area}).scalar_one()
            values = {"first": first, "end": end, "is_effective": end is None}
            connection.execute(
                GRID, {"plan": plan, "code": code or f"g{number}", "area": area, "geom": geom.wkt, **values}
            )


def import_reports(engine, tmp_path, reports):
    """Import (x, y, time) as r0, r1, … and give the report."""
    lines = [f"r{n},E01,t,{at},{x!r},{y!r}\n" for n, (x, y, at) in enumerate(reports)]
    path = tmp_path / "reports.csv"
    path.write_text("code,category,title,reported_at,lon,lat\n" + "".join(lines))
    return import_file(engine, str(path), "incident")


def placed(engine):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(PLACED))]


def grid_of(engine):
    return {code: grid for code, _, _, grid in placed(engine)}


def test_a_report_belongs_to_the_grid_of_its_day_by_the_clock_of_the_place(two_cities, tmp_path):
    """A became B on 2 March in Shanghai, 16:00 UTC on the 1st; C became D on 2 March in New York, 05:00 UTC."""
    west, east = box(0, 0, 2, 2), box(2, 0, 4, 2)
    day = "2026-03-02"
    add_grids(two_cities, [
        ("A", "W", west, None, day), ("B", "W", west, day, None),
        ("C", "E", east, None, day), ("D", "E", east, day, None),
    ])  # fmt: skip
    times = ("2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z", "2026-03-02T04:59:59Z", "2026-03-02T05:00:00Z")
    reports = [(x, 30.01, at) for x in (114.01, 114.03) for at in (*times, "2026-03-02 00:00:00")]
    assert import_reports(two_cities, tmp_path, reports).added == 10
    assert [grid_of(two_cities)[f"r{n}"] for n in range(10)] == ["A", "B", "B", "B", "B", "C", "C", "C", "D", "D"]


def test_the_lowest_code_wins_among_the_grids_of_the_day_and_areas_come_last(two_cities, tmp_path):
    """Of A (until the 2nd), M (always) and Z (from the 5th) on one square A, M, M hold; outside of grids the area."""
    square = box(0, 0, 1, 1)
    add_grids(two_cities, [
        ("A", "W", square, None, "2026-03-02"), ("M", "W", square, None, None), ("Z", "W", square, "2026-03-05", None),
        ("Y", "W", box(1, 1, 2, 2), "2026-03-05", None), ("N", "W", box(0, 3, 1, 4), "2026-03-02", "2026-03-02"),
    ])  # fmt: skip
    at = [f"2026-03-{day:02}T12:00:00" for day in (1, 2, 6)]
    reports = [(x, y, time) for x, y in ((114.005, 30.005), (114.015, 30.015), (114.005, 30.035)) for time in at]
    assert import_reports(two_cities, tmp_path, reports).added == 9
    grids = grid_of(two_cities)
    assert [grids[f"r{n}"] for n in range(9)] == ["A", "M", "M", None, None, "Y", None, None, None]
    assert {path for _, path, _, grid in placed(two_cities) if grid is None} == {"W"}


def test_importing_again_after_a_change_of_grids_changes_nothing(two_cities, tmp_path):
    """Yesterday's reports stay in yesterday's grid when the grids change."""
    add_grids(two_cities, [("A", "W", box(0, 0, 2, 2), None, None)])
    reports = [(114.01, 30.01, "2026-03-01T00:00:00Z")]
    assert import_reports(two_cities, tmp_path, reports).added == 1
    with two_cities.begin() as connection:
        connection.execute(text("UPDATE grid SET is_effective = false, valid_to = '2026-03-02'"))
    add_grids(two_cities, [("B", "W", box(0, 0, 2, 2), "2026-03-02", None)])
    assert import_reports(two_cities, tmp_path, reports).unchanged == 1
    assert grid_of(two_cities) == {"r0": "A"}


corners = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 2), st.integers(1, 2))
days = st.one_of(st.none(), st.sampled_from(DAYS))
hours = st.integers(0, 24 * 40).map(lambda n: np.datetime64("2026-02-26T00:00:00") + np.timedelta64(n, "h"))


@st.composite
def dated_grids(draw):
    """Some grids of W and E that overlap as they like, each with two days or fewer."""
    grids = []
    for _ in range(draw(st.integers(1, 8))):
        west, south, width, height = draw(corners)
        first, end = draw(days), draw(days)
        if first is not None and end is not None:
            first, end = sorted((first, end))
        grids.append((None, draw(st.sampled_from("WE")), box(west, south, west + width, south + height), first, end))
    return grids


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(grids=dated_grids(), reports=st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9), hours), min_size=30))
def test_an_import_is_what_single_reports_are(two_cities, tmp_path, grids, reports):
    """Points on borders and in the middle of cells, times on the hour: midnight there and elsewhere among them."""
    listed = [(114 + x / 200, 30 + y / 200, f"{at}Z") for x, y, at in reports]
    with two_cities.begin() as connection:
        connection.execute(text("TRUNCATE grid, plan, incident, incident_cell CASCADE"))
    add_grids(two_cities, grids)
    assert import_reports(two_cities, tmp_path, listed).error_count == 0
    imported = placed(two_cities)
    with two_cities.begin() as connection:
        connection.execute(text("TRUNCATE incident CASCADE"))
        for n, (x, y, at) in enumerate(listed):
            connection.execute(SINGLE, {"code": f"r{n}", "x": x, "y": y, "at": at})
    assert Counter(imported) == Counter(placed(two_cities))


def test_many_sets_of_grids_are_indexed_a_few_at_a_time(two_cities, tmp_path):
    """Thirty grids, one a day, and a report at noon of each day, in an order that visits each set twice."""
    square = box(0, 0, 1, 1)
    add_grids(two_cities, [
        (f"d{day:02}", "W", square, f"2026-03-{day:02}", f"2026-03-{day + 1:02}") for day in range(1, 31)
    ])  # fmt: skip
    order = [*range(1, 31), *range(30, 0, -1)]
    reports = [(114.005, 30.005, f"2026-03-{day:02}T12:00:00+08:00") for day in order]
    import_reports(two_cities, tmp_path, reports)
    grids = grid_of(two_cities)
    assert [grids[f"r{n}"] for n in range(60)] == [f"d{day:02}" for day in order]
