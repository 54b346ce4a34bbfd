"""A private PostgreSQL cluster with PostGIS: made on first use, started with the app, stopped with it.

The server is a direct child under `setpriv --pdeathsig INT`: when the app dies, even by `kill -9`, the kernel asks
PostgreSQL for a clean shutdown, and no zombie can keep its pid file alive. It listens on a Unix socket only, in a
directory that only its owner can enter, and maps operating-system users to database roles (`peer`), so there is no
password to leak. Durable settings keep PostgreSQL's safe defaults (fsync, synchronous_commit, full_page_writes) with
data checksums on.
"""

import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy import URL

from data.binaries import find_binaries
from data.errors import ClusterError
from data.settings import caller_is_root, caller_name, short_hash

SYSTEM_USER = "postgres"  # the unprivileged user of Debian's packages, used when the caller is root
OWNER_ROLE = "yiwangtu_owner"
APP_ROLE = "yiwangtu_app"
DATABASE = "yiwangtu"
ELSEWHERE = Path("/var/lib/yiwangtu")  # where PostgreSQL's user can always enter
START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
LOCK_LIMIT_S = 2.0
PAUSE_S = 0.05
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
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

    Its files are in `base_dir/pg`. When the caller is root and PostgreSQL's user could not enter there (a checkout
    under a closed home directory), they are in `/var/lib/yiwangtu/` under a name made from `base_dir`, and stay there.
    A cluster that exists keeps its user and its PostgreSQL's version.

    Raises
    ------
    ClusterError
        If the directory can't be used, or PostgreSQL or PostGIS is not installed; the message says the command that
        installs them.
    """
    bin_dir = find_binaries()
    base_dir = base_dir.resolve()
    try:
        base_dir.mkdir(parents=True, exist_ok=True)
        data_dir = _choose_data_dir(base_dir)
        made_by = _version_of_files(data_dir)
        user = data_dir.owner() if data_dir.exists() else _user()
    except (PermissionError, NotADirectoryError, FileExistsError, KeyError) as error:
        raise ClusterError(f"the data directory {base_dir} cannot be used: {error}") from error
    if not caller_is_root() and user != caller_name():
        raise ClusterError(f"the database in {data_dir} belongs to {user}; start as that user or as root")
    if made_by is not None:
        bin_dir = find_binaries(made_by)
    return Cluster(data_dir, Path("/tmp") / f"yiwangtu-{short_hash(data_dir)}", bin_dir, user)  # noqa: S108


@contextlib.contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Run the cluster for the length of a `with` block.

    Only one process at a time may run it; another caller is told so in one sentence. Anything a killed process left
    behind (a server on its way out, a stale pid file, lost buffers) is waited for and recovered from.
    """
    with _locked(cluster):
        _prepare_socket_dir(cluster)
        if _version_of_files(cluster.data_dir) is None:
            _create(cluster)
        _wait_for_predecessor(cluster)
        server = _start(cluster)
        try:
            _wait_until_ready(cluster, server)
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


def _user() -> str:
    """Name the user of a new cluster: the caller, or PostgreSQL's own user where the caller is root."""
    return pwd.getpwnam(SYSTEM_USER).pw_name if caller_is_root() else caller_name()


def _choose_data_dir(base_dir: Path) -> Path:
    """Choose where the files are, or will be."""
    inside = base_dir / "pg"
    if not caller_is_root() or inside.exists():
        return inside
    elsewhere = ELSEWHERE / f"{base_dir.parent.name}-{short_hash(base_dir)}" / "pg"
    if elsewhere.exists() or not _can_enter(base_dir, _user()):
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        for directory in (ELSEWHERE, elsewhere.parent):
            directory.chmod(0o755)  # whatever root's umask says
        return elsewhere
    return inside


def _version_of_files(data_dir: Path) -> int | None:
    """Read which PostgreSQL made the files; None when there are none."""
    try:
        return int((data_dir / "PG_VERSION").read_text("utf-8"))
    except FileNotFoundError:
        return None


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
    status = cluster.socket_dir.lstat()
    owners = {pwd.getpwnam(cluster.user).pw_uid, os.geteuid()}  # root's, when it was killed before it gave it away
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
        raise ClusterError(
            f"{cluster.socket_dir} exists but does not belong to {cluster.user}; remove it and start again"
        )
    cluster.socket_dir.chmod(0o700)
    if caller_is_root():
        shutil.chown(cluster.socket_dir, cluster.user)


