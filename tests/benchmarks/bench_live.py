"""1,000 subscribers of the live stream x 20 reports a second, and one wall: from report to frame and to the screen.

`python -m tests.benchmarks.bench_live [--subscribers 1000] [--events 400] [--rate 20]` prints a table. Reports come by
`PUT /api/incidents/{uuid}` as a phone sends them. The server is a process of its own on one core, the subscribers
another on the other core where there are two; every subscriber is a signed-in dispatcher who sees every incident.
Beside them a real browser shows the wall (where Chromium and the built pages are). Latency runs from the receipt (the
answer 201) to the arrival of the frame, and to the wall: to its list, and to the frame of the screen that has it on the
map.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright
from sqlalchemy import Engine, make_url

from api.main import create_app
from api.server import bind, serve
from api.settings import Settings
from data import accounts, migrate
from data.credentials import Cost
from data.engine import Database, opened
from data.settings import DataSettings

PASSWORD = "drawn city 20260101"
LOGIN = "bench"
REPORTERS = 8
CITY = """
INSERT INTO category (code, name, department) VALUES ('litter', '暴露垃圾', '环卫');
INSERT INTO area (level, code, name, source, geom, path)
  VALUES ('district', 'D', '区', 'drawn', ST_Multi(ST_MakeEnvelope(115, 30, 115.5, 30.4, 4326)), 'D');
INSERT INTO area (level, code, name, source, parent_id, geom, path)
  SELECT 'street', 'S' || n, '街' || n, 'drawn', a.id,
         ST_Multi(ST_MakeEnvelope(115 + 0.25 * n, 30, 115.25 + 0.25 * n, 30.4, 4326)), a.path || ('S' || n)
  FROM area a, generate_series(0, 1) n WHERE a.code = 'D';
INSERT INTO area (level, code, name, source, parent_id, geom, path)
  SELECT 'community', a.code || 'C' || n, '社区' || n, 'drawn', a.id,
         ST_Multi(ST_MakeEnvelope(ST_XMin(a.geom), 30 + 0.2 * n, ST_XMax(a.geom), 30.2 + 0.2 * n, 4326)),
         a.path || (a.code || 'C' || n)
  FROM area a, generate_series(0, 1) n WHERE a.level = 'street';
"""
MARK = b'"title":"sent '
WEST, SOUTH, WIDTH, HEIGHT = 115.02, 30.02, 0.46, 0.36  # inside the city
DRAIN_S = 3  # whatever has not come by then is lost
# notes when the wall's list has each incident, and when the frame with it on the map was handed to the screen
WATCH = """() => {
  const [listed, drawn] = [(window.__listed = {}), (window.__drawn = {})];
  const painted = () => {
    const codes = window.__spots.map((one) => one.code);
    requestAnimationFrame(() => setTimeout(() => codes.forEach((code) => (drawn[code] ??= Date.now()))));
  };
  new MutationObserver(painted).observe(document.querySelector(".spots"), { attributeFilter: ["data-count"] });
  const note = () => document.querySelectorAll(".feed li").forEach((row) => (listed[row.dataset.code] ??= Date.now()));
  new MutationObserver(note).observe(document.querySelector(".feed"), { childList: true, subtree: true });
}"""


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

    def __init__(self, request: bytes, late: list[tuple[int, float]], opened: list[int]) -> None:
        self._request, self._late, self._opened, self._rest = request, late, opened, b""

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
                sent = int(rest[:19])
                self._late.append((sent, (now - sent) / 1e6))


async def subscribe(port: int, cookie: str, count: int, expected: int) -> None:
    """Open the streams, say so, and gather until everything has come or standard input ends."""
    pin(1)
    request = f"GET /live HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()
    loop, opened = asyncio.get_running_loop(), [0]
    late: list[tuple[int, float]] = []
    for _ in range(count):
        await loop.create_connection(lambda: Subscriber(request, late, opened), "127.0.0.1", port)
    while opened[0] < count:
        await asyncio.sleep(0.01)
    print("open", flush=True)
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    while len(late) < expected and not ended.done():
        await asyncio.sleep(0.05)
    print(json.dumps(late), flush=True)


def build(database: Database) -> Engine:
    """Migrate, draw the city, add the account."""
    owner = database.owner_engine()
    migrate.upgrade(owner)
    with owner.begin() as connection:
        connection.exec_driver_sql(CITY)
        post = accounts.Post("dispatcher", "D", "")
        accounts.add(connection, LOGIN, name="bench", post=post, password=PASSWORD, cost=Cost(8, 1, 1))
    return owner


@dataclass
class Result:
    """What was measured, in milliseconds.

    Attributes
    ----------
    answered
        From sending a report to its receipt.
    arrived
        From the receipt to each frame's arrival; below zero where the frame was first.
    listed, drawn
        From the receipt to the wall's list and to its map.
    """

    answered: list[float]
    arrived: list[float]
    listed: list[float]
    drawn: list[float]


def has_wall() -> bool:
    """Tell whether there is a browser, and pages for it."""
    return (
        shutil.which("chromium") is not None and (Settings(_env_file=None).web_dir / "screen" / "index.html").exists()
    )


class Wall:
    """A real browser that shows the wall; `watch` has it note when each incident is seen.

    Attributes
    ----------
    page
        The wall's page.
    """

    def __init__(self, port: int, token: str, query: str = "?dwell=600") -> None:
        self._playwright = sync_playwright().start()
        executable = shutil.which("chromium")
        self._browser = self._playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        self.page = self._browser.new_page(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
        self.page.context.add_cookies([{"name": "yiwangtu_session", "value": token, "url": f"http://127.0.0.1:{port}"}])
        self.page.goto(f"http://127.0.0.1:{port}/screen/{query}")
        self.page.wait_for_function("() => window.__spots", timeout=60_000)

    def watch(self) -> None:
        """Note from now on when each incident is seen; the notes grow with them."""
        self.page.evaluate(WATCH)

    def seen(self) -> tuple[dict[str, float], dict[str, float]]:
        """When each incident was in the list and on the map, milliseconds since 1970, by its number."""
        listed, drawn = self.page.evaluate("() => [window.__listed, window.__drawn]")
        return listed, drawn

    def close(self) -> None:
        """End the browser."""
        self._browser.close()
        self._playwright.stop()


def report_one(client: httpx.Client, rng: random.Random) -> tuple[str, int, int]:
    """Report an incident somewhere in the city; give its number, when it was sent and when its receipt came (ns)."""
    sent = time.time_ns()
    body = {
        "category": "litter", "datum": "wgs84", "title": f"sent {sent}",
        "lon": WEST + WIDTH * rng.random(), "lat": SOUTH + HEIGHT * rng.random(),
    }  # fmt: skip
    answer = client.put(f"/api/incidents/{uuid.uuid4()}", json=body).raise_for_status()
    return answer.json()["properties"]["code"], sent, time.time_ns()


def sign_in(client: httpx.Client) -> str:
    """Sign the dispatcher in; give the session's cookie."""
    session = client.post("/api/session", json={"login": LOGIN, "password": PASSWORD}).raise_for_status()
    client.headers["X-CSRF-Token"] = session.json()["csrf_token"]
    return client.cookies["yiwangtu_session"]


