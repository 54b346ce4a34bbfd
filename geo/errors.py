"""What can go wrong in `geo`.

GeoError
└── InvalidInputError
"""


class GeoError(Exception):
    """Base of every error that `geo` raises on purpose."""


class InvalidInputError(GeoError):
    """The input cannot be used; the message names every faulty row, field, value and limit."""
