"""Sign in, stay signed in for a while, sign out."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from api.errors import InvalidCredentialsError, TooManyRequestsError
from api.services.throttle import Throttle, seconds_until
from api.services.viewers import viewer_of
from api.settings import Settings
from data import audit
from data.accounts import ALL_AREAS, Membership, is_login
from data.credentials import NO_PASSWORD, Cost, hash_password, hash_token, make_token, needs_rehash, password_fits
from data.errors import NotFoundError
from data.scope import set_viewer
from layers.viewer import EVERYWHERE, Viewer

CACHE_S = 3  # a change made by another process (a disabled account, a new role) counts after so long at the latest
CACHED_SESSIONS = 10_000
SEEN_EVERY_S = 60
Clock = Callable[[], datetime]

_FIND = text(
    "SELECT s.token_hash, s.csrf_token, s.last_seen_at, s.expires_at, a.id, a.login, a.display_name, "
    "  coalesce(array_agg(ARRAY[m.role, m.path::text, m.department] ORDER BY m.id) "
    "           FILTER (WHERE m.id IS NOT NULL), '{}') AS memberships "
    "FROM session s JOIN account a ON a.id = s.account_id AND a.is_active "
    "LEFT JOIN membership m ON m.account_id = a.id "
    "WHERE s.token_hash = :hash AND s.expires_at > :now AND s.last_seen_at > :idle_since GROUP BY s.token_hash, a.id"
)
_CHARGE = text(
    "UPDATE account SET failed_count = CASE WHEN failed_count + 1 >= :tries THEN 0 ELSE failed_count + 1 END, "
    "  locked_until = CASE WHEN failed_count + 1 >= :tries THEN CAST(:until AS timestamptz) END "
    "WHERE login = :login AND (locked_until IS NULL OR locked_until <= :now) "
    "RETURNING id, password_hash, is_active, locked_until IS NOT NULL AS is_last_try"
)
_NAMES = text(
    "SELECT p.path, coalesce(a.code, g.code) AS code, coalesce(a.name, g.name, g.code) AS name "
    "FROM unnest(CAST(:paths AS text[])) AS p (path) LEFT JOIN area a ON a.path = p.path::ltree "
    "LEFT JOIN LATERAL (SELECT code, name FROM grid WHERE path = p.path::ltree "
    "AND (is_effective OR valid_to IS NOT NULL) ORDER BY is_effective DESC, valid_to DESC LIMIT 1) g ON true"
)


@dataclass(frozen=True)
class Session:
    """A signed-in account.

    Attributes
    ----------
    csrf_token
        What every change must carry beside the cookie.
    viewer
        What the account may see.
    """

    token_hash: str
    csrf_token: str
    expires_at: datetime
    account_id: int
    login: str
    display_name: str
    memberships: tuple[Membership, ...]
    viewer: Viewer


@dataclass(frozen=True)
class Place:
    """A membership with its area's code and name."""

    role: str
    path: str
    code: str
    name: str
    department: str | None


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


