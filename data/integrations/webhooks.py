"""Webhooks: whom other systems' events are sent to, and the queue of what is to be sent.

Triggers and `hand_on` queue events in the transaction of what they tell, so that neither is there without the other.
One event after the other is taken out for each hand-over, under a lease: a sender that dies leaves it to the next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Connection, text

from data import audit
from data.errors import BadInputError, NotFoundError
from data.integrations.signature import check_secret, make_secret
from layers.viewer import Viewer

COURIER = Viewer(roles=frozenset({"courier"}))
LEASE_S = 60  # longer than a try may take
# seconds until the next try: two days and a half in all, then a person must look
BACKOFF_S = (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
MOST_AWAY_S = 600  # a system that does not answer is asked again so often
KEPT_DAYS = 30
_CLAIM = text("""
UPDATE webhook_delivery d SET attempts = d.attempts + 1, next_at = :until FROM webhook w
WHERE w.id = d.webhook_id AND d.id = (
  SELECT q.id FROM webhook_delivery q JOIN webhook v ON v.id = q.webhook_id
  WHERE q.delivered_at IS NULL AND q.dead_at IS NULL AND q.next_at <= :now
    AND (v.away_until IS NULL OR v.away_until <= :now)
    AND NOT EXISTS (
      SELECT 1 FROM webhook_delivery e WHERE e.webhook_id = q.webhook_id AND e.handover_id = q.handover_id
      AND e.seq < q.seq AND e.delivered_at IS NULL AND e.dead_at IS NULL)
  ORDER BY q.attempts DESC, q.seq LIMIT 1 FOR UPDATE OF q SKIP LOCKED)
RETURNING d.id, d.webhook_id, w.url, w.secret, d.body, d.attempts
""")
_BACK = text(
    "UPDATE webhook_delivery SET next_at = :now WHERE webhook_id = :webhook_id AND delivered_at IS NULL "
    "AND dead_at IS NULL AND next_at > :now AND last_error IS NOT NULL"
)
_FAIL = text(
    "UPDATE webhook_delivery SET next_at = :next_at, last_error = :error, "
    "  dead_at = CASE WHEN :is_last THEN CAST(:now AS timestamptz) END WHERE id = :id"
)
_LIST = text(
    "SELECT w.id, w.system, w.url, w.away_until, count(d.delivered_at) AS delivered, count(d.dead_at) AS dead, "
    "  count(d.id) FILTER (WHERE d.delivered_at IS NULL AND d.dead_at IS NULL) AS waiting, "
    "  min(d.created_at) FILTER (WHERE d.delivered_at IS NULL AND d.dead_at IS NULL) AS oldest_at "
    "FROM webhook w LEFT JOIN webhook_delivery d ON d.webhook_id = w.id GROUP BY w.id ORDER BY w.system, w.id"
)
_DEAD = text(
    "SELECT id, webhook_id, event, created_at, attempts, dead_at, last_error FROM webhook_delivery "
    "WHERE dead_at IS NOT NULL ORDER BY dead_at, seq"
)


@dataclass(frozen=True)
class Webhook:
    """A webhook, without its secret, and how many of its events were taken, wait, or were given up."""

    id: int
    system: str
    url: str
    away_until: datetime | None
    delivered: int
    dead: int
    waiting: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class DeadLetter:
    """An event that nobody took for days."""

    id: UUID
    webhook_id: int
    event: str
    created_at: datetime
    attempts: int
    dead_at: datetime
    last_error: str


@dataclass(frozen=True)
class Delivery:
    """An event that is being sent; `attempts` counts this one."""

    id: UUID
    webhook_id: int
    url: str
    secret: str
    body: str
    attempts: int


def add(connection: Connection, system: str, url: str, secret: str | None = None) -> str:
    """Add a webhook of a system; gives its secret, which is made when it is None.

    Raises
    ------
    BadInputError
        If the address can't be used or is there already, or the secret is too short.
    """
    secret = make_secret() if secret is None else check_secret(secret)
    found = connection.execute(
        text(
            "INSERT INTO webhook (system, url, secret) VALUES (:system, :url, :secret) "
            "ON CONFLICT (system, url) DO NOTHING"
        ),
        {"system": system, "url": check_url(url), "secret": secret},
    )
    if not found.rowcount:
        raise BadInputError(f"{url} is a webhook of {system} already")
    audit.record(connection, "webhook.add", subject=url, system=system)
    return secret


def check_url(url: str) -> str:
    """Refuse an address that is none, or that carries a password or a fragment.

    Raises
    ------
    BadInputError
        If it can't be used.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not url.isascii() or any(one.isspace() for one in url) or len(url) > 500:
        raise BadInputError(f"{url!r} is no address such as https://host:port/path of at most 500 characters")
    if parts.username is not None or parts.fragment:
        raise BadInputError(f"{parts.hostname}: the address must carry neither a user nor a fragment")
    return url


