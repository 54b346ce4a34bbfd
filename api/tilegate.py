"""The short way to a tile, in front of routing; whatever is odd about a request goes the long way."""

import re
from types import SimpleNamespace

from starlette.types import ASGIApp, Receive, Scope, Send

from api.services.tiles import Tile, Tiles
from layers.registry import BY_NAME
from layers.viewer import ANONYMOUS

PATH = "/tiles/{layer}/{z}/{x}/{y}.mvt"
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
_ADDRESS = re.compile(r"/tiles/([a-z_]+)/(\d{1,2})/(\d{1,7})/(\d{1,7})\.mvt")
_QUERY = re.compile(rb"(r=\d{1,19})?")
_ROUTE = SimpleNamespace(path=PATH)
Header = tuple[bytes, bytes]


class TileGate:
    """Answers well-formed requests for tiles; it is wrapped by the session's layer, so the viewer is known."""

    def __init__(self, app: ASGIApp, tiles: Tiles) -> None:
        self._app = app
        self._tiles = tiles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a tile, or pass the request on."""
        match = _ADDRESS.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        layer = BY_NAME.get(match[1]) if match else None
        viewer = scope.get("state", {}).get("viewer", ANONYMOUS)
        if match is None or layer is None or not viewer.sees(layer) or not _QUERY.fullmatch(scope["query_string"]):
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        tile = await self._tiles.get(layer, viewer, (int(match[2]), int(match[3]), int(match[4])), receive)
        accepted, known = b"", b""
        for name, value in scope["headers"]:
            if name == b"accept-encoding":
                accepted = value
            elif name == b"if-none-match":
                known = value
        status, headers, body = answer(tile, is_private=bool(viewer.roles), accepted=accepted, known=known)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def answer(tile: Tile, *, is_private: bool, accepted: bytes, known: bytes) -> tuple[int, list[Header], bytes]:
    """Make status, headers and body of a tile's answer.

    Parameters
    ----------
    tile
        The tile.
    is_private
        Whether only this reader's own cache may keep it.
    accepted, known
        The request's `Accept-Encoding` and `If-None-Match`.
    """
    is_packed = b"gzip" in accepted
    tag = f'"{tile.tag}"' if is_packed else f'"{tile.tag}-plain"'
    headers: list[Header] = [
        (b"etag", tag.encode()),
        (b"cache-control", b"private, no-cache" if is_private else b"no-cache"),
        (b"vary", b"Accept-Encoding, Cookie"),
    ]
    if known and (known.strip() == b"*" or tag.encode() in known):
        return 304, headers, b""
    body = tile.content if is_packed else tile.raw
    headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    if is_packed and body:
        headers.append((b"content-encoding", b"gzip"))
    return 200, headers, body
