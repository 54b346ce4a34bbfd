"""The private cluster's life, with real processes: a child program runs it, signals and kills end it."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from data import binaries, cluster
from data.errors import ClusterError
from data.settings import caller_is_root, caller_name, short_hash

# prints "ready", then one line for each line of SQL that comes in; ends with its input
# a shell's background job hands down an ignored Ctrl-C, nohup an ignored hang-up: the child hears both all the same
PROGRAM = """
import signal
import sys
from pathlib import Path
import psycopg2
from data import cluster
from data.errors import ClusterError

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
try:
    place = cluster.locate(Path(sys.argv[1]))
    with cluster.running(place):
        connection = psycopg2.connect(dbname=cluster.DATABASE, user=cluster.OWNER_ROLE, host=str(place.socket_dir))
        connection.autocommit = True
        print("ready", flush=True)
        for line in sys.stdin:
            with connection.cursor() as cursor:
                cursor.execute(line)
                print(cursor.fetchall() if cursor.description else "done", flush=True)
    print("stopped", flush=True)
except ClusterError as error:
    sys.exit(f"refused: {error}")
"""
as_root = pytest.mark.skipif(not caller_is_root(), reason="only root starts PostgreSQL as somebody else")


class Runner:
    """The child program."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=Path(cluster.__file__).parent.parent,
        )  # fmt: skip

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self, sql: str) -> str:
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        return self.line()

    def stop(self) -> None:
        self.process.stdin.close()
        assert self.line() == "stopped"
        assert self.process.wait() == 0

    def refusal(self) -> str:
        self.process.stdin.close()
        assert self.process.wait() == 1
        return self.process.stderr.read().strip()

    def close(self) -> None:
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def make_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="yiwangtu-cluster-"))
    directory.chmod(0o711)
    return directory


@pytest.fixture
def directory():
    made = make_directory()
    yield made
    shutil.rmtree(made)
    shutil.rmtree(Path("/tmp") / f"yiwangtu-{short_hash(made / 'pg')}", ignore_errors=True)


@pytest.fixture
def start(until):
    """Start child programs; whatever is left of them is ended."""
    started = []

    def make(directory: Path, *, is_ready: bool = True) -> Runner:
        runner = Runner(directory)
        started.append(runner)
        if is_ready:
            assert runner.line() == "ready", runner.refusal()
        return runner

    yield make
    for runner in started:
        if runner.process.poll() is None:
            pids = processes_in(cluster.locate(Path(runner.process.args[-1])).data_dir)
            runner.process.kill()
            until(lambda pids=pids: not any(map(is_running, pids)))
        runner.close()


def processes_in(data_dir: Path) -> list[int]:
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == data_dir:
                found.append(int(link.parent.name))
    return found


def postmaster(directory: Path) -> int:
    return int(cluster.locate(directory).pid_file.read_text().splitlines()[0])


