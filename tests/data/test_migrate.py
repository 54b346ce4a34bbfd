"""Migrations run up and down, and leave what the table declarations say."""

import os
import subprocess
import warnings
from datetime import datetime
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SAWarning

from data import migrate
from data.binaries import find_binaries
from layers.tables import metadata


def test_the_database_is_what_the_declarations_say(owner_engine: Engine) -> None:
    with owner_engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # ltree is unknown to reflection
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = [one for one in compare_metadata(context, metadata) if not _is_expected(one)]
    assert differences == []


def _is_expected(difference: tuple) -> bool:
    """PostGIS's own table, and indexes, which live in SQL files."""
    return difference[0] == "remove_index" or (
        difference[0] == "remove_table" and difference[1].name == "spatial_ref_sys"
    )


def test_down_and_up_again(clean: Engine) -> None:
    migrate.downgrade(clean, "base")
    assert not migrate.is_current(clean)
    migrate.upgrade(clean)
    assert migrate.is_current(clean)


_PLANS_OF_0001 = """
INSERT INTO area (level, code, name, geom, path)
  SELECT 'community', 'C', 'C', ST_Multi(ST_MakeEnvelope(115, 30, 115.01, 30.01, 4326)), 'C';
INSERT INTO plan (scheme_id, area_id, path, name, status, effective_on)
  SELECT s.id, a.id, a.path, n.name, n.status, n.day::date FROM grid_scheme s, area a,
    (VALUES ('first', 'retired', '2026-01-01'), ('second', 'effective', '2026-03-01'), ('idea', 'draft', NULL))
    n (name, status, day)
  WHERE s.code = 'community-grid';
INSERT INTO grid (plan_id, code, area_id, is_effective, geom, path)
  SELECT p.id, p.name, a.id, p.status = 'effective', a.geom, a.path || p.name FROM plan p, area a;
"""


def test_plans_of_before_get_their_days_and_0002_can_be_undone(clean: Engine) -> None:
    """The first plan ended when the second began; before the first nothing is known. What waits is a draft again."""
    migrate.downgrade(clean, "0001")
    try:
        with clean.begin() as connection:
            connection.exec_driver_sql(_PLANS_OF_0001)
        migrate.upgrade(clean, "0002")
        with clean.begin() as connection:
            rows = connection.exec_driver_sql(
                "SELECT code, valid_from::text, valid_to::text FROM grid ORDER BY id"
            ).all()
            assert [tuple(row) for row in rows] == [
                ("first", None, "2026-03-01"), ("second", "2026-03-01", None), ("idea", None, None),
            ]  # fmt: skip
            found = "SELECT grid_code FROM locate(ST_SetSRID(ST_MakePoint(115.005, 30.005), 4326), %s)"
            for day, code in (("2026-02-28 12:00+08", "first"), ("2026-03-01 00:00+08", "second")):
                assert connection.exec_driver_sql(found, (day,)).scalar() == code
            connection.exec_driver_sql(
                "UPDATE plan SET status = 'submitted', submitted_by = 'a', "
                "scheme_id = (SELECT id FROM grid_scheme WHERE code = 'steward-grid') WHERE name = 'idea'"
            )
        migrate.downgrade(clean, "0001")
        with clean.begin() as connection:
            rows = connection.exec_driver_sql(
                "SELECT p.name, p.status, s.code FROM plan p JOIN grid_scheme s ON s.id = p.scheme_id ORDER BY p.id"
            ).all()
            assert [tuple(row) for row in rows] == [
                ("first", "retired", "community-grid"), ("second", "effective", "community-grid"),
                ("idea", "draft", "community-grid"),
            ]  # fmt: skip
    finally:
        migrate.downgrade(clean, "base")
        migrate.upgrade(clean)


