"""Database work off the event loop, cancelled in PostgreSQL when the client goes away."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from starlette.types import Receive

from data.scope import scoped
from layers.viewer import Viewer

T = TypeVar("T")


class ClientGoneError(Exception):
    """The client closed the connection before its answer was ready; nobody will read what is answered."""


class Work:
    """One unit of database work that another thread may cancel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None
        self.is_cancelled = False

    @contextlib.contextmanager
    def on(self, connection: Any) -> Any:
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
        loop = asyncio.get_running_loop()
        handle = Work()
        future = loop.run_in_executor(self._threads, begun, handle)
        watcher = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((future, watcher), return_when=asyncio.FIRST_COMPLETED)
            if future.done():
                return future.result()
            await loop.run_in_executor(self._cancellers, handle.cancel)
            await asyncio.wait((future,))
            if future.exception() is None:
                return future.result()
            raise ClientGoneError from future.exception()
        except asyncio.CancelledError:
            handle.is_cancelled = True
            loop.run_in_executor(self._cancellers, handle.cancel)
            raise
        finally:
            watcher.cancel()


async def _gone(receive: Receive) -> None:
    """Wait until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
