"""Run every benchmark of this folder, one after another, and gather the tables in `var/bench.md`.

`python -m tests.benchmarks [NAME …]` runs all, or those named (such as `live insert`). Each is a process of its own
whose standard output is its table; one that fails is told of, the others still run, and the exit code says so.
"""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
REPORT = PROJECT / "var" / "bench.md"


def names(wanted: list[str]) -> list[str]:
    """The benchmarks to run, by name."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    return wanted or known


def run(name: str) -> tuple[str, bool]:
    """Run one; give its section of the report and whether it went well."""
    command = [sys.executable, "-m", f"tests.benchmarks.bench_{name}"]
    print(f"… {name}", flush=True)
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False)
    shown = f"`python -m tests.benchmarks.bench_{name}`"
    body = done.stdout.strip() if done.returncode == 0 else f"failed with exit code {done.returncode}"
    print(body, flush=True)
    return f"## {name}\n\n{shown}\n\n{body}\n", done.returncode == 0


def main() -> int:
    """Run, gather, write."""
    head = (
        f"# Benchmarks\n\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start. "
        "Client and server share the cores.\n"
    )
    results = [run(name) for name in names(sys.argv[1:])]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join([head, *(section for section, _ in results)]), "utf-8")
    print(f"\nwritten: {REPORT}")
    return 0 if all(is_well for _, is_well in results) else 1


if __name__ == "__main__":
    sys.exit(main())
