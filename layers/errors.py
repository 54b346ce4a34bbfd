"""What can go wrong in `layers`.

LayerError
├── BaseMapError
└── UnknownLayerError
"""


class LayerError(Exception):
    """Base of every error that `layers` raises on purpose."""


class BaseMapError(LayerError):
    """There is no such base map, or it may not be shown to the public."""


class UnknownLayerError(LayerError):
    """No layer of that name is registered."""
