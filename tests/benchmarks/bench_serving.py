"""Serving against tipg on the same PostGIS: tiles cold and ready, lists. `python -m tests.benchmarks.bench_serving`.

Names of cases as arguments ("incident z15" "grid items") choose; without, all run.

A private cluster of its own holds a drawn city: 1,000,000 incidents, 45,000 buildings, 2,025 grids, 2,000 facilities.
The incidents lie in their table in the order in which `yiwangtu import` lays them down, for both servers.
tipg reads the tables as their owner with the same attributes (ours adds `is_open` to incidents and `state` to grids).
Ours answers a signed-in dispatcher under row-level security.
Both run one worker, both compress (the client accepts gzip),
rounds alternate, medians count. "Cold" is a server without tile memory; no two requests for the same tile are in flight
at once, so nothing is shared between requests. Lists: ours gives all fields.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from sqlalchemy import Engine, make_url

from data import accounts, migrate
from data.credentials import Cost
from data.engine import Database, opened
from data.settings import DataSettings
from layers.pyramid import CELL_ZOOMS, cell_sql

PASSWORD = "drawn city 20260101"
CENTER, SPAN = (114.96, 30.14), 0.30  # the middle of four z10 tiles; degrees from edge to edge
GRIDS = 45  # a side
CONNECTIONS = 8
SECONDS = 0.8
ROUNDS = 3
ATTRIBUTES = {
    "incident": ["code", "category", "status"],
    "unit": ["code", "households", "floors"],
    "grid": ["code", "name", "households"],
    "facility": ["code", "name", "tier", "status"],
}
OF_LAYER = {
    "incident": "incident", "incident_density": "incident", "unit": "unit", "grid": "grid", "station": "facility",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One thing to measure: our layer, the zoom of its tiles (None: lists), and the target ratio over tipg."""

    layer: str
    zoom: int | None
    target: float

    @property
    def name(self) -> str:
        """What the table calls it, such as "incident z15" or "grid items"."""
        return f"{self.layer} " + (f"z{self.zoom}" if self.zoom is not None else "items")


CASES = (
    Case("incident_density", 10, 20), Case("incident_density", 11, 20), Case("incident_density", 12, 20),
    Case("incident_density", 14, 2),
    Case("incident", 15, 2), Case("incident", 16, 2),
    Case("unit", 14, 2), Case("unit", 16, 2), Case("grid", 14, 2), Case("grid", 16, 2), Case("station", 14, 2),
    Case("station", 16, 2), Case("incident", None, 2), Case("unit", None, 2), Case("grid", None, 2),
    Case("station", None, 2),
)  # fmt: skip


