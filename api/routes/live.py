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
from api.problems import problems
from api.services.live import LiveHub, Subscription

STREAM_S = 600  # of somebody signed in: the client comes back at once, and its session is looked at again
FAREWELL_S = 1
router = APIRouter(tags=["live"])


class LiveResponse(Response):
    """A stream that ends when the client goes, falls behind, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, hub: LiveHub, subscription: Subscription, first: bytes) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._subscription, self._first = hub, subscription, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send frames as they come, until the stream is ended or its time is up."""
        subscription = self._subscription
        limit_s = None if subscription.viewer.account_id is None else STREAM_S
        tasks = [
            asyncio.create_task(one) for one in (self._send(send), self._watch(receive), subscription.ended.wait())
        ]
        try:
            done, _ = await asyncio.wait(tasks, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._hub.unsubscribe(subscription)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(OSError, TimeoutError):  # one that does not read does not hear this either
            async with asyncio.timeout(FAREWELL_S):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send) -> None:
        """Send frames as they come."""
        subscription = self._subscription
        # the empty event at the end carries the number to come back with, even when nothing ever happens
        opening = b"retry: 2000\n\n%bid: %d\n\n" % (self._first, subscription.after)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": opening, "more_body": True})
        while True:
            await subscription.wake.wait()
            await send({"type": "http.response.body", "body": subscription.take(), "more_body": True})

    async def _watch(self, receive: Receive) -> None:
        """Wait for the client to go."""
        while (await receive())["type"] != "http.disconnect":
            pass


@router.get(
    "/live",
    status_code=200,
    response_class=LiveResponse,
    responses={**problems(), 200: {"content": {"text/event-stream": {}}}},
)
async def stream(
    context: ContextDep, viewer: ViewerDep, last_event_id: Annotated[str | None, Header()] = None
) -> LiveResponse:
    """Stream changes of layers to everyone, incidents, whistles and jobs to those who may see them."""
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
