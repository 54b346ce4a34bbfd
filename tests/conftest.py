"""A real PostGIS for the tests: a private cluster of their own, ended with the session."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url
from xdist.scheduler import LoadScopeScheduling

from data import migrate
from data.engine import Database, opened
from data.settings import DataSettings
from tests.emptying import empty

BROWSER_TESTS = "tests/e2e/"


class FileScheduling(LoadScopeScheduling):
    """Keeps the tests of a file in one process, and all that drive the one demo in a browser."""

    def _split_scope(self, nodeid: str) -> str:
        """Name what must stay together."""
        path = nodeid.split("::", 1)[0]
        return BROWSER_TESTS if path.startswith(BROWSER_TESTS) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Share the files out where several processes work."""
    return FileScheduling(config, log)


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A migrated database. YIWANGTU_TEST_DATABASE_URL names one that exists; its name must contain "test"."""
    url = os.environ.get("YIWANGTU_TEST_DATABASE_URL")
    if url and "test" not in (make_url(url).database or ""):
        pytest.fail("YIWANGTU_TEST_DATABASE_URL names a database without 'test' in its name; tests would empty it")
    directory = Path(tempfile.mkdtemp(prefix="yiwangtu-test-"))
    directory.chmod(0o711)
    try:
        with opened(DataSettings(data_dir=directory, database_url=url, _env_file=None)) as opened_database:
            engine = opened_database.owner_engine()
            migrate.upgrade(engine)
            engine.dispose()
            yield opened_database
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def owner_engine(database: Database) -> Iterator[Engine]:
    """An engine of the role that owns the tables."""
    engine = database.owner_engine()
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def app_engine(database: Database) -> Iterator[Engine]:
    """An engine of the role that owns nothing, as the server uses it."""
    engine = database.app_engine(pool_size=8, statement_timeout_s=20)
    yield engine
    engine.dispose()


@pytest.fixture
def clean(owner_engine: Engine) -> Engine:
    """The owner's engine over empty tables."""
    with owner_engine.begin() as connection:
        empty(connection)
    return owner_engine


@pytest.fixture(scope="session")
def until() -> Callable[..., object]:
    """Wait for a condition: `until(lambda: …)` gives its first true answer, or fails after a generous while."""

    def wait(condition: Callable[[], object], *, within_s: float = 60) -> object:
        give_up_at = time.monotonic() + within_s
        while not (answer := condition()):
            assert time.monotonic() < give_up_at, f"this did not come true within {within_s} s"
            time.sleep(0.01)
        return answer

    return wait
