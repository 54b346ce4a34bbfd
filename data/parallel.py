"""Dask as an executor: a local cluster of processes, or a named scheduler where one machine is too small."""

import logging
import signal
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker

from data.errors import DataError

PATIENCE_S = 10


@contextmanager
def open_executor(workers: int, scheduler: str = "") -> Iterator[Executor | None]:
    """Open an executor with that many worker processes; None for one worker without a named scheduler.

    Parameters
    ----------
    workers
        Processes of the local cluster; a named scheduler has its own.
    scheduler
        Address of a dask.distributed scheduler, such as `tcp://10.0.0.5:8786`; empty is a local cluster.

    Raises
    ------
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
                client = stack.enter_context(Client(scheduler, timeout=PATIENCE_S))  # type: ignore[no-untyped-call]
            except (OSError, ValueError) as exc:
                raise DataError(f"the dask scheduler {scheduler} (YIWANGTU_DASK_SCHEDULER) cannot be reached") from exc
            try:
                client.wait_for_workers(1, timeout=PATIENCE_S)
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
            yield client.get_executor(pure=False)
        except BaseException as exc:
            traceback.clear_frames(exc.__traceback__)  # whose results would be cancelled when their client is gone
            if isinstance(exc, KilledWorker):
                raise DataError(
                    "the work was given up: the same part of it ended several workers, most likely out of memory"
                ) from None
            if isinstance(exc, FutureCancelledError):
                raise DataError("the work was given up: the dask scheduler is gone") from None
            raise


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes made meanwhile not hear Ctrl-C: this one answers it and ends them; they would print tracebacks."""
    resource_tracker.ensure_running()  # whoever starts it hears Ctrl-C again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
