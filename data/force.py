"""Which plan is in force: a plan comes into force on its day, and the grids that it replaces go out, at one stroke."""

from datetime import date

from sqlalchemy import Connection, text

FORCE_LOCK = 7_420_207  # advisory lock: plans come into force one after the other

_DUE = text(
    "SELECT p.id, p.effective_on FROM plan p JOIN area a ON a.id = p.area_id WHERE p.status = 'approved' "
    "AND p.effective_on <= (now() AT TIME ZONE a.time_zone)::date ORDER BY p.effective_on, p.approved_at, p.id"
)
_TODAY = text(
    "SELECT (now() AT TIME ZONE a.time_zone)::date FROM plan p JOIN area a ON a.id = p.area_id WHERE p.id = :id"
)
_STEPS = (
    "UPDATE grid g SET is_effective = false, valid_to = greatest(CAST(:day AS date), g.valid_from) FROM plan p "
    "WHERE p.id = :id AND g.is_effective AND g.plan_id <> :id AND g.path <@ p.path",
    "UPDATE plan p SET status = 'retired', retired_on = greatest(CAST(:day AS date), p.effective_on) "
    "FROM plan n WHERE n.id = :id AND p.status = 'effective' AND p.id <> n.id "
    "AND (p.path <@ n.path OR p.path @> n.path) "
    "AND NOT EXISTS (SELECT 1 FROM grid g WHERE g.plan_id = p.id AND g.is_effective)",
    "UPDATE plan SET status = 'effective', effective_on = :day WHERE id = :id",
    "UPDATE grid SET is_effective = true, valid_from = :day, valid_to = NULL WHERE plan_id = :id",
    "INSERT INTO outbox (kind, layer) SELECT 'layer', 'unit' FROM plan WHERE id = :id",  # units tell their grid
)


def put_in_force(connection: Connection, plan_id: int, day: date | None = None) -> None:
    """Make a plan's grids those in force in its area, from a day on; what they replace ends on that day.

    The plan of a part of an area replaces only the grids there; the plan of the whole stays in force for the rest.

    Parameters
    ----------
    day
        The first day, by the clock of the area; today when None.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FORCE_LOCK})
    first = day or connection.execute(_TODAY, {"id": plan_id}).scalar_one()
    for statement in _STEPS:
        connection.execute(text(statement), {"id": plan_id, "day": first})


def put_due_in_force(connection: Connection) -> list[int]:
    """Put every approved plan in force whose day has come where it lies, in the order of the days.

    Any number of servers may call it at the same time: one of them does it, the others find nothing left to do.

    Returns
    -------
    plan_ids
        The plans that came into force.
    """
    if not connection.execute(_DUE).first():
        return []
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FORCE_LOCK})
    due = connection.execute(_DUE).all()  # read again: another server may have been at it
    for plan_id, day in due:
        put_in_force(connection, plan_id, day)
    return [plan_id for plan_id, _ in due]
