"""HTTP routes, one module a resource; each has a `router`."""

from fastapi import APIRouter

from api.routes import health

ROUTERS: tuple[APIRouter, ...] = (health.router,)
