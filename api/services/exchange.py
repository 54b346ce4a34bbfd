"""Plans out as files and back in as drafts."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, text

from api.errors import ForbiddenError, InvalidRequestError, MissingError
from api.services import plans
from api.services.planners import require_planner
from api.services.live import covers
from api.services.rebalancing import RebalanceParameters, settle
from data import audit, planning
from data.errors import BadInputError, NotFoundError
from data.exchange.reading import UploadedPlan, read_plan
from data.exchange.resolving import Assignment, resolve
from data.exchange.sheet import read_sheet
from data.exchange.storing import store_draft
from data.exchange.writing import WRITERS
from data.imports.faults import short
from data.planning import Place
from layers.viewer import Viewer

MAX_NAME_CHARS = 100
LARGEST_SEED = 2**32 - 1


def export(connection: Connection, viewer: Viewer, plan_id: int, kind: str) -> tuple[bytes, str, str]:
    """Write a plan in scope as a file: its bytes, name and media type."""
    require_planner(viewer)
    writer, suffix, media_type = WRITERS[kind]
    sheet = read_sheet(connection, plan_id)
    if sheet is None:
        raise MissingError(f"there is no plan {plan_id}")
    try:
        content = writer(sheet)
    except BadInputError as error:
        raise InvalidRequestError(str(error)) from error
    return content, f"{sheet.facts['name']}{suffix}", media_type


def import_plan(connection: Connection, viewer: Viewer, content: bytes, *, within: str, name: str | None) -> plans.Plan:
    """Store an uploaded plan as a draft of an area in scope.

    Raises
    ------
    InvalidRequestError, MissingError, ForbiddenError
        If the file cannot be used (one sentence with row, field and value), or the area is not there or not in scope.
    """
    area = own_area(connection, viewer, within)
    try:
        uploaded = read_plan(content)
        units = planning.read_units(connection, area.path)
        units = units[units["community"].notna()].reset_index(drop=True)
        assignment = resolve(units, uploaded, within=area.code)
    except BadInputError as error:
        raise InvalidRequestError(str(error)) from error
    facts = {
        "scheme_id": _scheme_of(connection, uploaded),
        "name": name or _name_of(uploaded) or f"{area.name}导入方案",
        "parameters": settle(connection, area, _parameters_of(uploaded)),
        "seed": _seed_of(uploaded),
        "locks": _locks_of(uploaded, assignment, set(units["code"])),
        "created_by": login_of(connection, viewer),
    }
    plan_id = store_draft(connection, area, units, assignment, facts, names=uploaded.grid_names)
    audit.record(connection, "plan.import", account_id=viewer.account_id, subject=str(plan_id), within=area.code)
    return plans.get(connection, viewer, plan_id)


def own_area(connection: Connection, viewer: Viewer, code: str) -> Place:
    """Find an area of the planner's scope."""
    require_planner(viewer)
    try:
        area = planning.find_area(connection, code)
    except NotFoundError as error:
        raise MissingError(str(error)) from error
    if not covers(viewer.map_scope, area.path):
        raise ForbiddenError(f"{area.name} ({area.code}) lies outside your area")
    return area


def login_of(connection: Connection, viewer: Viewer) -> str | None:
    """Name the viewer's account."""
    login: str | None = connection.execute(
        text("SELECT login FROM account WHERE id = :id"), {"id": viewer.account_id}
    ).scalar()
    return login


def _scheme_of(connection: Connection, uploaded: UploadedPlan) -> int:
    """Find the scheme that the file names; without a name, the one in use."""
    code = uploaded.facts.get("scheme")
    if code is None:
        return planning.scheme_in_use(connection)
    found = connection.execute(text("SELECT id FROM grid_scheme WHERE code = :code"), {"code": str(code)}).scalar()
    if found is None:
        raise InvalidRequestError(f"{uploaded.title}, plan, scheme: there is no grid scheme {short(code)}")
    return int(found)


def _name_of(uploaded: UploadedPlan) -> str | None:
    """Read the plan's name."""
    name = uploaded.facts.get("name")
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InvalidRequestError(
            f"{uploaded.title}, plan, name: {short(name)} is no printable text of at most {MAX_NAME_CHARS} characters"
        )
    return name


def _seed_of(uploaded: UploadedPlan) -> int:
    """Read the seed."""
    seed = uploaded.facts.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= LARGEST_SEED:
        raise InvalidRequestError(
            f"{uploaded.title}, plan, seed: {short(seed)} is no whole number from 0 to {LARGEST_SEED}"
        )
    return seed


def _parameters_of(uploaded: UploadedPlan) -> dict[str, Any]:
    """Check the parameters and keep those that the product knows, as they were given."""
    given = uploaded.facts.get("parameters", {})
    if not isinstance(given, dict):
        raise InvalidRequestError(f"{uploaded.title}, plan, parameters: {short(given)} is no object")
    known = {name: given[name] for name in given if name in RebalanceParameters.model_fields and name != "base_plan"}
    try:
        return RebalanceParameters(**known).model_dump()
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(["parameters", *map(str, fault["loc"])])
        raise InvalidRequestError(
            f"{uploaded.title}, plan, {field}: {short(fault['input'])}: {fault['msg']}"
        ) from error


def _locks_of(uploaded: UploadedPlan, assignment: Assignment, units: set[str]) -> dict[str, list[str]]:
    """Read which grids and units are locked; each must be one of the plan's."""
    given = uploaded.facts.get("locks") or {}
    locks: dict[str, list[str]] = {}
    for kind, known in (("grids", set(assignment.grids)), ("units", units)):
        codes = given.get(kind, []) if isinstance(given, dict) else None
        if not isinstance(codes, list) or not known.issuperset(map(str, codes)):
            raise InvalidRequestError(
                f"{uploaded.title}, plan, locks: {short(given)} names {kind} that the plan has not"
            )
        locks[kind] = sorted(map(str, codes))
    return locks
