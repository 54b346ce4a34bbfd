"""Rulebooks in the database: versions, what never changes, who may read them."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from data import migrate
from data.errors import NotFoundError
from data.rules.store import parse_name, read_rulebook, store_builtin, store_rules
from data.rules.table import BUILTIN_FILE, read_rules
from data.scope import scoped
from layers.viewer import ANONYMOUS


def test_the_builtin_rules_come_once_and_read_as_in_the_file(clean) -> None:
    with clean.begin() as connection:
        first = store_builtin(connection)
        again = store_builtin(connection)
    assert (first.code, first.version) == (again.code, again.version) == ("builtin", 1)
    assert first.rules == read_rules(BUILTIN_FILE)
    assert len(first.digest) == 64


def test_an_edited_rule_makes_a_new_version_and_the_old_one_stays(clean) -> None:
    rules = read_rules(BUILTIN_FILE)
    stricter = (replace(rules[0], threshold_m=250.0), *rules[1:])
    with clean.begin() as connection:
        one = store_rules(connection, "city", rules, source="a.csv")
        two = store_rules(connection, "city", stricter, source="b.csv")
        back = store_rules(connection, "city", rules, source="a.csv")
    assert [book.version for book in (one, two, back)] == [1, 2, 3]
    assert one.digest == back.digest != two.digest
    with clean.connect() as connection:
        assert read_rulebook(connection, "city", 2).rules[0].threshold_m == 250
        assert read_rulebook(connection, "city").version == 3
        assert read_rulebook(connection, "city", 1).rules == rules
        with pytest.raises(NotFoundError, match=r"no rulebook city@9; there are: city@3"):
            read_rulebook(connection, "city", 9)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE standard_rule SET threshold_m = 1", "DELETE FROM standard_rule", "UPDATE rulebook SET digest = ''",
        "DELETE FROM rulebook",
    ],
)  # fmt: skip
def test_a_version_never_changes(clean, change) -> None:
    with clean.begin() as connection:
        store_builtin(connection)
    with pytest.raises(IntegrityError, match="a version of a rulebook never changes"), clean.begin() as connection:
        connection.execute(text(change))


def test_everyone_reads_the_rules_and_nobody_but_the_owner_writes(clean, app_engine) -> None:
    with clean.begin() as connection:
        count = len(store_builtin(connection).rules)
    with scoped(app_engine, ANONYMOUS) as connection:
        assert connection.execute(text("SELECT count(*) FROM standard_rule")).scalar() == count
        for table in ("rulebook", "target", "layer_date"):
            connection.execute(text(f"SELECT count(*) FROM {table}"))
    for table in ("rulebook", "standard_rule", "target", "layer_date"):
        with pytest.raises(ProgrammingError, match="permission denied"), scoped(app_engine, ANONYMOUS) as connection:
            connection.execute(text(f"DELETE FROM {table}"))


def test_0006_can_be_undone_and_done_again(clean) -> None:
    migrate.downgrade(clean, "0005")
    try:
        with clean.connect() as connection:
            assert connection.execute(text("SELECT to_regclass('standard_rule')")).scalar() is None
    finally:
        migrate.upgrade(clean)
    with clean.begin() as connection:
        assert store_builtin(connection).version == 1


def test_names_of_versions() -> None:
    assert parse_name("city@12") == ("city", 12)
    assert parse_name("city") == ("city", None)
    assert parse_name("city@x") == ("city@x", None)
