"""The outermost ASGI layer: request ids, body limits, security headers, metrics, and the answer to every error."""

import re
import secrets
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import respond
from api.services.residents import MOST_PHOTOS
from api.settings import Settings

POLICY = "; ".join((
    "default-src 'self'", "script-src 'self'", "worker-src 'self'", "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:", "connect-src 'self'", "font-src 'self'", "manifest-src 'self'", "object-src 'none'",
    "base-uri 'self'", "form-action 'self'", "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "geolocation=(self), camera=(self), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_PHOTO = re.compile(r"/api/incidents/[^/]+/photos/[^/]+")
_UPLOAD = re.compile(r"/api/plans/import|/api/sites/candidates|/api/crosswalks/[^/]+/layers/[^/]+")
_REPORT = re.compile(r"/public/report")  # a form with photos in it
_MB = 1_000_000


class Edge:
    """Wraps the whole application; nothing leaves without passing here."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._body_limit = settings.body_limit_mb * _MB
        self._limits = (
            (_PHOTO, settings.photo_limit_mb * _MB), (_UPLOAD, settings.upload_limit_mb * _MB),
            (_REPORT, MOST_PHOTOS * settings.photo_limit_mb * _MB + self._body_limit),
        )  # fmt: skip
        headers = dict(HEADERS)
        if settings.is_behind_https:
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started_at = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()), *self._headers, (b"x-request-id", request_id.encode()),
                ]  # fmt: skip
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive), sending)
        except Exception as exc:  # the HTTP edge
            response = respond(exc, request_id)
            if status:
                raise
            await response(scope, receive, sending)
        finally:
            self._metrics.observe(scope, status, time.perf_counter() - started_at)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Count the body as it comes in and stop at the limit."""
        if scope["method"] in ("GET", "HEAD"):
            return receive
        limits = (limit for path, limit in self._limits if path.fullmatch(scope["path"]))
        limit = next(limits, self._body_limit)
        declared = Headers(scope=scope).get("content-length", "0")
        seen = int(declared) if declared.isdecimal() else 0

        def check(size: int) -> None:
            if size > limit:
                raise HTTPException(413, f"The body is larger than {limit // _MB} MB.")

        total = 0

        async def receiving() -> Any:
            nonlocal total
            check(seen)
            message = await receive()
            total += len(message.get("body", b""))
            check(total)
            return message

        return receiving
