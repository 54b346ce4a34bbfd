"""The life of an incident: which status may follow which, and who may bring it about.

The standard's seven steps: reported (信息收集), accepted (立案), assigned (派遣), in_progress (处置), resolved (反馈),
verified (核查), closed (结案) and rated (评价); beside them rejected, returned, paused and reopened.
"""

from collections.abc import Collection
from typing import Literal

from api.errors import ConflictError, ForbiddenError

Reached = Literal[  # what a move leads to
    "accepted", "assigned", "closed", "in_progress", "paused", "rated", "rejected", "reopened", "resolved", "returned",
    "verified",
]  # fmt: skip
_LEADERS = frozenset({"community", "street", "dispatcher"})
_HANDLERS = frozenset({"worker", "community", "street", "department"})
_REPORTER = frozenset({"resident"})  # who holds the tracking code, no account
_VERIFIERS = frozenset({"worker", "community", "street", "dispatcher"})
APPROVERS = _LEADERS
NEEDS_APPROVAL = frozenset({"paused", "returned"})  # the handler asks, another person grants
NEEDS_NOTE = frozenset({"rejected", "returned", "paused", "reopened"})

MOVES: dict[str, dict[Reached, frozenset[str]]] = {
    "reported": {"accepted": _LEADERS, "rejected": _LEADERS},
    "accepted": {"assigned": _LEADERS, "in_progress": _HANDLERS - {"department"}, "rejected": _LEADERS},
    "assigned": {"in_progress": _HANDLERS, "returned": _HANDLERS},
    "returned": {"assigned": _LEADERS, "rejected": _LEADERS},
    "in_progress": {"resolved": _HANDLERS, "paused": _HANDLERS, "returned": _HANDLERS},
    "paused": {"in_progress": _HANDLERS | _LEADERS},
    "resolved": {"verified": _VERIFIERS, "reopened": _VERIFIERS},
    "verified": {"closed": _LEADERS, "reopened": _LEADERS},
    "closed": {"rated": _LEADERS | _REPORTER, "reopened": _LEADERS | _REPORTER},
    "reopened": {"assigned": _LEADERS, "in_progress": _HANDLERS},
    "rejected": {"reopened": _LEADERS},
    "rated": {},
    "merged": {},
}


def check_move(status: str, to: str, roles: Collection[str]) -> None:
    """Refuse what may not follow, or not by these roles.

    Parameters
    ----------
    status, to
        What the incident is and what it shall become.
    roles
        The roles that the account holds at the incident's place.

    Raises
    ------
    ConflictError
        If `to` can't follow; the message names what can.
    ForbiddenError
        If it can, but not by these roles; the message names whose move it is.
    """
    legal = MOVES[status]
    if to not in legal:
        names = ", ".join(sorted(legal)) or "nothing"
        raise ConflictError(f"an incident that is {status!r} can't become {to!r}; it can become: {names}")
    if not legal[to] & set(roles):
        raise ForbiddenError(f"from {status!r} to {to!r} is a move of: {', '.join(sorted(legal[to]))}")
