"""`yiwangtu token`, `yiwangtu webhook` and the lists of `yiwangtu cases`, as an operator types them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from data.cli import main
from data.credentials import hash_token

AREA = (
    "INSERT INTO area (level, code, name, geom, path) "
    "SELECT 'district', 'D1', '区', ST_Multi(ST_MakeEnvelope(115, 30, 115.1, 30.1, 4326)), 'D1'"
)


@pytest.fixture
def run(clean: Engine, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command: exit code, what it said, what it complained of."""
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", clean.url.render_as_string(hide_password=False))
    with clean.begin() as connection:
        connection.execute(text(AREA))
        connection.execute(text("INSERT INTO category (code, name) VALUES ('E01-02', '暴露垃圾')"))

    def ask(*arguments: object) -> tuple[int, str, str]:
        code = main([str(one) for one in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ask


def test_a_token_is_made_listed_and_revoked(run, clean: Engine) -> None:
    grant = ("--scope", "handover", "--system", "12345", "--area", "D1", "--days", 30)
    code, said, _ = run("token", "create", "hotline", *grant, "--label", "12345热线")
    assert code == 0
    token = said.splitlines()[-1]
    with clean.begin() as connection:
        stored = connection.execute(text("SELECT token_hash FROM api_token")).scalar_one()
        assert stored == hash_token(token)
        assert connection.execute(text("SELECT display_name FROM account")).scalar_one() == "12345热线"
        assert token not in str(connection.execute(text("SELECT detail FROM audit_event")).all())
    _, listed, _ = run("token", "list")
    assert re.fullmatch(r"hotline\t#1\tactive\thandover:12345\tD1\t\d{4}-\d\d-\d\d\t-\n", listed)
    assert run("token", "revoke", "hotline")[0] == 0
    assert "\trevoked\t" in run("token", "list")[1]
    code, _, error = run("token", "revoke", "hotline")
    assert (code, error) == (2, "yiwangtu: 'hotline' has no token that could be revoked\n")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--scope", "handover", "--area", "D1", "--days", 1), "needs the system, 110 or 12345"),
        (("--scope", "open311", "--system", "110", "--area", "D1", "--days", 1), "does not go with a system"),
        (("--scope", "open311", "--area", "D9", "--days", 1), "no area with code 'D9'"),
        (("--scope", "open311", "--area", "D1", "--days", 0), "Invalid value for '--days'"),
        (("--scope", "all", "--area", "D1", "--days", 1), "Invalid value for '--scope'"),
        (("--scope", "open311", "--area", "D1"), "Missing option '--days'"),
    ],
)
def test_a_token_that_can_not_be_is_refused_in_one_sentence(run, options: tuple, why: str) -> None:
    code, _, error = run("token", "create", "app", *options)
    assert (code, error.count("\n"), why in error) == (2, 1, True), error


def test_a_webhook_is_added_listed_and_removed(run, clean: Engine, tmp_path: Path) -> None:
    code, said, _ = run("webhook", "add", "110", "https://police.example/hook")
    assert (code, said.splitlines()[-1][:6]) == (0, "whsec_")
    secret = tmp_path / "secret"
    secret.write_text("a secret that the other system chose\n", "utf-8")
    code, said, _ = run("webhook", "add", "12345", "https://hotline.example/hook", "--secret-file", secret)
    assert (code, "secret that" in said) == (0, False)
    with clean.begin() as connection:
        kept = connection.execute(text("SELECT secret FROM webhook WHERE system = '12345'")).scalar_one()
        assert kept == "a secret that the other system chose"
    _, listed, _ = run("webhook", "list")
    assert listed.splitlines()[0] == "#1\t110\thttps://police.example/hook\tdelivered 0\twaiting 0\tdead 0"
    assert run("webhook", "retry")[1].startswith("0 ")
    assert run("webhook", "remove", 1)[0] == 0
    assert run("webhook", "remove", 1)[::2] == (2, "yiwangtu: there is no webhook with the number 1\n")
    assert run("webhook", "add", "110", "ftp://x/")[0] == 2
    assert run("webhook", "add", "110", "https://x/", "--secret-file", tmp_path / "none")[0] == 2


def test_a_city_loads_its_own_lists(run, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    for number, name in ((1, "垃圾"), (1, "垃圾"), (2, "暴露垃圾")):
        path.write_text(f"system,code,name,kind,category,is_accepted\n12345,A1,{name},matter,E01-002,yes\n", "utf-8")
        code, said, _ = run("cases", "handovers", path)
        assert (code, said.split("（")[0]) == (0, f"{number} ")
    path.write_text("category,code,position,datatype,is_required,words\nE01-002,A,1,number,yes,几袋？\n", "utf-8")
    assert run("cases", "questions", path)[:2] == (0, "1 个问题 questions\n")
    path.write_text("category,code,position,datatype,is_required,words\nE09-01,A,1,number,yes,几袋？\n", "utf-8")
    code, _, error = run("cases", "questions", path)
    assert (code, "E09-01 of A is not in the catalogue" in error) == (2, True)
