"""The installed PostgreSQL and PostGIS."""

import re
import shutil
import subprocess
from pathlib import Path

from data.errors import ClusterError

INSTALLED = Path("/usr/lib/postgresql")  # where Debian keeps its versions
INSTALL_COMMAND = "sudo apt-get install -y postgresql-15-postgis-3"


def find_binaries(version: int | None = None) -> Path:
    """Find the installed PostgreSQL (15 or later) that has PostGIS: of one major version, or the newest."""
    candidates = [path.parent for path in INSTALLED.glob("*/bin/postgres")]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    found = sorted(((number, path) for path in candidates if (number := _version(path)) >= 15), reverse=True)
    if version is not None:
        found = [one for one in found if one[0] == version]
    for _, path in found:
        if _has_postgis(path):
            return path
    if version is not None:
        command = INSTALL_COMMAND.replace("-15-", f"-{version}-")
        raise ClusterError(f"the data is of PostgreSQL {version} with PostGIS, which is not installed: {command}")
    what = "PostGIS" if found else "PostgreSQL 15 or later with PostGIS"
    raise ClusterError(f"{what} is not installed; install it with: {INSTALL_COMMAND}")


def _version(bin_dir: Path) -> int:
    """Read PostgreSQL's major version, 0 when it can't be told."""
    told = re.search(r"\(PostgreSQL\) (\d+)", _output(bin_dir / "postgres", "--version"))
    return int(told[1]) if told else 0


def _has_postgis(bin_dir: Path) -> bool:
    """Tell whether this PostgreSQL has PostGIS's control file."""
    places = [Path("/usr/share/postgresql") / bin_dir.parent.name]
    if (bin_dir / "pg_config").exists():
        places.append(Path(_output(bin_dir / "pg_config", "--sharedir").strip()))
    return any((place / "extension" / "postgis.control").exists() for place in places)


def _output(*command: str | Path) -> str:
    """Run a command and give what it prints."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
