"""Run the server in this process until a signal ends it."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import click
import uvicorn
from fastapi import FastAPI

from api.settings import Settings
from data.errors import DataError

PORTS_TO_TRY = 20
PAGES = (
    ("/screen/", "指挥大屏 command wall"),
    ("/planner/", "规划台   planner"),
    ("/worker/", "网格员   grid worker"),
    ("/public/", "居民     residents"),
)


class PortTakenError(DataError):
    """Something else listens on the port that was asked for."""


class AnnouncingServer(uvicorn.Server):
    """uvicorn that says so when it is ready, and not before."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def bind(settings: Settings) -> socket.socket:
    """Take the port; when nobody named one and it is taken (another checkout runs), take the next free one.

    Raises
    ------
    PortTakenError
        If the port was named and is taken, or none of the next ones is free.
    """
    is_named = "port" in settings.model_fields_set
    for port in range(settings.port, settings.port + (1 if is_named else PORTS_TO_TRY)):
        listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
        except OSError:
            listener.close()
        else:
            return listener
    raise PortTakenError(f"port {settings.port} on {settings.host} is taken; set YIWANGTU_PORT to a free one")


def address(settings: Settings, listener: socket.socket) -> str:
    """Write the address that the pages are found at."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if settings.is_behind_https else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def serve(app: FastAPI, settings: Settings, listener: socket.socket, *, notes: tuple[str, ...] = ()) -> None:
    """Serve until SIGINT or SIGTERM.

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
        forwarded_allow_ips="*" if settings.is_behind_https else "127.0.0.1", backlog=4096,
    )  # fmt: skip
    server = AnnouncingServer(config, announce)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


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
