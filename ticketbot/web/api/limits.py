"""How much one key and one address may ask in a minute."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from aiohttp import web

from ticketbot.domain.when import MINUTE
from ticketbot.limits import Budget
from ticketbot.web.api.problems import Problem

KEYS_BEHIND_ADDRESS = 5  # one address may be a whole venue's


class Limits:
    """Counts requests per key and per address; `clock` gives unix seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys = Budget(per_minute)
        self._addresses = Budget(per_minute * KEYS_BEHIND_ADDRESS)

    def spend_key(self, pubkey: str) -> None:
        """Count a request of this key; `Problem("slow-down")` when it was one too many."""
        if self._keys.spend(pubkey, int(self._clock())) != "fine":
            raise self._too_many()

    def spend_address(self, request: web.Request) -> None:
        """Count a request from this address; `Problem("slow-down")` when it was one too many."""
        if self._addresses.spend(address_of(request), int(self._clock())) != "fine":
            raise self._too_many()

    def check_address(self, request: web.Request) -> None:
        """Count nothing; `Problem("slow-down")` when this address has asked too much already."""
        if self._addresses.is_spent(address_of(request), int(self._clock())):
            raise self._too_many()

    def _too_many(self) -> Problem:
        left = MINUTE - int(self._clock()) % MINUTE
        return Problem("slow-down", headers={"Retry-After": str(left)})


LIMITS = web.AppKey("limits", Limits)


def address_of(request: web.Request) -> str:
    """Where a request comes from: an IPv4 address, or the /64 of an IPv6 one.

    A proxy stands on this machine or in its network: what it says of its client is believed.
    """
    peer = _address(request.remote or "")
    if peer is not None and peer.is_private:
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        peer = _address(told) or peer
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((peer, 64), strict=False))
    return str(peer)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