def drawing() -> list[str]:
    """Write the city as SQL; points crowd around the middle as incidents do."""
    west, south, step = CENTER[0] - SPAN / 2, CENTER[1] - SPAN / 2, SPAN / GRIDS

    def box(x: str, y: str, width: str, height: str) -> str:
        return f"ST_MakeEnvelope({x}, {y}, {x} + {width}, {y} + {height}, 4326)"

    def path(column: str, row: str) -> str:
        parent = f"'D.S' || {column} / 15 || '.C' || {column} / 5 || '_' || {row} / 5"
        return f"({parent} || '.G' || {column} || '_' || {row})::ltree"

    def nth(value: str, origin: float) -> str:
        return f"least({GRIDS - 1}, greatest(0, floor(({value} - {origin}) / {step})))::int"

    def crowd(count: int) -> str:
        reach = f"{SPAN / 9} * sqrt(-2 * ln(1 - random()))"
        return (
            f"(SELECT n, x, y, {path(nth('x', west), nth('y', south))} AS path FROM ("
            f"SELECT n, {CENTER[0]} + {reach} * cos(a) AS x, {CENTER[1]} + {reach} * sin(a) AS y "
            f"FROM (SELECT n, 2 * pi() * random() AS a FROM generate_series(1, {count}) n) q) p) c"
        )

    cell = box(f"{west} + c * {step}", f"{south} + r * {step}", str(step), str(step))
    deepest = CELL_ZOOMS[-1]
    x, y = cell_sql("ST_X(geom)", "ST_Y(geom)", deepest)
    into_cells = "INSERT INTO incident_cell (z, x, y, path, count) SELECT"
    return [
        "SELECT setseed(0.42)",
        "SET LOCAL yiwangtu.bulk = 'on'",
        "INSERT INTO category (code, name) VALUES ('litter', '暴露垃圾')",
        "INSERT INTO area (level, code, name, source, geom, path) "
        f"VALUES ('district', 'D', '区', 'drawn', ST_Multi({box(str(west), str(south), str(SPAN), str(SPAN))}), 'D')",
        "INSERT INTO grid_scheme (code, name, floor, ceiling, target, code_template, source) "
        "VALUES ('s', 's', 400, 800, 600, '', '')",
        "INSERT INTO plan (scheme_id, area_id, path, name, status) VALUES (1, 1, 'D', 'p', 'effective')",
        "INSERT INTO grid (plan_id, code, name, area_id, is_effective, households, geom, path) "
        "SELECT 1, 'G' || c || '_' || r, '网格' || c || '-' || r, 1, true, 200 + (random() * 800)::int, "
        f"ST_Multi({cell}), {path('c', 'r')} "
        f"FROM generate_series(0, {GRIDS - 1}) c, generate_series(0, {GRIDS - 1}) r",
        "INSERT INTO unit (code, area_id, households, floors, geom, path) "
        "SELECT 'U' || n, 1, (random() * 60)::int, 1 + (random() * 30)::int, "
        f"{box('x', 'y', '0.0003', '0.00012')}, path FROM {crowd(45_000)}",
        "INSERT INTO facility (kind, code, name, tier, area_id, geom, path) "
        "SELECT 'station', 'F' || n, '驿站' || n, 'basic', 1, ST_SetSRID(ST_MakePoint(x, y), 4326), path "
        f"FROM {crowd(2_000)}",
        "INSERT INTO incident (id, code, category, title, status, department, area_id, reported_at, geom, path) "
        "SELECT md5(n::text)::uuid, '2026-' || lpad(n::text, 7, '0'), 'litter', '暴露垃圾 ' || n, "
        "(ARRAY['reported', 'accepted', 'closed', 'rated'])[1 + n % 4], '环卫', 1, "
        "timestamptz '2026-01-01' + n * interval '7 seconds', ST_SetSRID(ST_MakePoint(x, y), 4326), path "
        f"FROM {crowd(1_000_000)} ORDER BY ST_SetSRID(ST_MakePoint(x, y), 4326)",
        f"{into_cells} {deepest}, {x}, {y}, path, count(*) FROM incident GROUP BY 2, 3, 4",
        *(
            f"{into_cells} {z}, x / 4, y / 4, path, sum(count) FROM incident_cell WHERE z = {z + 2} GROUP BY 2, 3, 4"
            for z in reversed(CELL_ZOOMS[:-1])
        ),
    ]


def build(engine: Engine) -> None:
    """Draw the city and add the account that asks."""
    with engine.begin() as connection:
        for statement in drawing():
            connection.exec_driver_sql(statement.replace("%", "%%"))
        post, cheap = accounts.Post("dispatcher", "*", ""), Cost(memory_kib=8, passes=1, lanes=1)
        accounts.add(connection, "bench", name="bench", post=post, password=PASSWORD, cost=cheap)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")


def serve(port: int, owner_url: str, app_url: str, cache_mb: int, directory: str) -> None:
    """Run our server in this process."""
    from api.main import create_app
    from api.settings import Settings

    settings = Settings(data_dir=Path(directory), tile_cache_mb=cache_mb, pool_size=CONNECTIONS, _env_file=None)
    app = create_app(settings, Database(make_url(owner_url), make_url(app_url)))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False, loop="uvloop", http="httptools")


