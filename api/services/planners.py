"""Planners: what they may work on, and their names."""

from sqlalchemy import Connection, text

from api.errors import ForbiddenError, MissingError, NotSignedInError
from data.errors import NotFoundError
from data.planning import Place, find_area
from layers.viewer import Viewer, covers


def require_planner(viewer: Viewer) -> None:
    """Refuse all but planners."""
    if viewer.account_id is None:
        raise NotSignedInError("sign in as a planner first")
    if "planner" not in viewer.roles:
        raise ForbiddenError("only a planner may do this")


def own_area(connection: Connection, viewer: Viewer, code: str) -> Place:
    """Find an area of the planner's scope.

    Raises
    ------
    MissingError, ForbiddenError, NotSignedInError
        If there is no such area, it lies outside the scope, or the viewer is no planner.
    """
    require_planner(viewer)
    try:
        area = find_area(connection, code)
    except NotFoundError as error:
        raise MissingError(str(error)) from error
    if not covers(viewer.map_scope, area.path):
        raise ForbiddenError(f"{area.name} ({area.code}) lies outside your area")
    return area


def login_of(connection: Connection, viewer: Viewer) -> str | None:
    """Name the viewer's account."""
    login: str | None = connection.execute(
        text("SELECT login FROM account WHERE id = :id"), {"id": viewer.account_id}
    ).scalar()
    return login
