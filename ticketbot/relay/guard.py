"""Which relays may be dialled.

Our own are the operator's word. Every other URL came from a stranger's relay list, so it may
lead only to the public internet: `wss`, no private name or address, and the address that was
checked is the one that is dialled (a second look-up could answer differently).
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from ticketbot.domain.addresses import is_public, may_be_public
from ticketbot.errors import Malformed

_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_MAX_URL = 512


class NotDiallable(Malformed):
    """This is not the URL of a relay that may be dialled."""


def normal(url: str) -> str:
    """`url` in its one spelling: lowercase host, no default port, no empty path or fragment.

    Raises NotDiallable when it is no WebSocket URL at all.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:
        raise NotDiallable(str(error)) from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise NotDiallable(f"{url[:80]!r} is not a ws:// or wss:// address")
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{port}"
    if parts.username is not None:
        netloc = f"{parts.netloc.rpartition('@')[0]}@{netloc}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{'' if parts.path == '/' else parts.path}{query}"


def host_and_port(url: str) -> tuple[str, int]:
    """Where a WebSocket URL leads."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host in the order of the resolver's preference; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Decides for every URL whether, and to which addresses, it may be dialled.

    With `by_name_only` (a proxy resolves for us) no name is looked up here.
    """

    def __init__(
        self, own: Iterable[str], *, allow_private: bool = False, by_name_only: bool = False
    ) -> None:
        self._own = frozenset(own)
        self._allow_private = allow_private
        self._by_name_only = by_name_only

    def permits(self, url: str) -> bool:
        """Whether the spelling of a normal `url` alone forbids nothing; no look-up."""
        if url in self._own:
            return True
        if len(url) > _MAX_URL or not re.fullmatch(r"[\x21-\x7e]+", url):
            return False
        if self._allow_private:
            return True
        parts = urlsplit(url)
        return (
            parts.scheme == "wss"
            and parts.username is None
            and may_be_public(parts.hostname or "", onion=self._by_name_only)
        )

    async def addresses(self, url: str) -> list[str] | None:
        """The checked addresses of a normal `url`; None: dial it by its name.

        Raises NotDiallable, and OSError when the name does not resolve.
        """
        if not self.permits(url):
            raise NotDiallable("not the address of a public relay")
        if url in self._own or self._allow_private or self._by_name_only:
            return None
        addresses = await resolve(*host_and_port(url))
        if not addresses or not all(is_public(address) for address in addresses):
            raise NotDiallable("its name leads to a private address")
        return addresses
