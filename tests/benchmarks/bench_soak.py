"""A wall for a day, shortened: does its memory, or the server's, grow with what comes?

`python -m tests.benchmarks.bench_soak [--minutes 5] [--rate 10]` prints a table. A server of its own, a real browser
whose wall rotates through areas every 2 seconds, and as many reports as an installation has in a day (24 hours at 2 a
minute are 2,880; 5 minutes at 10 a second are 3,000). Heap, nodes and listeners of the page are read after its rubbish
was collected, the server's memory from the kernel, at six moments; the first is after a warm-up of four minutes, by
when the lists of all seven areas are as long as they get (500 open incidents each).
"""

import argparse
import itertools
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.bench_live import Wall, has_wall, report_one, served, sign_in

MOMENTS = 6


def resident_mb(pid: int) -> float:
    """Memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1e3
    raise RuntimeError(f"process {pid} has no memory")


def page_weight(wall: Wall) -> tuple[float, int, int]:
    """Heap in MB, nodes and listeners of the page after its rubbish was collected."""
    session = wall.page.context.new_cdp_session(wall.page)
    session.send("Performance.enable")
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    metrics: dict[str, Any] = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"]), int(metrics["JSEventListeners"])


def soak(port: int, pid: int, arguments: argparse.Namespace) -> None:
    """Report at the rate while the wall rotates, and print what everything weighs from time to time."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wall = Wall(port, sign_in(client), "?dwell=2&depth=3&rotate=1")
        stop, count, rng = threading.Event(), itertools.count(), random.Random(1)

        def report_on() -> None:
            start = time.monotonic()
            for n in itertools.count():
                if stop.wait(max(0.0, start + n / arguments.rate - time.monotonic())):
                    return
                report_one(client, rng)
                next(count)

        reporter = threading.Thread(target=report_on)
        reporter.start()
        print("| minute | page heap MB | nodes | listeners | server MB |\n| --: | --: | --: | --: | --: |")
        try:
            pause_s = arguments.minutes * 60 / (MOMENTS - 1)
            for moment in range(MOMENTS):
                wall.page.wait_for_timeout(arguments.warm_up_s * 1000 if moment == 0 else pause_s * 1000)
                heap, nodes, listeners = page_weight(wall)
                minute = (arguments.warm_up_s + moment * pause_s) / 60
                print(f"| {minute:.1f} | {heap:.1f} | {nodes:,} | {listeners:,} | {resident_mb(pid):.0f} |", flush=True)
        finally:
            stop.set()
            reporter.join()
            wall.close()
        print(f"\n{next(count):,} incidents came")


def main() -> int:
    """Serve, soak, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=10, help="reports a second")
    parser.add_argument("--warm-up-s", type=float, default=240)
    arguments = parser.parse_args()
    if not has_wall():
        print("not measured: chromium is not installed (`make test` installs it), or the pages are not built")
        return 0
    with served() as (port, pid):
        soak(port, pid, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