@contextlib.contextmanager
def started(command: Sequence[str], port: int, env: dict[str, str] | None = None) -> Iterator[int]:
    """Run a server for the length of a `with` block."""
    server = subprocess.Popen(command, env={**os.environ, **(env or {})})
    try:
        give_up_at = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if server.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"{command} did not start")
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def free_port() -> int:
    """Find a port that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Load:
    """A small HTTP/1.1 client: some connections that ask one address after the other."""

    def __init__(self, port: int, headers: str = "") -> None:
        self.port = port
        self.headers = headers
        self.latencies: list[float] = []
        self.bytes = 0
        self.bad = 0

    async def get(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
    ) -> tuple[int, bytes, bytes]:
        """Ask one address."""
        host = f"Host: 127.0.0.1:{self.port}\r\nAccept-Encoding: gzip\r\n"
        writer.write(f"GET {path} HTTP/1.1\r\n{host}{self.headers}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        if b"content-length:" in lower:
            size = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            return status, head, await reader.readexactly(size) if size else b""
        body = b""
        if b"transfer-encoding: chunked" in lower:
            while size := int((await reader.readline()).strip(), 16):
                body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        return status, head, body

    async def _worker(self, paths: Iterator[str], until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        while (started_at := time.perf_counter()) < until:
            status, _, body = await self.get(reader, writer, next(paths))
            self.latencies.append(time.perf_counter() - started_at)
            self.bytes += len(body)
            self.bad += status not in (200, 204)
        writer.close()

    async def once(self, paths: Sequence[str]) -> None:
        """Ask every address once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        for path in paths:
            await self.get(reader, writer, path)
        writer.close()

    async def run(self, paths: Sequence[str], seconds: float) -> float:
        """Ask for `seconds` and give the rate; never the same address twice at once."""

        def cycle() -> Iterator[str]:
            while True:
                yield from paths

        source = cycle()
        self.latencies.clear()
        self.bytes = self.bad = 0
        began = time.perf_counter()
        count = min(CONNECTIONS, len(paths))
        await asyncio.gather(*(self._worker(source, began + seconds) for _ in range(count)))
        return len(self.latencies) / (time.perf_counter() - began)


