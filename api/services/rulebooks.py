"""Rulebooks: listed, given as a file, and an edited file taken in as the next version."""

import re
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from api.errors import InvalidRequestError, MissingError
from api.services.life_circles import rule_body
from api.services.planners import require_planner
from data import audit
from data.errors import BadInputError, NotFoundError
from data.rules.store import BUILTIN, Rulebook, read_rulebook, store_rules
from data.rules.table import RuleFileError, read_rules, rules_csv
from layers.viewer import Viewer

_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_LIST = text("""
SELECT b.code, b.version, b.digest, b.source, b.created_at, count(r.code) AS rules
FROM rulebook b LEFT JOIN standard_rule r ON r.rulebook = b.code AND r.version = b.version
GROUP BY b.code, b.version ORDER BY b.code = 'builtin', b.code, b.version DESC
""")


def list_rulebooks(connection: Connection, viewer: Viewer) -> list[dict[str, Any]]:
    """Give all versions of all rulebooks, a city's own first, the newest first."""
    require_planner(viewer)
    return [dict(row._mapping) for row in connection.execute(_LIST)]


def get_rulebook(connection: Connection, viewer: Viewer, code: str, version: int) -> dict[str, Any]:
    """Give a version with its rules."""
    book = _find(connection, viewer, code, version)
    return {
        "code": book.code, "version": book.version, "digest": book.digest, "created_at": book.created_at,
        "rules": [rule_body(rule) for rule in book.rules],
    }  # fmt: skip


def as_file(connection: Connection, viewer: Viewer, code: str, version: int) -> tuple[bytes, str]:
    """Give a version as a CSV file, to be edited: its bytes and name."""
    book = _find(connection, viewer, code, version)
    return rules_csv(book.rules), f"rules-{book.code}-{book.version}.csv"


def put_rulebook(connection: Connection, viewer: Viewer, code: str, content: bytes) -> dict[str, Any]:
    """Take a file in as the next version of a rulebook; unchanged rules make none.

    Raises
    ------
    InvalidRequestError
        If the code will not do, or the file has faults: one sentence each, with row, field, value and limit.
    """
    require_planner(viewer)
    if code == BUILTIN or not _CODE.fullmatch(code):
        raise InvalidRequestError(
            f"code: {code} will not do; 1 to 40 small letters, digits, dots, dashes and underscores, and not {BUILTIN}"
        )
    with tempfile.TemporaryDirectory(prefix="yiwangtu-rules-") as folder:
        path = Path(folder) / "rules.csv"
        path.write_bytes(content)
        try:
            rules = read_rules(path)
        except RuleFileError as error:
            faults = tuple((fault.partition(":")[0], fault) for fault in error.faults)
            raise InvalidRequestError(f"faults of the file: {len(faults)}; nothing was loaded", faults) from error
        except BadInputError as error:
            raise InvalidRequestError("the file is no text in UTF-8 or GB 18030") from error
    book = store_rules(connection, code, rules, source=f"{code}.csv")
    subject = f"{book.code}@{book.version}"
    audit.record(connection, "rulebook.load", account_id=viewer.account_id, subject=subject, rules=len(rules))
    return get_rulebook(connection, viewer, book.code, book.version)


def _find(connection: Connection, viewer: Viewer, code: str, version: int) -> Rulebook:
    """Find a version."""
    require_planner(viewer)
    try:
        return read_rulebook(connection, code, version)
    except NotFoundError as error:
        raise MissingError(str(error)) from error
