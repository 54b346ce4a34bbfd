"""Who asks with a token: other systems, each with the scope and the area that its token gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from api.errors import ForbiddenError, NotSignedInError, TooManyRequestsError
from api.services.sessions import utc_now
from api.services.throttle import Throttle
from api.settings import Settings
from data import audit
from data.credentials import hash_token
from layers.viewer import Viewer

USED_EVERY_S = 60
_FIND = text(
    "SELECT t.id, t.account_id, a.login, t.scope, t.system, t.path::text AS path, t.expires_at, t.revoked_at, "
    "  t.last_used_at, a.is_active FROM api_token t JOIN account a ON a.id = t.account_id WHERE t.token_hash = :hash"
)
_USE = text(
    "UPDATE api_token SET last_used_at = :now WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :before)"
)


@dataclass(frozen=True)
class Client:
    """A system that asks with a good token.

    Attributes
    ----------
    account_id, name
        Of the account under whose name it acts.
    scope
        `handover` or `open311`.
    system
        `110` or `12345` of a token for hand-overs.
    viewer
        What row-level security lets it do: report in its area, and see what it reported.
    """

    account_id: int
    name: str
    scope: str
    system: str | None
    viewer: Viewer

    @property
    def path(self) -> str:
        """Path of the area that it may report in; "" is everywhere."""
        return self.viewer.map_scope[0]

    def covers(self, path: str) -> bool:
        """Tell whether a place lies in its area."""
        return not self.path or path == self.path or path.startswith(self.path + ".")


class Tokens:
    """The tokens of other systems.

    Parameters
    ----------
    engine
        Of the app's role.
    settings
        Limits of tries.
    clock
        Tells the time.
    """

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine, self._clock = engine, clock
        lock_s = settings.login_lock_s
        self._tries = Throttle(settings.login_tries_per_address, lock_s, clock, window_s=lock_s)

    def find(self, token: str, scope: str, address: str) -> Client:
        """Find whose token it is.

        Parameters
        ----------
        address
            Of the client; counts wrong tries.

        Raises
        ------
        NotSignedInError
            If the token is unknown, has expired or was revoked.
        ForbiddenError
            If it is for something else.
        TooManyRequestsError
            If the address had too many wrong tries.
        """
        wait_s = self._tries.charge(address)
        if wait_s:
            raise TooManyRequestsError(f"尝试次数过多，请 {wait_s} 秒后再试 Too many wrong tokens", wait_s)
        now = self._clock()
        with self._engine.begin() as connection:
            row = connection.execute(_FIND, {"hash": hash_token(token)}).one_or_none()
            fault = "the token is unknown" if row is None else None
            if row is not None and (row.revoked_at is not None or not row.is_active):
                fault = f"the token of {row.login} was revoked"
            elif row is not None and row.expires_at <= now:
                fault = f"the token of {row.login} expired at {row.expires_at:%Y-%m-%d %H:%M} UTC"
            if row is None or fault:
                subject = row.login if row is not None else None
                audit.record(connection, "token.fail", subject=subject, address=address, scope=scope)
            else:
                before = now - timedelta(seconds=USED_EVERY_S)
                connection.execute(_USE, {"id": row.id, "now": now, "before": before})
        if row is None or fault:
            raise NotSignedInError(f"令牌无效 {fault}")
        self._tries.refund(address)
        if row.scope != scope:
            raise ForbiddenError(f"the token of {row.login} is for {row.scope}, not for {scope}")
        viewer = Viewer(account_id=row.account_id, roles=frozenset({row.scope}), map_scope=(row.path,))
        return Client(row.account_id, row.login, row.scope, row.system, viewer)
