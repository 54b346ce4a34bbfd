"""Row-level security alone, with raw SQL as the app's role: no filter of the app in between."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from api.services.viewers import viewer_of
from data.accounts import Membership
from data.engine import Database
from data.scope import scoped, set_viewer
from layers.viewer import ANONYMOUS, Viewer

D1, COMMUNITY, GRID = "D1", "D1.D1S1.D1S1C1", "D1.D1S1.D1S1C1.D1S1C1G1"
# role: membership, and how many grids, units, incidents, plans, jobs it sees
SEES = {
    "anonymous": (None, 0, 0, 0, 0, 0),
    "worker": (Membership("worker", GRID), 2, 4, 1, 1, 0),
    "community": (Membership("community", COMMUNITY), 2, 4, 2, 1, 0),
    "street": (Membership("street", "D1.D1S1"), 4, 8, 4, 1, 0),
    "dispatcher": (Membership("dispatcher", D1), 8, 16, 8, 1, 0),
    "department": (Membership("department", D1, "城管"), 8, 16, 4, 1, 0),
    "planner": (Membership("planner", D1), 9, 16, 8, 2, 1),
    "screen": (Membership("screen", D1), 8, 16, 8, 1, 0),
    "system_admin": (Membership("system_admin", ""), 0, 0, 0, 0, 0),
    "security_admin": (Membership("security_admin", ""), 0, 0, 0, 0, 0),
    "audit_admin": (Membership("audit_admin", ""), 0, 0, 0, 0, 0),
    "chief": (Membership("dispatcher", ""), 16, 32, 16, 2, 0),
    "chief_planner": (Membership("planner", ""), 17, 32, 16, 3, 2),
    "chief_department": (Membership("department", "", "城管"), 16, 32, 8, 2, 0),
}  # fmt: skip
CASE_ROLES = ("worker", "community", "street", "dispatcher")


def viewer(role: str, account_id: int = 1001) -> Viewer:
    membership = SEES[role][0]
    return viewer_of(account_id, [membership]) if membership else ANONYMOUS


@pytest.fixture(scope="module")
def rows(owner_engine: Engine, request) -> Engine:
    """The town with a job in each district and an event and a photo on every incident; every test here rolls back."""
    request.config.pluginmanager.get_plugin(str(Path(__file__).parent / "conftest.py")).draw_town(owner_engine)
    with owner_engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO job (kind, area_code, path) SELECT 'gaps', code, path FROM area WHERE level = 'district';"
            "INSERT INTO incident_event (incident_id, seq, status, hash) SELECT id, 1, status, 'x' FROM incident;"
            "INSERT INTO incident_photo (id, incident_id, sha256, width, height, content)"
            "  SELECT gen_random_uuid(), id, 'x', 1, 1, 'x' FROM incident"
        )
    return owner_engine


@contextlib.contextmanager
def seen_by(engine: Engine, who: Viewer) -> Iterator[Connection]:
    """A transaction as a viewer that changes nothing in the end."""
    with engine.connect() as connection:
        set_viewer(connection, who)
        yield connection
        connection.rollback()


def test_statistics_count_no_row_that_the_list_hides(rows: Engine, app_engine: Engine) -> None:
    """The narrow row of an incident is seen by whom the incident is, whatever the role and however narrow its scope;
    its policy is written anew on its own columns, so it must stay the same sentence."""
    for role in SEES:
        with seen_by(app_engine, viewer(role)) as connection:
            incidents = connection.exec_driver_sql("SELECT id FROM incident ORDER BY id").scalars().all()
            courses = connection.exec_driver_sql("SELECT incident_id FROM case_course ORDER BY 1").scalars().all()
            assert courses == incidents, role
            assert len(courses) == SEES[role][3], role
    with rows.connect() as connection:
        said = connection.exec_driver_sql(
            "SELECT tablename, qual FROM pg_policies WHERE policyname = 'in_scope' "
            "AND tablename IN ('incident', 'case_course')"
        )
        policies = {row.tablename: row.qual for row in said}
    assert set(policies) == {"incident", "case_course"}
    assert policies["case_course"] == policies["incident"]


@pytest.mark.parametrize("role", SEES)
def test_rows_that_a_role_sees(rows: Engine, app_engine: Engine, role: str) -> None:
    with seen_by(app_engine, viewer(role)) as connection:

        def count(table: str) -> int:
            return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()

        _, grids, units, incidents, plans, jobs = SEES[role]
        assert [count(name) for name in ("grid", "unit", "incident", "plan", "job")] == [
            grids,
            units,
            incidents,
            plans,
            jobs,
        ]
        assert count("service_gap") == units
        handles = role in CASE_ROLES or "department" in role or role == "chief"
        assert [count("incident_event"), count("incident_photo")] == [incidents if handles else 0] * 2
        assert count("facility") == 12
        assert count("plan_assignment") == units + (4 if "planner" in role else 0)


@pytest.mark.usefixtures("rows")
def test_nothing_is_left_over_for_the_next_transaction(database: Database) -> None:
    """A pool of one gives the same connection to the next caller; the scope ended with the transaction."""
    process, count = text("SELECT pg_backend_pid()"), text("SELECT count(*) FROM incident")
    engine = database.app_engine(pool_size=1, statement_timeout_s=20)
    try:
        with scoped(engine, viewer("chief")) as connection:
            first = connection.execute(process).scalar_one(), connection.execute(count).scalar_one()
        with engine.begin() as connection:
            assert (connection.execute(process).scalar_one(), connection.execute(count).scalar_one()) == (first[0], 0)
    finally:
        engine.dispose()
    assert first[1] == 16


def refused(engine: Engine, viewer: Viewer, sql: str, **values: object) -> bool:
    """Tell whether PostgreSQL refuses a statement, or lets it touch no row."""
    with seen_by(engine, viewer) as connection:
        try:
            return connection.execute(text(sql), values).rowcount == 0
        except ProgrammingError as error:
            reason = str(error.orig)
    return "row-level security" in reason or "permission denied" in reason


REPORT = (
    "INSERT INTO incident (id, category, title, reported_by, reported_at, geom) VALUES "
    "(gen_random_uuid(), 'litter', 'x', :account, now(), ST_SetSRID(ST_MakePoint(115.001, 30.201), 4326))"
)


@pytest.mark.parametrize("role", SEES)
def test_who_writes_incidents(rows: Engine, app_engine: Engine, role: str) -> None:
    who = viewer(role)
    reports = role in (*CASE_ROLES, "chief")
    assert refused(app_engine, who, REPORT, account=1001) is not reports
    assert refused(app_engine, who, REPORT, account=1002)  # in another's name
    handles = reports or "department" in role
    status = "closed" if "department" in role else "reported"
    change = "UPDATE incident SET title = 'y' WHERE code LIKE 'D1S1C1%' AND status = :status"
    assert refused(app_engine, who, change, status=status) is not handles
    elsewhere = role.startswith("chief") and handles
    assert refused(app_engine, who, "UPDATE incident SET title = 'y' WHERE code LIKE 'D2%'") is not elsewhere


@pytest.mark.parametrize("role", SEES)
def test_who_writes_history_and_photos(rows: Engine, app_engine: Engine, role: str) -> None:
    code = "D1S1C1G2-1" if "department" in role else "D1S1C1G1-1"
    with rows.begin() as connection:
        case = connection.execute(text("SELECT id FROM incident WHERE code = :code"), {"code": code}).scalar_one()
    handles = role in (*CASE_ROLES, "chief") or "department" in role
    event = (
        "INSERT INTO incident_event (incident_id, seq, status, hash, account_id) VALUES (:case, 2, 'x', 'x', :account)"
    )
    assert refused(app_engine, viewer(role), event, account=1001, case=case) is not handles
    assert refused(app_engine, viewer(role), event, account=1002, case=case)  # in another's name
    photo = (
        "INSERT INTO incident_photo (id, incident_id, sha256, width, height, content) "
        "VALUES (gen_random_uuid(), :case, '', 1, 1, '')"
    )
    assert refused(app_engine, viewer(role), photo, case=case) is not handles


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE incident_event SET note = 'x'", "DELETE FROM incident_event", "DELETE FROM incident",
        "SELECT * FROM audit_event", "DELETE FROM audit_event", "UPDATE audit_event SET action = 'x'",
        "INSERT INTO account (login, display_name, password_hash) VALUES ('x', 'x', 'x')",
        "INSERT INTO membership (account_id, role, path) VALUES (1, 'planner', '')",
        "UPDATE account SET is_active = true",
        "DELETE FROM membership", "UPDATE unit SET households = 0", "DELETE FROM facility", "DROP TABLE incident",
        "INSERT INTO kiosk_token (token_hash, account_id) VALUES ('x', 1)",
        "ALTER TABLE incident DISABLE ROW LEVEL SECURITY",
        "SET ROLE yiwangtu_owner", "UPDATE area SET name = 'x'",
    ],
)  # fmt: skip
def test_what_the_app_can_never_do(rows: Engine, app_engine: Engine, sql: str) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        scoped(app_engine, viewer("chief")) as c,
    ):
        c.execute(text(sql))


@pytest.mark.parametrize("role", SEES)
def test_only_planners_plan(rows: Engine, app_engine: Engine, role: str) -> None:
    plans = "planner" in role
    assert (
        refused(app_engine, viewer(role), "UPDATE plan SET name = 'x' WHERE path = 'D1' AND status = 'draft'")
        is not plans
    )
    assert refused(app_engine, viewer(role), "DELETE FROM grid WHERE code = 'D1S1C1G9'") is not plans
    job = "INSERT INTO job (kind, area_code, path) VALUES ('gaps', 'D2', 'D2')"
    assert refused(app_engine, viewer(role), job) is not (role == "chief_planner")


def test_a_reporter_sees_their_own_report_in_anothers_grid(rows: Engine, app_engine: Engine) -> None:
    with seen_by(app_engine, viewer("worker")) as connection:
        connection.execute(text(REPORT.replace("115.001, 30.201", "115.031, 30.215")), {"account": 1001})
        own = text("SELECT grid_code FROM incident WHERE reported_by = 1001")
        assert connection.execute(own).all() == [("D2S2C2G1",)]
        changed = connection.execute(text("UPDATE incident SET title = 'y' WHERE reported_by = 1001"))
        assert changed.rowcount == 0
        set_viewer(connection, viewer("worker", 1002))
        assert connection.execute(own).all() == []
