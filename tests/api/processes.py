"""`yiwangtu up` as a process of its own, for tests that end or kill it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg2

from data import cluster
from data.settings import PROJECT


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def offspring(pid: int) -> set[int]:
    """All processes below one, and whoever works in them."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


class Up:
    """One `yiwangtu up`, in a process group of its own, as a shell starts it."""

    def __init__(self, directory: Path, **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("YIWANGTU_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "data.cli", "up"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=PROJECT, process_group=0, env={**environment, "YIWANGTU_DATA_DIR": str(directory), **settings},
        )  # fmt: skip
        self.said = ""

    def wait_until_ready(self) -> "Up":
        for line in self.process.stdout:
            self.said += line
            found = re.search(r"(http://127\.0\.0\.1:(\d+))/public/", line)
            if found:
                self.base, self.port = found[1], int(found[2])
                return self
        raise AssertionError(self.said)

    def end(self) -> str:
        """What it said, when it has ended by itself."""
        self.said += self.process.stdout.read()
        self.process.wait(60)
        return self.said


def ask(directory: Path, statement: str) -> list[tuple]:
    """Run a statement as the owner of the tables."""
    place = cluster.locate(directory)
    connection = psycopg2.connect(dbname=cluster.DATABASE, user=cluster.OWNER_ROLE, host=str(place.socket_dir))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
