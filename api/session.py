"""Who asks: the session behind a request's cookie, and the token that every change must carry."""

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import CsrfError, NotSignedInError
from api.services.sessions import Session, Sessions
from layers.viewer import ANONYMOUS

COOKIE = "yiwangtu_session"
CSRF_HEADER = "x-csrf-token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN = frozenset({"/api/session", "/api/session/kiosk"})
ASKING = ("/api/", "/tiles/", "/live")
PUBLIC = "/api/public/"  # the same for everybody: nobody's cookie is looked at


class SessionMiddleware:
    """Puts `viewer` and `session` into the request's state; refuses changes that another site may have sent."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state["viewer"], state["session"] = ANONYMOUS, None
            if scope["path"].startswith(ASKING) and not scope["path"].startswith(PUBLIC):
                headers = Headers(scope=scope)
                session = await self._find(headers)
                if session is not None:
                    state["viewer"], state["session"] = session.viewer, session
                if scope["method"] not in READING:
                    _check_change(scope, headers, session)
        await self._app(scope, receive, send)

    async def _find(self, headers: Headers) -> Session | None:
        """Find the session of the request's cookie."""
        token = _cookie(headers)
        if not token:
            return None
        return self._sessions.cached(token) or await run_in_threadpool(self._sessions.find, token)


def _cookie(headers: Headers) -> str | None:
    """Read the session's cookie."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel and len(morsel.value) <= 200 else None


def _check_change(scope: Scope, headers: Headers, session: Session | None) -> None:
    """Refuse a change without the session's token, and a sign-in that comes from another site."""
    if scope["method"] == "POST" and scope["path"] in SIGN_IN:
        if not is_same_site(headers):
            raise CsrfError("a sign-in must come from this site's own pages")
        return
    given = headers.get(CSRF_HEADER, "")
    if session is not None and not hmac.compare_digest(given.encode(), session.csrf_token.encode()):
        raise CsrfError("a change needs the session's token in the header X-CSRF-Token; GET /api/session gives it")


def is_same_site(headers: Headers) -> bool:
    """Tell whether a browser says that a request comes from our own pages; other clients say nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def address_of(request: Request) -> str:
    """Name the client's address; behind an HTTPS front uvicorn reads it from the front's header."""
    return request.client.host if request.client else ""


async def get_session(request: Request) -> Session:
    """Give the session to a route that needs an account."""
    session: Session | None = request.state.session
    if session is None:
        raise NotSignedInError("请先登录 Please sign in")
    return session


SessionDep = Annotated[Session, Depends(get_session)]
