"""Layer revisions: a number a layer that rises when its rows change; caches and ETags hang on it."""

import asyncio
import threading
import time
from collections.abc import Mapping

from sqlalchemy import Engine, text

from layers.registry import BY_NAME

STALE_S = 1.0


class Revisions:
    """The newest revisions, kept in memory and read again from the table when older than a second.

    The live reader calls `update` as events arrive, so that a change is seen at once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._revisions: dict[str, int] = {}
        self._read_at = float("-inf")

    def get(self, layer: str) -> int:
        """Give a layer's revision as far as it is known."""
        return self._revisions.get(layer, 0)

    def all(self) -> dict[str, int]:
        """Give every layer's revision as far as it is known."""
        return {name: self._revisions.get(name, 0) for name in BY_NAME}

    def update(self, revisions: Mapping[str, int]) -> None:
        """Take over newer revisions; older ones are ignored."""
        with self._lock:
            for layer, revision in revisions.items():
                if revision > self._revisions.get(layer, -1):
                    self._revisions[layer] = revision

    async def settle(self) -> None:
        """Read the table when it was last read more than a second ago; one caller does it, others go on meanwhile."""
        now = time.monotonic()
        if now - self._read_at > STALE_S:
            self._read_at = now
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the table; blocks on the database."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("SELECT layer, revision FROM layer_revision"))
            self.update({row.layer: row.revision for row in rows})
