"""The courier: takes what waits for other systems out of the queue and sends it, signed, until it is taken."""

import contextlib
import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.services.sessions import utc_now
from data.integrations import webhooks
from data.integrations.signature import headers
from data.integrations.webhooks import COURIER, Delivery
from data.scope import scoped

INTERVAL_S = 1.0
TIMEOUT_S = 10.0
MOST_IN_A_TURN = 500
HURRIED = 429
log = logging.getLogger("yiwangtu.webhooks")


class Courier:
    """Sends what waits, at least once and in order for each hand-over; any number of servers may do so.

    Parameters
    ----------
    engine
        Of the app's role.
    clock
        Tells the time.
    timeout_s
        The longest that one try may take.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime] = utc_now, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._engine, self._clock, self._timeout_s = engine, clock, timeout_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._made: http.client.HTTPConnection | None = None

    def start(self) -> None:
        """Start sending."""
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a try that is under way is cut off, and made again by the next server."""
        self._stop.set()
        _cut(self._made)
        if self._thread is not None:
            self._thread.join()

    def turn(self) -> int:
        """Send what is due; tells how many events were taken."""
        taken = 0
        for _ in range(MOST_IN_A_TURN):
            if self._stop.is_set():
                break
            with scoped(self._engine, COURIER) as connection:
                sent = webhooks.claim(connection, self._clock())
            if sent is None:
                break
            taken += self._send(sent)
        with scoped(self._engine, COURIER) as connection:
            webhooks.forget_old(connection, self._clock())
        return taken

    def _send(self, sent: Delivery) -> bool:
        """Try to tell one event, and write down what came of it."""
        try:
            status = self._post(sent)
            error = None if 200 <= status < 300 else f"the answer was {status}"
            is_away = status >= 500 or status == HURRIED
        except (OSError, http.client.HTTPException) as failure:
            error, is_away = f"no answer: {type(failure).__name__}", True
        now = self._clock()
        with scoped(self._engine, COURIER) as connection:
            if error is None:
                webhooks.succeed(connection, sent, now)
            else:
                webhooks.fail(connection, sent, error, now, is_away=is_away)
        if error is not None:
            log.warning("event %s was not taken: %s", sent.id, error)
        return error is None

    def _post(self, sent: Delivery) -> int:
        """Send one event; gives the status. Redirections are not followed, and nothing is read of the answer."""
        parts = urlsplit(sent.url)
        made: http.client.HTTPConnection
        if parts.scheme == "https":
            made = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
        else:
            made = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self._timeout_s)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._made = made
        # the timeout bounds one wait; whoever answers a byte at a time is cut off by the clock
        limit = threading.Timer(self._timeout_s, _cut, (made,))
        limit.daemon = True
        limit.start()
        try:
            signed = headers(sent.secret, str(sent.id), int(self._clock().timestamp()), sent.body)
            made.request("POST", target, sent.body.encode(), signed)
            with made.getresponse() as answer:
                return answer.status
        finally:
            limit.cancel()
            made.close()

    def _run(self) -> None:
        """Send until told to stop."""
        while not self._stop.is_set():
            try:
                self.turn()
            except SQLAlchemyError as error:
                log.warning("webhooks wait for the database: %s", type(error).__name__)
            self._stop.wait(INTERVAL_S)


def _cut(made: http.client.HTTPConnection | None) -> None:
    """Cut a connection off."""
    if made is not None and made.sock is not None:
        with contextlib.suppress(OSError):
            made.sock.shutdown(socket.SHUT_RDWR)
