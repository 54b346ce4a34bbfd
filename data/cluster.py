"""A private PostgreSQL cluster with PostGIS: made on first use, started with the app, stopped with it.

The server is a direct child under `setpriv --pdeathsig INT`: when the app dies, even by `kill -9`, the kernel asks
PostgreSQL for a clean shutdown, and no zombie can keep its pid file alive. It listens on a Unix socket only, in a directory
that only its owner can enter, and maps operating-system users to database roles (`peer`), so there is no password to leak.
Durable settings keep PostgreSQL's safe defaults (fsync, synchronous_commit, full_page_writes) with data checksums on.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy import URL

from data.errors import ClusterError
from data.settings import caller_is_root, caller_name, short_hash

SYSTEM_USER = "postgres"  # the unprivileged user of Debian's packages, used when the caller is root
OWNER_ROLE = "yiwangtu_owner"
APP_ROLE = "yiwangtu_app"
DATABASE = "yiwangtu"
INSTALL_COMMAND = "sudo apt-get install -y postgresql-15-postgis-3"
START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "60",
    "shared_buffers": "'256MB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'256MB'",
    "effective_cache_size": "'1GB'",
    "max_wal_size": "'2GB'",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_messages": "warning",
    "log_line_prefix": "'%m [%p] '",
}


@dataclass(frozen=True)
class Cluster:
    """A place for a private cluster: where its files are and as whom it runs.

    Attributes
    ----------
    data_dir
        PostgreSQL's data directory.
    socket_dir
        Directory of the Unix socket; short, because a socket's address has at most 107 bytes.
    bin_dir
        Directory of `initdb` and `postgres`.
    user
        Operating-system user that owns the cluster: never root.
    """

    data_dir: Path
    socket_dir: Path
    bin_dir: Path
    user: str

    def url(self, role: str = OWNER_ROLE, database: str = DATABASE) -> URL:
        """Make the SQLAlchemy address of a database of the cluster."""
        return URL.create("postgresql+psycopg2", username=role, database=database, query={"host": str(self.socket_dir)})

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's own pid file."""
        return self.data_dir / "postmaster.pid"


def locate(base_dir: Path) -> Cluster:
    """Choose where the cluster of a data directory lies.

    Its files are in `base_dir/pg`. When the caller is root and PostgreSQL's user could not enter there (a checkout under
    a closed home directory), they are in `/var/lib/yiwangtu/` under a name made from `base_dir`.

    Raises
    ------
    ClusterError
        If PostgreSQL or PostGIS is not installed; the message says the command that installs them.
    """
    bin_dir = find_binaries()
    user = SYSTEM_USER if caller_is_root() else caller_name()
    base_dir = base_dir.resolve()
    base_dir.mkdir(parents=True, exist_ok=True)
    data_dir = base_dir / "pg"
    if caller_is_root() and not _can_enter(base_dir, user):
        data_dir = Path("/var/lib/yiwangtu") / f"{base_dir.parent.name}-{short_hash(base_dir)}" / "pg"
        data_dir.parent.mkdir(parents=True, exist_ok=True)
    return Cluster(data_dir, Path("/tmp") / f"yiwangtu-{short_hash(data_dir)}", bin_dir, user)  # noqa: S108


def find_binaries() -> Path:
    """Find the newest installed PostgreSQL (15 or later) that has PostGIS."""
    candidates = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    found = sorted(((version, path) for path in candidates if (version := _version(path)) >= 15), reverse=True)
    for _, path in found:
        if _has_postgis(path):
            return path
    what = "PostGIS" if found else "PostgreSQL 15 or later with PostGIS"
    raise ClusterError(f"{what} is not installed; install it with: {INSTALL_COMMAND}")


