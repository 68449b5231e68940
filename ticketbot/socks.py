"""Through a SOCKS proxy, Tor's for instance: it resolves the names, so that none leaks past it."""

from __future__ import annotations

import socket


async def through(proxy: str, host: str, port: int) -> socket.socket:
    """A connected socket. `proxy` is `socks5://…` or `socks5h://…`; raises OSError."""
    # Imported here: only those who use Tor pay for it.
    from python_socks import ProxyError
    from python_socks.async_.asyncio import Proxy

    try:
        tunnel = Proxy.from_url(proxy.replace("socks5h:", "socks5:", 1), rdns=True)
        return await tunnel.connect(host, port)
    except ProxyError as error:
        raise OSError(f"proxy: {error}") from None
