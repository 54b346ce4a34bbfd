"""What the demo's invented people did with its cases: whistles of a street, answers to supervision.

Everything goes through the product's own services, as the accounts of the demo; nobody in it is a real person.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from api.services import supervision, whistles, whistling
from api.services.sessions import Session
from api.services.viewers import viewer_of
from data.accounts import Membership
from data.demo.load import DEPARTMENT

_ACCOUNT = text(
    "SELECT a.id, a.display_name, array_agg(ARRAY[m.role, m.path::text, m.department]) AS memberships "
    "FROM account a JOIN membership m ON m.account_id = a.id WHERE a.login = :login GROUP BY a.id"
)
_OVER = text(  # of the street's own at that time, the one that is over the longest
    "SELECT i.id FROM incident i JOIN incident_deadline d ON d.incident_id = i.id "
    "WHERE i.path <@ CAST(:path AS ltree) AND i.warning_level = 'red' AND i.due_at < :at "
    "AND NOT EXISTS (SELECT 1 FROM whistle w WHERE w.incident_id = i.id) ORDER BY i.due_at, i.id LIMIT 1"
)
_SUPERVISED = text(
    "SELECT s.id FROM supervision s JOIN incident i ON i.id = s.incident_id WHERE s.path = CAST(:path AS ltree) "
    "ORDER BY s.id LIMIT 4"
)
_MIDDLE = text(
    "SELECT ST_X(p) AS lon, ST_Y(p) AS lat FROM (SELECT ST_PointOnSurface(geom) AS p FROM area "
    "WHERE path = CAST(:path AS ltree)) a"
)
# reason, words, hours before now, then moves: who, move, hours after the whistle, more
_WHISTLES: tuple[tuple[str, str, float, tuple[tuple[str, str, float, dict[str, Any]], ...]], ...] = (
    (
        "enforcement", "夜市占道经营反复，单靠街道劝离无效，请联合整治（示例）。", 96,
        (
            ("street_head", "approve", 1, {"note": "同意吹哨"}),
            ("department", "respond", 2, {"note": "中队两小时内到场"}),
            ("department", "arrive", 3.5, {}),
            ("street", "resolve", 40, {"note": "划定疏导点，连续三晚驻守，未再复发"}),
            ("street", "rate", 44, {"ratings": {DEPARTMENT: 5}}),
        ),
    ),
    (
        "demand", "居民多次反映，期限已过仍未解决，街道无权处置（示例）。", 60,
        (
            ("street_head", "approve", 3, {}),
            ("department", "respond", 30, {"note": "已立案，勘查时间另告"}),
        ),
    ),
    (
        "emergency", "暴雨后围墙倾斜，需立即警戒和抢修（示例）。", 20,
        (
            ("street_head", "approve", 0.2, {"note": "立即"}),
            ("department", "respond", 0.5, {"note": "抢险班出发"}),
            ("department", "arrive", 1.2, {}),
            ("street", "resolve", 6, {"note": "围墙已支护，居民已绕行"}),
        ),
    ),
    ("enforcement", "河道边夜间倾倒垃圾，请共同值守（示例）。", 5, ()),
    (
        "enforcement", "一家商户油烟投诉，日常巡查即可处理（示例）。", 30,
        (("street_head", "refuse", 2, {"note": "属日常履职事项，不宜吹哨"}),),
    ),
)  # fmt: skip


def tell(connection: Connection, now: datetime) -> None:
    """Let the street of the demo whistle for a department, and answer some of what is supervised.

    Parameters
    ----------
    connection
        Of the role that owns the tables, over a demo with its accounts.
    """
    people = {login: _session(connection, login, now) for login in ("street", "street_head", "department", "community")}
    path = people["street"].memberships[0].path
    for reason, words, ago_h, moves in _WHISTLES:
        began = now - timedelta(hours=ago_h)
        case = connection.execute(_OVER, {"path": path, "at": began}).scalar() if reason == "demand" else None
        about = {"incident_id": case} if case else _place(connection, path)
        call = whistles.Call(reason, words, (DEPARTMENT,), **about)
        number = whistles.blow(connection, people["street"], call, began)
        for login, move, after_h, more in moves:
            step = whistling.Step(move, **more)
            whistling.move(connection, people[login], number, step, began + timedelta(hours=after_h))
    for place, number in enumerate(connection.execute(_SUPERVISED, {"path": path}).scalars().all()):
        if place % 2 == 0:
            supervision.reply(connection, people["street"], number, "已约谈责任单位，三日内办结（示例）。", now)
        if place == 0:
            supervision.close(connection, people["street_head"], number, "同意，逾期再督（示例）。", now)


def _place(connection: Connection, path: str) -> dict[str, Any]:
    """Give a place inside an area."""
    found = connection.execute(_MIDDLE, {"path": path}).one()
    return {"lon": found.lon, "lat": found.lat, "datum": "wgs84", "place": "示例地点"}


def _session(connection: Connection, login: str, now: datetime) -> Session:
    """Act as an account of the demo."""
    row = connection.execute(_ACCOUNT, {"login": login}).one()
    held = tuple(Membership(*one) for one in row.memberships)
    return Session("", "", now, row.id, login, row.display_name, held, viewer_of(row.id, held))
