"""What a layer is: one frozen declaration from which tiles, lists, styles, legends, import, export and docs follow."""

from dataclasses import dataclass
from typing import Literal

from geoalchemy2 import Geometry
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import UUID

FieldType = Literal["text", "integer", "number", "boolean", "date", "datetime", "list", "json"]
Audience = Literal["public", "staff", "case"]
GeometryType = Literal["point", "line", "polygon", "any"]
Scope = Literal["public", "map", "case"]


@dataclass(frozen=True)
class Field:
    """One attribute of a layer.

    Attributes
    ----------
    name
        Name in tiles, lists, files and import mappings.
    title, title_en
        What people read.
    audience
        Who sees it: everyone (`public`), staff inside their map scope (`staff`), those who work on the case (`case`).
    sql
        Expression over the layer's row `t`; the column of the same name when empty. Never contains user input.
    unit
        Unit of a number, such as "m" or "households".
    in_tile
        Whether tiles carry it; lists, files and cards always do.
    is_imported
        Whether a file may give it. Derived fields are false.
    is_required, choices, minimum, maximum
        What import checks.
    """

    name: str
    title: str
    title_en: str
    type: FieldType = "text"
    audience: Audience = "staff"
    sql: str = ""
    unit: str | None = None
    in_tile: bool = False
    is_imported: bool = True
    is_required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def expression(self) -> str:
        """The SQL expression that gives the field, over the layer's row `t`."""
        return self.sql or f't."{self.name}"'


@dataclass(frozen=True)
class Shade:
    """One class of a style and one line of its legend.

    Attributes
    ----------
    value
        The field's value of this class, or the lower end of its interval (inclusive) in a stepped style.
    light, dark
        Its colour on the light and on the dark map.
    scale
        Its size against the style's: a main road is wider than a lane.
    from_zoom
        Zoom below which tiles and map leave the class out.
    """

    value: str | float | bool | None
    label: str
    label_en: str
    light: str
    dark: str
    scale: float = 1.0
    from_zoom: int = 0


@dataclass(frozen=True)
class Style:
    """How a layer is drawn; `layers.style` turns it into MapLibre layers and a legend, light and dark.

    Attributes
    ----------
    paint
        Kind of drawing. `heat` is a density surface of counted points.
    shades
        The classes; a single one without a value paints every feature alike.
    by
        Field whose value chooses the shade.
    is_stepped
        Whether `by` is a number and the shades are intervals.
    label
        Field written beside the feature.
    label_from_zoom
        Zoom from which labels are drawn.
    size
        Circle radius, line width or outline width in pixels at zoom 15.
    opacity
        Opacity of fills, 0-1.
    dashed
        Whether lines and outlines are dashed.
    casing
        Colours (light, dark) of a rim under lines, as roads have.
    """

    paint: Literal["fill", "line", "circle", "heat"]
    shades: tuple[Shade, ...]
    by: str | None = None
    is_stepped: bool = False
    label: str | None = None
    label_from_zoom: float = 14
    size: float = 1.0
    opacity: float = 0.6
    dashed: bool = False
    casing: tuple[str, str] | None = None


@dataclass(frozen=True)
class Layer:
    """A map layer.

    Attributes
    ----------
    name
        Singular snake_case; the source-layer of its tiles.
    table
        The table it reads.
    scope
        Whose rows one sees: `public` everyone's, `map` those inside one's map scope, `case` those inside one's case scope.
        Row-level security on the table says the same; this is what pages and docs tell.
    fields
        Attributes in order; those with audience `public` are the allow list for everyone. `code` comes first.
    where
        SQL condition over `t` that picks the layer's rows of the table.
    group
        Where the layer switch lists it, and the drawing order of groups.
    min_zoom, max_zoom
        Zooms that tiles exist for; beyond `max_zoom` the client enlarges.
    is_derived
        Whether the product computes it; derived layers are not imported.
    tile_source
        `rows` reads features; `cells` reads the density pyramid.
    constants
        Column values that every row of the layer has in a table it shares, such as `("kind", "canteen")`.
    order_by
        Which features stay when a tile would have too many: SQL over `t`, first ones stay.
    newest_by
        Time by which lists go, newest first; without it they go by the row's id.
    """

    name: str
    title: str
    title_en: str
    table: Table
    geometry_type: GeometryType
    scope: Scope
    group: Literal["base", "area", "analysis", "facility", "incident"]
    fields: tuple[Field, ...]
    style: tuple[Style, ...]
    where: str = ""
    min_zoom: int = 0
    max_zoom: int = 16
    is_derived: bool = False
    tile_source: Literal["rows", "cells"] = "rows"
    order_by: str = ""
    constants: tuple[tuple[str, str], ...] = ()
    newest_by: str = ""

    def field(self, name: str) -> Field | None:
        """Find a field by name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def id_type(self) -> str:
        """PostgreSQL's type of the row's id, which breaks ties in lists."""
        return "uuid" if "id" in self.table.c and isinstance(self.table.c.id.type, UUID) else "bigint"

    @property
    def has_points_only(self) -> bool:
        """Whether the table cannot hold anything but points."""
        kind = self.table.c.geom.type
        return isinstance(kind, Geometry) and kind.geometry_type == "POINT"

    @property
    def public_fields(self) -> tuple[str, ...]:
        """The allow list: what an anonymous reader gets."""
        return tuple(one.name for one in self.fields if one.audience == "public")


def community_code() -> Field:
    """Make the field that names the community of a row with an `area_id`."""
    return Field(
        "community", "所属社区", "Community", audience="public",
        sql="(SELECT a.code FROM area a WHERE a.id = t.area_id)",
    )  # fmt: skip
