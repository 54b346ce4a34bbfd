"""Is the process alive, is the server ready, and what do its numbers say."""

import contextlib
import hmac

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from api.context import ContextDep
from api.errors import ForbiddenError, UnavailableError
from api.problems import problems
from api.services.sessions import utc_now
from data.integrations.webhooks import COURIER, Webhook, read_webhooks
from data.migrate import is_current
from layers.viewer import ANONYMOUS

router = APIRouter(tags=["health"])
LOOPBACK = frozenset({"127.0.0.1", "::1", "testclient"})


class Health(BaseModel):
    """The word that says it works."""

    status: str


@router.get("/healthz", responses=problems())
async def healthz() -> Health:
    """Whether the process answers. Anyone may call."""
    return Health(status="ok")


@router.get("/readyz", responses=problems())
async def readyz(request: Request, context: ContextDep) -> Health:
    """Whether the database answers and stands at the newest migration; 503 when not. Anyone may call."""
    if not await context.reader.run(ANONYMOUS, lambda connection: is_current(connection.engine), request.receive):
        raise UnavailableError("the database is not at the newest migration")
    return Health(status="ready")


@router.get(
    "/metrics",
    response_class=Response,
    responses={**problems("forbidden"), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, context: ContextDep) -> Response:
    """Numbers in Prometheus's text format, for callers on this machine or with the metrics token.

    Where the database does not answer, what waits for webhooks is left out.
    """
    token = context.settings.metrics_token
    given = request.headers.get("authorization", "")
    if token is not None:
        is_allowed = hmac.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode())
    else:
        host = request.client.host if request.client else "127.0.0.1"
        is_allowed = host in LOOPBACK and "x-forwarded-for" not in request.headers
    if not is_allowed:
        raise ForbiddenError("the numbers are for this machine or for holders of the metrics token")
    found: tuple[Webhook, ...] = ()
    with contextlib.suppress(SQLAlchemyError):
        found = await context.reader.run(COURIER, read_webhooks, request.receive)
    context.metrics.show_queue(found, utc_now())
    return Response(context.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
