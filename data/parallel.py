"""Dask as an executor: a local cluster of processes, or the scheduler that YIWANGTU_DASK_SCHEDULER names."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager

from data.errors import DataError

SCHEDULER_VARIABLE = "YIWANGTU_DASK_SCHEDULER"


@contextmanager
def open_executor(workers: int) -> Iterator[Executor | None]:
    """Open an executor with that many worker processes; None for one worker without a named scheduler.

    Raises
    ------
    DataError
        If the named scheduler cannot be reached.
    """
    address = os.environ.get(SCHEDULER_VARIABLE)
    if workers <= 1 and not address:
        yield None
        return
    from distributed import Client, LocalCluster  # costs a second, so only where it is used

    with ExitStack() as stack:
        if address:
            try:
                client = stack.enter_context(Client(address, timeout="10s"))  # type: ignore[no-untyped-call]
            except (OSError, ValueError) as exc:
                raise DataError(f"the dask scheduler {address} ({SCHEDULER_VARIABLE}) cannot be reached") from exc
        else:
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
            )
            stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster))  # type: ignore[no-untyped-call]
        yield client.get_executor(pure=False)
