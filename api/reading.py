"""Database work off the event loop, cancelled in PostgreSQL when the client goes away."""

import asyncio
import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from starlette.types import Receive

from data.scope import scoped
from layers.viewer import ANONYMOUS, Viewer

T = TypeVar("T")
MOST_PLANS = 100  # of one connection
_PARAMETER = re.compile(r"%\((\w+)\)s")


class ClientGoneError(Exception):
    """The client closed the connection before its answer was ready; nobody will read what is answered."""


class Work:
    """One unit of database work that another thread may cancel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None
        self.is_cancelled = False

    @contextlib.contextmanager
    def on(self, connection: Any) -> Iterator[None]:
        """Say which psycopg2 connection the work runs on, so that `cancel` reaches it and never a later user of it."""
        with self._lock:
            if self.is_cancelled:
                raise ClientGoneError
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def cancel(self) -> None:
        """Ask PostgreSQL to stop the running statement; work that has not begun will not."""
        with self._lock:
            self.is_cancelled = True
            if self._connection is not None:
                self._connection.cancel()


@contextlib.contextmanager
def autocommitting(engine: Engine) -> Iterator[tuple[Any, set[str]]]:
    """Lend a pooled psycopg2 connection on which what is sent together is a transaction, and the names of its plans."""
    lent = engine.raw_connection()
    try:
        connection: Any = lent.driver_connection
        connection.autocommit = True
        try:
            yield connection, lent.info.setdefault("plans", set())
        finally:
            if connection.closed:  # the server went: the pool's other connections are dead too
                lent.invalidate()
                engine.dispose()
            else:
                connection.autocommit = False
    finally:
        lent.close()


@lru_cache(maxsize=4096)
def _settings(viewer: Viewer) -> dict[str, str]:
    """Name a viewer's settings as parameters."""
    return {name.replace(".", "_"): value for name, value in viewer.settings().items()}


_SET = "SELECT " + ", ".join(
    f"set_config('{name}', %({name.replace('.', '_')})s, true)" for name in ANONYMOUS.settings()
)  # fmt: skip

_SET_GENERIC = f"{_SET}, set_config('plan_cache_mode', 'force_generic_plan', true)"


@lru_cache(maxsize=2048)
def _prepare(sql: str) -> tuple[str, str, str]:
    """Turn a statement with named parameters into a name, the statement to prepare, and the call."""
    names = list(dict.fromkeys(_PARAMETER.findall(sql)))
    statement = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", sql)
    name = "plan_" + hashlib.blake2b(sql.encode(), digest_size=10).hexdigest()
    return name, statement, f"EXECUTE {name} ({', '.join(f'%({one})s' for one in names)})"


class Reader:
    """Runs database work on worker threads, one for each pooled connection."""

    def __init__(self, engine: Engine, size: int) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="database")
        self._cancellers = ThreadPoolExecutor(2, thread_name_prefix="cancel")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()
        self._cancellers.shutdown()

    async def fetch(
        self,
        viewer: Viewer,
        sql: str,
        parameters: Mapping[str, Any],
        receive: Receive,
        *,
        is_planned_once: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Read rows as a viewer in a single round trip; stop when the client goes.

        Parameters
        ----------
        viewer
            Who asks.
        sql
            One statement with `%(name)s` parameters.
        parameters
            Their values.
        receive
            The request's ASGI channel.
        is_planned_once
            Whether the statement's best plan is the same for all parameters, so that `planned` may read it.

        Raises
        ------
        ClientGoneError
            If the client went away first.
        """
        read = self.planned if is_planned_once else self.rows
        return await self.call(lambda handle: read(handle, viewer, sql, parameters), receive)

    def rows(self, handle: Work, viewer: Viewer, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Read rows on this thread: settings and statement go together, and so are one transaction of PostgreSQL's."""
        with autocommitting(self.engine) as (connection, _), handle.on(connection), connection.cursor() as cursor:
            cursor.execute(f"{_SET};{sql}", {**_settings(viewer), **parameters})
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def planned(self, handle: Work, viewer: Viewer, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Read rows like `rows` by a statement that each connection plans once, whatever the parameters.

        For statements whose best plan is always the same; row-level security makes planning dearer than a small tile.
        """
        name, statement, call = _prepare(sql)
        with autocommitting(self.engine) as (connection, known), handle.on(connection), connection.cursor() as cursor:
            if name not in known:
                if len(known) >= MOST_PLANS:
                    cursor.execute("DEALLOCATE ALL")
                    known.clear()
                cursor.execute(f"PREPARE {name} AS {statement}")
                known.add(name)
            cursor.execute(f"{_SET_GENERIC};{call}", {**_settings(viewer), **parameters})
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    async def run(self, viewer: Viewer, work: Callable[[Connection], T], receive: Receive) -> T:
        """Run `work` in a transaction as a viewer; stop it when the client goes.

        Parameters
        ----------
        viewer
            Who asks: row-level security sees the database as this viewer.
        work
            Called with the connection on a worker thread.
        receive
            The request's ASGI channel (`request.receive`), whose `http.disconnect` ends the work.

        Raises
        ------
        ClientGoneError
            If the client went away first.
        """

        def begun(handle: Work) -> T:
            with scoped(self.engine, viewer) as connection, handle.on(connection.connection.driver_connection):
                return work(connection)

        return await self.call(begun, receive)

    async def call(self, begun: Callable[[Work], T], receive: Receive) -> T:
        """Run a function on a worker thread; it wraps its use of a connection in `Work.on`."""
        return await self.start(begun).wait(receive)

    def start(self, begun: Callable[[Work], T]) -> "Running[T]":
        """Start a function on a worker thread, for one or more requests to wait for."""
        handle = Work()
        future = asyncio.get_running_loop().run_in_executor(self._threads, begun, handle)
        return Running(future, handle, self._cancellers)


class Running(Generic[T]):
    """Work in progress that requests wait for; it is cancelled when the last of them goes."""

    def __init__(self, future: "asyncio.Future[T]", handle: Work, cancellers: ThreadPoolExecutor) -> None:
        self.future = future
        self._handle = handle
        self._cancellers = cancellers
        self._waiters = 0
        self.is_cancelled = False
        future.add_done_callback(_look)

    async def wait(self, receive: Receive) -> T:
        """Wait for the result or for the client to go, whichever comes first."""
        self._waiters += 1
        watcher = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((self.future, watcher), return_when=asyncio.FIRST_COMPLETED)
            if not self.future.done():
                raise ClientGoneError
            return self.future.result()
        finally:
            watcher.cancel()
            self._waiters -= 1
            if not self._waiters and not self.future.done():
                self.is_cancelled = True
                self._cancellers.submit(self._handle.cancel)


def _look(future: "asyncio.Future[Any]") -> None:
    """Look at an error that nobody waits for any more, so that asyncio need not complain of it."""
    if not future.cancelled():
        future.exception()


async def _gone(receive: Receive) -> None:
    """Wait until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
