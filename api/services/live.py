"""Live events: one thread turns the outbox into events, one loop hands them to every subscriber who may see them.

A frame is decided and written once for each distinct viewer, not for each subscriber: a thousand residents cost one. A
subscriber who falls too far behind is let go; its browser comes back with `Last-Event-ID` and gets what it missed.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from api.errors import UnavailableError
from api.services.whistlenews import hears
from data import outbox
from data.outbox import OutboxEvent
from data.scope import scoped
from layers.query import json_expression
from layers.registry import BY_NAME
from layers.viewer import CASE_ROLES, CASE_ROW_ROLES, EVERYWHERE, Viewer, covers

POLL_S = 0.05
AWAY_S = 1.0
KEEP_ALIVE_S = 15
KEEP_ALIVE = b": keep-alive\n\n"
FLOOD = 50  # rows in one poll
FLOOD_PAUSE_S = 0.5
PRUNE_EVERY = 200  # polls
COALESCE_S = 1.0  # a layer that changes with every incident is announced at most so often
QUEUE_LIMIT = 2000
PIECE = 200  # frames sent at once
SUBSCRIBERS_LIMIT = 5000
REPLAY_LIMIT = 5000
EVERYONE = Viewer(roles=CASE_ROLES, map_scope=(EVERYWHERE,), case_scope=(EVERYWHERE,))
log = logging.getLogger("yiwangtu.live")

Loader = Callable[[Iterable[str]], dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class LiveEvent:
    """An event with what it tells: the whole truth, to be cut down for each viewer.

    Attributes
    ----------
    name
        Of the layer; "" for what is no layer's event.
    path
        Where the incident or job is now, as an area path.
    reported_by
        Account that reported the incident.
    """

    seq: int
    kind: str
    name: str
    body: dict[str, Any]
    path: str | None = None
    reported_by: int | None = None


@dataclass(eq=False)
class Subscription:
    """One open stream."""

    viewer: Viewer
    after: int
    frames: list[bytes] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, frame: bytes) -> None:
        """Queue a frame; end a stream that does not keep up."""
        if len(self.frames) >= QUEUE_LIMIT:
            self.end()
        else:
            self.frames.append(frame)
            self.wake.set()

    def end(self) -> None:
        """End the stream; what is still queued is not sent, a client that returns gets it."""
        self.ended.set()

    def take(self) -> bytes:
        """Take what is queued, a bounded piece at a time."""
        taken, self.frames = b"".join(self.frames[:PIECE]), self.frames[PIECE:]
        if not self.frames:
            self.wake.clear()
        return taken


class LiveHub:
    """The one reader of the outbox in this process, and its subscribers.

    Parameters
    ----------
    engine
        Of the app's role.
    load_incidents, load_jobs, load_whistles
        Give the full GeoJSON feature, job or whistle of each id that still exists.
    on_revisions
        Told each layer's new revision as soon as it is known.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        load_incidents: Loader,
        load_jobs: Loader,
        load_whistles: Loader,
        on_revisions: Callable[[dict[str, int]], None],
    ) -> None:
        self._engine = engine
        self._loaders = {"incident": load_incidents, "job": load_jobs, "whistle": load_whistles}
        self._on_revisions = on_revisions
        self._subscribers: dict[Viewer, set[Subscription]] = {}
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._seq = 0
        self._delivered = 0
        self._changed: dict[str, int] = {}
        self._is_reading = False

    def start(self) -> None:
        """Start reading; call it on the event loop that serves."""
        self._loop = asyncio.get_running_loop()
        self._seq = self._delivered = outbox.newest(self._engine)
        self._on_revisions(outbox.revisions(self._engine))
        self._is_reading = True
        self._thread = threading.Thread(target=self._read_on, name="live", daemon=True)
        self._thread.start()
        self._loop.call_later(KEEP_ALIVE_S, self._keep_alive)

    def _keep_alive(self) -> None:
        """Show every stream that it lives; one timer for all of them."""
        for group in self._subscribers.values():
            for subscription in group:
                subscription.push(KEEP_ALIVE)
        if self._loop is not None and not self._stop.is_set():
            self._loop.call_later(KEEP_ALIVE_S, self._keep_alive)

    def close(self) -> None:
        """End every stream and the reader; call it on the event loop."""
        self._stop.set()
        self._end_all()

    def _end_all(self) -> None:
        """End every stream."""
        for group in self._subscribers.values():
            for subscription in group:
                subscription.end()

    def join(self) -> None:
        """Wait for the reader to end."""
        self._stop.set()
        if self._thread:
            self._thread.join(10)

    @property
    def is_healthy(self) -> bool:
        """Whether the outbox is being read."""
        return self._is_reading and self._thread is not None and self._thread.is_alive()

    @property
    def subscriber_count(self) -> int:
        """Open streams."""
        return sum(len(group) for group in self._subscribers.values())

    def subscribe(self, viewer: Viewer) -> Subscription:
        """Open a stream that gets everything after this moment.

        Raises
        ------
        UnavailableError
            If there are as many streams as one process can feed.
        """
        if self.subscriber_count >= SUBSCRIBERS_LIMIT:
            raise UnavailableError(f"{SUBSCRIBERS_LIMIT} live streams are open, the most of one server")
        subscription = Subscription(viewer, self._delivered)
        if self._stop.is_set():
            subscription.end()
        self._subscribers.setdefault(viewer, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a stream."""
        group = self._subscribers.get(subscription.viewer)
        if group is not None:
            group.discard(subscription)
            if not group:
                del self._subscribers[subscription.viewer]

    def replay(self, viewer: Viewer, *, after: int, until: int) -> bytes:
        """Write the events a returning client missed; a `reset` where they are no longer all kept."""
        oldest = outbox.oldest(self._engine)
        events = outbox.read(self._engine, after=after, batch=REPLAY_LIMIT + 1) if after < until else []
        events = [event for event in events if event.seq <= until]
        if after > until or (oldest and after < oldest - 1) or len(events) > REPLAY_LIMIT:
            return _frame("reset", until, {"reason": "events after that id are no longer all kept; load afresh"})
        frames = [render(event, viewer) for event in self._complete(events)]
        # the announcements that a connected client gets once in a while, see `_announce_later`
        known = outbox.revisions(self._engine)
        frames += [
            render(_layer_event(until, name, known[name]), viewer)
            for name in outbox.LAYERS_OF_INCIDENTS if known.get(name, 0) > after
        ]  # fmt: skip
        return b"".join(frame for frame in frames if frame)

    def _read_on(self) -> None:
        """Read until told to stop; a database that goes away is waited for."""
        polls, pause_s = 0, POLL_S
        while not self._stop.wait(pause_s):
            try:
                began = time.monotonic()
                count = outbox.publish(self._engine)
                self._read_once()
                polls += 1
                if polls % PRUNE_EVERY == 0:
                    outbox.prune(self._engine)
                self._is_reading = True
                # in a flood of rows, such as a load through the API, leave the database to the writers most of the time
                pause_s = POLL_S if count < FLOOD else min(4 * (time.monotonic() - began), FLOOD_PAUSE_S)
            except SQLAlchemyError as error:
                if self._is_reading:
                    log.warning("the outbox cannot be read: %s", error)
                self._is_reading = False
                pause_s = AWAY_S

    def _read_once(self) -> None:
        """Hand what is new to the loop."""
        if not self._subscribers:  # nobody listens: nothing to read but how far things are
            newest = outbox.newest(self._engine)
            if newest > self._seq:
                self._on_revisions(outbox.revisions(self._engine))
                self._seq = newest
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._deliver, None, newest)
            return
        events = outbox.read(self._engine, after=self._seq)
        if not events:
            return
        self._on_revisions(outbox.revisions(self._engine))
        complete = self._complete(events)
        self._seq = events[-1].seq
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, complete, events[-1].seq)

    def _complete(self, events: Sequence[OutboxEvent]) -> list[LiveEvent]:
        """Load what the events are about; what is gone by now is left out."""
        bodies: dict[str, dict[str, dict[str, Any]]] = {}
        for kind, load in self._loaders.items():
            keys = {event.key for event in events if event.kind == kind and event.key}
            bodies[kind] = load(keys) if keys else {}
        complete = []
        for event in events:
            if event.kind == "layer":
                complete.append(_layer_event(event.seq, event.layer or "", event.seq))
                continue
            body = bodies.get(event.kind, {}).get(event.key or "")
            if body is not None and event.kind == "incident":
                place = {"path": body["path"], "reported_by": body["reported_by"]}
                complete.append(LiveEvent(event.seq, event.kind, "", body["feature"], **place))
            elif body is not None:
                complete.append(LiveEvent(event.seq, event.kind, "", body, event.path))
        return complete

    def _deliver(self, events: list[LiveEvent] | None, seq: int) -> None:
        """Queue frames for all who may see them (on the event loop)."""
        if events is None:
            self._end_all()  # who came in the very moment comes back with the number of its opening, and gets all
        for event in events or ():
            self._queue(event)
            if event.kind == "incident":
                self._announce_later(event.seq)
        self._delivered = seq

    def _announce_later(self, seq: int) -> None:
        """Announce the layers that incidents change, at most once in a while."""
        if not self._changed and self._loop is not None:
            self._loop.call_later(COALESCE_S, self._announce)
        for name in outbox.LAYERS_OF_INCIDENTS:
            self._changed[name] = seq

    def _announce(self) -> None:
        """Queue the announcements that were held back."""
        changed, self._changed = self._changed, {}
        for name, revision in changed.items():
            self._queue(_layer_event(self._delivered, name, revision))

    def _queue(self, event: LiveEvent) -> None:
        """Queue one event, its frame written once for each distinct viewer."""
        for viewer, group in self._subscribers.items():
            frame = render(event, viewer)
            if frame:
                for subscription in group:
                    subscription.push(frame)


def load_incidents(engine: Engine, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give the whole features of incidents by id, with path and reporter, past every scope: `render` cuts them down."""
    layer = BY_NAME["incident"]
    columns = ", ".join(f'{json_expression(one, one.expression)} AS "{one.name}"' for one in layer.fields)
    feature = (
        "jsonb_build_object('type', 'Feature', 'id', t.code, 'geometry', ST_AsGeoJSON(t.geom, 7)::jsonb, "
        "'properties', to_jsonb(p))"
    )
    sql = (
        f"SELECT t.id::text AS id, t.path::text AS path, t.reported_by, {feature} AS feature "
        f"FROM incident t CROSS JOIN LATERAL (SELECT {columns}) p WHERE t.id = ANY (CAST(:ids AS uuid[]))"
    )
    with scoped(engine, EVERYONE) as connection:
        return {row.id: dict(row._mapping) for row in connection.execute(text(sql), {"ids": sorted(ids)})}


def render(event: LiveEvent, viewer: Viewer) -> bytes | None:
    """Write an event as this viewer may see it, or None when not at all.

    It says in memory what row-level security says in the database; a test asks both.
    """
    if event.kind == "layer":
        layer = BY_NAME.get(event.name)
        return _frame("layer", event.seq, event.body) if layer and viewer.sees(layer) else None
    if event.kind == "job":
        may = "planner" in viewer.roles and covers(viewer.map_scope, event.path)
        return _frame("job", event.seq, event.body) if may else None
    if event.kind == "whistle":
        return _frame("whistle", event.seq, event.body["told"]) if hears(viewer, event.body) else None
    properties = event.body["properties"]
    is_own_case = covers(viewer.case_scope, event.path) or (
        viewer.account_id is not None and viewer.account_id == event.reported_by
    )
    is_departments = properties.get("department") in viewer.departments and covers(viewer.map_scope, event.path)
    if not viewer.roles & CASE_ROW_ROLES or not (is_own_case or is_departments):
        return None
    shown = {one.name for one in viewer.fields(BY_NAME["incident"])}
    body = {**event.body, "properties": {name: value for name, value in properties.items() if name in shown}}
    return _frame("incident", event.seq, body)


def _layer_event(seq: int, name: str, revision: int) -> LiveEvent:
    """Make the event that says a layer has a new revision."""
    return LiveEvent(seq, "layer", name, {"layer": name, "revision": revision})


def _frame(kind: str, seq: int, body: dict[str, Any]) -> bytes:
    """Write one server-sent event."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (kind.encode(), seq, orjson.dumps(body))
