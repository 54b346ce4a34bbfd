"""Numbers for Prometheus; each server has a registry of its own."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Engine, QueuePool
from starlette.types import Scope

from data.integrations.webhooks import Webhook

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)


class Metrics:
    """Requests by route and status, ready tiles, connections in use, and what other systems have not taken."""

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
        self._waiting, self._oldest, self._dead = (
            Gauge(f"yiwangtu_webhook_{name}", said, ["webhook", "system"], registry=self._registry)
            for name, said in (
                ("events_waiting", "Events that a webhook has not taken yet."),
                ("oldest_seconds", "Age of the oldest event that waits; 0 where none does."),
                ("events_given_up", "Events that nobody took for days; see `yiwangtu webhook list`."),
            )
        )
        self._engine = engine
        self._registry.register(self)

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one finished request; `status` 0 is a client that went away."""
        route = scope.get("route")
        path = getattr(route, "path", None) or "other"
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"
        self._requests.labels(method, path, str(status)).observe(seconds)

    def show_queue(self, webhooks: Iterable[Webhook], now: datetime) -> None:
        """Set what waits for each webhook; those that are gone are no longer told."""
        for gauge in (self._waiting, self._oldest, self._dead):
            gauge.clear()
        for one in webhooks:
            labels = str(one.id), one.system
            self._waiting.labels(*labels).set(one.waiting)
            self._oldest.labels(*labels).set((now - one.oldest_at).total_seconds() if one.oldest_at else 0)
            self._dead.labels(*labels).set(one.dead)

    def collect(self) -> list[Metric]:
        """Read the connection pool when Prometheus asks."""
        pool = self._engine.pool
        in_use = GaugeMetricFamily("yiwangtu_connections_in_use", "Database connections in use.")
        in_use.add_metric([], pool.checkedout() if isinstance(pool, QueuePool) else 0)
        return [in_use]

    def text(self) -> bytes:
        """Write all numbers in Prometheus's text format."""
        return generate_latest(self._registry)
