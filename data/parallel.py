"""Dask as an executor: a local cluster of processes, or a named scheduler where one machine is too small."""

import logging
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import Any

from data.errors import DataError

REACHED_WITHIN_S = 10
WORKERS_WITHIN_S = 10


class StoppedError(Exception):
    """The work was not waited for to its end, because it was to stop."""


@contextmanager
def open_executor(workers: int, scheduler: str = "", *, stop: Future[None] | None = None) -> Iterator[Executor | None]:
    """Open an executor with that many worker processes; None for one worker without a named scheduler.

    Parameters
    ----------
    workers
        Processes of the local cluster; a named scheduler has its own.
    scheduler
        Address of a dask.distributed scheduler, such as `tcp://10.0.0.5:8786`; empty is a local cluster.
    stop
        As soon as it is done, results of `map` are not waited for any more.

    Raises
    ------
    StoppedError
        If `stop` was done before the results were there.
    DataError
        If the named scheduler cannot be reached or has no workers, or the workers are lost for good. One that dies
        costs time only: what it did and was doing is done again by the others.
    """
    if workers <= 1 and not scheduler:
        yield None
        return
    from distributed import Client, LocalCluster  # costs a second, so only where it is used
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    with ExitStack() as stack:
        if scheduler:
            try:
                client = stack.enter_context(Client(scheduler, timeout=REACHED_WITHIN_S))  # type: ignore[no-untyped-call]
            except (OSError, ValueError) as exc:
                raise DataError(f"the dask scheduler {scheduler} (YIWANGTU_DASK_SCHEDULER) cannot be reached") from exc
            try:
                client.wait_for_workers(1, timeout=WORKERS_WITHIN_S)
            except TimeoutError as exc:
                raise DataError(
                    f"the dask scheduler {scheduler} has no workers; start some with: dask worker {scheduler}"
                ) from exc
        else:
            with _deaf_to_ctrl_c():
                cluster = LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1",
                    silence_logs=logging.CRITICAL,
                )  # fmt: skip
            stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster))  # type: ignore[no-untyped-call]
        try:
            yield _Stoppable(client.get_executor(pure=False), stop or Future())
        except BaseException as exc:
            traceback.clear_frames(exc.__traceback__)  # whose results would be cancelled when their client is gone
            if isinstance(exc, KilledWorker):
                raise DataError(
                    "the work was given up: the same part of it ended several workers, most likely out of memory"
                ) from None
            if isinstance(exc, FutureCancelledError | CancelledError):
                raise DataError("the work was given up: the dask scheduler is gone") from None
            raise


class _Stoppable(Executor):
    """An executor whose results are waited for until there is a stop."""

    def __init__(self, executor: Executor, stop: Future[None]) -> None:
        self._executor, self._stop = executor, stop

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand work on."""
        return self._executor.submit(fn, *args, **kwargs)

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **_: Any) -> Iterator[Any]:
        """Hand work on now and give its results in order."""
        futures = deque([self.submit(fn, *arguments) for arguments in zip(*iterables, strict=False)])

        def results() -> Iterator[Any]:
            while futures:
                wait((futures[0], self._stop), return_when=FIRST_COMPLETED)
                if self._stop.done():
                    raise StoppedError
                yield futures.popleft().result()

        return results()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes made meanwhile not hear Ctrl-C: this one answers it and ends them; they would print tracebacks."""
    resource_tracker.ensure_running()  # whoever starts it hears Ctrl-C again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
