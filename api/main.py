"""Build the server: `create_app(settings, database)`."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from importlib.metadata import version
from typing import Any

import psycopg2
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
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
from api.reading import ClientGoneError, Reader
from api.routes import ROUTERS
from api.services.calendar import Calendar
from api.services.figures import FigureBook
from api.services.jobs import JobRunner, load_bodies
from api.services.live import LiveHub, load_incidents
from api.services.publicmap import PublicMap
from api.services.reportgate import ReportGate
from api.services.revisions import Revisions
from api.services.sessions import Sessions, utc_now
from api.services.tiles import Tiles
from api.services.tokens import Tokens
from api.services.uploads import Uploads
from api.services.webhooks import Courier
from api.services.whistlenews import load_whistles
from api.session import SessionMiddleware
from api.settings import Settings
from api.tilegate import TileGate
from data.catalogue import departments, orders
from data.engine import Database
from data.photos.store import open_store
from data.statistics.definitions import city_indicators
from layers.errors import LayerError

BACKGROUND_CONNECTIONS = 6
BACKGROUND_TIMEOUT_S = 600
HANDLED = (
    HTTPException,
    RequestValidationError,
    ServiceError,
    LayerError,
    SQLAlchemyError,
    psycopg2.Error,
    ClientGoneError,
)


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
        context.live.start()
        context.runner.start()
        context.calendar.start()
        context.courier.start()
        try:
            yield
        finally:
            context.live.close()
            await run_in_threadpool(context.courier.close)
            await run_in_threadpool(context.calendar.close)
            await run_in_threadpool(context.runner.close)
            await run_in_threadpool(context.live.join)
            context.reader.close()
            context.engine.dispose()
            context.background.dispose()

    app = FastAPI(
        title="一网图 Yiwangtu", version=version("yiwangtu"), summary="One map for city grid governance",
        openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan,
        dependencies=[Depends(refuse_unknown_parameters)],
        middleware=[
            Middleware(Edge, settings=settings, metrics=context.metrics),
            Middleware(SessionMiddleware, sessions=context.sessions),
            Middleware(TileGate, tiles=context.tiles),
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
    # the city's own files are read once, and a faulty one is told at once, not when somebody asks
    indicators = city_indicators(settings.indicators)
    order_kinds = orders.read_order_kinds(settings.order_kinds or orders.FILE)
    department_names = departments.read_departments(settings.department_names or departments.FILE)
    engine = database.app_engine(pool_size=settings.pool_size, statement_timeout_s=settings.statement_timeout_s)
    # live stream and jobs have connections of their own: requests never wait for them, and jobs may take their time
    background = database.app_engine(pool_size=BACKGROUND_CONNECTIONS, statement_timeout_s=BACKGROUND_TIMEOUT_S)
    revisions = Revisions(engine)
    reader = Reader(engine, settings.pool_size)
    return Context(
        settings=settings,
        engine=engine,
        background=background,
        reader=reader,
        revisions=revisions,
        tiles=Tiles(reader, revisions, limit_bytes=settings.tile_cache_mb * 1_000_000, features=settings.tile_features),
        figures=FigureBook(reader),
        metrics=Metrics(engine),
        sessions=Sessions(engine, settings),
        tokens=Tokens(engine, settings),
        live=LiveHub(
            background,
            load_incidents=partial(load_incidents, background),
            load_jobs=partial(load_bodies, background),
            load_whistles=partial(load_whistles, background),
            on_revisions=revisions.update,
        ),
        runner=JobRunner(background, settings.job_workers, settings.dask_scheduler),
        calendar=Calendar(background, contact_days=settings.contact_days),
        courier=Courier(background),
        public_map=PublicMap(reader, revisions, settings),
        report_gate=ReportGate(settings, utc_now),
        photos=open_store(settings),
        uploads=Uploads(settings.data_dir, settings.photo_limit_mb * 1_000_000),
        order_kinds=order_kinds,
        department_names=department_names,
        indicators=indicators,
    )


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
