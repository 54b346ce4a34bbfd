"""One case of the rebalancing benchmark in a process of its own, so that its memory and its time limit are its own.

    python -m tests.benchmarks.rebalance_case ours ANSWER.json ARGUMENT …     the command line's `rebalance`
    python -m tests.benchmarks.rebalance_case peer ANSWER.json NAME FACTS.npz GRID.npy free|whole FLOOR CEILING

ANSWER gets what the command printed, or the peer's seconds, and the most memory that the process held and its CPU
seconds in all, imports, reading and writing among them.
"""

import contextlib
import io
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any


def ours(arguments: list[str]) -> dict[str, Any]:
    """Run the command as a user does."""
    from data.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(["rebalance", *arguments, "--json"])
    if code:
        sys.exit(json.loads(said.getvalue())["error"])
    return dict(json.loads(said.getvalue()))


def peer(name: str, facts: str, grid: str, compounds: str, floor: str, ceiling: str) -> dict[str, Any]:
    """Let a peer cut a graph that is ready for it."""
    import numpy as np

    from tests.benchmarks.plan_check import Facts
    from tests.benchmarks.rebalance_peers import cut, load

    load(name)
    read = Facts.load(Path(facts))
    started = time.perf_counter()
    found = cut(read, name, whole=compounds == "whole", floor=float(floor), ceiling=float(ceiling))
    seconds = time.perf_counter() - started
    np.save(grid, found)
    return {"seconds": seconds}


def peak_mb() -> float:
    """The most memory this process has held (VmHWM: a child does not inherit its parent's)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    warnings.simplefilter("ignore")  # the peers' own
    kind, answer, *arguments = sys.argv[1:]
    found = ours(arguments) if kind == "ours" else peer(*arguments)
    Path(answer).write_text(json.dumps(found | {"peak_mb": peak_mb(), "cpu_s": time.process_time()}), "utf-8")


if __name__ == "__main__":
    main()
