"""`yiwangtu up` as a process: ready, serving, and ended by Ctrl-C or killed."""

import contextlib
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from api.server import ListenError, bind
from api.settings import Settings
from data import cluster
from tests.api.processes import ask, is_running, offspring

STOP_LIMIT_S = 60  # a process that does not end fails here; how soon it ends is not asserted


def workers(pid: int) -> set[int]:
    """The processes below one that dask has made."""
    found = set()
    for child in offspring(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
    return found


@pytest.fixture
def free_port() -> int:
    """Some port that is free now, and so are the next ones, as a rule."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def open_stream(port: int) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port), timeout=60)
    stream.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert stream.recv(12) == b"HTTP/1.1 200"
    return stream


DISTRICT = """
INSERT INTO grid_scheme (code, name, floor, ceiling, target, code_template, source)
  SELECT 'drawn', '400-800', 400, 800, 600, '', 'drawn' WHERE NOT EXISTS (SELECT 1 FROM grid_scheme);
INSERT INTO area (level, code, name, source, geom, path)
  VALUES ('district', 'D', '区', 'drawn', ST_Multi(ST_MakeEnvelope(115, 30, 115.1, 30.05, 4326)), 'D');
INSERT INTO area (level, code, name, parent_id, source, geom, path)
  SELECT 'community', 'C' || n, '社区' || n, d.id, 'drawn',
         ST_Multi(ST_MakeEnvelope(115 + 0.05 * (n - 1), 30, 115 + 0.05 * n, 30.05, 4326)), d.path || ('C' || n)
  FROM area d, generate_series(1, 2) n WHERE d.code = 'D';
INSERT INTO unit (code, area_id, households, geom, path)
  SELECT a.code || '-' || i || '-' || j, a.id, 40,
         ST_MakeEnvelope(x + 0.002 * i, 30 + 0.002 * j, x + 0.002 * i + 0.001, 30 + 0.002 * j + 0.001, 4326), a.path
  FROM (SELECT *, ST_XMin(geom) AS x FROM area WHERE level = 'community') a, generate_series(0, 24) i,
       generate_series(0, 24) j;
INSERT INTO job (kind, area_code, path, parameters)
  SELECT 'rebalance', code, path, '{"mode": "redraw"}' FROM area WHERE code = 'D';
"""


def test_it_serves_and_ctrl_c_ends_everything(directory, start, free_port, until) -> None:
    """With an open stream and a job whose communities are being solved on two dask processes."""
    up = start(directory, YIWANGTU_PORT=str(free_port)).wait_until_ready()
    assert up.port == free_port
    assert httpx.get(f"{up.base}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{up.base}/readyz").status_code == 200
    ask(directory, DISTRICT)
    stream = open_stream(up.port)
    until(lambda: len(workers(up.process.pid)) >= 2, within_s=120)
    family = offspring(up.process.pid)
    os.killpg(up.process.pid, signal.SIGINT)
    up.process.wait(STOP_LIMIT_S)
    said = up.end()
    assert "Traceback" not in said, said
    assert up.process.returncode == 0, said
    until(lambda: not any(map(is_running, family)))
    assert not cluster.locate(directory).pid_file.exists()
    while stream.recv(4096):
        pass
    stream.close()
    again = start(directory).wait_until_ready()
    until(lambda: ask(directory, "SELECT status FROM job") == [("succeeded",)], within_s=120)
    again.process.send_signal(signal.SIGTERM)
    again.process.wait(STOP_LIMIT_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ending_signals_are_as_good(directory, start, number) -> None:
    up = start(directory).wait_until_ready()
    stream = open_stream(up.port)
    up.process.send_signal(number)
    up.process.wait(STOP_LIMIT_S)
    stream.close()
    assert "Traceback" not in up.end()
    assert not cluster.locate(directory).pid_file.exists()


def test_killed_it_starts_again_with_what_was_committed(directory, start, until) -> None:
    up = start(directory).wait_until_ready()
    ask(directory, "INSERT INTO category (code, name) VALUES ('kept', '留')")
    family = offspring(up.process.pid)
    up.process.kill()
    again = start(directory).wait_until_ready()
    assert not any(map(is_running, family))
    assert ask(directory, "SELECT name FROM category WHERE code = 'kept'") == [("留",)]
    assert ask(directory, "SELECT code, version FROM rulebook") == [("builtin", 1)]  # brought once by two starts
    os.kill(int(cluster.locate(directory).pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    until(lambda: httpx.get(f"{again.base}/readyz").status_code == 503)
    assert httpx.get(f"{again.base}/healthz").status_code == 200
    again.process.send_signal(signal.SIGINT)
    again.process.wait(STOP_LIMIT_S)
    third = start(directory).wait_until_ready()
    assert httpx.get(f"{third.base}/readyz").status_code == 200
    third.process.send_signal(signal.SIGINT)
    third.process.wait(STOP_LIMIT_S)


def test_a_named_port_that_is_taken_is_named(directory, start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        up = start(directory, YIWANGTU_PORT=str(port))
        assert up.end() == f"yiwangtu: port {port} on 127.0.0.1 is taken; set YIWANGTU_PORT to a free one\n"
        assert up.process.returncode == 1
    assert not (directory / "pg").exists()


def test_without_a_name_the_next_free_port_is_taken() -> None:
    """Also before the one who took it first answers: the port is theirs from the moment they have it."""
    settings = Settings(_env_file=None)
    with bind(settings) as first, bind(settings) as second:
        ports = [one.getsockname()[1] for one in (first, second)]
    assert 8000 <= ports[0] < ports[1] < 8020
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1, port 8000: "):
        bind(Settings(host="192.0.2.1", port=8000, _env_file=None))
