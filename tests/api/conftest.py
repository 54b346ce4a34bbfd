"""A drawn town of two districts (see town.sql), the server over it, and signed-in clients."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.main import create_app
from api.settings import Settings
from data import accounts, outbox
from data.credentials import Cost
from data.engine import Database
from data.settings import short_hash
from tests.api.processes import Up, is_running, offspring
from tests.emptying import empty

PASSWORD = "a drawn town 2024"
ACCOUNTS = (
    # login, role, area, department
    ("worker", "worker", "D1S1C1G1", ""),
    ("community", "community", "D1S1C1", ""),
    ("street", "street", "D1S1", ""),
    ("dispatcher", "dispatcher", "D1", ""),
    ("department", "department", "D1", "城管"),
    ("planner", "planner", "D1", ""),
    ("screen", "screen", "D1", ""),
    ("system_admin", "system_admin", "*", ""),
    ("security_admin", "security_admin", "*", ""),
    ("audit_admin", "audit_admin", "*", ""),
    ("far_worker", "worker", "D2S2C2G2", ""),
    ("far_dispatcher", "dispatcher", "D2", ""),
    ("chief", "dispatcher", "*", ""),
    ("chief_planner", "planner", "*", ""),
)
CHEAP = Cost(memory_kib=8, passes=1, lanes=1)


def draw_town(engine: Engine) -> None:
    """Empty all tables and fill them with the town and its accounts; every account's login is in ACCOUNTS."""
    with engine.begin() as connection:
        empty(connection)
        connection.exec_driver_sql((Path(__file__).parent / "town.sql").read_text("utf-8").replace("%", "%%"))
        for login, role, area, department in ACCOUNTS:
            post = accounts.Post(role, area, department)
            accounts.add(connection, login, name=f"测试 {login}", post=post, password=PASSWORD, cost=CHEAP)
    while outbox.publish(engine):
        pass


@pytest.fixture
def town(owner_engine: Engine) -> Engine:
    """The owner's engine over the freshly drawn town."""
    draw_town(owner_engine)
    return owner_engine


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The server's settings: defaults, with cheap passwords."""
    return Settings(
        data_dir=tmp_path, password_memory_kib=CHEAP.memory_kib, password_passes=CHEAP.passes,
        password_lanes=CHEAP.lanes, _env_file=None,
    )  # fmt: skip


@pytest.fixture
def app(town: Engine, database: Database, settings: Settings) -> Iterator[FastAPI]:
    """The server over the town, without its background work; see `running`."""
    made = create_app(settings, database)
    yield made
    context = made.state.context
    context.reader.close()
    context.engine.dispose()
    context.background.dispose()


@pytest.fixture
def running(app: FastAPI) -> Iterator[TestClient]:
    """The server with its background work (live stream, jobs): an anonymous client that holds its lifespan."""
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def client(app: FastAPI) -> Callable[[str], TestClient]:
    """Make clients: `client("worker")` is signed in and sends its CSRF token, `client("anonymous")` is nobody."""

    def make(login: str) -> TestClient:
        made = TestClient(app, base_url="http://localhost")
        if login != "anonymous":
            sign_in(made, login)
        return made

    return make


def sign_in(client: TestClient, login: str, password: str = PASSWORD) -> None:
    """Sign a client in and let it send its CSRF token from now on."""
    answer = client.post("/api/session", json={"login": login, "password": password})
    assert answer.status_code == 201, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]


@pytest.fixture
def fetch(town: Engine) -> Callable[..., list]:
    """Ask the database as its owner: `fetch("SELECT …", code="D1")`."""

    def ask(sql: str, **values: object) -> list:
        with town.begin() as connection:
            return list(connection.execute(text(sql), values))

    return ask


@pytest.fixture(scope="module")
def still(
    owner_engine: Engine, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], TestClient]]:
    """Make clients like `client`, over a town that is drawn once: for modules whose tests only read."""
    draw_town(owner_engine)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("still"), password_memory_kib=CHEAP.memory_kib, password_passes=CHEAP.passes,
        password_lanes=CHEAP.lanes, _env_file=None,
    )  # fmt: skip
    app = create_app(settings, database)
    made: dict[str, TestClient] = {}
    with TestClient(app, base_url="http://localhost"):  # runs the lifespan, once

        def make(login: str) -> TestClient:
            if login not in made:
                made[login] = TestClient(app, base_url="http://localhost")
                if login != "anonymous":
                    sign_in(made[login], login)
            return made[login]

        yield make


@pytest.fixture
def directory() -> Iterator[Path]:
    """A data directory for a server of its own."""
    made = Path(tempfile.mkdtemp(prefix="yiwangtu-up-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)
    shutil.rmtree(Path("/tmp") / f"yiwangtu-{short_hash(made / 'pg')}", ignore_errors=True)


@pytest.fixture
def start(until: Callable[..., object]) -> Iterator[Callable[..., Up]]:
    """Start servers as processes; those still there at the end are killed."""
    started = []

    def make(directory: Path, **settings: str) -> Up:
        started.append(Up(directory, **settings))
        return started[-1]

    yield make
    for up in started:
        if up.process.poll() is None:
            pids = offspring(up.process.pid)
            up.process.kill()
            until(lambda pids=pids: not any(map(is_running, pids)))
        up.process.wait()
        up.process.stdout.close()
