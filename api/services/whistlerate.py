"""How often streets whistle, and how departments answer: by street and centre, for a period of days."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from api.errors import ForbiddenError, InvalidRequestError
from api.services.items import PLACE_SQL, require_place
from api.services.sessions import Session
from api.services.whistles import UNIT_ROLES

DAYS = 30
MOST_DAYS = 366
DEFINITION = (
    "吹哨率＝期内批准的吹哨数÷期内上报事件数×100（每百件），及÷户数×10000（每万户）；按街道和指挥中心分别统计。"
    "期内吹哨按批准日计，撤回的也计入，未批准的不计；到期前未响应、未到场的计入分母。"
)
DEFINITION_EN = (
    "Whistle rate: whistles approved in the period per 100 incidents reported in it, and per 10,000 households, for "
    "each street and centre. A whistle counts on the day of its approval, withdrawn ones too, those not approved not; "
    "departments that have not answered yet count as called."
)
NOTE = "吹哨率过低，机制可能形同虚设；过高，说明日常履职不到位。"
NOTE_EN = "Too low, and the mechanism is a dead letter; too high, and daily duty is failing."
_ZONE = text(
    "SELECT time_zone FROM area WHERE CAST(:path AS ltree) IS NULL AND path <@ ANY ((SELECT case_scope())::ltree[]) "
    "OR path @> CAST(:path AS ltree) ORDER BY nlevel(path) LIMIT 1"
)
_RATE = text("""
WITH body AS (
  SELECT code, name, level, path FROM area
  WHERE level IN ('street', 'district') AND ((SELECT ''::ltree = ANY (case_scope())) OR (SELECT case_scope()) @> path)
    AND (CAST(:within AS ltree) IS NULL OR path <@ CAST(:within AS ltree))
), called AS (
  SELECT w.path, count(DISTINCT w.id) AS whistles, count(*) AS calls, count(c.responded_at) AS responses,
    count(*) FILTER (WHERE c.responded_at <= c.respond_due_at) AS responses_in_time, count(c.arrived_at) AS arrivals,
    count(*) FILTER (WHERE c.arrived_at <= c.arrive_due_at) AS arrivals_in_time, avg(c.rating) AS rating_mean
  FROM whistle w JOIN whistle_call c ON c.whistle_id = w.id
  WHERE w.called_at >= :since AND w.called_at < :until GROUP BY w.path
)
SELECT u.code, u.name, u.level, coalesce(k.whistles, 0) AS whistles, i.incidents, h.households,
  round(100.0 * coalesce(k.whistles, 0) / nullif(i.incidents, 0), 2)::float8 AS per_100_incidents,
  round(10000.0 * coalesce(k.whistles, 0) / nullif(h.households, 0), 2)::float8 AS per_10000_households,
  coalesce(k.calls, 0) AS calls, coalesce(k.responses, 0) AS responses,
  coalesce(k.responses_in_time, 0) AS responses_in_time, coalesce(k.arrivals, 0) AS arrivals,
  coalesce(k.arrivals_in_time, 0) AS arrivals_in_time, round(k.rating_mean, 2)::float8 AS rating_mean
FROM body u LEFT JOIN called k ON k.path = u.path,
  LATERAL (SELECT count(*) AS incidents FROM incident i
    WHERE i.path <@ u.path AND i.reported_at >= :since AND i.reported_at < :until) i,
  LATERAL (SELECT coalesce(sum(n.households), 0) AS households FROM unit n WHERE n.path <@ u.path) h
ORDER BY u.path
""")


def rate(
    connection: Connection,
    session: Session,
    *,
    within: str | None,
    days: tuple[date | None, date | None],
    now: datetime,
) -> dict[str, Any]:
    """Count whistles of the streets and centres in the account's areas.

    Parameters
    ----------
    within
        Code of an area; None is all.
    days
        First and last day by the clock of the place; the last 30 days where they are not given.

    Raises
    ------
    ForbiddenError
        If the account's roles show no whistles of units.
    InvalidRequestError
        If the days are no period of at most a year.
    MissingError
        If there is no such area.
    """
    if not session.viewer.roles & set(UNIT_ROLES.values()):
        raise ForbiddenError("whistle rates are shown to streets and centres")
    path = None
    if within is not None:
        found = connection.exec_driver_sql(PLACE_SQL, {"code": within}).all()
        path = require_place([tuple(row) for row in found], within)[1]
    zone = ZoneInfo(connection.execute(_ZONE, {"path": path}).scalar() or "Asia/Shanghai")
    until = days[1] or now.astimezone(zone).date()
    since = days[0] or until - timedelta(days=DAYS - 1)
    if not 0 <= (until - since).days < MOST_DAYS:
        why = f"{since} to {until} is no period of 1 to {MOST_DAYS} days"
        raise InvalidRequestError(why, (("since", why),))
    midnight = datetime.min.time()
    values = {
        "within": path, "since": datetime.combine(since, midnight, zone),
        "until": datetime.combine(until + timedelta(days=1), midnight, zone),
    }  # fmt: skip
    return {
        "since": since, "until": until, "units": [dict(row._mapping) for row in connection.execute(_RATE, values)],
        "definition": DEFINITION, "definition_en": DEFINITION_EN, "note": NOTE, "note_en": NOTE_EN,
    }  # fmt: skip
