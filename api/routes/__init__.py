"""HTTP routes, one module a resource; each has a `router`."""

from fastapi import APIRouter

from api.routes import areas, health, incidents, items, layers, live, planning, session, tiles

ROUTERS: tuple[APIRouter, ...] = (
    areas.router,
    health.router,
    items.router,
    layers.router,
    tiles.router,
    live.router,
    planning.router,
    session.router,
    incidents.router,
)
