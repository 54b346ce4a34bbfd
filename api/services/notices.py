"""公示 notices of plans in scope."""

from datetime import date

from sqlalchemy import Connection

from api.errors import ConflictError, InvalidRequestError, MissingError
from api.services import plans
from api.services.planners import require_planner
from data.notice.content import Notice, read_notice
from data.notice.html import write_html
from data.notice.pdf import write_pdf
from data.notice.wording import Terms
from data.printing.typeset import FontMissingError
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


def check_terms(opens_on: date | None, closes_on: date | None, feedback: str) -> Terms:
    """Make the terms of a notice.

    Raises
    ------
    InvalidRequestError
        If the last day is before the first.
    """
    if opens_on and closes_on and closes_on < opens_on:
        raise InvalidRequestError(f"closes_on: {closes_on} is before the first day, {opens_on}")
    return Terms(opens_on, closes_on, feedback.strip())


def as_html(notice: Notice, approval: str, terms: Terms) -> bytes:
    """Write one HTML file that opens offline."""
    return write_html(notice, approval=approval, terms=terms).encode()


def as_pdf(notice: Notice, approval: str, terms: Terms) -> bytes:
    """Write a PDF for paper.

    Raises
    ------
    ConflictError
        If this server has no font with Chinese glyphs.
    """
    try:
        return write_pdf(notice, approval=approval, terms=terms)
    except FontMissingError as error:
        raise ConflictError(str(error)) from error
