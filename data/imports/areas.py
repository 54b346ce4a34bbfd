"""Areas after a merge: what lies under an area that moved in the tree moves with it."""

from sqlalchemy import Connection, text

from data.imports.faults import FaultLog

_WITH_PATH = (
    "area", "compound", "unit", "road", "barrier", "grid", "facility", "sorting_zone", "incident", "service_gap",
    "plan", "job", "membership", "crosswalk",
)  # fmt: skip
_CLASHES = """
SELECT s."row", s.code, t.code FROM import_stage s JOIN area t ON t.path = s.path AND t.code <> s.code
UNION ALL
SELECT s."row", s.code, e.code FROM import_stage s JOIN import_stage e ON e.path = s.path AND e.code <> s.code
WHERE e."row" < s."row" ORDER BY 1
"""
_MOVED = "SELECT t.path::text, s.path::text FROM area t JOIN import_stage s USING (code) WHERE t.path <> s.path"


def log_clashes(connection: Connection, log: FaultLog) -> None:
    """Log codes that would have the path of another code: they differ in characters that a path cannot hold only."""
    for row, code, other in connection.execute(text(_CLASHES)):
        said = f"differs from {other} only in characters other than A-Z, a-z, 0-9 and _"
        log.add([row], "code", [code], said, kind="duplicate")


def find_moves(connection: Connection) -> list[tuple[str, str]]:
    """List the paths that the merge will change, old and new; ask before the merge."""
    return [(old, new) for old, new in connection.execute(text(_MOVED))]


def move_contents(connection: Connection, moves: list[tuple[str, str]]) -> None:
    """Give everything under the areas that moved its new path."""
    for old, new in moves:
        for table in _WITH_PATH:
            connection.execute(
                text(
                    f'UPDATE "{table}" SET path = CAST(:new AS ltree) || '
                    "CASE WHEN nlevel(path) > nlevel(CAST(:old AS ltree)) "
                    "THEN subpath(path, nlevel(CAST(:old AS ltree))) ELSE ''::ltree END "
                    "WHERE path <@ CAST(:old AS ltree)"
                ),
                {"old": old, "new": new},
            )
