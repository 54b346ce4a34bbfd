"""1,000 subscribers of the live stream x 10 events a second, through PostgreSQL, the outbox and loopback sockets.

`python -m tests.benchmarks.bench_live [--subscribers 1000] [--events 100] [--rate 10]` prints a table. The server is a
process of its own on one core, the subscribers another on the other core where there are two; every subscriber is a
signed-in dispatcher who sees every incident. Latency is from before the INSERT to the arrival of the frame.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from sqlalchemy import Engine, make_url, text

from api.main import create_app
from api.server import bind, serve
from api.settings import Settings
from data import accounts, migrate
from data.credentials import Cost
from data.engine import Database, opened
from data.settings import DataSettings

PASSWORD = "drawn city 20260101"
LOGIN = "bench"
CITY = """
INSERT INTO category (code, name) VALUES ('litter', '暴露垃圾');
INSERT INTO area (level, code, name, source, geom, path)
  VALUES ('district', 'D', '区', 'drawn', ST_Multi(ST_MakeEnvelope(115, 30, 115.5, 30.4, 4326)), 'D');
"""
INSERT = text(
    "INSERT INTO incident (id, category, title, reported_at, geom) VALUES "
    "(gen_random_uuid(), 'litter', :title, now(), ST_SetSRID(ST_MakePoint(115.1, 30.1), 4326))"
)
MARK = b'"title":"sent '


def pin(core: int) -> None:
    """Stay on one core, where there are two."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def run_server(owner_url: str, app_url: str, directory: str) -> None:
    """Serve in this process."""
    pin(0)
    settings = Settings(data_dir=Path(directory), port=18_000, _env_file=None)  # type: ignore[call-arg]
    settings.model_fields_set.discard("port")  # the next free one
    with bind(settings) as listener:
        serve(create_app(settings, Database(make_url(owner_url), make_url(app_url))), settings, listener)


class Subscriber(asyncio.Protocol):
    """One stream; notes how late each frame is."""

    def __init__(self, request: bytes, late_ms: list[float], opened: list[int]) -> None:
        self._request, self._late_ms, self._opened, self._rest = request, late_ms, opened, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not self._rest and data.startswith(b"HTTP/1.1 200"):
            self._opened[0] += 1
        now = time.time_ns()
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for frame in whole:
            _, mark, rest = frame.partition(MARK)
            if mark:
                self._late_ms.append((now - int(rest[:19])) / 1e6)


async def subscribe(port: int, cookie: str, count: int, expected: int) -> None:
    """Open the streams, say so, and gather until everything has come or standard input ends."""
    pin(1)
    request = f"GET /live HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()
    loop, late_ms, opened = asyncio.get_running_loop(), [], [0]
    for _ in range(count):
        await loop.create_connection(lambda: Subscriber(request, late_ms, opened), "127.0.0.1", port)
    while opened[0] < count:
        await asyncio.sleep(0.01)
    print("open", flush=True)
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    while len(late_ms) < expected and not ended.done():
        await asyncio.sleep(0.05)
    print(json.dumps(late_ms), flush=True)


def build(database: Database) -> Engine:
    """Migrate, draw the city, add the account."""
    owner = database.owner_engine()
    migrate.upgrade(owner)
    with owner.begin() as connection:
        connection.exec_driver_sql(CITY)
        post = accounts.Post("dispatcher", "D", "")
        accounts.add(connection, LOGIN, name="bench", post=post, password=PASSWORD, cost=Cost(8, 1, 1))
    return owner


def measure(owner: Engine, port: int, arguments: argparse.Namespace) -> list[float]:
    """Publish at the rate and gather what the subscribers got."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.post("/api/session", json={"login": LOGIN, "password": PASSWORD}).raise_for_status()
        cookie = f"yiwangtu_session={client.cookies['yiwangtu_session']}"
    expected = arguments.subscribers * arguments.events
    command = [sys.executable, "-m", "tests.benchmarks.bench_live", "--subscribe", str(port), cookie]
    counts = ["--subscribers", str(arguments.subscribers), "--events", str(arguments.events)]
    with subprocess.Popen([*command, *counts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as subscribers:
        assert subscribers.stdin is not None
        assert subscribers.stdout is not None
        if subscribers.stdout.readline().strip() != "open":
            raise RuntimeError("the streams could not be opened")
        start = time.monotonic()
        for n in range(arguments.events):
            time.sleep(max(0.0, start + n / arguments.rate - time.monotonic()))
            with owner.begin() as connection:
                connection.execute(INSERT, {"title": f"sent {time.time_ns()}"})
        time.sleep(3)  # whatever has not come by then is lost
        subscribers.stdin.write("\n")
        subscribers.stdin.flush()
        late_ms: list[float] = json.loads(subscribers.stdout.readline())
    print(f"{expected - len(late_ms):,} of {expected:,} frames lost\n")
    return late_ms


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--subscribe", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        run_server(*arguments.serve)
        return
    if arguments.subscribe:
        port, cookie = arguments.subscribe
        asyncio.run(subscribe(int(port), cookie, arguments.subscribers, arguments.subscribers * arguments.events))
        return
    folder = Path(tempfile.mkdtemp(prefix="yiwangtu-bench-"))
    folder.chmod(0o711)
    try:
        with opened(DataSettings(data_dir=folder, database_url=None, _env_file=None)) as database:  # type: ignore[call-arg]
            owner = build(database)
            urls = [url.render_as_string(hide_password=False) for url in (database.owner_url, database.app_url)]
            command = [sys.executable, "-m", "tests.benchmarks.bench_live", "--serve", *urls, str(folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdout is not None
                port = next(int(line.split(":")[-1].split("/")[0]) for line in server.stdout if "/public/" in line)
                try:
                    late_ms = measure(owner, port, arguments)
                finally:
                    server.terminate()
            owner.dispose()
    finally:
        shutil.rmtree(folder)
    cuts = statistics.quantiles(late_ms, n=100)
    print("| subscribers x events/s | frames | p50 ms | p95 ms | most ms |\n| --- | --: | --: | --: | --: |")
    print(
        f"| {arguments.subscribers} x {arguments.rate:g} | {len(late_ms):,} | {cuts[49]:.0f} | {cuts[94]:.0f} "
        f"| {max(late_ms):.0f} |"
    )


if __name__ == "__main__":
    main()
