"""Sign in, who am I, sign out."""

import ipaddress
from typing import Annotated

import anyio
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.context import Context, ContextDep
from api.errors import ForbiddenError
from api.problems import problems
from api.services.sessions import Session
from api.session import COOKIE, SessionDep, address_of

router = APIRouter(prefix="/api/session", tags=["session"])
HASHING_AT_ONCE = 2  # a hash takes 64 MB and a core; more at once would only wait for each other
_hashing = anyio.CapacityLimiter(HASHING_AT_ONCE)


class SignIn(BaseModel, extra="forbid"):
    """A login and its password."""

    login: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class KioskSignIn(BaseModel, extra="forbid"):
    """A wall screen's token."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class MembershipOut(BaseModel):
    """A role in an area; `department` for that role only."""

    role: str
    path: str
    code: str
    name: str
    department: str | None


class AccountOut(BaseModel):
    """A signed-in account."""

    login: str
    display_name: str
    memberships: list[MembershipOut]


class SessionOut(BaseModel):
    """Who is signed in, and the token that changes must carry in `X-CSRF-Token`; both null when nobody is."""

    account: AccountOut | None
    csrf_token: str | None


@router.post(
    "", status_code=201, responses=problems("invalid_credentials", "forbidden", "csrf_failed", "too_many_requests")
)
async def sign_in(body: SignIn, request: Request, response: Response, context: ContextDep) -> SessionOut:
    """Sign in with a password. Anyone may call; wrong tries are counted per account and per address."""
    _refuse_open_network(request, context)
    token, session = await anyio.to_thread.run_sync(
        context.sessions.sign_in, body.login, body.password, address_of(request), limiter=_hashing
    )
    _set_cookie(request, response, context, token)
    return await _describe(context, session)


@router.post(
    "/kiosk",
    status_code=201,
    responses=problems("invalid_credentials", "forbidden", "csrf_failed", "too_many_requests"),
)
async def sign_in_kiosk(body: KioskSignIn, request: Request, response: Response, context: ContextDep) -> SessionOut:
    """Sign a wall screen in with its token: read only. Anyone may call; wrong tries are counted per address."""
    _refuse_open_network(request, context)
    token, session = await run_in_threadpool(context.sessions.sign_in_kiosk, body.token, address_of(request))
    _set_cookie(request, response, context, token)
    return await _describe(context, session)


@router.get("", responses=problems())
async def read_session(request: Request, response: Response, context: ContextDep) -> SessionOut:
    """Say who is signed in. Anyone may call."""
    response.headers["cache-control"] = "no-store"
    session: Session | None = request.state.session
    return await _describe(context, session) if session else SessionOut(account=None, csrf_token=None)


@router.delete("", status_code=204, responses=problems("not_signed_in", "csrf_failed"))
async def sign_out(request: Request, response: Response, context: ContextDep, session: SessionDep) -> None:
    """End the session. Who is signed in may call."""
    await run_in_threadpool(context.sessions.sign_out, session)
    response.delete_cookie(COOKIE, path="/", secure=_is_secure(request, context), httponly=True, samesite="lax")
    response.headers["clear-site-data"] = '"cache"'


def _set_cookie(request: Request, response: Response, context: Context, token: str) -> None:
    """Give the session's cookie."""
    response.set_cookie(
        COOKIE, token, max_age=context.settings.session_limit_s, path="/", secure=_is_secure(request, context),
        httponly=True, samesite="lax",
    )  # fmt: skip
    response.headers["cache-control"] = "no-store"


async def _describe(context: Context, session: Session) -> SessionOut:
    """Say who is signed in, with the names of the areas."""
    places = await run_in_threadpool(context.sessions.places, session)
    memberships = [
        MembershipOut(role=one.role, path=one.path, code=one.code, name=one.name, department=one.department)
        for one in places
    ]
    account = AccountOut(login=session.login, display_name=session.display_name, memberships=memberships)
    return SessionOut(account=account, csrf_token=session.csrf_token)


def _is_secure(request: Request, context: Context) -> bool:
    """Tell whether the cookie must travel over HTTPS only: everywhere but on this machine itself."""
    return context.settings.is_behind_https or not _is_loopback(request.url.hostname or "")


def _refuse_open_network(request: Request, context: Context) -> None:
    """Refuse passwords in the clear over a network: the cookie would not come back anyway."""
    if _is_secure(request, context) and not context.settings.is_behind_https:
        raise ForbiddenError(
            "非本机登录需要 HTTPS Sign-in from another machine needs HTTPS: put an HTTPS front before the server "
            "and set YIWANGTU_IS_BEHIND_HTTPS=1"
        )


def _is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
