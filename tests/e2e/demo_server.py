"""The demo as a process of its own, which a test may kill and start again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from data.settings import PROJECT

START_LIMIT_S = 300


class DemoServer:
    """`yiwangtu demo` on a free port with a data directory of its own.

    Attributes
    ----------
    url
        Address of the running demo.
    directory
        Its data directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = directory / "demo.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on the same port and data each time, and wait for its own word that it is ready."""
        environment = {**os.environ, "YIWANGTU_DATA_DIR": str(self.directory), "YIWANGTU_PORT": str(self._port)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "data.cli", "demo"], cwd=PROJECT, env=environment, stdout=log, stderr=log
            )
        for _ in range(START_LIMIT_S * 2):
            try:
                self._process.wait(0.5)
            except subprocess.TimeoutExpired:
                pass
            else:
                pytest.fail(f"the demo ended while starting: {self._last_words()}")
            if self._is_ready():
                return
        pytest.fail(f"the demo was not ready within {START_LIMIT_S} s: {self._last_words()}")

    def kill(self) -> None:
        """End the app as a power cut would: no word to anybody, no file closed."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ensure_running(self) -> None:
        """Start it again if a test left it killed."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """End it as an operator does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    def _is_ready(self) -> bool:
        """Ask whether it serves."""
        try:
            with urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _last_words(self) -> str:
        """Read the end of its log."""
        return self._log.read_text("utf-8")[-2000:]