def is_running(pid: int) -> bool:
    """Whether a process still runs; one that has ended and that nobody has looked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_first_start_creates_and_the_second_keeps(directory, start) -> None:
    place = cluster.locate(directory)
    assert not place.data_dir.exists()
    first = start(directory)
    first.ask("CREATE TABLE kept (n int)")
    assert first.ask("INSERT INTO kept VALUES (7)") == "done"
    pid = postmaster(directory)
    first.stop()
    assert not is_running(pid)
    assert not place.pid_file.exists()
    second = start(directory)
    assert second.ask("SELECT n FROM kept") == "[(7,)]"
    second.stop()


def test_what_is_durable_and_closed(directory, start) -> None:
    """Nothing that protects the data is off, no port is open, and nobody but its user can enter."""
    runner = start(directory)
    shown = {
        name: runner.ask(f"SHOW {name}")
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "listen_addresses", "jit")
    }
    assert shown == {
        "fsync": "[('on',)]", "synchronous_commit": "[('on',)]", "full_page_writes": "[('on',)]",
        "data_checksums": "[('on',)]", "listen_addresses": "[('',)]", "jit": "[('off',)]",
    }  # fmt: skip
    place = cluster.locate(directory)
    for closed in (place.data_dir, place.socket_dir):
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert closed.owner() == place.user != "root"
    assert cluster.answers(place)
    runner.stop()
    assert not cluster.answers(place)


def test_killing_the_app_ends_the_server_and_keeps_what_was_committed(directory, start, until) -> None:
    runner = start(directory)
    runner.ask("CREATE TABLE kept (n int)")
    runner.ask("INSERT INTO kept VALUES (1)")
    runner.ask("BEGIN")
    runner.ask("INSERT INTO kept VALUES (2)")  # never committed
    pid = postmaster(directory)
    runner.process.kill()
    until(lambda: not is_running(pid))
    again = start(directory)
    assert again.ask("SELECT n FROM kept") == "[(1,)]"
    again.stop()


def test_starting_right_after_a_kill_waits_for_the_old_server(directory, start) -> None:
    runner = start(directory)
    runner.ask("CREATE TABLE kept (n int)")
    runner.process.kill()
    again = start(directory)
    assert again.ask("SELECT count(*) FROM kept") == "[(0,)]"
    again.stop()


def test_killing_the_server_leads_to_recovery_at_the_next_start(directory, start) -> None:
    """The app still lives and has not looked after its dead server: a zombie answers to the pid in the pid file."""
    runner = start(directory)
    runner.ask("CREATE TABLE kept (n int)")
    runner.ask("INSERT INTO kept SELECT generate_series(1, 100000)")
    runner.ask("BEGIN")
    runner.ask("INSERT INTO kept VALUES (0)")
    place = cluster.locate(directory)
    os.kill(postmaster(directory), signal.SIGKILL)
    runner.process.kill()
    assert place.pid_file.exists()
    again = start(directory)
    assert again.ask("SELECT count(*), min(n) FROM kept") == "[(100000, 1)]"
    again.stop()


def test_sessions_that_outlive_a_killed_server_are_ended_first(directory, start, until) -> None:
    """A session in the middle of a long statement does not notice that its server is gone, and holds its memory."""
    runner = start(directory)
    place = cluster.locate(directory)
    endless = "SELECT count(*) FROM generate_series(1, 100000000000)"
    who = ["-h", place.socket_dir, "-U", cluster.OWNER_ROLE, "-d", cluster.DATABASE]
    with subprocess.Popen([place.bin_dir / "psql", *who, "-c", endless], stderr=subprocess.DEVNULL):
        busy = f"SELECT pid FROM pg_stat_activity WHERE query = '{endless}' AND state = 'active'"
        pid = int(until(lambda: runner.ask(busy).strip("[](),")))
        os.kill(postmaster(directory), signal.SIGKILL)
        runner.process.kill()
        again = start(directory)
        assert not is_running(pid)
        again.stop()


def test_a_second_process_is_told_in_one_sentence(directory, start) -> None:
    runner = start(directory)
    said = start(directory, is_ready=False).refusal()
    assert said == f"refused: another process already runs the database in {cluster.locate(directory).data_dir}"
    assert runner.ask("SELECT 1") == "[(1,)]"
    runner.stop()


def test_two_clusters_do_not_disturb_each_other(directory, start) -> None:
    other_directory = make_directory()
    try:
        one, other = start(directory), start(other_directory)
        assert cluster.locate(directory).socket_dir != cluster.locate(other_directory).socket_dir
        one.ask("CREATE TABLE mine (n int)")
        assert other.ask("SELECT to_regclass('mine')") == "[(None,)]"
        one.process.kill()
        one = start(directory)
        assert other.ask("SELECT 1") == "[(1,)]"
        other.stop()
        assert one.ask("SELECT count(*) FROM mine") == "[(0,)]"
        one.stop()
    finally:
        shutil.rmtree(cluster.locate(other_directory).socket_dir, ignore_errors=True)
        shutil.rmtree(other_directory)


@pytest.fixture(params=["heard", "ignored"])
def signals_here(request):
    """Ctrl-C and hang-up as the tests find them, and as they find them in a background job under nohup."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    for number in before if request.param == "ignored" else ():
        signal.signal(number, signal.SIG_IGN)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_here")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_ending_signal_ends_the_server(directory, start, until, number) -> None:
    runner = start(directory)
    pid = postmaster(directory)
    runner.process.send_signal(number)
    runner.process.wait()
    until(lambda: not is_running(pid))
    assert not cluster.locate(directory).pid_file.exists()


