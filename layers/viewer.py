"""Who looks: the roles and scopes of one reader, and what they may see of a layer."""

from collections.abc import Iterable
from dataclasses import dataclass

from layers.layer import Audience, Field, Layer

EVERYWHERE = ""  # the empty path: every area
STAFF_ROLES = frozenset({"worker", "community", "street", "dispatcher", "department", "planner", "screen"})
CASE_ROLES = frozenset({"worker", "community", "street", "dispatcher", "department"})
CASE_ROW_ROLES = CASE_ROLES | {"planner", "screen"}


@dataclass(frozen=True)
class Viewer:
    """One reader; the default is an anonymous one.

    Attributes
    ----------
    map_scope
        Paths whose grids, units, compounds and gaps the reader sees, with the staff fields of public layers.
    case_scope
        Paths whose incidents the reader sees.
    departments
        Departments whose incidents the reader sees inside the map scope.
    """

    account_id: int | None = None
    roles: frozenset[str] = frozenset()
    map_scope: tuple[str, ...] = ()
    case_scope: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()

    def sees(self, layer: Layer) -> bool:
        """Tell whether the reader may ask for the layer at all."""
        if layer.scope == "public":
            return True
        allowed = STAFF_ROLES if layer.scope == "map" else CASE_ROW_ROLES
        return bool(self.roles & allowed)

    def audiences(self, layer: Layer) -> frozenset[Audience]:
        """Which audiences the reader belongs to, inside the scope."""
        found: set[Audience] = {"public"}
        if self.roles & STAFF_ROLES:
            found.add("staff")
        if self.roles & CASE_ROLES:
            found.add("case")
        return frozenset(found)

    def fields(self, layer: Layer) -> tuple[Field, ...]:
        """Which fields of a layer the reader may see, in the layer's order."""
        audiences = self.audiences(layer)
        return tuple(one for one in layer.fields if one.audience in audiences)

    @property
    def is_unscoped(self) -> bool:
        """Whether the map scope is every area."""
        return EVERYWHERE in self.map_scope

    def settings(self) -> dict[str, str]:
        """Make the transaction's settings that row-level security reads (`SET LOCAL`)."""
        return {
            "yiwangtu.account_id": "" if self.account_id is None else str(self.account_id),
            "yiwangtu.roles": _array(sorted(self.roles)),
            "yiwangtu.map_scope": _array(self.map_scope),
            "yiwangtu.case_scope": _array(self.case_scope),
            "yiwangtu.departments": _array(self.departments),
        }


ANONYMOUS = Viewer()


def covers(scope: Iterable[str], path: str | None) -> bool:
    """Tell whether a path lies in one of the scope's areas; the empty path covers everything."""
    return path is not None and any(not top or path == top or path.startswith(top + ".") for top in scope)


def _array(values: tuple[str, ...] | list[str]) -> str:
    """Write a PostgreSQL array."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
