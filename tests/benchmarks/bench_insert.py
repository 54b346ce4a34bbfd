"""Durable inserts of incidents from 32 clients: the app's way beside a plain table.

`python -m tests.benchmarks.bench_insert [--seconds 8] [--rounds 3] [--clients 32]` prints a table. The app's way is one
INSERT as the role that owns no table: row-level security, the grid found among 2,000 in 40 communities, one of 40
categories (both held by foreign keys), a receipt number, an outbox row;
the live reader runs beside it and keeps revisions and the density pyramid. The plain table has the same columns and
indexes and no trigger. pgbench drives both in turn; fsync and synchronous_commit are on.
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, text

from api.services.jobs import load_bodies
from api.services.live import LiveHub, load_incidents
from api.services.whistlenews import load_whistles
from data import cluster, migrate
from data.cluster import APP_ROLE, DATABASE, Cluster
from data.engine import Database

CITY = """
INSERT INTO account (login, display_name, password_hash) VALUES ('bench', 'bench', '-');
INSERT INTO category (code, name) SELECT 'c' || n, '类' || n FROM generate_series(0, 39) n;
INSERT INTO area (level, code, name, source, geom, path)
  VALUES ('district', 'D', '区', 'drawn', ST_Multi(ST_MakeEnvelope(115, 30, 115.5, 30.4, 4326)), 'D');
INSERT INTO area (level, code, name, parent_id, source, geom, path)
  SELECT 'community', 'C' || j, '社区' || j, d.id, 'drawn',
         ST_Multi(ST_MakeEnvelope(115, 30 + 0.01 * j, 115.5, 30.01 + 0.01 * j, 4326)), d.path || ('C' || j)
  FROM area d, generate_series(0, 39) j;
INSERT INTO plan (scheme_id, area_id, path, name, status, created_by)
  SELECT s.id, a.id, a.path, 'in force', 'effective', 'drawn' FROM (SELECT id FROM grid_scheme LIMIT 1) s, area a
  WHERE a.code = 'D';
INSERT INTO grid (plan_id, code, area_id, is_effective, households, geom, path)
  SELECT p.id, 'G' || i || '_' || j, a.id, true, 600,
         ST_Multi(ST_MakeEnvelope(115 + 0.01 * i, 30 + 0.01 * j, 115.01 + 0.01 * i, 30.01 + 0.01 * j, 4326)),
         a.path || ('G' || i || '_' || j)
  FROM plan p, generate_series(0, 49) i, generate_series(0, 39) j JOIN area a ON a.code = 'C' || j;
CREATE TABLE plain (LIKE incident INCLUDING ALL);
GRANT INSERT ON plain TO yiwangtu_app;
ANALYZE;
"""
SCHEME = """
INSERT INTO grid_scheme (code, name, floor, ceiling, target, code_template, source)
  VALUES ('bench', '400-800', 400, 800, 600, '', 'drawn')
"""
PLACE = "\\set x random(0, 499999)\n\\set y random(0, 399999)\n\\set c random(0, 39)\n"
POINT = "ST_SetSRID(ST_MakePoint(115 + :x / 1e6, 30 + :y / 1e6), 4326)"
SCRIPTS = {
    "plain": PLACE + (
        "INSERT INTO plain (id, code, category, title, reported_at, geom, path, area_id, grid_code, reported_by) "
        "VALUES (gen_random_uuid(), gen_random_uuid()::text, 'c' || :c, 'x', now(), "
        f"{POINT}, 'D.C1.G1_1', 1, 'G1_1', 1);\n"
    ),
    "app": PLACE + (
        "INSERT INTO incident (id, category, title, reported_at, geom, reported_by) VALUES "
        f"(gen_random_uuid(), 'c' || :c, 'x', now(), {POINT}, 1);\n"
    ),
}  # fmt: skip
SCOPE = "-c yiwangtu.account_id=1 -c yiwangtu.roles={worker} -c yiwangtu.case_scope={D} -c yiwangtu.map_scope={D}"


@contextmanager
def reading(database: Database) -> Iterator[None]:
    """Run the server's live reader."""
    engine = database.app_engine(pool_size=4, statement_timeout_s=600)
    stop = threading.Event()

    async def run() -> None:
        hub = LiveHub(
            engine, load_incidents=partial(load_incidents, engine), load_jobs=partial(load_bodies, engine),
            load_whistles=partial(load_whistles, engine), on_revisions=lambda _: None,
        )  # fmt: skip
        hub.start()
        await asyncio.to_thread(stop.wait)
        hub.close()
        hub.join()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        engine.dispose()


