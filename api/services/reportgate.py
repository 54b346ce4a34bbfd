"""How many reports a network and a place may send, and how many wrong tracking codes: counted in memory."""

import ipaddress
from collections.abc import Callable
from datetime import datetime

from api.errors import TooManyRequestsError
from api.services.throttle import Throttle
from api.settings import Settings

HOUR_S = 3600
_PREFIXES = {4: 24, 6: 56}


class ReportGate:
    """Counts what residents send without an account. Nobody is asked to prove anything; who sends too much waits."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        lock_s = settings.report_lock_s
        self._by_network = Throttle(settings.report_limit_per_address, lock_s, clock, window_s=HOUR_S)
        self._by_place = Throttle(settings.report_limit_per_place, lock_s, clock, window_s=HOUR_S)
        self._codes = Throttle(settings.tracking_tries, lock_s, clock, window_s=HOUR_S)

    def charge_report(self, address: str, place: str) -> None:
        """Count a report before it is taken in.

        Raises
        ------
        TooManyRequestsError
            If its network or its place has sent too many.
        """
        network = network_of(address)
        _refuse(self._by_network.charge(network), "too many reports come from this network")
        try:
            _refuse(self._by_place.charge(place), "too many reports come for this place")
        except TooManyRequestsError:
            self._by_network.refund(network)
            raise

    def refund_report(self, address: str, place: str) -> None:
        """Take back what a report has cost that was known already."""
        self._by_network.refund(network_of(address))
        self._by_place.refund(place)

    def charge_code(self, address: str) -> None:
        """Count a tracking code before it is looked up.

        Raises
        ------
        TooManyRequestsError
            If its network has sent too many wrong ones.
        """
        _refuse(self._codes.charge(network_of(address)), "too many wrong tracking codes come from this network")

    def refund_code(self, address: str) -> None:
        """Take back what a right code has cost."""
        self._codes.refund(network_of(address))


def network_of(address: str) -> str:
    """Name the network of a client's address: one household or company has many addresses in one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network((found, _PREFIXES[found.version]), strict=False))


def _refuse(wait_s: int, why: str) -> None:
    """Say when to come back."""
    if wait_s:
        raise TooManyRequestsError(f"{why}; please come back in {wait_s} s", wait_s)