class Sessions:
    """The sessions of all accounts; they live in the database, for some seconds also in memory.

    Parameters
    ----------
    engine
        Of the app's role.
    settings
        Limits of time and tries, and the cost of a password.
    clock
        Tells the time.
    """

    def __init__(self, engine: Engine, settings: Settings, clock: Clock = utc_now) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._cost = Cost.of(settings)
        lock_s = settings.login_lock_s
        self._by_address = Throttle(settings.login_tries_per_address, lock_s, clock, window_s=lock_s)
        self._by_unknown_login = Throttle(settings.login_tries, lock_s, clock)
        self._lock = threading.Lock()
        self._cache: dict[str, tuple[datetime, Session]] = {}

    def sign_in(self, login: str, password: str, address: str) -> tuple[str, Session]:
        """Start a session for a login and its password.

        Parameters
        ----------
        address
            Of the client; counts tries.

        Returns
        -------
        token, session
            The cookie's value, of which only the hash is kept, and the session.

        Raises
        ------
        InvalidCredentialsError
            If login and password do not fit, or the account is disabled; which of them is not told.
        TooManyRequestsError
            If the account or the address had too many wrong tries.
        """
        login = login.strip().lower()
        self._charge_address(address, login)
        found = self._charge_account(login, address)
        fits = password_fits(found.password_hash if found else NO_PASSWORD, password, self._cost)
        if found is None or not fits or not found.is_active:
            self._record("session.lock" if found and found.is_last_try else "session.fail", login, address)
            raise InvalidCredentialsError("用户名或密码不正确 The login or the password is wrong")
        self._by_address.refund(address)
        with self._engine.begin() as connection:
            connection.execute(
                text("UPDATE account SET failed_count = 0, locked_until = NULL WHERE id = :id"), {"id": found.id}
            )
            if needs_rehash(found.password_hash, self._cost):
                connection.execute(
                    text("UPDATE account SET password_hash = :hash WHERE id = :id"),
                    {"id": found.id, "hash": hash_password(password, self._cost)},
                )
            return self._start(connection, found.id, address, how="password")

    def sign_in_kiosk(self, token: str, address: str) -> tuple[str, Session]:
        """Start a session for a wall screen's token; it ends with the token at the latest.

        Raises
        ------
        InvalidCredentialsError
            If there is no such token, it has expired, or its account is disabled.
        TooManyRequestsError
            If the address had too many wrong tries.
        """
        self._charge_address(address, "")
        with self._engine.begin() as connection:
            found = connection.execute(
                text(
                    "SELECT a.id, k.expires_at "
                    "FROM kiosk_token k JOIN account a ON a.id = k.account_id AND a.is_active "
                    "WHERE k.token_hash = :hash AND (k.expires_at IS NULL OR k.expires_at > :now)"
                ),
                {"hash": hash_token(token), "now": self._clock()},
            ).one_or_none()
            if found is not None:
                self._by_address.refund(address)
                return self._start(connection, found.id, address, how="kiosk", until=found.expires_at)
            audit.record(connection, "session.fail", address=address, how="kiosk")
        raise InvalidCredentialsError("大屏令牌无效或已过期 The screen's token is unknown or has expired")

    def stand_in(self, login: str) -> tuple[str, Session]:
        """Start a session for an operator who enters what an account could not send itself; it is written down as such.

        Raises
        ------
        NotFoundError
            If there is no such account, or it is disabled.
        """
        with self._engine.begin() as connection:
            values = {"login": login}
            found = connection.execute(
                text("SELECT id FROM account WHERE login = :login AND is_active"), values
            ).scalar()
            if found is None:
                raise NotFoundError(f"there is no active account {login!r}")
            return self._start(connection, found, "command line", how="office")

    def cached(self, token: str) -> Session | None:
        """Give the session of a cookie from memory, if it was looked up a moment ago."""
        with self._lock:
            entry = self._cache.get(hash_token(token))
        return entry[1] if entry and entry[0] > self._clock() else None

    def find(self, token: str) -> Session | None:
        """Look the session of a cookie up, and note that it is in use."""
        now, settings = self._clock(), self._settings
        values = {
            "hash": hash_token(token), "now": now, "idle_since": now - timedelta(seconds=settings.session_idle_s),
        }  # fmt: skip
        with self._engine.begin() as connection:
            row = connection.execute(_FIND, values).one_or_none()
            if row is None:
                return None
            if now - row.last_seen_at >= timedelta(seconds=min(SEEN_EVERY_S, settings.session_idle_s / 4)):
                connection.execute(text("UPDATE session SET last_seen_at = :now WHERE token_hash = :hash"), values)
        session = _session(row)
        with self._lock:
            if len(self._cache) >= CACHED_SESSIONS:
                self._cache.clear()
            self._cache[session.token_hash] = (min(now + timedelta(seconds=CACHE_S), session.expires_at), session)
        return session

    def sign_out(self, session: Session) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(text("DELETE FROM session WHERE token_hash = :hash"), {"hash": session.token_hash})
            audit.record(connection, "session.end", account_id=session.account_id, subject=session.login)
        with self._lock:
            self._cache.pop(session.token_hash, None)

    def places(self, session: Session) -> list[Place]:
        """Name the areas of a session's memberships."""
        with self._engine.begin() as connection:
            set_viewer(connection, session.viewer)
            rows = connection.execute(_NAMES, {"paths": [one.path for one in session.memberships]})
            names = {row.path: (row.code, row.name) for row in rows}
        names[EVERYWHERE] = (ALL_AREAS, "全部区域")
        found = []
        for one in session.memberships:
            code, name = names[one.path]
            label = one.path.rpartition(".")[2]  # of a grid that is no longer in force
            found.append(Place(one.role, one.path, code or label, name or label, one.department or None))
        return found

    def _start(
        self, connection: Connection, account_id: int, address: str, *, how: str, until: datetime | None = None
    ) -> tuple[str, Session]:
        """Write a new session down: always with a new token, whatever cookie came along."""
        now, token = self._clock(), make_token()
        limit = now + timedelta(seconds=self._settings.session_limit_s)
        values = {
            "hash": hash_token(token), "id": account_id, "csrf_token": make_token(), "now": now,
            "expires_at": min(limit, until) if until else limit, "idle_since": now - timedelta(days=1),
        }  # fmt: skip
        connection.execute(text("DELETE FROM session WHERE expires_at <= :now"), values)
        connection.execute(
            text(
                "INSERT INTO session (token_hash, account_id, csrf_token, created_at, last_seen_at, expires_at) "
                "VALUES (:hash, :id, :csrf_token, :now, :now, :expires_at)"
            ),
            values,
        )
        session = _session(connection.execute(_FIND, values).one())
        audit.record(
            connection, "session.start", account_id=account_id, subject=session.login, address=address, how=how
        )
        return token, session

    def _charge_address(self, address: str, login: str) -> None:
        """Count a try of an address."""
        wait_s = self._by_address.charge(address)
        if wait_s:
            self._record("session.refuse", login, address)
            raise _come_back(wait_s)

    def _charge_account(self, login: str, address: str) -> Row[Any] | None:
        """Count a try of an account before its password is looked at; unknown logins behave alike."""
        now = self._clock()
        until = now + timedelta(seconds=self._settings.login_lock_s)
        wait_s = 0
        found = None
        if is_login(login):
            with self._engine.begin() as connection:
                values = {"login": login, "now": now, "until": until, "tries": self._settings.login_tries}
                found = connection.execute(_CHARGE, values).one_or_none()
                if found is not None:
                    return found
                locked_until = connection.execute(
                    text("SELECT locked_until FROM account WHERE login = :login"), values
                ).scalar()
                if locked_until is not None:
                    wait_s = seconds_until(locked_until, now)
        wait_s = wait_s or self._by_unknown_login.charge(login)
        if wait_s:
            self._record("session.refuse", login, address)
            raise _come_back(wait_s)
        return found

    def _record(self, action: str, login: str, address: str) -> None:
        """Write down a refusal; what is no possible login may be a password in the wrong field."""
        with self._engine.begin() as connection:
            audit.record(connection, action, subject=login if is_login(login) else None, address=address)


def _session(row: Row[Any]) -> Session:
    """Make a session from a row of `_FIND`."""
    memberships = tuple(Membership(*one) for one in row.memberships)
    return Session(
        token_hash=row.token_hash, csrf_token=row.csrf_token, expires_at=row.expires_at, account_id=row.id,
        login=row.login, display_name=row.display_name, memberships=memberships,
        viewer=viewer_of(row.id, memberships),
    )  # fmt: skip


def _come_back(wait_s: int) -> TooManyRequestsError:
    """Say when to come back."""
    minutes = -(-wait_s // 60)
    return TooManyRequestsError(
        f"尝试次数过多，请 {minutes} 分钟后再试 Too many wrong tries; come back in {wait_s} seconds", wait_s
    )
