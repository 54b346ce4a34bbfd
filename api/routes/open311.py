"""Open311 GeoReport v2: its own shapes in JSON and XML, errors too, so it is no part of the API's document."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import psycopg2
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.context import ContextDep
from api.errors import ForbiddenError, InvalidRequestError, MissingError, ServiceError
from api.problems import request_id_of, respond
from api.query import FREE
from api.services import open311, open311intake
from api.services.sessions import utc_now
from api.session import address_of
from api.spark import answer
from layers.viewer import ANONYMOUS

FORM = "application/x-www-form-urlencoded"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Open311Route(APIRoute):
    """A route whose refusals are in the shape of GeoReport v2."""

    def get_route_handler(self) -> Handler:
        """Wrap the route's handler."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                _check_form(request.path_params["form"])
                return await handler(request)
            except (ServiceError, HTTPException, RequestValidationError, SQLAlchemyError, psycopg2.Error) as exc:
                return _refusal(request, exc)

        return answered


router = APIRouter(prefix="/open311/v2", route_class=Open311Route, include_in_schema=False)
_free: dict[str, Any] = {"openapi_extra": {FREE: True}}  # GeoReport's clients send parameters of their own


@router.get("/discovery.{form}", **_free)
async def read_discovery(form: str, request: Request, context: ContextDep) -> Response:
    """Say what there is, and where. Anyone may call."""
    base = (context.settings.public_url or str(request.base_url)).rstrip("/")

    def work(connection: Connection) -> dict[str, Any]:
        return open311.discovery(connection, f"{base}/open311/v2")

    return answer(form, "discovery", await context.reader.run(ANONYMOUS, work, request.receive))


@router.get("/services.{form}", **_free)
async def list_services(form: str, request: Request, context: ContextDep) -> Response:
    """List what may be reported. Anyone may call."""

    def work(connection: Connection) -> list[dict[str, Any]]:
        open311.find_jurisdiction(connection, _jurisdiction(request))
        return open311.services(connection)

    return answer(form, "services", await context.reader.run(ANONYMOUS, work, request.receive))


@router.get("/services/{code}.{form}", **_free)
async def read_service(code: str, form: str, request: Request, context: ContextDep) -> Response:
    """Say what is asked about a kind of request. Anyone may call."""

    def work(connection: Connection) -> dict[str, Any]:
        open311.find_jurisdiction(connection, _jurisdiction(request))
        return open311.definition(connection, code)

    return answer(form, "service_definition", await context.reader.run(ANONYMOUS, work, request.receive))


@router.post("/requests.{form}", **_free)
async def submit_request(form: str, request: Request, context: ContextDep) -> Response:
    """Take a request in. Apps with a key may call."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise InvalidRequestError(f"the body must be {FORM}, not {kind[:80] or 'of no type'}")
    sent = open311intake.read_form(await request.body())
    key = sent.get("api_key")
    if not 1 <= len(key) <= 200:
        raise ForbiddenError("api_key was not provided; the operators of this map give keys")
    client = await run_in_threadpool(context.tokens.find, key, "open311", address_of(request))
    now = utc_now()

    def work(connection: Connection) -> list[dict[str, Any]]:
        return open311intake.submit(connection, client, sent, now)

    made = await context.reader.run(client.viewer, work, request.receive)
    return answer(form, "service_requests", made, status=201)


@router.get("/requests.{form}", **_free)
async def list_requests(form: str, request: Request, context: ContextDep) -> Response:
    """List requests that came in this way, without words and with places rounded. Anyone may call."""
    given = {name: request.query_params.getlist(name) for name in request.query_params}
    asked = open311.read_asked(given, utc_now())

    def work(connection: Connection) -> list[dict[str, Any]]:
        return open311.requests(connection, asked, open311.find_jurisdiction(connection, _jurisdiction(request)))

    return answer(form, "service_requests", await context.reader.run(ANONYMOUS, work, request.receive))


@router.get("/requests/{code}.{form}", **_free)
async def read_request(code: str, form: str, request: Request, context: ContextDep) -> Response:
    """Give one request that came in this way. Anyone may call."""

    def work(connection: Connection) -> list[dict[str, Any]]:
        area = open311.find_jurisdiction(connection, _jurisdiction(request))
        return open311.one_request(connection, code, area, utc_now())

    return answer(form, "service_requests", await context.reader.run(ANONYMOUS, work, request.receive))


@router.get("/tokens/{token}.{form}", **_free)
async def read_token(token: str, form: str, request: Request, context: ContextDep) -> Response:
    """Give the number behind a token: requests are numbered at once, so it is the number itself. Anyone may call."""

    def work(connection: Connection) -> list[dict[str, Any]]:
        area = open311.find_jurisdiction(connection, _jurisdiction(request))
        try:
            (found,) = open311.one_request(connection, token, area, utc_now())
        except MissingError:
            raise MissingError(f"token {token} was not found") from None
        return [{"service_request_id": found["service_request_id"], "token": token}]

    return answer(form, "service_requests", await context.reader.run(ANONYMOUS, work, request.receive))


def _check_form(form: str) -> None:
    """Refuse formats that there are not."""
    if form not in ("json", "xml"):
        raise MissingError(f"the format {form} was not found; there are json and xml")


def _jurisdiction(request: Request) -> str:
    """Read the jurisdiction of a query; "" is every one."""
    return request.query_params.get("jurisdiction_id", "").strip()


def _refusal(request: Request, exc: Exception) -> Response:
    """Answer an error: one entry a fault; a missing or bad key is 403."""
    problem = respond(exc, request_id_of(request))
    told = orjson.loads(problem.body)
    status = 403 if problem.status_code == 401 else problem.status_code
    said = [f"{one['field']} {one['message']}" for one in told.get("errors", ())] or [told["detail"]]
    headers = {name: value for name, value in problem.headers.items() if name == "retry-after"}
    form = "json" if request.path_params["form"] == "json" else "xml"
    errors = [{"code": status, "description": one} for one in said]
    return answer(form, "errors", errors, status=status, headers=headers)
