"""The life of a whistle (吹哨报到): which move may follow in which status, and whose it is.

The unit is the street or centre that whistles; its head is another account of it. Departments that are called respond
and arrive; the unit says what came of it and rates them.
"""

from collections.abc import Collection
from typing import Literal

from api.errors import ConflictError, ForbiddenError

Move = Literal["approve", "refuse", "withdraw", "respond", "arrive", "resolve", "rate", "reopen"]
UNIT, HEAD, DEPARTMENT = "unit", "head", "department"
WHOSE = {
    UNIT: "the street or centre that whistled",
    HEAD: "another account of the street or centre that whistled",
    DEPARTMENT: "a department that is called",
}
NEEDS_NOTE = frozenset({"refuse", "withdraw", "resolve", "reopen"})

# status: move: (status after it, whose it is)
MOVES: dict[str, dict[Move, tuple[str, frozenset[str]]]] = {
    "waiting": {
        "approve": ("called", frozenset({HEAD})),
        "refuse": ("refused", frozenset({HEAD})),
        "withdraw": ("withdrawn", frozenset({UNIT})),
    },
    "called": {
        "respond": ("called", frozenset({DEPARTMENT})),
        "arrive": ("called", frozenset({DEPARTMENT, UNIT})),
        "resolve": ("resolved", frozenset({UNIT})),
        "withdraw": ("withdrawn", frozenset({UNIT})),
    },
    "resolved": {"rate": ("rated", frozenset({UNIT})), "reopen": ("called", frozenset({UNIT}))},
    "rated": {},
    "refused": {},
    "withdrawn": {},
}


def check_move(status: str, move: str, parts: Collection[str]) -> str:
    """Refuse a move that may not follow, or that is not the account's; gives the status after it.

    Parameters
    ----------
    parts
        What the account is to this whistle: of UNIT, HEAD, DEPARTMENT.

    Raises
    ------
    ConflictError
        If the move can't follow; the message names what can.
    ForbiddenError
        If it can, but is another's; the message says whose.
    """
    legal = MOVES[status]
    if move not in legal:
        names = ", ".join(legal) or "nothing"
        raise ConflictError(f"a whistle that is {status!r} can't take {move!r}; it can take: {names}")
    to, whose = legal[move]
    if not whose & set(parts):
        raise ForbiddenError(f"{move!r} is for {' or '.join(WHOSE[one] for one in sorted(whose))}")
    return to
