"""Kernels in machine code: loops over arrays that run beside each other in threads."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar, cast

import numba
import numpy as np

Kernel = TypeVar("Kernel", bound=Callable[..., object])
Result = TypeVar("Result")


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel to machine code that runs without the interpreter lock, kept on disk for the next process."""
    return cast(Kernel, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def in_threads(work: Callable[[int, int], Result], count: int, *, least: int = 4096) -> Iterator[Result]:
    """Call `work(first, stop)` on stretches of `range(count)`, a thread a core, and give the results in order.

    A stretch has `least` items or more. Numba's own threads are not used: they may not be started from two threads.
    """
    cores = os.cpu_count() or 1
    stretches = max(1, min(4 * cores, count // least))
    bounds = np.linspace(0, count, stretches + 1).astype(int).tolist()
    if stretches == 1:
        yield work(0, count)
        return
    with ThreadPoolExecutor(cores) as pool:
        yield from pool.map(lambda ends: work(*ends), pairwise(bounds))
