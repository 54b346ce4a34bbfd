"""What must hold in the database, checked from the data alone."""

from collections.abc import Callable
from itertools import islice

from sqlalchemy import Connection, text

from data import chain
from data.deadlines import store as deadlines
from layers.pyramid import CELL_ZOOMS, cell_sql

# tables without rows of an area: the app reads them itself or may only add to them; which columns, say the grants
UNGUARDED = frozenset({
    "account", "membership", "session", "kiosk_token", "api_token", "audit_event", "outbox", "event", "layer_revision",
    "incident_cell", "category", "grid_scheme", "alembic_version", "spatial_ref_sys",
})  # fmt: skip
MOST_NAMED = 5

_DANGLING = text(
    "SELECT i.code FROM incident i WHERE NOT EXISTS (SELECT 1 FROM category c WHERE c.code = i.category) "
    "OR i.area_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM area a WHERE a.id = i.area_id) ORDER BY 1 LIMIT :most"
)
_DIFFERING_COURSES = text(
    "SELECT i.code FROM incident i WHERE i.id IN (SELECT incident_id FROM ("
    "(TABLE case_course_now EXCEPT TABLE case_course) UNION ALL (TABLE case_course EXCEPT TABLE case_course_now)) d) "
    "ORDER BY 1 LIMIT :most"
)
_UNGUARDED_TABLES = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT relrowsecurity "
    "AND NOT relname = ANY (:known) ORDER BY relname"
)
_WRONG_HOUSEHOLDS = text(
    "SELECT g.code, g.households, coalesce(sum(u.households), 0) AS counted FROM grid g "
    "LEFT JOIN plan_assignment x ON x.grid_id = g.id LEFT JOIN unit u ON u.id = x.unit_id "
    "WHERE g.is_effective GROUP BY g.id HAVING g.households <> coalesce(sum(u.households), 0) ORDER BY g.code"
)


def faults(connection: Connection) -> list[str]:
    """Check everything and say in one sentence each what is wrong; nothing is changed.

    Parameters
    ----------
    connection
        Of the role that owns the tables, on a migrated database.
    """
    checks: tuple[Callable[[Connection], list[str]], ...] = (
        chain.broken_chains, _deadline_faults, _dangling_faults, _course_faults, _pyramid_faults, _household_faults,
        _security_faults,
    )  # fmt: skip
    return [fault for check in checks for fault in check(connection)]


def _deadline_faults(connection: Connection) -> list[str]:
    """Compare the due times with what limits, histories, calendar and office hours say."""
    found = [
        f"incident {one.code} is due at {one.stored:%Y-%m-%d %H:%M %Z}, its history and today's calendar say "
        f"{one.due:%Y-%m-%d %H:%M %Z}; run yiwangtu cases recount"
        for one in islice(deadlines.differing(connection), MOST_NAMED + 1)
    ]
    return found if len(found) <= MOST_NAMED else [*found[:MOST_NAMED], "… and more incidents due at another time"]


def _dangling_faults(connection: Connection) -> list[str]:
    """Find incidents whose category or area is gone; triggers keep both, as no foreign key does."""
    rows = connection.execute(_DANGLING, {"most": MOST_NAMED})
    return [f"incident {row.code} has a category or an area that does not exist" for row in rows]


def _course_faults(connection: Connection) -> list[str]:
    """Compare what statistics count with incidents and their histories."""
    rows = connection.execute(_DIFFERING_COURSES, {"most": MOST_NAMED})
    return [f"incident {row.code} is counted in statistics as something else than it is" for row in rows]


def _pyramid_faults(connection: Connection) -> list[str]:
    """Compare the density pyramid with a recount of the incidents, once what still waits is counted in."""
    waiting = connection.execute(
        text("SELECT count(*) FROM outbox WHERE kind = 'incident' AND num_nonnulls(from_geom, to_geom) > 0")
    ).scalar_one()
    if waiting:
        return [f"{waiting} changes of incidents wait to be counted in the density; start the server and check again"]
    found = []
    for zoom in CELL_ZOOMS:
        x, y = cell_sql("ST_X(geom)", "ST_Y(geom)", zoom)
        differing = connection.execute(
            text(
                f"SELECT count(*) FROM "
                f"(SELECT {x} AS x, {y} AS y, path, count(*) AS n FROM incident GROUP BY 1, 2, 3) i "
                "FULL JOIN (SELECT x, y, path, count AS n FROM incident_cell WHERE z = :zoom) c USING (x, y, path) "
                "WHERE i.n IS DISTINCT FROM c.n"
            ),
            {"zoom": zoom},
        ).scalar_one()
        if differing:
            found.append(
                f"the density at cell zoom {zoom} differs from a recount of the incidents in {differing} cells"
            )
    return found


def _household_faults(connection: Connection) -> list[str]:
    """Compare the grids' households with the sums of their units."""
    rows = connection.execute(_WRONG_HOUSEHOLDS).all()
    found = [f"grid {row.code} says {row.households} households, its units have {row.counted}" for row in rows]
    return found if len(found) <= MOST_NAMED else [*found[:MOST_NAMED], f"… and {len(found) - MOST_NAMED} more grids"]


def _security_faults(connection: Connection) -> list[str]:
    """Find tables whose rows everyone would see."""
    rows = connection.execute(_UNGUARDED_TABLES, {"known": sorted(UNGUARDED)})
    return [f"table {row.relname} has no row-level security" for row in rows]