_LIVE_OF_0004 = """
INSERT INTO category (code, name) VALUES ('E01', '市容');
INSERT INTO area (level, code, name, geom, path, time_zone)
  SELECT 'community', 'C', 'C', ST_Multi(ST_MakeEnvelope(115, 30, 115.01, 30.01, 4326)), 'C', 'America/New_York';
INSERT INTO plan (scheme_id, area_id, path, name, status)
  SELECT s.id, a.id, a.path, 'p', 'effective' FROM grid_scheme s, area a WHERE s.code = 'community-grid';
INSERT INTO grid (plan_id, code, area_id, is_effective, valid_from, valid_to, geom, path)
  SELECT p.id, v.code, a.id, v.until IS NULL, v.first::date, v.until::date, a.geom, a.path || v.code
  FROM plan p, area a, (VALUES ('old', NULL, '2026-03-02'), ('new', '2026-03-02', NULL)) v (code, first, until);
INSERT INTO incident (id, code, category, title, reported_at, geom)
  SELECT md5(n::text)::uuid, 'r' || n, 'E01', 't', now(), ST_SetSRID(ST_MakePoint(115.001 + n / 1e3, 30.005), 4326)
  FROM generate_series(1, 3) n;
UPDATE outbox SET seq = nextval('outbox_seq') WHERE key = md5('1')::uuid::text OR kind = 'layer';
INSERT INTO incident_cell (z, x, y, path, count) VALUES
  (14, 13425, 6764, 'C.new', 3), (15, 26850, 13528, 'C.new', 1), (15, 26851, 13529, 'C.new', 2),
  (16, 53700, 27056, 'C.new', 1), (16, 53702, 27058, 'C.new', 2);
"""


def test_0005_keeps_what_waits_and_what_is_numbered_and_can_be_undone(clean: Engine) -> None:
    """Days begin at midnight in New York (UTC-5 on 2 March); cells of zoom 15 are made again from those of zoom 16."""
    cells = "SELECT z, x, y, count FROM incident_cell WHERE z = 15 ORDER BY 1, 2, 3"
    numbered = "SELECT seq, kind, layer, key FROM outbox WHERE seq > 0 ORDER BY seq"
    migrate.downgrade(clean, "0004")
    try:
        with clean.begin() as connection:
            connection.exec_driver_sql(_LIVE_OF_0004)
            before = connection.exec_driver_sql(numbered).all()
            fifteen = connection.exec_driver_sql(cells).all()
        assert len(fifteen) == 2
        migrate.upgrade(clean, "0005")
        with clean.begin() as connection:
            grids = "SELECT code, starts_at AT TIME ZONE 'UTC', ends_at AT TIME ZONE 'UTC' FROM grid ORDER BY id"
            midnight = datetime(2026, 3, 2, 5)
            assert [tuple(row) for row in connection.exec_driver_sql(grids)] == [
                ("old", None, midnight), ("new", midnight, None),
            ]  # fmt: skip
            assert connection.exec_driver_sql("SELECT seq, kind, layer, key FROM event ORDER BY seq").all() == before
            waiting = "SELECT count(*) FROM outbox WHERE kind = 'incident'"
            assert connection.exec_driver_sql(waiting).scalar() == 2
            assert connection.exec_driver_sql(cells).all() == []
            connection.exec_driver_sql("UPDATE area SET time_zone = 'Asia/Shanghai'")
            assert connection.exec_driver_sql(grids).first()[2] == datetime(2026, 3, 1, 16)
        migrate.downgrade(clean, "0004")
        with clean.begin() as connection:
            again = connection.exec_driver_sql(numbered).all()
            assert [row for row in again if row in before] == before
            assert connection.exec_driver_sql(cells).all() == fifteen
    finally:
        migrate.downgrade(clean, "base")
        migrate.upgrade(clean)


_CANTEENS_OF_0006 = """
INSERT INTO area (level, code, name, geom, path)
  SELECT 'community', 'C', 'C', ST_Multi(ST_MakeEnvelope(115, 30, 115.01, 30.01, 4326)), 'C';
INSERT INTO facility (kind, code, name, attributes, area_id, geom, path)
  SELECT v.kind, v.code, v.code, v.attributes::jsonb, a.id, ST_PointOnSurface(a.geom), a.path FROM area a, (VALUES
    ('canteen', 'plain', '{"price": 12, "meals_per_day": 90, "sample": true}'),
    ('canteen', 'wordy', '{"price": "by weight", "meals_per_day": 90.5}'),
    ('parking', 'other', '{"price": 3}')) v (kind, code, attributes);
"""