def test_an_interrupted_creation_is_begun_anew(directory, start) -> None:
    place = cluster.locate(directory)
    unfinished = place.data_dir.with_name("pg.new-left")
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("15\n")
    start(directory).stop()
    assert not unfinished.exists()


def test_a_creation_killed_half_way_recovers(directory, start, until) -> None:
    runner = start(directory, is_ready=False)
    until(lambda: any(directory.glob("pg.new-*/base")))
    runner.process.kill()
    start(directory).stop()


def test_the_pid_of_a_stranger_is_left_alone(directory, start) -> None:
    """After a restart of the machine another program may have the number in the pid file."""
    start(directory).stop()
    place = cluster.locate(directory)
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        place.pid_file.write_text(f"{stranger.pid}\n{place.data_dir}\n")
        if caller_is_root():
            shutil.chown(place.pid_file, place.user)
            start(directory).stop()
        else:  # of the same user: PostgreSQL itself refuses, and says why in its log
            assert "postgres.log" in start(directory, is_ready=False).refusal()
        assert stranger.poll() is None
        stranger.kill()


def test_a_socket_directory_of_somebody_else_is_refused(directory, start) -> None:
    place = cluster.locate(directory)
    if caller_is_root():
        place.socket_dir.mkdir()
        shutil.chown(place.socket_dir, "nobody")
    else:
        place.socket_dir.symlink_to("/")
    try:
        said = start(directory, is_ready=False).refusal()
    finally:
        place.socket_dir.rmdir() if caller_is_root() else place.socket_dir.unlink()
    assert said == f"refused: {place.socket_dir} exists but does not belong to {place.user}; remove it and start again"


@as_root
def test_where_the_servers_user_cannot_enter_the_files_move_and_stay(until, start) -> None:
    directory = make_directory()
    directory.chmod(0o700)
    elsewhere = Path("/var/lib/yiwangtu") / f"{directory.parent.name}-{short_hash(directory)}"
    is_first = not elsewhere.parent.exists()
    try:
        start(directory).stop()
        assert (elsewhere / "pg" / "PG_VERSION").exists()
        assert not (directory / "pg").exists()
        directory.chmod(0o711)  # now it could enter, but the data is where it is
        assert cluster.locate(directory).data_dir == elsewhere / "pg"
    finally:
        shutil.rmtree(cluster.locate(directory).socket_dir, ignore_errors=True)
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.rmtree(directory)
        if is_first:
            elsewhere.parent.rmdir()


@as_root
def test_files_of_another_user_run_as_that_user(directory, start) -> None:
    start(directory).stop()
    for path in (directory / "pg", *(directory / "pg").rglob("*")):
        shutil.chown(path, "nobody")
    assert cluster.locate(directory).user == "nobody"
    assert pwd.getpwuid((directory / "pg").stat().st_uid).pw_name == "nobody"


def test_missing_programs_are_named_with_the_command_that_installs_them(directory, monkeypatch) -> None:
    monkeypatch.setattr(binaries, "INSTALLED", directory / "nothing")
    monkeypatch.setenv("PATH", str(directory))
    with pytest.raises(ClusterError) as told:
        cluster.locate(directory)
    assert str(told.value) == (
        "PostgreSQL 15 or later with PostGIS is not installed; install it with: "
        "sudo apt-get install -y postgresql-15-postgis-3"
    )


def test_files_of_a_version_that_is_gone_are_not_started_with_another(directory) -> None:
    (directory / "pg").mkdir()
    (directory / "pg" / "PG_VERSION").write_text("14\n")
    with pytest.raises(ClusterError, match=r"the data is of PostgreSQL 14 .* install -y postgresql-14-postgis-3"):
        cluster.locate(directory)


def test_a_directory_that_is_none_is_refused(directory) -> None:
    (directory / "file").write_text("")
    with pytest.raises(ClusterError, match=r"the data directory .*/file/var cannot be used"):
        cluster.locate(directory / "file" / "var")


def test_the_owners_name_is_the_systems(monkeypatch) -> None:
    """Not what the environment claims: the database believes the system alone."""
    monkeypatch.setenv("USER", "somebody_else")
    monkeypatch.setenv("LOGNAME", "somebody_else")
    assert caller_name() == pwd.getpwuid(os.geteuid()).pw_name
