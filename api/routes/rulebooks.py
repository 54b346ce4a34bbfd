"""Rulebooks: listed, downloaded, edited as a file and taken in again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.routes.exchange import download
from api.routes.life_circles import RuleBody
from api.routes.planning import PLANNER
from api.services import rulebooks
from api.services.planners import require_planner

router = APIRouter(prefix="/api/rulebooks", tags=["life circles"])
Code = Annotated[str, Path(min_length=1, max_length=40)]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]


class RulebookHead(BaseModel):
    """One version of a rulebook; it never changes."""

    code: str
    version: int
    digest: str
    source: str | None
    created_at: datetime
    rules: int


class RulebookList(BaseModel):
    """All versions, a city's own first, the newest first."""

    rulebooks: list[RulebookHead]


class RulebookBody(BaseModel):
    """One version with its rules."""

    code: str
    version: int
    digest: str
    created_at: datetime
    rules: list[RuleBody]


@router.get("", responses=problems(*PLANNER))
async def list_rulebooks(request: Request, context: ContextDep, viewer: ViewerDep) -> RulebookList:
    """List all versions of all rulebooks. Planners."""
    found = await context.reader.run(viewer, lambda c: rulebooks.list_rulebooks(c, viewer), request.receive)
    return RulebookList(rulebooks=[RulebookHead.model_validate(one) for one in found])


@router.get("/{code}/{version}", responses=problems(*PLANNER, "not_found"))
async def get_rulebook(
    request: Request, context: ContextDep, viewer: ViewerDep, code: Code, version: Version
) -> RulebookBody:
    """Give a version with its rules. Planners."""
    found = await context.reader.run(
        viewer, lambda c: rulebooks.get_rulebook(c, viewer, code, version), request.receive
    )
    return RulebookBody.model_validate(found)


@router.get(
    "/{code}/{version}/rules.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(*PLANNER, "not_found")},
)
async def get_rulebook_file(
    request: Request, context: ContextDep, viewer: ViewerDep, code: Code, version: Version
) -> Response:
    """Give a version as a CSV file, to be edited. Planners."""
    content, name = await context.reader.run(
        viewer, lambda c: rulebooks.as_file(c, viewer, code, version), request.receive
    )
    return download(content, name, "text/csv; charset=utf-8")


@router.put(
    "/{code}",
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
    responses=problems(*PLANNER, "csrf_failed", "too_large"),
)
async def put_rulebook(request: Request, context: ContextDep, viewer: ViewerDep, code: Code) -> RulebookBody:
    """Take an edited CSV file in as the next version; unchanged rules make none. Planners."""
    require_planner(viewer)  # before the body is read
    content = await request.body()  # the edge stops it at the limit
    made = await context.reader.run(viewer, lambda c: rulebooks.put_rulebook(c, viewer, code, content), request.receive)
    return RulebookBody.model_validate(made)
