"""All layers, in drawing order from the ground up. Adding a layer is one file and one line here."""

from layers.area import COMMUNITY, DISTRICT, STREET
from layers.errors import UnknownLayerError
from layers.facility import CANTEEN, ELDER_CARE, EXCHANGE_POINT, PARKING, REFUSE_POINT, SORTING_ZONE, STATION
from layers.grid import GRID
from layers.incident import INCIDENT, INCIDENT_DENSITY
from layers.layer import Layer
from layers.road import BARRIER, ROAD
from layers.service_gap import SERVICE_GAP
from layers.unit import COMPOUND, UNIT

LAYERS: tuple[Layer, ...] = (
    BARRIER, ROAD, UNIT, SORTING_ZONE, GRID, COMPOUND, COMMUNITY, STREET, DISTRICT, SERVICE_GAP,
    EXCHANGE_POINT, REFUSE_POINT, PARKING, ELDER_CARE, CANTEEN, STATION, INCIDENT_DENSITY, INCIDENT,
)  # fmt: skip
BY_NAME = {layer.name: layer for layer in LAYERS}


def get_layer(name: str) -> Layer:
    """Find a layer by name.

    Raises
    ------
    UnknownLayerError
        If there is none; the message lists the names.
    """
    try:
        return BY_NAME[name]
    except KeyError:
        raise UnknownLayerError(f"there is no layer {name!r}; layers are {', '.join(sorted(BY_NAME))}") from None
