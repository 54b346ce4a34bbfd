"""公示 notices of plans in scope."""

from sqlalchemy import Connection

from api.errors import ConflictError, MissingError
from api.services import plans
from api.services.planners import require_planner
from data.notice.content import Notice, read_notice
from data.notice.html import write_html
from data.notice.pdf import FontMissingError, write_pdf
from layers.viewer import Viewer


def read(connection: Connection, viewer: Viewer, plan_id: int, against: int | None) -> Notice:
    """Read what a notice says, as the viewer sees it.

    Raises
    ------
    MissingError
        If one of the two plans is not there or not in scope.
    """
    require_planner(viewer)
    if against is not None:
        plans.get(connection, viewer, against)
    notice = read_notice(connection, plan_id, against)
    if notice is None:
        raise MissingError(f"there is no plan {plan_id}")
    return notice


def as_html(notice: Notice, approval: str) -> bytes:
    """Write one HTML file that opens offline."""
    return write_html(notice, approval=approval).encode()


def as_pdf(notice: Notice, approval: str) -> bytes:
    """Write a PDF for paper.

    Raises
    ------
    ConflictError
        If this server has no font with Chinese glyphs.
    """
    try:
        return write_pdf(notice, approval=approval)
    except FontMissingError as error:
        raise ConflictError(str(error)) from error