def read_webhooks(connection: Connection) -> tuple[Webhook, ...]:
    """Read all webhooks."""
    return tuple(Webhook(**row._mapping) for row in connection.execute(_LIST))


def list_webhooks(connection: Connection) -> tuple[tuple[Webhook, ...], tuple[DeadLetter, ...]]:
    """Read all webhooks, and all events that were given up."""
    return read_webhooks(connection), tuple(DeadLetter(**row._mapping) for row in connection.execute(_DEAD))


def remove(connection: Connection, number: int) -> int:
    """Remove a webhook with what waits for it; tells how many events go with it undelivered.

    Raises
    ------
    NotFoundError
        If there is no such webhook.
    """
    lost = connection.execute(
        text("SELECT count(*) FROM webhook_delivery WHERE webhook_id = :id AND delivered_at IS NULL"), {"id": number}
    ).scalar_one()
    url = connection.execute(text("DELETE FROM webhook WHERE id = :id RETURNING url"), {"id": number}).scalar()
    if url is None:
        raise NotFoundError(f"there is no webhook with the number {number}")
    audit.record(connection, "webhook.remove", subject=url, lost=lost)
    return int(lost)


def retry(connection: Connection, event_id: UUID | None = None) -> int:
    """Queue events anew that were given up, all or one; tells how many.

    Raises
    ------
    NotFoundError
        If there is no such event that was given up.
    """
    revived = connection.execute(
        text(
            "UPDATE webhook_delivery SET dead_at = NULL, attempts = 0, next_at = now() "
            "WHERE dead_at IS NOT NULL AND (CAST(:id AS uuid) IS NULL OR id = :id)"
        ),
        {"id": event_id},
    ).rowcount
    if event_id is not None and not revived:
        raise NotFoundError(f"no event {event_id} was given up")
    audit.record(connection, "webhook.retry", count=revived)
    return revived


def claim(connection: Connection, now: datetime) -> Delivery | None:
    """Take the next event that may be sent; another try is due when the lease ends, whatever becomes of this one."""
    row = connection.execute(_CLAIM, {"now": now, "until": now + timedelta(seconds=LEASE_S)}).one_or_none()
    return None if row is None else Delivery(**row._mapping)


def succeed(connection: Connection, sent: Delivery, now: datetime) -> None:
    """Write down that an event was taken; a system that had been away gets at once what waited for it."""
    values = {"id": sent.id, "webhook_id": sent.webhook_id, "now": now}
    connection.execute(
        text("UPDATE webhook_delivery SET delivered_at = :now, last_error = NULL WHERE id = :id"), values
    )
    was_away = connection.execute(
        text("UPDATE webhook SET away_until = NULL WHERE id = :webhook_id AND away_until IS NOT NULL"), values
    ).rowcount
    if was_away:
        connection.execute(_BACK, values)


def fail(connection: Connection, sent: Delivery, error: str, now: datetime, *, is_away: bool) -> None:
    """Write down that a try failed, and when the next one is due, if any.

    Parameters
    ----------
    is_away
        Whether the system itself is unwell, so that nothing else is sent to it for a while.
    """
    is_last = sent.attempts > len(BACKOFF_S)
    wait_s = BACKOFF_S[min(sent.attempts, len(BACKOFF_S)) - 1]
    next_at = now + timedelta(seconds=wait_s)
    connection.execute(_FAIL, {"id": sent.id, "next_at": next_at, "error": error[:300], "is_last": is_last, "now": now})
    if is_away:
        connection.execute(
            text("UPDATE webhook SET away_until = :until WHERE id = :id"),
            {"id": sent.webhook_id, "until": now + timedelta(seconds=min(wait_s, MOST_AWAY_S))},
        )


def forget_old(connection: Connection, now: datetime) -> int:
    """Forget events that were taken more than 30 days ago; tells how many."""
    return connection.execute(
        text("DELETE FROM webhook_delivery WHERE delivered_at < :before"), {"before": now - timedelta(days=KEPT_DAYS)}
    ).rowcount
