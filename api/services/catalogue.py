"""Which layers there are for a reader, and what to say of them."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from api.errors import ForbiddenError, NotSignedInError
from layers.layer import Layer
from layers.registry import LAYERS, get_layer
from layers.viewer import Viewer

_PLACES = text(
    "SELECT string_agg(DISTINCT source, '; ') AS attribution, coalesce(bool_or(is_sample), false) AS is_sample, "
    "ST_XMin(ST_Extent(geom)) AS west, ST_YMin(ST_Extent(geom)) AS south, "
    "ST_XMax(ST_Extent(geom)) AS east, ST_YMax(ST_Extent(geom)) AS north FROM area"
)


@dataclass(frozen=True)
class Places:
    """What holds for every layer of this server.

    Attributes
    ----------
    attribution
        Whose data it is, None when no area says so.
    is_sample
        Whether some of it is invented.
    bounds
        West, south, east, north of all areas; None when there are none.
    """

    attribution: str | None
    is_sample: bool
    bounds: tuple[float, float, float, float] | None


def visible_layers(viewer: Viewer) -> tuple[Layer, ...]:
    """Give the layers that the reader may ask for, in drawing order."""
    return tuple(layer for layer in LAYERS if viewer.sees(layer))


def require_layer(name: str, viewer: Viewer) -> Layer:
    """Find a layer that the reader may ask for.

    Raises
    ------
    UnknownLayerError
        If there is none of that name.
    NotSignedInError, ForbiddenError
        If the reader may not see it.
    """
    layer = get_layer(name)
    if not viewer.sees(layer):
        if viewer.account_id is None:
            raise NotSignedInError(f"layer {name!r} is for staff; please sign in")
        raise ForbiddenError(f"your roles do not show layer {name!r}")
    return layer


def read_places(connection: Connection) -> Places:
    """Read whose data the server holds, and where it lies."""
    row = connection.execute(_PLACES).one()
    bounds = None if row.west is None else (row.west, row.south, row.east, row.north)
    return Places(row.attribution, row.is_sample, bounds)