def tiles_at(zoom: int) -> list[str]:
    """List the tiles over the middle of the city, where two thirds of everything lie."""
    import math

    def tile(lon: float, lat: float) -> tuple[int, int]:
        y = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
        return int((lon / 360 + 0.5) * 2**zoom), int(y * 2**zoom)

    reach = SPAN / 6
    west, north = tile(CENTER[0] - reach, CENTER[1] + reach)
    east, south = tile(CENTER[0] + reach, CENTER[1] - reach)
    found = [f"{zoom}/{x}/{y}" for x in range(west, east + 1) for y in range(north, south + 1)]
    return found[:: max(1, len(found) // 48)]


def boxes() -> list[str]:
    """List boxes of about 1 km for lists."""
    size = 0.01
    spots = [(CENTER[0] + size * i, CENTER[1] + size * j) for i in range(-4, 4) for j in range(-4, 4)]
    return [f"{x:.4f},{y:.4f},{x + size:.4f},{y + size:.4f}" for x, y in spots]


def paths_of(case: Case, *, is_ours: bool) -> list[str]:
    """List the addresses of a case."""
    table = OF_LAYER[case.layer]
    if case.zoom is None:
        if is_ours:
            return [f"/api/layers/{case.layer}/items?bbox={box}&limit=100" for box in boxes()]
        names = ",".join(ATTRIBUTES[table])
        asked = f"limit=100&properties={names}&f=geojson"
        return [f"/collections/public.{table}/items?bbox={box}&{asked}" for box in boxes()]
    if is_ours:
        return [f"/tiles/{case.layer}/{tile}.mvt" for tile in tiles_at(case.zoom)]
    names = ",".join(ATTRIBUTES[table])
    base = f"/collections/public.{table}/tiles/WebMercatorQuad"
    return [f"{base}/{tile}?properties={names}" for tile in tiles_at(case.zoom)]


async def measure(ports: dict[str, int], cases: Sequence[Case]) -> list[dict[str, object]]:
    """Run the cases, servers alternating."""
    cookie = await sign_in(ports["cold"])
    loads = {name: Load(port, "" if name == "tipg" else f"Cookie: {cookie}\r\n") for name, port in ports.items()}
    rows: list[dict[str, object]] = []
    for case in cases:
        addresses = {name: paths_of(case, is_ours=name != "tipg") for name in loads}
        names = [name for name in loads if not (name == "ready" and case.zoom is None)]
        found: dict[str, list[float]] = {name: [] for name in names}
        p95: dict[str, list[float]] = {name: [] for name in names}
        size: dict[str, float] = {}
        for name in names:
            await loads[name].run(addresses[name], 0.15)  # warm up: caches of PostgreSQL, tile memory of "ready"
        if "ready" in names:
            await loads["ready"].once(addresses["ready"])
        for _ in range(ROUNDS):
            for name in names:
                load = loads[name]
                found[name].append(await load.run(addresses[name], SECONDS))
                if load.bad:
                    raise RuntimeError(f"{name}: {load.bad} answers of {case} were not 200")
                p95[name].append(sorted(load.latencies)[int(len(load.latencies) * 0.95)] * 1000)
                size[name] = load.bytes / len(load.latencies) / 1000
        rate = {name: statistics.median(found[name]) for name in names}
        late = {name: statistics.median(p95[name]) for name in names}
        rows.append({"case": case, "rate": rate, "p95_ms": late, "kb": size})
        print_row(case, rate, late, size)
    return rows


async def sign_in(port: int) -> str:
    """Sign in and give the cookie."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"login": "bench", "password": PASSWORD}).encode()
    writer.write(
        f"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    answer = (await reader.read()).decode("latin-1")
    writer.close()
    line = next(one for one in answer.split("\r\n") if one.lower().startswith("set-cookie:"))
    return line.split(":", 1)[1].split(";")[0].strip()


def print_row(case: Case, rate: dict[str, float], late: dict[str, float], size: dict[str, float]) -> None:
    """Print one line of the table."""
    cold = rate["cold"] / rate["tipg"]
    ready = f"{rate['ready']:7.0f} ({rate['ready'] / rate['tipg']:5.1f}x)" if "ready" in rate else " " * 16
    print(
        f"| {case.name:<22} | {rate['tipg']:6.0f} ({late['tipg']:4.0f}) {size['tipg']:5.0f} KB | "
        f"{rate['cold']:6.0f} ({late['cold']:4.0f}) {size['cold']:5.0f} KB | "
        f"{cold:5.1f}x {'>=' if cold >= case.target else '< '} {case.target:<3.0f} | {ready} |",
        flush=True,
    )


def main() -> None:
    """Build, serve, measure, print."""
    if "--serve" in sys.argv:
        port, owner_url, app_url, cache_mb, directory = sys.argv[2:7]
        serve(int(port), owner_url, app_url, int(cache_mb), directory)
        return
    cases = [case for case in CASES if case.name in sys.argv[1:] or len(sys.argv) == 1]
    directory = Path(tempfile.mkdtemp(prefix="yiwangtu-bench-"))
    directory.chmod(0o711)
    try:
        with opened(DataSettings(data_dir=directory, _env_file=None)) as database:
            began = time.monotonic()
            owner = database.owner_engine()
            migrate.upgrade(owner)
            build(owner)
            owner.dispose()
            print(f"built in {time.monotonic() - began:.0f} s", flush=True)
            measure_all(database, directory, cases)
    finally:
        shutil.rmtree(directory)


def measure_all(database: Database, directory: Path, cases: Sequence[Case]) -> None:
    """Start the three servers and run the cases."""
    urls = [url.render_as_string(hide_password=False) for url in (database.owner_url, database.app_url)]
    host = str(database.owner_url.query["host"]).replace("/", "%2F")
    tables = {f"TIPG_TABLE_CONFIG__public_{name}__geomcol": "geom" for name in ATTRIBUTES}
    env = {
        "DATABASE_URL": f"postgresql://{database.owner_url.username}@{host}/{database.owner_url.database}",
        "TIPG_DB_TABLES": json.dumps([f"public.{name}" for name in ATTRIBUTES]), "TIPG_CATALOG_TTL": "0",
        "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["public"]', "TIPG_DB_SPATIAL_EXTENT": "false", **tables,
    }  # fmt: skip
    ports = {name: free_port() for name in ("tipg", "cold", "ready")}
    ours = [sys.executable, "-m", "tests.benchmarks.bench_serving", "--serve"]
    uvicorn_tipg = [
        sys.executable, "-m", "uvicorn", "tipg.main:app", "--port", str(ports["tipg"]), "--log-level", "error",
        "--loop", "uvloop", "--http", "httptools",
    ]  # fmt: skip
    with (
        started(uvicorn_tipg, ports["tipg"], env),
        started([*ours, str(ports["cold"]), *urls, "0", str(directory)], ports["cold"]),
        started([*ours, str(ports["ready"]), *urls, "256", str(directory)], ports["ready"]),
    ):
        print("| rate/s (p95 ms), size | tipg | ours cold | ratio | ready |\n|---|---|---|---|---|")
        asyncio.run(measure(ports, cases))


if __name__ == "__main__":
    main()
