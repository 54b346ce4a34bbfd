"""Base maps: what the layers are drawn upon, and whether it may be shown to the public."""

from dataclasses import dataclass

from layers.errors import BaseMapError


@dataclass(frozen=True)
class BaseMap:
    """A base map.

    Attributes
    ----------
    public_ok
        Whether it may be shown to the public: it is a schematic drawing of our own, or a map with an approval number.
    approval
        Its approval number (审图号); a map without one is called 示意图.
    attribution
        Whose it is; "" for our own, whose sources the areas name.
    """

    name: str
    title: str
    title_en: str
    public_ok: bool
    approval: str = ""
    attribution: str = ""

    def marks(self, approval: str = "") -> tuple[str, ...]:
        """Give what must stand beside the map, on the screen and in print.

        Parameters
        ----------
        approval
            A number that was given to this installation's maps; wins over the map's own.
        """
        number = approval or self.approval
        return (f"审图号：{number}" if number else "示意图 schematic map", *filter(None, [self.attribution]))


OWN = BaseMap("own", "自有矢量底图", "Own vector map", public_ok=True)
BASE_MAPS = {base.name: base for base in (OWN,)}


def public_base_map(name: str = OWN.name, known: dict[str, BaseMap] = BASE_MAPS) -> BaseMap:
    """Give a base map for a public page.

    Raises
    ------
    BaseMapError
        If there is none of that name, or it may not be shown to the public.
    """
    base = known.get(name)
    if base is None:
        raise BaseMapError(f"there is no base map {name!r}; there are: {', '.join(sorted(known))}")
    if not base.public_ok:
        raise BaseMapError(
            f"the base map {name!r} ({base.title}) may not be shown to the public: it is not marked public_ok"
        )
    return base
