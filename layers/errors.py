"""What can go wrong in `layers`.

LayerError
└── UnknownLayerError
"""


class LayerError(Exception):
    """Base of every error that `layers` raises on purpose."""


class UnknownLayerError(LayerError):
    """No layer of that name is registered."""