@contextlib.contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Run the cluster for the length of a `with` block.

    Only one process at a time may run it; another caller is told so in one sentence. Anything a killed process left
    behind (a server on its way out, a stale pid file, lost buffers) is waited for and recovered from.
    """
    lock_path = cluster.data_dir.parent / "cluster.lock"
    with lock_path.open("w") as lock:
        _acquire(lock.fileno(), cluster)
        _prepare_socket_dir(cluster)
        if not (cluster.data_dir / "PG_VERSION").exists():
            _create(cluster)
        _wait_for_predecessor(cluster)
        server = _start(cluster)
        try:
            _ensure_database(cluster)
            yield cluster
        finally:
            _stop(server)


def answers(cluster: Cluster) -> bool:
    """Tell whether the cluster runs already, started by another process of this product."""
    try:
        psycopg2.connect(dbname=DATABASE, user=OWNER_ROLE, host=str(cluster.socket_dir), connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def _version(bin_dir: Path) -> int:
    """Read PostgreSQL's major version, 0 when it can't be told."""
    result = subprocess.run(  # noqa: S603
        [bin_dir / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    words = result.stdout.split()
    return int(words[2].split(".")[0].rstrip("develbtarc")) if len(words) > 2 else 0


def _has_postgis(bin_dir: Path) -> bool:
    """Tell whether this PostgreSQL has PostGIS's control file."""
    result = (
        subprocess.run(  # noqa: S603
            [bin_dir / "pg_config", "--sharedir"], capture_output=True, text=True, check=False
        )
        if (bin_dir / "pg_config").exists()
        else None
    )
    share = Path(result.stdout.strip()) if result else Path("/usr/share/postgresql") / bin_dir.parent.name
    return any(
        (place / "extension" / "postgis.control").exists()
        for place in (share, Path("/usr/share/postgresql") / bin_dir.parent.name)
    )


def _can_enter(directory: Path, user: str) -> bool:
    """Tell whether a user may pass through every directory down to this one."""
    account = pwd.getpwnam(user)
    groups = set(os.getgrouplist(user, account.pw_gid))
    for path in (directory, *directory.parents):
        status = path.stat()
        bit = (
            stat.S_IXUSR if status.st_uid == account.pw_uid
            else stat.S_IXGRP if status.st_gid in groups
            else stat.S_IXOTH
        )  # fmt: skip
        if not status.st_mode & bit:
            return False
    return True


def _as_user(cluster: Cluster, command: list[str]) -> list[str]:
    """Make a command run as the cluster's user and end with the process that started it."""
    prefix = ["setpriv", "--pdeathsig", "INT"]
    if caller_is_root():
        account = pwd.getpwnam(cluster.user)
        prefix += ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--init-groups"]
    return [*prefix, *command]


def _prepare_socket_dir(cluster: Cluster) -> None:
    """Make the socket's directory, closed to all but its owner; refuse one that somebody else made."""
    with contextlib.suppress(FileExistsError):
        cluster.socket_dir.mkdir(mode=0o700)
        if caller_is_root():
            shutil.chown(cluster.socket_dir, cluster.user)
    status = cluster.socket_dir.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != pwd.getpwnam(cluster.user).pw_uid:
        raise ClusterError(
            f"{cluster.socket_dir} exists but does not belong to {cluster.user}; remove it and start again"
        )


