"""The scenes that an area's walls show in turn: a place, its layers, its figures, and for how long."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services.figures import FIGURES
from api.services.incidents import roles_at
from api.services.sessions import Session
from data import audit
from layers.registry import BY_NAME
from layers.viewer import EVERYWHERE, Viewer

MOST_SCENES = 40
EDITOR = "dispatcher"
Bounds = tuple[float, float, float, float]

_AREA = text(
    "SELECT id, code, name, path::text AS path, (SELECT map_scope()) @> path AS is_allowed FROM area WHERE code = :code"
)
_READ = text(
    "SELECT s.name, s.code, s.bounds, s.layers, s.figures, s.dwell_s, "
    "  coalesce(a.path, (SELECT g.path FROM grid g WHERE g.code = s.code AND g.is_effective LIMIT 1))::text AS path "
    "FROM scene s LEFT JOIN area a ON a.code = s.code WHERE s.area_id = :area_id ORDER BY s.position"
)
_INSIDE = text(
    "SELECT code FROM area WHERE code = ANY (:codes) AND path <@ CAST(:path AS ltree) "
    "UNION SELECT code FROM grid WHERE code = ANY (:codes) AND path <@ CAST(:path AS ltree) AND is_effective"
)
_WRITE = text(
    "INSERT INTO scene (area_id, path, position, name, code, bounds, layers, figures, dwell_s) "
    "VALUES (:area_id, CAST(:path AS ltree), :position, :name, :code, :bounds, :layers, :figures, :dwell_s)"
)


@dataclass(frozen=True)
class Scene:
    """What a wall shows for a while.

    Attributes
    ----------
    code
        Of the area or grid whose figures and lists are shown.
    bounds
        West, south, east, north of the map, degrees; None is the whole of the area.
    layers
        Map layers that are drawn.
    figures
        Key figures that are shown, in this order.
    dwell_s
        How long, seconds.
    path
        Where `code` lies today, as read; None where a later plan has no such grid.
    """

    name: str
    code: str
    bounds: Bounds | None
    layers: tuple[str, ...]
    figures: tuple[str, ...]
    dwell_s: int
    path: str | None = None


@dataclass(frozen=True)
class SceneList:
    """The scenes of an area in their order; `version` changes with them."""

    within: str
    version: str
    may_edit: bool
    scenes: tuple[Scene, ...]


def read_scenes(connection: Connection, session: Session, code: str) -> SceneList:
    """Read the scenes of an area's walls.

    Raises
    ------
    MissingError
        If there is no such area.
    ForbiddenError
        If it lies outside the reader's areas.
    """
    return _read(connection, session, _area(connection, session.viewer, code))


def replace_scenes(
    connection: Connection, session: Session, code: str, *, version: str, scenes: tuple[Scene, ...]
) -> SceneList:
    """Put other scenes in the place of those of `version`.

    Raises
    ------
    MissingError
        If there is no such area.
    ForbiddenError
        If the account is no dispatcher there.
    InvalidRequestError
        If a scene can't be shown; the message names it.
    ConflictError
        If somebody changed them meanwhile: what is there now comes with it.
    """
    area = _area(connection, session.viewer, code)
    if EDITOR not in roles_at(session, area.path, None):
        raise ForbiddenError("the scenes of a wall are arranged by a dispatcher of its area")
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:code, 15))"), {"code": code})
    known = _read(connection, session, area)
    if known.version != version:
        raise ConflictError("somebody else changed these scenes meanwhile", more={"current": asdict(known)})
    _check(connection, area, scenes)
    connection.execute(text("DELETE FROM scene WHERE area_id = :area_id"), {"area_id": area.id})
    for position, scene in enumerate(scenes):
        values = {**asdict(scene), "area_id": area.id, "path": area.path, "position": position}
        values |= {name: list(values[name]) for name in ("layers", "figures")}
        values["bounds"] = None if scene.bounds is None else list(scene.bounds)
        connection.execute(_WRITE, values)
    audit.record(connection, "scenes.replace", account_id=session.account_id, subject=code, count=len(scenes))
    return _read(connection, session, area)


def _area(connection: Connection, viewer: Viewer, code: str) -> Row[Any]:
    """Find the area whose walls are meant."""
    area = connection.execute(_AREA, {"code": code}).one_or_none()
    if area is None:
        raise MissingError(f"there is no area with the code {code!r}")
    if not area.is_allowed and EVERYWHERE not in viewer.map_scope:
        raise ForbiddenError(f"{code!r} is outside your areas")
    return area


def _read(connection: Connection, session: Session, area: Row[Any]) -> SceneList:
    """Read the scenes and make their version from what they say."""
    rows = connection.execute(_READ, {"area_id": area.id}).all()
    scenes = tuple(
        Scene(
            row.name, row.code, row.bounds and tuple(row.bounds), tuple(row.layers), tuple(row.figures), row.dwell_s,
            row.path,
        )
        for row in rows
    )  # fmt: skip
    written = [tuple(row)[:-1] for row in rows]  # without the path, which is not the operator's
    version = hashlib.sha256(orjson.dumps(written)).hexdigest()[:16]
    return SceneList(str(area.code), version, EDITOR in roles_at(session, area.path, None), scenes)


def _check(connection: Connection, area: Row[Any], scenes: tuple[Scene, ...]) -> None:
    """Refuse scenes that a wall can't show."""
    codes = sorted({scene.code for scene in scenes})
    inside = set(connection.execute(_INSIDE, {"codes": codes, "path": area.path}).scalars())
    errors = [
        (f"scenes.{number}.{field}", why)
        for number, scene in enumerate(scenes)
        for field, why in _faults(scene, area, inside)
    ]
    if errors:
        raise InvalidRequestError("; ".join(f"{field!r} {why}" for field, why in errors), tuple(errors))


def _faults(scene: Scene, area: Row[Any], inside: set[str]) -> list[tuple[str, str]]:
    """Say what is wrong with a scene, by field."""
    found = []
    if scene.code not in inside:
        found.append(("code", f"{scene.code!r} is no area or grid inside {area.code!r}"))
    if scene.bounds and not (scene.bounds[0] < scene.bounds[2] and scene.bounds[1] < scene.bounds[3]):
        found.append(("bounds", "must be west,south,east,north with west < east and south < north"))
    for field, known in (("layers", BY_NAME), ("figures", FIGURES)):
        values = getattr(scene, field)
        found += [(field, f"{value!r} is not one of {', '.join(known)}") for value in values if value not in known]
        if len(set(values)) < len(values):
            found.append((field, "names one twice"))
    return found
