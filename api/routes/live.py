"""`/live`: server-sent events."""

import asyncio
import contextlib
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.context import ContextDep, ViewerDep
from api.errors import InvalidRequestError
from api.services.live import LiveHub, Subscription

KEEP_ALIVE_S = 15
router = APIRouter(tags=["live"])


class LiveResponse(Response):
    """A stream that ends when the client goes, falls behind, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, hub: LiveHub, subscription: Subscription, first: bytes) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._subscription, self._first = hub, subscription, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send frames as they come."""
        watcher = asyncio.create_task(self._watch(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"retry: 2000\n\n" + self._first, "more_body": True})
            while not self._subscription.is_ended:
                body = self._subscription.take()
                if body:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    continue
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await self._subscription.wake.wait()
                except TimeoutError:
                    await send({"type": "http.response.body", "body": b": keep-alive\n\n", "more_body": True})
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.cancel()
            self._hub.unsubscribe(self._subscription)

    async def _watch(self, receive: Receive) -> None:
        """End the stream when the client goes."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscription.is_ended = True
        self._subscription.wake.set()


@router.get("/live", response_class=LiveResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    context: ContextDep, viewer: ViewerDep, last_event_id: Annotated[str | None, Header()] = None
) -> LiveResponse:
    """Stream changes of layers to everyone, incidents and jobs to those who may see them."""
    if last_event_id is not None and not (last_event_id.isdecimal() and len(last_event_id) <= 18):
        raise InvalidRequestError(f"Last-Event-ID must be a whole number of at most 18 digits, not {last_event_id!r}")
    subscription = context.live.subscribe(viewer)
    try:
        first = b""
        if last_event_id is not None:
            first = await run_in_threadpool(
                context.live.replay, viewer, after=int(last_event_id), until=subscription.after
            )
    except BaseException:
        context.live.unsubscribe(subscription)
        raise
    return LiveResponse(context.live, subscription, first)
