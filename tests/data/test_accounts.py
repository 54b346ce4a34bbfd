"""Accounts from the command line: who may be what, and what is printed and stored."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from data import accounts, outbox
from data.accounts import Post
from data.cli import main
from data.credentials import Cost, check_strength, hash_password, make_password, needs_rehash, password_fits
from data.engine import Database
from data.errors import BadInputError, DataError
from data.tables.accounts import ROLES

CHEAP = Cost(8, 1, 1)
TOWN = Path(__file__).parents[1] / "api" / "town.sql"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def town(clean: Engine) -> Engine:
    """The drawn town of the API's tests, without accounts."""
    with clean.begin() as connection:
        connection.exec_driver_sql(TOWN.read_text("utf-8").replace("%", "%%"))
    return clean


@pytest.fixture
def run(town: Engine, database: Database, monkeypatch, capsys) -> Run:
    """Run a command on the town: exit code, what it printed, what it complained of."""
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", database.owner_url.render_as_string(hide_password=False))
    for name, value in (("MEMORY_KIB", "8"), ("PASSES", "1"), ("LANES", "1")):
        monkeypatch.setenv(f"YIWANGTU_PASSWORD_{name}", value)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        return code, *capsys.readouterr()

    return call


def stored(engine: Engine, sql: str) -> list:
    with engine.begin() as connection:
        return list(connection.execute(text(sql)))


def test_an_account_from_the_command_line(run: Run, town: Engine) -> None:
    code, out, _ = run("user", "add", "wang.1", "--name", "一号网格员", "--role", "worker", "--area", "D1S1C1G1")
    assert code == 0
    password = out.splitlines()[-1]
    (password_hash,) = stored(town, "SELECT password_hash FROM account WHERE login = 'wang.1'")[0]
    assert password_fits(password_hash, password, CHEAP)
    assert stored(town, "SELECT role, path::text FROM membership") == [("worker", "D1.D1S1.D1S1C1.D1S1C1G1")]
    assert run("user", "grant", "wang.1", "--role", "community", "--area", "D1S1C1")[0] == 0
    assert (
        run("user", "list")[1]
        == "wang.1\tactive\t一号网格员\tcommunity@D1.D1S1.D1S1C1, worker@D1.D1S1.D1S1C1.D1S1C1G1\n"
    )
    assert run("user", "revoke", "wang.1", "--role", "worker", "--area", "D1S1C1G1")[0] == 0
    assert run("user", "disable", "wang.1")[0] == 0
    assert run("user", "list")[1] == "wang.1\tdisabled\t一号网格员\tcommunity@D1.D1S1.D1S1C1\n"
    assert run("user", "enable", "wang.1")[0] == 0
    other = run("user", "passwd", "wang.1")[1].splitlines()[-1]
    assert other != password
    assert [row[0] for row in stored(town, "SELECT action FROM audit_event ORDER BY id")] == [
        "account.password", "account.add", "account.grant", "account.revoke", "account.disable", "account.enable",
        "account.password",
    ]  # fmt: skip
    assert password not in str(stored(town, "SELECT * FROM audit_event"))


