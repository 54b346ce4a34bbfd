"""Numbers for Prometheus; each server has a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Engine, QueuePool
from starlette.types import Scope

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)


class Metrics:
    """Requests by route and status, ready tiles, connections in use."""

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "yiwangtu_request_seconds", "Time to answer a request.", ["method", "route", "status"],
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self.tiles = Counter(
            "yiwangtu_tiles_total", "Tiles served, by layer and whether the tile was ready.", ["layer", "result"],
            registry=self._registry,
        )  # fmt: skip
        self._engine = engine
        self._registry.register(self)

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one finished request; `status` 0 is a client that went away."""
        route = scope.get("route")
        path = getattr(route, "path", None) or "other"
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"
        self._requests.labels(method, path, str(status)).observe(seconds)

    def collect(self) -> list[Metric]:
        """Read the connection pool when Prometheus asks."""
        pool = self._engine.pool
        in_use = GaugeMetricFamily("yiwangtu_connections_in_use", "Database connections in use.")
        in_use.add_metric([], pool.checkedout() if isinstance(pool, QueuePool) else 0)
        return [in_use]

    def text(self) -> bytes:
        """Write all numbers in Prometheus's text format."""
        return generate_latest(self._registry)
