"""Drafts: copied from a plan or from today's grids, edited by hand, saved version by version."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from api.errors import ConflictError, InvalidRequestError
from api.services import plans
from api.services.planners import login_of, own_area
from api.services.plans import Plan
from data import audit
from data.drafts import Base, change_assignment, clashes, copy_plan, spent_codes
from data.workload import find_scheme
from layers.viewer import Viewer

NO_LOCKS: dict[str, list[str]] = {"grids": [], "units": []}


@dataclass(frozen=True)
class Edit:
    """What a planner did to a version of a draft.

    Attributes
    ----------
    moves
        Unit to the grid that it shall be in; None is no grid.
    grids
        Every grid after the edit, (code, community); a code that the draft has not is a new grid, and at most one may
        be "", for the server to name.
    locks
        Grids and units that a re-run leaves as they are; None leaves the locks as they are.
    """

    version: int
    moves: dict[str, str | None]
    grids: Sequence[tuple[str, str]]
    locks: dict[str, list[str]] | None = field(default=None)


def copy(connection: Connection, viewer: Viewer, *, base: int | None, within: str, name: str) -> Plan:
    """Make a draft of a plan, or of today's grids.

    Raises
    ------
    ConflictError, ForbiddenError, MissingError
        If the plan covers another area, or plan or area are not there or not in scope.
    """
    area = own_area(connection, viewer, within)
    if base is None:
        scheme = find_scheme(connection, None)
        band = {key: int(str(scheme[key])) for key in ("floor", "ceiling", "target")}
        parameters = {"scheme": scheme["code"], **band, "mode": "adjust", "weights": scheme["weights"]}
        source = Base(
            None, int(str(scheme["id"])), parameters, 0, {}, dict(NO_LOCKS), (band["floor"], band["ceiling"])
        )  # fmt: skip
    else:
        plan = plans.get(connection, viewer, base)
        if plan.within != area.code:
            raise ConflictError(
                f"plan {plan.id} covers {plan.area_name} ({plan.within}), not {area.name} ({area.code})"
            )
        source = _base(plan)
    plan_id = copy_plan(connection, area, source, name=name, by=login_of(connection, viewer))
    audit.record(connection, "plan.copy", account_id=viewer.account_id, subject=str(plan_id), base=base, name=name)
    return plans.get(connection, viewer, plan_id)


def restore(connection: Connection, viewer: Viewer, plan_id: int, *, name: str | None) -> Plan:
    """Make a draft with the assignment of an older plan: going back is a new plan, nothing is undone."""
    plan = plans.get(connection, viewer, plan_id)
    return copy(connection, viewer, base=plan.id, within=plan.within, name=name or f"{plan.name[:90]}（恢复）")


def save(connection: Connection, viewer: Viewer, plan_id: int, edit: Edit) -> Plan:
    """Write the next version of a draft, its outlines and figures drawn anew.

    Raises
    ------
    ConflictError
        If the plan is no draft, or somebody saved meanwhile: then `more` says who and which units both moved.
    InvalidRequestError
        If a unit or a grid is not known, or a new grid's code may not be given.
    """
    plan = plans.get(connection, viewer, plan_id, lock=True)
    if plan.status != "draft":
        raise ConflictError(f"plan {plan.id} is {plan.status}; only a draft can be edited")
    if edit.version != plan.version:
        raise _conflict(connection, plan, edit)
    moves, fresh = _resolved(connection, plan, edit)
    change_assignment(
        connection, plan.id, plan.area, _base(plan), version=plan.version + 1, by=login_of(connection, viewer),
        moves=moves, new_grids=fresh, locks=plan.locks if edit.locks is None else edit.locks,
    )  # fmt: skip
    audit.record(
        connection, "plan.edit", account_id=viewer.account_id, subject=str(plan.id), version=plan.version + 1,
        moves=len(moves),
    )  # fmt: skip
    return plans.get(connection, viewer, plan_id)


def _base(plan: Plan) -> Base:
    """Say what a copy or the next version of a plan takes over."""
    return Base(
        plan.id, plan.scheme_id, plan.parameters, plan.seed, plan.metrics, plan.locks, (plan.floor, plan.ceiling)
    )  # fmt: skip


def _conflict(connection: Connection, plan: Plan, edit: Edit) -> ConflictError:
    """Say who saved meanwhile, and which units both moved, to different grids."""
    theirs = clashes(connection, plan.id, edit.version, list(edit.moves))
    both = [
        {"unit": unit, "mine": edit.moves[unit], "theirs": grid}
        for unit, grid in theirs.items()
        if grid != edit.moves[unit]
    ]
    saved = {"version": plan.version, "by": plan.updated_by, "at": plan.updated_at.isoformat().replace("+00:00", "Z")}
    return ConflictError(
        f"plan {plan.id} is at version {plan.version}, not {edit.version}: {plan.updated_by} saved it meanwhile",
        more={"theirs": saved, "conflicts": both},
    )


def _resolved(
    connection: Connection, plan: Plan, edit: Edit
) -> tuple[dict[str, str | None], dict[str, str]]:  # fmt: skip
    """Check an edit against the draft; gives the moves and the new grids (code to community), all with codes."""
    there = dict(_rows(connection, "SELECT code, id FROM grid WHERE plan_id = :id", id=plan.id))
    inside = "SELECT code FROM area WHERE level = 'community' AND path <@ CAST(:path AS ltree)"
    communities = {code for (code,) in _rows(connection, inside, path=plan.path)}
    codes = [code for code, _ in edit.grids]
    if len(set(codes)) != len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise InvalidRequestError(f"grids: {twice!r} is given twice", (("grids", f"{twice!r} is given twice"),))
    fresh: dict[str, str] = {}
    for code, community in edit.grids:
        if community not in communities:
            raise InvalidRequestError(f"grids: {community!r} is no community of {plan.within}", (("grids", community),))
        if code not in there:
            fresh[code] = community
    spent = spent_codes(connection, {code: community for code, community in fresh.items() if code})
    if spent:
        raise InvalidRequestError(
            f"grids: {spent[0]!r} was a grid's code before; a code is never given to another grid",
            (("grids", spent[0]),),
        )
    names = {code: code for code in codes}
    if "" in fresh:
        names[""] = _next_code(connection, plan, fresh.pop(""), {*there, *codes})
        fresh[names[""]] = dict(edit.grids)[""]
    _check_units(connection, plan, list(edit.moves))
    lost = next((grid for grid in edit.moves.values() if grid is not None and grid not in names), None)
    if lost is not None:
        raise InvalidRequestError(f"moves: {lost!r} is not among the grids", (("moves", lost),))
    return {unit: None if grid is None else names[grid] for unit, grid in edit.moves.items()}, fresh


def _check_units(connection: Connection, plan: Plan, units: list[str]) -> None:
    """Refuse units that are not in a community of the plan's area."""
    known = {
        code for (code,) in _rows(
            connection,
            "SELECT u.code FROM unit u JOIN area a ON a.id = u.area_id AND a.level = 'community' "
            "WHERE u.code = ANY (:units) AND u.path <@ CAST(:path AS ltree)", units=units, path=plan.path,
        )
    }  # fmt: skip
    unknown = next((code for code in units if code not in known), None)
    if unknown is not None:
        raise InvalidRequestError(
            f"moves: {unknown!r} is no unit of a community of {plan.area_name} ({plan.within})", (("moves", unknown),)
        )  # fmt: skip


def _next_code(connection: Connection, plan: Plan, community: str, taken: set[str]) -> str:
    """Number a new grid: the community's code and three digits that no grid of it ever had."""
    area = _prefix(community)
    used = taken | {
        code for (code,) in _rows(
            connection,
            "SELECT g.code FROM grid g JOIN area a ON a.id = g.area_id WHERE a.code = :community "
            "AND (g.is_effective OR g.valid_to IS NOT NULL)", community=community,
        )
    }  # fmt: skip
    serial = 1
    while (code := f"{area}{serial:03d}") in used:
        serial += 1
    return code


def _prefix(community: str) -> str:
    """What the codes of a community's grids begin with."""
    return community if community.isdigit() and len(community) >= 6 else f"{community}-"


def _rows(connection: Connection, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Read rows as plain tuples."""
    return [tuple(row) for row in connection.execute(text(sql), values)]