def _create(cluster: Cluster) -> None:
    """Make the cluster's files: beside their place first, so that an interrupted start leaves nothing half-made."""
    unfinished = cluster.data_dir.with_name("pg.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if caller_is_root():
        shutil.chown(unfinished, cluster.user)
    command = [
        str(cluster.bin_dir / "initdb"), "--pgdata", str(unfinished), "--username", OWNER_ROLE, "--auth", "peer",
        "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums",
    ]  # fmt: skip
    result = subprocess.run(  # noqa: S603
        _as_user(cluster, command), capture_output=True, text=True, check=False, cwd="/"
    )
    if result.returncode:
        raise ClusterError(f"initdb failed: {(result.stderr.strip().splitlines() or ['no message'])[-1]}")
    _write(cluster, unfinished / "pg_hba.conf", "local all all peer map=yiwangtu\n")
    people = {"root", caller_name(), cluster.user}
    roles = (OWNER_ROLE, APP_ROLE)
    _write(
        cluster, unfinished / "pg_ident.conf",
        "".join(f"yiwangtu {person} {role}\n" for person in sorted(people) for role in roles),
    )  # fmt: skip
    unfinished.rename(cluster.data_dir)


def _write(cluster: Cluster, path: Path, content: str) -> None:
    """Write a file of the cluster, owned by its user."""
    path.write_text(content, "utf-8")
    path.chmod(0o600)
    if caller_is_root():
        shutil.chown(path, cluster.user)


def _acquire(descriptor: int, cluster: Cluster) -> None:
    """Take the lock that says who runs the cluster; a process that was just killed gets a moment to let go."""
    give_up_at = time.monotonic() + 2
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise ClusterError(f"another process already runs the database in {cluster.data_dir}") from None
            time.sleep(0.05)
        else:
            return


def _wait_for_predecessor(cluster: Cluster) -> None:
    """Wait until a server that a killed app left behind has ended: PostgreSQL refuses to start beside its own ghost."""
    give_up_at = time.monotonic() + START_LIMIT_S
    while (pid := _recorded_pid(cluster)) and _is_server(pid, cluster):
        if time.monotonic() > give_up_at:
            raise ClusterError(
                f"a PostgreSQL (process {pid}) still runs in {cluster.data_dir}; stop it and start again"
            )
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGINT)
        time.sleep(0.05)


def _recorded_pid(cluster: Cluster) -> int | None:
    """Read the pid that PostgreSQL wrote down, if there is a pid file."""
    try:
        return int(cluster.pid_file.read_text("utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _is_server(pid: int, cluster: Cluster) -> bool:
    """Tell whether a pid is still PostgreSQL, dying zombies included, and not a stranger who got the number since."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)
        name = state[0].split("(", 1)[1]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name.startswith("postgres")


def _start(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers."""
    log_path = cluster.data_dir.parent / "postgres.log"
    command = [str(cluster.bin_dir / "postgres"), "-D", str(cluster.data_dir)]
    settings = {
        **SETTINGS,
        "unix_socket_directories": f"'{cluster.socket_dir}'",
        "unix_socket_permissions": "0700",
    }
    for name, value in settings.items():
        command += ["-c", f"{name}={value.strip(chr(39))}"]
    with log_path.open("ab") as log:
        # a session of its own: Ctrl-C goes to the app alone, which then stops the server in good order
        server = subprocess.Popen(  # noqa: S603
            _as_user(cluster, command),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        if server.poll() is not None:
            raise ClusterError(f"PostgreSQL ended while starting; the reason is at the end of {log_path}")
        try:
            psycopg2.connect(
                dbname="postgres", user=OWNER_ROLE, host=str(cluster.socket_dir), connect_timeout=5
            ).close()
        except psycopg2.OperationalError:
            if time.monotonic() > give_up_at:
                _stop(server)
                raise ClusterError(f"PostgreSQL did not answer within {START_LIMIT_S:.0f} s; see {log_path}") from None
            time.sleep(0.02)
        else:
            return server


def _ensure_database(cluster: Cluster) -> None:
    """Create the product's database where it is missing."""
    connection = psycopg2.connect(dbname="postgres", user=OWNER_ROLE, host=str(cluster.socket_dir))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        connection.close()


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown (sessions are ended, everything committed is on disk) and wait for it."""
    if server.poll() is None:
        # a second Ctrl-C must not leave the server without its goodbye
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            server.send_signal(signal.SIGINT)
            server.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)  # immediate: the next start recovers from the log
            server.wait(STOP_LIMIT_S)
        finally:
            signal.signal(signal.SIGINT, previous)
