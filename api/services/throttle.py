"""Count tries in memory and say when to come back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_KEYS = 10_000  # of the newest tries; bounds the memory that strangers can take


@dataclass(frozen=True)
class _Tries:
    """How many, since when, and until when no more."""

    count: int
    since: datetime
    locked_until: datetime | None = None


class Throttle:
    """At most `limit` tries per key, then a lock for a while, then afresh.

    Parameters
    ----------
    limit
        Tries until the lock.
    lock_s
        Length of the lock, seconds; it begins with the last try.
    clock
        Tells the time.
    window_s
        Seconds after which tries below the limit are forgotten; None remembers them.
    """

    def __init__(self, limit: int, lock_s: int, clock: Callable[[], datetime], *, window_s: int | None = None) -> None:
        self._limit, self._lock_s, self._clock, self._window_s = limit, lock_s, clock, window_s
        self._lock = threading.Lock()
        self._tries: dict[str, _Tries] = {}

    def charge(self, key: str) -> int:
        """Count one try before it is made, so that tries at the same time can't pass each other.

        Returns
        -------
        wait_s
            0 when the try may be made, else the seconds until the next one may.
        """
        now = self._clock()
        with self._lock:
            tries = self._current(key, now)
            if tries.locked_until is not None:
                return seconds_until(tries.locked_until, now)
            count = tries.count + 1
            locked_until = now + timedelta(seconds=self._lock_s) if count >= self._limit else None
            self._tries.pop(key, None)  # to the end: the oldest go first
            self._tries[key] = _Tries(count, tries.since, locked_until)
            if len(self._tries) > MOST_KEYS:
                del self._tries[next(iter(self._tries))]
        return 0

    def refund(self, key: str) -> None:
        """Take back a try that was no wrong one, and the lock it brought."""
        now = self._clock()
        with self._lock:
            tries = self._current(key, now)
            if tries.count:
                self._tries[key] = replace(tries, count=tries.count - 1, locked_until=None)

    def _current(self, key: str, now: datetime) -> _Tries:
        """Give a key's tries that still count."""
        tries = self._tries.get(key)
        if tries is None or (tries.locked_until is not None and now >= tries.locked_until):
            return _Tries(0, now)
        if tries.locked_until is None and self._window_s is not None:
            return tries if now < tries.since + timedelta(seconds=self._window_s) else _Tries(0, now)
        return tries


def seconds_until(then: datetime, now: datetime) -> int:
    """Count the whole seconds until a time, at least 1."""
    return max(1, -int((now - then).total_seconds() // 1))
