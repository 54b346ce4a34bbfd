"""What can go wrong in `data`.

DataError
├── ClusterError
├── BadInputError
└── NotFoundError
"""


class DataError(Exception):
    """Base of every error that `data` raises on purpose."""


class ClusterError(DataError):
    """The private PostgreSQL cluster cannot be made, started or reached."""


class BadInputError(DataError):
    """A file or an option cannot be used; the message names row, field, value and limit."""


class NotFoundError(DataError):
    """A named thing (a layer, an area, an account) does not exist."""