def report_all(client: httpx.Client, arguments: argparse.Namespace) -> tuple[dict[int, float], dict[str, float]]:
    """Report at the rate; give how long each answer took (ms, by when it was sent), and when each receipt came."""
    answered: dict[int, float] = {}
    received: dict[str, float] = {}
    rng, start = random.Random(1), time.monotonic()

    def send(n: int) -> None:
        time.sleep(max(0.0, start + n / arguments.rate - time.monotonic()))
        code, sent, came = report_one(client, rng)
        answered[sent] = (came - sent) / 1e6
        received[code] = came / 1e6

    with ThreadPoolExecutor(REPORTERS) as pool:
        list(pool.map(send, range(arguments.events)))
    return answered, received


def measure(port: int, arguments: argparse.Namespace) -> Result:
    """Report at the rate and gather what subscribers and wall got."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        token = sign_in(client)
        expected = arguments.subscribers * arguments.events
        command = [sys.executable, "-m", "tests.benchmarks.bench_live", "--subscribe", str(port)]
        command.append(f"yiwangtu_session={token}")
        counts = ["--subscribers", str(arguments.subscribers), "--events", str(arguments.events)]
        wall = Wall(port, token) if has_wall() else None
        if wall:
            wall.watch()
        with subprocess.Popen([*command, *counts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as others:
            assert others.stdin is not None
            assert others.stdout is not None
            if others.stdout.readline().strip() != "open":
                raise RuntimeError("the streams could not be opened")
            answered, received = report_all(client, arguments)
            time.sleep(DRAIN_S)
            listed, drawn = wall.seen() if wall else ({}, {})
            others.stdin.write("\n")
            others.stdin.flush()
            late: list[tuple[int, float]] = json.loads(others.stdout.readline())
        if wall:
            wall.close()
    print(f"{expected - len(late):,} of {expected:,} frames lost", end="")
    print(f", {len(received.keys() - drawn.keys())} of {len(received)} incidents not drawn\n" if wall else "\n")
    waits = [[seen[code] - at for code, at in received.items() if code in seen] for seen in (listed, drawn)]
    arrived = [wait_ms - answered[sent] for sent, wait_ms in late]
    return Result(list(answered.values()), arrived, *waits)


def row(name: str, times_ms: list[float]) -> str:
    """Write a line of the table."""
    if not times_ms:
        return f"| {name} | 0 | - | - | - |"
    cuts = statistics.quantiles(times_ms, n=100)
    return f"| {name} | {len(times_ms):,} | {cuts[49]:.0f} | {cuts[94]:.0f} | {max(times_ms):.0f} |"


@contextlib.contextmanager
def served() -> Iterator[tuple[int, int]]:
    """Serve the city from a new database in a process of its own; give its port and its process."""
    folder = Path(tempfile.mkdtemp(prefix="yiwangtu-bench-"))
    folder.chmod(0o711)
    try:
        with opened(DataSettings(data_dir=folder, database_url=None, _env_file=None)) as database:  # type: ignore[call-arg]
            build(database).dispose()
            urls = [url.render_as_string(hide_password=False) for url in (database.owner_url, database.app_url)]
            command = [sys.executable, "-m", "tests.benchmarks.bench_live", "--serve", *urls, str(folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdout is not None
                port = next(int(line.split(":")[-1].split("/")[0]) for line in server.stdout if "/public/" in line)
                try:
                    yield port, server.pid
                finally:
                    server.terminate()
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--rate", type=float, default=20)
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
    with served() as (port, _):
        result = measure(port, arguments)
    load = os.getloadavg()[0]
    print(f"{arguments.subscribers} subscribers and a wall, {arguments.rate:g} reports a second, load {load:.1f}\n")
    print("| from … to | times | p50 ms | p95 ms | most ms |\n| --- | --: | --: | --: | --: |")
    print(row("sent to receipt", result.answered))
    print(row("receipt to frame at a subscriber", result.arrived))
    print(row("receipt to the wall's list", result.listed))
    print(row("receipt to the wall's map", result.drawn))


if __name__ == "__main__":
    main()