def test_a_prompted_password_is_asked_twice(run: Run, town: Engine, monkeypatch) -> None:
    answers = iter(["long enough 1", "long enough 1", "long enough 1", "long enough 2"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    code, out, _ = run("user", "add", "plan", "--name", "规划", "--role", "planner", "--prompt")
    assert (code, "long enough 1" in out) == (0, False)
    assert stored(town, "SELECT path::text FROM membership") == [("",)]
    assert run("user", "passwd", "plan", "--prompt") == (2, "", "yiwangtu: the two passwords differ\n")


def test_a_wall_gets_its_token_once(run: Run, town: Engine) -> None:
    code, out, _ = run("user", "kiosk", "wall", "--area", "D1", "--days", "30")
    assert code == 0
    token = out.splitlines()[-1]
    assert len(token) == 43
    ((token_hash, days),) = stored(
        town, "SELECT token_hash, expires_at - created_at > interval '29 days' FROM kiosk_token"
    )
    assert (token_hash != token, days) == (True, True)
    assert stored(town, "SELECT role, path::text FROM membership") == [("screen", "D1")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "Wang", "--name", "x", "--role", "planner"), "login 'Wang' can't be used"),
        (("add", "x", "--name", "x", "--role", "planner"), "login 'x' can't be used"),
        (("add", "wang", "--name", " ", "--role", "planner"), "has 0 characters"),
        (("add", "held", "--name", "x", "--role", "planner"), "there is an account 'held' already"),
        (("add", "wang", "--name", "x", "--role", "worker"), "must be the code of a grid"),
        (("add", "wang", "--name", "x", "--role", "worker", "--area", "D1S1C1"), "no grid in force with code 'D1S1C1'"),
        (("add", "wang", "--name", "x", "--role", "worker", "--area", "D1S1C1G9"), "no grid in force"),
        (("add", "wang", "--name", "x", "--role", "street", "--area", "nowhere"), "no area with code 'nowhere'"),
        (("add", "wang", "--name", "x", "--role", "department"), "needs the department's name"),
        (("add", "wang", "--name", "x", "--role", "planner", "--department", "y"), "does not go with a department"),
        (("add", "wang", "--name", "x", "--role", "audit_admin", "--area", "D1"), "must be '*', not 'D1'"),
        (("grant", "held", "--role", "planner"), "can't be held together with 'planner'"),
        (("grant", "nobody", "--role", "planner"), "there is no account 'nobody'"),
        (("revoke", "held", "--role", "street", "--area", "D2"), "does not have the role 'street' in area 'D2'"),
        (("kiosk", "held", "--area", "D1"), "can't be held together with 'screen'"),
        (("passwd", "nobody"), "there is no account 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, town: Engine, arguments: tuple[str, ...], sentence: str) -> None:
    with town.begin() as connection:
        accounts.add(connection, "held", name="x", post=Post("street", "D1S1"), cost=CHEAP)
    before = stored(
        town, "SELECT count(*) FROM account a FULL JOIN membership m ON true FULL JOIN kiosk_token k ON true"
    )
    code, out, error = run("user", *arguments)
    assert (code, out) == (2, "")
    assert sentence in error
    assert error.count("\n") == 1
    after = stored(
        town, "SELECT count(*) FROM account a FULL JOIN membership m ON true FULL JOIN kiosk_token k ON true"
    )
    assert after == before


def test_which_roles_one_account_may_hold(town: Engine) -> None:
    """The four of the field mix with each other; every other role, the administrators above all, stands alone."""
    field = {"worker", "community", "street", "dispatcher"}

    def post(role: str) -> Post:
        area = "D1S1C1G1" if role == "worker" else "*"
        return Post(role, area, "城管" if role == "department" else "")

    for first in ROLES:
        for second in ROLES:
            allowed = first == second or {first, second} <= field
            with town.connect() as connection:
                accounts.add(connection, "one", name="x", post=post(first), cost=CHEAP)
                if allowed:
                    accounts.grant(connection, "one", post(second))
                else:
                    with pytest.raises(BadInputError, match="can't be held together"):
                        accounts.grant(connection, "one", post(second))
                connection.rollback()


def test_an_account_belongs_to_one_department(town: Engine) -> None:
    with town.begin() as connection:
        accounts.add(connection, "one", name="x", post=Post("department", "D1", "城管"), cost=CHEAP)
        accounts.grant(connection, "one", Post("department", "D2", "城管"))
        with pytest.raises(BadInputError, match="belongs to '城管'"):
            accounts.grant(connection, "one", Post("department", "D2", "环卫"))


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaa", "my wang.1 word"])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(DataError, match="password"):
        check_strength(password, "wang.1")


def test_a_short_login_always_gets_a_password(town: Engine) -> None:
    """A made password of 20 letters often contains a login of 2."""
    with town.begin() as connection:
        accounts.add(connection, "ab", name="x", post=Post("planner"), cost=CHEAP)
        for _ in range(200):
            accounts.set_password(connection, "ab", cost=CHEAP)


def test_made_passwords_are_strong_and_differ() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        check_strength(password, "wang.1")
        assert len(password) == 23


def test_a_hash_knows_its_cost() -> None:
    made = hash_password("correct horse", CHEAP)
    assert password_fits(made, "correct horse", CHEAP)
    assert not password_fits(made, "correct horsf", CHEAP)
    assert not password_fits("!", "!", CHEAP)
    assert not needs_rehash(made, CHEAP)
    assert needs_rehash(made, Cost(16, 1, 1))


def test_check_passes_on_what_is_right(run: Run, town: Engine) -> None:
    while outbox.publish(town):
        pass
    assert run("check") == (0, "检查通过 All checks passed.\n", "")


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (
            "UPDATE grid SET households = 601 WHERE code = 'D1S1C1G1'",
            "grid D1S1C1G1 says 601 households, its units have 600",
        ),
        (
            "UPDATE incident_cell SET count = 2 WHERE z = 18 AND path ~ '*.D1S1C1G1'",
            "cell zoom 18 differs from a recount",
        ),
        ("DELETE FROM incident WHERE code = 'D1S1C1G1-1'", "1 changes of incidents wait to be counted"),
        (
            "INSERT INTO incident_event (incident_id, seq, status, hash) SELECT id, 1, status, 'x' FROM incident "
            "WHERE code = 'D1S1C1G1-1'", "incident D1S1C1G1-1: event 1 was changed",
        ),
        ("CREATE TABLE stray (id integer)", "table stray has no row-level security"),
        ("UPDATE alembic_version SET version_num = '0000'", "not at the newest migration"),
    ],
)  # fmt: skip
def test_check_says_what_is_off(run: Run, town: Engine, harm: str, sentence: str) -> None:
    while outbox.publish(town):
        pass
    ((version,),) = stored(town, "SELECT version_num FROM alembic_version")
    with town.begin() as connection:
        connection.execute(text(harm))
    try:
        code, out, error = run("check")
    finally:
        with town.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS stray"))
            connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    assert (code, out) == (1, "")
    assert sentence in error
    assert error.count("\n") == 1
