"""The scenes of a wall."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.context import ContextDep
from api.problems import problems
from api.routes.incidents import Line
from api.services import scenes
from api.services.figures import require_staff
from api.session import SessionDep
from data.tables.scenes import LONGEST_S, SHORTEST_S

router = APIRouter(prefix="/api/scenes", tags=["wall"])
Code = Annotated[str, Path(min_length=1, max_length=100, description="Code of the area whose walls are meant.")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class SceneBody(BaseModel, extra="forbid"):
    """What a wall shows for a while; `bounds` is null for the whole of the area or grid `code`."""

    model_config = ConfigDict(from_attributes=True)

    name: Line
    code: Name
    bounds: tuple[Lon, Lat, Lon, Lat] | None
    layers: Annotated[list[Name], Field(max_length=30)]
    figures: Annotated[list[Name], Field(max_length=30)]
    dwell_s: Annotated[int, Field(ge=SHORTEST_S, le=LONGEST_S)]


class SceneOut(SceneBody):
    """A scene as it is kept; `path` is where `code` lies today, null where a later plan has no such grid."""

    path: str | None


class SceneListOut(BaseModel):
    """The scenes of an area in their order; `version` goes back with a change."""

    model_config = ConfigDict(from_attributes=True)

    within: str
    version: str
    may_edit: bool
    scenes: list[SceneOut]


class SceneListIn(BaseModel, extra="forbid"):
    """Scenes to put in the place of those of `version`."""

    version: Annotated[str, Field(max_length=64)]
    scenes: Annotated[list[SceneBody], Field(max_length=scenes.MOST_SCENES)]


@router.get("/{code}", responses=problems("not_signed_in", "forbidden", "not_found"))
async def read_scenes(request: Request, context: ContextDep, session: SessionDep, code: Code) -> SceneListOut:
    """List the scenes of an area's walls, for staff and the wall, inside their areas."""
    require_staff(session.viewer)
    found = await context.reader.run(
        session.viewer, lambda connection: scenes.read_scenes(connection, session, code), request.receive
    )
    return SceneListOut.model_validate(found)


@router.put("/{code}", responses=problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict"))
async def replace_scenes(
    request: Request, context: ContextDep, session: SessionDep, code: Code, body: SceneListIn
) -> SceneListOut:
    """Arrange the scenes of an area's walls: all of them, in their order. Dispatchers of the area.

    Scenes that somebody else changed meanwhile are answered 409, with what is there now as `current`.
    """
    given = tuple(
        scenes.Scene(one.name, one.code, one.bounds, tuple(one.layers), tuple(one.figures), one.dwell_s)
        for one in body.scenes
    )

    def work(connection: Any) -> scenes.SceneList:
        return scenes.replace_scenes(connection, session, code, version=body.version, scenes=given)

    return SceneListOut.model_validate(await context.reader.run(session.viewer, work, request.receive))
