"""Parts: named sets of incidents. A figure counts one, a ratio divides two, the list behind a figure shows one.

Conditions are SQL over the row `t` of `case_course`; they never contain what a reader typed. What each means in words
is in `data/reference/part.csv`.
"""

from layers.incident import OPEN_SQL, OVERDUE_SQL
from layers.tables import RESOLVED_LEVELS

ANSWER_LIMIT_MIN = 120  # of the hotline: acceptance within 2 hours, draft service standard of Beijing (2021)
SATISFIED_FROM = 4
OFTEN = 2  # extensions that are "repeatedly"
LEVELS = (*RESOLVED_LEVELS, "unknown")

_FILED, _DONE, _CLOSED = "t.is_filed", "t.is_done", "t.is_closed"
_DUE = f"({_DONE} OR t.status <> 'paused' AND coalesce(t.due_at < now(), false))"
_IS_TIMED = f"t.due_at IS NOT NULL AND (t.resolved_at IS NOT NULL OR NOT {_DONE})"
_HOTLINE = "t.source = '12345'"
_SATISFIED = f"coalesce(t.rating >= {SATISFIED_FROM}, false)"
_UNANSWERED = f"coalesce(t.received_at < now() - interval '{ANSWER_LIMIT_MIN} minutes', false)"

PART_SQL = {
    "reported": "true",
    "filed": _FILED,
    "recorded": f"({_FILED} AND t.received_at IS NOT NULL)",
    "rejected": "t.status = 'rejected'",
    "joined": "t.status = 'merged'",
    "open": OPEN_SQL,
    "overdue": OVERDUE_SQL,
    "dispatched": f"({_FILED} AND t.is_dispatched)",
    "dispatched_right": f"({_FILED} AND t.is_dispatched AND t.returned_count = 0)",
    "due": f"({_FILED} AND {_DUE})",
    "handled": f"({_FILED} AND {_DONE})",
    "due_timed": f"({_FILED} AND {_DUE} AND {_IS_TIMED})",
    "on_time": f"({_FILED} AND coalesce(t.resolved_at <= t.due_at, false))",
    "closed": _CLOSED,
    "resolved": f"({_FILED} AND t.resolved_count > 0)",
    "reworked": f"({_FILED} AND t.resolved_count > 0 AND t.reopened_count > 0)",
    "extended_often": f"({_FILED} AND t.received_at IS NOT NULL AND t.extended_count >= {OFTEN})",
    "proactive": "t.source IN ('worker', 'patrol', 'sensor')",
    "rated": "t.rating IS NOT NULL",
    "satisfied": _SATISFIED,
    "hotline": _HOTLINE,
    "hotline_timed": f"({_HOTLINE} AND (t.answer_min IS NOT NULL OR {_UNANSWERED}))",
    "hotline_answered": f"({_HOTLINE} AND coalesce(t.answer_min <= {ANSWER_LIMIT_MIN}, false))",
    "hotline_due": f"({_HOTLINE} AND {_FILED} AND {_DUE})",
    "hotline_solved": f"({_HOTLINE} AND {_CLOSED} AND t.reopened_count = 0)",
    "hotline_rated": f"({_HOTLINE} AND t.rating IS NOT NULL)",
    "hotline_satisfied": f"({_HOTLINE} AND {_SATISFIED})",
    **{f"solved_{level}": f"({_FILED} AND {_DONE} AND t.resolved_level = '{level}')" for level in RESOLVED_LEVELS},
    "solved_unknown": f"({_FILED} AND {_DONE} AND t.resolved_level IS NULL)",
}
