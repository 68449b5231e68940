"""Which hosts are of the public internet: what a stranger names may lead nowhere else."""

from __future__ import annotations

import ipaddress
import re

# A name ends in letters: `127.1` and `0x7f.1` are spellings of an address.
_HOST = re.compile(r"([a-z0-9_-]+\.)+[a-z][a-z0-9-]*")
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_RESERVED = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("3fff::/20"))
"""Not global either, but older versions of Python do not know it."""
# They carry an IPv4 address inside, which would escape the check.
_TUNNELS = (ipaddress.ip_network("2001::/32"), ipaddress.ip_network("2002::/16"))


def is_public(address: str) -> bool:
    """Whether an IP address, also one wrapped in another, is a host of the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in _GLOBAL_UNICAST or any(ip in tunnel for tunnel in _TUNNELS):
            return False
    if any(ip in reserved for reserved in _RESERVED):
        return False
    return ip.is_global and not ip.is_multicast


def is_literal(host: str) -> bool:
    """Whether a host is an IP address, which no resolver ever sees."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def may_be_public(host: str, *, onion: bool = False) -> bool:
    """Whether a lowercase host forbids nothing by its spelling alone; its addresses may.

    `onion`: names of hidden services count, because a proxy resolves them.
    """
    if is_literal(host):
        return is_public(host)
    if host.endswith(".onion") and not onion:
        return False
    return bool(_HOST.fullmatch(host)) and not host.endswith(_PRIVATE_NAMES)
