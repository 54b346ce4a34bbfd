"""Build the server: `create_app(settings, database)`."""

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api import pages
from api.context import Context
from api.edge import Edge
from api.errors import ServiceError
from api.metrics import Metrics
from api.problems import FieldProblem, Problem, handle
from api.query import refuse_unknown_parameters
from api.reading import Reader
from api.routes import ROUTERS
from api.services.revisions import Revisions
from api.settings import Settings
from data.engine import Database
from layers.errors import LayerError

HANDLED = (HTTPException, RequestValidationError, ServiceError, LayerError, SQLAlchemyError)


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Build the server over a database that is open and migrated.

    Parameters
    ----------
    settings
        Read once; nothing else looks at the environment.
    database
        Stays open as long as the app runs; the app connects as the role that owns no table.
    """
    context = _make_context(settings, database)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            context.reader.close()
            context.engine.dispose()

    app = FastAPI(
        title="一网图 Yiwangtu", version=version("yiwangtu"), summary="One map for city grid governance",
        openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan,
        dependencies=[Depends(refuse_unknown_parameters)],
        middleware=[
            Middleware(Edge, settings=settings, metrics=context.metrics),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers=dict.fromkeys(HANDLED, handle),
    )  # fmt: skip
    app.state.context = context
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(pages.routes(settings))
    app.openapi = lambda: _document(app, FastAPI.openapi)  # type: ignore[method-assign]
    return app


def _make_context(settings: Settings, database: Database) -> Context:
    """Make what the routes share."""
    engine = database.app_engine(pool_size=settings.pool_size, statement_timeout_s=settings.statement_timeout_s)
    return Context(settings, engine, Reader(engine, settings.pool_size), Revisions(engine), Metrics(engine))


def _document(app: FastAPI, generate: Any) -> dict[str, Any]:
    """Make the OpenAPI document true: malformed values are answered 400 as problem details, never 422."""
    if app.openapi_schema:
        return app.openapi_schema
    document: dict[str, Any] = generate(app)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (Problem, FieldProblem):
        schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas[model.__name__].pop("$defs", None)
    app.openapi_schema = document
    return document
