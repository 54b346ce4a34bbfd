"""HTTP routes, one module a resource; each has a `router`."""

from fastapi import APIRouter

from api.routes import (
    areas,
    crosswalks,
    exchange,
    health,
    incidents,
    items,
    layers,
    live,
    planning,
    session,
    tiles,
    workbench,
)

ROUTERS: tuple[APIRouter, ...] = (
    areas.router,
    health.router,
    items.router,
    layers.router,
    tiles.router,
    live.router,
    crosswalks.router,
    exchange.router,  # before planning: /api/plans/import is no plan
    planning.router,
    workbench.router,
    session.router,
    incidents.router,
)