def test_0007_gives_price_and_meals_columns_of_their_own_and_can_be_undone(clean: Engine) -> None:
    """Of canteens, where they are numbers; what is not stays among the free attributes."""
    attributes = "SELECT code, attributes FROM facility ORDER BY id"
    migrate.downgrade(clean, "0006")
    try:
        with clean.begin() as connection:
            connection.exec_driver_sql(_CANTEENS_OF_0006)
            before = connection.exec_driver_sql(attributes).all()
        migrate.upgrade(clean, "0007")
        with clean.begin() as connection:
            moved = "SELECT code, price, meals_per_day, attributes FROM facility ORDER BY id"
            assert [tuple(row) for row in connection.exec_driver_sql(moved)] == [
                ("plain", 12.0, 90, {"sample": True}),
                ("wordy", None, None, {"price": "by weight", "meals_per_day": 90.5}),
                ("other", None, None, {"price": 3}),
            ]  # fmt: skip
        migrate.downgrade(clean, "0006")
        with clean.begin() as connection:
            assert connection.exec_driver_sql(attributes).all() == before
    finally:
        migrate.downgrade(clean, "base")
        migrate.upgrade(clean)


_REPORTS_OF_0017 = """
INSERT INTO category (code, name) VALUES ('litter', '暴露垃圾');
INSERT INTO incident (id, code, category, title, reported_at, geom)
  SELECT gen_random_uuid(), n, 'litter', 'x', now(), ST_SetSRID(ST_MakePoint(115, 30), 4326)
  FROM unnest(ARRAY['device', 'grid', 'dispute', 'worker']) n;
INSERT INTO resident_report (incident_id, code_hash, place)
  SELECT id, code, code FROM incident WHERE code IN ('device', 'grid');
INSERT INTO incident_route (incident_id, seq, basis, body, path, words, words_en)
  SELECT id, 1, 'fallback', 'x', '', CASE code WHEN 'dispute' THEN '只知位置在网格A；' ELSE '位置在网格A；' END, ''
  FROM incident WHERE code <> 'grid';
"""


def test_what_had_no_place_of_its_own_has_none_after_0020(clean: Engine) -> None:
    """A resident who named a grid, and a dispute of which alone the grid is known; the others lie where they say."""
    migrate.downgrade(clean, "0017")
    try:
        with clean.begin() as connection:
            connection.exec_driver_sql(_REPORTS_OF_0017)
        migrate.upgrade(clean)
        with clean.begin() as connection:
            rows = connection.exec_driver_sql("SELECT code FROM incident WHERE NOT is_placed ORDER BY code").all()
        assert [row.code for row in rows] == ["dispute", "grid"]
    finally:
        migrate.upgrade(clean)


def test_a_dump_can_be_restored(owner_engine: Engine, tmp_path: Path) -> None:
    """With PostgreSQL's own tools, as docs/guides/backup.md says; restored, it is what the declarations say."""
    url, programs, dump = owner_engine.url, find_binaries(), tmp_path / "all.dump"
    at = ["-h", url.query.get("host") or url.host or "", "-p", str(url.port or 5432), "-U", url.username or ""]
    named = "restored_by_a_test"

    def run(program: str, *arguments: str) -> None:
        command, known = [str(programs / program), *at, *arguments], {**os.environ, "PGPASSWORD": url.password or ""}
        done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    run("pg_dump", "-Fc", "--schema-only", "-f", str(dump), url.database or "")
    run("dropdb", "--if-exists", named)
    run("createdb", named)
    try:
        run("pg_restore", "--exit-on-error", "-d", named, str(dump))
        restored = create_engine(url.set(database=named))
        try:
            test_the_database_is_what_the_declarations_say(restored)
        finally:
            restored.dispose()
    finally:
        run("dropdb", "--force", named)
