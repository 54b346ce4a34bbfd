"""Run the server in this process until a signal ends it."""

import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator

import click
import uvicorn
from fastapi import FastAPI

from api.settings import Settings
from data.errors import DataError

PORTS_TO_TRY = 20
BACKLOG = 4096
PAGES = (
    ("/screen/", "指挥大屏 command wall"),
    ("/planner/", "规划台   planner"),
    ("/worker/", "网格员   grid worker"),
    ("/desk/", "办理台   case desk"),
    ("/public/", "居民     residents"),
)


class ListenError(DataError):
    """The server cannot listen where it was told to."""


class AnnouncingServer(uvicorn.Server):
    """uvicorn that says when it is ready and when it is about to stop.

    Parameters
    ----------
    on_ready
        Called when requests are served.
    on_stop
        Called before open connections are waited for: it ends the streams, which would never end by themselves.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready, self._on_stop = on_ready, on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then wait for what is still being answered."""
        self._on_stop()
        await super().shutdown(sockets)


def bind(settings: Settings) -> socket.socket:
    """Take the port; when nobody named one and it is taken (another checkout runs), take the next free one.

    Raises
    ------
    ListenError
        If the port was named and is taken, none of the next ones is free, or the address is not this machine's.
    """
    is_named = "port" in settings.model_fields_set
    for port in range(settings.port, min(65536, settings.port + (1 if is_named else PORTS_TO_TRY))):
        listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
            listener.listen(BACKLOG)  # from now on the port is ours: two that start together do not both get it
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise ListenError(f"cannot listen on {settings.host}, port {port}: {error.strerror}") from error
        else:
            return listener
    raise ListenError(f"port {settings.port} on {settings.host} is taken; set YIWANGTU_PORT to a free one")


def address(settings: Settings, listener: socket.socket) -> str:
    """Write the address that the pages are found at."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if settings.is_behind_https else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def serve(app: FastAPI, settings: Settings, listener: socket.socket, *, notes: tuple[str, ...] = ()) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    Parameters
    ----------
    app
        The application.
    settings
        Its settings.
    listener
        A bound socket.
    notes
        Lines to print below the addresses once it is ready.

    Raises
    ------
    ListenError
        If the server could not start.
    """
    base = address(settings, listener)

    def announce() -> None:
        click.echo("\n一网图 Yiwangtu is ready 已就绪 (Ctrl-C 停止 stops everything)\n")
        for path, title in PAGES:
            click.echo(f"  {title:<22} {base}{path}")
        for note in notes:
            click.echo(f"  {note}")
        click.echo("")

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, loop="uvloop", http="httptools",
        timeout_graceful_shutdown=2, timeout_keep_alive=30, proxy_headers=settings.is_behind_https,
        forwarded_allow_ips="*" if settings.is_behind_https else "127.0.0.1", backlog=BACKLOG,
    )  # fmt: skip
    server = AnnouncingServer(config, announce, app.state.context.live.close)
    previous = signal.signal(signal.SIGHUP, server.handle_exit)  # uvicorn itself looks after SIGINT and SIGTERM
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        signal.signal(signal.SIGHUP, previous)
    if not server.started:
        raise ListenError("the server could not start; the lines above say why")


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into the same orderly end as Ctrl-C, also before the server listens."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
