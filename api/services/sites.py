"""Siting answers, and candidates out of uploaded files."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from api.errors import InvalidRequestError, MissingError
from api.services.planners import require_planner
from data.errors import BadInputError
from data.siting.places import read_places
from layers.viewer import Viewer


def get_answer(connection: Connection, viewer: Viewer, job_id: UUID) -> dict[str, Any]:
    """Give the answer of a siting job in scope."""
    require_planner(viewer)
    answer: dict[str, Any] | None = connection.execute(
        text("SELECT answer FROM siting WHERE job_id = :id"), {"id": job_id}
    ).scalar()
    if answer is None:
        raise MissingError(f"there is no answer of a siting job {job_id}")
    return answer


def take_places(content: bytes) -> list[dict[str, Any]]:
    """Read candidates out of a file.

    Raises
    ------
    InvalidRequestError
        If the file cannot be used.
    """
    try:
        return [vars(one) for one in read_places(content)]
    except BadInputError as error:
        raise InvalidRequestError(str(error)) from error
