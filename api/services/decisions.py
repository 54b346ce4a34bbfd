"""From a draft to a plan in force: submitted by one planner, approved by another, effective on its day."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from api.errors import ConflictError, InvalidRequestError
from api.services import plans
from api.services.planners import login_of
from api.services.plans import Plan
from data import audit
from data.assigned import read_assigned
from data.force import put_in_force
from data.lots import ensure_drawn
from geo.assignment import measure
from layers.viewer import Viewer

NAMED = 5
_TODAY = text("SELECT (now() AT TIME ZONE :zone)::date")
_SUBMIT = (
    "status = 'submitted', submitted_by = :by, submitted_at = now(), approved_by = NULL, approved_at = NULL, "
    "reject_reason = NULL"
)
_BACK = (
    "status = 'draft', submitted_by = NULL, submitted_at = NULL, approved_by = NULL, approved_at = NULL, "
    "effective_on = NULL"
)


def submit(connection: Connection, viewer: Viewer, plan_id: int) -> Plan:
    """Hand a draft in for approval.

    Raises
    ------
    ConflictError
        If it is no draft, or unfinished: units without a grid, grids in pieces or beyond their community; `errors`
        has one sentence for each of these.
    """
    plan = _expect(connection, viewer, plan_id, "draft")
    faults = _unfinished(connection, plan)
    if faults:
        raise ConflictError("; ".join(sentence for _, sentence in faults), faults)
    return _change(connection, viewer, plan, _SUBMIT, "plan.submit")


def withdraw(connection: Connection, viewer: Viewer, plan_id: int) -> Plan:
    """Take a submitted plan back to go on with it; only who submitted it may."""
    plan = _expect(connection, viewer, plan_id, "submitted")
    if plan.submitted_by != login_of(connection, viewer):
        raise ConflictError(
            f"plan {plan.id} was submitted by {plan.submitted_by}; others may reject it, not withdraw it"
        )
    return _change(connection, viewer, plan, _BACK, "plan.withdraw")


def reject(connection: Connection, viewer: Viewer, plan_id: int, *, reason: str) -> Plan:
    """Send a plan back with a reason: a submitted one, or one that is approved and waits for its day."""
    plan = _expect(connection, viewer, plan_id, "submitted", "approved")
    return _change(connection, viewer, plan, f"{_BACK}, reject_reason = :reason", "plan.reject", reason=reason)


def approve(connection: Connection, viewer: Viewer, plan_id: int, *, effective_on: date) -> Plan:
    """Approve a submitted plan for a day; on that day, by the clock of its area, it comes into force.

    Raises
    ------
    ConflictError
        If it is not submitted, or the viewer submitted it.
    InvalidRequestError
        If the day has passed there.
    """
    plan = _expect(connection, viewer, plan_id, "submitted")
    if plan.submitted_by == login_of(connection, viewer):
        raise ConflictError(f"you submitted plan {plan.id}; somebody else has to approve it")
    today: date = connection.execute(_TODAY, {"zone": plan.time_zone}).scalar_one()
    if effective_on < today:
        raise InvalidRequestError(
            f"effective_on: {effective_on} has passed; today is {today} in {plan.area_name}",
            (("effective_on", f"must be {today} or later"),),
        )
    approved = _change(
        connection, viewer, plan,
        "status = 'approved', approved_by = :by, approved_at = now(), effective_on = :effective_on", "plan.approve",
        effective_on=effective_on,
    )  # fmt: skip
    if effective_on > today:
        return approved
    put_in_force(connection, plan.id, today)
    audit.record(connection, "plan.effective", account_id=viewer.account_id, subject=str(plan.id))
    return plans.get(connection, viewer, plan.id)


def _expect(connection: Connection, viewer: Viewer, plan_id: int, *statuses: str) -> Plan:
    """Give a plan that is in one of some statuses, and keep it there for the transaction."""
    plan = plans.get(connection, viewer, plan_id, lock=True)
    if plan.status not in statuses:
        raise ConflictError(
            f"plan {plan.id} is {plan.status}; this can be done to a plan that is {' or '.join(statuses)}"
        )
    return plan


def _change(
    connection: Connection, viewer: Viewer, plan: Plan, assignments: str, action: str, **values: Any
) -> Plan:  # fmt: skip
    """Write a step of a plan's life and note who took it."""
    by = login_of(connection, viewer)
    connection.execute(
        text(f"UPDATE plan SET {assignments}, updated_by = :by, updated_at = now() WHERE id = :id"),
        {"id": plan.id, "by": by, **values},
    )
    noted = {name: str(value) for name, value in values.items()}
    audit.record(connection, action, account_id=viewer.account_id, subject=str(plan.id), **noted)
    return plans.get(connection, viewer, plan.id)


def _unfinished(connection: Connection, plan: Plan) -> tuple[tuple[str, str], ...]:
    """Say what a plan lacks to be put in force, one sentence each."""
    ensure_drawn(connection, plan.area)
    assigned = read_assigned(connection, plan.id, plan.path)
    units, grids = assigned.units, assigned.grids
    figures = measure(assigned.ground, assigned.grid, len(grids))
    home = units["grid"].map(dict(zip(grids["code"], grids["community"], strict=True)))
    wandering = set(units["grid"][units["grid"].notna() & (home != units["community"])])
    faults = (
        ("units", "units in no grid", list(units["code"][units["grid"].isna()])),
        ("grids", "grids that are not connected", sorted(set(grids["code"][figures.pieces > 1]) - wandering)),
        ("grids", "grids that leave their community", sorted(wandering)),
    )
    return tuple((name, f"{what}: {_named(codes)}") for name, what, codes in faults if codes)


def _named(codes: list[str]) -> str:
    """Name the first of some codes."""
    return ", ".join(codes[:NAMED]) + (f" and {len(codes) - NAMED} more" if len(codes) > NAMED else "")
