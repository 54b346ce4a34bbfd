"""The executor of rebalancing: processes that may die, of this machine or of a scheduler's."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import dask
import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from distributed import Client, Event, LocalCluster, Queue, Variable

from data.commands import rebalance as rebalance_command
from data.errors import DataError
from data.parallel import StoppedError, open_executor
from geo.rebalance import rebalance

COMMUNITIES, AT_ONCE = 9, 3
JOB = {"households": "households", "within": "community", "mode": "redraw", "seed": 5}


@pytest.fixture(scope="module")
def town():
    """Nine communities of 8 x 6 lots, 20 to 60 households each: about 1,900, 3 or 4 grids."""
    rng = np.random.default_rng(11)
    rows = [
        {
            "community": f"C{place}",
            "households": int(rng.integers(20, 60)),
            "geometry": shapely.box(400 * place + 25 * x, 25 * y, 400 * place + 25 * x + 25, 25 * y + 25),
        }
        for place in range(COMMUNITIES) for x in range(8) for y in range(6)
    ]  # fmt: skip
    return gpd.GeoDataFrame(rows, crs=4547)


@pytest.fixture(scope="module")
def plan(town):
    """The plan without any worker."""
    return rebalance(town, **JOB)


@pytest.fixture
def scheduler():
    """A scheduler without workers, as an operator would run it; gives its address."""
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def workers(scheduler):
    """Two `dask worker` processes of that scheduler that nobody starts anew."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--no-nanny", "--nthreads", "1"]
    started = [
        subprocess.Popen([*command, "--no-dashboard"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        for _ in range(2)
    ]  # fmt: skip
    with Client(scheduler) as client:
        client.wait_for_workers(2, timeout=60)
    yield started
    for one in started:
        one.kill()
        one.wait()


def pausing(fn, place, task):
    """Do the first tasks at once; say who has a later one in hand, and wait for leave to go on."""
    Queue("begun").put(place)
    if place >= AT_ONCE:
        Variable("holder").set(os.getpid())
        Event("in hand").set()
        Event("go on").wait()
    return fn(task)


class Pausing(Executor):
    """An executor whose workers pause in the middle of the work."""

    def __init__(self, inner):
        self.inner = inner

    def map(self, fn, tasks):
        return self.inner.map(pausing, [fn] * len(tasks), list(range(len(tasks))), tasks)


def kill_one(client, killed):
    """Kill the worker that has a task in hand, then let the others go on."""
    Event("in hand", client=client).wait()
    killed.append(Variable("holder", client=client).get())
    os.kill(killed[0], signal.SIGKILL)
    Event("go on", client=client).set()


def rebalance_with_a_death(town, executor):
    """Rebalance while a worker is killed that is in the middle of a community; gives plan, pid and progress."""
    killed, seen, begun = [], [], Queue("begun", client=Client.current())
    killer = threading.Thread(target=kill_one, args=(Client.current(), killed))
    killer.start()
    found = rebalance(town, executor=Pausing(executor), progress=lambda done, total, name: seen.append(name), **JOB)
    killer.join()
    places = begun.get(batch=True)
    assert set(places) == set(range(COMMUNITIES))
    assert len(places) > COMMUNITIES, "nothing was done again"
    return found, killed, seen


def test_one_worker_needs_no_executor():
    with open_executor(1) as executor:
        assert executor is None


def test_a_scheduler_that_cannot_be_reached_is_named():
    with pytest.raises(DataError, match="nonsense://nowhere"), open_executor(1, "nonsense://nowhere"):
        pass


def test_a_scheduler_without_workers_is_named(scheduler, monkeypatch):
    monkeypatch.setattr("data.parallel.WORKERS_WITHIN_S", 0.5)
    with pytest.raises(DataError, match=f"{scheduler} has no workers"), open_executor(1, scheduler):
        pass


def test_results_come_in_order():
    with open_executor(2) as executor:
        assert list(executor.map(abs, range(-9, 0))) == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_a_stop_ends_the_wait_and_the_workers_end_too():
    stop: Future[None] = Future()
    with open_executor(2, stop=stop) as executor:
        pids = Client.current().run(os.getpid).values()
        results = executor.map(time.sleep, [0, 3600, 3600])
        assert next(results) is None
        threading.Timer(0.2, stop.set_result, [None]).start()
        with pytest.raises(StoppedError):
            next(results)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_worker_of_this_machine_that_is_killed_costs_no_plan(town, plan):
    with open_executor(3) as executor:
        assert rebalance(town, executor=executor, **JOB) == plan
        found, (killed,), seen = rebalance_with_a_death(town, executor)
        assert killed not in Client.current().run(os.getpid).values()
    assert found == plan
    assert seen == [f"C{place}" for place in range(COMMUNITIES)]


def test_a_schedulers_worker_that_is_killed_costs_no_plan(town, plan, scheduler, workers):
    """Nobody replaces it: the other one does the rest, and again what was lost."""
    with open_executor(1, scheduler) as executor:
        found, (killed,), seen = rebalance_with_a_death(town, executor)
    assert found == plan
    assert len(seen) == COMMUNITIES
    (dead,) = (one for one in workers if one.pid == killed)
    assert dead.wait() == -signal.SIGKILL


def test_work_that_kills_every_worker_is_given_up():
    few = dask.config.set({"distributed.scheduler.allowed-failures": 1})  # each failure is a new process
    with few, pytest.raises(DataError, match="most likely out of memory"), open_executor(2) as executor:
        list(executor.map(os._exit, [3]))


def test_the_command_takes_a_scheduler(tmp_path, town):
    town.to_file(tmp_path / "town.gpkg")
    arguments = ["--households", "households", "--scheduler", "nonsense://nowhere", "-o", str(tmp_path / "out.gpkg")]
    result = CliRunner().invoke(rebalance_command.command, [str(tmp_path / "town.gpkg"), *arguments])
    assert "nonsense://nowhere" in str(result.exception)
    assert not (tmp_path / "out.gpkg").exists()
