"""From a URL to an open link: look-up, proxy, TLS, handshake."""

from __future__ import annotations

import asyncio
import ssl

from ticketbot.errors import Broken
from ticketbot.relay.guard import Guard, host_and_port, resolve
from ticketbot.relay.link import Link, Unreachable
from ticketbot.relay.terms import Timing
from ticketbot.socks import through

ADDRESS_PATIENCE = 5.0
"""Seconds for one address of several: a broken IPv6 route must not hide a working IPv4."""


class Dialer:
    """Opens links, each within `timing.dial` seconds.

    `proxy` is `socks5://…` or `socks5h://…`; either way it is the proxy that resolves names, so
    that none leaks past Tor. Proxies named by the environment are never used.
    """

    def __init__(
        self,
        guard: Guard,
        timing: Timing,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if proxy is not None and not proxy.startswith(("socks5://", "socks5h://")):
            raise Broken(f"the relay proxy {proxy!r} should look like socks5h://127.0.0.1:9050")
        self._guard = guard
        self._timing = timing
        self._proxy = proxy
        self._tls = tls

    async def dial(self, url: str, max_size: int) -> Link:
        """An open link to a normal `url`; raises Unreachable, or NotDiallable."""
        try:
            async with asyncio.timeout(self._timing.dial):
                addresses = await self._guard.addresses(url)
                link = await self._connect(url, max_size, addresses)
                try:
                    await link.opened()
                except BaseException:
                    link.lose("no handshake")
                    raise
                return link
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timing.dial:g} s") from None
        # UnicodeError: a host name that no name server could be asked for.
        except (OSError, UnicodeError) as error:
            raise Unreachable(str(error) or type(error).__name__) from None

    def tls(self) -> ssl.SSLContext:
        """The context that all links share: reading the certificates takes its time."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def _connect(self, url: str, max_size: int, addresses: list[str] | None) -> Link:
        loop = asyncio.get_running_loop()
        host, port = host_and_port(url)
        secure = url.startswith("wss:")
        tls, name = (self.tls(), host) if secure else (None, None)

        def link() -> Link:
            return Link(url, max_size)

        if self._proxy is not None:
            sock = await through(self._proxy, host, port)
            return (await loop.create_connection(link, sock=sock, ssl=tls, server_hostname=name))[1]
        failure = OSError("its name leads nowhere")
        # One by one: asyncio's own race between addresses (happy_eyeballs_delay) fails with an
        # IndexError when it is cancelled (Python 3.11).
        for address in addresses or await resolve(host, port):
            try:
                async with asyncio.timeout(ADDRESS_PATIENCE):
                    made = await loop.create_connection(
                        link, address, port, ssl=tls, server_hostname=name
                    )
                return made[1]
            except OSError as error:
                failure = error
        raise failure