def insert(place: Cluster, way: str, *, clients: int, seconds: int, script: Path) -> tuple[float, float]:
    """Run pgbench; rows a second and mean latency in ms."""
    script.write_text(SCRIPTS[way])
    command = [
        str(place.bin_dir / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
        "-h", str(place.socket_dir), "-U", APP_ROLE, "-f", str(script), DATABASE,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PGOPTIONS": SCOPE})
    rate, latency = re.search(r"tps = ([\d.]+)", done.stdout), re.search(r"latency average = ([\d.]+)", done.stdout)
    if rate is None or latency is None:
        raise RuntimeError(done.stdout)
    return float(rate[1]), float(latency[1])


def wait_for_reader(engine: Engine) -> float:
    """Wait until everything is numbered; how long that took, s."""
    began = time.monotonic()
    while True:
        with engine.connect() as connection:
            if not connection.execute(text("SELECT EXISTS (SELECT 1 FROM outbox)")).scalar():
                return time.monotonic() - began
        time.sleep(0.05)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--no-reader", action="store_true", help="What the writers alone cost.")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="yiwangtu-bench-"))
    folder.chmod(0o711)
    try:
        with cluster.running(cluster.locate(folder)) as place:
            measure(place, folder / "insert.sql", arguments)
    finally:
        shutil.rmtree(folder)


def measure(place: Cluster, script: Path, arguments: argparse.Namespace) -> None:
    """Run the rounds on a running cluster, check the pyramid, print the table."""
    database = Database(place.url(), place.url(APP_ROLE))
    owner = database.owner_engine()
    migrate.upgrade(owner)
    with owner.begin() as connection:
        if not connection.execute(text("SELECT count(*) FROM grid_scheme")).scalar():
            connection.exec_driver_sql(SCHEME)
        connection.exec_driver_sql(CITY)
    rates: dict[str, list[tuple[float, float]]] = {way: [] for way in SCRIPTS}
    behind_s = []
    with nullcontext() if arguments.no_reader else reading(database):
        for _ in range(arguments.rounds):
            for way in SCRIPTS:
                rates[way].append(
                    insert(place, way, clients=arguments.clients, seconds=arguments.seconds, script=script)
                )
                behind_s.append(0.0 if arguments.no_reader else wait_for_reader(owner))
    with owner.connect() as connection:
        counts = "SELECT (SELECT count(*) FROM incident), (SELECT sum(count) FROM incident_cell WHERE z = 20)"
        rows, counted = connection.execute(text(counts)).one()
    if rows != counted and not arguments.no_reader:
        raise RuntimeError(f"{rows} incidents, {counted} in the pyramid")
    print(
        f"{arguments.clients} clients, {arguments.rounds} rounds of {arguments.seconds} s in turn; {rows:,} incidents, "
    )
    print(f"each in the pyramid; the reader was at most {max(behind_s):.1f} s behind at the end of a round.\n")
    print("| durable single-row inserts | rows/s (median) | mean latency ms | of plain |\n| --- | --: | --: | --: |")
    plain = statistics.median(rate for rate, _ in rates["plain"])
    for way, runs in rates.items():
        rate, latency = (statistics.median(run[at] for run in runs) for at in (0, 1))
        print(f"| {way} | {rate:,.0f} | {latency:.1f} | {rate / plain:.2f} |")
    owner.dispose()


if __name__ == "__main__":
    main()
