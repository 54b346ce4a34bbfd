"""Plans out as files and back in as drafts."""

from typing import Any

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection, text

from api.errors import InvalidRequestError, MissingError
from api.services import plans
from api.services.planners import login_of, own_area, require_planner
from api.services.rebalancing import RebalanceParameters, settle
from data import audit, planning
from data.assigned import store_assigned
from data.drafts import Base, insert_plan, refresh
from data.errors import BadInputError
from data.exchange.reading import UploadedPlan, read_plan
from data.exchange.resolving import Assignment, resolve
from data.exchange.sheet import read_sheet
from data.exchange.writing import WRITERS
from data.imports.faults import short
from data.lots import ensure_drawn
from data.workload import find_scheme
from layers.viewer import Viewer

_NAMES = text(
    "UPDATE grid g SET name = n.name FROM unnest(CAST(:code AS text[]), CAST(:name AS text[])) AS n (code, name) "
    "WHERE g.plan_id = :id AND g.code = n.code"
)
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
        units = planning.read_placed_units(connection, area.path)
        assignment = resolve(units, uploaded, within=area.code)
    except BadInputError as error:
        raise InvalidRequestError(str(error)) from error
    settled = settle(connection, area, _parameters_of(uploaded))
    locks = _locks_of(uploaded, assignment, set(units["code"]))
    scheme = find_scheme(connection, settled["scheme"])
    base = Base(
        None, int(str(scheme["id"])), settled, _seed_of(uploaded), {}, locks, (settled["floor"], settled["ceiling"])
    )  # fmt: skip
    by = login_of(connection, viewer)
    ensure_drawn(connection, area)
    plan_id = insert_plan(
        connection, area, base, name=name or _name_of(uploaded) or f"{area.name}导入方案", by=by, status="draft"
    )
    grids = list(zip(assignment.grids, assignment.communities, strict=True))
    store_assigned(connection, plan_id, grids, units["id"].to_numpy(dtype=np.int64), assignment.grid_of_unit)
    if uploaded.grid_names:
        named = {"code": list(uploaded.grid_names), "name": list(uploaded.grid_names.values())}
        connection.execute(_NAMES, {"id": plan_id, **named})
    refresh(connection, plan_id, area, base, version=1, by=by, locks=locks)
    audit.record(connection, "plan.import", account_id=viewer.account_id, subject=str(plan_id), within=area.code)
    return plans.get(connection, viewer, plan_id)


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
    known |= {"scheme": uploaded.facts["scheme"]} if "scheme" in uploaded.facts else {}
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
