"""Small documents from web servers that strangers name.

They may lead only to the public internet, over https, and only to where they say: no
redirections, no proxies of the environment, no cookies. The addresses that were checked
are the ones that are dialled: each connection resolves anew, through a resolver that knows
no private address, and a literal address, which aiohttp shows to no resolver, is checked
in the URL.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from ticketbot.domain.addresses import is_literal, is_public, may_be_public
from ticketbot.errors import Malformed, Retry
from ticketbot.socks import through

LONGEST_BODY = 64 * 1024
PATIENCE = 5.0
"""Seconds for a whole answer, from the look-up of its name to its last byte."""

_LONGEST_URL = 2_048
_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # printable, and no backslash: parsers disagree on it
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a compressed kilobyte may be a gigabyte
    "User-Agent": "ticketbot",
}


class NotThere(Malformed):
    """At this address is nothing that may be read: forbidden, no such name, or no such answer."""


class Answer(NamedTuple):
    """An HTTP answer; `body` has at most 64 KB."""

    status: int
    body: bytes


class Fetcher:
    """Reads from strangers' servers. Belongs to one event loop.

    `allow_private` is for tests and closed networks: any address, and http for those that
    are literal or local. With `proxy` (`socks5h://…`) names are resolved there.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._allow_private = allow_private
        self._proxy = proxy
        self._tls = tls
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    def is_secure(self, host: str) -> bool:
        """Whether a host (with or without a port) is to be asked over https."""
        try:
            name = URL(f"https://{host}").host or ""
        except ValueError:
            return True
        if name.endswith(".onion"):
            return False  # encrypted already; LUD-16 wants http there
        return not (self._allow_private and (is_literal(name) or name == "localhost"))

    async def get(self, url: str, **query: str) -> Answer:
        """What is answered there, `query` added. NotThere; Retry when there was no answer.

        Neither error repeats the URL.
        """
        checked = self._checked(url).update_query(query)
        try:
            async with (
                asyncio.timeout(self._patience),
                self._open_session().get(checked, allow_redirects=False) as response,
            ):
                if 300 <= response.status < 400:
                    raise NotThere("it leads elsewhere")
                body = await _read(response.content)
                return Answer(response.status, body)
        except TimeoutError:
            raise Retry(f"no whole answer within {self._patience:g} s") from None
        except aiohttp.ClientConnectorDNSError as error:
            raise _unresolved(error.os_error) from None
        # UnicodeError: a host name that no name server could be asked for.
        except (aiohttp.InvalidURL, UnicodeError):
            raise NotThere("no address") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Retry(f"no answer ({type(error).__name__})") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _checked(self, text: str) -> URL:
        """The URL that will be asked; NotThere when its spelling alone forbids it."""
        if len(text) > _LONGEST_URL or not _URL.fullmatch(text):
            raise NotThere("no address")
        try:
            url = URL(text)
            host, port = (url.raw_host or "").lower(), url.port or 0
        except ValueError:
            raise NotThere("no address") from None
        # What is checked here is the object that is asked: one parser, one opinion.
        if not host or "@" in url.raw_authority or not 0 < port < 65_536:
            raise NotThere("not an address of the public internet")
        if self._allow_private:
            permitted = url.scheme in ("https", "http")
        else:
            hidden = host.endswith(".onion")
            permitted = url.scheme == "https" or (hidden and url.scheme == "http")
            permitted = permitted and may_be_public(host, onion=self._proxy is not None)
        if not permitted:
            raise NotThere("not an address of the public internet")
        return url

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
            )
        return self._session

    def _connector(self) -> aiohttp.BaseConnector:
        tls = self._tls or ssl.create_default_context()
        if self._proxy is not None:
            return Tunnels(self._proxy, tls)
        return aiohttp.TCPConnector(
            resolver=None if self._allow_private else PublicResolver(),
            use_dns_cache=False,
            force_close=True,
            ssl=tls,
        )


class PublicResolver(AbstractResolver):
    """Names that lead to a private address, even among others, lead nowhere."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not found or not all(is_public(one["host"]) for one in found):
            raise _Private
        return found

    async def close(self) -> None:
        await self._inner.close()


class Tunnels(aiohttp.BaseConnector):
    """Connections through a SOCKS proxy, which resolves the names."""

    def __init__(self, proxy: str, tls: ssl.SSLContext) -> None:
        super().__init__(force_close=True)
        self._proxy = proxy
        self._tls = tls

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> ResponseHandler:
        host, port = req.url.raw_host or "", req.url.port or 0
        tls, name = (self._tls, host) if req.url.scheme == "https" else (None, None)
        sock = await through(self._proxy, host, port)
        try:
            _, protocol = await self._loop.create_connection(
                self._factory, sock=sock, ssl=tls, server_hostname=name
            )
        except BaseException:
            sock.close()
            raise
        return protocol


class _Private(OSError):
    """The name leads to a private address."""


def _unresolved(error: OSError) -> NotThere | Retry:
    if isinstance(error, _Private):
        return NotThere("its name leads to a private address")
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
        return NotThere("there is no such name")
    return Retry(f"its name could not be resolved ({type(error).__name__})")


async def _read(content: aiohttp.StreamReader) -> bytes:
    body = b""
    while chunk := await content.read(LONGEST_BODY + 1 - len(body)):
        body += chunk
        if len(body) > LONGEST_BODY:
            raise NotThere("it answers more than anybody needs")
    return body
