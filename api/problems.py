"""Problem details (RFC 9457): how every refusal looks on the wire and in the OpenAPI document."""

import logging
from typing import Any

import orjson
import psycopg2
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.errors import (
    ANSWERS,
    Answer,
    InvalidRequestError,
    MissingError,
    NotSignedInError,
    TooLargeError,
    TooManyRequestsError,
    UnavailableError,
)
from api.reading import ClientGoneError
from layers.errors import UnknownLayerError

logger = logging.getLogger("yiwangtu.api")

MEDIA_TYPE = "application/problem+json"
INTERNAL = Answer(500, "internal", "Internal error")
GONE = 499  # the client closed the connection, as nginx logs it
METHOD = Answer(405, "method_not_allowed", "Method not allowed")
_BY_STATUS = {
    400: InvalidRequestError, 401: NotSignedInError, 404: MissingError, 413: TooLargeError, 503: UnavailableError,
}  # fmt: skip
_HIDDEN = "Something went wrong here; the request's id names it in the log."


class FieldProblem(BaseModel):
    """One field that can't be used."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was refused. `code` is stable; `detail` is for people."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


class ProblemResponse(Response):
    """A refusal as `application/problem+json`."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        answer: Answer,
        detail: str,
        request_id: str,
        errors: tuple[tuple[str, str], ...] = (),
        headers: dict[str, str] | None = None,
        more: dict[str, object] | None = None,
    ) -> None:
        body: dict[str, Any] = {
            **(more or {}),
            "type": "about:blank",
            "title": answer.title,
            "status": answer.status,
            "detail": detail,
            "code": answer.code,
            "request_id": request_id,
        }
        if errors:
            body["errors"] = [{"field": field, "message": message} for field, message in errors]
        super().__init__(orjson.dumps(body), answer.status, {"cache-control": "no-store", **(headers or {})})


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Document the refusals of a route; `invalid_input`, `internal` and `unavailable` are every route's.

    Parameters
    ----------
    codes
        Stable codes of `api.errors`, such as "not_found".
    """
    known = {answer.code: answer for answer in (*ANSWERS.values(), INTERNAL, METHOD)}
    found: dict[int | str, dict[str, Any]] = {}
    for code in ("invalid_input", *codes, "too_many_requests", "internal", "unavailable"):
        answer = known[code]
        described = found.get(answer.status, {}).get("description")
        found[answer.status] = {
            "description": f"{described}; {answer.title} (`{code}`)" if described else f"{answer.title} (`{code}`)",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return found


def respond(exc: Exception, request_id: str) -> Response:
    """Turn any error into its answer. A 4xx says why; a 5xx shows only the request's id and logs the rest."""
    if isinstance(exc, RequestValidationError):
        return _invalid(exc, request_id)
    if isinstance(exc, HTTPException):
        return _http(exc, request_id)
    if isinstance(exc, ClientGoneError):
        return Response(status_code=GONE)  # nobody reads it
    answer = answer_of(exc)
    if answer.status >= 500:
        logger.error("request %s failed: %s", request_id, type(exc).__name__, exc_info=exc)
        detail = _HIDDEN if answer.code == "internal" else "The database is busy or away; please try again soon."
        return ProblemResponse(answer, detail, request_id)
    headers = {"retry-after": str(exc.retry_after_s)} if isinstance(exc, TooManyRequestsError) else None
    more = getattr(exc, "more", None)
    return ProblemResponse(answer, str(exc), request_id, getattr(exc, "errors", ()), headers, more)


def answer_of(exc: Exception) -> Answer:
    """Find the answer of an error's class; what nobody foresaw is `internal`."""
    for cls in type(exc).__mro__:
        if cls in ANSWERS:
            return ANSWERS[cls]
    if isinstance(exc, UnknownLayerError):
        return ANSWERS[MissingError]
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    if isinstance(cause, PoolTimeoutError | psycopg2.OperationalError | psycopg2.InterfaceError):
        return ANSWERS[UnavailableError]
    return INTERNAL


async def handle(request: Request, exc: Exception) -> Response:
    """Answer an error that a route raised."""
    return respond(exc, request_id_of(request))


def request_id_of(request: Request) -> str:
    """Read the id that the edge gave to a request."""
    request_id: str = getattr(request.state, "request_id", "")
    return request_id


def _invalid(exc: RequestValidationError, request_id: str) -> Response:
    """Name every field that can't be used."""
    errors = tuple(
        (".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0]), str(error["msg"]))
        for error in exc.errors()
    )
    detail = "; ".join(f"{field}: {message}" for field, message in errors)
    return ProblemResponse(ANSWERS[InvalidRequestError], detail, request_id, errors)


def _http(exc: HTTPException, request_id: str) -> Response:
    """Answer what the framework itself refused."""
    cls = _BY_STATUS.get(exc.status_code)
    answer = ANSWERS[cls] if cls else METHOD if exc.status_code == 405 else None
    if answer is None:
        answer = INTERNAL if exc.status_code >= 500 else ANSWERS[InvalidRequestError]
    return ProblemResponse(answer, str(exc.detail), request_id, headers=dict(exc.headers or {}))
