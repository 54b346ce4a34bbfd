"""The tables that are no map layer, by what they are about.

They share the map layers' metadata, so one migration history and one check of it against PostgreSQL cover both.
"""

from data.tables import (
    accounts,
    cases,
    courses,
    grids,
    integrations,
    life_circles,
    orders,
    residents,
    rounds,
    scenes,
    supervision,
    work,
)

__all__ = [
    "accounts",
    "cases",
    "courses",
    "grids",
    "integrations",
    "life_circles",
    "orders",
    "residents",
    "rounds",
    "scenes",
    "supervision",
    "work",
]
