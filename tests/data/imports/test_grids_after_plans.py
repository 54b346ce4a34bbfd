"""A grid file imported again after a plan of the workbench came into force in a part of the drawn town (conftest).

The plan of the street S1 (C1 and C2) replaces G11, G12 and G21: it keeps the code G11, on all of C1, and has N21 on C2.
"""

from datetime import date

import pytest
import shapely
from sqlalchemy import text

from data.force import put_in_force

GRIDS = {"G11": (0, 0, 1, 2), "G12": (1, 0, 2, 2), "G21": (0, 2, 2, 4), "G31": (2, 0, 4, 2), "G41": (2, 2, 4, 4)}
DAY = date(2026, 3, 1)
PLAN = text(
    "INSERT INTO plan (scheme_id, area_id, path, name, status, created_by, submitted_by, approved_by) "
    "SELECT s.id, a.id, a.path, a.name || '方案', 'approved', 'li', 'li', 'wang' "
    "FROM area a, (SELECT min(id) AS id FROM grid_scheme) s WHERE a.code = :area RETURNING id"
)
GRID = text(
    "INSERT INTO grid (plan_id, code, area_id, path, geom, compactness_ratio, households) "
    "SELECT :plan, :code, a.id, a.path || :code, a.geom, 0.5, sum(u.households) "
    "FROM area a JOIN unit u ON u.area_id = a.id WHERE a.code = :community GROUP BY a.id"
)
ASSIGN = text(
    "INSERT INTO plan_assignment (plan_id, unit_id, grid_id) SELECT g.plan_id, u.id, g.id FROM grid g "
    "JOIN unit u ON u.area_id = g.area_id WHERE g.plan_id = :plan"
)
IN_FORCE = (
    "SELECT g.code, g.path::text, g.is_effective, g.valid_from, g.valid_to, g.households, p.name, p.status, "
    "g.compactness_ratio, "
    "ST_AsText(g.geom) FROM grid g JOIN plan p ON p.id = g.plan_id ORDER BY g.id"
)


def box(west, south, east, north):
    return shapely.box(114 + west / 100, 30 + south / 100, 114 + east / 100, 30 + north / 100)


def rows_of(**changed):
    """The rows of the file as first imported, with other boxes for some codes; None leaves one out."""
    wanted = {code: at for code, at in {**GRIDS, **changed}.items() if at is not None}
    return [{"code": code, "name": f"{code}网格", "geom": box(*at)} for code, at in wanted.items()]


def ask(engine, statement):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def codes_in_force(engine):
    return [code for (code,) in ask(engine, "SELECT code FROM grid WHERE is_effective ORDER BY code, id")]


def replace_grids(engine, area, grids):
    """Put a plan in force that has a grid (code: community) on each of some communities."""
    with engine.begin() as connection:
        plan = connection.execute(PLAN, {"area": area}).scalar_one()
        for code, community in grids.items():
            connection.execute(GRID, {"plan": plan, "code": code, "community": community})
        connection.execute(ASSIGN, {"plan": plan})
        put_in_force(connection, plan, DAY)


@pytest.fixture
def decided(town):
    replace_grids(town, "S1", {"G11": "C1", "N21": "C2"})
    assert codes_in_force(town) == ["G11", "G31", "G41", "N21"]
    return town


def test_the_same_file_again_changes_nothing(decided, importing):
    before = ask(decided, IN_FORCE)
    report = importing("grid", rows_of())
    assert (report.error_count, report.added, report.changed, report.unchanged) == (0, 0, 0, 5)
    assert ask(decided, IN_FORCE) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"G12": (1, 0, 2, 1.9)},  # replaced, its code is free
        {"G11": (0, 0, 1.5, 2)},  # replaced, its code goes on in the plan
        {"G13": (0, 0, 0.5, 0.5)},  # new
    ],
)
def test_a_changed_grid_where_a_plan_is_in_force_is_refused(decided, importing, changed):
    before = ask(decided, IN_FORCE)
    report = importing("grid", rows_of(**changed))
    (fault,) = report.faults
    assert (fault.value, fault.kind) == (*changed, "decided")
    assert fault.problem == (
        "lies where the plan 西街道方案 is in force since 2026-03-01; "
        "import the change as a draft of a plan there instead"
    )
    assert not report.is_written
    assert ask(decided, IN_FORCE) == before


def test_a_grid_elsewhere_is_corrected_as_before(decided, importing):
    """S2 still has its imported grids: G31 gets a new outline, and G42 comes beside G41."""
    report = importing("grid", rows_of(G31=(2, 0, 4, 1.8), G42=(3.5, 3.5, 4, 4)))
    assert (report.error_count, report.added, report.changed, report.unchanged) == (0, 1, 1, 4)
    assert codes_in_force(decided) == ["G11", "G31", "G41", "G42", "N21"]
    assert ask(decided, "SELECT count(*) FROM plan WHERE status = 'effective'") == [(2,)]


def test_a_code_of_another_plan_in_force_is_taken(decided, importing):
    report = importing("grid", rows_of(N21=(3, 3, 4, 4)))
    assert [(fault.value, fault.problem) for fault in report.faults] == [
        ("N21", "is a grid of 西街道 already; say --prefix")
    ]


def test_where_every_grid_was_replaced_the_file_brings_none_back(decided, importing):
    """S2 gets a plan too, so the imported one is retired; a community that is new since takes grids of the file."""
    replace_grids(decided, "S2", {"N31": "C3", "N41": "C4"})
    retired = ("D", "retired"), ("D.S1", "effective"), ("D.S2", "effective")
    plans = "SELECT path::text, status FROM plan ORDER BY id"
    assert ask(decided, plans) == [*retired]
    before = ask(decided, IN_FORCE)
    assert importing("grid", rows_of()).unchanged == 5
    assert (ask(decided, IN_FORCE), ask(decided, plans)) == (before, [*retired])
    importing("street", [{"code": "S3", "name": "新街道", "parent": "D", "geom": box(4, 0, 6, 4)}])
    importing("community", [{"code": "C5", "name": "新社区", "parent": "S3", "geom": box(4, 0, 6, 4)}])
    report = importing("grid", rows_of(G51=(4, 0, 6, 4)))
    assert (report.error_count, report.added, report.unchanged) == (0, 1, 5)
    assert codes_in_force(decided) == ["G11", "G51", "N21", "N31", "N41"]
    assert ask(decided, plans) == [("D", "effective"), *retired[1:]]


def test_after_a_plan_of_the_whole_district_its_grids_stay(town, importing):
    replace_grids(town, "D", {"N1": "C1", "N2": "C2", "N3": "C3", "N4": "C4"})
    assert importing("grid", rows_of()).unchanged == 5
    assert codes_in_force(town) == ["N1", "N2", "N3", "N4"]
    assert importing("grid", rows_of(G31=(2, 0, 4, 1.8))).error_count == 1
