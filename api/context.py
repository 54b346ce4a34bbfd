"""What one running server holds; made in `api.main.create_app`, reached by routes through `ContextDep`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from api.metrics import Metrics
from api.reading import Reader
from api.services.calendar import Calendar
from api.services.figures import FigureBook
from api.services.jobs import JobRunner
from api.services.live import LiveHub
from api.services.publicmap import PublicMap
from api.services.reportgate import ReportGate
from api.services.revisions import Revisions
from api.services.sessions import Sessions
from api.services.tiles import Tiles
from api.services.tokens import Tokens
from api.services.uploads import Uploads
from api.services.webhooks import Courier
from api.settings import Settings
from data.catalogue.orders import OrderKind
from data.photos.store import PhotoStore
from data.statistics.definitions import Indicator
from layers.viewer import ANONYMOUS, Viewer


@dataclass(frozen=True)
class Context:
    """The server's settings and its bounded connections to the database.

    Attributes
    ----------
    settings
        Read once at the start.
    engine
        Of the app's role, which owns no table: use it through `data.scope.scoped(engine, viewer)`.
    background
        The same role's connections for the live stream and the jobs.
    reader
        Runs database work off the event loop and cancels it when the client goes.
    revisions
        The layers' newest revisions.
    tiles
        Ready tiles in memory, and the making of others.
    figures
        The key figures of areas.
    metrics
        Numbers for Prometheus.
    sessions
        Who is signed in.
    tokens
        Which other systems ask.
    live
        The stream of what happens, and its subscribers.
    runner
        Runs the queued jobs.
    calendar
        Puts approved plans in force on their day.
    courier
        Tells other systems what became of what they handed over.
    public_map
        What the public map says of each district.
    report_gate
        Counts what residents send without an account.
    photos
        Where the photos' bytes are kept.
    uploads
        Photos that have come in part.
    order_kinds
        What can be ordered from volunteers, by code.
    department_names
        English names of departments, by their own.
    indicators
        What the evaluation looks at, with the city's thresholds.
    """

    settings: Settings
    engine: Engine
    background: Engine
    reader: Reader
    revisions: Revisions
    tiles: Tiles
    figures: FigureBook
    metrics: Metrics
    sessions: Sessions
    tokens: Tokens
    live: LiveHub
    runner: JobRunner
    calendar: Calendar
    courier: Courier
    public_map: PublicMap
    report_gate: ReportGate
    photos: PhotoStore
    uploads: Uploads
    order_kinds: Mapping[str, OrderKind]
    department_names: Mapping[str, str]
    indicators: tuple[Indicator, ...]


# Dependencies are coroutines: FastAPI runs plain functions on threads, which costs a request more than they do.
async def get_context(request: Request) -> Context:
    """Give the server's context to a route."""
    context: Context = request.app.state.context
    return context


async def get_viewer(request: Request) -> Viewer:
    """Give the reader's roles and scope to a route; the session middleware found them."""
    viewer: Viewer = getattr(request.state, "viewer", ANONYMOUS)
    return viewer


ContextDep = Annotated[Context, Depends(get_context)]
ViewerDep = Annotated[Viewer, Depends(get_viewer)]
