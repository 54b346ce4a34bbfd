"""Ready tiles in memory, and the making of the others: once, however many ask for one at the same time."""

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from dataclasses import dataclass
from typing import Any

from api.errors import MissingError
from api.reading import Reader, Running, Work
from api.services.revisions import Revisions
from layers.layer import Layer
from layers.query import MAX_ZOOM, scope_key, sight, tile_sql
from layers.viewer import Viewer

LEVEL = 2  # of gzip; level 3 takes half as much time again for 2 % fewer bytes
OVERHEAD = 400  # bytes that a kept tile takes beside its content
Channel = Callable[[], Awaitable[MutableMapping[str, Any]]]


@dataclass(frozen=True)
class Tile:
    """A finished tile.

    Attributes
    ----------
    content
        Gzip-compressed vector tile; empty bytes for a tile with nothing in it.
    tag
        Hash of the tile: equal tiles, equal tags.
    """

    content: bytes
    tag: str

    @property
    def raw(self) -> bytes:
        """The tile without compression."""
        return zlib.decompress(self.content, wbits=31) if self.content else b""


EMPTY = Tile(b"", "empty")


class Tiles:
    """Tiles by layer, revision, group of readers and address; the least recently used go first."""

    def __init__(self, reader: Reader, revisions: Revisions, *, limit_bytes: int, features: int) -> None:
        self._reader = reader
        self._revisions = revisions
        self._limit = limit_bytes
        self._features = features
        self._size = 0
        self._kept: OrderedDict[Hashable, Tile] = OrderedDict()
        self._running: dict[Hashable, Running[Tile]] = {}

    async def get(self, layer: Layer, viewer: Viewer, address: tuple[int, int, int], channel: Channel) -> Tile:
        """Give a tile, ready or made now.

        Parameters
        ----------
        layer
            The layer; the caller has checked that the viewer may ask for it.
        viewer
            Who asks.
        address
            Zoom, column, row.
        channel
            The request's ASGI channel: when the client goes and nobody else waits, the making is cancelled.

        Raises
        ------
        MissingError
            If no such tile exists.
        """
        z = check(address)
        if z < layer.min_zoom:
            return EMPTY
        await self._revisions.settle()
        key = (layer.name, self._revisions.get(layer.name), scope_key(layer, viewer), address)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        running = self._running.get(key)
        if running is None or running.is_cancelled:
            running = self._start(key, layer, viewer, address)
        return await running.wait(channel)

    def _start(self, key: Hashable, layer: Layer, viewer: Viewer, address: tuple[int, int, int]) -> Running[Tile]:
        """Begin to make a tile; keep it when done."""
        z, x, y = address
        sql = tile_sql(layer, sight(layer, viewer), z)
        parameters = {"z": z, "x": x, "y": y, "features": self._features}

        def make(work: Work) -> Tile:
            return pack(bytes(self._reader.planned(work, viewer, sql, parameters)[0][0]))

        running = self._running[key] = self._reader.start(make)

        def keep(future: Any) -> None:
            if self._running.get(key) is running:
                del self._running[key]
            if not future.cancelled() and future.exception() is None:
                self._keep(key, future.result())

        running.future.add_done_callback(keep)
        return running

    def _keep(self, key: Hashable, tile: Tile) -> None:
        """Put a tile into memory and let the least recently used go."""
        replaced = self._kept.pop(key, None)
        if replaced is not None:
            self._size -= len(replaced.content) + OVERHEAD
        self._kept[key] = tile
        self._size += len(tile.content) + OVERHEAD
        while self._size > self._limit and self._kept:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone.content) + OVERHEAD


def check(address: tuple[int, int, int]) -> int:
    """Check that a tile address exists and give its zoom."""
    z, x, y = address
    if not 0 <= z <= MAX_ZOOM:
        raise MissingError(f"there is no zoom {z}; zooms go from 0 to {MAX_ZOOM}")
    if not (0 <= x < 1 << z and 0 <= y < 1 << z):
        raise MissingError(f"there is no tile {z}/{x}/{y}; columns and rows go from 0 to {(1 << z) - 1}")
    return z


def pack(raw: bytes) -> Tile:
    """Compress a tile once, for all who will ask for it."""
    if not raw:
        return EMPTY
    packer = zlib.compressobj(LEVEL, wbits=31)
    return Tile(packer.compress(raw) + packer.flush(), hashlib.blake2b(raw, digest_size=12).hexdigest())
