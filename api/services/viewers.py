"""From an account's memberships to what it may see."""

from collections.abc import Iterable

from data.accounts import ADMINISTRATORS, Membership
from layers.viewer import Viewer


def viewer_of(account_id: int, memberships: Iterable[Membership]) -> Viewer:
    """Make the viewer of an account.

    A worker's cases are those of the grid, the worker's map that of the grid's community. A department sees its own
    cases only, administrators neither map nor cases. Everyone else sees map and cases of the same areas; which fields
    of a case is decided by the layer.
    """
    held = tuple(memberships)
    map_scope: set[str] = set()
    case_scope: set[str] = set()
    for one in held:
        if one.role in ADMINISTRATORS:
            continue
        map_scope.add(one.path.rpartition(".")[0] if one.role == "worker" else one.path)
        if one.role != "department":
            case_scope.add(one.path)
    return Viewer(
        account_id=account_id,
        roles=frozenset(one.role for one in held),
        map_scope=tuple(sorted(map_scope)),
        case_scope=tuple(sorted(case_scope)),
        departments=tuple(sorted({one.department for one in held if one.department})),
    )
