"""Reference tables that come with the product: the catalogue of incident categories."""

import csv
from pathlib import Path

from sqlalchemy import Connection, text

CATEGORY_FILE = Path(__file__).parent.parent / "reference" / "category.csv"
_COLUMNS = ("code", "parent", "name", "name_en", "department", "limit_hours", "note")
_UPSERT = """
INSERT INTO category AS c (code, parent, name, name_en, department, limit_hours, note)
VALUES (:code, :parent, :name, :name_en, :department, CAST(:limit_hours AS integer), :note)
ON CONFLICT (code) DO UPDATE SET (parent, name, name_en, department, limit_hours, note) =
  (excluded.parent, excluded.name, excluded.name_en, excluded.department, excluded.limit_hours, excluded.note)
WHERE (c.parent, c.name, c.name_en, c.department, c.limit_hours, c.note) IS DISTINCT FROM
  (excluded.parent, excluded.name, excluded.name_en, excluded.department, excluded.limit_hours, excluded.note)
"""


def load_categories(connection: Connection, path: Path = CATEGORY_FILE) -> int:
    """Bring the catalogue of incident categories into the database, in the caller's transaction.

    Returns
    -------
    changed
        How many categories were new or different.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [{name: row[name] or None for name in _COLUMNS} for row in csv.DictReader(file)]
    changed = 0
    for row in sorted(rows, key=lambda one: one["parent"] is not None):  # parents first: the tree has two levels
        changed += connection.execute(text(_UPSERT), row).rowcount
    return changed
