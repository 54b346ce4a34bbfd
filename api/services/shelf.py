"""Things made from the database: kept in memory, made once however many ask, the longest unused go first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from starlette.types import Receive

from api.reading import Reader, Running, Work
from data.scope import scoped
from layers.viewer import ANONYMOUS, Viewer

T = TypeVar("T")


@dataclass(frozen=True)
class Shelf(Generic[T]):
    """Keeps what was made, by key; a key says all that the thing depends on."""

    reader: Reader
    most: int
    _kept: "OrderedDict[Hashable, T]"
    _running: "dict[Hashable, Running[T]]"

    @classmethod
    def of(cls, reader: Reader, *, most: int) -> "Shelf[T]":
        """Make an empty one that keeps at most so many things."""
        return cls(reader, most, OrderedDict(), {})

    async def get(
        self, key: Hashable, make: Callable[[Connection], T], receive: Receive, *, viewer: Viewer = ANONYMOUS
    ) -> T:
        """Give a thing, ready or made now, as a viewer sees the database; who is not nobody belongs into the key.

        Parameters
        ----------
        make
            Called on a worker thread.
        receive
            The request's ASGI channel: when the client goes and nobody else waits, the making is cancelled.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        running = self._running.get(key)
        if running is None or running.is_cancelled:
            running = self._start(key, make, viewer)
        return await running.wait(receive)

    def drop(self, key: Hashable, thing: T) -> None:
        """Forget a thing that has gone bad, unless another has taken its place."""
        if self._kept.get(key) is thing:
            del self._kept[key]

    def _start(self, key: Hashable, make: Callable[[Connection], T], viewer: Viewer) -> Running[T]:
        """Begin to make a thing; keep it when done."""

        def begun(handle: Work) -> T:
            with scoped(self.reader.engine, viewer) as lent, handle.on(lent.connection.driver_connection):
                return make(lent)

        running = self._running[key] = self.reader.start(begun)

        def keep(future: Any) -> None:
            if self._running.get(key) is running:
                del self._running[key]
            if not future.cancelled() and future.exception() is None:
                self._kept[key] = future.result()
                while len(self._kept) > self.most:
                    self._kept.popitem(last=False)

        running.future.add_done_callback(keep)
        return running
