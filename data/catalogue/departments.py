"""English names of the bodies that handle incidents, as a CSV file; a body is known by its Chinese name."""

from pathlib import Path

from data.rules.table import RuleFileError, check_cell, read_table

FILE = Path(__file__).parent.parent / "reference" / "department.csv"
COLUMNS = ("name", "name_en", "note")
_REQUIRED = frozenset({"name", "name_en"})


def read_departments(path: Path = FILE) -> dict[str, str]:
    """Read English names by name.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    names: dict[str, str] = {}
    for row, cells in read_table(path, COLUMNS, _REQUIRED):
        for name in COLUMNS:
            check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
        if cells["name"] in names:
            faults.append(f"row {row}, name: {cells['name']} comes twice")
        names[cells["name"]] = cells["name_en"]
    if faults:
        raise RuleFileError(path, faults)
    return names
