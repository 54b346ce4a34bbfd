"""At which level an incident was solved: that of whoever resolved it (小事不出网格，大事不出社区)."""

from api.services.sessions import Session
from layers.tables import AREA_LEVELS, RESOLVED_LEVELS

_LEVEL_OF_ROLE = {"worker": "grid", "community": "community", "street": "street"}


def level_of(session: Session, path: str, department: str | None) -> str | None:
    """Find the level of an account that resolves an incident.

    A grid worker's is the grid, a community's and a street's their own, a department's that of the area it works in (a
    district's bureau: district). Who holds several of these roles at the place resolves at the lowest.

    Parameters
    ----------
    path, department
        The incident's.

    Returns
    -------
    level
        None where none of the account's roles resolves incidents there.
    """
    found = {
        _LEVEL_OF_ROLE[one.role] if one.role in _LEVEL_OF_ROLE else _level_of_path(one.path)
        for one in session.memberships
        if (not one.path or path == one.path or path.startswith(one.path + "."))
        and (one.role in _LEVEL_OF_ROLE or (one.role == "department" and one.department == department))
    }
    return min(found, key=RESOLVED_LEVELS.index, default=None)


def _level_of_path(path: str) -> str:
    """Name the level of an area by how deep its path is; everywhere counts as a district."""
    depth = len(path.split(".")) if path else 1
    return AREA_LEVELS[min(depth, len(AREA_LEVELS)) - 1]