def _create(cluster: Cluster) -> None:
    """Make the cluster's files: beside their place first, so that an interrupted start leaves nothing half-made.

    An `initdb` whose app was killed may still run: where it works is its own, since it tidies up when it fails.
    """
    for left in cluster.data_dir.parent.glob("pg.new-*"):
        _remove(left)
    unfinished = cluster.data_dir.with_name(f"pg.new-{secrets.token_hex(4)}")
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


def _remove(directory: Path) -> None:
    """Remove what an interrupted `initdb` left behind; its last child may be writing there for a moment."""
    give_up_at = time.monotonic() + START_LIMIT_S
    while directory.exists():
        try:
            shutil.rmtree(directory)
        except OSError as error:
            if time.monotonic() > give_up_at:
                raise ClusterError(f"{directory} cannot be removed: {error}") from error
            time.sleep(PAUSE_S)


def _write(cluster: Cluster, path: Path, content: str) -> None:
    """Write a file of the cluster, owned by its user, and see it on disk."""
    with path.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o600)
    if caller_is_root():
        shutil.chown(path, cluster.user)


@contextlib.contextmanager
def _locked(cluster: Cluster) -> Iterator[None]:
    """Hold the lock that says who runs the cluster; a process that was just killed gets a moment to let go."""
    give_up_at = time.monotonic() + LOCK_LIMIT_S
    path = cluster.data_dir.parent / "cluster.lock"
    try:
        lock = path.open("a")
    except OSError as error:
        raise ClusterError(f"{path} cannot be opened: {error.strerror}") from error
    with lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise ClusterError(f"another process already runs the database in {cluster.data_dir}") from None
                time.sleep(PAUSE_S)
        yield


def _wait_for_predecessor(cluster: Cluster) -> None:
    """Wait until whatever a killed app or a killed server left behind has ended.

    PostgreSQL refuses to start beside its own ghost: a zombie still answers to the pid in its pid file, and a session
    that outlives its killed server holds the shared memory. Strangers who got the number since are left alone.
    """
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        server = _recorded_pid(cluster)
        ours = _processes_in(cluster.data_dir)
        if not ours and not (server and _is_ghost(server)):
            return
        if time.monotonic() > give_up_at:
            raise ClusterError(
                f"PostgreSQL (process {server or ours[0]}) still runs in {cluster.data_dir}; stop it and start again"
            )
        if server in ours:
            _signal(server, signal.SIGINT)
        else:
            for pid in ours:  # sessions without their server: only recovery can follow
                _signal(pid, signal.SIGQUIT)
        time.sleep(PAUSE_S)


def _recorded_pid(cluster: Cluster) -> int | None:
    """Read the pid that PostgreSQL wrote down, if there is a pid file."""
    try:
        return int(cluster.pid_file.read_text("utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _processes_in(data_dir: Path) -> list[int]:
    """Find the processes that work in a data directory: a server and its children, nobody else."""
    here, found = data_dir.resolve(), []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == here:
                found.append(int(link.parent.name))
    return found


def _is_ghost(pid: int) -> bool:
    """Tell whether a process is a PostgreSQL that has ended but that nobody has looked after yet."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text("utf-8").partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name.startswith("postgres") and rest.split()[0] in "ZX"


def _signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _start(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start the server."""
    command = [str(cluster.bin_dir / "postgres"), "-D", str(cluster.data_dir)]
    settings = {
        **SETTINGS, "unix_socket_directories": str(cluster.socket_dir), "unix_socket_permissions": "0700",
    }  # fmt: skip
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with _log_path(cluster).open("ab") as log:
        # a session of its own: Ctrl-C goes to the app alone, which then stops the server in good order
        return subprocess.Popen(  # noqa: S603
            _as_user(cluster, command),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )


def _log_path(cluster: Cluster) -> Path:
    """Where the server's messages go."""
    return cluster.data_dir.parent / "postgres.log"


def _wait_until_ready(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    log_path = _log_path(cluster)
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
                raise ClusterError(f"PostgreSQL did not answer within {START_LIMIT_S:.0f} s; see {log_path}") from None
            time.sleep(0.02)
        else:
            return


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
    with _undisturbed():
        try:
            server.send_signal(signal.SIGINT)
            server.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)  # immediate: the next start recovers from the log
            server.wait(STOP_LIMIT_S)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no further Ctrl-C or SIGTERM take the server's goodbye away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
