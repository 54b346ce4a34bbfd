"""HTTP routes, one module a resource; each has a `router`."""

from fastapi import APIRouter

from api.routes import health, live, planning

ROUTERS: tuple[APIRouter, ...] = (health.router, live.router, planning.router)
