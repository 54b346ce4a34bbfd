"""The built pages: hashed files are kept for ever, pages are asked for again each time.

The public one is a shell that `api.routes.publicpages` fills.
"""

import os

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.settings import Settings

PAGES = ("screen", "planner", "worker", "desk", "public")
FILLED = "public"
IMMUTABLE = "public, max-age=31536000, immutable"


class _Files(StaticFiles):
    """Files of the build with a caching rule."""

    def __init__(self, settings: Settings, folder: str, cache_control: str) -> None:
        self._built = settings.web_dir
        self._cache_control = cache_control
        super().__init__(directory=settings.web_dir / folder, html=True, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = self._cache_control
        return response

    async def check_config(self) -> None:
        if not self._built.is_dir():
            raise HTTPException(404, "The pages are not built; run: make web")


def routes(settings: Settings) -> list[BaseRoute]:
    """Make the routes of the pages and of the files at the root of the build."""
    at_root = _Files(settings, "", "no-cache")

    async def root(request: Request) -> Response:
        return RedirectResponse("/public/")

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name in PAGES:
            return RedirectResponse(f"/{name}/")
        await at_root.check_config()
        if not os.path.isfile(settings.web_dir / name):
            raise HTTPException(404, f"There is nothing at /{name}.")
        return await at_root.get_response(name, request.scope)

    return [
        Route("/", root),
        Mount("/assets", _Files(settings, "assets", IMMUTABLE)),
        *(Mount(f"/{page}", _Files(settings, page, "no-cache")) for page in PAGES if page != FILLED),
        Route("/{name}", file),
    ]
