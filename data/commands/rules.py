"""`yiwangtu rules`: the rulebooks of life circles, to a file and from one."""

import json
import re
from pathlib import Path

import click
from sqlalchemy import text

from data.crosswalk.table import write_file
from data.engine import attached
from data.errors import BadInputError
from data.migrate import check_current
from data.rules.store import BUILTIN, Rulebook, parse_name, read_rulebook, store_builtin, store_rules
from data.rules.table import BUILTIN_FILE, RuleFileError, read_rules, rules_csv
from data.settings import DataSettings

_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")


@click.group("rules")
def command() -> None:
    """Export a rulebook to a CSV file, load an edited one as a new version, list what there is."""


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rules", "name", default=BUILTIN, show_default=True, metavar="CODE[@VERSION]", help="Rulebook to export."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export(file: Path, name: str, *, as_json: bool) -> None:
    """Write a rulebook to FILE (.csv), to be edited and loaded again. The built-in one needs no database."""
    if file.suffix.lower() != ".csv":
        raise BadInputError(f"the output {file} must end in .csv")
    code, version = parse_name(name)
    if (code, version) == (BUILTIN, None):
        rules, said = read_rules(BUILTIN_FILE), BUILTIN
    else:
        with attached(DataSettings()) as database:
            engine = database.owner_engine()
            check_current(engine)
            with engine.begin() as connection:
                book = read_rulebook(connection, code, version)
            engine.dispose()
        rules, said = book.rules, f"{book.code}@{book.version}"
    write_file(file, rules_csv(rules))
    _say({"rulebook": said, "rules": len(rules), "file": str(file)}, as_json=as_json)


@command.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "code", required=True, metavar="CODE", help="Rulebook to make or go on with; not builtin.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def load(file: Path, code: str, *, as_json: bool) -> int:
    """Load FILE as the next version of the rulebook CODE; a file with faults is not loaded, and each is said."""
    if code == BUILTIN or not _CODE.fullmatch(code):
        raise BadInputError(
            f"--as {code}: a code has 1 to 40 small letters, digits, dots, dashes and underscores and is not {BUILTIN}"
        )
    try:
        rules = read_rules(file)
    except RuleFileError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error), "faults": list(error.faults)}, ensure_ascii=False))
        for fault in error.faults:
            click.echo(f"yiwangtu: {file}: {fault}", err=True)
        return 2
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        check_current(engine)
        with engine.begin() as connection:
            book = store_rules(connection, code, rules, source=file.name)
        engine.dispose()
    _say(_told(book), as_json=as_json)
    return 0


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def listing(*, as_json: bool) -> None:
    """List the rulebooks of the database with all their versions."""
    with attached(DataSettings()) as database:
        engine = database.owner_engine()
        check_current(engine)
        with engine.begin() as connection:
            store_builtin(connection)
            names = connection.execute(text("SELECT code, version FROM rulebook ORDER BY 1, 2")).all()
            books = [_told(read_rulebook(connection, *name)) for name in names]
        engine.dispose()
    if as_json:
        click.echo(json.dumps({"rulebooks": books}, ensure_ascii=False))
        return
    for one in books:
        click.echo(f"{one['rulebook']}  {one['rules']} 条规则 rules  {one['created_at']}  {str(one['digest'])[:12]}")


def _told(book: Rulebook) -> dict[str, object]:
    """Say which version a rulebook is."""
    return {
        "rulebook": f"{book.code}@{book.version}", "rules": len(book.rules), "digest": book.digest,
        "created_at": book.created_at.isoformat(timespec="seconds"),
    }  # fmt: skip


def _say(told: dict[str, object], *, as_json: bool) -> None:
    """Print what was done."""
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(
            f"{told['rulebook']}: {told['rules']} 条规则 rules" + (f" → {told['file']}" if "file" in told else "")
        )
