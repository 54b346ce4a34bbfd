"""A query ends when its client goes, and shared work only when the last client goes."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from api.problems import answer_of
from api.reading import ClientGoneError, Reader, Work
from layers.viewer import ANONYMOUS, Viewer
from tests.looping import run_alone

SLOW = "SELECT pg_sleep(30), 'yiwangtu slow'"
RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%yiwangtu slow''' AND state = 'active'"


@pytest.fixture
def reader(app_engine: Engine) -> Iterator[Reader]:
    """Worker threads over the app's engine."""
    made = Reader(app_engine, 4)
    yield made
    made.close()


class Connection:
    """A client's side of an ASGI channel: says that it went when told so."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> dict:
        """Wait for the client to go."""
        await self.gone.wait()
        return {"type": "http.disconnect"}


def count_running(engine: Engine) -> int:
    """Count slow queries that PostgreSQL is busy with."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(RUNNING).scalar_one()


async def until(engine: Engine, count: int) -> None:
    """Wait until so many slow queries run."""
    async with asyncio.timeout(20):
        while await asyncio.to_thread(count_running, engine) != count:
            await asyncio.sleep(0)


def test_query_ends_with_its_client(reader: Reader, owner_engine: Engine) -> None:
    """PostgreSQL is busy while the client waits, and free after it went."""

    async def main() -> None:
        client = Connection()
        asked = asyncio.create_task(reader.fetch(ANONYMOUS, SLOW, {}, client.receive))
        await until(owner_engine, 1)
        client.gone.set()
        with pytest.raises(ClientGoneError):
            await asked
        await until(owner_engine, 0)

    run_alone(main())


def test_shared_work_ends_with_its_last_client(reader: Reader, owner_engine: Engine) -> None:
    """One of two clients that wait for the same work goes: it goes on; both go: it ends."""

    async def main() -> None:
        first, second = Connection(), Connection()
        running = reader.start(lambda work: reader.rows(work, ANONYMOUS, SLOW, {}))
        waiting = [asyncio.create_task(running.wait(one.receive)) for one in (first, second)]
        await until(owner_engine, 1)
        first.gone.set()
        with pytest.raises(ClientGoneError):
            await waiting[0]
        assert await asyncio.to_thread(count_running, owner_engine) == 1
        second.gone.set()
        with pytest.raises(ClientGoneError):
            await waiting[1]
        await until(owner_engine, 0)

    run_alone(main())


def test_cancelled_work_does_not_begin() -> None:
    """Work whose client went while it waited for a thread is not started."""
    work = Work()
    work.cancel()
    with pytest.raises(ClientGoneError), work.on(object()):
        raise AssertionError("begun")


def test_settings_end_with_the_statement(reader: Reader) -> None:
    """What one reader may see does not stay on the connection for the next."""
    chief = Viewer(7, frozenset({"dispatcher"}), ("",), ("D1",))
    sql = "SELECT map_scope()::text, case_scope()::text, scope_account()"

    def ask(viewer: Viewer) -> tuple:
        return reader.rows(Work(), viewer, sql, {})[0]

    assert ask(chief) == ('{""}', "{D1}", 7)
    with reader.engine.connect() as connection:
        assert tuple(connection.exec_driver_sql(sql).one()) == ("{}", "{}", None)
    assert ask(ANONYMOUS) == ("{}", "{}", None)


def test_plans_are_reused_and_scoped(reader: Reader) -> None:
    """A planned statement answers each reader by the reader's own settings."""
    sql = "SELECT map_scope()::text || %(word)s"
    chief = Viewer(7, frozenset({"dispatcher"}), ("D1",), ("D1",))
    for _ in range(8):
        assert reader.planned(Work(), chief, sql, {"word": "a'b"}) == [("{D1}a'b",)]
        assert reader.planned(Work(), ANONYMOUS, sql, {"word": "%"}) == [("{}%",)]


def test_time_limit_is_unavailable(database, tmp_path) -> None:
    """A statement over the limit is 503, without its text."""
    engine = database.app_engine(pool_size=1, statement_timeout_s=0.05)
    short = Reader(engine, 1)
    try:
        with pytest.raises(Exception, match="statement timeout") as caught:
            short.rows(Work(), ANONYMOUS, SLOW, {})
        assert answer_of(caught.value).code == "unavailable"
    finally:
        short.close()
        engine.dispose()


def test_threads_end(app_engine: Engine) -> None:
    """A closed reader leaves no thread behind."""
    before = threading.active_count()
    made = Reader(app_engine, 2)
    made._threads.submit(lambda: None).result()
    made.close()
    assert threading.active_count() == before
